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
  /** Antennas on the way: seen at `from` and then at `to`, within `passWithinMs`. */
  pass: { from: readonly number[]; to: readonly number[]; withinMs: number } | null;
}

export type PresenceEvent =
  | { what: 'arrived'; seen: TagSighting }
  | { what: 'left'; seen: TagSighting; dwellMs: number }
  | { what: 'passed'; seen: TagSighting };

/** Reads that make an arrival lie within this time: one alone may be an echo of the next gate. */
const ARRIVAL_MS = 2000;
/** A crowd beyond this is no crowd of things that anyone watches; the oldest are let go, as gone. */
const MOST_TAGS = 50_000;

interface Tag {
  arrivedAt: number;
  /** Times of reads until it has arrived. */
  reads: number[];
  isPresent: boolean;
  last: TagSighting;
  /** When it was last seen at `from`. */
  fromAt: number | null;
}

export class PresenceTracker {
  readonly rule: PresenceRule;
  /** The one seen longest ago first. */
  readonly #tags = new Map<string, Tag>();
  #present = 0;

  constructor(rule: PresenceRule) {
    this.rule = rule;
  }

  get present(): number {
    return this.#present;
  }

  /** When the next tag may have gone; null while none can. */
  nextDueAt(): number | null {
    const [oldest] = this.#tags.values();
    return oldest ? oldest.last.at + this.rule.departAfterMs : null;
  }

  see(seen: TagSighting): PresenceEvent[] {
    const { antennas, prefix, rssiFloorDbm, minReads, pass } = this.rule;
    if (
      !seen.epc.startsWith(prefix) ||
      (antennas.length > 0 && !antennas.includes(seen.antenna)) ||
      (seen.rssiDbm !== null && seen.rssiDbm < rssiFloorDbm)
    )
      return [];
    const happened: PresenceEvent[] = this.pass(seen.at);
    const tag = this.#tags.get(seen.epc) ?? { arrivedAt: seen.at, reads: [], isPresent: false, last: seen, fromAt: null };
    this.#tags.delete(seen.epc);
    this.#tags.set(seen.epc, tag);
    // Reports may overtake each other; a tag is never less recent than it was.
    if (seen.at >= tag.last.at) tag.last = seen;
    if (!tag.isPresent) {
      tag.reads = [...tag.reads, seen.at].filter((at) => seen.at - at <= ARRIVAL_MS);
      if (tag.reads.length >= minReads) {
        tag.isPresent = true;
        tag.arrivedAt = Math.min(...tag.reads);
        this.#present += 1;
        happened.push({ what: 'arrived', seen: { ...seen, at: tag.arrivedAt } });
      }
    }
    if (pass?.from.includes(seen.antenna)) tag.fromAt = seen.at;
    else if (pass?.to.includes(seen.antenna) && tag.fromAt !== null) {
      if (seen.at - tag.fromAt <= pass.withinMs) happened.push({ what: 'passed', seen });
      tag.fromAt = null;
    }
    if (this.#tags.size > MOST_TAGS) happened.push(...this.#let(this.#tags.keys().next().value as string));
    return happened;
  }

  /** Time goes on. */
  pass(nowMs: number): PresenceEvent[] {
    const happened: PresenceEvent[] = [];
    for (const [epc, { last }] of this.#tags) {
      if (nowMs - last.at < this.rule.departAfterMs) break;
      happened.push(...this.#let(epc));
    }
    return happened;
  }

  #let(epc: string): PresenceEvent[] {
    const tag = this.#tags.get(epc);
    this.#tags.delete(epc);
    if (!tag?.isPresent) return [];
    this.#present -= 1;
    return [{ what: 'left', seen: tag.last, dwellMs: tag.last.at - tag.arrivedAt }];
  }
}

/** Reads of one tag at one antenna within `windowMs` of one that was given are repetitions. */
export class RepetitionFilter {
  readonly #windowMs: number;
  readonly #given = new Map<string, number>();

  constructor(windowMs: number) {
    this.#windowMs = windowMs;
  }

  isRepetition({ epc, antenna, at }: Pick<TagSighting, 'epc' | 'antenna' | 'at'>): boolean {
    if (this.#windowMs === 0) return false;
    const key = `${epc} ${antenna}`;
    const before = this.#given.get(key);
    if (before !== undefined && at - before < this.#windowMs && at >= before) return true;
    this.#given.delete(key);
    this.#given.set(key, at);
    for (const [old, givenAt] of this.#given) {
      if (at - givenAt < this.#windowMs && this.#given.size <= MOST_TAGS) break;
      this.#given.delete(old);
    }
    return false;
  }
}
