/** The content of evidence files: written whole or not at all, encrypted where there is a key for that; read as it was. */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { Readable } from 'node:stream';
import { forceFolder } from '../../core/folder.ts';
import { encryptedChunks } from '../at-rest/encrypt.ts';
import { EncryptedFile } from '../at-rest/encrypted-file.ts';
import type { AtRestKeys, WritingKey } from '../at-rest/keys.ts';
import { evidenceName, type ListedEvidence } from './evidence-file.ts';

/** Written under a temporary name, forced to disk, then renamed. @param source content, or the path of a file */
export async function writeContentAtomically(
  path: string,
  source: Uint8Array | string,
  sha256: string,
  key: WritingKey | null,
): Promise<void> {
  const unfinished = `${path}.part`;
  const plain = typeof source === 'string' ? createReadStream(source) : [source];
  try {
    const file = await open(unfinished, 'w');
    try {
      for await (const part of key ? encryptedChunks(plain, key, evidenceName(sha256)) : plain) await file.writeFile(part as Uint8Array);
      await file.datasync();
    } finally {
      await file.close();
    }
    await rename(unfinished, path);
    await forceFolder(dirname(path));
  } catch (error) {
    await rm(unfinished).catch(() => {});
    throw error;
  }
}

type Lying = Pick<ListedEvidence, 'path' | 'sha256' | 'bytes' | 'encryption'>;

/** A part of the content, or all. @throws FaultError CV_AT_REST_KEY, CV_AT_REST_DAMAGED, CV_AT_REST_ALGORITHM; file system errors */
export async function readContent(file: Lying, keys: AtRestKeys, from = 0, to = Infinity): Promise<Uint8Array> {
  const { path, sha256 } = file;
  const reader = file.encryption ? await EncryptedFile.open({ path, name: evidenceName(sha256) }, keys) : await openPlain(path);
  try {
    return await reader.read(from, to);
  } finally {
    await reader.close();
  }
}

/** What fails ends the stream with the fault. It closes its file in any case. */
export function contentStream({ path, sha256, encryption }: Lying, keys: AtRestKeys): Readable {
  return encryption ? Readable.from(decrypted(path, sha256, keys), { objectMode: false }) : createReadStream(path);
}

async function* decrypted(path: string, sha256: string, keys: AtRestKeys): AsyncGenerator<Buffer, void> {
  const file = await EncryptedFile.open({ path, name: evidenceName(sha256) }, keys);
  try {
    yield* file.content();
  } finally {
    await file.close();
  }
}

async function openPlain(path: string): Promise<Pick<EncryptedFile, 'read' | 'close'>> {
  const file = await open(path, 'r');
  return {
    async read(from, to) {
      if (from === 0 && to === Infinity) return file.readFile();
      const { size } = await file.stat();
      const { buffer, bytesRead } = await file.read(Buffer.alloc(Math.max(0, Math.min(to, size) - from)), 0, null, from);
      return buffer.subarray(0, bytesRead);
    },
    close: () => file.close(),
  };
}

/** Forces the file to disk and hashes it. */
export async function hashOf(path: string): Promise<string> {
  const file = await open(path, 'r+');
  await file.datasync().finally(() => file.close());
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path)) hash.update(chunk as Buffer);
  return hash.digest('hex');
}
