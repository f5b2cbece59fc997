/**
 * The key by which a gateway signs its audit record: made at the first start, for this user alone, in a folder beside the
 * record, so that a copy of the record never takes it along. Public keys stay beside it under their ids, also those of
 * before.
 */
import { createHash, createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readdir, readFile, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { FaultError } from '../../core/faults.ts';
import { makeFolder } from '../../core/folder.ts';
import type { EncryptedPlace } from '../../log/at-rest/encrypted-format.ts';
import type { AtRestKeys } from '../../log/at-rest/keys.ts';
import { readSecretFile, rewriteSecretFile, writeSecretFile } from '../../log/at-rest/secret-file.ts';
import { writeFileAtomically } from '../../log/atomic-write.ts';
import type { PublicKeys, SigningKey } from './signed-text.ts';
import './faults.ts';

const PRIVATE = 'private.pem';
const PUBLIC = /\.pub\.pem$/;
const ID_LENGTH = 16;

export interface OpenedAuditKey extends SigningKey {
  publicKeys: PublicKeys;
  /** It was made now, and is in memory alone until `saveAuditKey`. */
  isNew: boolean;
}

const keyId = (key: KeyObject): string =>
  createHash('sha256').update(key.export({ format: 'der', type: 'spki' })).digest('hex').slice(0, ID_LENGTH);

/** A private key that cannot be read as one is put aside, and another made: recording goes on, and the record says so. */
export async function openAuditKey(dir: string, nowMs: number, keys: AtRestKeys): Promise<OpenedAuditKey> {
  await makeFolder(dir, 0o700);
  await rewriteSecretFile(placeIn(dir), keys);
  const known = await readPrivate(placeIn(dir), nowMs, keys);
  const privateKey = known ?? generateKeyPairSync('ed25519').privateKey;
  const publicKey = createPublicKey(privateKey);
  const id = keyId(publicKey);
  return { id, privateKey, publicKeys: new Map([...(await publicKeysIn(dir)), [id, publicKey]]), isNew: !known };
}

/** The public one is written anew where a power cut came between the two. */
export async function saveAuditKey(dir: string, { id, privateKey, isNew }: OpenedAuditKey, keys: AtRestKeys): Promise<void> {
  const path = join(dir, `${id}.pub.pem`);
  if (isNew) await writeSecretFile(placeIn(dir), pem(privateKey, 'pkcs8'), keys);
  if (!existsSync(path)) await writeFileAtomically(path, pem(createPublicKey(privateKey), 'spki'), { mode: 0o644 });
}

const pem = (key: KeyObject, type: 'pkcs8' | 'spki'): string => key.export({ format: 'pem', type: type as 'spki' }) as string;

const placeIn = (dir: string): EncryptedPlace => ({ path: join(dir, PRIVATE), name: 'secret:audit-key' });

/** @throws CV_AT_REST_KEY, CV_AT_REST_DAMAGED: such a key is not put aside */
async function readPrivate(place: EncryptedPlace, nowMs: number, keys: AtRestKeys): Promise<KeyObject | null> {
  const { path } = place;
  const text = await readSecretFile(place, keys).then(String, (error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return null;
    throw error;
  });
  if (text === null) return null;
  try {
    const key = createPrivateKey(text);
    if (key.asymmetricKeyType === 'ed25519') return key;
  } catch {
    // Put aside below, like a key of another kind.
  }
  await rename(path, `${path}.unreadable-${nowMs}`);
  return null;
}

/** Those of a folder of keys; none where it is not there. */
export async function publicKeysIn(dir: string): Promise<PublicKeys> {
  const names = await readdir(dir).catch(() => []);
  return readPublicKeys(names.filter((name) => PUBLIC.test(name)).map((name) => join(dir, name)));
}

/** @throws CV_AUDIT_NO_KEY */
export async function readPublicKeys(paths: readonly string[]): Promise<PublicKeys> {
  const keys = new Map<string, KeyObject>();
  for (const path of paths) {
    try {
      const key = createPublicKey(await readFile(path, 'utf8'));
      keys.set(keyId(key), key);
    } catch (error) {
      throw new FaultError('CV_AUDIT_NO_KEY', { path: `${path}: ${(error as Error).message}` }, { cause: error });
    }
  }
  return keys;
}
