import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { test, type TestContext } from 'node:test';
import { tempDir } from '../testing/temp-dir.ts';
import { VirtualClock } from '../testing/virtual-clock.ts';
import { EvidenceFolder, keptIn } from './folder.ts';

const NOW = Date.UTC(2026, 0, 1);
const YEAR_MS = 365 * 86_400_000;

async function rig(t: TestContext, maxBytes = 1000, keepMs = Infinity) {
  const { dir, remove } = await tempDir();
  t.after(remove);
  const clock = new VirtualClock(NOW);
  const open = () => EvidenceFolder.open({ dir, maxBytes, keepMs }, clock);
  const folder = await open();
  const put = async (from: string | null, at: number, of: EvidenceFolder = folder): Promise<string> => {
    const content = randomBytes(100);
    const sha256 = createHash('sha256').update(content).digest('hex');
    await clock.advanceMs(1);
    await of.put({ sha256, mime: 'image/jpeg', at, ...(from !== null && { from }) }, content, 'kept');
    return sha256;
  };
  return { dir, clock, open, folder, put };
}

test('files dated a year ahead push out those of their own edge, not of the others; also after a restart', async (t) => {
  const { folder, put, open } = await rig(t);
  const good: string[] = [];
  for (let at = 0; at < 5; at += 1) good.push(await put('good', NOW));
  for (let at = 0; at < 20; at += 1) await put('bad', NOW + YEAR_MS);
  assert.deepEqual(good.map((sha256) => folder.has(sha256)), good.map(() => true));
  await folder.close();
  const again = await open();
  for (let at = 0; at < 20; at += 1) await put('bad', NOW + YEAR_MS, again);
  assert.deepEqual(good.map((sha256) => again.has(sha256)), good.map(() => true));
  assert.equal(again.bytes, 1000);
  await again.close();
});

test('within one edge, when a file came decides what goes, not the time it states', async (t) => {
  const { folder, put } = await rig(t);
  const ahead = await put('pump', NOW + YEAR_MS);
  const later: string[] = [];
  for (let at = 0; at < 10; at += 1) later.push(await put('pump', NOW - at));
  assert.equal(folder.has(ahead), false);
  assert.ok(later.every((sha256) => folder.has(sha256)));
  await folder.close();
});

test('a file from a clock that was ahead goes with its days all the same, and does not outlive newer ones', async (t) => {
  const { folder, put, clock } = await rig(t, 1000, 86_400_000);
  const ahead = await put(null, NOW + YEAR_MS);
  await clock.advanceMs(1000);
  for (let at = 0; at < 9; at += 1) await put(null, clock.nowMs());
  assert.ok(folder.has(ahead));
  await put(null, clock.nowMs());
  assert.equal(folder.has(ahead), false);
  await clock.advanceMs(86_400_000 + 600_000);
  await put(null, clock.nowMs());
  assert.equal(folder.bytes, 100);
  await folder.close();
});

test('an edge that has little takes room from the one that has most', async (t) => {
  const { folder, put, dir } = await rig(t);
  for (let at = 0; at < 10; at += 1) await put('much', NOW);
  for (let at = 0; at < 3; at += 1) await put('little', NOW - YEAR_MS);
  const kept = await keptIn(dir);
  assert.deepEqual([kept.filter(({ from }) => from === 'much').length, kept.filter(({ from }) => from === 'little').length], [7, 3]);
  assert.equal(kept[0]?.at, NOW);
  await folder.close();
});
