/** The thread of a log, and the process around it: work under way keeps that alive, an idle log does not. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { memoryDir } from '../core/testing/temp-dir.ts';
import type { LogStorage, StorageOpenRequest } from './storage.ts';
import { isSealedFile } from './database-file.ts';
import { directStorage, workerStorage } from './worker-storage.ts';

const REQUEST: Omit<StorageOpenRequest, 'dir'> = { chains: ['log'], origins: false, maxBytes: 64 << 20, nowMs: 1_760_000_000_000 };

test('a process whose log is idle ends by itself, after everything that was asked of it is answered', async (t) => {
  const { dir, remove } = await memoryDir();
  t.after(remove);
  const program = `
    import(${JSON.stringify(join(import.meta.dirname, 'worker-storage.ts'))}).then(async ({ workerStorage }) => {
      const storage = workerStorage();
      const { epoch } = await storage.open(${JSON.stringify({ ...REQUEST, dir })});
      const answers = await Promise.all([storage.stats(), storage.disk(), storage.setAside({ line: 'x' })]);
      process.stdout.write(JSON.stringify([epoch >= ${REQUEST.nowMs}, answers.length, answers[2]]));
    });`;
  const { stdout } = await promisify(execFile)(process.execPath, ['-e', program], { timeout: 30_000 });
  assert.deepEqual(JSON.parse(stdout), [true, 3, null]);
});

test('a thread that fails says why, to whoever asked and to whoever asks later', async () => {
  // A thread takes the process's own flags, and this one it cannot.
  const program = `
    import(${JSON.stringify(join(import.meta.dirname, 'worker-storage.ts'))}).then(async ({ workerStorage }) => {
      const storage = workerStorage();
      const details = [];
      for (let twice = 0; twice < 2; twice += 1) await storage.stats().catch((error) => details.push(error.failure.detail));
      process.stdout.write(JSON.stringify(details));
    });`;
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', program], { timeout: 30_000 });
  const [first, second] = JSON.parse(stdout) as string[];
  assert.match(String(first), /^log worker failed: .*input-type/);
  assert.equal(second, first);
});

test('after its end every call is refused with the reason, and a second close is nothing', async (t) => {
  const { dir, remove } = await memoryDir();
  t.after(remove);
  const storage = workerStorage();
  await storage.open({ ...REQUEST, dir });
  assert.equal(await storage.close(), null);
  await assert.rejects(storage.stats(), {
    name: 'StorageError',
    failure: { code: 'WORKER', detail: 'log worker exited (1)', needsNewFile: true, locked: false },
  });
  assert.equal(await storage.close(), null);
});

test('payloads that are slices of one buffer come back as they were, and a failure as it was', async (t) => {
  const { dir, remove } = await memoryDir();
  t.after(remove);
  for (const [name, storage] of [['direct', directStorage()], ['thread', workerStorage()]] as const) {
    await storage.open({ ...REQUEST, dir: join(dir, name) });
    const whole = Buffer.from('abcdefgh');
    const file = { name: 'log-1-1.db', epoch: 1, first: 1 };
    const groups = [{ seq: 1, count: 1, payload: whole.subarray(1, 3) }, { seq: 2, count: 2, payload: whole.subarray(5) }];
    await storage.commit({ chain: 'log', file, groups, state: '{}', monotonicMs: 0 });
    const { groups: found } = await storage.read({ chain: 'log', parts: [{ ...file, from: 1, to: 3 }], maxGroups: 9, maxBytes: 99 });
    assert.deepEqual(found.map(({ seq, payload }) => [seq, Buffer.from(payload).toString()]), [[1, 'bc'], [2, 'fgh']]);
    assert.equal(whole.toString(), 'abcdefgh');
    await assert.rejects(storage.commit({ chain: 'log', file: { ...file, name: 'log-1-4.db', first: 4 }, groups, monotonicMs: 0 }), {
      failure: { code: 'STATE_MISSING', detail: 'new file without state: log-1-4.db', needsNewFile: true, locked: false, retryable: true },
    });
    await storage.close();
  }
});

/** Everything that a storage can be asked, once; what is free on the disk is another matter each time. */
async function answersOf(storage: LogStorage, dir: string): Promise<unknown[]> {
  const file = (first: number) => ({ name: `log-1-${first}.db`, epoch: 1, first });
  const origin = { sender: 'a', stream: 'state', epoch: 5, seq: 1, span: 1, receivedAt: 9 } as const;
  const commit = (first: number) => storage.commit({
    chain: 'log', file: file(first), groups: [{ seq: first, count: 1, payload: Buffer.from('abc'), origin }],
    state: '{}', trimmed: 't', settled: '[1]', monotonicMs: 0,
  });
  const opened = await storage.open({ ...REQUEST, origins: true, ballastBytes: 0, dir });
  const commits = [await commit(1), await commit(2)];
  // A thread does the rest between two calls.
  for (let calls = 0; calls < 10_000 && !isSealedFile(join(dir, 'log-1-1.db')); calls += 1) await storage.disk();
  assert.equal(isSealedFile(join(dir, 'log-1-1.db')), true);
  const read = await storage.read({ chain: 'log', parts: [{ ...file(1), from: 1, to: 1 }], maxGroups: 9, maxBytes: 99 });
  const answers = [
    opened.chains, opened.epoch > 0, commits.map(({ bytes }) => bytes),
    read.groups.map(({ payload, ...group }) => [group, Buffer.from(payload).toString()]), read.missing, read.salvages,
    await storage.replay({ file: file(1), last: 1 }),
    (await storage.remove({ names: [file(1).name] })).ballast,
    await storage.setAside({ line: 'x' }), readFileSync(join(dir, 'quarantine.jsonl'), 'utf8'),
    (await storage.disk()).wantedBytes,
    (await storage.stats()).commits,
  ];
  await assert.rejects(storage.commit({ chain: 'log', file: file(1), groups: [], state: '{}', monotonicMs: 0 }), { name: 'StorageError' });
  assert.equal(await storage.close(), null);
  // Closed, a file stands without its write-ahead log.
  return [...answers, readdirSync(dir).toSorted()];
}

test('a thread answers whatever it is asked as it is answered without one', async (t) => {
  const { dir, remove } = await memoryDir();
  t.after(remove);
  const direct = await answersOf(directStorage(), join(dir, 'direct'));
  assert.deepEqual(await answersOf(workerStorage(), join(dir, 'thread')), direct);
});
