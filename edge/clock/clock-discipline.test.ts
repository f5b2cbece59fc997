import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Draft } from '../../core/event.ts';
import { FaultError } from '../../core/faults.ts';
import { EARLIEST_CLOCK_MS, type BootRecord } from '../../log/boot-history.ts';
import type { TelemetryEvent } from '../../core/telemetry.ts';
import { VirtualClock } from '../../core/testing/virtual-clock.ts';
import { EdgeClock, TIME_SOURCES, type TimeSource } from './edge-clock.ts';
import { ClockDiscipline } from './clock-discipline.ts';
import { unknownTimeEvent } from './clock-events.ts';

const TRUTH = Date.UTC(2026, 6, 1);

interface Start {
  /** ms since the boot began. */
  upMs?: number;
  /** What was shown before this boot, or, where a process before us knew it in this boot, the truth at its beginning. */
  shownAt?: number;
  trueAt?: number | null;
  /** Whether NTP stands behind the system's clock, and what the hardware clock says. */
  isSynchronised?: () => boolean;
  hardwareAt?: (systemAt: number) => number | null;
  unknown?: BootRecord[];
}

async function start(
  trust: TimeSource[],
  behindMs: number,
  { upMs = 0, shownAt = EARLIEST_CLOCK_MS, trueAt = null, isSynchronised = () => false, hardwareAt = () => null, unknown = [] }: Start = {},
) {
  const truth = new VirtualClock(TRUTH);
  const system = { nowMs: () => truth.nowMs() - behindMs, monotonicMs: () => truth.monotonicMs(), after: truth.after.bind(truth) };
  const clock = new EdgeClock(system, { id: 'a', uptimeMs: () => upMs + truth.monotonicMs() });
  assert.equal(clock.nowMs(), system.nowMs());
  clock.begin({ newestAt: shownAt, assumedAt: null, trueAt });
  const told: TelemetryEvent[] = [];
  const disk = { fails: false, takesNone: false, saves: 0, decided: [] as number[], events: [] as Draft[] };
  const asked = { ntp: 0, hardware: 0 };
  let settled = 0;
  const keeper = new ClockDiscipline({
    clock, system, trust, edge: 'pump-07', centre: '500112001', onSettled: () => { settled += 1; },
    probe: {
      isSynchronised: async () => { asked.ntp += 1; return isSynchronised(); },
      hardwareAt: async () => { asked.hardware += 1; return hardwareAt(system.nowMs()); },
    },
    log: {
      append: async (drafts) => {
        if (disk.takesNone) throw new FaultError('CV_LOG_FAILED', { detail: 'full' });
        disk.events.push(...drafts);
      },
      correctClock: (trueAt): BootRecord[] => { disk.decided.push(trueAt); return unknown; },
      saveClockCorrection: async () => {
        disk.saves += 1;
        if (disk.fails) throw new FaultError('CV_LOG_FAILED', { detail: 'full' });
      },
    },
  }, { clock, tell: (event) => { told.push(event); } });
  await keeper.open();
  const faults = () => told.flatMap((event) => (event.kind === 'fault' ? [event.fault.code] : []));
  return { truth, clock, keeper, disk, told, asked, faults, settled: () => settled };
}

test('a quick answer is believed at once, a slow one only after five such; one that is no date never is', async () => {
  const { truth, clock, keeper, disk, faults, settled } = await start(['gateway'], 9e9);
  keeper.gatewayAnswered(5000, 10);
  keeper.gatewayAnswered(1e300, 10);
  assert.deepEqual([keeper.isSettled, faults()], [false, ['CV_UPLINK_ANSWER', 'CV_UPLINK_ANSWER']]);
  for (let at = 0; at < 5; at += 1) keeper.gatewayAnswered(truth.nowMs(), 5000);
  assert.equal(clock.trust.isTrusted(), false);
  keeper.gatewayAnswered(truth.nowMs(), 5000);
  await truth.advanceMs(10);
  assert.deepEqual([keeper.isSettled, settled(), disk.decided.length, clock.nowMs()], [true, 1, 1, truth.nowMs()]);
  keeper.close();
});

test('nobody has spoken: told after half a minute, and cleared when somebody does', async () => {
  const { truth, keeper, faults } = await start(['ntp'], 9e9);
  keeper.gatewayAnswered(truth.nowMs(), 10);
  await truth.advanceMs(31_000);
  assert.deepEqual([keeper.isSettled, faults()], [false, ['CV_CLOCK_UNSET']], 'the gateway is not among those that are believed');
  keeper.close();
});

test('a disk that takes nothing holds up nothing: it is tried again', async () => {
  const { truth, keeper, disk, faults, settled } = await start(['gateway'], 0);
  disk.fails = true;
  keeper.gatewayAnswered(truth.nowMs(), 10);
  await truth.advanceMs(3000);
  assert.deepEqual([keeper.isSettled, settled(), faults()], [true, 1, ['CV_LOG_FAILED']]);
  disk.fails = false;
  await truth.advanceMs(1000);
  const { saves } = disk;
  await truth.advanceMs(5000);
  assert.equal(disk.saves, saves);
  keeper.close();
});

test('small differences are followed without going back, a step goes where the truth is', async () => {
  const { truth, clock, keeper, faults } = await start(['gateway'], 0);
  keeper.gatewayAnswered(truth.nowMs() + 900, 10);
  const before = clock.nowMs();
  keeper.gatewayAnswered(truth.nowMs(), 10);
  assert.equal(clock.nowMs(), before);
  await truth.advanceMs(2000);
  assert.equal(clock.nowMs(), truth.nowMs());
  keeper.gatewayAnswered(truth.nowMs() - 7_200_000, 10);
  assert.equal(clock.nowMs(), truth.nowMs() - 7_200_000);
  assert.deepEqual(faults(), ['CV_CLOCK_STEPPED']);
  keeper.close();
});

const states = (told: readonly TelemetryEvent[]) =>
  told.flatMap((event) => (event.kind === 'clock_state' ? [`${event.source} ${event.trusted}`] : []));

test('the system is believed at once where it stands in order, and what is known is said', async () => {
  const { truth, clock, keeper, told, disk, settled } = await start(['system'], 0, { upMs: 90_000 });
  assert.deepEqual(
    [keeper.isSettled, settled(), disk.decided, clock.source, states(told)],
    [true, 1, [truth.nowMs() - 90_000], 'system', ['system true', 'system true']],
  );
  keeper.close();
});

test('known by a process before us in this boot: settled at the start, though nobody has spoken yet', async () => {
  const { clock, keeper, told, settled } = await start(['gateway'], 9e9, { upMs: 5000, trueAt: TRUTH - 5000 });
  assert.deepEqual([keeper.isSettled, settled(), clock.nowMs(), states(told)], [true, 1, TRUTH, ['boot true']]);
  keeper.close();
});

test('a system that is behind what was written is not believed, and the gateway decides', async () => {
  const { truth, keeper, told, faults, clock } = await start(['system'], 0, { shownAt: TRUTH + 3_600_000 });
  assert.deepEqual([keeper.isSettled, faults(), states(told)], [false, ['CV_CLOCK_BEHIND'], ['none false']]);
  await truth.advanceMs(20_000);
  assert.deepEqual(faults(), ['CV_CLOCK_BEHIND'], 'told once');
  keeper.gatewayAnswered(truth.nowMs(), 10);
  await truth.advanceMs(10);
  assert.deepEqual(
    [keeper.isSettled, clock.nowMs(), clock.source],
    [true, truth.nowMs(), 'gateway'],
    'the word of a gateway that is not among those that are believed, since the system cannot be',
  );
  keeper.close();
});

test('a system that comes to be right is believed, and the fault is cleared', async () => {
  const { truth, keeper, told, clock } = await start(['system'], 0, { shownAt: TRUTH + 3_600_000 });
  // Set right by hand: what is shown now counts from the same boot.
  clock.begin({ newestAt: truth.nowMs(), assumedAt: null, trueAt: null });
  await truth.advanceMs(11_000);
  assert.ok(keeper.isSettled);
  assert.deepEqual(told.flatMap((event) => (event.kind === 'fault_cleared' ? [event.code] : [])), ['CV_CLOCK_BEHIND']);
  keeper.close();
});

test('a hardware clock that agrees with the system is believed; one that is off by an hour is not', async () => {
  const right = await start(['hardware'], 0, { hardwareAt: (systemAt) => systemAt + 800 });
  assert.deepEqual([right.keeper.isSettled, right.clock.source], [true, 'hardware']);
  right.keeper.close();
  const wrong = await start(['hardware'], 0, { hardwareAt: (systemAt) => systemAt - 3_600_000 });
  assert.deepEqual([wrong.keeper.isSettled, wrong.clock.source], [false, null]);
  wrong.keeper.close();
});

test('while nothing is known a better source is looked for every ten seconds, then every ten minutes; NTP must go on standing behind its word', async () => {
  let isSynchronised = false;
  const { truth, keeper, clock, asked } = await start(['ntp', 'gateway'], 0, { isSynchronised: () => isSynchronised });
  await truth.advanceMs(60_000);
  assert.deepEqual([asked.ntp, asked.hardware], [7, 0]);
  keeper.gatewayAnswered(truth.nowMs(), 10);
  await truth.advanceMs(590_000);
  assert.ok(asked.ntp - 7 <= 1, 'the gateway knows: asking may start a program');
  isSynchronised = true;
  await truth.advanceMs(600_000);
  assert.equal(clock.source, 'ntp');
  keeper.close();
});

test('a step is kept for the centre with its size; where the log does not take it, that is told and counted', async () => {
  const { truth, keeper, disk, told, faults } = await start(['gateway'], 0);
  keeper.gatewayAnswered(truth.nowMs(), 10);
  keeper.gatewayAnswered(truth.nowMs() + 7_200_000, 10);
  await truth.advanceMs(10);
  assert.deepEqual(
    disk.events.map(({ indicator, subject, value, unit, device }) => ({ indicator, subject, value, unit, device })),
    [{ indicator: 'CV-CLOCK', subject: 'gateway', value: 7_200_000, unit: 'ms', device: 'pump-07' }],
  );
  disk.takesNone = true;
  keeper.gatewayAnswered(truth.nowMs(), 10);
  await truth.advanceMs(10);
  assert.deepEqual(faults(), ['CV_CLOCK_STEPPED', 'CV_CLOCK_STEPPED', 'CV_LOG_FAILED']);
  assert.deepEqual(
    told.filter(({ kind }) => kind === 'samples_lost'),
    [{ kind: 'samples_lost', count: 1, reason: 'log_failed', intended: false, stream: 'diagnostic' }],
  );
  keeper.close();
});

test('boots whose time stays unknown are named by the bounds of their events, however many openings they had', async () => {
  const boot: BootRecord = {
    id: 'b',
    epochs: Array.from({ length: 60 }, (_, at) => 1000 + at),
    assumedAt: EARLIEST_CLOCK_MS,
    toMs: 60_000,
    decided: { shiftMs: 1000, earlierMs: 500, laterMs: 9500, inEpoch: 2000 },
  };
  const { keeper, disk, told } = await start(['system'], 0, { unknown: [boot] });
  assert.deepEqual(
    disk.events.map(({ value, window }) => ({ value, window })),
    [{ value: 10_000, window: { fromAt: EARLIEST_CLOCK_MS + 500, toAt: EARLIEST_CLOCK_MS + 70_500, count: 60 } }],
  );
  assert.equal(disk.events[0]?.subject, `epoch ${boot.epochs.join(' ')}`.slice(0, 128), 'no longer than a subject may be');
  const fault = told.flatMap((event) => (event.kind === 'fault' ? [event.fault] : []))[0];
  assert.deepEqual(fault, {
    code: 'CV_CLOCK_UNKNOWN',
    params: { from: '2024-01-01T00:00:00.500Z', to: '2024-01-01T00:01:10.500Z', unknownMs: 10_000 },
  });
  assert.equal(unknownTimeEvent('e', 'c', { ...boot, decided: null }, 5).value, 0, 'nothing is unknown of one that is not decided');
  keeper.close();
});

test('the sources are those that the configuration names', () => {
  assert.deepEqual(TIME_SOURCES, ['system', 'ntp', 'hardware', 'gateway']);
});
