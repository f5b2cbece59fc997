/**
 * Two ends of a connection within the process. Unlike `stream.duplexPair` every hand-over takes a turn of the event
 * loop: two ends that answer each other at once would otherwise keep every socket waiting.
 */
import { Duplex } from 'node:stream';

/** Many small writes become one; large payloads are handed over as they are. */
const MAX_JOINED_BYTES = 256 << 10;

class End extends Duplex {
  other: End | null = null;
  #readOn: (() => void) | null = null;

  override _writev(chunks: { chunk: Buffer }[], done: (error?: Error | null) => void): void {
    setImmediate(() => {
      const { other } = this;
      if (!other || other.destroyed) return done();
      const pieces = chunks.map(({ chunk }) => chunk);
      const bytes = pieces.reduce((sum, piece) => sum + piece.length, 0);
      const goesOn = bytes <= MAX_JOINED_BYTES ? other.push(Buffer.concat(pieces)) : pieces.map((piece) => other.push(piece)).at(-1);
      if (goesOn) done();
      else other.#readOn = done;
    });
  }

  override _read(): void {
    const readOn = this.#readOn;
    this.#readOn = null;
    readOn?.();
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
