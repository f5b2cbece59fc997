/**
 * Feed: hands the log to its consumers, each at its own place. Whoever is near its end gets what intake has just put
 * there; whoever is behind reads, and a group is then decoded once for all that are near each other. A consumer that
 * fails is given the same events again, and holds up nobody but itself.
 */
import { faultOf, FAULTS, type Fault } from '../../core/faults.ts';
import { compareCursors, formatCursor, type Cursor, type GatewayLog, type ReadLimit, type StoredGroup } from '../../log/types.ts';
import { readBatch } from '../../core/wire/batch.ts';
import { everyMs, pause, type World } from '../../core/world.ts';
import type { Consumer, MissedEvents } from './consumer.ts';
import { LogBatch, batchesAfter } from './log-batch.ts';
import { LogTailCache } from './log-tail-cache.ts';
import { SharedLogReads } from './shared-log-reads.ts';
import '../../log/faults.ts';

export interface LogFeed {
  /** Starts every consumer and then feeds them. @throws what a consumer's start throws */
  start(): Promise<void>;
  /** What has just come to lie in the log, as it was decoded. */
  offer(groups: readonly LogBatch[]): void;
  /** Events that a consumer has not taken yet; after the close, what it left for the next start. */
  lag(consumer: string): number;
  /** One more, while the others are fed. @throws what its start throws */
  addConsumer(consumer: Consumer): Promise<void>;
  /** Lets one finish what it is taking, then closes it; from now on the log waits for it no more. */
  removeConsumer(consumer: string): Promise<void>;
  /** Lets each finish what it is taking, then closes them. */
  close(): Promise<void>;
}

const READ: ReadLimit = { maxGroups: 1024, maxBytes: 1 << 20 };
/** A consumer is handed about so many at a time: what it does with them must not keep everybody else from their turn. */
const HAND_EVENTS = 2000;
/** What intake offers is kept for consumers that are not behind by more than so many events; 100 B each. */
const END_EVENTS = 300_000;
const FIRST_WAIT_MS = 100;
const MAX_WAIT_MS = 10_000;
/** Some targets say how long they want to be left alone (`retryAfterMs` of the fault); believed up to this. */
const MAX_ASKED_WAIT_MS = 300_000;
const LAG_TOLD_EVERY_MS = 1000;
/** Decoded events that are kept for the next consumer; 500 B each. */
const CACHE_EVENTS = 20_000;

interface ConsumerRun {
  consumer: Consumer;
  cursor: Cursor;
  /** null: not told of yet. */
  lagTold: number | null;
  stop: AbortController;
  work: Promise<void>;
}

export function openLogFeed(log: GatewayLog, consumers: readonly Consumer[], world: World): LogFeed {
  const runners = new Map<string, ConsumerRun>();
  const cache = new DecodeCache(world);
  const reads = new SharedLogReads(log, READ);
  const end = new LogTailCache(END_EVENTS);
  const sleepers = new Set<() => void>();
  const headAtStart = log.head();
  let appends = 0;
  const wakeAll = () => {
    appends += 1;
    for (const wake of sleepers) wake();
    sleepers.clear();
  };
  const unlisten = log.onAppended(wakeAll);
  // Also while one is being waited for, and when the last has caught up and nothing more comes.
  const telling = everyMs(world.clock, LAG_TOLD_EVERY_MS, () => {
    for (const runner of runners.values()) tellLag(runner);
  });

  async function run(runner: ConsumerRun): Promise<void> {
    const maxEvents = runner.consumer.maxEvents ?? HAND_EVENTS;
    const { signal } = runner.stop;
    while (!signal.aborted) {
      const near = end.after(runner.cursor, maxEvents);
      if (near.length > 0) {
        await hand(runner, near, (near.at(-1) as LogBatch).last, null);
        continue;
      }
      const before = appends;
      const stored = compareCursors(runner.cursor, log.head()) < 0 ? await reads.after(runner.cursor, before) : [];
      if (signal.aborted) return;
      let missed = stored[0] ? missedBefore(runner, stored[0]) : null;
      for (const part of parts(stored, maxEvents)) {
        const { epoch, seq, count } = part.at(-1) as StoredGroup;
        if (!signal.aborted) await hand(runner, part.flatMap((group) => cache.group(group) ?? []), { epoch, seq: seq + count - 1 }, missed);
        missed = null;
      }
      // What was appended while we read wakes nobody any more.
      if (stored.length === 0 && appends === before) await new Promise<void>((resolve) => { sleepers.add(resolve); });
    }
  }

  async function hand(runner: ConsumerRun, groups: readonly LogBatch[], upTo: Cursor, missed: MissedEvents | null): Promise<void> {
    const { consumer, stop: { signal } } = runner;
    let toSay = missed;
    const fresh = batchesAfter(groups, runner.cursor);
    for (let waitMs = FIRST_WAIT_MS; ; waitMs = Math.min(waitMs * 2, MAX_WAIT_MS)) {
      try {
        if (toSay) await consumer.missed?.(toSay);
        toSay = null;
        await consumer.take(fresh, upTo);
        break;
      } catch (error) {
        if (signal.aborted) return;
        const fault = failureOf(consumer, error);
        const askedMs = Math.min(Number(fault.params.retryAfterMs ?? 0), MAX_ASKED_WAIT_MS);
        const pauseMs = Math.max(askedMs, Math.round(waitMs * (0.75 + world.random.next() / 2)));
        world.tell({ kind: 'fault', fault: { ...fault, params: { ...fault.params, waitMs: pauseMs } } });
        if (!(await pause(world.clock, pauseMs, signal))) return;
      }
    }
    runner.cursor = upTo;
    log.setConsumer(consumer.name, upTo, consumer.required);
    end.release(lowestNear());
  }

  /** The one furthest behind of those that are near the end, or on their way there. */
  function lowestNear(): Cursor {
    let lowest = log.head();
    for (const { cursor } of runners.values()) {
      if (cursor.epoch === lowest.epoch && cursor.seq < lowest.seq && log.head().seq - cursor.seq <= END_EVENTS) lowest = cursor;
    }
    return lowest;
  }

  /**
   * The log let go of what this consumer had not taken: said and counted here, where it comes to what is left. A new
   * required one begins with what there is; an optional one says itself where it begins.
   */
  function missedBefore({ consumer, cursor }: ConsumerRun, first: StoredGroup): MissedEvents | null {
    const tail = log.tail();
    if (compareCursors(cursor, tail) >= 0 || (consumer.required && cursor.epoch === 0)) return null;
    const to = { epoch: first.epoch, seq: first.seq };
    // What is in hand is not lost, though the log may have let go of it since.
    const lastGone = compareCursors(tail, to) < 0 ? tail : { epoch: to.epoch, seq: to.seq - 1 };
    const count = log.countTrimmed(cursor, lastGone);
    if (count === 0) return null;
    world.tell({
      kind: 'fault',
      fault: { code: 'CV_CONSUMER_OVERRUN', params: { consumer: consumer.name, count, from: formatCursor(cursor), to: formatCursor(to) } },
    });
    world.tell({ kind: 'samples_lost', count, reason: 'sink_overrun', intended: false });
    return { from: cursor, to, count, toAt: first.origin?.receivedAt ?? 0 };
  }

  function lagOf({ cursor }: ConsumerRun): number {
    const head = log.head();
    if (compareCursors(cursor, head) >= 0) return 0;
    if (cursor.epoch === head.epoch) return head.seq - cursor.seq;
    // Older epochs are not counted one by one: all of the newest if those are done, else at most what the log holds.
    return compareCursors(cursor, headAtStart) >= 0 ? head.seq : log.size().events;
  }

  function tellLag(runner: ConsumerRun): void {
    const value = lagOf(runner);
    if (value === runner.lagTold) return;
    runner.lagTold = value;
    world.tell({ kind: 'consumer_lag', consumer: runner.consumer.name, value });
  }

  function tellRewound({ name }: Consumer, cursor: Cursor): void {
    const head = log.head();
    if (compareCursors(cursor, head) <= 0) return;
    world.tell({
      kind: 'fault',
      fault: { code: 'CV_CONSUMER_AHEAD', params: { consumer: name, cursor: formatCursor(cursor), head: formatCursor(head) } },
    });
  }

  async function prepare(consumer: Consumer): Promise<ConsumerRun> {
    const cursor = await consumer.start();
    tellRewound(consumer, cursor);
    log.setConsumer(consumer.name, cursor, consumer.required);
    const runner: ConsumerRun = { consumer, cursor, lagTold: null, stop: new AbortController(), work: Promise.resolve() };
    runners.set(consumer.name, runner);
    return runner;
  }

  function begin(runner: ConsumerRun): void {
    runner.work = run(runner).catch((error: unknown) => {
      // Only the log itself can fail here; the gateway says so by its own faults and is restarted.
      if (!runner.stop.signal.aborted)
        world.tell({ kind: 'fault', fault: faultOf(error, 'CV_CONSUMER_FAILED', { consumer: runner.consumer.name, waitMs: 0 }) });
    });
  }

  async function conclude(leaving: readonly ConsumerRun[]): Promise<void> {
    for (const { stop, consumer } of leaving) {
      stop.abort();
      consumer.halt?.();
    }
    wakeAll();
    await Promise.all(leaving.map(async ({ consumer, work }) => {
      await work;
      await consumer.close();
    }));
  }

  return {
    async start() {
      for (const consumer of consumers) await prepare(consumer);
      for (const runner of runners.values()) {
        tellLag(runner);
        begin(runner);
      }
    },
    addConsumer: async (consumer) => { begin(await prepare(consumer)); },
    async removeConsumer(name) {
      const runner = runners.get(name);
      if (!runner) return;
      await conclude([runner]);
      runners.delete(name);
      log.removeConsumer(name);
      world.tell({ kind: 'consumer_lag', consumer: name, value: 0 });
    },
    offer(groups) {
      for (const group of groups) end.add(group);
    },
    lag(name) {
      const runner = runners.get(name);
      return runner ? lagOf(runner) : 0;
    },
    async close() {
      unlisten();
      telling.cancel();
      await conclude([...runners.values()]);
    },
  };
}

/** A sink's fault says itself what is to be done; whatever else fails is the consumer's. */
function failureOf({ name }: Consumer, error: unknown): Fault {
  const fault = faultOf(error, 'CV_CONSUMER_FAILED');
  if (FAULTS[fault.code].stage === 'sink') return fault;
  return { code: 'CV_CONSUMER_FAILED', params: { consumer: name, detail: String(fault.params.detail ?? (error as Error).message) } };
}

/** Whole groups, about so many events at a time. */
function parts(groups: readonly StoredGroup[], maxEvents: number): StoredGroup[][] {
  const found: StoredGroup[][] = [];
  let held = Infinity;
  for (const group of groups) {
    if (held + group.count > maxEvents) {
      found.push([]);
      held = 0;
    }
    found.at(-1)?.push(group);
    held += group.count;
  }
  return found;
}

/** Decoded groups, the newest ones kept. */
class DecodeCache {
  readonly #world: World;
  readonly #groups = new Map<string, LogBatch>();
  #held = 0;

  constructor(world: World) {
    this.#world = world;
  }

  /** null when it cannot be read. */
  group(stored: StoredGroup): LogBatch | null {
    const key = `${stored.epoch}-${stored.seq}`;
    const known = this.#groups.get(key);
    if (known) return known;
    const group = this.#decode(stored);
    if (!group) return null;
    this.#groups.set(key, group);
    this.#held += group.columns.count;
    if (this.#held > CACHE_EVENTS) this.#shrink(key);
    return group;
  }

  /** A quarter at a time: each walk over a map also passes the places of what was removed from it. */
  #shrink(newest: string): void {
    for (const [oldest, { columns }] of this.#groups) {
      if (this.#held <= CACHE_EVENTS * 0.75 || oldest === newest) return;
      this.#groups.delete(oldest);
      this.#held -= columns.count;
    }
  }

  #decode({ epoch, seq, count, payload, origin }: StoredGroup): LogBatch | null {
    try {
      return new LogBatch(readBatch(payload), { epoch, seq }, origin?.receivedAt ?? 0);
    } catch (error) {
      // It was readable when it was taken in, and the log checks its sums: not seen yet, but no reason to stand still.
      this.#world.tell({ kind: 'fault', fault: faultOf(error, 'CV_LOG_DAMAGED') });
      this.#world.tell({ kind: 'samples_lost', count, reason: 'log_damaged', intended: false });
      return null;
    }
  }
}
