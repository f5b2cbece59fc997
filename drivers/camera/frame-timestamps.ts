/**
 * The times of pictures, as ffmpeg's filters print them: of each that was picked, and once more of those that are handed
 * on, before the picture itself. Without the first, every one is handed on.
 */

export interface FrameTimestamp {
  /** The stream's own time, ms. */
  streamMs: number;
  /** No picture comes with it: it was as the one before. */
  isStill: boolean;
  /** The filters began anew here: size or kind of the pictures changed. */
  isChange: boolean;
}

/** What the filters write beside the time. */
export const PICKED = 1;
export const GIVEN = 2;

const LINE = /^frame:(\d+)\s+pts:(-?\d+)/;
const MARK = /^stamp=(\d)/;
const US_A_MS = 1000;
/** Pictures wait for nobody for longer: what stands here was printed for pictures that are in the pipe. */
const MAX_LINE_CHARACTERS = 200;

export class FrameTimestamps {
  readonly #waiting: FrameTimestamp[] = [];
  /** Picked; what comes next says whether it is handed on. */
  #picked: FrameTimestamp | null = null;
  #number = '';
  #streamMs = 0;
  #rest = '';
  #hasBegun = false;
  #hasEnded = false;
  #wake = () => {};

  receive(text: string): void {
    const lines = (this.#rest + text).split('\n');
    this.#rest = (lines.pop() ?? '').slice(-MAX_LINE_CHARACTERS);
    for (const line of lines) {
      const [, number, pts] = LINE.exec(line) ?? [];
      if (number !== undefined) [this.#number, this.#streamMs] = [number, Number(pts) / US_A_MS];
      else this.#mark(Number(MARK.exec(line)?.[1]));
    }
    this.#wake();
  }

  end(): void {
    this.#hasEnded = true;
    this.#wake();
  }

  /** Of the next picture; null when there will be none. */
  async next(): Promise<FrameTimestamp | null> {
    while (this.#waiting.length === 0 && !this.#hasEnded) await new Promise<void>((resolve) => { this.#wake = resolve; });
    return this.#waiting.shift() ?? null;
  }

  #mark(mark: number): void {
    const streamMs = this.#streamMs;
    if (mark === PICKED) {
      if (this.#picked) this.#waiting.push(this.#picked);
      this.#picked = { streamMs, isStill: true, isChange: false };
    } else if (mark === GIVEN) {
      this.#picked = null;
      this.#waiting.push({ streamMs, isStill: false, isChange: this.#hasBegun && this.#number === '0' });
      this.#hasBegun = true;
    }
  }
}
