/** What ffmpeg says on its way, read as far as it matters: what the stream is, what went wrong, how often. Bounded. */

/** What the source gives, before anything is made of it. */
export interface StreamFacts {
  codec: string;
  width: number;
  height: number;
  /** Pictures a second as the source declares them; 0 where it does not. */
  fps: number;
}

const MAX_LINE_CHARACTERS = 600;
const MAX_REST_CHARACTERS = 10_000;
const WRONG = /\[(error|fatal|panic)\] ?/;
/** Only a warning to ffmpeg: packets that the network lost, and the pictures that suffer by it. */
const DAMAGE = /RTP: missed|max delay reached|corrupt|concealing/i;
const STREAM = /Stream #0:\d+.*: Video: (\w+)[^,]*,.*?, (\d{2,5})x(\d{2,5})(?:.*?, ([\d.]+) fps)?/;
/** Of the output that keeps what comes beside the pictures: those are well. */
const BESIDE = /^\[(?:fifo|segment|matroska|(?:out|vost)#1[^ ]*) @|Error writing trailer of \S*%d\.mkv/;
const DURATION = /\bDuration: (\d+):(\d+):(\d+)/;
const HARDWARE = /hwaccel|hardware device|device creation failed|no device available|unknown decoder|could not find a valid device/i;

export class FfmpegLog {
  /** What went wrong first, which mostly says why it could not begin, and last. */
  first = '';
  last = '';
  /** Lines that spoke of damage since somebody asked. */
  #damaged = 0;
  stream: StreamFacts | null = null;
  /** How long a file calls itself, in whole seconds; 0 where it does not. */
  seconds = 0;
  /** Told what was wrong with keeping what comes, and the last of it. */
  beside: (words: string) => void = () => {};
  lastBeside = '';
  /** What it said of a hardware decoder that is not there. */
  hardware = '';
  /** All that was wrong while it began: the one sentence that matters may stand anywhere. */
  #opening = '';
  #rest = '';
  readonly #clean: (text: string) => string;

  /** @param clean takes out what nobody may see */
  constructor(clean: (text: string) => string = (text) => text) {
    this.#clean = clean;
  }

  get opening(): string {
    return this.#opening;
  }

  receive(text: string): void {
    const lines = (this.#rest + text).split(/[\r\n]+/);
    this.#rest = lines.pop() ?? '';
    // Half a secret could not be taken out: what does not end is let go as a whole.
    if (this.#rest.length > MAX_REST_CHARACTERS) this.#rest = '';
    for (const line of lines) this.#line(this.#clean(line).slice(0, MAX_LINE_CHARACTERS));
  }

  end(): void {
    this.#line(this.#clean(this.#rest));
    this.#rest = '';
  }

  /** Whether something was damaged since it was asked last. */
  damaged(): boolean {
    const isDamaged = this.#damaged > 0;
    this.#damaged = 0;
    return isDamaged;
  }

  #line(line: string): void {
    const duration = this.seconds === 0 ? DURATION.exec(line) : null;
    if (duration) this.seconds = Number(duration[1]) * 3600 + Number(duration[2]) * 60 + Number(duration[3]);
    const stream = this.stream ? null : STREAM.exec(line);
    if (stream) {
      const [, codec = '', width, height, fps = '0'] = stream;
      this.stream = { codec, width: Number(width), height: Number(height), fps: Number(fps) };
      return;
    }
    const isWrong = WRONG.test(line);
    if (BESIDE.test(line)) {
      if (!isWrong) return;
      this.lastBeside = plain(line);
      return this.beside(this.lastBeside);
    }
    if (isWrong || DAMAGE.test(line)) this.#damaged += 1;
    if (!isWrong) return;
    const words = plain(line);
    if (words === '') return;
    if (HARDWARE.test(words)) this.hardware ||= words;
    this.first ||= words;
    this.last = words;
    if (this.#opening.length < MAX_LINE_CHARACTERS * 4) this.#opening += `${words}\n`;
  }
}

/** Without the `[part @ 0x55…] [error]` that ffmpeg puts before. */
function plain(line: string): string {
  return line.replace(/^(\[[^\]]*\] ?)+/, '').trim();
}
