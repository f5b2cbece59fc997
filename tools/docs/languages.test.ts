/** A guide that has a page a language says the same on both: headings, code, links, tables, names. Only the words differ. */
import assert from 'node:assert/strict';
import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join, posix } from 'node:path';
import { test } from 'node:test';
import { FAULTS } from '../../core/faults.ts';
import '../../cli/all-faults.ts';

const ROOT = join(import.meta.dirname, '..', '..');
const CHINESE = globSync('{docs/**/*.zh-CN.md,README.zh-CN.md,SECURITY.zh-CN.md}', { cwd: ROOT }).toSorted();
const HAN = /\p{Script=Han}/u;
/** The product's own name, the way to the other page, and a label of the console stand as they are. */
const LEFT_IN_CHINESE = /^# cityvitals 城市体征$|^\[中文\]|\*中文\*/;
/** A whole text has about 1.5 Chinese characters for each English word; a digest has 0.2 to 0.6. */
const FEWEST_CHARACTERS_PER_WORD = 1.1;

const textOf = (path: string): string => readFileSync(join(ROOT, path), 'utf8');
const englishOf = (path: string): string => path.replace('.zh-CN.md', '.md');
/** Without comments, and of a tree of folders the names alone. */
const blocksOf = (text: string): string[] =>
  [...text.matchAll(/^```[^]*?^```/gm)].map(([block]) =>
    block.replaceAll(/(?:^|[ \t]+)# .*$/gm, '').replaceAll(/^( *[\w-]+\/) +.*$/gm, '$1'),
  );
const withoutBlocks = (text: string): string => text.replaceAll(/^```[^]*?^```/gm, '');
const namesOf = (text: string): string[] =>
  [...new Set([...withoutBlocks(text).matchAll(/`([^`\n]+)`/g)].map(([, name]) => name as string))].toSorted();
const prose = (text: string): string =>
  withoutBlocks(text)
    .replaceAll(/`[^`\n]*`/g, '')
    .replaceAll(/\]\([^)]*\)/g, ']');
const headingsOf = (text: string): number[] => [...withoutBlocks(text).matchAll(/^(#+) /gm)].map(([, marks]) => (marks as string).length);
/** Rows of lists and tables, these with their number of columns. */
const shapeOf = (text: string): string[] =>
  withoutBlocks(text)
    .split('\n')
    .filter((line) => /^(?:\||- |\d+\. )/.test(line))
    .map((line) => (line.startsWith('|') ? `| ${line.split(/(?<!\\)\|/).length - 2}` : line.startsWith('-') ? '-' : '1.'));

interface Link {
  file: string;
  hasAnchor: boolean;
}

const linksOf = (path: string): Link[] =>
  [
    ...withoutBlocks(textOf(path))
      .replaceAll(/`[^`\n]*`/g, '')
      .matchAll(/\]\(([^)\s]+)\)/g),
  ].map(([, target = '']) => {
    const [file = '', anchor] = target.split('#');
    return { file: /^[a-z]+:/.test(file) ? file : file === '' ? path : posix.join(dirname(path), file), hasAnchor: anchor !== undefined };
  });

test('there are guides in two languages', () => {
  assert.ok(CHINESE.length >= 5);
  assert.deepEqual(CHINESE.filter((path) => !existsSync(join(ROOT, englishOf(path)))), []);
});

for (const path of CHINESE) {
  const [chinese, english] = [textOf(path), textOf(englishOf(path))];

  test(`${path}: headings, lists, tables, code and names are those of the English page`, () => {
    assert.deepEqual(headingsOf(chinese), headingsOf(english), 'levels of the headings');
    assert.deepEqual(shapeOf(chinese), shapeOf(english), 'lists and tables');
    assert.deepEqual(blocksOf(chinese), blocksOf(english), 'code, comments aside');
    assert.deepEqual(namesOf(chinese), namesOf(english), 'names in backticks');
  });

  test(`${path}: links lead to the same places, each in the page's own language`, () => {
    const sameIn = (from: string) =>
      linksOf(from)
        .map(({ file, hasAnchor }) => `${englishOf(file).replace('.zh-CN.png', '.png')}${hasAnchor ? '#' : ''}`)
        .toSorted();
    assert.deepEqual(sameIn(path), sameIn(englishOf(path)));
    const other = linksOf(englishOf(path)).filter(({ file }) => file.endsWith('.zh-CN.md')).map(({ file }) => file);
    assert.deepEqual(other, [path], 'the English page leads to Chinese in one place, to its own other language');
    const toEnglish = linksOf(path)
      .filter(({ file }) => CHINESE.includes(file.replace(/\.md$/, '.zh-CN.md')) && !file.endsWith('.zh-CN.md'))
      .map(({ file }) => file);
    assert.deepEqual(toEnglish, [englishOf(path)], 'and so does the Chinese one');
  });

  test(`${path}: each page is a whole text in one language`, () => {
    const characters = [...prose(chinese)].filter((character) => HAN.test(character)).length;
    const words = (prose(english).match(/[A-Za-z][\w'’-]*/g) ?? []).length;
    assert.ok(characters / words >= FEWEST_CHARACTERS_PER_WORD, `${characters} characters for ${words} words`);
    const mixed = prose(english).split('\n').filter((line) => HAN.test(line) && !LEFT_IN_CHINESE.test(line));
    assert.deepEqual(mixed, []);
  });
}

test('what a fault says in Chinese names the Chinese page', () => {
  const named = Object.entries(FAULTS).flatMap(([code, { zh }]) =>
    [...zh.join(' ').matchAll(/docs\/([\w-]+)\.md/g)].map(([, page]) => ({ code, page })),
  );
  assert.deepEqual(
    named.filter(({ page }) => CHINESE.includes(`docs/${page}.zh-CN.md`)),
    [],
  );
});
