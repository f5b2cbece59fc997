/** A file of evidence as it lies on disk: what its name says of it. */
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { EVIDENCE_KINDS, type EvidenceMime } from '../../core/wire/mime.ts';
import { ALGORITHM_TRAITS, algorithmOfLabel } from '../at-rest/algorithms.ts';
import { plainBytes } from '../at-rest/encrypted-format.ts';
import type { WritingKey } from '../at-rest/keys.ts';

export interface EvidenceFile {
  /** Of the content, hexadecimal. */
  sha256: string;
  mime: EvidenceMime;
  /** ms UTC of the content. */
  atMs: number;
  /** Of the content. */
  bytes: number;
  /** Sender; absent for our own files. */
  from?: string;
}

export type EvidenceShelf = 'waiting' | 'kept';
export const EVIDENCE_SHELVES: readonly EvidenceShelf[] = ['waiting', 'kept'];

/** Which key reads it; null: it lies there as it is. */
type EvidenceEncryption = Pick<WritingKey, 'id' | 'algorithm'> | null;

/** `receivedAt`: ms UTC, our clock. `diskBytes`: what it takes there. */
export type StoredEvidence = EvidenceFile & { shelf: EvidenceShelf; receivedAt: number; diskBytes: number; encryption: EvidenceEncryption };

/** One that was written by a sender says whose and when it came; one that is encrypted how and with which key. */
const NAME = /^(\d{1,16})-([0-9a-f]{64})(?:\.(\d{1,16})\.([a-z0-9-]{1,64}))?\.(jpg|webp|mp4|mkv)(?:\.(aes|sm4)-([0-9a-f]{16}))?$/;
const MIME_OF = new Map(Object.entries(EVIDENCE_KINDS).map(([mime, extension]) => [extension as string, mime as EvidenceMime]));

type NamedParts = Omit<StoredEvidence, 'bytes' | 'diskBytes' | 'shelf'>;

export function evidenceFileName({ atMs, sha256, mime, from, receivedAt, encryption }: NamedParts): string {
  const sender = from === undefined ? '' : `.${receivedAt}.${from}`;
  const key = encryption ? `.${ALGORITHM_TRAITS[encryption.algorithm].label}-${encryption.id}` : '';
  return `${atMs}-${sha256}${sender}.${EVIDENCE_KINDS[mime]}${key}`;
}

/** What it is to whoever decrypts it, on whatever shelf it lies. */
export const evidenceName = (sha256: string): string => `evidence:${sha256}`;

/** null when the name is not one of ours. */
export async function parseEvidenceFile(dir: string, name: string): Promise<Omit<StoredEvidence, 'shelf'> | null> {
  const [, atMs, sha256 = '', receivedAt, from, extension = '', label = '', id = ''] = NAME.exec(name) ?? [];
  const mime = MIME_OF.get(extension);
  if (!mime) return null;
  const algorithm = algorithmOfLabel(label);
  const { size, mtimeMs } = await stat(join(dir, name));
  return {
    sha256, atMs: Number(atMs), mime, receivedAt: Number(receivedAt ?? mtimeMs), ...(from !== undefined && { from }),
    // One that was cut says so when it is read.
    bytes: algorithm ? (plainBytes(size, algorithm) ?? 0) : size,
    diskBytes: size,
    encryption: algorithm ? { id, algorithm } : null,
  };
}

export interface ListedEvidence extends EvidenceFile {
  path: string;
  encryption: EvidenceEncryption;
}

/** Lists a shelf, newest first; safe while another process writes to the folder. @throws file system errors */
export async function listEvidence(dir: string, shelf: EvidenceShelf): Promise<ListedEvidence[]> {
  const place = join(dir, shelf);
  const files = await Promise.all((await readdir(place)).map(async (name) => {
    const found = await parseEvidenceFile(place, name).catch(() => null);
    if (!found) return [];
    const { receivedAt: _receivedAt, diskBytes: _diskBytes, ...file } = found;
    return [{ ...file, path: join(place, name) }];
  }));
  return files.flat().toSorted((a, b) => b.atMs - a.atMs);
}
