/** Polls the points where there is no subscription, at most as often as configured. */
import { AttributeIds } from 'node-opcua-client';
import type { FrameHandler } from '../../core/driver.ts';
import { pause, type Clock } from '../../core/world.ts';
import type { OpcuaFrame } from './frame.ts';
import type { MonitoredPoint } from './monitored-items.ts';
import { inBatches, type OperationLimits } from './operation-limits.ts';
import type { RawSession } from './raw-session.ts';
import type { OpcuaSettings } from './settings.ts';
import { valueFrame } from './value.ts';

/** `0ms` means every change, which polling cannot do. */
const MIN_MS = 100;

export async function pollPoints(
  session: RawSession,
  targets: readonly MonitoredPoint[],
  settings: OpcuaSettings,
  limits: OperationLimits,
  clock: Clock,
  take: FrameHandler<OpcuaFrame>,
  signal: AbortSignal,
): Promise<void> {
  const entries = targets.map((target) => ({
    target,
    everyMs: Math.max(MIN_MS, target.point.sampleEvery ?? settings.sampleEvery),
    dueMs: 0,
  }));
  while (!signal.aborted) {
    const nowMs = clock.monotonicMs();
    const due = entries.filter(({ dueMs }) => dueMs <= nowMs);
    const values = await inBatches(due, limits.read, (part) =>
      session.read(part.map(({ target }) => ({ nodeId: target.nodeId, attributeId: AttributeIds.Value }))),
    );
    if (signal.aborted) return;
    for (const [at, entry] of due.entries()) {
      entry.dueMs = nowMs + entry.everyMs;
      const value = values[at];
      if (value) take(valueFrame(entry.target.point, value));
    }
    const nextMs = Math.min(...entries.map(({ dueMs }) => dueMs), nowMs + 60_000);
    if (!(await pause(clock, Math.max(0, nextMs - clock.monotonicMs()), signal))) return;
  }
}
