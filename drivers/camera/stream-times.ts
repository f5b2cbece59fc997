/**
 * The times of a live stream's pictures. Its own clock says how far they lie apart, ours when they came; the fastest way
 * that one of the last took tells the two clocks apart, so that neither a slow network nor a clock that runs a little
 * fast or slow moves a picture in time. Pure.
 */

/** One picture's times: its own, and our monotonic clock's when it came; both ms. */
export interface FrameArrival {
  /** null: the stream has no times of its own, arrival is all there is. */
  streamMs: number | null;
  arrivedMs: number;
}

export interface TimedArrival {
  /** Rises always. */
  ptsMs: number;
  /** How long ago it was taken, as far as can be known from the fastest of its neighbours. */
  agoMs: number;
  /** The stream's clock leapt by so much; its time goes on as ours did. */
  leaptMs?: number;
}

/** A step that differs from ours by more is no late packet but another time. */
const LEAP_MS = 10_000;
/** Two spans of this length are looked back upon for the fastest way: drift of 100 ppm makes 6 ms of it. */
const SPAN_MS = 30_000;

export class StreamTimes {
  #last: { streamMs: number; arrivedMs: number; ptsMs: number } | null = null;
  /** Least (arrival − ptsMs) of this span and of the one before. */
  #least = Infinity;
  #leastBefore = Infinity;
  #spanFromMs = 0;
  #takenMs = -Infinity;
  readonly #startMs: number;

  /** @param startMs of the first picture: later than 0 where the stream is opened once more */
  constructor(startMs = 0) {
    this.#startMs = startMs;
  }

  take({ streamMs, arrivedMs }: FrameArrival): TimedArrival {
    const own = streamMs ?? arrivedMs;
    const last = this.#last;
    const elapsedMs = last ? Math.max(0, arrivedMs - last.arrivedMs) : 0;
    const stepMs = last ? own - last.streamMs : 0;
    // Equal times come at the start of some streams.
    const isLeap = last !== null && (stepMs < 0 || stepMs > elapsedMs + LEAP_MS);
    const ptsMs = last ? last.ptsMs + Math.max(1, isLeap ? elapsedMs : stepMs) : this.#startMs;
    this.#last = { streamMs: own, arrivedMs, ptsMs };
    // After a leap the two clocks have to be told apart anew.
    if (isLeap) this.#least = this.#leastBefore = Infinity;
    // A picture is never older than the one before it.
    const takenMs = Math.max(this.#takenMs, ptsMs + this.#fastest(arrivedMs, arrivedMs - ptsMs));
    this.#takenMs = takenMs;
    return { ptsMs, agoMs: Math.max(0, arrivedMs - takenMs), ...(isLeap ? { leaptMs: Math.round(stepMs - elapsedMs) } : {}) };
  }

  #fastest(arrivedMs: number, wayMs: number): number {
    if (arrivedMs - this.#spanFromMs >= SPAN_MS) {
      this.#leastBefore = this.#least;
      this.#least = Infinity;
      this.#spanFromMs = arrivedMs;
    }
    this.#least = Math.min(this.#least, wayMs);
    return Math.min(this.#least, this.#leastBefore);
  }
}
