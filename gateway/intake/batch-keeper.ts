/**
 * Puts what was accepted into the log, each number once. What is settled already is answered again, a batch that
 * is new in part is cut to that part, and what must wait (a full log) is tried again until it is in.
 */
import type { Stream } from '../../core/event.ts';
import { FaultError, faultOf } from '../../core/faults.ts';
import { countNumbers, type SeqRange } from '../../log/ranges.ts';
import type { AcceptedGroup, Cursor, GatewayLog, SettledRange } from '../../log/types.ts';
import { encodeBatch } from '../../core/wire/batch.ts';
import { EventColumns } from '../../core/wire/event-columns.ts';
import { MAX_HAVE_RANGES } from '../../core/wire/limits.ts';
import { pause, type World } from '../../core/world.ts';
import type { RefusedEvent, CheckedBatch } from './accept.ts';
import { Deduplication } from './deduplication.ts';
import { LogBatch } from '../feed/log-batch.ts';
import '../../log/faults.ts';

export interface OfferedBatch {
  checked: CheckedBatch;
  /** As it came; kept as it is when all of it is new and good. */
  payload: Uint8Array;
  receivedAt: number;
  /** It could not be written, and will be tried again. */
  onFailure?(): void;
}

export type KeepOutcome =
  | { kind: 'kept'; groups: readonly LogBatch[]; refused: readonly RefusedEvent[]; duplicates: number }
  /** All of it is settled, or on its way to be. */
  | { kind: 'repeated'; duplicates: number }
  /** More holes than an ack can say: left to its sender until holes close. */
  | { kind: 'too-many-holes' }
  /** The batch itself brings it about that it cannot be written: trying again would end alike. */
  | { kind: 'unwritable'; error: unknown }
  | { kind: 'closed' };

/** Told of what was just appended, before anyone who only knows that something was. */
export type BatchesKept = (groups: readonly LogBatch[]) => void;

/** Sets refused events aside, durably, before their numbers count as settled. */
export type QuarantineEvents = (sender: string, refused: readonly RefusedEvent[], receivedAt: number) => Promise<void>;

const FIRST_WAIT_MS = 250;
const MAX_WAIT_MS = 2000;
const TELL_EVERY_MS = 1000;

interface NewPart {
  groups: AcceptedGroup[];
  /** What the groups hold. */
  columns: EventColumns[];
  settled: SettledRange[];
  refused: RefusedEvent[];
  fresh: SeqRange[];
}

export class BatchKeeper {
  readonly #log: GatewayLog;
  readonly #quarantine: QuarantineEvents;
  readonly #onKept: BatchesKept;
  readonly #world: World;
  readonly #stop: AbortSignal;
  readonly #deduplication: Deduplication;
  #toldAtMs = -Infinity;
  #isLogFull = false;

  constructor(log: GatewayLog, on: { quarantine: QuarantineEvents; kept: BatchesKept }, world: World, stop: AbortSignal) {
    this.#log = log;
    this.#deduplication = new Deduplication(log);
    this.#quarantine = on.quarantine;
    this.#onKept = on.kept;
    this.#world = world;
    this.#stop = stop;
  }

  /** Whether the log takes nothing from anybody, as far as the last write showed. */
  get isLogFull(): boolean {
    return this.#isLogFull;
  }

  /** Resolves when all that is new of it is on disk. The numbers are taken synchronously: calls never see each other's halves. */
  async keep(offered: OfferedBatch): Promise<KeepOutcome> {
    const { checked } = offered;
    const { name, count } = checked.batch;
    for (let waitMs = FIRST_WAIT_MS; ; waitMs = Math.min(waitMs * 2, MAX_WAIT_MS)) {
      // Looked up anew on each try: a commit that reported a failure may have been written all the same.
      let share: NewPart | 'too-many-holes';
      try {
        share = this.#shareOf(offered);
      } catch (error) {
        if (isBatchError(error)) return { kind: 'unwritable', error };
        throw error;
      }
      if (share === 'too-many-holes') return { kind: share };
      const duplicates = count - countNumbers(share.fresh);
      if (share.fresh.length === 0) return { kind: 'repeated', duplicates };
      const release = this.#deduplication.reserve(name, share.fresh);
      let places: readonly Cursor[] | null = null;
      try {
        if (share.refused.length > 0)
          await this.#quarantine(name.from, share.refused, offered.receivedAt).catch((error: unknown) => {
            throw isBatchError(error) ? new Unwritable(error) : error;
          });
        places = await this.#log.accept(share.groups, share.settled);
        this.#isLogFull = false;
      } catch (error) {
        if (error instanceof Unwritable) return { kind: 'unwritable', error: error.cause };
        // Too large or too deep to be handed over. Whatever else the log throws is a failure of its own: refused for it, good events would be let go of.
        if (error instanceof RangeError && isBatchError(error)) return { kind: 'unwritable', error };
        this.#isLogFull = error instanceof FaultError && error.fault.code === 'CV_LOG_FULL';
        this.#tell(name.from, error);
        offered.onFailure?.();
      } finally {
        release();
      }
      if (places) return this.#kept(share, places, offered.receivedAt, duplicates);
      if (!(await pause(this.#world.clock, waitMs, this.#stop))) return { kind: 'closed' };
    }
  }

  /** It is in the log: whatever its consumers make of it, it is answered. */
  #kept({ columns, refused }: NewPart, places: readonly Cursor[], receivedAt: number, duplicates: number): KeepOutcome {
    const groups = columns.map((of, at) => new LogBatch(of, places[at] as Cursor, receivedAt));
    this.#onKept(groups);
    return { kind: 'kept', groups, refused, duplicates };
  }

  /** A full log fails every waiting batch alike: said once a second. */
  #tell(edge: string, error: unknown): void {
    const nowMs = this.#world.clock.monotonicMs();
    if (nowMs - this.#toldAtMs < TELL_EVERY_MS) return;
    this.#toldAtMs = nowMs;
    this.#world.tell({ kind: 'fault', edge, fault: faultOf(error, 'CV_LOG_FAILED') });
  }

  #shareOf(offered: OfferedBatch): NewPart | 'too-many-holes' {
    const { batch, refused, gapRanges } = offered.checked;
    const { name, count } = batch;
    const fresh = this.#deduplication.newRanges(name, count);
    if (fresh === 'too-many-holes') return fresh;
    const share: NewPart = { groups: [], columns: [], settled: [...gapRanges], refused: [], fresh };
    const origin = { sender: name.from, stream: name.stream, epoch: name.epoch, receivedAt: offered.receivedAt };
    if (refused.length === 0 && countNumbers(fresh) === count) {
      share.groups.push({ origin: { ...origin, seq: name.seq, span: count }, count, payload: offered.payload });
      share.columns.push(batch);
      return share;
    }
    const bad = new Set(refused.map(({ seq }) => seq));
    for (const [from, to] of fresh) {
      const good = batch.events().slice(from - name.seq, to - name.seq + 1).filter((_event, at) => !bad.has(from + at));
      share.refused.push(...refused.filter(({ seq }) => seq >= from && seq <= to));
      const span = to - from + 1;
      const part = { ...name, seq: from };
      if (good.length === 0) share.settled.push({ sender: name.from, stream: name.stream, epoch: name.epoch, from, to });
      else {
        share.groups.push({ origin: { ...origin, seq: from, span }, count: good.length, payload: encodeBatch(part, good) });
        share.columns.push(EventColumns.ofRows(part, good));
      }
    }
    return share;
  }
}

class Unwritable extends Error {
  constructor(error: unknown) {
    super('', { cause: error });
  }
}

/** What V8 throws by itself where a batch is read or cut; faults, and errors of the system, have a code. */
export const isBatchError = (error: unknown): boolean =>
  (error instanceof RangeError || error instanceof TypeError || error instanceof SyntaxError) && !('code' in error);

/** What an ack says of one (sender, stream, epoch). */
export function ackMark(log: GatewayLog, sender: string, stream: Stream, epoch: number): { upTo: number; have: SeqRange[] } {
  const { upTo, have } = log.mark(sender, stream, epoch);
  return { upTo, have: have.slice(0, MAX_HAVE_RANGES) };
}
