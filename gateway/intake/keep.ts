/**
 * Keep: puts what was accepted into the log, each number once. What is settled already is answered again, a batch that
 * is new in part is cut to that part, and what must wait (a full log) is tried again until it is in.
 */
import type { Stream } from '../../core/event.ts';
import { FaultError, faultOf } from '../../core/faults.ts';
import { addRange, addRanges, countOf, fromMark, missingOf, toMark, type Range } from '../../log/ranges.ts';
import type { AcceptedGroup, Cursor, GatewayLog, SettledRange } from '../../log/types.ts';
import { encodeBatch } from '../../core/wire/batch.ts';
import { EventColumns, type BatchName } from '../../core/wire/event-columns.ts';
import { MAX_HAVE_RANGES } from '../../core/wire/limits.ts';
import { pause, type World } from '../../core/world.ts';
import type { RefusedEvent, Verdict } from './accept.ts';
import { FedGroup } from '../feed/fed.ts';
import '../../log/faults.ts';

export interface Offered {
  verdict: Verdict;
  /** As it came; kept as it is when all of it is new and good. */
  payload: Uint8Array;
  receivedAt: number;
  /** It could not be written, and will be tried again. */
  onFailure?(): void;
}

export type Outcome =
  | { kind: 'kept'; groups: readonly FedGroup[]; refused: readonly RefusedEvent[]; duplicates: number }
  /** All of it is settled, or on its way to be. */
  | { kind: 'repeated'; duplicates: number }
  /** More holes than an ack can say: left to its sender until holes close. */
  | { kind: 'too-many-holes' }
  /** The batch itself brings it about that it cannot be written: trying again would end alike. */
  | { kind: 'unwritable'; error: unknown }
  | { kind: 'closed' };

/** Hears what has just come to lie in the log, before anyone who only knows that something did. */
export type OnKept = (groups: readonly FedGroup[]) => void;

/** Sets refused events aside, durably, before their numbers count as settled. */
export type SetAside = (sender: string, refused: readonly RefusedEvent[], receivedAt: number) => Promise<void>;

const FIRST_WAIT_MS = 250;
const MAX_WAIT_MS = 2000;
const TELL_EVERY_MS = 1000;

interface Share {
  groups: AcceptedGroup[];
  /** What the groups hold. */
  columns: EventColumns[];
  settled: SettledRange[];
  refused: RefusedEvent[];
  fresh: Range[];
}

export class Keep {
  readonly #log: GatewayLog;
  readonly #setAside: SetAside;
  readonly #onKept: OnKept;
  readonly #world: World;
  readonly #stop: AbortSignal;
  /** By sender, stream and epoch: ranges on their way into the log, and the highest number that one of them ever had. */
  readonly #pending = new Map<string, { ranges: Set<Range>; top: number }>();
  #toldAtMs = -Infinity;
  #isLogFull = false;

  constructor(log: GatewayLog, on: { setAside: SetAside; kept: OnKept }, world: World, stop: AbortSignal) {
    this.#log = log;
    this.#setAside = on.setAside;
    this.#onKept = on.kept;
    this.#world = world;
    this.#stop = stop;
  }

  /** Whether the log takes nothing from anybody, as far as the last write showed. */
  get isLogFull(): boolean {
    return this.#isLogFull;
  }

  /** Resolves when all that is new of it is on disk. The numbers are taken synchronously: calls never see each other's halves. */
  async offer(offered: Offered): Promise<Outcome> {
    const { verdict } = offered;
    const { name: { from, stream, epoch }, count } = verdict.batch;
    const key = `${from}|${stream}|${epoch}`;
    for (let waitMs = FIRST_WAIT_MS; ; waitMs = Math.min(waitMs * 2, MAX_WAIT_MS)) {
      // Looked up anew on each try: a commit that reported a failure may have been written all the same.
      let share: Share | 'too-many-holes';
      try {
        share = this.#shareOf(offered, key);
      } catch (error) {
        if (isOfTheBatch(error)) return { kind: 'unwritable', error };
        throw error;
      }
      if (share === 'too-many-holes') return { kind: share };
      const duplicates = count - countOf(share.fresh);
      if (share.fresh.length === 0) return { kind: 'repeated', duplicates };
      const release = this.#reserve(key, share.fresh);
      let places: readonly Cursor[] | null = null;
      try {
        if (share.refused.length > 0) await this.#setAside(from, share.refused, offered.receivedAt).catch((error: unknown) => { throw isOfTheBatch(error) ? new Unwritable(error) : error; });
        places = await this.#log.accept(share.groups, share.settled);
        this.#isLogFull = false;
      } catch (error) {
        if (error instanceof Unwritable) return { kind: 'unwritable', error: error.cause };
        // Too large or too deep to be handed over. Whatever else the log throws is a failure of its own: refused for it, good events would be let go of.
        if (error instanceof RangeError && isOfTheBatch(error)) return { kind: 'unwritable', error };
        this.#isLogFull = error instanceof FaultError && error.fault.code === 'CV_LOG_FULL';
        this.#tell(from, error);
        offered.onFailure?.();
      } finally {
        release();
      }
      if (places) return this.#kept(share, places, offered.receivedAt, duplicates);
      if (!(await pause(this.#world.clock, waitMs, this.#stop))) return { kind: 'closed' };
    }
  }

  /** It is in the log: whatever those think who hear of it, it is answered. */
  #kept({ columns, refused }: Share, places: readonly Cursor[], receivedAt: number, duplicates: number): Outcome {
    const groups = columns.map((of, at) => new FedGroup(of, places[at] as Cursor, receivedAt));
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

  #shareOf(offered: Offered, key: string): Share | 'too-many-holes' {
    const { batch, refused, covered } = offered.verdict;
    const { name, count } = batch;
    const last = name.seq + count - 1;
    const fresh = this.#freshOf(name, last, key);
    if (fresh === 'too-many-holes') return fresh;
    const share: Share = { groups: [], columns: [], settled: [...covered], refused: [], fresh };
    const origin = { sender: name.from, stream: name.stream, epoch: name.epoch, receivedAt: offered.receivedAt };
    if (refused.length === 0 && countOf(fresh) === count) {
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

  /** What of a batch is neither settled nor on its way. */
  #freshOf({ from, stream, epoch, seq }: BatchName, last: number, key: string): Range[] | 'too-many-holes' {
    const mark = this.#log.mark(from, stream, epoch);
    const pending = this.#pending.get(key);
    // Almost always: what comes next. Nothing beyond it is known, and no hole begins.
    if (seq === Math.max(mark.upTo, mark.have.at(-1)?.[1] ?? 0, pending?.top ?? 0) + 1) return [[seq, last]];
    const known = addRanges(fromMark(mark), [...(pending?.ranges ?? [])]);
    const fresh = missingOf(known, seq, last);
    const after = fresh.length === 0 ? known : addRange(known, seq, last);
    return toMark(after).have.length > Math.max(MAX_HAVE_RANGES, toMark(known).have.length) ? 'too-many-holes' : fresh;
  }

  #reserve(key: string, ranges: readonly Range[]): () => void {
    const own = this.#pending.get(key) ?? { ranges: new Set(), top: 0 };
    this.#pending.set(key, own);
    for (const range of ranges) own.ranges.add(range);
    own.top = Math.max(own.top, ranges.at(-1)?.[1] ?? 0);
    return () => {
      for (const range of ranges) own.ranges.delete(range);
      if (own.ranges.size === 0 && this.#pending.get(key) === own) this.#pending.delete(key);
    };
  }
}

class Unwritable extends Error {
  constructor(error: unknown) {
    super('', { cause: error });
  }
}

/** What V8 throws by itself where a batch is read or cut; faults, and errors of the system, have a code. */
export const isOfTheBatch = (error: unknown): boolean => (error instanceof RangeError || error instanceof TypeError || error instanceof SyntaxError) && !('code' in error);

/** What an ack says of one (sender, stream, epoch). */
export function markOf(log: GatewayLog, sender: string, stream: Stream, epoch: number): { upTo: number; have: Range[] } {
  const { upTo, have } = log.mark(sender, stream, epoch);
  return { upTo, have: have.slice(0, MAX_HAVE_RANGES) };
}
