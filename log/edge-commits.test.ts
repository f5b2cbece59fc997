/** When an edge's log commits, to the ms, and what each commit asks of its storage. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { STREAMS, type Stream } from '../core/event.ts';
import { TEST_CENTRE, testDraft, testDrafts, testWarning } from '../core/testing/drafts.ts';
import { settle as turns, testWorld } from '../core/testing/virtual-clock.ts';
import { decodeBatch } from '../core/wire/batch.ts';
import { openEdgeLog } from './edge-log.ts';
import { logFileName } from './file-name.ts';
import {
  StorageError,
  type ChainReport,
  type CommitRequest,
  type DiskReport,
  type FileReport,
  type LogGroup,
  type LogStorage,
} from './storage.ts';
import {
  addPendingLosses,
  EMPTY_STREAM_STATE,
  extendEpoch,
  formatStreamState,
  parseStreamState,
  type StreamState,
} from './stream-state.ts';
import { LOG_START, type CommittedGroup } from './types.ts';

const EPOCH = 9;
const WELL: DiskReport = { freeBytes: 1e9, ballast: true, wantedBytes: 0 };
const ALL = { maxGroups: 1000, maxBytes: 1e9 };
const failure = (code: number, retryable = false) =>
  new StorageError({ code, detail: `refused ${code}`, needsNewFile: code !== 13, locked: false, retryable });

async function bench(
  states: Partial<Record<Stream, StreamState>> = {},
  previousEpoch = 0,
  { maxBytes = 1e9, files = [] as FileReport[] } = {},
) {
  const world = testWorld();
  const commits: CommitRequest[] = [];
  const refusals: (Error | null)[] = [];
  const rows = new Map<string, LogGroup[]>();
  const aside: unknown[] = [];
  const removed: string[] = [];
  const disk = { hold: null as Promise<void> | null, asideError: null as Error | null };
  const chainOf = (stream: Stream): ChainReport => {
    const state = states[stream];
    return {
      files: stream === 'state' ? files : [], state: state ? formatStreamState(state) : null, stateFile: null, trimmed: null,
      stateDamaged: false, head: null, salvages: [],
    };
  };
  const storage: LogStorage = {
    open: () => Promise.resolve({
      epoch: EPOCH, previousEpoch, maxFileBytes: 1e9, disk: WELL,
      chains: Object.fromEntries(STREAMS.map((stream) => [stream, chainOf(stream)])),
    }),
    async commit(request) {
      commits.push(request);
      await disk.hold;
      const refusal = refusals.shift();
      if (refusal) throw refusal;
      rows.set(request.file.name, [...(rows.get(request.file.name) ?? []), ...request.groups]);
      return { bytes: {}, disk: WELL };
    },
    read({ parts }) {
      const groups = parts.flatMap(({ name, epoch, from, to }) =>
        (rows.get(name) ?? []).filter(({ seq, count }) => seq + count > from && seq <= to).map((group) => ({ ...group, epoch })));
      return Promise.resolve({ groups, missing: [], complete: true, salvages: [] });
    },
    replay: () => Promise.reject(new Error('not asked')),
    remove({ names }) {
      removed.push(...names);
      return Promise.resolve(WELL);
    },
    setAside({ line }) {
      aside.push(JSON.parse(line));
      return disk.asideError ? Promise.reject(disk.asideError) : Promise.resolve(null);
    },
    disk: () => Promise.resolve(WELL),
    stats: () => Promise.reject(new Error('not asked')),
    close: () => Promise.resolve(null),
  };
  const log = await openEdgeLog({ dir: '', edge: 'pump-07', centre: TEST_CENTRE, maxBytes }, world, storage);
  const counts = () => commits.splice(0).map(({ chain, groups }) => [chain, groups.reduce((sum, { count }) => sum + count, 0)]);
  const after = async (ms: number) => {
    await world.clock.advanceMs(ms);
    return counts();
  };
  const told = () => world.told.splice(0).map((event) =>
    event.kind === 'samples_lost' ? [event.reason, event.count, event.intended, event.stream]
      : event.kind === 'fault' ? [event.fault.code] : event.kind === 'fault_cleared' ? [`${event.code} over`] : [event.kind]);
  return { world, log, commits, refusals, disk, counts, after, told, aside, removed };
}

test('a small group closes after a second, one of fifty events after a quarter, to the ms; a warning or state at once', async () => {
  const { log, after } = await bench();
  void log.append(testDrafts(1, 49));
  assert.deepEqual([await after(999), await after(1)], [[], [['measurement', 49]]]);
  void log.append(testDrafts(1, 50));
  assert.deepEqual([await after(249), await after(1)], [[], [['measurement', 50]]]);
  void log.append([testWarning(1)]);
  void log.append([testDraft(1, { kind: 'state' }), testDraft(2, { kind: 'diagnostic' })]);
  assert.deepEqual(await after(0), [['warning', 1], ['state', 1]]);
  assert.deepEqual(await after(1000), [['diagnostic', 1]]);
  await log.close();
});

test('a group that gets its fiftieth event closes at a quarter of a second, or at once if that is over', async () => {
  const { log, after } = await bench();
  void log.append(testDrafts(1, 49));
  await after(249);
  void log.append(testDrafts(50, 1));
  assert.deepEqual([await after(0), await after(1)], [[], [['measurement', 50]]]);
  void log.append(testDrafts(1, 49));
  await after(250);
  void log.append(testDrafts(50, 1));
  assert.deepEqual(await after(0), [['measurement', 50]]);
  assert.deepEqual(await after(2000), [], 'and its time is over');
  await log.close();
});

test('marks go with the next group after ten seconds, or alone ten seconds later', async () => {
  const { log, after, commits, world } = await bench();
  void log.append(testDrafts(1, 3));
  await after(1000);
  await log.settle('measurement', EPOCH, { upTo: 1, have: [] });
  assert.deepEqual([await after(19_999), await after(1)], [[], [['measurement', 0]]]);
  assert.deepEqual(await after(60_000), []);
  await log.settle('measurement', EPOCH, { upTo: 1, have: [] });
  assert.deepEqual(await after(60_000), [], 'nothing new');
  // The mark of the first ten seconds rides with a group of the second ten.
  await log.settle('measurement', EPOCH, { upTo: 2, have: [] });
  await after(9_500);
  void log.append(testDrafts(4, 1));
  await world.clock.advanceMs(999);
  assert.equal(commits.length, 0);
  await world.clock.advanceMs(1);
  const [ride] = commits.splice(0);
  assert.deepEqual([ride?.groups.length, ride?.state && parseStreamState(ride.state).epochs.get(EPOCH)?.settled], [1, [[1, 2]]]);
  assert.deepEqual(await after(60_000), []);
  await log.close();
});

test('what is on disk in part is tried again a second later, or with what comes next; the rest is rejected', async () => {
  const { log, after, refusals, told } = await bench();
  let isDone = false;
  const both = log.append([testWarning(1), testDraft(1)]).then(() => { isDone = true; });
  await after(0);
  refusals.push(failure(10), failure(10));
  const other = log.append(testDrafts(2, 49));
  const rejected = assert.rejects(other, { name: 'CV_LOG_FAILED' });
  assert.deepEqual(await after(250), [['measurement', 50]]);
  await rejected;
  assert.deepEqual([told(), isDone], [[['CV_LOG_FAILED']], false]);
  assert.deepEqual([await after(999), await after(1), isDone], [[], [['measurement', 1]], false]);
  assert.deepEqual([await after(999), await after(1), isDone], [[], [['measurement', 1]], true]);
  assert.deepEqual(told(), [['CV_LOG_FAILED over']]);
  await both;
  await log.close();
});

test('a hundred thousand events wait for a slow disk; of more the newest are refused, with their times', async () => {
  const { log, disk, told, world, commits, refusals } = await bench();
  let release = () => {};
  disk.hold = new Promise((resolve) => { release = resolve; });
  const first = log.append(testDrafts(1, 500));
  await turns();
  assert.equal(commits.length, 1);
  const waiting = assert.rejects(log.append(Array.from({ length: 100_000 }, () => testDraft(1))), { name: 'CV_LOG_FAILED' });
  assert.deepEqual(told(), []);
  const last = log.append([500, 300, 400].map((occurredAt) => ({ ...testDraft(1), occurredAt })));
  assert.deepEqual(told(), [['log_full_newest', 3, false, 'measurement']]);
  refusals.push(null, failure(10));
  release();
  disk.hold = null;
  await world.clock.advanceMs(1000);
  await Promise.all([first, waiting, last]);
  const [gap] = (await log.read('measurement', { epoch: EPOCH, seq: 500 }, ALL)).flatMap(({ payload }) => decodeBatch(payload).events);
  assert.deepEqual(gap?.gap, {
    stream: 'measurement', epoch: EPOCH, fromSeq: 0, toSeq: 0, fromAt: 300, toAt: 500, count: 3, reason: 'log_full_newest',
  });
  await log.close();
});

test('losses that an opening finds are written at once, five hundred a commit, the rest with the next', async () => {
  const losses = Array.from({ length: 501 }, (_, index) => (
    { stream: 'state', epoch: 7, fromSeq: index * 2 + 1, toSeq: index * 2 + 1, fromAt: 1, toAt: 1, count: 1, reason: 'refused' } as const));
  const { counts, log, commits } = await bench({ state: addPendingLosses(EMPTY_STREAM_STATE, losses) }, 7);
  await turns();
  assert.deepEqual(commits.map(({ state }) => parseStreamState(String(state)).pending.length), [1]);
  assert.deepEqual(counts(), [['state', 500]]);
  await log.append([testDraft(1, { kind: 'state' })]);
  assert.deepEqual(counts(), [['state', 2]]);
  await log.append([testDraft(1, { kind: 'state' })]);
  assert.deepEqual(counts(), [['state', 1]]);
  await log.close();
});

test('a loss that could not be written is kept with the next commit, and written for who reads it', async () => {
  const loss = { stream: 'state', epoch: 7, fromSeq: 1, toSeq: 2, fromAt: 1, toAt: 1, count: 2, reason: 'refused' } as const;
  const { refusals, log, after, counts, told } = await bench();
  refusals.push(failure(10));
  await log.settle('state', EPOCH, { upTo: 0, have: [[3, 3]] });
  assert.deepEqual([await after(0), told().map(([what]) => what)], [[['state', 1]], ['CV_LOG_REWOUND', 'log_rewound', 'CV_LOG_FAILED']]);
  assert.deepEqual([await after(999), await after(1)], [[], [['state', 0]]]);
  const events = (await log.read('state', LOG_START, ALL)).flatMap(({ payload }) => decodeBatch(payload).events);
  assert.deepEqual(events.map(({ seq, gap }) => [seq, gap?.fromSeq, gap?.toSeq, gap?.count]), [[4, loss.fromSeq, loss.toSeq, loss.count]]);
  assert.deepEqual(counts(), [['state', 1]]);
  await log.close();
});

test('a file begins with its state, and a commit of events needs none', async () => {
  const { log, commits } = await bench({ state: extendEpoch(EMPTY_STREAM_STATE, EPOCH, 0) });
  await log.append([testDraft(1, { kind: 'state' })]);
  await log.append([testDraft(2, { kind: 'state' })]);
  const [first, second] = commits;
  assert.deepEqual([first?.file, first?.groups[0]?.seq], [logFileName('state', EPOCH, 1), 1]);
  assert.deepEqual([second?.groups[0]?.seq, second?.state], [2, undefined]);
  assert.deepEqual([...parseStreamState(String(first?.state)).epochs], [[EPOCH, { last: 1, settled: [] }]]);
  await log.close();
});

test('its end writes what waits and the marks that moved, and rejects what a failing disk does not take', async () => {
  const { log, counts, told, refusals, world } = await bench();
  void log.append(testDrafts(1, 3));
  await world.clock.advanceMs(1000);
  await log.settle('measurement', EPOCH, { upTo: 1, have: [] });
  counts();
  const waiting = log.append(testDrafts(1, 2));
  await log.close();
  await waiting;
  assert.deepEqual([counts(), world.clock.nextDueMs(), told()], [[['measurement', 2]], null, []]);
  const marks = await bench();
  void marks.log.append(testDrafts(1, 3));
  await marks.after(1000);
  await marks.log.settle('measurement', EPOCH, { upTo: 1, have: [] });
  await marks.log.close();
  assert.deepEqual(marks.counts(), [['measurement', 0]]);
  assert.deepEqual(refusals, []);
});

test('who listens hears of each group with its row and how long it took, until it listens no more', async () => {
  const { log, disk, world } = await bench();
  const heard: CommittedGroup[] = [];
  const stop = log.onCommitted((group) => heard.push(group));
  disk.hold = new Promise((resolve) => { world.clock.after(40, resolve); });
  const done = log.append([testDraft(1, { kind: 'state' })]);
  await world.clock.advanceMs(40);
  await done;
  const [{ payload, ...group } = {} as CommittedGroup] = heard;
  assert.deepEqual(group, { stream: 'state', epoch: EPOCH, firstSeq: 1, drafts: [testDraft(1, { kind: 'state' })], durationMs: 40 });
  assert.equal(decodeBatch(payload as Uint8Array).events[0]?.value, 1);
  stop();
  await log.append([testDraft(2, { kind: 'state' })]);
  assert.equal(heard.length, 1);
  await log.close();
});

test('an event that is set aside is on its line, its gap record is on disk when that is done; a disk that refuses the line refuses all', async () => {
  const { log, aside, disk, world, counts, refusals, told } = await bench();
  await log.append([testDraft(1, { kind: 'state' }), testDraft(2, { kind: 'state' })]);
  counts();
  await log.setAside('state', EPOCH, 2, 'CV_EVENT_INVALID');
  const [line] = aside as { at: number; code: string; stream: string; epoch: number; seq: number; event: { value: number } }[];
  const atMs = world.clock.nowMs();
  const wanted = { at: atMs, code: 'CV_EVENT_INVALID', stream: 'state', epoch: EPOCH, seq: 2, event: 2 };
  assert.deepEqual({ ...line, event: line?.event.value }, wanted);
  assert.deepEqual([counts(), told()], [[['state', 1]], [['refused', 1, false, 'state']]]);
  await log.setAside('state', EPOCH, 2, 'CV_EVENT_INVALID');
  assert.deepEqual([counts(), told()], [[], []], 'once');
  disk.asideError = failure(8);
  await assert.rejects(log.setAside('state', EPOCH, 1, 'X'), { name: 'CV_LOG_READ_ONLY' });
  disk.asideError = null;
  refusals.push(failure(10));
  await assert.rejects(log.setAside('state', EPOCH, 1, 'X'), { name: 'CV_LOG_FAILED', message: /not written yet/ });
  await log.close();
  await assert.rejects(log.setAside('state', EPOCH, 1, 'X'), { name: 'CV_LOG_CLOSED' });
  await assert.rejects(log.settle('state', EPOCH, { upTo: 1, have: [] }), { name: 'CV_LOG_CLOSED' });
  await assert.rejects(log.read('state', LOG_START, ALL), { name: 'CV_LOG_CLOSED' });
});

test('a loss of a log that has nothing else is written for who reads it', async () => {
  const { log, told } = await bench();
  const settled = log.settle('state', EPOCH, { upTo: 0, have: [[2, 2]] });
  const events = (await log.read('state', LOG_START, ALL)).flatMap(({ payload }) => decodeBatch(payload).events);
  assert.deepEqual(events.map(({ seq, gap }) => [seq, gap?.fromSeq, gap?.toSeq]), [[3, 1, 1]]);
  await settled;
  assert.deepEqual(told().map(([what]) => what), ['CV_LOG_REWOUND', 'log_rewound']);
  assert.deepEqual([await log.append([]), log.size('state').events], [undefined, 1]);
  await log.close();
});

const older = (first: number): FileReport => ({ ...logFileName('state', 7, first), last: first + 9, lastAt: 0, bytes: 1, damaged: false });

test('a log that is opened and closed writes nothing', async () => {
  const { log, counts, told } = await bench({ state: extendEpoch(EMPTY_STREAM_STATE, 7, 10) }, 7, { files: [older(1)] });
  await log.close();
  assert.deepEqual([counts(), told()], [[], []]);
});

test('a commit that may succeed in another file is made there at once, with its gap records', async () => {
  const { log, refusals, commits, told } = await bench();
  await log.append([testDraft(1, { kind: 'state' })]);
  refusals.push(failure(10, true));
  await log.settle('state', EPOCH, { upTo: 0, have: [[3, 3]] });
  await turns();
  assert.deepEqual(commits.map(({ file, groups }) => [file.first, groups.map(({ seq, count }) => [seq, count])]), [
    [1, [[1, 1]]], [1, [[4, 1]]], [4, [[4, 1]]],
  ]);
  assert.deepEqual(told().map(([what]) => what), ['CV_LOG_REWOUND', 'log_rewound', 'CV_LOG_FAILED', 'CV_LOG_FAILED over']);
  await log.close();
});

test('after a failure the next commit begins a file, unless the disk was full or it was no disk at all', async () => {
  const { log, refusals, commits } = await bench();
  const firsts: unknown[] = [];
  for (const refusal of [null, failure(13), new TypeError('a mistake'), failure(8)]) {
    refusals.push(refusal);
    await log.append([testDraft(1, { kind: 'state' })]).catch(() => undefined);
    await log.append([testDraft(1, { kind: 'state' })]);
    firsts.push(commits.splice(0).map(({ file }) => file.first));
  }
  assert.deepEqual(firsts, [[1, 1], [1, 1], [1, 1], [1, 5]]);
  await log.close();
});

test('files of which all is settled go with the commit that says so; on a full disk, where that cannot be written, before it', async () => {
  for (const isFull of [false, true]) {
    const { log, after, refusals, removed, counts } = await bench(
      { state: extendEpoch(EMPTY_STREAM_STATE, 7, 30) }, 7, { files: [older(1), older(11), older(21)] },
    );
    if (isFull) refusals.push(failure(13), failure(13), failure(13), failure(13));
    await log.settle('state', 7, { upTo: 9, have: [] });
    assert.deepEqual([await after(0), removed], [[], []]);
    await log.settle('state', 7, { upTo: 10, have: [] });
    await after(0);
    assert.equal(removed[0], older(1).name);
    if (!isFull) assert.deepEqual(removed, [older(1).name]);
    await after(60_000);
    counts();
    await log.close();
  }
});

test('what a log may hold is beside the next file, which is made ahead', async () => {
  const needed = (32 << 10) + 150 + (16 << 10);
  for (const [maxBytes, lost] of [[needed, []], [needed - 1, [['log_full_newest', 1, false, 'state']]]] as const) {
    const { log, told } = await bench({}, 0, { maxBytes });
    await log.append([testDraft(1, { kind: 'state' })]);
    assert.deepEqual(told().filter(([what]) => what === 'log_full_newest'), lost);
    await log.close();
  }
});
