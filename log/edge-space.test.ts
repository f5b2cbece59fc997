/** What gives way in an edge's log that is full, or on a disk that is: which files, in which order, and how many. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Stream } from '../core/event.ts';
import { testWorld } from '../core/testing/virtual-clock.ts';
import { DiskHealth } from './disk-health.ts';
import { EdgeSpace } from './edge-space.ts';
import type { EdgeStream } from './edge-stream.ts';
import { FileChain } from './file-chain.ts';
import { logFileName } from './file-name.ts';
import { StorageError, type DiskReport, type FileReport, type LogStorage } from './storage.ts';
import { EMPTY_STREAM_STATE, extendEpoch, settleRanges, unsettledRows, type StreamState } from './stream-state.ts';
import type { FullPolicy } from './types.ts';

const EPOCH = 7;
const FILE = 1000;
const COMMIT = 32 << 10;
/** What the ballast is for: this many commits. */
const SPARE = 8 * COMMIT;
const PAUSE_MS = 60_000;
const ORDER = ['diagnostic', 'measurement', 'state', 'warning'] as const;
const WELL: DiskReport = { freeBytes: 1e9, ballast: true, wantedBytes: 0 };

/** Files of ten numbers each, all of them owed. */
const filesOf = (stream: Stream, count: number, bytes = FILE): FileReport[] =>
  Array.from({ length: count }, (_, index) => ({
    ...logFileName(stream, EPOCH, index * 10 + 1), last: index * 10 + 10, lastAt: 0, bytes, damaged: false,
  }));

interface Given {
  files?: Partial<Record<Stream, FileReport[]>>;
  maxBytes?: number;
  policies?: Partial<Record<Stream, FullPolicy>>;
  disk?: DiskReport;
}

function bench({ files = {}, maxBytes = 1e9, policies = {}, disk = WELL }: Given = {}) {
  const world = testWorld();
  const diskHealth = new DiskHealth(world, disk);
  world.told.splice(0);
  const removed: string[] = [];
  const commits: [Stream, boolean][] = [];
  /** What a file that goes frees; whether files go at all. */
  const behaviour = { gain: FILE, isStuck: false, asked: 0 };
  const gone = (one: EdgeStream, names: string[]) => {
    if (behaviour.isStuck) return;
    removed.push(...names);
    one.chain.remove(names);
    diskHealth.disk = { ...diskHealth.disk, freeBytes: diskHealth.disk.freeBytes + names.length * behaviour.gain };
  };
  const streams = ORDER.map((stream) => {
    const own = files[stream] ?? [];
    const one = {
      stream,
      chain: new FileChain(stream, FILE, own),
      state: extendEpoch(EMPTY_STREAM_STATE, EPOCH, own.length * 10),
      stateChanged: false,
      commitDue: false,
      timeRange: (epoch: number, from: number, to: number) => Promise.resolve({ fromAt: epoch * 1000 + from, toAt: epoch * 1000 + to }),
      removeFiles(reports: readonly FileReport[]) {
        gone(one as never, reports.map(({ name }) => name));
        return Promise.resolve();
      },
    };
    return one as unknown as EdgeStream;
  });
  const commit = (one: EdgeStream, change?: (state: StreamState) => StreamState) => {
    commits.push([one.stream, change !== undefined]);
    if (change) one.state = change(one.state);
    const target = one.chain.fileForCommit(EPOCH + 1, 1);
    one.chain.recordCommit(target, 0, 0, {});
    const settled = one.chain.removable((file, last) => unsettledRows(one.state, file.epoch, file.first, last).length === 0);
    gone(one, settled.map(({ name }) => name));
    return Promise.resolve();
  };
  const storage = {
    disk() {
      behaviour.asked += 1;
      return Promise.resolve(diskHealth.disk);
    },
  } as LogStorage;
  const bound = {
    maxBytes, maxFileBytes: FILE,
    policies: { diagnostic: 'drop-oldest', measurement: 'drop-oldest', state: 'drop-oldest', warning: 'drop-newest', ...policies } as const,
  };
  const space = new EdgeSpace(streams, bound, commit, { storage, diskHealth, world });
  const of = (stream: Stream) => streams.find((one) => one.stream === stream) as EdgeStream;
  /** @param jsonBytes of which half is needed */
  const reserve = (stream: Stream, jsonBytes = 0) => space.reserve(of(stream), [{ jsonBytes }, { jsonBytes: 0 }] as never);
  const told = () => world.told.splice(0).map((event) =>
    event.kind === 'fault' ? [event.fault.code, event.fault.params]
      : event.kind === 'fault_cleared' ? [`${event.code} over`]
        : event.kind === 'samples_lost' ? [event.reason, event.count, event.intended, event.stream] : [event.kind]);
  return { world, diskHealth, removed, commits, behaviour, space, of, reserve, told };
}

test('a commit is as large as a file at most', () => {
  assert.equal(bench().space.maxCommitBytes, FILE);
});

test('what is needed is a commit and half the text; a log is full when that is more than fits, and until it has two files of room', async () => {
  const small = filesOf('state', 1, 100);
  const { reserve, told } = bench({ files: { state: small }, maxBytes: 100 + COMMIT + 5000 });
  assert.deepEqual([await reserve('state', 10_000), told()], [true, []]);
  const full = ['CV_LOG_FULL', { bytes: 100, maxBytes: 100 + COMMIT + 5000, holder: 'events not acknowledged by the gateway' }];
  assert.deepEqual([await reserve('state', 10_002), told()], [false, [full]]);
  assert.deepEqual([await reserve('state', 10_002), told()], [false, []], 'said once');
  assert.deepEqual([await reserve('state', 10_000 - 4 * FILE), told()], [true, []]);
  assert.deepEqual([await reserve('state', 9_998 - 4 * FILE), told()], [true, [['CV_LOG_FULL over']]]);
  assert.deepEqual([await reserve('state', 0), told()], [true, []]);
  assert.deepEqual([await reserve('state', 10_002), told()], [false, [full]], 'and again');
});

const three = Object.fromEntries(ORDER.map((stream) => [stream, filesOf(stream, 3)]));
const names = (...streams: Stream[]) => streams.flatMap((stream) => (three[stream] ?? []).map(({ name }) => name));

for (const [incoming, policies, gone] of [
  ['diagnostic', {}, names('diagnostic')],
  ['measurement', {}, names('diagnostic', 'measurement')],
  ['state', {}, names('diagnostic', 'measurement', 'state')],
  ['warning', {}, names('diagnostic', 'measurement', 'state')],
  ['warning', { warning: 'drop-oldest' }, names('diagnostic', 'measurement', 'state', 'warning')],
  ['state', { state: 'drop-newest', diagnostic: 'drop-newest' }, names('diagnostic', 'measurement')],
  ['diagnostic', { diagnostic: 'drop-newest' }, []],
] as const) {
  test(`${incoming} takes the oldest of what is less important, then its own where it may (${JSON.stringify(policies)})`, async () => {
    const { reserve, removed, told } = bench({ files: three, maxBytes: 1, policies });
    assert.equal(await reserve(incoming), false);
    assert.deepEqual(removed, gone);
    const lost = told().filter(([what]) => what === 'log_full_oldest');
    assert.deepEqual(lost, gone.map((name) => ['log_full_oldest', 10, false, name.split('-')[0]]));
  });
}

test('no more goes than is needed, each with a gap record; what is settled goes without', async () => {
  const { reserve, removed, told, of, commits } = bench({ files: three, maxBytes: 12 * FILE + COMMIT - 1 });
  assert.deepEqual([await reserve('warning'), removed.length, told().map(([what]) => what)], [true, 1, ['CV_LOG_FULL', 'log_full_oldest']]);
  assert.deepEqual(of('diagnostic').state.pending, [
    { stream: 'diagnostic', epoch: EPOCH, fromSeq: 1, toSeq: 10, fromAt: 7001, toAt: 7010, reason: 'log_full_oldest', count: 10 },
  ]);
  assert.deepEqual(commits.splice(0), [['diagnostic', true]]);
  const diagnostic = of('diagnostic');
  diagnostic.state = settleRanges(diagnostic.state, EPOCH, [[11, 14], [18, 30]]);
  assert.deepEqual([await reserve('warning', 2 * FILE), removed.length, told()], [true, 3, [['log_full_oldest', 3, false, 'diagnostic']]]);
  assert.deepEqual(diagnostic.state.pending.map(({ fromSeq, toSeq, fromAt, toAt }) => [fromSeq, toSeq, fromAt, toAt]), [
    [1, 10, 7001, 7010], [15, 17, 7015, 7017],
  ]);
  // Settled and still there, where nothing else is due.
  const other = bench({ files: { state: filesOf('state', 2) }, maxBytes: 2 * FILE + COMMIT - 1 });
  other.of('state').state = settleRanges(other.of('state').state, EPOCH, [[1, 10]]);
  assert.deepEqual([await other.reserve('state'), other.removed.length, other.told(), other.commits], [true, 1, [], [['state', false]]]);
});

test('the only file of a stream can go when it is half full; a file that does not go ends the attempt', async () => {
  const { reserve, removed, behaviour, told } = bench({ files: { state: filesOf('state', 1, FILE / 2) }, maxBytes: COMMIT });
  behaviour.isStuck = true;
  assert.deepEqual([await reserve('state'), removed], [false, []]);
  assert.deepEqual(told().map(([what]) => what), ['CV_LOG_FULL', 'log_full_oldest']);
  behaviour.isStuck = false;
  assert.deepEqual([await reserve('state'), removed], [true, ['state-7-1.db']]);
});

const SHORT: DiskReport = { freeBytes: SPARE + COMMIT, ballast: false, wantedBytes: 1 };

test('on a disk without ballast eight commits beside this one are kept free, and the log is not called full for it', async () => {
  const enough = bench({ files: three, disk: SHORT });
  assert.deepEqual([await enough.reserve('warning'), enough.removed, enough.behaviour.asked], [true, [], 1]);
  const one = bench({ files: three, disk: SHORT });
  assert.deepEqual([await one.reserve('warning', 2), one.removed], [true, ['diagnostic-7-1.db']]);
  assert.deepEqual(one.told(), [['log_full_oldest', 10, false, 'diagnostic']]);
  const more = bench({ files: three, disk: SHORT });
  assert.deepEqual([await more.reserve('warning', 2 * FILE + 2), more.removed.length], [true, 2]);
  const well = bench({ files: three });
  assert.deepEqual([await well.reserve('warning'), well.behaviour.asked], [true, 0]);
  const none = bench({ disk: SHORT });
  assert.deepEqual([await none.reserve('warning', 1000), none.told()], [true, []], 'there is nothing that could go');
  const stuck = bench({ files: three, disk: SHORT });
  stuck.behaviour.isStuck = true;
  assert.deepEqual([await stuck.reserve('warning', 1000), stuck.commits.length], [true, 1]);
});

test('where what goes makes no room, something else takes it: no more for a minute', async () => {
  for (const [gain, atOnce] of [[FILE / 2, 9], [FILE / 2 - 1, 1]] as const) {
    const { reserve, removed, behaviour, world } = bench({ files: three, disk: { ...SHORT, freeBytes: 0 } });
    behaviour.gain = gain;
    await reserve('warning');
    assert.equal(removed.length, atOnce);
    if (atOnce > 1) continue;
    await world.clock.advanceMs(PAUSE_MS - 1);
    await reserve('warning');
    assert.equal(removed.length, 1);
    await world.clock.advanceMs(1);
    await reserve('warning');
    assert.equal(removed.length, 2);
  }
});

const full = () => new StorageError({ code: 13, detail: 'full', needsNewFile: false, locked: false });

test('a commit that a full disk refuses is made again as files go, three times; then not for a minute', async () => {
  const { space, of, removed, told, world } = bench({ files: three });
  let refusals = 0;
  let tries = 0;
  const commit = () => {
    tries += 1;
    refusals -= 1;
    return refusals >= 0 ? Promise.reject(full()) : Promise.resolve();
  };
  const run = async (count: number) => {
    refusals = count;
    tries = 0;
    const before = removed.length;
    const done = space.commitFreeingSpace(of('warning'), commit);
    const isDone = await done.then(() => true, (error: unknown) => !(error instanceof StorageError));
    return [isDone, tries, removed.length - before];
  };
  assert.deepEqual(await run(0), [true, 1, 0]);
  assert.deepEqual(await run(1), [true, 2, 1]);
  assert.deepEqual(told(), [['CV_LOG_FULL', { bytes: 12 * FILE, maxBytes: 1e9, holder: 'events not acknowledged by the gateway' }],
    ['log_full_oldest', 10, false, 'diagnostic']]);
  const diagnostic = of('diagnostic');
  assert.deepEqual([diagnostic.stateChanged, diagnostic.commitDue, diagnostic.state.pending.map(({ toSeq }) => toSeq)], [true, true, [10]]);
  assert.deepEqual([of('state').stateChanged, of('state').commitDue], [false, false]);
  assert.deepEqual(await run(3), [true, 4, 3]);
  assert.deepEqual(await run(4), [false, 4, 3]);
  assert.deepEqual(await run(1), [false, 1, 0]);
  await world.clock.advanceMs(PAUSE_MS - 1);
  assert.deepEqual(await run(1), [false, 1, 0]);
  await world.clock.advanceMs(1);
  assert.deepEqual(await run(1), [true, 2, 1]);
});

test('where nothing can go, or the disk fails otherwise, the commit fails at once, and nothing is put off', async () => {
  const { space, of, removed, behaviour, told } = bench({ files: { state: filesOf('state', 4) } });
  await assert.rejects(space.commitFreeingSpace(of('measurement'), () => Promise.reject(full())), { name: 'StorageError' });
  await assert.rejects(space.commitFreeingSpace(of('warning'), () => Promise.reject(new TypeError('a mistake'))), TypeError);
  assert.deepEqual(removed, []);
  let refusals = 1;
  const once = () => (refusals -= 1) >= 0 ? Promise.reject(full()) : Promise.resolve();
  const state = of('state');
  state.state = settleRanges(state.state, EPOCH, [[1, 10]]);
  await space.commitFreeingSpace(of('warning'), once);
  assert.deepEqual([removed, told()], [['state-7-1.db'], []], 'of what is settled nothing is lost');
  // It made no room, so the next one waits.
  behaviour.gain = 0;
  refusals = 2;
  await assert.rejects(space.commitFreeingSpace(of('warning'), once), { name: 'StorageError' });
  assert.equal(removed.length, 2);
});

test('what is settled while its times are looked for is no loss', async () => {
  const { reserve, of, removed, told } = bench({ files: { state: filesOf('state', 2) }, maxBytes: 2 * FILE + COMMIT - 1 });
  const state = of('state');
  state.timeRange = () => {
    state.state = settleRanges(state.state, EPOCH, [[1, 10]]);
    return Promise.resolve({ fromAt: 1, toAt: 1 });
  };
  assert.deepEqual([await reserve('state'), removed, told().map(([what]) => what)], [true, ['state-7-1.db'], ['CV_LOG_FULL']]);
});

test('the only file of a stream is closed before it goes', async () => {
  const { space, of, removed } = bench({ files: { state: filesOf('state', 1) } });
  const { chain } = of('state');
  chain.recordCommit(logFileName('state', EPOCH, 1), 10, 0, { 'state-7-1.db': FILE - 1 });
  let refusals = 1;
  await space.commitFreeingSpace(of('state'), () => (refusals -= 1) >= 0 ? Promise.reject(full()) : Promise.resolve());
  assert.deepEqual(removed, ['state-7-1.db']);
  assert.equal(chain.fileForCommit(EPOCH, 11).name, 'state-7-11.db');
});
