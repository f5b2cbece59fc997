/** Retention of a gateway's log: by age and bytes, never past a required consumer. */
import type { Fault } from '../core/faults.ts';
import type { World } from '../core/world.ts';
import type { FileChain } from './file-chain.ts';
import { PREPARED_FILE_BYTES } from './file-name.ts';
import type { FileReport } from './storage.ts';
import { compareCursors, LOG_START, type Cursor, type GatewayLogOptions } from './types.ts';
import './faults.ts';

/** Consumers have this long after the opening to set their cursor before files are removed by age. */
const GRACE_MS = 60_000;

interface ConsumerHold {
  cursor: Cursor;
  required: boolean;
}

/** Everything up to this cursor was removed. */
export interface TrimState extends Cursor {
  /** Last removed number of each epoch, oldest first: to count what a consumer missed. */
  ends: [epoch: number, last: number][];
}

/** Older epochs are not counted. */
const MAX_ENDS = 1000;

export interface TrimPlan {
  names: string[];
  /** The trim state after their removal. */
  trimmed: TrimState;
  /** Whether the needed bytes fit then. */
  fits: boolean;
}

export class Retention {
  readonly #options: GatewayLogOptions;
  readonly #chain: FileChain;
  readonly #world: World;
  readonly #openedMs: number;
  readonly #holds = new Map<string, ConsumerHold>();
  trimmed: TrimState;

  constructor(options: GatewayLogOptions, chain: FileChain, trimmed: string | null, world: World) {
    this.#options = options;
    this.#chain = chain;
    this.#world = world;
    this.#openedMs = world.clock.monotonicMs();
    this.trimmed = { ...LOG_START, ends: [], ...(trimmed === null ? {} : (JSON.parse(trimmed) as Partial<TrimState>)) };
  }

  hold(consumer: string, cursor: Cursor, required: boolean): void {
    this.#holds.set(consumer, { cursor, required });
  }

  removeConsumer(consumer: string): void {
    this.#holds.delete(consumer);
  }

  /**
   * The oldest removable files when `needed` bytes are to be written.
   *
   * @param short for a full disk: `spare` bytes to free in any case, `ease` as far as all consumers have passed
   */
  plan(needed: number, short: { spare: number; ease: number } = { spare: 0, ease: 0 }): TrimPlan {
    const plan = { names: new Array<string>(), trimmed: this.trimmed };
    let bytes = this.#chain.bytes + PREPARED_FILE_BYTES + needed;
    const limit = Math.min(this.#options.maxBytes, bytes - short.spare);
    const eased = bytes - short.ease;
    for (const file of this.#chain.files.slice(0, -1)) {
      const end = { epoch: file.epoch, seq: this.#chain.lastSeqOf(file) };
      const tooLarge = bytes > limit;
      if (!tooLarge && !this.#isOld(file, end) && (bytes <= eased || this.#isHeld(end, () => true))) break;
      if (this.#isHeld(end, (hold) => hold.required)) break;
      this.#overrun(end);
      plan.names.push(file.name);
      if (compareCursors(end, plan.trimmed) > 0) plan.trimmed = { ...end, ends: withEnd(plan.trimmed.ends, end) };
      bytes -= file.bytes;
    }
    return { ...plan, fits: bytes <= this.#options.maxBytes };
  }

  setTrimmed(trimmed: TrimState): void {
    this.trimmed = trimmed;
  }

  /** As stored in the files. */
  format(trimmed: TrimState = this.trimmed): string {
    return JSON.stringify(trimmed);
  }

  countTrimmed(after: Cursor, upTo: Cursor): number {
    const ends = new Map<number, number>([...this.trimmed.ends, [upTo.epoch, upTo.seq]]);
    return [...ends].filter(([epoch]) => epoch >= after.epoch && epoch <= upTo.epoch)
      .reduce((sum, [epoch, last]) => sum + Math.max(0, last - (epoch === after.epoch ? after.seq : 0)), 0);
  }

  fullFault(): Fault {
    const oldest = this.#chain.files[0];
    const end = oldest ? { epoch: oldest.epoch, seq: this.#chain.lastSeqOf(oldest) } : LOG_START;
    const holders = [...this.#holds].filter(([, hold]) => hold.required && compareCursors(hold.cursor, end) < 0).map(([name]) => name);
    return {
      code: 'CV_LOG_FULL',
      params: { bytes: this.#chain.bytes, maxBytes: this.#options.maxBytes, holder: holders.join(', ') || 'the newest file' },
    };
  }

  #isOld(file: FileReport, end: Cursor): boolean {
    const inGrace = this.#world.clock.monotonicMs() - this.#openedMs < GRACE_MS;
    return !inGrace && file.lastAt < this.#world.clock.nowMs() - this.#options.keepMs && !this.#isHeld(end, () => true);
  }

  #isHeld(end: Cursor, counts: (hold: ConsumerHold) => boolean): boolean {
    return [...this.#holds.values()].some((hold) => counts(hold) && compareCursors(hold.cursor, end) < 0);
  }

  /** Optional consumers do not block removal. The feed counts what they miss. */
  #overrun(end: Cursor): void {
    for (const [consumer, hold] of this.#holds) {
      if (hold.required || compareCursors(hold.cursor, end) >= 0) continue;
      const count = this.#chain.countBetween(hold.cursor, end);
      hold.cursor = end;
      this.#world.tell({ kind: 'fault', fault: { code: 'CV_LOG_OVERRUN', params: { consumer, count } } });
    }
  }
}

function withEnd(ends: TrimState['ends'], { epoch, seq }: Cursor): TrimState['ends'] {
  return [...ends.filter(([other]) => other !== epoch), [epoch, seq] satisfies [number, number]].slice(-MAX_ENDS);
}
