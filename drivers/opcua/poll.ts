/** Reads the points again and again, where there is no subscription: as fast as the server answers, at most as often as asked. */
import { AttributeIds } from 'node-opcua-client';
import type { FrameHandler } from '../../core/driver.ts';
import { pause, type Clock } from '../../core/world.ts';
import type { OpcuaFrame } from './frame.ts';
import type { Target } from './items.ts';
import { inParts, type Limits } from './limits.ts';
import type { RawSession } from './raw-session.ts';
import type { OpcuaSettings } from './settings.ts';
import { frameOfValue } from './value.ts';

/** `0ms` asks for each change, which nobody can read. */
const LEAST_MS = 100;

export async function poll(session: RawSession, targets: readonly Target[], settings: OpcuaSettings, limits: Limits, clock: Clock, take: FrameHandler<OpcuaFrame>, signal: AbortSignal): Promise<void> {
  const turns = targets.map((target) => ({ target, everyMs: Math.max(LEAST_MS, target.point.sampleEvery ?? settings.sampleEvery), dueMs: 0 }));
  while (!signal.aborted) {
    const nowMs = clock.monotonicMs();
    const due = turns.filter(({ dueMs }) => dueMs <= nowMs);
    const values = await inParts(due, limits.read, (part) => session.read(part.map(({ target }) => ({ nodeId: target.nodeId, attributeId: AttributeIds.Value }))));
    if (signal.aborted) return;
    for (const [at, turn] of due.entries()) {
      turn.dueMs = nowMs + turn.everyMs;
      const value = values[at];
      if (value) take(frameOfValue(turn.target.point, value));
    }
    const nextMs = Math.min(...turns.map(({ dueMs }) => dueMs), nowMs + 60_000);
    if (!(await pause(clock, Math.max(0, nextMs - clock.monotonicMs()), signal))) return;
  }
}
