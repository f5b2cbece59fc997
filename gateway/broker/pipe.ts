/**
 * Two ends of a connection within the process. Unlike `stream.duplexPair` every hand-over takes a turn of the event
 * loop: two ends that answer each other at once would otherwise keep every socket waiting.
 */
import { Duplex } from 'node:stream';

/** Many small writes become one; large payloads are handed over as they are. */
const MAX_JOINED_BYTES = 256 << 10;

class End extends Duplex {
  other: End | null = null;
  /** Written in this turn. */
  #pieces: Buffer[] = [];
  #bytes = 0;
  /** The other has enough: goes on when it reads. */
  #isHeld = false;
  #goOn: (() => void) | null = null;

  override _writev(chunks: { chunk: Buffer }[], done: (error?: Error | null) => void): void {
    if (this.#pieces.length === 0) setImmediate(() => { this.#handOver(); });
    for (const { chunk } of chunks) {
      this.#pieces.push(chunk);
      this.#bytes += chunk.length;
    }
    // Taken at once, so that all that a turn brings goes over together.
    if (this.#isHeld || this.#bytes >= this.writableHighWaterMark) this.#goOn = done;
    else done();
  }

  #handOver(): void {
    const { other } = this;
    const pieces = this.#bytes <= MAX_JOINED_BYTES ? [Buffer.concat(this.#pieces)] : this.#pieces;
    this.#pieces = [];
    this.#bytes = 0;
    if (!other || other.destroyed) return this.#release();
    this.#isHeld = !pieces.map((piece) => other.push(piece)).at(-1);
    if (!this.#isHeld) this.#release();
  }

  #release(): void {
    const goOn = this.#goOn;
    this.#isHeld = false;
    this.#goOn = null;
    goOn?.();
  }

  override _read(): void {
    if (this.other) this.other.#release();
  }

  override _final(done: (error?: Error | null) => void): void {
    setImmediate(() => {
      if (this.other && !this.other.destroyed) this.other.push(null);
      done();
    });
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    setImmediate(() => this.other?.destroy());
    done(error);
  }
}

/** @param highWaterBytes each end takes this much before the other is told to wait */
export function openPipe(highWaterBytes: number): [Duplex, Duplex] {
  const ends = [new End({ highWaterMark: highWaterBytes }), new End({ highWaterMark: highWaterBytes })] as const;
  ends[0].other = ends[1];
  ends[1].other = ends[0];
  return [ends[0], ends[1]];
}
