/**
 * keep: drafts go to the log; what is on disk is handed on, and from there on it is ours. The log bounds what it holds
 * by itself. While it cannot write, drafts wait here in order, up to a bound; what does not fit is counted, and a gap
 * record says so to the gateway. Nothing pushes back on a driver.
 */
import { streamOf, type Draft, type Gap } from '../../core/event.ts';
import type { EmitItems, Station } from '../../core/line.ts';
import { gapDraft } from '../../log/gap.ts';
import type { EdgeLog, CommittedGroup } from '../../log/types.ts';
import { ownClock, type World } from '../../core/world.ts';

const MAX_WAITING = 20_000;
const RETRY_MS = 1_000;

export interface KeepOptions {
  /** Events held while the log cannot write. */
  maxWaiting?: number;
}

export interface KeepStation extends Station<Draft, CommittedGroup> {
  /** False while the log cannot write. */
  isKeeping(): boolean;
  /** Resolves once all that was given so far is decided: true when it is on disk, false when any of it is not. */
  whenKept(): Promise<boolean>;
}

export function keep(log: EdgeLog, centre: string, world: Pick<World, 'tell' | 'clock'>, options: KeepOptions = {}): KeepStation {
  const maxWaiting = options.maxWaiting ?? MAX_WAITING;
  /** Calls that the log has not answered. Only counted: what a map has let go of, its former tables hold on to until the next whole collection. */
  let withTheLog = 0;
  const writes = new Set<Promise<boolean>>();
  /** By the order they came in. */
  const waiting = new Map<number, readonly Draft[]>();
  /** What did not fit, until a gap record has said so. */
  let untold: Gap[] = [];
  let order = 0;
  let failing = false;
  let triedAtMs = 0;
  let onQuiet: (() => void)[] = [];
  let stopListening = () => {};

  function take(drafts: readonly Draft[]): void {
    order += 1;
    if (!failing) {
      const writing: Promise<boolean> = write(order, drafts).finally(() => writes.delete(writing));
      writes.add(writing);
      return;
    }
    // Behind what failed: the order within a stream stays.
    const fitting = drafts.slice(0, Math.max(0, maxWaiting - countOf(waiting)));
    if (fitting.length > 0) waiting.set(order, fitting);
    lose(drafts.slice(fitting.length));
  }

  /** @returns whether it is on disk, or counted by the log */
  async function write(at: number, drafts: readonly Draft[]): Promise<boolean> {
    withTheLog += 1;
    let written = true;
    try {
      await log.append(drafts);
    } catch {
      // The log has told why, and will tell when it is well again. Nothing of this call is on disk.
      written = false;
      failing = true;
      triedAtMs = world.clock.monotonicMs();
      waiting.set(at, drafts);
    }
    withTheLog -= 1;
    if (withTheLog === 0) {
      for (const resolve of onQuiet) resolve();
      onQuiet = [];
    }
    return written;
  }

  /** All that waits, in order, as one call. */
  async function retry(): Promise<void> {
    // Calls that are still with the log came before, and may yet fail.
    if (!failing || withTheLog > 0) return;
    const orders = [...waiting.keys()].toSorted((a, b) => a - b);
    const drafts = orders.flatMap((one) => waiting.get(one) ?? []);
    const told = untold;
    for (const one of orders) waiting.delete(one);
    untold = [];
    const gaps = told.map((gap) => gapDraft(log.edge, centre, onOurClock(gap), world.clock.nowMs(), ownClock(world.clock)));
    if (!(await write(orders[0] ?? 0, [...drafts, ...gaps]))) {
      waiting.set(orders[0] ?? 0, drafts);
      untold = [...told, ...untold];
      return;
    }
    failing = false;
    if (waiting.size > 0 || untold.length > 0) {
      // Came while the log was at it.
      failing = true;
      await retry();
    }
  }

  function lose(drafts: readonly Draft[]): void {
    if (drafts.length === 0) return;
    world.tell({ kind: 'samples_lost', count: drafts.length, reason: 'log_failed', intended: false });
    for (const draft of drafts) {
      const stream = streamOf(draft);
      let gap = untold.find((one) => one.stream === stream);
      if (!gap)
        untold.push(
          (gap = { stream, epoch: log.epoch, fromSeq: 0, toSeq: 0, fromAt: Infinity, toAt: -Infinity, count: 0, reason: 'log_failed' }),
        );
      gap.count += 1;
      const at = draft.occurredAt - (draft.clock === 'unsynced' ? 0 : jumpedMs());
      gap.fromAt = Math.min(gap.fromAt, at);
      gap.toAt = Math.max(gap.toAt, at);
    }
  }

  const jumpedMs = () => world.clock.trust?.jumpedMs() ?? 0;
  /** Gathered in elapsed time, since the clock may be set before they are written. */
  const onOurClock = (gap: Gap): Gap => ({ ...gap, fromAt: gap.fromAt + jumpedMs(), toAt: gap.toAt + jumpedMs() });

  const quiet = () => new Promise<void>((resolve) => {
    if (withTheLog === 0) resolve();
    else onQuiet.push(resolve);
  });

  return {
    name: 'keep',
    open(give: EmitItems<CommittedGroup>) {
      stopListening = log.onCommitted((kept) => {
        const { stream, drafts, durationMs } = kept;
        world.tell({ kind: 'events_kept', count: drafts.length, stream, urgent: stream === 'warning' || stream === 'state', durationMs });
        give([kept]);
      });
    },
    take,
    isKeeping: () => !failing,
    async whenKept() {
      if (failing) return false;
      return (await Promise.all(writes)).every(Boolean);
    },
    tick() {
      if (failing && world.clock.monotonicMs() - triedAtMs >= RETRY_MS) void retry();
    },
    async close() {
      await quiet();
      await retry();
      await quiet();
      const left = countOf(waiting);
      if (left > 0) world.tell({ kind: 'samples_lost', count: left, reason: 'shutdown', intended: false });
      stopListening();
    },
  };
}

const countOf = (calls: ReadonlyMap<number, readonly Draft[]>) => [...calls.values()].reduce((sum, drafts) => sum + drafts.length, 0);
