import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { promisify } from 'node:util';
import { tempDir } from '../core/testing/temp-dir.ts';

const run = promisify(execFile);
const REPORTER = join(import.meta.dirname, 'skipped-reporter.ts');

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
