import assert from 'node:assert/strict';
import { getEventListeners } from 'node:events';
import { test } from 'node:test';
import fc from 'fast-check';
import { FaultError } from '../../core/faults.ts';
import { settle, VirtualClock } from '../../core/testing/virtual-clock.ts';
import { seededRandom } from '../../core/world.ts';
import { isRetrying, FIRST_REOPEN_WAIT_MS, MAX_REOPEN_WAIT_MS, probeWaitMs, MAX_PROBE_WAIT_MS, reopenWaitMs } from './backoff.ts';
import { ABORT_GRACE_MS, DeadlineTimer, withDeadline } from './deadline-timer.ts';
import { MAX_DUE_TOGETHER, PollPhases, PollSchedule } from './poll-schedule.ts';

test('waits for a link grow, are spread, and end at a quarter of a minute', () => {
  fc.assert(fc.property(fc.integer({ min: 1, max: 10_000 }), fc.integer(), (failures, seed) => {
    const waitMs = reopenWaitMs(failures, seededRandom(seed));
    assert.ok(waitMs >= FIRST_REOPEN_WAIT_MS / 2 && waitMs <= MAX_REOPEN_WAIT_MS);
    assert.ok(failures < 6 || waitMs >= MAX_REOPEN_WAIT_MS / 2);
  }));
});

test('silent units never take more than a twentieth of a bus that others need, and are noticed in bounded time', () => {
  const silentUnitCases = fc
    .record({
      failures: fc.integer({ min: 1, max: 1e6 }),
      costMs: fc.integer({ min: 0, max: 60_000 }),
      periodMs: fc.integer({ min: 10, max: 86_400_000 }),
      units: fc.integer({ min: 1, max: 250 }),
      silentUnits: fc.integer({ min: 1, max: 250 }),
    })
    .filter(({ units, silentUnits }) => silentUnits <= units);
  fc.assert(
    fc.property(silentUnitCases, fc.integer(), (silentUnit, seed) => {
      const waitMs = probeWaitMs(silentUnit, seededRandom(seed));
      const { failures, costMs, periodMs, units, silentUnits } = silentUnit;
      assert.ok(waitMs >= periodMs && waitMs <= Math.max(periodMs, MAX_PROBE_WAIT_MS * 1.1));
      if (failures > 3 && silentUnits < units && costMs * silentUnits * 20 <= MAX_PROBE_WAIT_MS)
        assert.ok((silentUnits * costMs) / waitMs <= 1 / 20 + 1e-9);
      if (units === 1) assert.ok(waitMs <= Math.max(periodMs, 16_500));
    }),
  );
});

test('a schedule keeps its grid whatever the delays: polls and slots passed over add up to the time that went by', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 10, max: 100_000 }),
      fc.array(fc.double({ min: 0, max: 5, noNaN: true }), { minLength: 1, maxLength: 60 }),
      fc.integer(),
      (periodMs, lateness, seed) => {
        const schedule = new PollSchedule(periodMs, new PollPhases(1000, seededRandom(seed)).next(periodMs), 1000, 10);
        assert.ok(schedule.dueMs >= 1000 && schedule.dueMs <= 1000 + Math.min(periodMs, 2050));
        let nowMs = schedule.dueMs;
        let slots = 0;
        for (const late of lateness) {
          nowMs = schedule.dueMs + late * periodMs;
          slots += 1 + schedule.next(nowMs);
          assert.ok(schedule.dueMs >= nowMs && schedule.dueMs <= nowMs + 2.1 * periodMs, 'due next within two slots');
        }
        const wentBy = (nowMs - 1000) / periodMs;
        assert.ok(Math.abs(slots - wentBy) <= 3, `${slots} slots in ${wentBy} periods`);
      },
    ),
  );
});

test('devices of one period are due together, so many at a time, and the moments of many lie apart; periods that are multiples meet', () => {
  fc.assert(
    fc.property(fc.integer({ min: 100, max: 100_000 }), fc.integer({ min: 1, max: 2000 }), fc.integer(), (periodMs, count, seed) => {
      const moments = new PollPhases(5000, seededRandom(seed));
      const due = Map.groupBy(
        Array.from({ length: count }, () => moments.next(periodMs)),
        (gridMs) => gridMs,
      );
      assert.deepEqual(
        [...due.values()].slice(0, -1).filter((together) => together.length !== MAX_DUE_TOGETHER),
        [],
      );
      const sorted = [...due.keys()].toSorted((a, b) => a - b);
      const apartMs = sorted.map((gridMs, at) => (sorted[at + 1] ?? (sorted[0] as number) + periodMs) - gridMs);
      assert.ok(
        Math.min(...apartMs) >= (periodMs / due.size) * 0.35 && Math.max(...apartMs) <= (periodMs / due.size) * 2.7,
        `${Math.min(...apartMs)} to ${Math.max(...apartMs)} ms`,
      );
      assert.equal(moments.next(periodMs * 3), sorted[0]);
    }),
  );
});

const deadline = { ms: 1000, fault: () => new FaultError('CV_LINK_TIMEOUT', { address: 'x', timeoutMs: 1000 }) };
const outcome = (promise: Promise<unknown>) =>
  promise.then(
    (value) => `gave ${String(value)}`,
    (error: unknown) => (error instanceof FaultError ? error.fault.code : String(error)),
  );

test('work within its time gives what it gives; above it, the deadline\'s fault; told to end, the reason', async () => {
  const clock = new VirtualClock();
  const never = () => new Promise<string>(() => {});
  const heeds = (signal: AbortSignal) =>
    new Promise<string>((_, reject) => {
      signal.addEventListener('abort', () => reject(new Error('its own words')));
    });
  const left: string[] = [];
  const run = (work: (signal: AbortSignal) => Promise<string>, outer = new AbortController()) =>
    outcome(
      withDeadline(clock, deadline, outer.signal, work, () => {
        left.push(work.name);
      }),
    );
  assert.equal(await run(async () => 'value'), 'gave value');
  assert.match(await run(async () => { throw new Error('own'); }), /own/);
  assert.match(await run(() => { throw new Error('at once'); }), /at once/);
  const late = run(heeds);
  await clock.advanceMs(1000);
  assert.equal(await late, 'CV_LINK_TIMEOUT', 'not what the work made of it');
  const hanging = run(never);
  await clock.advanceMs(1000 + ABORT_GRACE_MS);
  assert.equal(await hanging, 'CV_LINK_TIMEOUT');
  assert.deepEqual(left, ['never']);
  const outer = new AbortController();
  const ended = run(heeds, outer);
  outer.abort(new Error('the end'));
  assert.match(await ended, /the end/);
  const before = new AbortController();
  before.abort(new Error('ended before'));
  const unstarted = run(never, before);
  await clock.advanceMs(ABORT_GRACE_MS);
  assert.match(await unstarted, /ended before/);
  await settle();
});

test('a timer that is closed leaves nothing behind: no listener, no timer', async () => {
  const clock = new VirtualClock();
  const outer = new AbortController();
  const timer = new DeadlineTimer(clock, outer.signal);
  assert.equal(await timer.run(deadline, () => Promise.resolve(5), () => {}), 5);
  assert.equal(getEventListeners(outer.signal, 'abort').length, 1);
  timer.close();
  assert.equal(getEventListeners(outer.signal, 'abort').length, 0);
});

test('a device is due on its grid from its first poll on; late, at once, and then on the grid again', () => {
  const due = (schedule: PollSchedule, ...nows: number[]) => [
    schedule.dueMs,
    ...nows.flatMap((nowMs) => [schedule.next(nowMs), schedule.dueMs]),
  ];
  // On the grid at 1300, 2300, …: the first poll is the first slot.
  assert.deepEqual(due(new PollSchedule(1000, 300, 1000, 1), 1300, 2310, 3299), [1300, 0, 2300, 0, 3300, 0, 4300]);
  assert.deepEqual(due(new PollSchedule(1000, 300, 1000, 1), 4000), [1300, 2, 4300], 'two were passed over');
  assert.deepEqual(due(new PollSchedule(1000, 300, 1000, 1), 1300, 5300), [1300, 0, 2300, 2, 5300], 'a slot that is now is due now');
  const left = new PollSchedule(1000, 300, 1000, 1);
  assert.deepEqual([left.notBefore(6000, 1300), left.dueMs], [4, 6300]);
});

test('first polls of long periods come within two seconds and 5 ms for each device, and a slot right upon them is left out', () => {
  const first = (devices: number, gridMs: number, periodMs = 60_000) => {
    const schedule = new PollSchedule(periodMs, gridMs, 1000, devices);
    const begin = schedule.dueMs;
    return [begin, schedule.next(begin), schedule.dueMs];
  };
  assert.deepEqual(first(0, 1000 + 2001), [1001, 0, 3001 + 60_000], 'a slot 2 s after the first poll is right upon it');
  assert.deepEqual(first(1000, 1000 + 6999), [7999, 0, 7999 + 60_000], '1000 devices have 7 s');
  assert.deepEqual(first(1000, 1000 + 7001), [1001, 0, 8001 + 60_000]);
  assert.deepEqual(first(0, 1000 + 31_000), [2000, 0, 32_000], 'half a period later is not');
});

test('a unit on a shared bus is tried again three times, fewer where each try is dear, and never where one takes all', () => {
  const tries = (costMs: number, units: number) => [1, 2, 3, 4].filter((failures) => isRetrying({ failures, costMs, units })).length;
  assert.deepEqual(
    [
      tries(0, 8),
      tries(2000, 8),
      tries(2001, 8),
      tries(3000, 8),
      tries(3001, 8),
      tries(6000, 8),
      tries(6001, 8),
      tries(60_000, 1),
      tries(6001, 2),
    ],
    [3, 3, 2, 2, 1, 1, 0, 3, 0],
  );
});

test('waits double with each failure, up to their bounds', () => {
  const none = { next: () => 0 } as Parameters<typeof probeWaitMs>[1];
  const most = { next: () => 1 } as Parameters<typeof probeWaitMs>[1];
  assert.deepEqual(
    [1, 2, 3, 5, 6, 60].map((failures) => [reopenWaitMs(failures, none), reopenWaitMs(failures, most)]),
    [
      [250, 500],
      [500, 1000],
      [1000, 2000],
      [4000, 8000],
      [7500, 15_000],
      [7500, 15_000],
    ],
  );
  const wait = (more: object, random = none) =>
    probeWaitMs({ failures: 4, costMs: 100, periodMs: 1000, units: 1, silentUnits: 1, ...more }, random);
  assert.deepEqual(
    [wait({ failures: 3 }), wait({}), wait({}, most), wait({ failures: 5 }), wait({ periodMs: 20_000 })],
    [1000, 8000, 8800, 15_000, 20_000],
  );
  assert.deepEqual(
    [
      wait({ units: 8, silentUnits: 8 }),
      wait({ units: 8, silentUnits: 8, failures: 9 }),
      wait({ units: 8 }),
      wait({ units: 8, failures: 9 }),
    ],
    [8000, 60_000, 8000, 60_000],
  );
  assert.deepEqual(
    [wait({ units: 8, costMs: 1000 }), wait({ units: 8, silentUnits: 2, costMs: 2000 }), wait({ units: 8, silentUnits: 7, costMs: 3000 })],
    [20_000, 80_000, 300_000],
  );
});

test('edges that start together poll within the same second, each at a moment of its own', () => {
  const moments = (chance: number) => new PollPhases(5000, { next: () => chance } as ConstructorParameters<typeof PollPhases>[1]);
  assert.deepEqual([0, 0.5, 1].map((chance) => moments(chance).next(60_000)), [5000, 5500, 6000]);
});
