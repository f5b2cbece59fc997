/**
 * History of boots with an unset clock: which openings wrote in them, which time their clock assumed and, once known,
 * how far it was off. Pure: each function returns a new history.
 *
 * Times are ms UTC, uptimes ms since boot. A boot's clock is one number: its reading at uptime 0.
 */

/** Before the first release: an earlier clock is not set, and no unknown time is earlier. */
export const EARLIEST_CLOCK_MS = Date.UTC(2024, 0, 1);
/** Bounds this close to each other count as exact. */
const EXACT_WITHIN_MS = 1000;

/** How far a boot's clock was off. Final. */
export interface ClockCorrection {
  /** Added to the times as written. */
  shiftMs: number;
  /** Uncertainty in both directions; 0 and 0 when exact. */
  earlierMs: number;
  laterMs: number;
  /** Epoch in which the correction was made. */
  inEpoch: number;
}

export interface BootRecord {
  id: string;
  /** Epochs of the log with unsynced events. */
  epochs: readonly number[];
  /** Assumed clock reading at uptime 0. */
  assumedAt: number;
  /** Uptime at the newest unsynced event, as far as known. */
  toMs: number;
  decided: ClockCorrection | null;
}

export interface BootHistory {
  /** Newest trusted time before the first uncorrected boot: all of them began later. */
  believedAt: number;
  /** Oldest first. */
  boots: readonly BootRecord[];
}

export const EMPTY_BOOT_HISTORY: BootHistory = { believedAt: EARLIEST_CLOCK_MS, boots: [] };

export function findBoot(history: BootHistory, id: string): BootRecord | null {
  return history.boots.find((boot) => boot.id === id) ?? null;
}

/** The clock correction of an epoch; null while unknown, or when none is needed. */
export function correctionOf(history: BootHistory, epoch: number): ClockCorrection | null {
  return history.boots.find((boot) => boot.epochs.includes(epoch))?.decided ?? null;
}

export const isExactCorrection = ({ earlierMs, laterMs }: ClockCorrection): boolean => earlierMs + laterMs <= EXACT_WITHIN_MS;

/** Records that an epoch writes unsynced events in this boot. */
export function recordBootEpoch(history: BootHistory, id: string, assumedAt: number, epoch: number): BootHistory {
  const known = findBoot(history, id);
  if (!known) return { ...history, boots: [...history.boots, { id, epochs: [epoch], assumedAt, toMs: 0, decided: null }] };
  if (known.epochs.includes(epoch)) return history;
  return withBoot(history, { ...known, epochs: [...known.epochs, epoch] });
}

export function recordBootUptime(history: BootHistory, id: string, toMs: number): BootHistory {
  const known = findBoot(history, id);
  return known && toMs > known.toMs ? withBoot(history, { ...known, toMs }) : history;
}

/**
 * The current boot's clock is known: `trueAt` is its reading at uptime 0. That corrects every earlier boot too. The time
 * between two boots is unknown, so an earlier one is only bounded: it began after the newest time trusted before it and
 * ended before the next one began. Within these bounds its own clock is kept.
 */
export function correctBoots(history: BootHistory, present: { id: string; trueAt: number; epoch: number }): BootHistory {
  const { id, trueAt, epoch } = present;
  // Latest start: backwards from the current boot, each boot as long as it is known to have lasted.
  const latest = new Map<string, number>();
  let nextAt = trueAt;
  for (const boot of history.boots.toReversed()) {
    if (boot.id === id || boot.decided) continue;
    nextAt -= boot.toMs;
    latest.set(boot.id, nextAt);
  }
  let earliestAt = history.believedAt;
  const boots = history.boots.map((boot): BootRecord => {
    if (boot.id === id)
      return boot.decided
        ? boot
        : { ...boot, decided: { shiftMs: Math.round(trueAt - boot.assumedAt), earlierMs: 0, laterMs: 0, inEpoch: epoch } };
    const latestAt = latest.get(boot.id);
    if (latestAt === undefined) return boot;
    // Contradicting bounds widen the uncertainty by as much.
    const fromAt = latestAt - Math.abs(latestAt - earliestAt);
    const zeroAtMs = Math.min(Math.max(boot.assumedAt, fromAt), latestAt);
    earliestAt += boot.toMs;
    return {
      ...boot,
      decided: {
        shiftMs: Math.round(zeroAtMs - boot.assumedAt),
        earlierMs: Math.ceil(zeroAtMs - fromAt),
        laterMs: Math.ceil(latestAt - zeroAtMs),
        inEpoch: epoch,
      },
    };
  });
  return { ...history, boots };
}

/** Removes boots without events on disk; the current one stays, since its clock is in use. */
export function pruneBoots(history: BootHistory, presentId: string, isOnDisk: (epoch: number) => boolean): BootHistory {
  const boots = history.boots
    .map((boot) => ({ ...boot, epochs: boot.epochs.filter(isOnDisk) }))
    .filter((boot) => boot.id === presentId || boot.epochs.length > 0);
  return { ...history, boots };
}

/** The history as before these boots were corrected. */
export function withoutCorrections(history: BootHistory, ids: ReadonlySet<string>): BootHistory {
  if (ids.size === 0) return history;
  return { ...history, boots: history.boots.map((boot) => (ids.has(boot.id) ? { ...boot, decided: null } : boot)) };
}

export function formatBootHistory(history: BootHistory): string {
  return JSON.stringify({ v: 1, ...history });
}

export function parseBootHistory(text: string): BootHistory {
  const { believedAt, boots } = JSON.parse(text) as BootHistory;
  return { believedAt, boots };
}

function withBoot(history: BootHistory, changed: BootRecord): BootHistory {
  return { ...history, boots: history.boots.map((boot) => (boot.id === changed.id ? changed : boot)) };
}
