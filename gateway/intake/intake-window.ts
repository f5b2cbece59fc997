/**
 * What has been read and is not answered yet. What waits for a commit, as everybody's does, holds up the reading when it is
 * much: that is the backpressure. What waits for something of its own (a write that fails, the quarantine) counts for its edge
 * alone: what that edge sends beyond its window is left unanswered, and no other edge waits for it. Pure.
 */

/** They share a commit: with fewer, a disk that takes 100 ms for one would keep single events below 5,000 a second. */
const WINDOW_BATCHES = 512;
const WINDOW_BYTES = 16 << 20;
/** An edge in its right mind has at most 64 batches and 2 MB under way in all. */
const EDGE_BATCHES = 256;
const EDGE_BYTES = 24 << 20;
/** A commit takes a fraction of it. */
const STUCK_MS = 1000;
/** Of all edges together; above it, an edge has no more than the least. */
const MAX_APART_BYTES = 64 << 20;
const LEAST_BYTES = 1 << 20;

interface Sum {
  batches: number;
  bytes: number;
}

export interface PendingBatch {
  readonly edge: string;
  readonly bytes: number;
  readonly sinceMs: number;
  isSeparate: boolean;
}

/** Times are monotonic ms. */
export class IntakeWindow {
  /** By edge: what waits apart. */
  readonly #lanes = new Map<string, Sum>();
  /** What waits with everybody's, in the order in which it came. */
  readonly #moving = new Set<PendingBatch>();
  #movingBytes = 0;
  #apartBytes = 0;

  static readonly limitsOfEdge = { maxBatches: EDGE_BATCHES, maxBytes: EDGE_BYTES };

  /** null: too much of this edge waits already. */
  add(edge: string, bytes: number, nowMs: number): PendingBatch | null {
    const lane = this.#lanes.get(edge);
    if (lane && this.#isOver(lane)) return null;
    const held: PendingBatch = { edge, bytes, sinceMs: nowMs, isSeparate: false };
    this.#moving.add(held);
    this.#movingBytes += bytes;
    return held;
  }

  release(held: PendingBatch): void {
    if (this.#moving.delete(held)) this.#movingBytes -= held.bytes;
    const lane = held.isSeparate ? this.#lanes.get(held.edge) : undefined;
    if (!lane) return;
    lane.batches -= 1;
    lane.bytes -= held.bytes;
    this.#apartBytes -= held.bytes;
    if (lane.batches === 0) this.#lanes.delete(held.edge);
  }

  /** Nobody else waits for what it waits for. */
  separate(held: PendingBatch): void {
    if (!this.#moving.delete(held)) return;
    this.#movingBytes -= held.bytes;
    held.isSeparate = true;
    const lane = this.#lanes.get(held.edge) ?? { batches: 0, bytes: 0 };
    lane.batches += 1;
    lane.bytes += held.bytes;
    this.#apartBytes += held.bytes;
    this.#lanes.set(held.edge, lane);
  }

  /** What has waited longer than a commit takes waits for something of its own. Not while the log is full: then all wait alike, however long. */
  separateStuck(nowMs: number): void {
    for (const held of this.#moving) {
      if (nowMs - held.sinceMs < STUCK_MS) return;
      this.separate(held);
    }
  }

  /** Whether reading waits. */
  isFull(): boolean {
    return this.#moving.size >= WINDOW_BATCHES || this.#movingBytes >= WINDOW_BYTES;
  }

  #isOver({ batches, bytes }: Sum): boolean {
    return batches >= EDGE_BATCHES || bytes >= EDGE_BYTES || (this.#apartBytes >= MAX_APART_BYTES && bytes >= LEAST_BYTES);
  }
}
