/**
 * Cuts ffmpeg's YUV4MPEG2 stream into pictures. Its head says how large they are and how they are to be shown, so the
 * source need not be looked at before. Pure.
 *
 * @see https://wiki.multimedia.cx/index.php/YUV4MPEG2: one line of parameters, then pictures, each after a line FRAME
 */

/** What the head of the stream says of its pictures. */
export interface Head {
  width: number;
  height: number;
  /** Width over height as they should be shown. */
  aspect: number;
}

const LINE_END = 0x0a;
const FRAME = 'FRAME';
/** A line that goes on beyond this is none. */
const MAX_LINE_BYTES = 256;

/** I420, with a memory of its own. */
export interface Shot extends Head {
  yuv: Uint8Array;
}

/** One stream, chunk by chunk. */
export class Cutter {
  #head: Head | null = null;
  #line: number[] = [];
  #frame: Uint8Array | null = null;
  #filled = 0;

  /** Pictures that are whole with this chunk. @throws RangeError when it is no such stream, or no longer one */
  * push(chunk: Uint8Array): Generator<Shot, void> {
    for (let at = 0; at < chunk.length;) {
      if (!this.#head || !this.#frame) {
        const byte = chunk[at] as number;
        at += 1;
        if (byte !== LINE_END) this.#line.push(byte);
        if (byte === LINE_END) this.#take(String.fromCharCode(...this.#line));
        else if (this.#line.length > MAX_LINE_BYTES) throw new RangeError('a head that does not end');
        continue;
      }
      const part = chunk.subarray(at, at + this.#frame.length - this.#filled);
      this.#frame.set(part, this.#filled);
      this.#filled += part.length;
      at += part.length;
      if (this.#filled < this.#frame.length) continue;
      const yuv = this.#frame;
      this.#frame = null;
      yield { ...this.#head, yuv };
    }
  }

  #take(line: string): void {
    this.#line = [];
    if (!this.#head) this.#head = headOf(line);
    else if (line.split(' ', 1)[0] === FRAME) {
      this.#frame = new Uint8Array(bytesOf(this.#head));
      this.#filled = 0;
    } else throw new RangeError('pictures of another size');
  }
}

/** Bytes of an I420 picture: each plane of colour has half the sides. */
export function bytesOf({ width, height }: { width: number; height: number }): number {
  return (width * height * 3) / 2;
}

function headOf(line: string): Head {
  const [magic, ...parameters] = line.split(' ');
  const of = (letter: string) => parameters.find((one) => one.startsWith(letter))?.slice(1) ?? '';
  const [width, height] = [Number(of('W')), Number(of('H'))];
  if (magic !== 'YUV4MPEG2' || !isSide(width) || !isSide(height) || !of('C').startsWith('420')) throw new RangeError(`"${line.slice(0, 60)}" is no head of pictures`);
  // Of a pixel; "0:0" where nobody said.
  const [across, down] = of('A').split(':').map(Number);
  return { width, height, aspect: (width / height) * (across && down ? across / down : 1) };
}

/** Planes of colour have half of it. */
export function isSide(pixels: number | undefined): pixels is number {
  return Number.isInteger(pixels) && (pixels as number) >= 2 && (pixels as number) % 2 === 0;
}
