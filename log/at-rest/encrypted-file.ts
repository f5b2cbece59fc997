/** Reads an encrypted file: all of it as a stream, or a part. Its end is checked first, so that no part of a cut file is given. */
import { open, type FileHandle } from 'node:fs/promises';
import { CHUNK_BYTES, ChunkDecryptor, HEADER_BYTES, type EncryptedPlace } from './encrypted-format.ts';
import type { AtRestKeys } from './keys.ts';

export class EncryptedFile {
  readonly #handle: FileHandle;
  readonly #chunks: ChunkDecryptor;
  #lastChunk: Buffer = Buffer.alloc(0);

  private constructor(handle: FileHandle, chunks: ChunkDecryptor) {
    this.#handle = handle;
    this.#chunks = chunks;
  }

  /** @throws FaultError CV_AT_REST_DAMAGED, CV_AT_REST_KEY, CV_AT_REST_ALGORITHM; file system errors */
  static async open(place: EncryptedPlace, keys: Pick<AtRestKeys, 'get'>): Promise<EncryptedFile> {
    const handle = await open(place.path, 'r');
    try {
      const { size } = await handle.stat();
      const file = new EncryptedFile(handle, new ChunkDecryptor(await readAt(handle, 0, HEADER_BYTES), size, place, keys));
      file.#lastChunk = await file.#chunk(file.#chunks.last);
      return file;
    } catch (error) {
      await handle.close();
      throw error;
    }
  }

  /** Of the content. */
  get bytes(): number {
    return this.#chunks.bytes;
  }

  /** @param to exclusive; what is beyond the end is left out */
  async read(from: number, to: number): Promise<Buffer> {
    const end = Math.min(to, this.bytes);
    if (from >= end) return Buffer.alloc(0);
    const first = Math.floor(from / CHUNK_BYTES);
    const parts: Buffer[] = [];
    for (let index = first; index * CHUNK_BYTES < end; index += 1)
      parts.push(index === this.#chunks.last ? this.#lastChunk : await this.#chunk(index));
    return Buffer.concat(parts).subarray(from - first * CHUNK_BYTES, end - first * CHUNK_BYTES);
  }

  async *content(): AsyncGenerator<Buffer, void> {
    for (let index = 0; index < this.#chunks.last; index += 1) yield await this.#chunk(index);
    yield this.#lastChunk;
  }

  close(): Promise<void> {
    return this.#handle.close();
  }

  async #chunk(index: number): Promise<Buffer> {
    const { chunkBytes } = this.#chunks;
    return this.#chunks.decrypt(index, await readAt(this.#handle, HEADER_BYTES + index * chunkBytes, chunkBytes));
  }
}

async function readAt(handle: FileHandle, at: number, bytes: number): Promise<Buffer> {
  const buffer = Buffer.alloc(bytes);
  let filled = 0;
  for (;;) {
    const { bytesRead } = await handle.read(buffer, filled, bytes - filled, at + filled);
    filled += bytesRead;
    if (bytesRead === 0 || filled === bytes) return buffer.subarray(0, filled);
  }
}
