/** docs/architecture names files that are there; each answer's file has what is named beside it; both languages name the same. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

const ROOT = join(import.meta.dirname, '..');
const PAGES = ['docs/architecture.md', 'docs/architecture.zh-CN.md'] as const;
const QUESTIONS = 22;

const textOf = (path: string): string => readFileSync(join(ROOT, path), 'utf8');
/** In the order of the page, each as often as it is named. */
const pathsOn = (page: string): string[] => [...textOf(page).matchAll(/`([\w.-]+\/[\w./-]*)`/g)].map(([, path = '']) => path);
const answersOn = (page: string): { path: string; identifier: string }[] =>
  [...textOf(page).matchAll(/^\| .+ \| `([\w./-]+\.tsx?)` \| `(\w+)` \|$/gm)]
    .map(([, path = '', identifier = '']) => ({ path, identifier }));

test('every file and folder that the page names is there', () => {
  for (const page of PAGES) {
    const paths = pathsOn(page);
    assert.ok(paths.length > 40, page);
    assert.deepEqual(paths.filter((path) => !existsSync(join(ROOT, path))), [], page);
  }
});

test('each answer\'s file has what is named beside it', () => {
  for (const page of PAGES) {
    const answers = answersOn(page);
    assert.equal(answers.length, QUESTIONS, page);
    assert.deepEqual(answers.filter(({ path, identifier }) => !new RegExp(`\\b${identifier}\\b`).test(textOf(path))), [], page);
  }
});

test('both languages name the same files in the same order', () => {
  assert.deepEqual(pathsOn(PAGES[1]), pathsOn(PAGES[0]));
  assert.deepEqual(answersOn(PAGES[1]), answersOn(PAGES[0]));
});

test('every station of infer\'s line has its folder on the page', () => {
  const imports = textOf('edge/infer/line.ts').matchAll(/from '\.\/([\w-]+)\/[\w-]+\.ts'/g);
  const imported = [...imports].map(([, folder]) => `edge/infer/${folder}/`);
  const named = pathsOn(PAGES[0]);
  assert.deepEqual([...new Set(imported)].filter((folder) => !named.some((path) => path.startsWith(folder))), []);
});
