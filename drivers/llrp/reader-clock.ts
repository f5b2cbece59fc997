/**
 * The offset of a reader's clock. Readers without a time server start in 1970, some count 100 ns since 1601 (FILETIME)
 * instead of µs since 1970, many give only their uptime. An event of the reader at the start of every session shows its
 * clock.
 */
const FILETIME_UNTIL_1970_US = 11_644_473_600_000_000n;
const TRUSTED_MS = 5000;
/** No reader is older; a FILETIME of today reads as year 5000 and more when taken for µs since 1970. */
const LATEST_MS = Date.UTC(2200, 0, 1);

export interface ReaderClock {
  /** ms to be added to the reader's UTC; null until it has said what time it has. */
  utcOffsetMs: number | null;
  uptimeOffsetMs: number | null;
}

export const UNKNOWN_CLOCK: ReaderClock = { utcOffsetMs: null, uptimeOffsetMs: null };

/** ms UTC of a reader's time stamp. */
export function utcMsOf(stampUs: bigint): number {
  const ms = Number(stampUs / 1000n);
  return ms < LATEST_MS ? ms : Number((stampUs / 10n - FILETIME_UNTIL_1970_US) / 1000n);
}

/** What an event of the reader, just now, says of its clock. */
export function updateReaderClock(clock: ReaderClock, stamps: { utcUs?: bigint; uptimeUs?: bigint }, observedAt: number): ReaderClock {
  return {
    utcOffsetMs: stamps.utcUs === undefined ? clock.utcOffsetMs : observedAt - utcMsOf(stamps.utcUs),
    uptimeOffsetMs: stamps.uptimeUs === undefined ? clock.uptimeOffsetMs : observedAt - Number(stamps.uptimeUs / 1000n),
  };
}

export interface ReadTime {
  at: number;
  /** The reader's clock was off, or is not known: the time is ours, or set right by what was known. */
  isSkewed: boolean;
}

/** A report that was held while nobody listened is not older than this. */
const OLDEST_MS = 7 * 86_400_000;

export interface ReadTimestamps {
  utcUs?: bigint;
  uptimeUs?: bigint;
}

/** When it was by our own clock; null where the reader gave no time that can be one. */
export function edgeTimeOf(
  { utcUs, uptimeUs }: ReadTimestamps,
  { utcOffsetMs, uptimeOffsetMs }: ReaderClock,
  observedAt: number,
): number | null {
  const guesses = [
    ...(utcUs !== undefined && utcOffsetMs !== null ? [utcMsOf(utcUs) + utcOffsetMs] : []),
    ...(uptimeUs !== undefined && uptimeOffsetMs !== null ? [Number(uptimeUs / 1000n) + uptimeOffsetMs] : []),
    ...(utcUs !== undefined && utcOffsetMs === null ? [utcMsOf(utcUs)] : []),
  ];
  // Some count reads from elsewhere than events: such a time names no moment.
  return guesses.find((at) => at <= observedAt + TRUSTED_MS && at >= observedAt - OLDEST_MS) ?? null;
}

/** The time of a read; null where the reader gave none. */
export function timeOfRead(stamps: ReadTimestamps, clock: ReaderClock, observedAt: number): ReadTime | null {
  const { utcUs, uptimeUs } = stamps;
  if (utcUs === undefined && (uptimeUs === undefined || clock.uptimeOffsetMs === null)) return null;
  const at = edgeTimeOf(stamps, clock, observedAt);
  if (at === null) return { at: observedAt, isSkewed: true };
  // The reader's own words where its clock is right; time since it was switched on, beside our clock, is as good as ours.
  if (utcUs === undefined) return { at, isSkewed: false };
  const saidMs = utcMsOf(utcUs);
  return Math.abs(at - saidMs) <= TRUSTED_MS ? { at: saidMs, isSkewed: false } : { at, isSkewed: true };
}
