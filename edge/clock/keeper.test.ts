import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FaultError } from '../../core/faults.ts';
import { NOT_BEFORE, type BootRecord } from '../../core/log/boots.ts';
import type { TelemetryEvent } from '../../core/telemetry.ts';
import { VirtualClock } from '../../core/testing/virtual-clock.ts';
import { EdgeClock, type TimeSource } from './edge-clock.ts';
import { ClockKeeper } from './keeper.ts';

const TRUTH = Date.UTC(2026, 6, 1);

async function start(trust: TimeSource[], behindMs: number) {
  const truth = new VirtualClock(TRUTH);
  const system = { nowMs: () => truth.nowMs() - behindMs, monotonicMs: () => truth.monotonicMs(), after: truth.after.bind(truth) };
  const clock = new EdgeClock(system, { id: 'a', uptimeMs: () => truth.monotonicMs() });
  clock.begin({ shownAt: NOT_BEFORE, assumedAt: null, trueAt: null });
  const told: TelemetryEvent[] = [];
  const disk = { fails: false, saves: 0, decided: [] as number[] };
  let settled = 0;
  const keeper = new ClockKeeper({
    clock, system, trust, edge: 'pump-07', centre: '500112001', probe: { isSynchronised: async () => false, hardwareAt: async () => null }, onSettled: () => { settled += 1; },
    log: {
      append: async () => {},
      decideClock: (trueAt): BootRecord[] => { disk.decided.push(trueAt); return []; },
      saveClock: async () => {
        disk.saves += 1;
        if (disk.fails) throw new FaultError('CV_LOG_FAILED', { detail: 'full' });
      },
    },
  }, { clock, tell: (event) => { told.push(event); } });
  await keeper.open();
  const faults = () => told.flatMap((event) => (event.kind === 'fault' ? [event.fault.code] : []));
  return { truth, clock, keeper, disk, faults, settled: () => settled };
}

test('a quick answer is believed at once, a slow one only after five such; one that is no date never is', async () => {
  const { truth, clock, keeper, disk, faults, settled } = await start(['gateway'], 9e9);
  keeper.heard(5000, 10);
  keeper.heard(1e300, 10);
  assert.deepEqual([keeper.isSettled, faults()], [false, ['CV_UPLINK_ANSWER', 'CV_UPLINK_ANSWER']]);
  for (let at = 0; at < 5; at += 1) keeper.heard(truth.nowMs(), 5000);
  assert.equal(clock.trust.isTrusted(), false);
  keeper.heard(truth.nowMs(), 5000);
  await truth.advanceMs(10);
  assert.deepEqual([keeper.isSettled, settled(), disk.decided.length, clock.nowMs()], [true, 1, 1, truth.nowMs()]);
  keeper.close();
});

test('nobody has spoken: told after half a minute, and cleared when somebody does', async () => {
  const { truth, keeper, faults } = await start(['ntp'], 9e9);
  keeper.heard(truth.nowMs(), 10);
  await truth.advanceMs(31_000);
  assert.deepEqual([keeper.isSettled, faults()], [false, ['CV_CLOCK_UNSET']], 'the gateway is not among those that are believed');
  keeper.close();
});

test('a disk that takes nothing holds up nothing: it is tried again', async () => {
  const { truth, keeper, disk, faults, settled } = await start(['gateway'], 0);
  disk.fails = true;
  keeper.heard(truth.nowMs(), 10);
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
  keeper.heard(truth.nowMs() + 900, 10);
  const before = clock.nowMs();
  keeper.heard(truth.nowMs(), 10);
  assert.equal(clock.nowMs(), before);
  await truth.advanceMs(2000);
  assert.equal(clock.nowMs(), truth.nowMs());
  keeper.heard(truth.nowMs() - 7_200_000, 10);
  assert.equal(clock.nowMs(), truth.nowMs() - 7_200_000);
  assert.deepEqual(faults(), ['CV_CLOCK_STEPPED']);
  keeper.close();
});
