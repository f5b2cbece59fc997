/** How long a gateway's log keeps what: by age, by bytes, and never past a consumer that is required. */
import type { Fault } from '../core/faults.ts';
import type { World } from '../core/world.ts';
import type { Chain } from './chain.ts';
import { PREPARED_FILE_BYTES } from './file-name.ts';
import type { FileReport } from './storage.ts';
import { compareCursors, START, type Cursor, type GatewayLogOptions } from './types.ts';
import './faults.ts';

/** Consumers that start with the log have this long to say where they are before age lets anything go. */
const GRACE_MS = 60_000;

interface Hold {
  cursor: Cursor;
  required: boolean;
}

/** Everything up to this place is gone. */
export interface Trimmed extends Cursor {
  /** The last number of each epoch that was let go, oldest first: tells how many a consumer has missed. */
  ends: [epoch: number, last: number][];
}

/** Each opening of the log is an epoch; those before are counted as nothing. */
const MAX_ENDS = 1000;

export interface TrimPlan {
  names: string[];
  /** As it will be when they are gone. */
  trimmed: Trimmed;
  /** The bytes asked for fit then. */
  fits: boolean;
}

export class Retention {
  readonly #options: GatewayLogOptions;
  readonly #chain: Chain;
  readonly #world: World;
  readonly #openedMs: number;
  readonly #holds = new Map<string, Hold>();
  trimmed: Trimmed;

  constructor(options: GatewayLogOptions, chain: Chain, trimmed: string | null, world: World) {
    this.#options = options;
    this.#chain = chain;
    this.#world = world;
    this.#openedMs = world.clock.monotonicMs();
    this.trimmed = { ...START, ends: [], ...(trimmed === null ? {} : (JSON.parse(trimmed) as Partial<Trimmed>)) };
  }

  hold(consumer: string, cursor: Cursor, required: boolean): void {
    this.#holds.set(consumer, { cursor, required });
  }

  letGo(consumer: string): void {
    this.#holds.delete(consumer);
  }

  /**
   * The oldest files that may go, when `needed` bytes are to be written.
   *
   * @param short what a disk without room lacks: `spare` bytes that are to come free in any case, `ease` as far as every consumer has passed them
   */
  plan(needed: number, short: { spare: number; ease: number } = { spare: 0, ease: 0 }): TrimPlan {
    const plan: TrimPlan = { names: [], trimmed: this.trimmed, fits: false };
    let bytes = this.#chain.bytes + PREPARED_FILE_BYTES + needed;
    const most = Math.min(this.#options.maxBytes, bytes - short.spare);
    const eased = bytes - short.ease;
    for (const file of this.#chain.files.slice(0, -1)) {
      const end = { epoch: file.epoch, seq: this.#chain.lastOf(file) };
      const tooLarge = bytes > most;
      if (!tooLarge && !this.#isOld(file, end) && (bytes <= eased || this.#isHeld(end, () => true))) break;
      if (this.#isHeld(end, (hold) => hold.required)) break;
      this.#overrun(end);
      plan.names.push(file.name);
      if (compareCursors(end, plan.trimmed) > 0) plan.trimmed = { ...end, ends: withEnd(plan.trimmed.ends, end) };
      bytes -= file.bytes;
    }
    plan.fits = bytes <= this.#options.maxBytes;
    return plan;
  }

  trimmedTo(trimmed: Trimmed): void {
    this.trimmed = trimmed;
  }

  /** As it is kept in the files. */
  format(trimmed: Trimmed = this.trimmed): string {
    return JSON.stringify(trimmed);
  }

  gone(after: Cursor, upTo: Cursor): number {
    const ends = new Map<number, number>([...this.trimmed.ends, [upTo.epoch, upTo.seq]]);
    return [...ends].filter(([epoch]) => epoch >= after.epoch && epoch <= upTo.epoch)
      .reduce((sum, [epoch, last]) => sum + Math.max(0, last - (epoch === after.epoch ? after.seq : 0)), 0);
  }

  fullFault(): Fault {
    const oldest = this.#chain.files[0];
    const end = oldest ? { epoch: oldest.epoch, seq: this.#chain.lastOf(oldest) } : START;
    const holders = [...this.#holds].filter(([, hold]) => hold.required && compareCursors(hold.cursor, end) < 0).map(([name]) => name);
    return { code: 'CV_LOG_FULL', params: { bytes: this.#chain.bytes, maxBytes: this.#options.maxBytes, holder: holders.join(', ') || 'the newest file' } };
  }

  #isOld(file: FileReport, end: Cursor): boolean {
    const inGrace = this.#world.clock.monotonicMs() - this.#openedMs < GRACE_MS;
    return !inGrace && file.lastAt < this.#world.clock.nowMs() - this.#options.keepMs && !this.#isHeld(end, () => true);
  }

  #isHeld(end: Cursor, counts: (hold: Hold) => boolean): boolean {
    return [...this.#holds.values()].some((hold) => counts(hold) && compareCursors(hold.cursor, end) < 0);
  }

  /** Optional consumers do not hold the log up. What they have in hand may still arrive: who feeds them counts what they miss. */
  #overrun(end: Cursor): void {
    for (const [consumer, hold] of this.#holds) {
      if (hold.required || compareCursors(hold.cursor, end) >= 0) continue;
      const count = this.#chain.countBetween(hold.cursor, end);
      hold.cursor = end;
      this.#world.tell({ kind: 'fault', fault: { code: 'CV_LOG_OVERRUN', params: { consumer, count } } });
    }
  }
}

function withEnd(ends: Trimmed['ends'], { epoch, seq }: Cursor): Trimmed['ends'] {
  return [...ends.filter(([other]) => other !== epoch), [epoch, seq] satisfies [number, number]].slice(-MAX_ENDS);
}
