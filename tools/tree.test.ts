/** The trees in README and CONTRIBUTING are the folders that there are: one line each. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

const ROOT = join(import.meta.dirname, '..');
/** Made by set-up and by programs that run. */
const MADE = new Set(['node_modules/', 'dist/', 'data/', 'gateway/console-dist/']);
/** Their folders are read one by one where they are used: a set-up, a rig, a guide's files. */
const WITHOUT_FOLDERS = new Set(['configs/', 'docs/', 'test-rigs/']);

/** @param path '' or `a/` */
const foldersIn = (path: string): string[] =>
  readdirSync(join(ROOT, path), { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && !entry.name.startsWith('.'))
    .map(({ name }) => `${path}${name}/`)
    .filter((folder) => !MADE.has(folder));

/** @returns the folders of the first tree on a page, `a/` and, below it, `a/b/`; each needs words beside it */
function treeOn(page: string): string[] {
  const block = /```\n((?: *[\w-]+\/ +\S.*\n)+)```/.exec(readFileSync(join(ROOT, page), 'utf8'))?.[1] ?? '';
  let parent = '';
  return block.trimEnd().split('\n').map((line) => {
    const [, indent = '', name = ''] = /^( *)([\w-]+\/)/.exec(line) ?? [];
    if (indent === '') return parent = name;
    return parent + name;
  });
}

test('README shows each folder of the project, in both languages', () => {
  const folders = foldersIn('').toSorted();
  assert.ok(folders.length > 10);
  for (const page of ['README.md', 'README.zh-CN.md']) assert.deepEqual(treeOn(page).toSorted(), folders, page);
});

test('CONTRIBUTING shows each folder of two levels', () => {
  const folders = foldersIn('').flatMap((folder) => [folder, ...(WITHOUT_FOLDERS.has(folder) ? [] : foldersIn(folder))]);
  assert.deepEqual(treeOn('CONTRIBUTING.md').toSorted(), folders.toSorted());
});
