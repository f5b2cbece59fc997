/**
 * A boot: one run of the machine, from power on to power off. Uptime is the time base while the clock is not set.
 */
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { realClock } from '../core/world.ts';

export interface Boot {
  readonly id: string;
  /** ms since boot; monotonic, and equal for all processes of this boot. */
  uptimeMs(): number;
}

/** Times saved by the log that a clock can start from. All ms UTC. */
export interface SavedClockTimes {
  /** Newest time ever written: no clock starts below it. */
  newestAt: number;
  /** Assumed and true clock reading at uptime 0 of this boot; null when not known. */
  assumedAt: number | null;
  trueAt: number | null;
}

/** A clock that may not be set yet, as the log needs it. */
export interface BootClock {
  readonly boot: Boot;
  /** Assumed clock reading at uptime 0 until the true one is known. */
  readonly assumedAt: number;
  begin(recalled: SavedClockTimes): void;
}

const BOOT_ID = '/proc/sys/kernel/random/boot_id';

/** This machine's boot. Without a boot id from the system, each process counts as a boot. */
export function realBoot(): Boot {
  // The same system clock, without a BigInt per call.
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
