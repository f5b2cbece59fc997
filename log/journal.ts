/**
 * A journal: an append-only audit trail of JSON lines, each with the hash of the previous one. A line is on disk when
 * `append` resolves. Edge and gateway each keep one of their commands and restore their state from it after a restart.
 */
import { createHash } from 'node:crypto';
import { open, readdir, readFile, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import type { Fault } from '../core/faults.ts';
import { forceFolder, makeFolder } from '../core/folder.ts';
import { parseJson } from '../core/wire/json.ts';

export interface JournalLine {
  /** ms UTC, clock of the writer. */
  at: number;
  [key: string]: unknown;
}

export interface Journal {
  /** The newest lines at opening, oldest first. */
  readonly lines: readonly JournalLine[];
  /** Damage found at opening. A truncated last line was never confirmed and is not a fault. */
  readonly faults: readonly Fault[];
  /** Resolves when the line is on disk. Rejects with the system's error; the line is then not written. */
  append(line: JournalLine): Promise<void>;
  close(): Promise<void>;
}

const MAX_FILE_BYTES = 16 << 20;
/** Read at opening; covers the lifetime of any command. */
const FILES_READ = 2;
const FIRST = '0'.repeat(64);
const FILE_NAME = /^commands-(\d{6})\.jsonl$/;
const fileName = (number: number) => `commands-${String(number).padStart(6, '0')}.jsonl`;
const hashOf = (text: string) => createHash('sha256').update(text).digest('hex');

/** @param dir created if missing; no other process may write to it */
export async function openJournal(dir: string, options: { maxFileBytes?: number } = {}): Promise<Journal> {
  const maxFileBytes = options.maxFileBytes ?? MAX_FILE_BYTES;
  await makeFolder(dir);
  const numbers = await numbersIn(dir);
  const read = await verifyFiles(dir, numbers.slice(-FILES_READ));
  let number = numbers.at(-1) ?? 1;
  let file: FileHandle | null = await openAt(join(dir, fileName(number)), read.wholeBytes);
  await forceFolder(dir);
  let bytes = read.wholeBytes;
  let before = read.last;
  let turn: Promise<void> = Promise.resolve();
  let closed = false;

  async function write(line: JournalLine): Promise<void> {
    if (closed) throw new Error('journal is closed');
    if (!file || bytes >= maxFileBytes) await roll();
    const body = JSON.stringify({ ...line, before });
    const hash = hashOf(body);
    const text = `${body.slice(0, -1)},"hash":"${hash}"}\n`;
    try {
      await (file as FileHandle).write(text);
      await (file as FileHandle).datasync();
    } catch (error) {
      // Half a line may be there, and a handle cannot be trusted after a failed sync: truncate and reopen.
      await file?.close().catch(() => undefined);
      file = null;
      throw error;
    }
    bytes += Buffer.byteLength(text);
    before = hash;
  }

  async function roll(): Promise<void> {
    if (file) {
      await file.close();
      number += 1;
      bytes = 0;
    }
    file = await openAt(join(dir, fileName(number)), bytes);
    await forceFolder(dir);
  }

  return {
    lines: read.lines,
    faults: read.faults,
    append(line) {
      const written = turn.then(() => write(line));
      turn = written.catch(() => undefined);
      return written;
    },
    async close() {
      await turn;
      closed = true;
      await file?.close();
      file = null;
    },
  };
}

/** Opens for appending after the first `bytes`; the rest was never confirmed. */
async function openAt(path: string, bytes: number): Promise<FileHandle> {
  const file = await open(path, 'a', 0o600);
  await file.truncate(bytes);
  return file;
}

async function numbersIn(dir: string): Promise<number[]> {
  return (await readdir(dir)).toSorted().flatMap((name) => Number(FILE_NAME.exec(name)?.[1]) || []);
}

export interface JournalCheck {
  lines: JournalLine[];
  faults: Fault[];
  /** Hash of the last whole line. */
  last: string;
  /** Bytes of whole lines in the last file. */
  wholeBytes: number;
}

/** Checks every line of a journal's folder. */
export async function verifyJournal(dir: string): Promise<JournalCheck> {
  return verifyFiles(dir, await numbersIn(dir));
}

async function verifyFiles(dir: string, numbers: readonly number[]): Promise<JournalCheck> {
  const check: JournalCheck = { lines: [], faults: [], last: FIRST, wholeBytes: 0 };
  for (const [index, number] of numbers.entries()) {
    const name = fileName(number);
    if (index > 0 && number !== (numbers[index - 1] as number) + 1)
      check.faults.push(brokenLineFault(name, 1, 'preceding files are missing', '此前的文件缺失'));
    const bytes = await readFile(join(dir, name));
    const end = bytes.lastIndexOf(10) + 1;
    verifyText(bytes.subarray(0, end).toString('utf8'), name, index === 0 && number > 1, check);
    if (index < numbers.length - 1 && end < bytes.length) check.faults.push(brokenLineFault(name, 0, 'last line is truncated', '最后一行不完整'));
    check.wholeBytes = end;
  }
  return check;
}

/** @param isContinuation the first line follows one that was not read */
function verifyText(text: string, name: string, isContinuation: boolean, check: JournalCheck): void {
  let any = isContinuation;
  for (const [index, line] of text.split('\n').slice(0, -1).entries()) {
    const parts = /^(.*),"hash":"([0-9a-f]{64})"\}$/.exec(line);
    const body = parsed(parts ? `${parts[1]}}` : line);
    if (!parts || !body || hashOf(`${parts[1]}}`) !== parts[2])
      check.faults.push(brokenLineFault(name, index + 1, 'content does not match its hash', '内容与其哈希不符'));
    else if (!any && body.before !== check.last)
      check.faults.push(brokenLineFault(name, index + 1, 'does not follow the previous line', '与上一行不连续'));
    any = false;
    if (body) check.lines.push(body);
    check.last = parts?.[2] ?? check.last;
  }
}

function parsed(text: string): JournalLine | null {
  try {
    const value = parseJson(text);
    return typeof value === 'object' && value !== null && typeof (value as JournalLine).at === 'number' ? (value as JournalLine) : null;
  } catch {
    // The caller reports a broken line.
    return null;
  }
}

const brokenLineFault = (file: string, line: number, detail: string, detailZh: string): Fault => ({
  code: 'CV_AUDIT_BROKEN',
  params: { file, line, detail, detailZh },
});
