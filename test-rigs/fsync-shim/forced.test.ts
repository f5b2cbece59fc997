/** What is acknowledged was forced to disk: a killed process cannot show it, since the system keeps what it wrote. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { shimAvailable, slowDisk } from './shim.ts';

const skip = (await shimAvailable()) ? false : 'gcc is not installed';

/** Forced writes of files whose path has `path` in it, from one count of `commits.ts` to the next. */
async function forced(what: string, path: string): Promise<number[]> {
  const dir = await mkdtemp(join(tmpdir(), 'cityvitals-forced-'));
  try {
    const counters = join(dir, 'counters');
    const { stdout } = await promisify(execFile)(process.execPath, [join(import.meta.dirname, 'commits.ts'), what, dir, counters], {
      env: { ...process.env, ...(await slowDisk({ path, count: counters })) },
    });
    const calls = JSON.parse(stdout) as number[];
    return calls.slice(1).map((total, index) => total - (calls[index] as number));
  } finally {
    await rm(dir, { recursive: true });
  }
}

test('each commit to a log forces its write-ahead log, and sealing forces the file', { skip }, async () => {
  const writeAhead = await forced('log', 'a.db-wal');
  assert.ok(writeAhead.slice(0, 5).every((calls) => calls >= 1), `${writeAhead}`);
  // The write-ahead log's name has the file's in it. The pages that are written back, then the header.
  const both = await forced('log', 'a.db');
  assert.ok((both[5] as number) - (writeAhead[5] as number) >= 2, `${both}, ${writeAhead}`);
});

test('a new file of a log is forced before anybody relies on it', { skip }, async () => {
  const [calls = 0] = await forced('prepared', 'a.db');
  assert.ok(calls >= 1);
});

test('each transaction of a database of the gateway forces its write-ahead log, whoever else reads the file', { skip }, async () => {
  for (const what of ['database', 'shared']) {
    const calls = await forced(what, 'a.db-wal');
    assert.equal(calls.length, 5);
    assert.ok(calls.every((one) => one >= 1), `${what}: ${calls}`);
  }
});

test('the head file of a log is forced with the first commit, every five seconds, and at the end', { skip }, async () => {
  assert.deepEqual(await forced('head', '/head'), [1, 0, 0, 1, 0, 1]);
});
