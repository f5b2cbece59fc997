/**
 * An unnamed file, in memory where possible, in which pictures are passed to a worker process. It costs two copies; a
 * message of the same bytes costs several, and garbage collection on both sides.
 */
import { closeSync, mkdtempSync, openSync, readSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { SharedInputPicture, InputPicture } from './messages.ts';

/** The child's number of the file: after what Node itself hands on. */
export const PICTURE_FILE_FD = 4;
const FOLDERS = ['/dev/shm', tmpdir()];

export class SharedPictureFile {
  readonly fd = openUnnamed();
  #end = 0;
  #looks = 0;

  /** @returns where they lie, until `free` has been called as often */
  write(pictures: readonly InputPicture[]): SharedInputPicture[] {
    if (this.#looks === 0) this.#end = 0;
    this.#looks += 1;
    return pictures.map(({ yuv, ...rest }) => {
      const at = this.#end;
      for (let done = 0; done < yuv.length;) done += writeSync(this.fd, yuv, done, yuv.length - done, at + done);
      this.#end += yuv.length;
      return { ...rest, at };
    });
  }

  free(): void {
    this.#looks -= 1;
  }

  close(): void {
    closeSync(this.fd);
  }
}

/** In the child. Memory is used again: what it gave before is overwritten. */
export class SharedPictureFileReader {
  readonly #fd: number;
  readonly #memory: Uint8Array[] = [];

  constructor(fd = PICTURE_FILE_FD) {
    this.#fd = fd;
  }

  /** @param room as many bytes as the picture has, for one that comes alone; left out: memory of our own */
  read(pictures: readonly SharedInputPicture[], room?: (picture: SharedInputPicture) => Uint8Array): InputPicture[] {
    return pictures.map((picture, index) => {
      const { at, ...rest } = picture;
      const bytes = (rest.width * rest.height * 3) / 2;
      const yuv = pictures.length === 1 && room ? room(picture) : this.#room(index, bytes);
      for (let done = 0; done < bytes;) {
        const count = readSync(this.#fd, yuv, done, bytes - done, at + done);
        if (count === 0) throw new RangeError(`${done} bytes, ${bytes} wanted`);
        done += count;
      }
      return { ...rest, yuv };
    });
  }

  #room(index: number, bytes: number): Uint8Array {
    if ((this.#memory[index]?.length ?? 0) < bytes) this.#memory[index] = new Uint8Array(bytes);
    return (this.#memory[index] as Uint8Array).subarray(0, bytes);
  }
}

function openUnnamed(): number {
  for (const [at, parent] of FOLDERS.entries()) {
    let folder: string;
    try {
      folder = mkdtempSync(join(parent, 'cv-board-'));
    } catch (error) {
      if (at === FOLDERS.length - 1) throw error;
      continue;
    }
    try {
      return openSync(join(folder, 'pictures'), 'wx+', 0o600);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  }
  throw new Error('no folder');
}
