/**
 * One run of the machine, from power on to power off: what time is counted on while nobody has set the clock. Processes
 * come and go within it.
 */
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { realClock } from '../core/world.ts';

export interface Boot {
  readonly id: string;
  /** ms since it began; never steps, and is the same for every process of this boot. */
  uptimeMs(): number;
}

/** What the log remembers that a clock can begin with. All ms UTC. */
export interface SavedClockTimes {
  /** The newest time that was ever written: no clock begins below it. */
  newestAt: number;
  /** What this boot's clock was taken to show at uptime 0, and what it truly shows there; null where that is not known. */
  assumedAt: number | null;
  trueAt: number | null;
}

/** A clock that nobody may have set yet, as the log needs it. */
export interface BootClock {
  readonly boot: Boot;
  /** What it is taken to show at uptime 0 while nothing better is known. */
  readonly assumedAt: number;
  begin(recalled: SavedClockTimes): void;
}

const BOOT_ID = '/proc/sys/kernel/random/boot_id';

/** Of this machine. Where the system has no name for a boot, each process counts as one of its own. */
export function realBoot(): Boot {
  // The same clock of the system, without making a big number at each look.
  const startedMs = Number(process.hrtime.bigint() / 1000n) / 1000 - realClock.monotonicMs();
  return { id: bootId() ?? randomUUID(), uptimeMs: () => startedMs + realClock.monotonicMs() };
}

function bootId(): string | null {
  try {
    return readFileSync(BOOT_ID, 'utf8').trim() || null;
  } catch (error) {
    // Not Linux, or /proc is not there.
    if ((error as NodeJS.ErrnoException).code === undefined) throw error;
    return null;
  }
}
