/**
 * Two signed files beside the record, each put in place whole: `head.json` says how far it goes, `begin.json` where it
 * begins since older files were removed.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { writeFileAtomically } from '../../log/atomic-write.ts';
import { BEGIN_FILE, HEAD_FILE, type ChainEnd } from './audit-line.ts';
import { isSigned, jsonObject, signText, type PublicKeys, type SigningKey } from './signed-text.ts';

/** `head`: the newest line. `begin`: the newest of those that were removed. */
type LandmarkName = 'head' | 'begin';

export interface Landmark extends ChainEnd {
  at: number;
}

/** `state`: `bad` where it is there and not as a key of these has signed it. */
export type ReadLandmark = { state: 'missing' | 'bad'; mark: null } | { state: 'good'; mark: Landmark };

const FILES: Record<LandmarkName, string> = { head: HEAD_FILE, begin: BEGIN_FILE };

/** @param forcesName false: a power cut may bring back the one before */
export async function writeLandmark(
  dir: string,
  name: LandmarkName,
  { mark, gateway, key }: { mark: Landmark; gateway: string; key: SigningKey },
  forcesName: boolean,
): Promise<void> {
  const { seq, hash, at } = mark;
  const text = signText(name, { v: 1, gateway, seq, hash, at, key: key.id }, key);
  await writeFileAtomically(join(dir, FILES[name]), `${text}\n`, { mode: 0o600, forcesName });
}

export async function readLandmark(dir: string, name: LandmarkName, keys: PublicKeys): Promise<ReadLandmark> {
  const text = await readFile(join(dir, FILES[name]), 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return null;
    throw error;
  });
  if (text === null) return { state: 'missing', mark: null };
  const line = text.endsWith('\n') ? text.slice(0, -1) : '';
  const { seq, hash, at, key } = jsonObject(line) ?? {};
  const isWhole = typeof seq === 'number' && typeof hash === 'string' && typeof at === 'number' && typeof key === 'string';
  return isWhole && isSigned(name, line, keys.get(key)) ? { state: 'good', mark: { seq, hash, at } } : { state: 'bad', mark: null };
}
