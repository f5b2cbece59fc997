/**
 * A log of a killed process whose write-ahead log is truncated anywhere in the last commits, and what must be readable.
 * A sample of offsets runs with the tests, all of them with `npm run rig -- log-cuts`.
 */
import assert from 'node:assert/strict';
import { copyFile, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Event } from '../../core/event.ts';
import { openEdgeLog } from '../edge-log.ts';
import { directStorage } from '../worker-storage.ts';
import { TEST_CENTRE, testDrafts } from '../../core/testing/drafts.ts';
import { readAll } from './edge-log-contract.ts';
import { memoryDir } from '../../core/testing/temp-dir.ts';
import { testWorld } from '../../core/testing/virtual-clock.ts';
import '../faults.ts';

const WAL_HEADER_BYTES = 32;
const FRAME_HEADER_BYTES = 24;
const COMMITS = 12;
const MARKS_RIDE_AFTER_MS = 10_000;
const STREAM = 'state';

export interface CrashedLog {
  dir: string;
  epoch: number;
  walName: string;
  /** End offset of each commit in the write-ahead log, and the state after it. */
  commits: { endsAt: number; lastSeq: number; settledUpTo: number }[];
  walBytes: number;
  remove(): Promise<void>;
}

/** End offsets of the commits in a write-ahead log. */
export function commitEnds(wal: Buffer): number[] {
  const ends: number[] = [];
  const frameBytes = FRAME_HEADER_BYTES + wal.readUInt32BE(8);
  const salts = wal.readBigUInt64BE(16);
  for (
    let offset = WAL_HEADER_BYTES;
    offset + frameBytes <= wal.length && wal.readBigUInt64BE(offset + 8) === salts;
    offset += frameBytes
  ) {
    if (wal.readUInt32BE(offset + 4) !== 0) ends.push(offset + frameBytes);
  }
  return ends;
}

/** Commits of growing size, each with a new mark; then a copy as a killed process would leave it. */
export async function crashedLog(): Promise<CrashedLog> {
  const { dir, remove } = await memoryDir();
  const dead = join(dir, 'dead');
  const live = join(dir, 'live');
  const world = testWorld();
  const log = await openEdgeLog({ dir: live, edge: 'pump-07', centre: TEST_CENTRE, maxBytes: 64 << 20 }, world, directStorage());
  const told: { lastSeq: number; settledUpTo: number }[] = [];
  let lastSeq = 0;
  for (let commit = 1; commit <= COMMITS; commit += 1) {
    const settledUpTo = Math.max(0, lastSeq - 3);
    await log.settle(STREAM, log.epoch, { upTo: settledUpTo, have: [] });
    // From then on marks are written with the next group.
    await world.clock.advanceMs(MARKS_RIDE_AFTER_MS);
    await log.append(testDrafts(lastSeq + 1, commit * 3, { kind: 'state' }));
    lastSeq += commit * 3;
    told.push({ lastSeq, settledUpTo });
  }
  await mkdir(dead);
  // Reading an open file drops SQLite's lock on it; no other process comes here.
  for (const name of await readdir(live)) await copyFile(join(live, name), join(dead, name));
  await log.close();
  const walName = (await readdir(dead)).find((name) => name.endsWith('-wal')) ?? '';
  const wal = await readFile(join(dead, walName));
  const ends = commitEnds(wal);
  // The first commit of a file is checkpointed at once.
  assert.equal(ends.length, COMMITS - 1);
  return {
    dir: dead,
    epoch: log.epoch,
    walName,
    walBytes: wal.length,
    commits: told.slice(1).map((one, index) => ({ ...one, endsAt: ends[index] as number })),
    remove,
  };
}

/** Every offset from the end of the fourth last commit to the end of the last. */
export function lastCommitOffsets(dead: CrashedLog): number[] {
  const from = dead.commits.at(-4)?.endsAt ?? 0;
  const to = dead.commits.at(-1)?.endsAt ?? 0;
  return Array.from({ length: to - from + 1 }, (_, index) => from + index);
}

/** Truncates a copy at an offset, opens it and checks its content. @throws AssertionError */
export async function checkTruncated(dead: CrashedLog, cutAt: number, zeroFilled = false): Promise<void> {
  const whole = dead.commits.findLast((commit) => commit.endsAt <= cutAt) ?? { lastSeq: 0, settledUpTo: 0 };
  const full = dead.commits.at(-1)?.lastSeq ?? 0;
  const copy = join(dead.dir, '..', `cut-${cutAt}`);
  await mkdir(copy);
  try {
    for (const name of await readdir(dead.dir)) await copyFile(join(dead.dir, name), join(copy, name));
    const wal = (await readFile(join(dead.dir, dead.walName))).subarray(0, cutAt);
    await writeFile(join(copy, dead.walName), zeroFilled ? Buffer.concat([wal], dead.walBytes) : wal);
    const world = testWorld();
    const log = await openEdgeLog({ dir: copy, edge: 'pump-07', centre: TEST_CENTRE, maxBytes: 64 << 20 }, world, directStorage());
    try {
      const events = await readAll(log, STREAM);
      check(events, log.unsettled(STREAM), world.told.flatMap((told) => (told.kind === 'fault' ? told.fault : [])));
      assert.ok(log.epoch > dead.epoch);
    } finally {
      await log.close();
    }
  } finally {
    await rm(copy, { recursive: true });
  }

  function check(
    events: readonly Event[],
    unsettled: readonly { epoch: number; from: number; to: number }[],
    faults: readonly { code: string; params: object }[],
  ): void {
    const old = events.filter((event) => event.epoch === dead.epoch);
    assert.deepEqual(
      old.map(({ seq, value }) => [seq, value]),
      Array.from({ length: whole.lastSeq }, (_, index) => [index + 1, index + 1]),
      `cut at ${cutAt}: commits`,
    );
    const left = unsettled.filter(({ epoch }) => epoch === dead.epoch);
    assert.deepEqual(left, [{ epoch: dead.epoch, from: whole.settledUpTo + 1, to: whole.lastSeq }], `cut at ${cutAt}: mark`);
    const gaps = events.flatMap(({ gap }) => gap ?? []);
    if (whole.lastSeq === full) {
      assert.deepEqual([gaps, faults], [[], []]);
      return;
    }
    assert.deepEqual(faults.map(({ code }) => code), ['CV_LOG_REWOUND'], `cut at ${cutAt}: fault`);
    assert.deepEqual(gaps.map(({ epoch, fromSeq, toSeq, count, reason }) => ({ epoch, fromSeq, toSeq, count, reason })), [
      { epoch: dead.epoch, fromSeq: whole.lastSeq + 1, toSeq: full, count: full - whole.lastSeq, reason: 'log_rewound' },
    ], `cut at ${cutAt}: gap`);
  }
}
