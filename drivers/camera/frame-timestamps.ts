/**
 * Time stamps of pictures as printed by ffmpeg's filters: one for each picked picture, and one more for those passed on,
 * before the picture itself. Without the first kind, every picture is passed on.
 */

export interface FrameTimestamp {
  /** Time of the stream, ms. */
  streamMs: number;
  /** No picture follows: it was unchanged. */
  isStill: boolean;
  /** The filters were restarted: size or format changed. */
  isChange: boolean;
}

/** Marks that the filters write beside the time. */
export const PICKED = 1;
export const PASSED = 2;

const LINE = /^frame:(\d+)\s+pts:(-?\d+)/;
const MARK = /^stamp=(\d)/;
const US_PER_MS = 1000;

const MAX_LINE_CHARACTERS = 200;

export class FrameTimestamps {
  readonly #queue: FrameTimestamp[] = [];
  /** Picked; the next line tells whether it is passed on. */
  #picked: FrameTimestamp | null = null;
  #number = '';
  #streamMs = 0;
  #rest = '';
  #isStarted = false;
  #isEnded = false;
  #wake = () => {};

  receive(text: string): void {
    const lines = (this.#rest + text).split('\n');
    this.#rest = (lines.pop() ?? '').slice(-MAX_LINE_CHARACTERS);
    for (const line of lines) {
      const [, number, pts] = LINE.exec(line) ?? [];
      if (number !== undefined) [this.#number, this.#streamMs] = [number, Number(pts) / US_PER_MS];
      else this.#mark(Number(MARK.exec(line)?.[1]));
    }
    this.#wake();
  }

  end(): void {
    this.#isEnded = true;
    this.#wake();
  }

  /** Time stamp of the next picture; null at the end. */
  async next(): Promise<FrameTimestamp | null> {
    while (this.#queue.length === 0 && !this.#isEnded) await new Promise<void>((resolve) => { this.#wake = resolve; });
    return this.#queue.shift() ?? null;
  }

  #mark(mark: number): void {
    const streamMs = this.#streamMs;
    if (mark === PICKED) {
      if (this.#picked) this.#queue.push(this.#picked);
      this.#picked = { streamMs, isStill: true, isChange: false };
    } else if (mark === PASSED) {
      this.#picked = null;
      this.#queue.push({ streamMs, isStill: false, isChange: this.#isStarted && this.#number === '0' });
      this.#isStarted = true;
    }
  }
}
