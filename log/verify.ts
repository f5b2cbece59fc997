/**
 * Verifies a whole log without changing it: checksums of all groups, continuity of numbers, marks. Closed files never
 * change, so a folder in use can be verified too; the files being written are skipped then.
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
  /** Rows carry the sender (gateway). */
  origins: boolean;
}

export interface LogCheck {
  files: number;
  groups: number;
  events: number;
  bytes: number;
  /** Files being written by the running process: skipped. */
  live: string[];
  /** Missing numbers already covered by gap records. */
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
 * @returns yields progress before each file and returns the result
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
    checkChain(read, { settled: settledOf(read, form, check), head: heads[chain] ?? null, isHeld }, check);
  }
  yield { doneBytes: ofBytes, ofBytes, file: '' };
  return check;
}

interface ReadFile {
  file: ListedFile;
  /** null when it is being written. */
  content: LogFileContent | null;
}

function readFile(dir: string, file: ListedFile, { origins }: LogChains, isHeld: boolean, check: LogCheck): ReadFile | null {
  const path = join(dir, file.name);
  const bytes = bytesOf(path);
  try {
    // Removed since the folder was listed, or never committed to.
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

function settledOf(read: readonly ReadFile[], { origins }: LogChains, check: LogCheck): SettledNumbers {
  const settled = (origins ? gatewaySettledNumbers : edgeSettledNumbers)(
    read.flatMap(({ file, content }) => (content ? [{ name: file.name, content }] : [])),
  );
  check.faults.push(...settled.faults);
  return settled;
}

interface ChainFacts {
  settled: SettledNumbers;
  head: { epoch: number; seq: number } | null;
  isHeld: boolean;
}

interface MissingNumbers {
  file: ListedFile;
  from: number;
  to: number;
  detail: BilingualDetail;
}

/** Numbers of a chain must be continuous from file to file, up to the head. */
function checkChain(read: readonly ReadFile[], facts: ChainFacts, check: LogCheck): void {
  for (const [index, one] of read.entries()) {
    const missing = missingAround(one, read[index - 1], read[index + 1], facts);
    const { damage, present } = one.content ?? { damage: null, present: [] };
    let isWhole = true;
    for (const { file, from, to, detail } of missing) {
      const unsettled = facts.settled.unsettled(file.epoch, from, to);
      check.named += to - from + 1 - countNumbers(unsettled);
      isWhole &&= unsettled.length === 0;
      for (const [fromSeq, toSeq] of unsettled)
        check.faults.push({
          code: 'CV_VERIFY_LOG_MISSING',
          params: {
            file: file.name,
            epoch: file.epoch,
            fromSeq,
            toSeq,
            count: toSeq - fromSeq + 1,
            detail: detail.en,
            detailZh: detail.zh,
          },
        });
    }
    if (damage !== null && isWhole)
      check.faults.push({ code: 'CV_VERIFY_LOG_PAGES', params: { file: one.file.name, detail: damage, count: countNumbers(present) } });
  }
}

const PRECEDING_FILE_MISSING: BilingualDetail = { en: 'preceding file is missing', zh: '此前的文件缺失' };
const ENDS_BEFORE_NEXT: BilingualDetail = { en: 'ends before the next file starts', zh: '末尾与下一个文件不衔接' };
const ENDS_BEFORE_HEAD: BilingualDetail = { en: 'ends before the end in the head file', zh: '末尾早于 head 文件的记录' };
const ROWS_MISSING: BilingualDetail = { en: 'rows are missing', zh: '缺少数据行' };

function missingAround(
  { file, content }: ReadFile,
  before: ReadFile | undefined,
  next: ReadFile | undefined,
  { head, isHeld }: ChainFacts,
): MissingNumbers[] {
  const { epoch, first } = file;
  const missing: MissingNumbers[] = [];
  // A running process may just have removed the files in between.
  if (!isHeld && before?.file.epoch !== epoch && first > 1) missing.push({ file, from: 1, to: first - 1, detail: PRECEDING_FILE_MISSING });
  // Its losses were recorded when it was salvaged, after the readable marks of a running process.
  if (!content || (isHeld && content.isSalvaged)) return missing;
  const last = content.present.at(-1)?.[1] ?? first - 1;
  const detail = content.damage === null ? ROWS_MISSING : { en: content.damage, zh: content.damage };
  for (const [from, to] of missingRanges(content.present, first, last)) missing.push({ file, from, to, detail });
  const isNext = next?.file.epoch === epoch;
  const to = isNext ? next.file.first - 1 : !isHeld && head?.epoch === epoch ? head.seq : last;
  if (to > last && (!isHeld || content.damage !== null))
    missing.push({ file, from: last + 1, to, detail: content.damage === null ? (isNext ? ENDS_BEFORE_NEXT : ENDS_BEFORE_HEAD) : detail });
  return missing;
}

const bytesOf = (path: string): number =>
  [path, `${path}-wal`].reduce((sum, one) => sum + (statSync(one, { throwIfNoEntry: false })?.size ?? 0), 0);
