/**
 * Files beside those of a log: `lock.db` excludes a second process, `epoch` keeps numbers unique across openings, `head`
 * holds the end of each chain in case a write-ahead log is damaged.
 */
import {
  closeSync,
  existsSync,
  fdatasyncSync,
  fsyncSync,
  openSync,
  readFileSync,
  readdirSync,
  statSync,
  unlinkSync,
  writeSync,
} from 'node:fs';
import { randomInt } from 'node:crypto';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { crc32 } from 'node:zlib';
import { forceFolderSync, makeFolderSync } from '../core/folder.ts';
import { parseLogFileName } from './file-name.ts';
import { storageFailureOf, isNotDatabaseError, StorageError, type LogFileName } from './storage.ts';

/** Random epoch step when the clock alone does not distinguish two openings. */
const MAX_JUMP = 2 ** 20;
const HEAD_BYTES = 512;
const EPOCH_BYTES = 256;
/** One page per second would be a third of all writes of an idle edge. */
const HEAD_FSYNC_MS = 5000;

/** Locks the folder against other processes until `release`. @throws StorageError with `locked` */
export function lockLogFolder(dir: string): { release(): void } {
  makeFolderSync(dir);
  const path = join(dir, 'lock.db');
  const take = (): DatabaseSync => {
    const db = new DatabaseSync(path);
    try {
      db.exec('BEGIN EXCLUSIVE');
      return db;
    } catch (error) {
      db.close();
      throw error;
    }
  };
  let db: DatabaseSync;
  try {
    db = take();
  } catch (error) {
    if (!isNotDatabaseError(error)) throw new StorageError(storageFailureOf(error), { cause: error });
    // Overwritten by something else; a lock holder would have answered "busy".
    unlinkSync(path);
    db = take();
  }
  return { release: () => db.close() };
}

/**
 * A number for this opening that no opening of this folder or of a copy of it has used: the clock, or the last epoch + 1.
 * When the clock is behind or the folder is a copy, a random step keeps two copies apart.
 */
export function claimEpoch(dir: string, nowMs: number): { epoch: number; previousEpoch: number } {
  const path = join(dir, 'epoch');
  const place = folderIdentity(dir);
  const last = readEpoch(path);
  const highest = Math.max(last?.epoch ?? 0, ...listLogFiles(dir).map((file) => file.epoch));
  const apart = nowMs > highest && (last === null || last.place === place);
  const epoch = Math.max(highest + 1, nowMs) + (apart ? 0 : randomInt(MAX_JUMP));
  writeEpoch(dir, path, `${JSON.stringify({ epoch, place })}\n`.padEnd(EPOCH_BYTES));
  return { epoch, previousEpoch: highest };
}

/** Overwrites in place, which works on a full disk too; a torn write reads as a copy of unknown age. */
function writeEpoch(dir: string, path: string, text: string): void {
  const isNew = !existsSync(path);
  const fd = openSync(path, isNew ? 'w' : 'r+');
  try {
    writeSync(fd, text, 0);
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
  if (isNew) forceFolderSync(dir);
}

/** Distinguishes a folder from its copy. A copy of the whole disk looks the same; then the clock decides. */
function folderIdentity(dir: string): string {
  const { dev, ino, birthtimeMs } = statSync(dir);
  return `${dev}:${ino}:${birthtimeMs}`;
}

function readEpoch(path: string): { epoch: number; place: string } | null {
  if (!existsSync(path)) return null;
  try {
    const { epoch, place } = JSON.parse(readFileSync(path, 'utf8')) as { epoch: number; place: string };
    return Number.isSafeInteger(epoch) && epoch >= 0 ? { epoch, place } : { epoch: 0, place: '' };
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    // Torn or overwritten: treated as a copy of unknown age, so the step is random.
    return { epoch: 0, place: '' };
  }
}

/** Files of all chains, in (epoch, first) order. */
export function listLogFiles(dir: string): (LogFileName & { chain: string })[] {
  return readdirSync(dir)
    .flatMap((name) => parseLogFileName(name) ?? [])
    .toSorted((a, b) => a.epoch - b.epoch || a.first - b.first);
}

export type ChainHeads = Record<string, { epoch: number; seq: number }>;

/** The last written end of each chain; empty when the file is absent or damaged. */
export function readChainHeads(dir: string): ChainHeads {
  const path = join(dir, 'head');
  if (!existsSync(path)) return {};
  const [sum, text] = readFileSync(path, 'utf8').split('\n');
  return text !== undefined && Number(sum) === crc32(text) ? (JSON.parse(text) as ChainHeads) : {};
}

/** Writes the ends in place after each commit, with an occasional fsync. Only a cross-check: its failures fail no commit. */
export class ChainHeadFile {
  readonly #path: string;
  readonly #heads: ChainHeads;
  #fd: number | null = null;
  #syncedMs = -Infinity;
  fsyncs = 0;
  /** Error of the last write; null when it succeeded. */
  failure: string | null = null;

  constructor(dir: string, heads: ChainHeads) {
    this.#path = join(dir, 'head');
    this.#heads = { ...heads };
    this.#attempt(() => {});
  }

  write(chain: string, epoch: number, seq: number, monotonicMs: number): void {
    this.#heads[chain] = { epoch, seq };
    const text = JSON.stringify(this.#heads);
    this.#attempt((fd) => {
      writeSync(fd, `${crc32(text)}\n${text}\n`.padEnd(HEAD_BYTES), 0);
      if (monotonicMs - this.#syncedMs < HEAD_FSYNC_MS) return;
      this.#syncedMs = monotonicMs;
      this.#sync(fd);
    });
  }

  close(): void {
    this.#attempt((fd) => this.#sync(fd));
    if (this.#fd !== null) closeSync(this.#fd);
    this.#fd = null;
  }

  #attempt(run: (fd: number) => void): void {
    try {
      this.#fd ??= openSync(this.#path, existsSync(this.#path) ? 'r+' : 'w+');
      run(this.#fd);
      this.failure = null;
    } catch (error) {
      this.failure = (error as Error).message;
      if (this.#fd !== null) closeSync(this.#fd);
      this.#fd = null;
    }
  }

  #sync(fd: number): void {
    fdatasyncSync(fd);
    this.fsyncs += 1;
  }
}
