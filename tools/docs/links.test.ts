/** What the pages point at is there: files, headings, npm scripts, rigs, commands. */
import assert from 'node:assert/strict';
import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';

const ROOT = join(import.meta.dirname, '..', '..');
const OURS = (name: string): boolean => !['node_modules', '.cache', 'dist', 'data', 'shared'].includes(name);
const pages = globSync('**/*.md', { cwd: ROOT, exclude: (name) => !OURS(name) });
const textOf = (path: string): string => readFileSync(join(ROOT, path), 'utf8');
const withoutCode = (text: string): string => text.replace(/^```[^]*?^```/gm, '').replace(/`[^`\n]*`/g, '');

/** A heading's anchor, as GitHub makes it; tables have anchors of their own. */
const anchorOf = (heading: string): string =>
  heading
    .toLowerCase()
    .replace(/[`*]/g, '')
    .replace(/[^\p{L}\p{N}\s_-]/gu, '')
    .trim()
    .replace(/\s/g, '-');
const anchorsOf = (path: string): string[] =>
  [...textOf(path).matchAll(/^#+ (.+)$|<a id="([^"]+)">/gm)].map(([, heading, id]) => id ?? anchorOf(heading as string));

assert.ok(pages.length > 15 && pages.includes('README.md'));

for (const page of pages) {
  test(`${page}: every link leads somewhere`, () => {
    for (const [, target = ''] of withoutCode(textOf(page)).matchAll(/\]\(([^)\s]+)\)/g)) {
      if (/^[a-z]+:/.test(target)) continue;
      const [file = '', anchor] = target.split('#');
      const path = file === '' ? page : join(dirname(page), decodeURI(file));
      assert.ok(existsSync(join(ROOT, path)), `${target} is not there`);
      if (anchor !== undefined && path.endsWith('.md'))
        assert.ok(anchorsOf(path).includes(decodeURI(anchor)), `${target}: no such heading`);
    }
  });
}

test('every npm script, rig and command that a page names is there', () => {
  const { scripts } = JSON.parse(textOf('package.json')) as { scripts: Record<string, string> };
  // The record of commands can be looked at once it has a command; its fault names it already.
  const commands = new Set(['audit', ...[...textOf('cli/main.ts').matchAll(/name: '(\w+)'/g)].map((match) => match[1])]);
  const rigs = new Set(globSync('test-rigs/*/main.ts', { cwd: ROOT }).map((path) => path.split('/')[1]));
  for (const page of pages) {
    const code = [...textOf(page).matchAll(/^```sh\n([^]*?)^```|`([^`\n]+)`/gm)].map((match) => match[1] ?? match[2]).join('\n');
    for (const [, script = ''] of code.matchAll(/npm run ([\w:-]+)/g))
      assert.ok(Object.hasOwn(scripts, script), `${page}: npm run ${script}`);
    for (const [, rig = ''] of code.matchAll(/npm run rig -- ([\w-]+)/g)) assert.ok(rigs.has(rig), `${page}: rig ${rig}`);
    for (const [, command = ''] of code.matchAll(/(?:^|npx )cityvitals ([a-z]+)/gm))
      assert.ok(commands.has(command), `${page}: cityvitals ${command}`);
  }
});

test('every guide is reached from both READMEs, step by step, in the language of the README where there is one', () => {
  const isChinese = (page: string): boolean => page.endsWith('.zh-CN.md');
  for (const start of ['README.md', 'README.zh-CN.md']) {
    // The other language's page is no step: it would lend what this one lacks.
    const isOther = (page: string): boolean => (isChinese(start) ? pages.includes(page.replace(/\.md$/, '.zh-CN.md')) : isChinese(page));
    const reached = new Set([start]);
    for (const page of reached) {
      for (const [, target = ''] of withoutCode(textOf(page)).matchAll(/\]\(([^)\s#]+)[^)\s]*\)/g)) {
        const path = join(dirname(page), decodeURI(target));
        if (pages.includes(path) && !path.startsWith('README') && !isOther(path)) reached.add(path);
      }
    }
    const guides = pages.filter(
      (page) => /^docs\/(?:(?:drivers|faults|configuration)\/)?[\w.-]+\.md$/.test(page) || /^drivers\/\w[\w-]*\/README\.md$/.test(page),
    );
    assert.ok(guides.length > 20);
    assert.deepEqual(guides.filter((page) => !isOther(page) && !reached.has(page)), [], start);
  }
});
