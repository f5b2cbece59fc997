/** What is worked out about boots whose clock nobody had set: by hand, number for number. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bootOf, decide, decidedOf, forgetGone, formatBoots, isKnown, noteEpoch, noteUptime, NO_BOOTS, NOT_BEFORE, parseBoots, type BootMemory } from './boots.ts';

const HOUR = 3_600_000;
/** Three boots: a of an hour, b of half an hour, c which is the present. All began at the same wrong time. */
const three = (): BootMemory => {
  let memory: BootMemory = { ...NO_BOOTS, believedAt: NOT_BEFORE };
  for (const [at, id] of ['a', 'b', 'c'].entries()) memory = noteEpoch(memory, id, NOT_BEFORE, at + 1);
  return noteUptime(noteUptime(memory, 'a', HOUR), 'b', HOUR / 2);
};

test('an opening is noted once, under its boot, and an uptime only where it is later', () => {
  const memory = noteEpoch(noteEpoch(noteEpoch(NO_BOOTS, 'a', 5, 1), 'a', 99, 1), 'a', 99, 2);
  assert.deepEqual(memory.boots, [{ id: 'a', epochs: [1, 2], assumedAt: 5, toMs: 0, decided: null }]);
  assert.equal(bootOf(noteUptime(noteUptime(memory, 'a', 10), 'a', 9), 'a')?.toMs, 10);
  assert.equal(noteUptime(memory, 'b', 10), memory);
  assert.equal(noteUptime(noteUptime(memory, 'a', 10), 'a', 10).boots[0]?.toMs, 10);
});

test('the present boot is known to the ms, those before it lie between what was believed and what came after them', () => {
  const trueAt = NOT_BEFORE + 10 * HOUR;
  const decided = decide(three(), { id: 'c', trueAt, epoch: 3 });
  assert.deepEqual(decidedOf(decided, 3), { shiftMs: 10 * HOUR, earlierMs: 0, laterMs: 0, inEpoch: 3 });
  // It began at the latest as long before c as it is known to have lasted, and at the earliest when a had ended.
  assert.deepEqual(decidedOf(decided, 2), { shiftMs: HOUR, earlierMs: 0, laterMs: 8.5 * HOUR, inEpoch: 3 });
  assert.deepEqual(decidedOf(decided, 1), { shiftMs: 0, earlierMs: 0, laterMs: 8.5 * HOUR, inEpoch: 3 });
  assert.deepEqual([1, 2, 3].map((epoch) => isKnown(decidedOf(decided, epoch) as never)), [false, false, true]);
  assert.equal(decidedOf(decided, 4), null);
});

test('a boot that was put too late is brought before the next one, and what it may have been earlier is said', () => {
  const memory = noteEpoch(noteUptime(noteEpoch({ ...NO_BOOTS, believedAt: NOT_BEFORE }, 'a', NOT_BEFORE + 20 * HOUR, 1), 'a', HOUR), 'b', NOT_BEFORE, 2);
  assert.deepEqual(decidedOf(decide(memory, { id: 'b', trueAt: NOT_BEFORE + 10 * HOUR, epoch: 2 }), 1), { shiftMs: -11 * HOUR, earlierMs: 9 * HOUR, laterMs: 0, inEpoch: 2 });
});

test('believed times that contradict each other bound nothing', () => {
  const memory = noteEpoch(noteUptime(noteEpoch({ ...NO_BOOTS, believedAt: NOT_BEFORE + 12 * HOUR }, 'a', NOT_BEFORE, 1), 'a', HOUR), 'b', NOT_BEFORE, 2);
  // It ended by 10, and what was believed before it is 12: three hours that nobody knows.
  assert.deepEqual(decidedOf(decide(memory, { id: 'b', trueAt: NOT_BEFORE + 10 * HOUR, epoch: 2 }), 1), { shiftMs: 6 * HOUR, earlierMs: 0, laterMs: 3 * HOUR, inEpoch: 2 });
});

test('what was decided once stays, whatever comes later', () => {
  const first = decide(three(), { id: 'c', trueAt: NOT_BEFORE + 10 * HOUR, epoch: 3 });
  const later = decide(noteEpoch(first, 'd', NOT_BEFORE, 4), { id: 'd', trueAt: NOT_BEFORE + 20 * HOUR, epoch: 4 });
  assert.deepEqual(later.boots.slice(0, 3), first.boots);
  assert.deepEqual(decide(later, { id: 'd', trueAt: 0, epoch: 5 }), later);
  assert.equal(decidedOf(later, 4)?.shiftMs, 20 * HOUR);
});

test('known is what is known within a second', () => {
  const within = (earlierMs: number, laterMs: number) => isKnown({ shiftMs: 0, earlierMs, laterMs, inEpoch: 1 });
  assert.deepEqual([within(400, 600), within(400, 601), within(0, 0)], [true, false, true]);
});

test('boots of which nothing is on disk are forgotten, but for the present one', () => {
  const kept = forgetGone(three(), 'c', (epoch) => epoch === 2);
  assert.deepEqual(kept.boots.map(({ id, epochs }) => [id, epochs]), [['b', [2]], ['c', []]]);
  assert.deepEqual(forgetGone(three(), 'x', () => false).boots, []);
});

test('a memory comes back from its text as it was', () => {
  const memory = decide(three(), { id: 'c', trueAt: NOT_BEFORE + 10 * HOUR, epoch: 3 });
  assert.deepEqual(parseBoots(formatBoots(memory)), memory);
});

test('its text has the version first, then what was believed, then each boot in order', () => {
  const [first, second] = decide(three(), { id: 'c', trueAt: NOT_BEFORE + 10 * HOUR, epoch: 3 }).boots;
  assert.equal(
    formatBoots({ believedAt: NOT_BEFORE, boots: [first, { ...second, decided: null }] as BootMemory['boots'] }),
    `{"v":1,"believedAt":${NOT_BEFORE},"boots":[{"id":"a","epochs":[1],"assumedAt":${NOT_BEFORE},"toMs":3600000,"decided":{"shiftMs":0,"earlierMs":0,"laterMs":30600000,"inEpoch":3}},{"id":"b","epochs":[2],"assumedAt":${NOT_BEFORE},"toMs":1800000,"decided":null}]}`,
  );
});
