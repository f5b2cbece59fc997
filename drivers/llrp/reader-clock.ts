/**
 * The offset of a reader's clock. Readers without a time server start in 1970, some count 100 ns since 1601 (FILETIME)
 * instead of µs since 1970, many give only their uptime. The event that a reader sends at the start of every session
 * carries its clock.
 */
const FILETIME_UNTIL_1970_US = 11_644_473_600_000_000n;
const TRUSTED_MS = 5000;
/** Times after this are FILETIME: one of today, taken for µs since 1970, is in the year 5000 or later. */
const LATEST_MS = Date.UTC(2200, 0, 1);

export interface ReaderClock {
  /** ms to add to the reader's UTC; null until a message carried its time. */
  utcOffsetMs: number | null;
  uptimeOffsetMs: number | null;
}

export const UNKNOWN_CLOCK: ReaderClock = { utcOffsetMs: null, uptimeOffsetMs: null };

/** ms UTC of a reader's time stamp. */
export function utcMsOf(stampUs: bigint): number {
  const ms = Number(stampUs / 1000n);
  return ms < LATEST_MS ? ms : Number((stampUs / 10n - FILETIME_UNTIL_1970_US) / 1000n);
}

/** Updates the offsets from the time stamps of an event that was just received. */
export function updateReaderClock(clock: ReaderClock, stamps: { utcUs?: bigint; uptimeUs?: bigint }, observedAt: number): ReaderClock {
  return {
    utcOffsetMs: stamps.utcUs === undefined ? clock.utcOffsetMs : observedAt - utcMsOf(stamps.utcUs),
    uptimeOffsetMs: stamps.uptimeUs === undefined ? clock.uptimeOffsetMs : observedAt - Number(stamps.uptimeUs / 1000n),
  };
}

export interface ReadTime {
  at: number;
  /** The reader's clock was wrong or is unknown: the time is the edge's, or corrected by the known offset. */
  isSkewed: boolean;
}

/** A reader buffers reports for no longer than this while it has no client. */
const OLDEST_MS = 7 * 86_400_000;

export interface ReadTimestamps {
  utcUs?: bigint;
  uptimeUs?: bigint;
}

/** The time by the edge's clock; null where the reader gave no plausible time. */
export function edgeTimeOf(
  { utcUs, uptimeUs }: ReadTimestamps,
  { utcOffsetMs, uptimeOffsetMs }: ReaderClock,
  observedAt: number,
): number | null {
  const candidates = [
    ...(utcUs !== undefined && utcOffsetMs !== null ? [utcMsOf(utcUs) + utcOffsetMs] : []),
    ...(uptimeUs !== undefined && uptimeOffsetMs !== null ? [Number(uptimeUs / 1000n) + uptimeOffsetMs] : []),
    ...(utcUs !== undefined && utcOffsetMs === null ? [utcMsOf(utcUs)] : []),
  ];
  // Some readers use another epoch for reads than for events: such a time is useless.
  return candidates.find((at) => at <= observedAt + TRUSTED_MS && at >= observedAt - OLDEST_MS) ?? null;
}

/** The time of a read; null where the reader gave none. */
export function timeOfRead(stamps: ReadTimestamps, clock: ReaderClock, observedAt: number): ReadTime | null {
  const { utcUs, uptimeUs } = stamps;
  if (utcUs === undefined && (uptimeUs === undefined || clock.uptimeOffsetMs === null)) return null;
  const at = edgeTimeOf(stamps, clock, observedAt);
  if (at === null) return { at: observedAt, isSkewed: true };
  // The reader's own time where its clock is right; uptime with a known offset is as good as the edge's clock.
  if (utcUs === undefined) return { at, isSkewed: false };
  const readerMs = utcMsOf(utcUs);
  return Math.abs(at - readerMs) <= TRUSTED_MS ? { at: readerMs, isSkewed: false } : { at, isSkewed: true };
}
