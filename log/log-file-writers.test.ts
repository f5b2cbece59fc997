/** When the write-ahead log is written back: by pages on a quick disk, by four times as many on a slow one. */
import assert from 'node:assert/strict';
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { memoryDir } from '../core/testing/temp-dir.ts';
import { StorageEngine } from './storage-engine.ts';

/** The least: files of 64 KB. */
const MARK_PAGES = 8;
const FRAME_BYTES = 4096 + 24;

/** The most frames that the write-ahead log of a file came to hold. */
async function mostFrames(commitMs: number): Promise<number> {
  const { dir, remove } = await memoryDir();
  let nowMs = 0;
  const engine = new StorageEngine(() => (nowMs += commitMs));
  try {
    engine.open({ dir, chains: ['log'], origins: false, maxBytes: 64 << 20, maxFileBytes: 128 << 10, ballastBytes: 0, nowMs: 1 });
    const file = { name: 'log-1-1.db', epoch: 1, first: 1 };
    for (let seq = 1; seq <= 60; seq += 1) {
      engine.commit({
        chain: 'log',
        file,
        groups: [{ seq, count: 1, payload: new Uint8Array(10) }],
        ...(seq === 1 && { state: '{}' }),
        monotonicMs: seq,
      });
      while (engine.runMaintenanceStep());
    }
    const log = readdirSync(dir).find((name) => name === 'log-1-1.db-wal');
    return Math.floor((statSync(join(dir, log as string)).size - 32) / FRAME_BYTES);
  } finally {
    engine.close();
    await remove();
  }
}

test('a quick disk writes back at the mark, a slow one at four times the mark, each within a commit', async () => {
  const [quick, atBound, slow] = [await mostFrames(1), await mostFrames(5), await mostFrames(50)];
  assert.ok(quick >= MARK_PAGES && quick <= MARK_PAGES + 3, `${quick} frames`);
  assert.equal(atBound, quick);
  assert.ok(slow >= 4 * MARK_PAGES && slow <= 4 * MARK_PAGES + 3, `${slow} frames`);
});

test('each time that the file itself has changed is one checkpoint, of three forced writes', async (t) => {
  const { dir, remove } = await memoryDir();
  t.after(remove);
  const engine = new StorageEngine();
  engine.open({ dir, chains: ['log'], origins: false, maxBytes: 64 << 20, maxFileBytes: 4 << 20, ballastBytes: 0, nowMs: 1 });
  const file = { name: 'log-1-1.db', epoch: 1, first: 1 };
  const changed = () => statSync(join(dir, file.name), { bigint: true, throwIfNoEntry: false })?.mtimeNs;
  let before = changed();
  let changes = 0;
  let forced = 0;
  for (let seq = 1; seq <= 300; seq += 1) {
    const { fsyncs, checkpoints } = engine.stats();
    engine.commit({
      chain: 'log',
      file,
      groups: [{ seq, count: 1, payload: new Uint8Array(3000) }],
      ...(seq === 1 && { state: '{}' }),
      monotonicMs: 0,
    });
    if (before !== undefined && changed() !== before) changes += 1;
    const after = engine.stats();
    if (seq > 1) forced += after.fsyncs - fsyncs - 1 - 3 * (after.checkpoints - checkpoints);
    before = changed();
    while (engine.runMaintenanceStep()) if (changed() !== before) {
      changes += 1;
      before = changed();
    }
  }
  // The last one is counted by the next commit.
  engine.commit({ chain: 'log', file, groups: [{ seq: 301, count: 1, payload: new Uint8Array(10) }], monotonicMs: 0 });
  assert.ok(changes > 1, `${changes}`);
  assert.deepEqual([engine.stats().checkpoints, forced], [changes, 0]);
  engine.close();
});
