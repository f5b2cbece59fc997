import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { promisify } from 'node:util';
import { tempDir } from '../core/testing/temp-dir.ts';
import { slowestLines } from './summary-reporter.ts';

const run = promisify(execFile);
const REPORTER = join(import.meta.dirname, 'summary-reporter.ts');

async function reported(t: TestContext, source: string): Promise<string> {
  const { dir, remove } = await tempDir();
  t.after(remove);
  const file = join(dir, 'a.test.mjs');
  await writeFile(file, `import { test } from 'node:test';\n${source}`);
  // Within a test file the runner would report to this one.
  const { NODE_TEST_CONTEXT: _, ...env } = process.env;
  return (await run(process.execPath, ['--test', `--test-reporter=${REPORTER}`, file], { env })).stdout;
}

test('skipped tests are counted by what they wanted, the most first; subtests too', async (t) => {
  const line = await reported(t, `
test('a', { skip: 'no ffmpeg' }, () => {});
test('b', { skip: 'no recordings' }, () => {});
test('c', async (t) => { await t.test('d', { skip: 'no recordings' }, () => {}); });
test('e', (t) => t.skip());
test('f', { skip: false }, () => {});
`);
  assert.equal(line, '4 tests were skipped / 已跳过 4 项测试：no recordings (2); no ffmpeg (1); no reason given (1)\n');
});

test('where none is skipped nothing is said', async (t) => assert.equal(await reported(t, "test('a', () => {});"), ''));

test('of many files the ten slowest are named, of few none', async (t) => {
  const files = (count: number) =>
    new Map(Array.from({ length: count }, (_, index) => [join(process.cwd(), `core/${index}.test.ts`), index * 1000 + 40]));
  assert.equal(slowestLines(files(19)), '');
  const lines = slowestLines(files(30)).trimEnd().split('\n');
  assert.equal(lines.length, 11);
  assert.deepEqual([lines[1], lines[10]], ['   29.0 s  core/29.test.ts', '   20.0 s  core/20.test.ts']);
  const { dir, remove } = await tempDir();
  t.after(remove);
  const paths = Array.from({ length: 20 }, (_, index) => join(dir, `${index}.test.mjs`));
  for (const path of paths) await writeFile(path, "import { test } from 'node:test';\ntest('a', () => {});");
  const { NODE_TEST_CONTEXT: _, ...env } = process.env;
  const { stdout } = await run(process.execPath, ['--test', `--test-reporter=${REPORTER}`, ...paths], { env, cwd: dir });
  assert.match(stdout, /^slowest test files [^\n]*\n(?: +\d+\.\d s {2}\d+\.test\.mjs\n){10}$/);
});
