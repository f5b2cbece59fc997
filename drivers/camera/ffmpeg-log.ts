/** Parses ffmpeg's log: format of the stream, errors, hardware decoder. Bounded memory. */

/** Format of the source, before decoding. */
export interface StreamFacts {
  codec: string;
  width: number;
  height: number;
  /** Pictures per second as declared by the source; 0 where it is not. */
  fps: number;
}

const MAX_LINE_CHARACTERS = 600;
const MAX_REST_CHARACTERS = 10_000;
const ERROR = /\[(error|fatal|panic)\] ?/;
/** Only a warning for ffmpeg: packets lost by the network, and damaged pictures. */
const DAMAGE = /RTP: missed|max delay reached|corrupt|concealing/i;
const STREAM = /Stream #0:\d+.*: Video: (\w+)[^,]*,.*?, (\d{2,5})x(\d{2,5})(?:.*?, ([\d.]+) fps)?/;
/** Lines of the segment output: the pictures are not affected. */
const SEGMENT_OUTPUT = /^\[(?:fifo|segment|matroska|(?:out|vost)#1[^ ]*) @|Error writing trailer of \S*%d\.mkv/;
const DURATION = /\bDuration: (\d+):(\d+):(\d+)/;
const HARDWARE = /hwaccel|hardware device|device creation failed|no device available|unknown decoder|could not find a valid device/i;

export class FfmpegLog {
  /** The first error, usually the reason that the source could not be opened, and the last. */
  first = '';
  last = '';
  /** Lines about damage since `damaged` was called. */
  #damaged = 0;
  stream: StreamFacts | null = null;
  /** Declared length of a file in whole seconds; 0 where it is not declared. */
  seconds = 0;
  /** Called with errors of the segment output; the last one. */
  onSegmentError: (message: string) => void = () => {};
  lastSegmentError = '';
  /** Error about an unavailable hardware decoder. */
  hardware = '';
  /** All errors while opening: the decisive one may be anywhere among them. */
  #opening = '';
  #rest = '';
  readonly #clean: (text: string) => string;

  /** @param clean removes secrets */
  constructor(clean: (text: string) => string = (text) => text) {
    this.#clean = clean;
  }

  get opening(): string {
    return this.#opening;
  }

  receive(text: string): void {
    const lines = (this.#rest + text).split(/[\r\n]+/);
    this.#rest = lines.pop() ?? '';
    // Half a secret could not be removed: a line without an end is discarded as a whole.
    if (this.#rest.length > MAX_REST_CHARACTERS) this.#rest = '';
    for (const line of lines) this.#line(this.#clean(line).slice(0, MAX_LINE_CHARACTERS));
  }

  end(): void {
    this.#line(this.#clean(this.#rest));
    this.#rest = '';
  }

  /** Whether something was damaged since the last call. */
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
    const isError = ERROR.test(line);
    if (SEGMENT_OUTPUT.test(line)) {
      if (!isError) return;
      this.lastSegmentError = withoutPrefix(line);
      return this.onSegmentError(this.lastSegmentError);
    }
    if (isError || DAMAGE.test(line)) this.#damaged += 1;
    if (!isError) return;
    const message = withoutPrefix(line);
    if (message === '') return;
    if (HARDWARE.test(message)) this.hardware ||= message;
    this.first ||= message;
    this.last = message;
    if (this.#opening.length < MAX_LINE_CHARACTERS * 4) this.#opening += `${message}\n`;
  }
}

/** Without ffmpeg's prefix `[part @ 0x55…] [error]`. */
function withoutPrefix(line: string): string {
  return line.replace(/^(\[[^\]]*\] ?)+/, '').trim();
}
