/**
 * Reads a whole log back without changing it: the checksum of each group, the numbers from file to file, what is
 * remembered of marks. Closed files never change, so they are read beside a process that uses the folder; the files it
 * writes to are left out then.
 */
import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Fault } from '../core/faults.ts';
import { listLogFiles, readChainHeads } from './log-folder.ts';
import { isSealedFile } from './database-file.ts';
import { hasNoCommit } from './open-chain.ts';
import { PAGE_BYTES } from './sqlite-page.ts';
import { countNumbers, missingRanges } from './ranges.ts';
import type { LogFileName } from './storage.ts';
import { readLogFile, type LogFileContent } from './verify-file.ts';
import { edgeSettledNumbers, gatewaySettledNumbers, type SettledNumbers } from './verify-settled.ts';
import './faults.ts';

export interface LogChains {
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

export interface VerifyProgress {
  doneBytes: number;
  ofBytes: number;
  file: string;
}

type ListedFile = LogFileName & { chain: string };
type BilingualDetail = { en: string; zh: string };

/**
 * @param isHeld a process uses the folder
 * @returns gives word before each file; its value is what was found
 */
export function* verifyLog(dir: string, form: LogChains, isHeld: boolean): Generator<VerifyProgress, LogCheck> {
  const check: LogCheck = { files: 0, groups: 0, events: 0, bytes: 0, live: [], named: 0, faults: [] };
  const files = listLogFiles(dir).filter(({ chain }) => form.chains.includes(chain));
  const heads = readChainHeads(dir);
  const ofBytes = files.reduce((sum, { name }) => sum + bytesOf(join(dir, name)), 0);
  for (const chain of form.chains) {
    const read: ReadFile[] = [];
    for (const file of files.filter((one) => one.chain === chain)) {
      yield { doneBytes: check.bytes, ofBytes, file: file.name };
      const one = readFile(dir, file, form, isHeld, check);
      if (one) read.push(one);
    }
    checkChain(read, { memory: memoryOf(read, form, check), head: heads[chain] ?? null, isHeld }, check);
  }
  yield { doneBytes: ofBytes, ofBytes, file: '' };
  return check;
}

interface ReadFile {
  file: ListedFile;
  /** null: somebody writes to it. */
  content: LogFileContent | null;
}

function readFile(dir: string, file: ListedFile, { origins }: LogChains, isHeld: boolean, check: LogCheck): ReadFile | null {
  const path = join(dir, file.name);
  const bytes = bytesOf(path);
  try {
    // Given up since the folder was listed; or it never came to hold anything.
    if (!existsSync(path) || (bytes < 2 * PAGE_BYTES && !existsSync(`${path}-wal`))) return null;
    if (isHeld && !isSealedFile(path)) {
      check.live.push(file.name);
      return { file, content: null };
    }
    const content = readLogFile(path, { epoch: file.epoch, origins });
    if (content.groups === 0 && content.state === null && content.damage === null && hasNoCommit(path)) return null;
    check.files += 1;
    check.bytes += bytes;
    check.groups += content.groups;
    check.events += countNumbers(content.present);
    return { file, content };
  } catch (error) {
    if (isHeld && (error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}

function memoryOf(read: readonly ReadFile[], { origins }: LogChains, check: LogCheck): SettledNumbers {
  const memory = (origins ? gatewaySettledNumbers : edgeSettledNumbers)(read.flatMap(({ file, content }) => (content ? [{ name: file.name, content }] : [])));
  check.faults.push(...memory.faults);
  return memory;
}

interface ChainFacts {
  memory: SettledNumbers;
  head: { epoch: number; seq: number } | null;
  isHeld: boolean;
}

interface MissingNumbers {
  file: ListedFile;
  from: number;
  to: number;
  words: BilingualDetail;
}

/** What one chain owes: numbers without a hole from file to file, as far as the head knows of. */
function checkChain(read: readonly ReadFile[], facts: ChainFacts, check: LogCheck): void {
  for (const [at, one] of read.entries()) {
    const missing = missingAround(one, read[at - 1], read[at + 1], facts);
    const { damage, present } = one.content ?? { damage: null, present: [] };
    let isWhole = true;
    for (const { file, from, to, words } of missing) {
      const owed = facts.memory.unsettled(file.epoch, from, to);
      check.named += to - from + 1 - countNumbers(owed);
      isWhole &&= owed.length === 0;
      for (const [fromSeq, toSeq] of owed) check.faults.push({ code: 'CV_VERIFY_LOG_MISSING', params: { file: file.name, epoch: file.epoch, fromSeq, toSeq, count: toSeq - fromSeq + 1, detail: words.en, detailZh: words.zh } });
    }
    if (damage !== null && isWhole) check.faults.push({ code: 'CV_VERIFY_LOG_PAGES', params: { file: one.file.name, detail: damage, count: countNumbers(present) } });
  }
}

const GONE: BilingualDetail = { en: 'the file before it is gone', zh: '其之前的文件缺失' };
const CUT: BilingualDetail = { en: 'it ends before the next file begins', zh: '在下一个文件开始前就结束' };
const BEHIND_HEAD: BilingualDetail = { en: 'it ends before what the head file knows of', zh: '末尾早于 head 文件所记' };
const NO_ROWS: BilingualDetail = { en: 'rows are missing', zh: '缺少数据行' };

function missingAround({ file, content }: ReadFile, before: ReadFile | undefined, next: ReadFile | undefined, { head, isHeld }: ChainFacts): MissingNumbers[] {
  const { epoch, first } = file;
  const missing: MissingNumbers[] = [];
  // Beside a process that lets files go, what lies between two files may just have gone.
  if (!isHeld && before?.file.epoch !== epoch && first > 1) missing.push({ file, from: 1, to: first - 1, words: GONE });
  // Its holes were named when it was put together, later than what can be read of the marks beside a process.
  if (!content || (isHeld && content.isSalvaged)) return missing;
  const last = content.present.at(-1)?.[1] ?? first - 1;
  const words = content.damage === null ? NO_ROWS : { en: content.damage, zh: content.damage };
  for (const [from, to] of missingRanges(content.present, first, last)) missing.push({ file, from, to, words });
  const isNext = next?.file.epoch === epoch;
  const to = isNext ? next.file.first - 1 : !isHeld && head?.epoch === epoch ? head.seq : last;
  if (to > last && (!isHeld || content.damage !== null)) missing.push({ file, from: last + 1, to, words: content.damage === null ? (isNext ? CUT : BEHIND_HEAD) : words });
  return missing;
}

const bytesOf = (path: string): number => [path, `${path}-wal`].reduce((sum, one) => sum + (statSync(one, { throwIfNoEntry: false })?.size ?? 0), 0);
