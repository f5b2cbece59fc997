/** What is worked out about boots whose clock nobody had set: by hand, number for number. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  findBoot,
  correctBoots,
  correctionOf,
  pruneBoots,
  formatBootHistory,
  isExactCorrection,
  recordBootEpoch,
  recordBootUptime,
  EMPTY_BOOT_HISTORY,
  EARLIEST_CLOCK_MS,
  parseBootHistory,
  type BootHistory,
} from './boot-history.ts';

const HOUR = 3_600_000;
/** Three boots: a of an hour, b of half an hour, c which is the present. All began at the same wrong time. */
const three = (): BootHistory => {
  let memory: BootHistory = { ...EMPTY_BOOT_HISTORY, believedAt: EARLIEST_CLOCK_MS };
  for (const [index, id] of ['a', 'b', 'c'].entries()) memory = recordBootEpoch(memory, id, EARLIEST_CLOCK_MS, index + 1);
  return recordBootUptime(recordBootUptime(memory, 'a', HOUR), 'b', HOUR / 2);
};

test('no clock is believed that says a time before 2024', () => {
  assert.equal(new Date(EARLIEST_CLOCK_MS).toISOString(), '2024-01-01T00:00:00.000Z');
});

test('an opening is noted once, under its boot, and an uptime only where it is later', () => {
  const memory = recordBootEpoch(recordBootEpoch(recordBootEpoch(EMPTY_BOOT_HISTORY, 'a', 5, 1), 'a', 99, 1), 'a', 99, 2);
  assert.deepEqual(memory.boots, [{ id: 'a', epochs: [1, 2], assumedAt: 5, toMs: 0, decided: null }]);
  assert.equal(findBoot(recordBootUptime(recordBootUptime(memory, 'a', 10), 'a', 9), 'a')?.toMs, 10);
  assert.equal(recordBootUptime(memory, 'b', 10), memory);
  const known = recordBootUptime(memory, 'a', 10);
  assert.equal(recordBootUptime(known, 'a', 10), known, 'nothing new to be written');
});

test('the present boot is known to the ms, those before it lie between what was believed and what came after them', () => {
  const trueAt = EARLIEST_CLOCK_MS + 10 * HOUR;
  const decided = correctBoots(three(), { id: 'c', trueAt, epoch: 3 });
  assert.deepEqual(correctionOf(decided, 3), { shiftMs: 10 * HOUR, earlierMs: 0, laterMs: 0, inEpoch: 3 });
  // It began at the latest as long before c as it is known to have lasted, and at the earliest when a had ended.
  assert.deepEqual(correctionOf(decided, 2), { shiftMs: HOUR, earlierMs: 0, laterMs: 8.5 * HOUR, inEpoch: 3 });
  assert.deepEqual(correctionOf(decided, 1), { shiftMs: 0, earlierMs: 0, laterMs: 8.5 * HOUR, inEpoch: 3 });
  assert.deepEqual([1, 2, 3].map((epoch) => isExactCorrection(correctionOf(decided, epoch) as never)), [false, false, true]);
  assert.equal(correctionOf(decided, 4), null);
});

test('a boot that was put too late is brought before the next one, and what it may have been earlier is said', () => {
  const memory = recordBootEpoch(
    recordBootUptime(
      recordBootEpoch({ ...EMPTY_BOOT_HISTORY, believedAt: EARLIEST_CLOCK_MS }, 'a', EARLIEST_CLOCK_MS + 20 * HOUR, 1),
      'a',
      HOUR,
    ),
    'b',
    EARLIEST_CLOCK_MS,
    2,
  );
  assert.deepEqual(correctionOf(correctBoots(memory, { id: 'b', trueAt: EARLIEST_CLOCK_MS + 10 * HOUR, epoch: 2 }), 1), {
    shiftMs: -11 * HOUR,
    earlierMs: 9 * HOUR,
    laterMs: 0,
    inEpoch: 2,
  });
});

test('believed times that contradict each other bound nothing', () => {
  const memory = recordBootEpoch(
    recordBootUptime(
      recordBootEpoch({ ...EMPTY_BOOT_HISTORY, believedAt: EARLIEST_CLOCK_MS + 12 * HOUR }, 'a', EARLIEST_CLOCK_MS, 1),
      'a',
      HOUR,
    ),
    'b',
    EARLIEST_CLOCK_MS,
    2,
  );
  // It ended by 10, and what was believed before it is 12: three hours that nobody knows.
  assert.deepEqual(correctionOf(correctBoots(memory, { id: 'b', trueAt: EARLIEST_CLOCK_MS + 10 * HOUR, epoch: 2 }), 1), {
    shiftMs: 6 * HOUR,
    earlierMs: 0,
    laterMs: 3 * HOUR,
    inEpoch: 2,
  });
});

test('what was decided once stays, whatever comes later', () => {
  const first = correctBoots(three(), { id: 'c', trueAt: EARLIEST_CLOCK_MS + 10 * HOUR, epoch: 3 });
  const later = correctBoots(recordBootEpoch(first, 'd', EARLIEST_CLOCK_MS, 4), {
    id: 'd',
    trueAt: EARLIEST_CLOCK_MS + 20 * HOUR,
    epoch: 4,
  });
  assert.deepEqual(later.boots.slice(0, 3), first.boots);
  assert.deepEqual(correctBoots(later, { id: 'd', trueAt: 0, epoch: 5 }), later);
  assert.equal(correctionOf(later, 4)?.shiftMs, 20 * HOUR);
});

test('known is what is known within a second', () => {
  const within = (earlierMs: number, laterMs: number) => isExactCorrection({ shiftMs: 0, earlierMs, laterMs, inEpoch: 1 });
  assert.deepEqual([within(400, 600), within(400, 601), within(0, 0)], [true, false, true]);
});

test('boots of which nothing is on disk are forgotten, but for the present one', () => {
  const kept = pruneBoots(three(), 'c', (epoch) => epoch === 2);
  assert.deepEqual(kept.boots.map(({ id, epochs }) => [id, epochs]), [['b', [2]], ['c', []]]);
  assert.deepEqual(pruneBoots(three(), 'x', () => false).boots, []);
});

test('a memory comes back from its text as it was', () => {
  const memory = correctBoots(three(), { id: 'c', trueAt: EARLIEST_CLOCK_MS + 10 * HOUR, epoch: 3 });
  assert.deepEqual(parseBootHistory(formatBootHistory(memory)), memory);
});

test('its text has the version first, then what was believed, then each boot in order', () => {
  const [first, second] = correctBoots(three(), { id: 'c', trueAt: EARLIEST_CLOCK_MS + 10 * HOUR, epoch: 3 }).boots;
  assert.equal(
    formatBootHistory({ believedAt: EARLIEST_CLOCK_MS, boots: [first, { ...second, decided: null }] as BootHistory['boots'] }),
    `{"v":1,"believedAt":${EARLIEST_CLOCK_MS},"boots":[{"id":"a","epochs":[1],"assumedAt":${EARLIEST_CLOCK_MS},"toMs":3600000,"decided":{"shiftMs":0,"earlierMs":0,"laterMs":30600000,"inEpoch":3}},{"id":"b","epochs":[2],"assumedAt":${EARLIEST_CLOCK_MS},"toMs":1800000,"decided":null}]}`,
  );
});
