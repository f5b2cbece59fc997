/** Decision notes are cited by their number: each has one of its own, and what cites one finds it. */
import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { readSources } from './imports.ts';

const ROOT = join(import.meta.dirname, '..');
const NOTES = join(ROOT, 'docs', 'decisions');
const notes = globSync('*', { cwd: NOTES });
const numberOf = (name: string): string => name.slice(0, 4);

test('every decision note has a number of its own, the same in its heading where that has one', () => {
  assert.ok(notes.length > 20);
  assert.deepEqual(notes.filter((name) => !/^\d{4}-[a-z0-9-]+\.md$/.test(name)), []);
  assert.deepEqual(notes.filter((name) => notes.some((other) => other < name && numberOf(other) === numberOf(name))), []);
  const headings = notes.map((name) => [name, /^# (\d+)\b/.exec(readFileSync(join(NOTES, name), 'utf8'))?.[1]] as const);
  assert.deepEqual(headings.filter(([name, number]) => number !== undefined && Number(number) !== Number(numberOf(name))), []);
});

test('a decision that a comment cites is there', () => {
  const cited = readSources(ROOT).flatMap(({ path, text }) =>
    [...text.matchAll(/docs\/decisions\/(\d{4}(?:-[a-z0-9-]+)?)/g)].map(([, note]) => ({ path, note: note as string })),
  );
  assert.ok(cited.length > 3);
  assert.deepEqual(cited.filter(({ note }) => !notes.some((name) => name === `${note}.md` || numberOf(name) === note)), []);
});
