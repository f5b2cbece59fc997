/**
 * How much of one sender is under way between the broker and the end of its intake. What is more waits with the sender's own
 * connection, which is not read meanwhile: whoever floods is slowed down by itself, and nobody stands in a long queue behind
 * it. Where nothing is settled at all (the log is full or slow) it lets go of a few at a time, so that an edge that waits is
 * still read, and what is said about lost counts heals.
 */
import type { Clock, Timer } from '../../core/world.ts';

/** Twice the window that an edge of ours has for a stream. */
const MAX_UNDER_WAY = 128;
/** What waits goes on many at a time: their receipts leave in one write, and they share a commit. */
const FEW_UNDER_WAY = MAX_UNDER_WAY / 2;
const STALL_MS = 250;

interface Waiting {
  owner: object;
  goOn(): void;
}

interface Share {
  underWay: number;
  /** In order. */
  waiting: Set<Waiting>;
  hasSettled: boolean;
  timer: Timer | null;
  /** Its connection has ended: forgotten once nothing is under way. */
  isLeft: boolean;
}

export class Shares {
  readonly #shares = new Map<string, Share>();
  readonly #clock: Pick<Clock, 'after'>;

  constructor(clock: Pick<Clock, 'after'>) {
    this.#clock = clock;
  }

  /** Calls `goOn` when there is room: at once, or in its turn. */
  pass(sender: string, owner: object, goOn: () => void): void {
    const share = this.#shareOf(sender);
    share.isLeft = false;
    if (share.waiting.size === 0 && share.underWay < MAX_UNDER_WAY) {
      share.underWay += 1;
      return goOn();
    }
    share.waiting.add({ owner, goOn });
    share.timer ??= this.#clock.after(STALL_MS, () => this.#look(sender, share));
  }

  /** One of its messages is dealt with. */
  settled(sender: string): void {
    const share = this.#shares.get(sender);
    if (!share) return;
    share.underWay = Math.max(0, share.underWay - 1);
    share.hasSettled = true;
    this.#goOn(sender, share);
  }

  /** Nothing of a connection that ended goes on. */
  forget(sender: string, owner: object): void {
    const share = this.#shares.get(sender);
    if (!share) return;
    for (const one of share.waiting) if (one.owner === owner) share.waiting.delete(one);
    share.isLeft = true;
    this.#goOn(sender, share);
  }

  close(): void {
    for (const { timer } of this.#shares.values()) timer?.cancel();
    this.#shares.clear();
  }

  #shareOf(sender: string): Share {
    const known = this.#shares.get(sender);
    if (known) return known;
    const share: Share = { underWay: 0, waiting: new Set(), hasSettled: false, timer: null, isLeft: false };
    this.#shares.set(sender, share);
    return share;
  }

  #look(sender: string, share: Share): void {
    share.timer = null;
    if (!share.hasSettled) share.underWay = 0;
    share.hasSettled = false;
    this.#goOn(sender, share);
    if (share.waiting.size > 0) share.timer = this.#clock.after(STALL_MS, () => this.#look(sender, share));
  }

  #goOn(sender: string, share: Share): void {
    if (share.waiting.size > 0 && share.underWay <= FEW_UNDER_WAY) this.#letOn(share);
    if (!share.isLeft || share.underWay > 0 || share.waiting.size > 0) return;
    share.timer?.cancel();
    this.#shares.delete(sender);
  }

  #letOn(share: Share): void {
    for (const one of share.waiting) {
      if (share.underWay >= MAX_UNDER_WAY) return;
      share.waiting.delete(one);
      share.underWay += 1;
      one.goOn();
    }
  }
}
