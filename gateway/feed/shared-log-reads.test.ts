import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Cursor, StoredGroup } from '../../log/types.ts';
import { SharedLogReads } from './shared-log-reads.ts';

const LIMIT = { maxGroups: 10, maxBytes: 1000 };
const group = (seq: number): StoredGroup => ({ epoch: 1, seq, count: 1, payload: new Uint8Array(1) });

function scripted() {
  const reads: { after: Cursor; answer: (groups: StoredGroup[]) => void; fail: (error: Error) => void }[] = [];
  const shared = new SharedLogReads({ read: (after) => new Promise((answer, fail) => { reads.push({ after, answer, fail }); }) }, LIMIT);
  return { reads, shared };
}

test('who stands at the same place reads the same', async () => {
  const { reads, shared } = scripted();
  const both = [shared.after({ epoch: 1, seq: 0 }, 1), shared.after({ epoch: 1, seq: 0 }, 1)];
  assert.equal(reads.length, 1);
  reads[0]?.answer([group(1)]);
  for (const groups of await Promise.all(both)) assert.deepEqual(groups.map(({ seq }) => seq), [1]);
  assert.deepEqual((await shared.after({ epoch: 1, seq: 0 }, 5)).length, 1);
  assert.equal(reads.length, 1);
});

test('a read that may have missed the newest append is not shared, nor is one that gave nothing or failed', async () => {
  const { reads, shared } = scripted();
  const early = shared.after({ epoch: 1, seq: 0 }, 1);
  const late = shared.after({ epoch: 1, seq: 0 }, 2);
  assert.equal(reads.length, 2);
  reads[0]?.answer([]);
  reads[1]?.answer([group(1)]);
  assert.deepEqual([(await early).length, (await late).length], [0, 1]);
  const empty = shared.after({ epoch: 1, seq: 1 }, 2);
  reads[2]?.answer([]);
  await empty;
  const failing = shared.after({ epoch: 1, seq: 1 }, 2);
  assert.equal(reads.length, 4);
  reads[3]?.fail(new Error('broken'));
  await assert.rejects(failing);
  void shared.after({ epoch: 1, seq: 1 }, 2);
  assert.equal(reads.length, 5);
});

test('only the newest reads are kept', async () => {
  const { reads, shared } = scripted();
  for (let seq = 0; seq < 20; seq += 1) {
    const read = shared.after({ epoch: 1, seq }, 1);
    reads.at(-1)?.answer([group(seq + 1)]);
    await read;
  }
  void shared.after({ epoch: 1, seq: 19 }, 1);
  assert.equal(reads.length, 20);
  void shared.after({ epoch: 1, seq: 0 }, 1);
  assert.equal(reads.length, 21);
});
