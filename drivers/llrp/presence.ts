/** Derives events from tag reads: a tag enters, is present, leaves, moves from one antenna to another. Pure; time is an argument. */
export interface TagSighting {
  epc: string;
  antenna: number;
  rssiDbm: number | null;
  at: number;
}

export interface PresenceRule {
  /** Antennas that count; empty: all. */
  antennas: readonly number[];
  /** Beginning of the EPCs that count, hexadecimal. */
  prefix: string;
  rssiFloorDbm: number;
  minReads: number;
  departAfterMs: number;
  /** A passage: read at `from`, then at `to`, within `withinMs`. */
  pass: { from: readonly number[]; to: readonly number[]; withinMs: number } | null;
}

export type PresenceEvent =
  | { what: 'arrived'; seen: TagSighting }
  | { what: 'left'; seen: TagSighting; dwellMs: number }
  | { what: 'passed'; seen: TagSighting };

/** `minReads` reads within this time are an arrival: a single one may be a stray read from the next gate. */
const ARRIVAL_MS = 2000;
/** Limits memory: beyond this many, the tags read longest ago count as gone. */
const MAX_TAGS = 50_000;

interface Tag {
  arrivedAt: number;
  /** Times of reads until it has arrived. */
  reads: number[];
  isPresent: boolean;
  last: TagSighting;
  /** When it was last read at a `from` antenna. */
  fromAt: number | null;
}

export class PresenceTracker {
  readonly rule: PresenceRule;
  /** The one read longest ago first. */
  readonly #tags = new Map<string, Tag>();
  #present = 0;

  constructor(rule: PresenceRule) {
    this.rule = rule;
  }

  get present(): number {
    return this.#present;
  }

  /** When the next tag may have left; null without tags. */
  nextDueAt(): number | null {
    const [oldest] = this.#tags.values();
    return oldest ? oldest.last.at + this.rule.departAfterMs : null;
  }

  addSighting(seen: TagSighting): PresenceEvent[] {
    const { antennas, prefix, rssiFloorDbm, minReads, pass } = this.rule;
    if (
      !seen.epc.startsWith(prefix) ||
      (antennas.length > 0 && !antennas.includes(seen.antenna)) ||
      (seen.rssiDbm !== null && seen.rssiDbm < rssiFloorDbm)
    )
      return [];
    const events: PresenceEvent[] = this.expire(seen.at);
    const tag = this.#tags.get(seen.epc) ?? { arrivedAt: seen.at, reads: [], isPresent: false, last: seen, fromAt: null };
    this.#tags.delete(seen.epc);
    this.#tags.set(seen.epc, tag);
    // Reports may arrive out of order; the last read only moves forward.
    if (seen.at >= tag.last.at) tag.last = seen;
    if (!tag.isPresent) {
      tag.reads = [...tag.reads, seen.at].filter((at) => seen.at - at <= ARRIVAL_MS);
      if (tag.reads.length >= minReads) {
        tag.isPresent = true;
        tag.arrivedAt = Math.min(...tag.reads);
        this.#present += 1;
        events.push({ what: 'arrived', seen: { ...seen, at: tag.arrivedAt } });
      }
    }
    if (pass?.from.includes(seen.antenna)) tag.fromAt = seen.at;
    else if (pass?.to.includes(seen.antenna) && tag.fromAt !== null) {
      if (seen.at - tag.fromAt <= pass.withinMs) events.push({ what: 'passed', seen });
      tag.fromAt = null;
    }
    if (this.#tags.size > MAX_TAGS) events.push(...this.#remove(this.#tags.keys().next().value as string));
    return events;
  }

  /** Tags whose time without a read is over have left. */
  expire(nowMs: number): PresenceEvent[] {
    const events: PresenceEvent[] = [];
    for (const [epc, { last }] of this.#tags) {
      if (nowMs - last.at < this.rule.departAfterMs) break;
      events.push(...this.#remove(epc));
    }
    return events;
  }

  #remove(epc: string): PresenceEvent[] {
    const tag = this.#tags.get(epc);
    this.#tags.delete(epc);
    if (!tag?.isPresent) return [];
    this.#present -= 1;
    return [{ what: 'left', seen: tag.last, dwellMs: tag.last.at - tag.arrivedAt }];
  }
}

/** Reads of one tag at one antenna within `windowMs` of a reported one are repetitions. */
export class RepetitionFilter {
  readonly #windowMs: number;
  readonly #reported = new Map<string, number>();

  constructor(windowMs: number) {
    this.#windowMs = windowMs;
  }

  isRepetition({ epc, antenna, at }: Pick<TagSighting, 'epc' | 'antenna' | 'at'>): boolean {
    if (this.#windowMs === 0) return false;
    const key = `${epc} ${antenna}`;
    const lastAt = this.#reported.get(key);
    if (lastAt !== undefined && at - lastAt < this.#windowMs && at >= lastAt) return true;
    this.#reported.delete(key);
    this.#reported.set(key, at);
    for (const [old, reportedAt] of this.#reported) {
      if (at - reportedAt < this.#windowMs && this.#reported.size <= MAX_TAGS) break;
      this.#reported.delete(old);
    }
    return false;
  }
}
