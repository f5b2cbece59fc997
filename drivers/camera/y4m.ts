/**
 * Cuts ffmpeg's YUV4MPEG2 stream into pictures. Its head says how large they are and how they are to be shown, so the
 * source need not be looked at before. Pure.
 *
 * @see https://wiki.multimedia.cx/index.php/YUV4MPEG2: one line of parameters, then pictures, each after a line FRAME
 */

import type { Picture } from '../../core/driver.ts';
import { PictureMemoryPool } from './picture-memory-pool.ts';

/** What the head of the stream says of its pictures. */
export interface Y4mHeader {
  width: number;
  height: number;
  /** Width over height as they should be shown. */
  aspect: number;
}

const LINE_END = 0x0a;
const FRAME = 'FRAME';
/** A line that goes on beyond this is none. */
const MAX_LINE_BYTES = 256;

/** I420. */
export type Y4mFrame = Y4mHeader & Pick<Picture, 'yuv' | 'keep'>;

/** One stream. Says where the next bytes are to be put, so that pictures are read into their own memory and never copied. */
export class Y4mCutter {
  readonly #ring = new PictureMemoryPool();
  readonly #scratch = new Uint8Array(FRAME.length + 1);
  #head: Y4mHeader | null = null;
  #line = '';
  #frame: Uint8Array | null = null;
  #filled = 0;

  /** No more than this may be read now. Lines come byte by byte but for the few that are always as long. */
  room(): Uint8Array {
    if (this.#frame) return this.#frame.subarray(this.#filled);
    return this.#scratch.subarray(0, this.#head && this.#line === '' ? this.#scratch.length : 1);
  }

  /** So many bytes were put there. @returns the picture that is whole with them. @throws RangeError when it is no such stream, or no longer one */
  took(count: number): Y4mFrame | null {
    if (this.#head && this.#frame) {
      this.#filled += count;
      if (this.#filled < this.#frame.length) return null;
      const yuv = this.#frame;
      this.#frame = null;
      return { ...this.#head, yuv, keep: this.#ring.keeperOf(yuv) };
    }
    for (const byte of this.#scratch.subarray(0, count)) {
      if (byte === LINE_END) this.#take();
      else this.#line += String.fromCharCode(byte);
      if (this.#line.length > MAX_LINE_BYTES) throw new RangeError('a head that does not end');
    }
    return null;
  }

  #take(): void {
    const line = this.#line;
    this.#line = '';
    if (!this.#head) this.#head = headOf(line);
    else if (line.split(' ', 1)[0] === FRAME) {
      this.#frame = this.#ring.take(yuvByteCount(this.#head));
      this.#filled = 0;
    } else throw new RangeError('pictures of another size');
  }
}

/** Bytes of an I420 picture: each plane of colour has half the sides. */
export function yuvByteCount({ width, height }: { width: number; height: number }): number {
  return (width * height * 3) / 2;
}

function headOf(line: string): Y4mHeader {
  const [magic, ...parameters] = line.split(' ');
  const of = (letter: string) => parameters.find((one) => one.startsWith(letter))?.slice(1) ?? '';
  const [width, height] = [Number(of('W')), Number(of('H'))];
  if (magic !== 'YUV4MPEG2' || !isValidSide(width) || !isValidSide(height) || !of('C').startsWith('420'))
    throw new RangeError(`"${line.slice(0, 60)}" is no head of pictures`);
  // Of a pixel; "0:0" where nobody said.
  const [across, down] = of('A').split(':').map(Number);
  return { width, height, aspect: (width / height) * (across && down ? across / down : 1) };
}

/** PicturePlanes of colour have half of it. */
export function isValidSide(pixels: number | undefined): pixels is number {
  return Number.isInteger(pixels) && (pixels as number) >= 2 && (pixels as number) % 2 === 0;
}
