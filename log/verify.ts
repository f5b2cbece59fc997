/**
 * Reads a whole log back without changing it: the checksum of each group, the numbers from file to file, what is
 * remembered of marks. Closed files never change, so they are read beside a process that uses the folder; the files it
 * writes to are left out then.
 */
import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Fault } from '../core/faults.ts';
import { listFiles, readHeads } from './folder.ts';
import { isSealed } from './file-on-disk.ts';
import { isUnwritten } from './opening.ts';
import { PAGE_BYTES } from './page.ts';
import { countOf, missingOf } from './ranges.ts';
import type { FileName } from './storage.ts';
import { readBack, type FileContent } from './verify-file.ts';
import { edgeMemory, gatewayMemory, type Memory } from './verify-marks.ts';
import './faults.ts';

export interface LogForm {
  chains: readonly string[];
  /** Rows carry who sent the group (a gateway's). */
  origins: boolean;
}

export interface LogCheck {
  files: number;
  groups: number;
  events: number;
  bytes: number;
  /** Files that the process which holds the folder writes to: left out. */
  live: string[];
  /** Numbers that are not there, and that gap records have named already. */
  named: number;
  faults: Fault[];
}

export interface LogProgress {
  doneBytes: number;
  ofBytes: number;
  file: string;
}

type Listed = FileName & { chain: string };
type Words = { en: string; zh: string };

/**
 * @param isHeld a process uses the folder
 * @returns gives word before each file; its value is what was found
 */
export function* verifyLog(dir: string, form: LogForm, isHeld: boolean): Generator<LogProgress, LogCheck> {
  const check: LogCheck = { files: 0, groups: 0, events: 0, bytes: 0, live: [], named: 0, faults: [] };
  const files = listFiles(dir).filter(({ chain }) => form.chains.includes(chain));
  const heads = readHeads(dir);
  const ofBytes = files.reduce((sum, { name }) => sum + bytesOf(join(dir, name)), 0);
  for (const chain of form.chains) {
    const read: ReadFile[] = [];
    for (const file of files.filter((one) => one.chain === chain)) {
      yield { doneBytes: check.bytes, ofBytes, file: file.name };
      const one = readFile(dir, file, form, isHeld, check);
      if (one) read.push(one);
    }
    judge(read, { memory: memoryOf(read, form, check), head: heads[chain] ?? null, isHeld }, check);
  }
  yield { doneBytes: ofBytes, ofBytes, file: '' };
  return check;
}

interface ReadFile {
  file: Listed;
  /** null: somebody writes to it. */
  content: FileContent | null;
}

function readFile(dir: string, file: Listed, { origins }: LogForm, isHeld: boolean, check: LogCheck): ReadFile | null {
  const path = join(dir, file.name);
  const bytes = bytesOf(path);
  try {
    // Given up since the folder was listed; or it never came to hold anything.
    if (!existsSync(path) || (bytes < 2 * PAGE_BYTES && !existsSync(`${path}-wal`))) return null;
    if (isHeld && !isSealed(path)) {
      check.live.push(file.name);
      return { file, content: null };
    }
    const content = readBack(path, { epoch: file.epoch, origins });
    if (content.groups === 0 && content.state === null && content.damage === null && isUnwritten(path)) return null;
    check.files += 1;
    check.bytes += bytes;
    check.groups += content.groups;
    check.events += countOf(content.present);
    return { file, content };
  } catch (error) {
    if (isHeld && (error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}

function memoryOf(read: readonly ReadFile[], { origins }: LogForm, check: LogCheck): Memory {
  const memory = (origins ? gatewayMemory : edgeMemory)(read.flatMap(({ file, content }) => (content ? [{ name: file.name, content }] : [])));
  check.faults.push(...memory.faults);
  return memory;
}

interface Facts {
  memory: Memory;
  head: { epoch: number; seq: number } | null;
  isHeld: boolean;
}

interface Missing {
  file: Listed;
  from: number;
  to: number;
  words: Words;
}

/** What one chain owes: numbers without a hole from file to file, as far as the head knows of. */
function judge(read: readonly ReadFile[], facts: Facts, check: LogCheck): void {
  for (const [at, one] of read.entries()) {
    const missing = missingAround(one, read[at - 1], read[at + 1], facts);
    const { damage, present } = one.content ?? { damage: null, present: [] };
    let isWhole = true;
    for (const { file, from, to, words } of missing) {
      const owed = facts.memory.owed(file.epoch, from, to);
      check.named += to - from + 1 - countOf(owed);
      isWhole &&= owed.length === 0;
      for (const [fromSeq, toSeq] of owed) check.faults.push({ code: 'CV_VERIFY_LOG_MISSING', params: { file: file.name, epoch: file.epoch, fromSeq, toSeq, count: toSeq - fromSeq + 1, detail: words.en, detailZh: words.zh } });
    }
    if (damage !== null && isWhole) check.faults.push({ code: 'CV_VERIFY_LOG_PAGES', params: { file: one.file.name, detail: damage, count: countOf(present) } });
  }
}

const GONE: Words = { en: 'the file before it is gone', zh: '其之前的文件缺失' };
const CUT: Words = { en: 'it ends before the next file begins', zh: '在下一个文件开始前就结束' };
const BEHIND_HEAD: Words = { en: 'it ends before what the head file knows of', zh: '末尾早于 head 文件所记' };
const NO_ROWS: Words = { en: 'rows are missing', zh: '缺少数据行' };

function missingAround({ file, content }: ReadFile, before: ReadFile | undefined, next: ReadFile | undefined, { head, isHeld }: Facts): Missing[] {
  const { epoch, first } = file;
  const missing: Missing[] = [];
  // Beside a process that lets files go, what lies between two files may just have gone.
  if (!isHeld && before?.file.epoch !== epoch && first > 1) missing.push({ file, from: 1, to: first - 1, words: GONE });
  // Its holes were named when it was put together, later than what can be read of the marks beside a process.
  if (!content || (isHeld && content.isSalvaged)) return missing;
  const last = content.present.at(-1)?.[1] ?? first - 1;
  const words = content.damage === null ? NO_ROWS : { en: content.damage, zh: content.damage };
  for (const [from, to] of missingOf(content.present, first, last)) missing.push({ file, from, to, words });
  const isNext = next?.file.epoch === epoch;
  const to = isNext ? next.file.first - 1 : !isHeld && head?.epoch === epoch ? head.seq : last;
  if (to > last && (!isHeld || content.damage !== null)) missing.push({ file, from: last + 1, to, words: content.damage === null ? (isNext ? CUT : BEHIND_HEAD) : words });
  return missing;
}

const bytesOf = (path: string): number => [path, `${path}-wal`].reduce((sum, one) => sum + (statSync(one, { throwIfNoEntry: false })?.size ?? 0), 0);
