/** A log that gets ten times what it may hold: its bound, and the sums of its gap records. */
import assert from 'node:assert/strict';
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { STREAMS, type Draft, type Event, type Stream } from '../core/event.ts';
import { bulkyDraft, TEST_CENTRE, testDrafts } from '../core/testing/drafts.ts';
import { readAll } from './testing/edge-log-contract.ts';
import { memoryDir } from '../core/testing/temp-dir.ts';
import { testWorld } from '../core/testing/virtual-clock.ts';
import { openEdgeLog } from './edge-log.ts';
import { logFileBytes } from './file-name.ts';
import { listLogFiles } from './log-folder.ts';
import type { EdgeLog, EdgeLogOptions } from './types.ts';
import { verifyLog } from './verify.ts';
import { directStorage } from './worker-storage.ts';

const MAX_BYTES = 1 << 20;
const GROUP = 40;
const EVENT_BYTES = 2000;

type World = ReturnType<typeof testWorld>;

async function inLog(
  more: Partial<EdgeLogOptions>,
  run: (log: EdgeLog, world: World, dir: string, reopen: () => Promise<EdgeLog>) => Promise<void>,
): Promise<void> {
  const { dir, remove } = await memoryDir();
  const world = testWorld();
  const open = () => openEdgeLog({ dir, edge: 'pump-07', centre: TEST_CENTRE, maxBytes: MAX_BYTES, ...more }, world, directStorage());
  const log = await open();
  try {
    await run(log, world, dir, open);
  } finally {
    await log.close();
    await remove();
  }
}

async function append(log: EdgeLog, world: World, drafts: Draft[]): Promise<void> {
  const done = log.append(drafts);
  await world.clock.advanceMs(1000);
  await done;
}

const onDisk = (dir: string) =>
  readdirSync(dir)
    .filter((name) => name !== 'ballast')
    .reduce((sum, name) => sum + statSync(join(dir, name)).size, 0);

/** Numbers: every one up to the last is either there or in exactly one gap record; events: what is missing is what the records count. */
function checkSums(events: readonly Event[], appended: number, lastSeq: number): number {
  const seen = new Map<number, number>();
  const see = (seq: number) => seen.set(seq, (seen.get(seq) ?? 0) + 1);
  let counted = 0;
  for (const { seq, gap } of events) {
    see(seq);
    if (!gap) continue;
    counted += gap.count;
    if (gap.fromSeq > 0) for (let lost = gap.fromSeq; lost <= gap.toSeq; lost += 1) see(lost);
  }
  for (let seq = 1; seq <= lastSeq; seq += 1) assert.equal(seen.get(seq), 1, `number ${seq}`);
  const values = events.filter(({ gap }) => !gap).map(({ value }) => value);
  assert.equal(new Set(values).size, values.length);
  assert.equal(counted, appended - values.length);
  return counted;
}

function lastOf(log: EdgeLog, stream: Stream): number {
  return log.unsettled(stream).at(-1)?.to ?? 0;
}

for (const [stream, policy, reason] of [
  ['measurement', 'drop-oldest', 'log_full_oldest'],
  ['state', 'drop-newest', 'log_full_newest'],
] as const) {
  test(`ten times its bytes, ${policy}: the bound holds within one file, gap records add up to what is missing`, () =>
    inLog({ policies: { [stream]: policy } }, async (log, world, dir) => {
      const random = () => world.random.next();
      const groups = Math.ceil((10 * MAX_BYTES) / EVENT_BYTES / GROUP);
      let most = 0;
      for (let group = 0; group < groups; group += 1) {
        await append(
          log,
          world,
          Array.from({ length: GROUP }, (_, index) => bulkyDraft(group * GROUP + index, EVENT_BYTES, random, stream)),
        );
        most = Math.max(most, onDisk(dir));
      }
      assert.ok(most <= MAX_BYTES + logFileBytes(MAX_BYTES), `${most} bytes`);
      assert.ok(most > MAX_BYTES * 0.8, 'it was full');
      const events = await readAll(log, stream);
      const lost = checkSums(events, groups * GROUP, lastOf(log, stream));
      assert.ok(lost > groups * GROUP * 0.75);
      assert.ok(events.filter(({ gap }) => gap).length < 10, 'a long loss is a short list');
      assert.ok(events.every(({ gap }) => !gap || gap.reason === reason));
      assert.equal(
        world.told.reduce((sum, event) => sum + (event.kind === 'samples_lost' && event.reason === reason ? event.count : 0), 0),
        lost,
      );
      assert.equal(world.told.filter((event) => event.kind === 'fault' && event.fault.code === 'CV_LOG_FULL').length, 1, 'said once');
      assert.ok(onDisk(dir) <= MAX_BYTES + logFileBytes(MAX_BYTES));
    }));
}

test('a more important stream pushes less important ones out, diagnostics first', () =>
  inLog({}, async (log, world) => {
    const random = () => world.random.next();
    const fill = async (kind: 'diagnostic' | 'measurement' | 'state', share: number, from: number) => {
      for (let value = from; log.size(kind).bytes < MAX_BYTES * share; value += 20) {
        await append(log, world, Array.from({ length: 20 }, (_, index) => bulkyDraft(value + index, EVENT_BYTES, random, kind)));
      }
    };
    await fill('diagnostic', 0.35, 0);
    await fill('measurement', 0.35, 0);
    const measured = log.size('measurement').bytes;
    await fill('state', 0.45, 0);
    assert.equal(log.size('measurement').bytes, measured, 'diagnostics made room');
    assert.ok(log.size('diagnostic').bytes < MAX_BYTES * 0.25);
    await fill('state', 0.75, 10_000);
    assert.ok(log.size('measurement').bytes < measured, 'then measurements');
    const stated = log.size('state').bytes;
    for (let value = 0; value < 200; value += 20)
      await append(
        log,
        world,
        Array.from({ length: 20 }, (_, index) => bulkyDraft(50_000 + value + index, EVENT_BYTES, random, 'diagnostic')),
      );
    assert.equal(log.size('state').bytes, stated, 'a less important newcomer takes nothing from a more important stream');
    assert.ok((await readAll(log, 'diagnostic')).some(({ gap }) => gap));
  }));

test('gap records that have to give way stay to be sent, under their own numbers', () =>
  inLog({}, async (log, world, dir, reopen) => {
    const random = () => world.random.next();
    let value = 0;
    const records = new Map<number, Event>();
    const check = async (readable = log) => {
      const events = await readAll(readable, 'measurement');
      checkSums(events, value, lastOf(log, 'measurement'));
      const gaps = new Map(events.filter(({ gap }) => gap).map((event) => [event.seq, event]));
      for (const [seq, record] of records) assert.deepEqual(gaps.get(seq), record);
      for (const [seq, record] of gaps) records.set(seq, record);
    };
    for (let round = 0; round < 5; round += 1) {
      for (let group = 0; group < 10; group += 1) {
        await append(log, world, Array.from({ length: GROUP }, () => bulkyDraft((value += 1), EVENT_BYTES, random)));
      }
      // A reader at the head makes a record of what is lost so far; later rounds push that record out.
      await check();
    }
    const oldest = Math.min(...listLogFiles(dir).filter(({ chain }) => chain === 'measurement').map((file) => file.first));
    const standing = [...records.keys()].filter((seq) => seq < oldest);
    assert.ok(standing.length > 0, 'files of some are gone');
    await log.close();
    const steps = verifyLog(dir, { chains: STREAMS, origins: false }, false);
    let step = steps.next();
    while (!step.done) step = steps.next();
    assert.deepEqual(step.value.faults, []);
    const again = await reopen();
    try {
      await check(again);
      for (const seq of standing) await again.settle('measurement', log.epoch, { upTo: 0, have: [[seq, seq]] });
      assert.ok((await readAll(again, 'measurement')).every(({ seq }) => !standing.includes(seq)), 'until they are settled');
    } finally {
      await again.close();
    }
  }));

test('losses outlive a restart, and marks reach over them', () =>
  inLog({}, async (first, world, _dir, reopen) => {
    const random = () => world.random.next();
    let value = 0;
    const fill = async (log: EdgeLog) => {
      for (let group = 0; group < 18; group += 1)
        await append(
          log,
          world,
          Array.from({ length: GROUP }, () => bulkyDraft((value += 1), EVENT_BYTES, random)),
        );
    };
    await fill(first);
    await first.close();
    const log = await reopen();
    try {
      await fill(log);
      const events = await readAll(log, 'measurement');
      const kept = events.filter(({ gap }) => !gap).length;
      assert.equal(events.reduce((sum, { gap }) => sum + (gap?.count ?? 0), 0), value - kept);
      const marks = new Map<number, number>();
      for (const event of events) marks.set(event.epoch, Math.max(marks.get(event.epoch) ?? 0, event.seq));
      for (const [epoch, upTo] of marks) await log.settle('measurement', epoch, { upTo, have: [] });
      assert.deepEqual(log.unsettled('measurement'), []);
      await append(log, world, testDrafts(0, 1));
      assert.ok(log.size('measurement').bytes < 2 * logFileBytes(MAX_BYTES), 'settled files are gone');
    } finally {
      await log.close();
    }
  }));
