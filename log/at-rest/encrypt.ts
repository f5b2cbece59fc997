/** Encrypts files: as a stream, or at once what is small. */
import { CHUNK_BYTES, ChunkDecryptor, fileCipher, HEADER_BYTES, newHeader, nonceOf, type EncryptedPlace } from './encrypted-format.ts';
import type { AtRestKeys, WritingKey } from './keys.ts';

/** The header, then the chunks. @param name what the file is */
export async function* encryptedChunks(
  source: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  key: WritingKey,
  name: string,
): AsyncGenerator<Buffer, void> {
  const header = newHeader(key);
  const cipher = fileCipher(key.secret, key.algorithm, header, name);
  yield header;
  let index = 0;
  let held: Uint8Array = Buffer.alloc(0);
  for await (const part of source) {
    held = held.length > 0 ? Buffer.concat([held, part]) : part;
    // One is held back: which is the last is known at the end alone.
    for (; held.length > CHUNK_BYTES; index += 1) {
      yield cipher.encrypt(nonceOf(index, false), held.subarray(0, CHUNK_BYTES));
      held = held.subarray(CHUNK_BYTES);
    }
  }
  yield cipher.encrypt(nonceOf(index, true), held);
}

/** For what is small: all of it at once. @param name what it is */
export function encryptContent(content: Uint8Array, key: WritingKey, name: string): Buffer {
  const header = newHeader(key);
  const cipher = fileCipher(key.secret, key.algorithm, header, name);
  const chunks: Buffer[] = [header];
  const last = Math.max(0, Math.ceil(content.length / CHUNK_BYTES) - 1);
  for (let index = 0; index <= last; index += 1)
    chunks.push(cipher.encrypt(nonceOf(index, index === last), content.subarray(index * CHUNK_BYTES, (index + 1) * CHUNK_BYTES)));
  return Buffer.concat(chunks);
}

/** @throws FaultError CV_AT_REST_DAMAGED, CV_AT_REST_KEY, CV_AT_REST_ALGORITHM */
export function decryptContent(content: Uint8Array, place: EncryptedPlace, keys: Pick<AtRestKeys, 'get'>): Buffer {
  const file = new ChunkDecryptor(content.subarray(0, HEADER_BYTES), content.length, place, keys);
  const chunks: Buffer[] = [];
  for (let index = 0; index <= file.last; index += 1) {
    const at = HEADER_BYTES + index * file.chunkBytes;
    chunks.push(file.decrypt(index, content.subarray(at, at + file.chunkBytes)));
  }
  return Buffer.concat(chunks);
}
