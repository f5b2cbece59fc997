/** What a gateway's log says of numbers that it should have and has not: each once, whoever asks. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { testWorld } from '../core/testing/virtual-clock.ts';
import { decodeBatch } from '../core/wire/batch.ts';
import { FileChain } from './file-chain.ts';
import { logFileName } from './file-name.ts';
import { GatewayLosses, LOSS_SENDER, LOSS_STREAM, type LossGroups } from './gateway-losses.ts';
import { SenderMarks } from './sender-marks.ts';
import type { ChainReport, FileReport } from './storage.ts';
import { LOG_START, type Cursor } from './types.ts';

const NOW = 9;
const file = (epoch: number, first: number, last: number, damaged = false): FileReport => ({
  ...logFileName('log', epoch, first), last, lastAt: 0, bytes: 1, damaged,
});

function bench(...files: FileReport[]) {
  const world = testWorld();
  const chain = new FileChain('log', 1000, files);
  const marks = new SenderMarks();
  const losses = new GatewayLosses('town-1', NOW, chain, marks, world);
  const told = () => world.told.splice(0).map((event) =>
    event.kind === 'fault'
      ? [event.fault.code, event.fault.params['witness'] ?? event.fault.params['file'], event.fault.params['epoch'],
        event.fault.params['fromSeq'], event.fault.params['toSeq'], event.fault.params['detail'] ?? event.fault.params['stream']]
      : event.kind === 'samples_lost' ? [event.reason, event.count, event.intended] : event.kind);
  const recover = (head: Cursor | null = null, trimmed = LOG_START, stateDamaged = false) => {
    const report: ChainReport = { files, state: null, stateFile: null, trimmed: null, stateDamaged, head, salvages: [] };
    return losses.recover(report, trimmed);
  };
  return { world, chain, marks, losses, told, recover };
}

const rangesOf = ({ groups, settled }: LossGroups) => {
  const gaps = groups.map(({ payload }) => decodeBatch(payload).events[0]?.gap);
  assert.deepEqual(
    gaps.map((gap) => gap && [gap.epoch, gap.fromSeq, gap.toSeq]),
    settled.map(({ epoch, from, to }) => [epoch, from, to]),
  );
  return gaps.map((gap) => gap && [gap.epoch, gap.fromSeq, gap.toSeq, gap.reason]);
};

test('files that do not follow each other lack what lies between; the first follows what was let go', () => {
  const { recover, told, chain } = bench(file(3, 11, 20), file(3, 31, 40), file(3, 41, 50), file(4, 3, 5), file(5, 1, 1));
  assert.deepEqual(rangesOf(recover()), [[3, 1, 10, 'log_damaged'], [3, 21, 30, 'log_damaged'], [4, 1, 2, 'log_damaged']]);
  assert.deepEqual(told(), [
    ['CV_LOG_DAMAGED', 'log-3-11.db', 3, 1, 10, 'preceding file is missing'], ['log_damaged', 10, false],
    ['CV_LOG_DAMAGED', 'log-3-31.db', 3, 21, 30, 'preceding file is missing'], ['log_damaged', 10, false],
    ['CV_LOG_DAMAGED', 'log-4-3.db', 4, 1, 2, 'preceding file is missing'], ['log_damaged', 2, false],
  ]);
  assert.deepEqual(chain.files.map(({ damaged }) => damaged), [true, true, false, true, false]);
  const missing = (trimmed: Cursor) =>
    rangesOf(bench(file(3, 11, 20), file(4, 3, 5)).recover(null, trimmed)).map((range) => range?.slice(0, 3));
  assert.deepEqual(
    [missing({ epoch: 3, seq: 4 }), missing({ epoch: 3, seq: 10 }), missing({ epoch: 4, seq: 1 }), missing({ epoch: 5, seq: 0 })],
    [[[3, 5, 10], [4, 1, 2]], [[4, 1, 2]], [[4, 2, 2]], []],
  );
});

test('marks that cannot be read are told, and what lies between files may have been let go', () => {
  const { recover, told } = bench(file(3, 11, 20));
  assert.deepEqual(rangesOf(recover(null, LOG_START, true)), []);
  assert.deepEqual(told(), [
    ['CV_LOG_DAMAGED', 'marks', 0, 0, 0, 'batches since the last readable file may be accepted again'],
  ]);
});

test('an end that the head file knows and no file reaches is rewound; a damaged file reaches as far as it', () => {
  const rewound = (head: Cursor | null, trimmed: Cursor, ...files: FileReport[]) => {
    const { recover, told } = bench(...files);
    const ranges = rangesOf(recover(head, trimmed));
    const faults = told().filter(([code]) => code === 'CV_LOG_REWOUND');
    assert.deepEqual(faults, ranges.map((range) => ['CV_LOG_REWOUND', 'its own head file', ...range?.slice(0, 3) ?? [], 'log']));
    assert.ok(ranges.every((range) => range?.[3] === 'log_rewound'));
    return ranges.map((range) => range?.slice(0, 3));
  };
  const whole = file(3, 1, 20);
  assert.deepEqual(rewound(null, LOG_START, whole), []);
  assert.deepEqual(rewound({ epoch: 3, seq: 20 }, LOG_START, whole), []);
  assert.deepEqual(rewound({ epoch: 3, seq: 21 }, LOG_START, whole), [[3, 21, 21]]);
  assert.deepEqual(rewound({ epoch: 4, seq: 2 }, LOG_START, whole), [[4, 1, 2]]);
  assert.deepEqual(rewound({ epoch: 4, seq: 9 }, { epoch: 4, seq: 7 }), [[4, 8, 9]]);
  assert.deepEqual(rewound({ epoch: 4, seq: 9 }, { epoch: 4, seq: 9 }), []);
  assert.deepEqual(rewound({ epoch: 4, seq: 1 }, { epoch: 4, seq: 0 }), [[4, 1, 1]]);
  assert.deepEqual(rewound({ epoch: 4, seq: 9 }, { epoch: 3, seq: 20 }), [[4, 1, 9]]);
  assert.deepEqual(rewound({ epoch: 3, seq: 25 }, LOG_START, file(3, 1, 20, true)), []);
  const { recover, chain } = bench(file(3, 1, 20, true));
  recover({ epoch: 3, seq: 25 });
  assert.equal(chain.head()?.seq, 25);
});

test('a loss is a gap event of the gateway under its own numbers, and a mark by which it is known the next time', () => {
  const { losses, marks, told, world } = bench(file(3, 1, 20));
  const missing = (from: number, to: number) => losses.recordMissingRanges([{ name: 'log-3-1.db', epoch: 3, from, to, detail: 'x' }]);
  const { groups, settled } = missing(3, 4);
  const nowMs = world.clock.nowMs();
  assert.deepEqual(groups[0]?.origin, { sender: 'town-1', stream: 'diagnostic', epoch: NOW, seq: 1, span: 1, receivedAt: nowMs });
  assert.deepEqual([groups.length, groups[0]?.count], [1, 1]);
  const { events: [event], ...batch } = decodeBatch(groups[0]?.payload ?? new Uint8Array());
  assert.deepEqual([batch.from, batch.stream, batch.epoch, batch.seq, event?.centre], ['town-1', 'diagnostic', NOW, 1, '000000']);
  assert.deepEqual(event?.gap, {
    stream: 'diagnostic', epoch: 3, fromSeq: 3, toSeq: 4, fromAt: nowMs, toAt: nowMs, count: 2, reason: 'log_damaged',
  });
  assert.deepEqual(settled, [{ sender: 'lost#', stream: LOSS_STREAM, epoch: 3, from: 3, to: 4 }]);
  assert.deepEqual(told(), [['CV_LOG_DAMAGED', 'log-3-1.db', 3, 3, 4, 'x'], ['log_damaged', 2, false]]);
  assert.deepEqual([rangesOf(missing(3, 4)), told()], [[], []]);
  const more = missing(2, 6);
  assert.deepEqual(rangesOf(more).map((range) => range?.slice(1, 3)), [[2, 2], [5, 6]]);
  assert.deepEqual(more.groups.map(({ origin }) => origin.seq), [2, 3]);
  marks.settle({ sender: LOSS_SENDER, stream: LOSS_STREAM, epoch: 3, from: 9, to: 12 }, 1);
  assert.deepEqual(rangesOf(missing(9, 12)), [], 'recorded in an earlier opening');
  assert.deepEqual(rangesOf(missing(12, 13)).map((range) => range?.slice(1, 3)), [[13, 13]]);
});

test('a consumer that has more than the log is told once for where it stands, unless that loss is recorded', () => {
  const { losses, told, marks } = bench(file(3, 1, 20), file(5, 1, 4));
  const check = (consumer: string, epoch: number, seq: number) => {
    losses.checkConsumer(consumer, { epoch, seq }, { epoch: 5, seq: 4 });
    return told().map((fault) => fault.slice(1, 5));
  };
  assert.deepEqual([check('a', 3, 20), check('a', 5, 4), check('a', 0, 0), check('a', 4, 9)], [[], [], [], []]);
  assert.deepEqual(check('a', 3, 21), [['a', 3, 21, 21]]);
  assert.deepEqual([check('a', 3, 21), check('b', 3, 21), check('a', 3, 22), check('a', 3, 21)], [
    [], [['b', 3, 21, 21]], [['a', 3, 21, 22]], [['a', 3, 21, 21]],
  ]);
  // Of a log from which all was let go only that much is known.
  const empty = bench();
  empty.losses.checkConsumer('a', { epoch: 3, seq: 20 }, { epoch: 3, seq: 20 });
  assert.deepEqual(empty.told(), []);
  assert.deepEqual([check('c', 6, 1), check('c', 6, 0)], [[['c', 6, 1, 1]], []]);
  marks.settle({ sender: LOSS_SENDER, stream: LOSS_STREAM, epoch: 3, from: 21, to: 30 }, 1);
  assert.deepEqual([check('d', 3, 30), check('d', 3, 31)], [[], [['d', 3, 21, 31]]]);
});
