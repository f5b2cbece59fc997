/**
 * The one written form of durations, sizes and rates in every file a person edits:
 * `500ms 1s 5m 2h 90d 2y forever`, `64MB 1GB`, `60/1m`.
 */
const MS = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000, y: 31_536_000_000 } as const;
// Sizes are binary (1 KB = 1024 bytes), as disks' tools print them.
const BYTES = { B: 1, KB: 1024, MB: 1024 ** 2, GB: 1024 ** 3, TB: 1024 ** 4 } as const;

/** ms of `5m`; Infinity for `forever`; null when the text is no duration. */
export function parseDurationMs(text: string): number | null {
  if (text === 'forever') return Infinity;
  const match = /^(\d+(?:\.\d+)?)(ms|s|m|h|d|y)$/.exec(text);
  return match ? Number(match[1]) * MS[match[2] as keyof typeof MS] : null;
}

/** Bytes of `64MB`; null when the text is no size. */
export function parseBytes(text: string): number | null {
  const match = /^(\d+(?:\.\d+)?)(B|KB|MB|GB|TB)$/.exec(text);
  return match ? Math.floor(Number(match[1]) * BYTES[match[2] as keyof typeof BYTES]) : null;
}

export interface RatePerPeriod {
  amount: number;
  periodMs: number;
}

/** `60/1m` → 60 in 60,000 ms; null when the text is no rate. */
export function parseRate(text: string): RatePerPeriod | null {
  const slash = text.indexOf('/');
  if (slash < 1) return null;
  const amount = Number(text.slice(0, slash));
  const periodMs = parseDurationMs(text.slice(slash + 1));
  return Number.isFinite(amount) && periodMs !== null && periodMs > 0 && periodMs < Infinity ? { amount, periodMs } : null;
}

/** The shortest exact written form: 90000 → `90s`. */
export function formatDuration(durationMs: number): string {
  if (durationMs === Infinity) return 'forever';
  for (const unit of ['y', 'd', 'h', 'm', 's'] as const) {
    if (durationMs >= MS[unit] && durationMs % MS[unit] === 0) return `${durationMs / MS[unit]}${unit}`;
  }
  return `${durationMs}ms`;
}

export function formatBytes(bytes: number): string {
  for (const unit of ['TB', 'GB', 'MB', 'KB'] as const) {
    if (bytes >= BYTES[unit]) return `${Math.round((bytes / BYTES[unit]) * 10) / 10}${unit}`;
  }
  return `${bytes}B`;
}
