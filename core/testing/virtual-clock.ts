/** A world for tests: virtual clock, seeded chance, and everything that was told. */
import type { TelemetryEvent } from '../telemetry.ts';
import { VirtualClock } from '../virtual-clock.ts';
import { realFiles, realNet, seededRandom, type World } from '../world.ts';

export { settle, VirtualClock } from '../virtual-clock.ts';

export function testWorld(clock: VirtualClock = new VirtualClock(), seed = 1): World & { clock: VirtualClock; told: TelemetryEvent[] } {
  const told: TelemetryEvent[] = [];
  return { clock, random: seededRandom(seed), files: realFiles, net: realNet, tell: (event) => { told.push(event); }, told };
}
