/** A real clock that runs some times faster, for tests over real sockets that would otherwise wait for time-outs. */
import { realFiles, realNet, realClock, seededRandom, type World } from '../../core/world.ts';
import type { TelemetryEvent } from '../../core/telemetry.ts';

export type FastWorld = World & { told: TelemetryEvent[] };

export function fastWorld(times: number, seed = 1): FastWorld {
  const startAt = realClock.nowMs();
  const startMs = realClock.monotonicMs();
  const monotonicMs = () => (realClock.monotonicMs() - startMs) * times;
  const told: TelemetryEvent[] = [];
  return {
    clock: {
      monotonicMs,
      nowMs: () => Math.floor(startAt + monotonicMs()),
      after: (delayMs, run) => realClock.after(delayMs / times, run),
    },
    random: seededRandom(seed),
    files: realFiles,
    net: realNet,
    tell: (event) => {
      told.push(event);
    },
    told,
  };
}
