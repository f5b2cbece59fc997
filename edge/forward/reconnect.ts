/** When and where to try the next connection. Pure. */
const FIRST_DELAY_MS = 500;
const MAX_DELAY_MS = 30_000;
/** A connection that ends this soon was most likely taken by another box with the same id. */
const SHORT_LIVED_MS = 10_000;
const CONTESTED_FROM = 3;
const MAX_CONTESTED_DELAY_MS = 4_000;

export interface ConnectAttempts {
  /** Tries in a row that did not connect. */
  failures: number;
  /** Connections in a row that ended soon after they came up. */
  shortLived: number;
}

export const NO_ATTEMPTS: ConnectAttempts = { failures: 0, shortLived: 0 };

/** @param livedMs how long the connection was up; null when it never was: then the gateway or the way to it was gone, and no other box took our place */
export function attemptsAfterEnd(tries: ConnectAttempts, livedMs: number | null): ConnectAttempts {
  if (livedMs === null) return { failures: tries.failures + 1, shortLived: 0 };
  return { failures: 0, shortLived: livedMs < SHORT_LIVED_MS ? tries.shortLived + 1 : 0 };
}

export const isContested = (tries: ConnectAttempts) => tries.shortLived >= CONTESTED_FROM;

/** Longer with each failure, and spread by chance so that a district that comes back does not come all at once. */
export function reconnectDelayMs(tries: ConnectAttempts, chance: number): number {
  const failed = Math.min(MAX_DELAY_MS, FIRST_DELAY_MS * 2 ** Math.max(0, tries.failures - 1));
  const contested = isContested(tries)
    ? Math.min(MAX_CONTESTED_DELAY_MS, FIRST_DELAY_MS * 2 ** (tries.shortLived - CONTESTED_FROM + 1))
    : 0;
  return Math.max(failed, contested) * (0.5 + chance / 2);
}

/** The preferred one first; each failure goes on to the next. */
export const urlForAttempt = (urls: readonly string[], tries: ConnectAttempts) => urls[tries.failures % urls.length] as string;
