/**
 * What a log remembers of boots whose clock nobody had set: which openings wrote in them, what their clock assumed, and,
 * once it is known, how far that was off. Pure: each function gives a new memory.
 *
 * Times are ms UTC, uptimes ms since the boot began. A boot's clock is one number: what it shows at uptime 0.
 */

/** Nothing of this program ran before: the earliest that an unknown time can be, and no clock that says less is set. */
export const EARLIEST_CLOCK_MS = Date.UTC(2024, 0, 1);
/** Bounds this near to each other leave nothing unknown. */
const KNOWN_WITHIN_MS = 1000;

/** How far a boot's clock was off, decided once. */
export interface ClockCorrection {
  /** To be added to the times as they were written. */
  shiftMs: number;
  /** How much earlier and later than that it may have been; 0 and 0 where it is known. */
  earlierMs: number;
  laterMs: number;
  /** The opening in which it was decided. */
  inEpoch: number;
}

export interface BootRecord {
  id: string;
  /** Openings of the log that wrote events of unknown time. */
  epochs: readonly number[];
  /** What the clock was taken to show at uptime 0. */
  assumedAt: number;
  /** Uptime at the newest event of unknown time, as far as it is known. */
  toMs: number;
  decided: ClockCorrection | null;
}

export interface BootHistory {
  /** The newest time that was believed before the first boot that is not decided: the truth of all of them is later. */
  believedAt: number;
  /** Oldest first. */
  boots: readonly BootRecord[];
}

export const EMPTY_BOOT_HISTORY: BootHistory = { believedAt: EARLIEST_CLOCK_MS, boots: [] };

export function findBoot(memory: BootHistory, id: string): BootRecord | null {
  return memory.boots.find((boot) => boot.id === id) ?? null;
}

/** What is known of the time of an opening's events; null while nothing is, or where nothing ever was unknown. */
export function correctionOf(memory: BootHistory, epoch: number): ClockCorrection | null {
  return memory.boots.find((boot) => boot.epochs.includes(epoch))?.decided ?? null;
}

export const isExactCorrection = ({ earlierMs, laterMs }: ClockCorrection): boolean => earlierMs + laterMs <= KNOWN_WITHIN_MS;

/** An opening writes events of unknown time in this boot. */
export function recordBootEpoch(memory: BootHistory, id: string, assumedAt: number, epoch: number): BootHistory {
  const known = findBoot(memory, id);
  if (!known) return { ...memory, boots: [...memory.boots, { id, epochs: [epoch], assumedAt, toMs: 0, decided: null }] };
  if (known.epochs.includes(epoch)) return memory;
  return withBoot(memory, { ...known, epochs: [...known.epochs, epoch] });
}

export function recordBootUptime(memory: BootHistory, id: string, toMs: number): BootHistory {
  const known = findBoot(memory, id);
  return known && toMs > known.toMs ? withBoot(memory, { ...known, toMs }) : memory;
}

/**
 * The clock of the present boot is known: `trueAt` is what it shows at uptime 0. With it every earlier boot is decided
 * too. What lies between two boots nobody saw, so an earlier one is only bounded: it began after the newest time that was
 * believed before it, and ended before the next one began. Within that it stays where its own clock had put it.
 */
export function correctBoots(memory: BootHistory, present: { id: string; trueAt: number; epoch: number }): BootHistory {
  const { id, trueAt, epoch } = present;
  // Latest: from the present backwards, each boot as long as it is known to have lasted.
  const latest = new Map<string, number>();
  let nextAt = trueAt;
  for (const boot of memory.boots.toReversed()) {
    if (boot.id === id || boot.decided) continue;
    nextAt -= boot.toMs;
    latest.set(boot.id, nextAt);
  }
  let earliestAt = memory.believedAt;
  const boots = memory.boots.map((boot): BootRecord => {
    if (boot.id === id) return boot.decided ? boot : { ...boot, decided: { shiftMs: Math.round(trueAt - boot.assumedAt), earlierMs: 0, laterMs: 0, inEpoch: epoch } };
    const latestAt = latest.get(boot.id);
    if (latestAt === undefined) return boot;
    // Believed times that contradict each other bound nothing: as much as they do is unknown.
    const fromAt = latestAt - Math.abs(latestAt - earliestAt);
    const at = Math.min(Math.max(boot.assumedAt, fromAt), latestAt);
    earliestAt += boot.toMs;
    return { ...boot, decided: { shiftMs: Math.round(at - boot.assumedAt), earlierMs: Math.ceil(at - fromAt), laterMs: Math.ceil(latestAt - at), inEpoch: epoch } };
  });
  return { ...memory, boots };
}

/** Boots of which no event is on disk any more are forgotten; the present one stays, since its clock is still used. */
export function pruneBoots(memory: BootHistory, presentId: string, isOnDisk: (epoch: number) => boolean): BootHistory {
  const boots = memory.boots
    .map((boot) => ({ ...boot, epochs: boot.epochs.filter(isOnDisk) }))
    .filter((boot) => boot.id === presentId || boot.epochs.length > 0);
  return { ...memory, boots };
}

export function formatBootHistory(memory: BootHistory): string {
  return JSON.stringify({ v: 1, ...memory });
}

export function parseBootHistory(text: string): BootHistory {
  const { believedAt, boots } = JSON.parse(text) as BootHistory;
  return { believedAt, boots };
}

function withBoot(memory: BootHistory, changed: BootRecord): BootHistory {
  return { ...memory, boots: memory.boots.map((boot) => (boot.id === changed.id ? changed : boot)) };
}
