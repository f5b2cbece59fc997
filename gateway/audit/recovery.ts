/**
 * Where the record goes on when it is opened. What the signed head covers was on disk: where it is not as it was, nothing
 * is repaired; the chain goes on from the head, in a new file, so that the gap shows for good. What lies behind the head
 * was being written when the power went: whole lines are kept, and half a line is cut off.
 */
import { readFile, rm, truncate } from 'node:fs/promises';
import { join } from 'node:path';
import { forceSync } from '../../core/folder.ts';
import type { AuditEntry } from '../people/audit.ts';
import { CHAIN_START, hashOfLine, listAuditFiles, readAuditLine, splitLines, type AuditFile, type ChainEnd } from './audit-line.ts';
import { readLandmark, type Landmark, type ReadLandmark } from './landmarks.ts';
import type { PublicKeys } from './signed-text.ts';

export interface RecoveredChain {
  end: ChainEnd;
  /** To be continued; null: a new one begins. */
  file: (AuditFile & { bytes: number }) | null;
  /** What is to be said in the record itself. */
  notes: AuditEntry[];
}

interface Walk {
  file: AuditFile;
  end: ChainEnd | null;
  /** Up to the last line that follows. */
  goodBytes: number;
  allBytes: number;
  /** Behind that no line ends. */
  isHalfLine: boolean;
  hashes: Map<number, string>;
}

/** @param wasKept whether there was a key already, and so a record */
export async function recoverChain(dir: string, keys: PublicKeys, wasKept: boolean): Promise<RecoveredChain> {
  const [head, begin] = [await readLandmark(dir, 'head', keys), await readLandmark(dir, 'begin', keys)];
  const notes: AuditEntry[] = [];
  for (let files = await listAuditFiles(dir); ; files = files.slice(0, -1)) {
    const last = files.at(-1);
    if (!last) return emptyRecord(head, begin, wasKept, notes);
    const walk = await walkFile(dir, last);
    const isCovered = head.mark !== null && head.mark.seq > (walk.end?.seq ?? last.firstSeq - 1);
    if (!isCovered) await cutTail(dir, walk, head, notes);
    if (walk.end) return chainFrom(walk, walk.end, head, isCovered, notes);
    if (isCovered) {
      notes.push(damage(`${last.name} is damaged from its first line on`, 'file'));
      return { end: endOf(head.mark as Landmark), file: null, notes };
    }
    // It holds nothing that counts: the chain goes on from the file before.
    await rm(join(dir, last.name));
  }
}

function emptyRecord(head: ReadLandmark, begin: ReadLandmark, wasKept: boolean, notes: AuditEntry[]): RecoveredChain {
  const mark = head.mark ?? begin.mark;
  // A head of line 0 is that of a record that has just begun.
  if (mark ? mark.seq > 0 : wasKept) notes.push(damage('all files are missing', 'files'));
  return { end: mark ? endOf(mark) : { seq: 0, hash: CHAIN_START }, file: null, notes };
}

async function walkFile(dir: string, file: AuditFile): Promise<Walk> {
  const bytes = await readFile(join(dir, file.name));
  const walk: Walk = { file, end: null, goodBytes: 0, allBytes: bytes.length, isHalfLine: false, hashes: new Map() };
  const { lines } = splitLines(bytes);
  for (const line of lines) {
    const read = readAuditLine(Buffer.from(line).toString());
    if (!read || read.entry.seq !== (walk.end ? walk.end.seq + 1 : file.firstSeq)) break;
    if (walk.end && read.prev !== walk.end.hash) break;
    walk.end = { seq: read.entry.seq, hash: hashOfLine(line) };
    walk.hashes.set(walk.end.seq, walk.end.hash);
    walk.goodBytes += line.length + 1;
  }
  walk.isHalfLine = walk.hashes.size === lines.length;
  return walk;
}

/** What nothing has confirmed and is no line. Without a head lines stay as they are: they may have been confirmed. */
async function cutTail(dir: string, walk: Walk, head: ReadLandmark, notes: AuditEntry[]): Promise<void> {
  const cutBytes = walk.allBytes - walk.goodBytes;
  if (cutBytes === 0 || (head.mark === null && !walk.isHalfLine)) return;
  await truncate(join(dir, walk.file.name), walk.goodBytes);
  forceSync(join(dir, walk.file.name), 'r+');
  walk.allBytes = walk.goodBytes;
  notes.push(recordNote('unfinished end cut off', { file: walk.file.name, bytes: cutBytes }));
}

function chainFrom(walk: Walk, last: ChainEnd, { state, mark }: ReadLandmark, isCovered: boolean, notes: AuditEntry[]): RecoveredChain {
  const isDamaged = walk.allBytes > walk.goodBytes;
  if (isDamaged) notes.push(damage(`${walk.file.name} is damaged behind line ${last.seq}`, 'file'));
  if (!mark) notes.push(damage(state === 'bad' ? 'the head is not signed by this gateway' : 'the head is missing', 'head'));
  else if (isCovered && !isDamaged) notes.push(damage(`lines ${last.seq + 1} to ${mark.seq} are missing at the end`, 'end'));
  else if (!isCovered) {
    const known = walk.hashes.get(mark.seq);
    if (known !== undefined && known !== mark.hash) notes.push(damage(`line ${mark.seq} is not the one that the head names`, 'head'));
    if (last.seq > mark.seq) notes.push(recordNote('lines that were not confirmed before', { from: mark.seq + 1, to: last.seq }));
  }
  return {
    end: isCovered ? endOf(mark as Landmark) : last,
    file: isDamaged || isCovered ? null : { ...walk.file, bytes: walk.goodBytes },
    notes,
  };
}

const endOf = ({ seq, hash }: Landmark): ChainEnd => ({ seq, hash });

export const recordNote = (what: string, details: Record<string, string | number>): AuditEntry => ({
  kind: 'record',
  who: '',
  from: 'local',
  what,
  outcome: 'done',
  details,
});
/** By its part. */
export const DAMAGE_ZH: Readonly<Record<string, string>> = {
  end: '末尾的记录缺失',
  files: '全部文件缺失',
  file: '文件中间损坏',
  head: '末行签名（head.json）缺失或不符',
};
const damage = (what: string, part: string): AuditEntry => ({ ...recordNote(what, { part }), kind: 'damage' });
