/** Notices a client id that changes hands again and again: two boxes with one id, most likely a copied card. */

export interface Takeover {
  atMs: number;
  from: string;
  to: string;
}

const WINDOW_MS = 60_000;
const MAX_CHANGES = 3;

/**
 * Adds one change of hands.
 *
 * @returns the changes of the last minute, and whether they are now too many (told once a minute)
 */
export function noteTakeover(before: readonly Takeover[], change: Takeover): { changes: Takeover[]; tooMany: boolean } {
  const recent = before.filter((one) => change.atMs - one.atMs < WINDOW_MS);
  const changes = [...recent, change];
  return { changes: changes.slice(-MAX_CHANGES * 4), tooMany: changes.length > MAX_CHANGES };
}
