/**
 * Keep: puts what was accepted into the log, each number once. What is settled already is answered again, a batch that
 * is new in part is cut to that part, and what must wait (a full log) is tried again until it is in.
 */
import type { Event, Stream } from '../../core/event.ts';
import { faultOf } from '../../core/faults.ts';
import { addRange, addRanges, countOf, fromMark, missingOf, toMark, type Range } from '../../core/log/ranges.ts';
import type { AcceptedGroup, GatewayLog, SettledRange } from '../../core/log/types.ts';
import { encodeBatch, type BatchName } from '../../core/wire/batch.ts';
import { MAX_HAVE_RANGES } from '../../core/wire/messages.ts';
import { pause, type World } from '../../core/world.ts';
import type { RefusedEvent, Verdict } from './accept.ts';

export interface Offered {
  verdict: Verdict;
  /** As it came; kept as it is when all of it is new and good. */
  payload: Uint8Array;
  receivedAt: number;
}

export type Outcome =
  | { kind: 'kept'; events: readonly Event[]; refused: readonly RefusedEvent[]; duplicates: number }
  /** All of it is settled, or on its way to be. */
  | { kind: 'repeated'; duplicates: number }
  /** More holes than an ack can say: left to its sender until holes close. */
  | { kind: 'too-many-holes' }
  | { kind: 'closed' };

/** Sets refused events aside, durably, before their numbers count as settled. */
export type SetAside = (sender: string, refused: readonly RefusedEvent[], receivedAt: number) => Promise<void>;

const FIRST_WAIT_MS = 250;
const MAX_WAIT_MS = 2000;
const TELL_EVERY_MS = 1000;

interface Share {
  groups: AcceptedGroup[];
  settled: SettledRange[];
  events: Event[];
  refused: RefusedEvent[];
  fresh: Range[];
}

export class Keep {
  readonly #log: GatewayLog;
  readonly #setAside: SetAside;
  readonly #world: World;
  readonly #stop: AbortSignal;
  /** By sender, stream and epoch: ranges on their way into the log. */
  readonly #pending = new Map<string, Set<Range>>();
  #toldAtMs = -Infinity;

  constructor(log: GatewayLog, setAside: SetAside, world: World, stop: AbortSignal) {
    this.#log = log;
    this.#setAside = setAside;
    this.#world = world;
    this.#stop = stop;
  }

  /** Resolves when all that is new of it is on disk. The numbers are taken synchronously: calls never see each other's halves. */
  async offer(offered: Offered): Promise<Outcome> {
    const { verdict } = offered;
    const { from, stream, epoch } = verdict.name;
    const key = `${from}|${stream}|${epoch}`;
    for (let waitMs = FIRST_WAIT_MS; ; waitMs = Math.min(waitMs * 2, MAX_WAIT_MS)) {
      // Looked up anew on each try: a commit that reported a failure may have been written all the same.
      const share = this.#shareOf(offered, key);
      if (share === 'too-many-holes') return { kind: share };
      const duplicates = verdict.events.length - countOf(share.fresh);
      if (share.fresh.length === 0) return { kind: 'repeated', duplicates };
      const release = this.#reserve(key, share.fresh);
      try {
        if (share.refused.length > 0) await this.#setAside(from, share.refused, offered.receivedAt);
        await this.#log.accept(share.groups, share.settled);
        return { kind: 'kept', events: share.events, refused: share.refused, duplicates };
      } catch (error) {
        this.#tell(from, error);
      } finally {
        release();
      }
      if (!(await pause(this.#world.clock, waitMs, this.#stop))) return { kind: 'closed' };
    }
  }

  /** A full log fails every waiting batch alike: said once a second. */
  #tell(edge: string, error: unknown): void {
    const nowMs = this.#world.clock.monotonicMs();
    if (nowMs - this.#toldAtMs < TELL_EVERY_MS) return;
    this.#toldAtMs = nowMs;
    this.#world.tell({ kind: 'fault', edge, fault: faultOf(error, 'CV_LOG_FAILED') });
  }

  #shareOf(offered: Offered, key: string): Share | 'too-many-holes' {
    const { name, events, refused, covered } = offered.verdict;
    const known = addRanges(fromMark(this.#log.mark(name.from, name.stream, name.epoch)), [...(this.#pending.get(key) ?? [])]);
    const last = name.seq + events.length - 1;
    const fresh = missingOf(known, name.seq, last);
    const after = fresh.length === 0 ? known : addRange(known, name.seq, last);
    if (toMark(after).have.length > Math.max(MAX_HAVE_RANGES, toMark(known).have.length)) return 'too-many-holes';
    const bad = new Set(refused.map(({ seq }) => seq));
    const share: Share = { groups: [], settled: [...covered], events: [], refused: [], fresh };
    for (const [from, to] of fresh) {
      const good = events.slice(from - name.seq, to - name.seq + 1).filter((_event, at) => !bad.has(from + at));
      share.refused.push(...refused.filter(({ seq }) => seq >= from && seq <= to));
      share.events.push(...good);
      const span = to - from + 1;
      if (good.length === 0) share.settled.push({ sender: name.from, stream: name.stream, epoch: name.epoch, from, to });
      else share.groups.push(groupOf(offered, name, from, span, good));
    }
    return share;
  }

  #reserve(key: string, ranges: readonly Range[]): () => void {
    const own = this.#pending.get(key) ?? new Set();
    this.#pending.set(key, own);
    for (const range of ranges) own.add(range);
    return () => {
      for (const range of ranges) own.delete(range);
      if (own.size === 0 && this.#pending.get(key) === own) this.#pending.delete(key);
    };
  }
}

function groupOf({ verdict, payload, receivedAt }: Offered, name: BatchName, seq: number, span: number, good: readonly Event[]): AcceptedGroup {
  const origin = { sender: name.from, stream: name.stream, epoch: name.epoch, seq, span, receivedAt };
  const whole = good.length === verdict.events.length;
  // Copied out of the network's buffer, which is larger and used again.
  return { origin, count: good.length, payload: whole ? new Uint8Array(payload) : encodeBatch({ ...name, seq }, good) };
}

/** What an ack says of one (sender, stream, epoch). */
export function markOf(log: GatewayLog, sender: string, stream: Stream, epoch: number): { upTo: number; have: Range[] } {
  const { upTo, have } = log.mark(sender, stream, epoch);
  return { upTo, have: have.slice(0, MAX_HAVE_RANGES) };
}
