/** The generated references are as their sources say: what a setting, a fault or an indicator is, in both languages. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { allPages } from './pages.ts';

const ROOT = join(import.meta.dirname, '..', '..');

test('no generated page is older than its source; `npm run docs` writes them', async () => {
  const pages = Object.entries(await allPages()) as [path: string, text: string][];
  assert.ok(pages.length > 10, 'there are pages');
  assert.deepEqual(pages.filter(([path, text]) => readFileSync(join(ROOT, path), 'utf8') !== text).map(([path]) => path), []);
});
