/** When the write-ahead log is written back: by pages on a quick disk, by four times as many on a slow one. */
import assert from 'node:assert/strict';
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { memoryDir } from '../core/testing/temp-dir.ts';
import { Engine } from './engine.ts';

/** The least: files of 64 KB. */
const MARK_PAGES = 8;
const FRAME_BYTES = 4096 + 24;

/** The most frames that the write-ahead log of a file came to hold. */
async function mostFrames(commitMs: number): Promise<number> {
  const { dir, remove } = await memoryDir();
  let nowMs = 0;
  const engine = new Engine(() => (nowMs += commitMs));
  try {
    engine.open({ dir, chains: ['log'], origins: false, maxBytes: 64 << 20, maxFileBytes: 128 << 10, ballastBytes: 0, nowMs: 1 });
    const file = { name: 'log-1-1.db', epoch: 1, first: 1 };
    for (let seq = 1; seq <= 60; seq += 1) {
      engine.commit({ chain: 'log', file, groups: [{ seq, count: 1, payload: new Uint8Array(10) }], ...(seq === 1 && { state: '{}' }), monotonicMs: seq });
      while (engine.tidy());
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
