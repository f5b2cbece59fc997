import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { brokenArrows, readSources, rings, tooLong, worldTouches, type SourceFile } from './imports.ts';

const files = readSources(join(import.meta.dirname, '..'));

test('imports go down only', () => assert.deepEqual(brokenArrows(files), []));
test('no ring of imports', () => assert.deepEqual(rings(files), []));
test('clock, timers, chance, console and environment come in as arguments', () => assert.deepEqual(worldTouches(files), []));
test('no source file is over 500 lines', () => assert.deepEqual(tooLong(files), []));
test('sources were found in every layer', () => assert.ok(files.length > 50));
test('sample drivers are checked too', () => assert.ok(files.some(({ path }) => path === 'docs/samples/gauge/driver.ts')));

const file = (path: string, text: string, imports: string[] = []): SourceFile => ({ path, text, imports });

test('the checker sees what it is there for', () => {
  assert.deepEqual(brokenArrows([file('core/a.ts', '', ['edge/b.ts'])]).length, 1);
  assert.deepEqual(brokenArrows([file('edge/a.ts', '', ['gateway/b.ts'])]).length, 1);
  assert.deepEqual(brokenArrows([file('drivers/x/a.ts', '', ['drivers/y/b.ts'])]).length, 1);
  assert.deepEqual(brokenArrows([file('docs/samples/x/a.ts', '', ['edge/b.ts'])]).length, 1);
  assert.deepEqual(brokenArrows([file('edge/host/a.ts', '', ['drivers/index.ts'])]).length, 1);
  assert.deepEqual(brokenArrows([file('gateway/a.ts', '', ['test-rigs/b.ts'])]).length, 1);
  assert.deepEqual(rings([file('a.ts', '', ['b.ts']), file('b.ts', '', ['a.ts'])]), ['a.ts → b.ts → a.ts']);
  assert.deepEqual(worldTouches([file('edge/a.ts', 'const now = Date.now();')]), ['edge/a.ts:1: Date.now']);
  assert.deepEqual(tooLong([file('a.ts', '\n'.repeat(501))]), ['a.ts: 501 lines']);
});
