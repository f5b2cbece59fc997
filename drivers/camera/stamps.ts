/** The times of a live stream's pictures, as ffmpeg's filter prints them: one line each, before the picture itself. */

export interface Stamp {
  /** The stream's own time, ms. */
  streamMs: number;
  /** The filters began anew here: size or kind of the pictures changed. */
  isChange: boolean;
}

const LINE = /^frame:(\d+)\s+pts:(-?\d+)/;
const US_A_MS = 1000;
/** Pictures wait for nobody for longer: what stands here was printed for pictures that are in the pipe. */
const MAX_LINE_CHARACTERS = 200;

export class Stamps {
  readonly #waiting: Stamp[] = [];
  #rest = '';
  #hasBegun = false;
  #hasEnded = false;
  #wake = () => {};

  hear(text: string): void {
    const lines = (this.#rest + text).split('\n');
    this.#rest = (lines.pop() ?? '').slice(-MAX_LINE_CHARACTERS);
    for (const line of lines) {
      const [, number, pts] = LINE.exec(line) ?? [];
      if (number === undefined) continue;
      this.#waiting.push({ streamMs: Number(pts) / US_A_MS, isChange: this.#hasBegun && number === '0' });
      this.#hasBegun = true;
    }
    this.#wake();
  }

  end(): void {
    this.#hasEnded = true;
    this.#wake();
  }

  /** Of the next picture; null when there will be none. */
  async next(): Promise<Stamp | null> {
    while (this.#waiting.length === 0 && !this.#hasEnded) await new Promise<void>((resolve) => { this.#wake = resolve; });
    return this.#waiting.shift() ?? null;
  }
}
