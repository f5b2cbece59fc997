/** Numbers that are known elsewhere and that this log does not have, or cannot read. */
import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { TEST_CENTRE, testDrafts } from '../core/testing/drafts.ts';
import { readAll } from './testing/edge-log-contract.ts';
import { memoryDir } from '../core/testing/temp-dir.ts';
import { testWorld } from '../core/testing/virtual-clock.ts';
import { checkGatewayMark, recordMissingRanges, recoverStream } from './edge-losses.ts';
import { openEdgeLog } from './edge-log.ts';
import type { EdgeStream } from './edge-stream.ts';
import { FileChain } from './file-chain.ts';
import { logFileName } from './file-name.ts';
import type { ChainReport, FileReport } from './storage.ts';
import {
  addWrittenGaps,
  EMPTY_STREAM_STATE,
  extendEpoch,
  formatStreamState,
  settleRanges,
  unsettledRanges,
  type StreamState,
} from './stream-state.ts';
import { directStorage } from './worker-storage.ts';

async function bench(t: TestContext) {
  const { dir, remove } = await memoryDir();
  t.after(remove);
  const world = testWorld();
  const open = () => openEdgeLog({ dir, edge: 'pump-07', centre: TEST_CENTRE, maxBytes: 64 << 20 }, world, directStorage());
  const rewound = () =>
    world.told.flatMap((told) => (told.kind === 'fault' && told.fault.code === 'CV_LOG_REWOUND' ? [told.fault.params] : []));
  const lost = () => world.told.filter(({ kind }) => kind === 'samples_lost');
  const append = async (log: Awaited<ReturnType<typeof open>>, count: number) => {
    const done = log.append(testDrafts(1, count));
    await world.clock.advanceMs(1000);
    await done;
  };
  return { dir, world, open, append, rewound, lost };
}

test('a mark ahead of the present opening names what is missing, and those numbers are not given again', async (t) => {
  const { open, append, rewound, lost, world } = await bench(t);
  const log = await open();
  await append(log, 3);
  await log.settle('measurement', log.epoch, { upTo: 3, have: [] });
  assert.deepEqual(rewound(), [], 'what it has is nothing new');
  await log.settle('measurement', log.epoch, { upTo: 5, have: [[8, 8]] });
  assert.deepEqual(rewound(), [{ witness: 'the gateway', stream: 'measurement', epoch: log.epoch, fromSeq: 4, toSeq: 8 }]);
  // 4, 5 and 8 the gateway has; 6 and 7 nobody has.
  assert.deepEqual(lost(), [{ kind: 'samples_lost', count: 2, reason: 'log_rewound', intended: false, stream: 'measurement' }]);
  await world.clock.advanceMs(20_000);
  await append(log, 1);
  assert.ok((await readAll(log, 'measurement')).filter(({ gap }) => !gap).every(({ seq }) => seq <= 3 || seq > 8));
  await log.close();
});

test('of a file that cannot be read and of which nothing else is known, no number is lost that nobody has heard of', async (t) => {
  const { open, lost, rewound, world, dir } = await bench(t);
  await writeFile(join(dir, 'state-7-1.db'), Buffer.alloc(40_000, 0x5a));
  const log = await open();
  assert.deepEqual([lost(), rewound()], [[], []]);
  assert.ok(world.told.some((told) => told.kind === 'fault' && told.fault.code === 'CV_LOG_SALVAGED'));
  assert.deepEqual((await readAll(log, 'state')).map(({ gap }) => gap), []);
  await log.close();
});

test('a mark that no log could have earned burns no numbers', async (t) => {
  const { open, append, rewound } = await bench(t);
  const log = await open();
  await append(log, 3);
  await log.settle('measurement', log.epoch, { upTo: 1e9 + 4, have: [] });
  assert.deepEqual(rewound(), []);
  await log.settle('measurement', log.epoch, { upTo: 1e9 + 3, have: [] });
  assert.deepEqual(rewound().map(({ fromSeq, toSeq }) => [fromSeq, toSeq]), [[4, 1e9 + 3]]);
  await log.close();
});

test('an opening that is forgotten is not owed again; one that lies ahead is somebody else\'s, told once', async (t) => {
  const { open, append, rewound, lost } = await bench(t);
  const first = await open();
  await append(first, 2);
  await first.settle('measurement', first.epoch, { upTo: 2, have: [] });
  await first.close();
  const log = await open();
  await append(log, 1);
  await log.settle('measurement', first.epoch - 5, { upTo: 50, have: [] });
  assert.deepEqual([rewound(), lost()], [[], []]);
  const ahead = log.epoch + 1e6;
  for (let twice = 0; twice < 2; twice += 1) await log.settle('measurement', ahead, { upTo: 50, have: [] });
  assert.deepEqual([rewound(), lost()], [[{ witness: 'the gateway', stream: 'measurement', epoch: ahead, fromSeq: 1, toSeq: 50 }], []]);
  await log.close();
});

test('one event that is lost is counted as much as many are', async (t) => {
  const { open, append, lost } = await bench(t);
  const log = await open();
  await append(log, 3);
  await log.settle('measurement', log.epoch, { upTo: 3, have: [[5, 5]] });
  assert.deepEqual(lost(), [{ kind: 'samples_lost', count: 1, reason: 'log_rewound', intended: false, stream: 'measurement' }]);
  await log.close();
});

const file = (epoch: number, first: number, last: number, damaged = false): FileReport =>
  ({ ...logFileName('state', epoch, first), last, lastAt: 0, bytes: 1, damaged });
const stateOf = (...epochs: [epoch: number, last: number, settledUpTo?: number][]) =>
  epochs.reduce<StreamState>(
    (state, [epoch, last, upTo = 0]) => settleRanges(extendEpoch(state, epoch, last), epoch, upTo > 0 ? [[1, upTo]] : []),
    EMPTY_STREAM_STATE,
  );

function stream(files: FileReport[] = [], state = EMPTY_STREAM_STATE) {
  const world = testWorld();
  const quarantined: unknown[] = [];
  const one = {
    stream: 'state', chain: new FileChain('state', 1000, files), state, stateChanged: false, foreignEpochs: new Set<number>(),
    timeRange: (_epoch: number, from: number, to: number) => Promise.resolve({ fromAt: from * 10, toAt: to * 10 }),
    quarantine: (what: object) => {
      quarantined.push(what);
      return Promise.resolve();
    },
  };
  const told = () => world.told.splice(0).map((event) =>
    event.kind === 'fault'
      ? [event.fault.code, event.fault.params['epoch'], event.fault.params['fromSeq'], event.fault.params['toSeq']]
      : event.kind === 'samples_lost' ? [event.reason, event.count, event.intended, event.stream] : [event.kind]);
  const recover = (more: Partial<ChainReport> = {}) => {
    const found = { files, state: null, stateFile: null, trimmed: null, stateDamaged: false, head: null, salvages: [], ...more };
    recoverStream(one as unknown as EdgeStream, found, world);
    return told().filter(([code]) => code === 'CV_LOG_REWOUND').map(([, ...range]) => range);
  };
  return { one, edge: one as unknown as EdgeStream, world, told, recover, quarantined };
}

test('an opening goes by its state, its files and the head file: what none of its files has is lost', () => {
  const rewound = (files: FileReport[], state: StreamState, more: Partial<ChainReport> = {}) =>
    stream(files).recover({ state: formatStreamState(state), stateFile: files.at(-1)?.name ?? null, ...more });
  const whole = [file(7, 1, 5), file(7, 6, 10)];
  assert.deepEqual(rewound(whole, stateOf([7, 10, 3])), []);
  assert.deepEqual(rewound(whole, stateOf([7, 8, 3])), [], 'rows are newer than the state');
  assert.deepEqual(rewound(whole, stateOf([7, 12])), [[7, 11, 12]]);
  assert.deepEqual(rewound(whole, stateOf([7, 10]), { head: { epoch: 7, seq: 11 } }), [[7, 11, 11]]);
  assert.deepEqual(rewound(whole, stateOf([7, 10]), { head: { epoch: 8, seq: 2 } }), [[8, 1, 2]]);
  assert.deepEqual(rewound([file(7, 6, 10)], stateOf([7, 10, 3])), [[7, 4, 5]]);
  assert.deepEqual(rewound([file(7, 1, 3), file(7, 6, 10)], stateOf([7, 10])), [[7, 4, 5]]);
  const record = { epoch: 7, seq: 2, at: 1, clock: 'edge' } as const;
  const loss = { stream: 'state', epoch: 7, fromSeq: 1, toSeq: 1, fromAt: 1, toAt: 1, count: 1, reason: 'refused' } as const;
  const withRecord = addWrittenGaps(stateOf([7, 10]), [{ ...record, lost: loss }]);
  assert.deepEqual(rewound([file(7, 4, 10)], withRecord), [[7, 1, 1], [7, 3, 3]], 'but for records');
  // An opening that the newest state has forgotten was settled, whatever is left of it.
  assert.deepEqual(rewound([file(6, 5, 9), file(7, 1, 5)], stateOf([7, 5]), { head: { epoch: 6, seq: 12 } }), []);
  assert.deepEqual(rewound([file(6, 5, 9), file(7, 1, 5)], stateOf([6, 9], [7, 5])), [[6, 1, 4]]);
  assert.deepEqual(rewound([file(6, 5, 9), file(7, 1, 5)], stateOf([6, 9]), { stateFile: 'state-6-5.db' }), [[6, 1, 4]]);
});

test('what an opening has is what is owed: of what it forgot nothing is', () => {
  const { recover, edge } = stream([file(6, 5, 9), file(7, 1, 5)]);
  recover({ state: formatStreamState(stateOf([7, 3, 1])), stateFile: 'state-7-1.db' });
  assert.deepEqual(unsettledRanges(edge.state), [{ epoch: 7, from: 2, to: 5 }]);
});

test('a damaged file at the end of an opening is taken to reach as far as is known; where it ends is found when it is read', () => {
  const reach = (files: FileReport[], known: number, head: number | null) => {
    const { recover, edge } = stream(files);
    const end = head === null ? null : { epoch: 7, seq: head };
    const lost = recover({ state: formatStreamState(stateOf([7, known])), stateFile: null, head: end });
    return [edge.chain.files.map((one) => edge.chain.lastSeqOf(one)), lost];
  };
  assert.deepEqual(reach([file(7, 1, 5, true)], 8, null), [[8], []]);
  assert.deepEqual(reach([file(7, 1, 5, true)], 8, 9), [[9], []]);
  assert.deepEqual(reach([file(7, 1, 5, true)], 3, null), [[5], []]);
  assert.deepEqual(reach([file(7, 1, 5, true), file(7, 8, 9)], 9, null), [[7, 9], []]);
  assert.deepEqual(reach([file(7, 1, 5)], 8, null), [[5], [[7, 6, 8]]]);
});

test('a loss at opening is told, counted, and to be written; a state that cannot be read is told', () => {
  const { recover, world, one } = stream([file(7, 1, 5)]);
  const nowMs = world.clock.nowMs();
  recover({ state: formatStreamState(stateOf([7, 8, 6])), stateFile: 'state-7-1.db' });
  assert.deepEqual(one.state.pending, [
    { stream: 'state', epoch: 7, fromSeq: 7, toSeq: 8, fromAt: nowMs, toAt: nowMs, count: 2, reason: 'log_rewound' },
  ]);
  assert.equal(one.stateChanged, true);
  const other = stream([file(7, 1, 5)]);
  recoverStream(other.edge, {
    files: [file(7, 1, 5)], state: formatStreamState(stateOf([7, 6])), stateFile: null, trimmed: null, stateDamaged: true,
    head: null, salvages: [],
  }, other.world);
  assert.deepEqual(other.world.told.slice(0, 1), [{
    kind: 'fault',
    fault: {
      code: 'CV_LOG_DAMAGED',
      params: { file: 'state marks', epoch: 0, fromSeq: 0, toSeq: 0, detail: 'what was settled since the last sound file is sent again' },
    },
  }]);
  const [, rewound] = other.world.told;
  assert.equal(rewound?.kind === 'fault' && rewound.fault.params['witness'], 'its own head file');
  assert.deepEqual(other.told().slice(1), [['CV_LOG_REWOUND', 7, 6, 6], ['log_rewound', 1, false, 'state']]);
});

for (const [what, epoch, upTo, expected] of [
  ['what it has', 9, 5, []],
  ['one more', 9, 6, [['CV_LOG_REWOUND', 9, 6, 6]]],
  ['a thousand million more', 9, 5 + 1e9, [['CV_LOG_REWOUND', 9, 6, 5 + 1e9]]],
  ['more than any log could have', 9, 6 + 1e9, []],
  ['more than any log could have of an earlier opening', 8, 6 + 1e9, [['CV_LOG_REWOUND', 8, 3, 6 + 1e9]]],
  ['an opening that it has forgotten', 7, 50, []],
  ['one just before the last that it knows of', 6, 50, []],
  ['an opening after those that it had', 8.5, 4, [['CV_LOG_REWOUND', 8.5, 1, 4]]],
  ['an opening that is to come', 10, 4, [['CV_LOG_REWOUND', 10, 1, 4]]],
  ['nothing of an opening that is to come', 10, 0, []],
] as const) {
  test(`a gateway that says of its mark: ${what}`, () => {
    const { edge, one, told, world } = stream([], stateOf([8, 2], [9, 5]));
    for (let twice = 0; twice < 2; twice += 1)
      checkGatewayMark(edge, epoch, { upTo, have: [] }, { current: 9, previous: 7 }, world);
    assert.deepEqual(told(), expected);
    assert.equal(one.stateChanged, expected.length > 0 && epoch <= 9);
    const before = stateOf([8, 2], [9, 5]).epochs.get(epoch)?.last;
    assert.equal(one.state.epochs.get(epoch)?.last, epoch > 9 || expected.length === 0 ? before : upTo);
  });
}

test('what the gateway has beyond the end is settled, and what it has not is lost', () => {
  const { edge, one, told, world } = stream([], stateOf([9, 5]));
  checkGatewayMark(edge, 9, { upTo: 2, have: [[8, 9]] }, { current: 9, previous: 7 }, world);
  assert.deepEqual(told(), [['CV_LOG_REWOUND', 9, 6, 9], ['log_rewound', 2, false, 'state']]);
  assert.deepEqual([unsettledRanges(one.state), one.state.pending.map(({ fromSeq, toSeq }) => [fromSeq, toSeq])], [
    [{ epoch: 9, from: 3, to: 5 }], [[6, 7]],
  ]);
});

test('numbers that cannot be read are a loss once, with the times of their neighbours, and a line aside', async () => {
  const { edge, one, told, world, quarantined } = stream([file(9, 1, 20)], stateOf([9, 20, 4]));
  const missing = (epoch: number, from: number, to: number) => ({ name: 'state-9-1.db', epoch, from, to, detail: 'x' });
  assert.equal(await recordMissingRanges(edge, [missing(9, 1, 4), missing(8, 1, 4)], world), false);
  assert.deepEqual([one.chain.files[0]?.damaged, told(), quarantined], [false, [], []]);
  assert.equal(await recordMissingRanges(edge, [missing(9, 3, 6), missing(9, 1, 4)], world), true);
  assert.deepEqual(told(), [['CV_LOG_DAMAGED', 9, 3, 6], ['log_damaged', 2, false, 'state']]);
  assert.deepEqual(one.state.pending, [
    { stream: 'state', epoch: 9, fromSeq: 5, toSeq: 6, fromAt: 20, toAt: 70, count: 2, reason: 'log_damaged' },
  ]);
  assert.deepEqual(quarantined, [
    { at: world.clock.nowMs(), code: 'CV_LOG_DAMAGED', stream: 'state', epoch: 9, fromSeq: 3, toSeq: 6, file: 'state-9-1.db', detail: 'x' },
  ]);
  assert.equal(one.chain.files[0]?.damaged, true);
  // Settled while the times were looked for.
  one.timeRange = () => {
    one.state = settleRanges(one.state, 9, [[8, 9]]);
    return Promise.resolve({ fromAt: 1, toAt: 1 });
  };
  assert.deepEqual([await recordMissingRanges(edge, [missing(9, 8, 9)], world), told()], [false, []]);
});
