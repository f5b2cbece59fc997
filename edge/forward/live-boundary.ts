/**
 * Which numbers are live: kept since this connection came up, and not long ago. Everything else is backlog. So a link
 * that is too slow for all there is still shows the present, and the rest follows. Pure; times are monotonic ms.
 */
import type { Stream } from '../../core/event.ts';

const LIVE_FOR_MS = 30_000;
const CHECKPOINT_EVERY_MS = 1_000;
/** The gateway answers with at most 256 ranges a stream; long before that, holes are closed first. */
const MAX_HOLES = 64;

interface Checkpoint {
  seq: number;
  atMs: number;
}

export class LiveBoundary {
  readonly #checkpoints = new Map<Stream, Checkpoint[]>();

  /** A group was kept while connected. */
  groupKept(stream: Stream, firstSeq: number, nowMs: number): void {
    const checkpoints = this.#checkpoints.get(stream) ?? [];
    this.#checkpoints.set(stream, checkpoints);
    const last = checkpoints.at(-1);
    if (!last || nowMs - last.atMs >= CHECKPOINT_EVERY_MS) checkpoints.push({ seq: firstSeq, atMs: nowMs });
  }

  /** Numbers of the log's present epoch from here on are live; Infinity: none. */
  liveFrom(stream: Stream, nowMs: number, holes: number): number {
    const checkpoints = this.#checkpoints.get(stream);
    if (!checkpoints || holes > MAX_HOLES) return Infinity;
    while (checkpoints.length > 0 && nowMs - (checkpoints[0] as Checkpoint).atMs > LIVE_FOR_MS) checkpoints.shift();
    return checkpoints[0]?.seq ?? Infinity;
  }

  /** The connection is gone: all that is kept is backlog. */
  clear(): void {
    this.#checkpoints.clear();
  }
}
