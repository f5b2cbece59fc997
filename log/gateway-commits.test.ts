/** What a gateway's log asks of its storage: what is written, removed and read, and what a full or failing disk changes. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { settle as turns, testWorld } from '../core/testing/virtual-clock.ts';
import { logFileName, PREPARED_FILE_BYTES } from './file-name.ts';
import { openGatewayLog } from './gateway-log.ts';
import {
  StorageError,
  type ChainReport,
  type CommitRequest,
  type DiskReport,
  type FileReport,
  type LogStorage,
  type SalvageReport,
} from './storage.ts';
import { LOG_START, type AcceptedGroup, type GatewayLogOptions, type SettledRange } from './types.ts';

const EPOCH = 9;
const FILE_BYTES = 100_000;
const COMMIT_BYTES = 32 << 10;
const WELL: DiskReport = { freeBytes: 1e9, ballast: true, wantedBytes: 0 };
const KEEP_MS = 1000;

const group = (seq: number, bytes = 10, count = 1): AcceptedGroup => ({
  origin: { sender: 'a', stream: 'state', epoch: 7, seq, span: count, receivedAt: 5 }, count, payload: new Uint8Array(bytes),
});
const settled = (from: number, to: number): SettledRange => ({ sender: 'b', stream: 'state', epoch: 7, from, to });
const failure = (code: number, retryable = false) =>
  new StorageError({ code, detail: `refused ${code}`, needsNewFile: code !== 13, locked: false, retryable });
const FULL = 13;

interface Given {
  files?: number;
  lastAt?: number;
  disk?: DiskReport;
  found?: Partial<ChainReport>;
  options?: Partial<GatewayLogOptions>;
}

async function bench({ files = 0, lastAt, disk = WELL, found = {}, options = {} }: Given = {}) {
  const world = testWorld();
  const reports: FileReport[] = Array.from({ length: files }, (_, index) => ({
    ...logFileName('log', 5, index * 10 + 1), last: index * 10 + 10, lastAt: lastAt ?? world.clock.nowMs(),
    bytes: FILE_BYTES, damaged: false,
  }));
  const calls: string[] = [];
  const commits: CommitRequest[] = [];
  /** Outcomes of the next commits. */
  const refusals: (Error | null)[] = [];
  const sizes: Record<string, number> = {};
  const state = { disk, diskCalls: 0, readError: null as Error | null, salvages: [] as SalvageReport[], sizes };
  const storage: LogStorage = {
    open: () => Promise.resolve({
      epoch: EPOCH, previousEpoch: 5, maxFileBytes: FILE_BYTES, disk,
      chains: {
        log: { files: reports, state: null, stateFile: null, trimmed: null, stateDamaged: false, head: null, salvages: [], ...found },
      },
    }),
    commit(request) {
      calls.push('commit');
      commits.push(request);
      const refusal = refusals.shift();
      return refusal ? Promise.reject(refusal) : Promise.resolve({ bytes: state.sizes, disk: state.disk });
    },
    read(request) {
      calls.push(`read ${request.parts.length}`);
      return state.readError
        ? Promise.reject(state.readError)
        : Promise.resolve({ groups: [], missing: [], complete: true, salvages: state.salvages });
    },
    replay({ file, last }) {
      calls.push(`replay ${file.name} ${last}`);
      return Promise.resolve({ origins: [group(last).origin], settled: [JSON.stringify([settled(last, last)])], salvages: [] });
    },
    remove({ names }) {
      calls.push(`remove ${names.join(' ')}`);
      return Promise.resolve(state.disk);
    },
    disk() {
      state.diskCalls += 1;
      return Promise.resolve(state.disk);
    },
    setAside: () => Promise.resolve(null),
    stats: () => Promise.reject(new Error('not asked')),
    close() {
      calls.push('close');
      return Promise.resolve(null);
    },
  };
  const log = await openGatewayLog({ dir: '', gateway: 'g', maxBytes: 1e9, keepMs: KEEP_MS, ...options }, world, storage);
  const told = () => world.told.splice(0).map((event) =>
    event.kind === 'fault' ? event.fault.code : event.kind === 'fault_cleared' ? `${event.code} over` : event.kind);
  const removed = () => calls.splice(0).flatMap((call) => (call.startsWith('remove ') ? call.slice(7).split(' ') : []));
  return { world, log, calls, commits, refusals, state, told, removed, reports };
}

const namesOf = (reports: readonly FileReport[], count: number) => reports.slice(0, count).map(({ name }) => name);

test('groups get numbers in their order, a new file begins with all marks, and what is settled goes with them', async () => {
  const { log, commits, calls } = await bench();
  const places = await Promise.all([log.accept([group(1, 10, 3), group(4)]), log.accept([], [settled(1, 2)]), log.accept([group(5)])]);
  assert.deepEqual(places, [[{ epoch: EPOCH, seq: 1 }, { epoch: EPOCH, seq: 4 }], [], [{ epoch: EPOCH, seq: 5 }]]);
  const [first] = commits;
  assert.deepEqual([commits.length, calls], [1, ['commit']]);
  assert.deepEqual(first?.groups.map(({ seq, count }) => [seq, count]), [[1, 3], [4, 1], [5, 1]]);
  assert.deepEqual([first?.file, first?.chain], [logFileName('log', EPOCH, 1), 'log']);
  assert.deepEqual([first?.settled, JSON.parse(String(first?.state)), JSON.parse(String(first?.trimmed))], [
    JSON.stringify([settled(1, 2)]), { v: 1, marks: [] }, { epoch: 0, seq: 0, ends: [] },
  ]);
  assert.deepEqual([log.mark('a', 'state', 7), log.mark('b', 'state', 7)], [{ upTo: 5, have: [] }, { upTo: 2, have: [] }]);
  await log.accept([group(6)]);
  assert.deepEqual(commits[1]?.groups.map(({ seq }) => seq), [6]);
  assert.deepEqual([commits[1]?.state, commits[1]?.trimmed, commits[1]?.settled], [undefined, undefined, undefined]);
  assert.deepEqual([log.head(), log.size().events], [{ epoch: EPOCH, seq: 6 }, 6]);
  await log.close();
});

test('a full file is followed by one that begins with the marks of all before it', async () => {
  const { log, commits, state } = await bench();
  state.sizes = { [logFileName('log', EPOCH, 1).name]: FILE_BYTES };
  await log.accept([group(1, 10, 4)]);
  assert.equal(log.size().bytes, FILE_BYTES);
  await log.accept([group(5)]);
  assert.equal(commits[1]?.file.name, logFileName('log', EPOCH, 5).name);
  assert.deepEqual((JSON.parse(String(commits[1]?.state)) as { marks: unknown[] }).marks, [['a', 'state', 7, [[1, 4]], 5]]);
  await log.close();
});

test('marks come from the newest snapshot and the rows of its file and those behind it', async () => {
  const names = [1, 11, 21].map((first) => logFileName('log', 5, first).name);
  for (const [stateFile, replayed] of [[names[1], [1, 2]], [names[2], [2]], [null, [0, 1, 2]]] as const) {
    const { log, calls } = await bench({ files: 3, found: { stateFile: stateFile ?? null } });
    assert.deepEqual(calls, replayed.map((index) => `replay ${names[index]} ${index * 10 + 10}`));
    assert.deepEqual(log.mark('a', 'state', 7).have, replayed.map((index) => [index * 10 + 10, index * 10 + 10]));
    assert.deepEqual(log.mark('b', 'state', 7).have, replayed.map((index) => [index * 10 + 10, index * 10 + 10]));
    assert.equal(log.size().events, 30);
    await log.close();
  }
});

test('calls that come within a few turns of each other share a commit', async () => {
  const { log, commits } = await bench();
  const first = log.accept([group(1)]);
  await new Promise<void>((resolve) => { process.nextTick(() => process.nextTick(() => process.nextTick(resolve))); });
  await Promise.all([first, log.accept([group(2)])]);
  assert.equal(commits.length, 1);
  await log.close();
});

for (const [what, freeBytes, count] of [
  ['as much as nine commits beside the new groups', 500 + 9 * COMMIT_BYTES, 0],
  ['a byte less', 499 + 9 * COMMIT_BYTES, 1],
  ['nothing', 0, 3],
] as const) {
  test(`on a disk without ballast that has ${what}, so many files go: ${count}`, async () => {
    const { log, removed, state, reports, told } = await bench({ files: 5, disk: { freeBytes, ballast: false, wantedBytes: 0 } });
    assert.deepEqual(told(), ['CV_LOG_DISK_FULL']);
    const asked = state.diskCalls;
    await log.accept([group(1, 500)]);
    assert.deepEqual([removed(), state.diskCalls - asked], [namesOf(reports, count), 1]);
    assert.deepEqual(log.tail(), count === 0 ? LOG_START : { epoch: 5, seq: count * 10 });
    await log.close();
  });
}

test('on a disk without ballast files that all have passed go until it could be made again', async () => {
  const freeBytes = 1e6;
  const { log, removed, reports } = await bench({ files: 5, disk: { freeBytes, ballast: false, wantedBytes: freeBytes + FILE_BYTES + 1 } });
  log.setConsumer('store', { epoch: 5, seq: 30 }, true);
  await log.accept([group(1)]);
  assert.deepEqual(removed(), namesOf(reports, 2));
  await log.close();
  const well = await bench({ files: 5, disk: { freeBytes: 0, ballast: true, wantedBytes: 1e9 } });
  await well.log.accept([group(1)]);
  assert.deepEqual([well.removed(), well.state.diskCalls], [[], 0], 'with its ballast it is not short');
  await well.log.close();
});

test('a commit that a full disk refuses is made again when files have gone; that is written with it', async () => {
  const { log, removed, refusals, commits, reports, told } = await bench({ files: 5 });
  refusals.push(failure(FULL), failure(FULL));
  assert.deepEqual(await log.accept([group(1, 500)]), [{ epoch: EPOCH, seq: 1 }]);
  assert.deepEqual(removed(), namesOf(reports, 3));
  const trimmed = { epoch: 5, seq: 30, ends: [[5, 30]] };
  assert.deepEqual(commits.map(({ groups, trimmed: text }) => [groups.length, text && JSON.parse(text)]), [
    [1, { epoch: 0, seq: 0, ends: [] }], [0, trimmed], [1, trimmed],
  ]);
  await log.accept([group(2)]);
  assert.equal(commits[3]?.trimmed, undefined, 'once');
  assert.deepEqual(told(), []);
  await log.close();
});

test('where nothing may go a full disk refuses, and so does one that fails otherwise', async () => {
  const { log, refusals, removed, told } = await bench({ files: 1 });
  refusals.push(failure(FULL));
  await assert.rejects(log.accept([group(1)]), { name: 'CV_LOG_DISK_FULL' });
  refusals.push(failure(8));
  await assert.rejects(log.accept([group(1)]), { name: 'CV_LOG_READ_ONLY' });
  assert.deepEqual([removed(), told()], [[], ['CV_LOG_DISK_FULL', 'CV_LOG_READ_ONLY']]);
  assert.deepEqual(log.mark('a', 'state', 7), { upTo: 0, have: [[10, 10]] });
  await log.close();
});

test('a commit that may succeed in another file is made there at once', async () => {
  const { log, refusals, commits, told } = await bench();
  await log.accept([group(1)]);
  refusals.push(failure(10, true));
  assert.deepEqual(await log.accept([group(2)]), [{ epoch: EPOCH, seq: 2 }]);
  assert.deepEqual(commits.map(({ file }) => file.first), [1, 1, 2]);
  assert.deepEqual(told(), ['CV_LOG_FAILED', 'CV_LOG_FAILED over']);
  refusals.push(failure(10));
  await assert.rejects(log.accept([group(3)]), { name: 'CV_LOG_FAILED' });
  assert.equal(commits.length, 4);
  await log.close();
});

test('a log that is full of what must stay takes no groups, and still what is settled', async () => {
  const maxBytes = 2 * FILE_BYTES + PREPARED_FILE_BYTES + COMMIT_BYTES + 500;
  const { log, commits } = await bench({ files: 2, options: { maxBytes } });
  log.setConsumer('rules', LOG_START, true);
  await log.accept([group(1, 500)]);
  await assert.rejects(log.accept([group(2, 501)]), { name: 'CV_LOG_FULL' });
  assert.equal(commits.length, 1);
  await log.accept([], [settled(1, 1)]);
  assert.equal(commits.length, 2);
  log.removeConsumer('rules');
  await log.accept([group(2, 501)]);
  assert.equal(log.tail().seq, 10);
  await log.close();
});

test('what is settled alone is written, and nothing is let go for it', async () => {
  const { log, commits, removed } = await bench({ files: 5, options: { maxBytes: 1 } });
  await log.accept([], [settled(1, 1)]);
  assert.deepEqual([commits.length, removed()], [1, []]);
  await log.close();
});

test('age is looked at every minute, with a note of what goes before it goes; a disk that refuses that is told', async () => {
  const { log, world, removed, commits, reports, refusals, told } = await bench({ files: 4, lastAt: 1 });
  await world.clock.advanceMs(59_999);
  assert.deepEqual([commits.length, removed()], [0, []]);
  refusals.push(failure(8));
  await world.clock.advanceMs(1);
  assert.deepEqual([commits.length, removed(), told()], [1, [], ['CV_LOG_READ_ONLY']]);
  await world.clock.advanceMs(60_000);
  assert.deepEqual([commits.length, removed()], [2, namesOf(reports, 3)]);
  assert.equal(JSON.parse(String(commits[1]?.trimmed)).seq, 30);
  assert.deepEqual([log.tail(), log.size()], [{ epoch: 5, seq: 30 }, { events: 10, bytes: FILE_BYTES }]);
  assert.equal(log.countTrimmed(LOG_START, log.tail()), 30);
  await world.clock.advanceMs(60_000);
  assert.deepEqual([commits.length, removed()], [3, [reports[3]?.name]], 'the file of that note is the newest now');
  await world.clock.advanceMs(60_000);
  assert.equal(commits.length, 3);
  await log.close();
});

test('a reader gets what the files have; a disk that fails is said in the log\'s own words, damage is told', async () => {
  const { log, calls, state, told } = await bench({ files: 2 });
  calls.splice(0);
  const limit = { maxGroups: 1, maxBytes: 1 };
  assert.deepEqual([await log.read({ epoch: 5, seq: 20 }, limit), calls], [[], []]);
  await log.read({ epoch: 5, seq: 10 }, limit);
  await log.read(LOG_START, limit);
  assert.deepEqual(calls, ['read 1', 'read 2']);
  state.readError = failure(10);
  await assert.rejects(log.read(LOG_START, limit), { name: 'CV_LOG_FAILED' });
  state.readError = null;
  state.salvages = [{ name: 'log-5-1.db', damagedName: 'x', detail: 'y', present: [[1, 8]], bytes: 7 }];
  await log.read(LOG_START, limit);
  assert.deepEqual([told(), log.size().bytes], [['CV_LOG_SALVAGED', 'CV_LOG_DAMAGED', 'samples_lost'], FILE_BYTES + 7]);
  await turns();
  await log.close();
});

test('who listens hears of each commit with groups, until it listens no more', async () => {
  const { log } = await bench();
  let heard = 0;
  const stop = log.onAppended(() => { heard += 1; });
  await Promise.all([log.accept([group(1)]), log.accept([group(2)])]);
  await log.accept([], [settled(1, 1)]);
  assert.equal(heard, 1);
  stop();
  await log.accept([group(3)]);
  assert.equal(heard, 1);
  await log.close();
});

test('its end waits for what was taken, then nothing is, and nothing is due', async () => {
  const { log, calls, world } = await bench();
  const last = log.accept([group(1)]);
  const closed = log.close();
  assert.equal(log.close(), closed);
  await Promise.all([last, closed]);
  assert.deepEqual([calls, world.clock.nextDueMs()], [['commit', 'close'], null]);
  await assert.rejects(log.accept([group(2)]), { name: 'CV_LOG_CLOSED' });
  await assert.rejects(log.read(LOG_START, { maxGroups: 1, maxBytes: 1 }), { name: 'CV_LOG_CLOSED' });
});
