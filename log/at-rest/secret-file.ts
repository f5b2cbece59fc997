/** A secret that the program has made itself, in a file for this user alone: encrypted where the configuration says so. */
import { readFile } from 'node:fs/promises';
import { FaultError } from '../../core/faults.ts';
import { writeFileAtomically } from '../atomic-write.ts';
import { decryptContent, encryptContent } from './encrypt.ts';
import { isEncrypted, isWrittenBy, type EncryptedPlace } from './encrypted-format.ts';
import type { AtRestKeys } from './keys.ts';

const SECRET_MODE = 0o600;

/**
 * A file of before encryption is read as it is.
 *
 * @param place its name is what the secret is, such as `secret:ca-key`: the same wherever its file is moved
 * @throws FaultError CV_AT_REST_KEY, CV_AT_REST_DAMAGED, CV_AT_REST_ALGORITHM; file system errors
 */
export async function readSecretFile(place: EncryptedPlace, keys: AtRestKeys): Promise<Buffer> {
  const content = await readFile(place.path);
  return isEncrypted(content) ? decryptContent(content, place, keys) : content;
}

/** Replaced as a whole, and on disk when it resolves; mode 600. The folder must exist. */
export async function writeSecretFile({ path, name }: EncryptedPlace, content: string | Uint8Array, keys: AtRestKeys): Promise<void> {
  const { current } = keys;
  await writeFileAtomically(path, current ? encryptContent(Buffer.from(content), current, name) : content, { mode: SECRET_MODE });
}

/**
 * Brings a secret that is there into the form that is set now: encrypted, with the key of today, or as it is. A secret outlives
 * keys, so nothing else would ever change it. For whoever owns the file, when it starts.
 *
 * @returns whether it was written
 * @throws as reading and writing do; nothing has changed then
 */
export async function rewriteSecretFile(place: EncryptedPlace, keys: AtRestKeys): Promise<boolean> {
  const written = await readFile(place.path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return null;
    throw error;
  });
  if (!written || isWrittenBy(written, keys.current)) return false;
  await writeSecretFile(place, isEncrypted(written) ? decryptContent(written, place, keys) : written, keys);
  return true;
}

/** Says itself which key is missing, or that the file is damaged: not a reason to make the secret anew. */
export const isAtRestFault = (error: unknown): error is FaultError =>
  error instanceof FaultError && error.fault.code.startsWith('CV_AT_REST_');
