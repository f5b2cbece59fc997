/** How long a gateway's log keeps what: by age, by bytes, and never past a consumer that is required. */
import type { Fault } from '../faults.ts';
import type { World } from '../world.ts';
import type { Chain } from './chain.ts';
import type { FileReport } from './storage.ts';
import { compareCursors, START, type Cursor, type GatewayLogOptions } from './types.ts';

/** Consumers that start with the log have this long to say where they are before age lets anything go. */
const GRACE_MS = 60_000;

interface Hold {
  cursor: Cursor;
  required: boolean;
}

export interface TrimPlan {
  names: string[];
  /** Everything up to here is gone when they are. */
  trimmed: Cursor;
  /** The bytes asked for fit then. */
  fits: boolean;
}

export class Retention {
  readonly #options: GatewayLogOptions;
  readonly #chain: Chain;
  readonly #world: World;
  readonly #openedMs: number;
  readonly #holds = new Map<string, Hold>();
  trimmed: Cursor;

  constructor(options: GatewayLogOptions, chain: Chain, trimmed: string | null, world: World) {
    this.#options = options;
    this.#chain = chain;
    this.#world = world;
    this.#openedMs = world.clock.monotonicMs();
    this.trimmed = trimmed === null ? START : (JSON.parse(trimmed) as Cursor);
  }

  hold(consumer: string, cursor: Cursor, required: boolean): void {
    this.#holds.set(consumer, { cursor, required });
  }

  /** The oldest files that may go, when `needed` bytes are to be written. */
  plan(needed: number): TrimPlan {
    const plan: TrimPlan = { names: [], trimmed: this.trimmed, fits: false };
    let bytes = this.#chain.bytes + needed;
    for (const file of this.#chain.files.slice(0, -1)) {
      const end = { epoch: file.epoch, seq: this.#chain.lastOf(file) };
      const tooLarge = bytes > this.#options.maxBytes;
      if (!tooLarge && !this.#isOld(file, end)) break;
      if (this.#isHeld(end, (hold) => hold.required)) break;
      this.#overrun(end);
      plan.names.push(file.name);
      if (compareCursors(end, plan.trimmed) > 0) plan.trimmed = end;
      bytes -= file.bytes;
    }
    plan.fits = bytes <= this.#options.maxBytes;
    return plan;
  }

  trimmedTo(cursor: Cursor): void {
    this.trimmed = cursor;
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

  /** Optional consumers do not hold the log up: what they miss is said. */
  #overrun(end: Cursor): void {
    for (const [consumer, hold] of this.#holds) {
      if (hold.required || compareCursors(hold.cursor, end) >= 0) continue;
      const count = this.#chain.countBetween(hold.cursor, end);
      hold.cursor = end;
      this.#world.tell({ kind: 'fault', fault: { code: 'CV_LOG_OVERRUN', params: { consumer, count } } });
      if (count > 0) this.#world.tell({ kind: 'samples_lost', count, reason: 'sink_overrun', intended: false });
    }
  }
}
