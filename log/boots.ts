/**
 * What a log remembers of boots whose clock nobody had set: which openings wrote in them, what their clock assumed, and,
 * once it is known, how far that was off. Pure: each function gives a new memory.
 *
 * Times are ms UTC, uptimes ms since the boot began. A boot's clock is one number: what it shows at uptime 0.
 */

/** Nothing of this program ran before: the earliest that an unknown time can be, and no clock that says less is set. */
export const NOT_BEFORE = Date.UTC(2024, 0, 1);
/** Bounds this near to each other leave nothing unknown. */
const KNOWN_WITHIN_MS = 1000;

/** How far a boot's clock was off, decided once. */
export interface Decided {
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
  decided: Decided | null;
}

export interface BootMemory {
  /** The newest time that was believed before the first boot that is not decided: the truth of all of them is later. */
  believedAt: number;
  /** Oldest first. */
  boots: readonly BootRecord[];
}

export const NO_BOOTS: BootMemory = { believedAt: NOT_BEFORE, boots: [] };

export function bootOf(memory: BootMemory, id: string): BootRecord | null {
  return memory.boots.find((boot) => boot.id === id) ?? null;
}

/** What is known of the time of an opening's events; null while nothing is, or where nothing ever was unknown. */
export function decidedOf(memory: BootMemory, epoch: number): Decided | null {
  return memory.boots.find((boot) => boot.epochs.includes(epoch))?.decided ?? null;
}

export const isKnown = ({ earlierMs, laterMs }: Decided): boolean => earlierMs + laterMs <= KNOWN_WITHIN_MS;

/** An opening writes events of unknown time in this boot. */
export function noteEpoch(memory: BootMemory, id: string, assumedAt: number, epoch: number): BootMemory {
  const known = bootOf(memory, id);
  if (!known) return { ...memory, boots: [...memory.boots, { id, epochs: [epoch], assumedAt, toMs: 0, decided: null }] };
  if (known.epochs.includes(epoch)) return memory;
  return withBoot(memory, { ...known, epochs: [...known.epochs, epoch] });
}

export function noteUptime(memory: BootMemory, id: string, toMs: number): BootMemory {
  const known = bootOf(memory, id);
  return known && toMs > known.toMs ? withBoot(memory, { ...known, toMs }) : memory;
}

/**
 * The clock of the present boot is known: `trueAt` is what it shows at uptime 0. With it every earlier boot is decided
 * too. What lies between two boots nobody saw, so an earlier one is only bounded: it began after the newest time that was
 * believed before it, and ended before the next one began. Within that it stays where its own clock had put it.
 */
export function decide(memory: BootMemory, present: { id: string; trueAt: number; epoch: number }): BootMemory {
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
export function forgetGone(memory: BootMemory, presentId: string, isOnDisk: (epoch: number) => boolean): BootMemory {
  const boots = memory.boots
    .map((boot) => ({ ...boot, epochs: boot.epochs.filter(isOnDisk) }))
    .filter((boot) => boot.id === presentId || boot.epochs.length > 0);
  return { ...memory, boots };
}

export function formatBoots(memory: BootMemory): string {
  return JSON.stringify({ v: 1, ...memory });
}

export function parseBoots(text: string): BootMemory {
  const { believedAt, boots } = JSON.parse(text) as BootMemory;
  return { believedAt, boots };
}

function withBoot(memory: BootMemory, changed: BootRecord): BootMemory {
  return { ...memory, boots: memory.boots.map((boot) => (boot.id === changed.id ? changed : boot)) };
}
