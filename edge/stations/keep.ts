/**
 * keep: drafts go to the log; what is on disk is handed on, and from there on it is ours. While the log cannot write,
 * drafts wait here in order, up to a bound; what does not fit is counted. Nothing pushes back on a driver.
 */
import type { Draft } from '../../core/event.ts';
import type { Give, Station } from '../../core/line.ts';
import type { EdgeLog, KeptGroup } from '../../core/log/types.ts';
import type { World } from '../../core/world.ts';

const MAX_WAITING = 50_000;
const RETRY_MS = 1_000;

export interface KeepOptions {
  maxWaiting?: number;
}

export interface KeepStation extends Station<Draft, KeptGroup> {
  /** False while the log cannot write. */
  isKeeping(): boolean;
}

export function keep(log: EdgeLog, world: Pick<World, 'tell' | 'clock'>, options: KeepOptions = {}): KeepStation {
  const maxWaiting = options.maxWaiting ?? MAX_WAITING;
  /** By the order they came in: given to the log and not answered, or failed and waiting for the next try. */
  const waiting = new Map<number, readonly Draft[]>();
  const failed = new Set<number>();
  let count = 0;
  let order = 0;
  let failing = false;
  let triedAtMs = 0;
  let idle: (() => void)[] = [];
  let stopListening = () => {};

  function take(drafts: readonly Draft[]): void {
    const fitting = count === 0 ? drafts : drafts.slice(0, Math.max(0, maxWaiting - count));
    lose(drafts.length - fitting.length, 'log_failed');
    if (fitting.length === 0) return;
    order += 1;
    count += fitting.length;
    waiting.set(order, fitting);
    // Behind what failed: the order within a stream stays.
    if (failing) failed.add(order);
    else void write([order]);
  }

  async function write(orders: readonly number[]): Promise<void> {
    try {
      await log.append(orders.flatMap((one) => waiting.get(one) ?? []));
      done(orders);
      return;
    } catch {
      // The log has told why, and will tell when it is well again; what it did not take is tried again or counted here.
    }
    failing = true;
    triedAtMs = world.clock.monotonicMs();
    for (const one of orders) failed.add(one);
    settleIdle();
  }

  function done(orders: readonly number[]): void {
    for (const one of orders) {
      count -= waiting.get(one)?.length ?? 0;
      waiting.delete(one);
      failed.delete(one);
    }
    settleIdle();
  }

  async function retry(): Promise<void> {
    // Calls that are still with the log come before what failed after them.
    if (!failing || failed.size < waiting.size) return;
    const orders = [...failed].toSorted((a, b) => a - b);
    failed.clear();
    await write(orders);
    if (failed.size > 0 && orders.some((one) => failed.has(one))) return;
    failing = false;
    const later = [...failed].toSorted((a, b) => a - b);
    failed.clear();
    if (later.length > 0) await write(later);
  }

  function settleIdle(): void {
    if (waiting.size > failed.size) return;
    for (const resolve of idle) resolve();
    idle = [];
  }

  const quiet = () => new Promise<void>((resolve) => {
    idle.push(resolve);
    settleIdle();
  });

  function lose(lost: number, reason: 'log_failed' | 'shutdown'): void {
    if (lost > 0) world.tell({ kind: 'samples_lost', count: lost, reason, intended: false });
  }

  return {
    name: 'keep',
    open(give: Give<KeptGroup>) {
      stopListening = log.onKept((kept) => {
        const { stream, drafts, durationMs } = kept;
        world.tell({ kind: 'events_kept', count: drafts.length, stream, urgent: stream === 'warning' || stream === 'state', durationMs });
        give([kept]);
      });
    },
    take,
    isKeeping: () => !failing,
    tick() {
      if (failing && world.clock.monotonicMs() - triedAtMs >= RETRY_MS) void retry();
    },
    async close() {
      await quiet();
      await retry();
      await quiet();
      lose(count, 'shutdown');
      stopListening();
    },
  };
}
