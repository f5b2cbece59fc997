/** Which file of evidence gives way to others: the oldest of the sender with most bytes. */
import type { StoredEvidence } from './evidence-file.ts';

/** Removal order: files of others by arrival, our own by content time, but never later than arrival (a clock that was ahead). */
export const compareAge = (a: StoredEvidence, b: StoredEvidence): number => ageKeyMs(a) - ageKeyMs(b);
const ageKeyMs = ({ atMs, from, receivedAt }: StoredEvidence): number => (from === undefined ? Math.min(atMs, receivedAt) : receivedAt);

/** The files of one sender. */
export class SenderFiles {
  /** Oldest last. */
  readonly #entries: StoredEvidence[];
  bytes: number;

  constructor(entries: readonly StoredEvidence[]) {
    this.#entries = entries.toSorted((a, b) => compareAge(b, a));
    this.bytes = entries.reduce((sum, { diskBytes }) => sum + diskBytes, 0);
  }

  takeOldest(): StoredEvidence {
    const entry = this.#entries.pop() as StoredEvidence;
    this.bytes -= entry.diskBytes;
    return entry;
  }

  get isEmpty(): boolean {
    return this.#entries.length === 0;
  }
}

export function largestSender(senders: readonly SenderFiles[]): SenderFiles | null {
  let most: SenderFiles | null = null;
  for (const one of senders) if (!one.isEmpty && (!most || one.bytes >= most.bytes)) most = one;
  return most;
}
