/**
 * Storage operations of the logs, as messages: `storage-engine.ts` implements them, `worker.ts` runs them off the main
 * thread. A chain is the files of one ordered stream; a log has one chain (gateway) or one per stream (edge).
 */
import type { SeqRange } from './ranges.ts';
import type { GroupOrigin } from './types.ts';

export interface LogGroup {
  seq: number;
  count: number;
  payload: Uint8Array;
  origin?: GroupOrigin;
}

/** A row of table m: text null when absent or damaged. */
export interface LogMetadata {
  text: string | null;
  damaged: boolean;
}

export interface StorageOpenRequest {
  dir: string;
  chains: readonly string[];
  /** Rows carry the sender. */
  origins: boolean;
  maxBytes: number;
  /** File size; by default a share of `maxBytes`, or of the disk if that is smaller. */
  maxFileBytes?: number | undefined;
  /** Deleted when the disk is full; by default the size of a write-ahead log. 0 for none. */
  ballastBytes?: number | undefined;
  nowMs: number;
}

/** A damaged file was renamed and replaced by its readable rows. */
export interface SalvageReport {
  name: string;
  /** Name of the damaged file; null when the disk is full or read-only: retried with the next read. */
  damagedName: string | null;
  /** The damage. */
  detail: string;
  /** Numbers in its rows, in order. */
  present: SeqRange[];
  bytes: number;
}

export interface DiskReport {
  freeBytes: number;
  /** The ballast exists: the disk has space. */
  ballast: boolean;
  /** Free bytes needed to create the ballast again; 0 while it exists. */
  wantedBytes: number;
  /** Error of the head file; absent while it can be written. */
  headFailure?: string;
}

export interface FileReport {
  name: string;
  epoch: number;
  /** The first number, from the name, and the last one in its rows (first − 1 when empty or unreadable). */
  first: number;
  last: number;
  /** receivedAt of its last group; 0 on an edge. */
  lastAt: number;
  bytes: number;
  /** It may have had more rows: numbers known from elsewhere count. */
  damaged: boolean;
}

export interface ChainReport {
  /** In (epoch, first) order. */
  files: FileReport[];
  /** The newest readable state. */
  state: string | null;
  /** The file with that state. */
  stateFile: string | null;
  trimmed: string | null;
  stateDamaged: boolean;
  /** The last end according to the head file. */
  head: { epoch: number; seq: number } | null;
  salvages: SalvageReport[];
}

export interface StorageOpenReport {
  epoch: number;
  /** 0 in a new folder. */
  previousEpoch: number;
  maxFileBytes: number;
  disk: DiskReport;
  chains: Record<string, ChainReport>;
}

export interface LogFileName {
  name: string;
  epoch: number;
  first: number;
}

export interface CommitRequest {
  chain: string;
  /** File to write to; a new name starts a file, and the previous one is sealed after the reply. */
  file: LogFileName;
  groups: readonly LogGroup[];
  /** Required when the file is new. */
  state?: string;
  trimmed?: string;
  /** Settled ranges without a group. */
  settled?: string;
  monotonicMs: number;
}

export interface CommitReply {
  /** New sizes of the file written to and of others that changed. */
  bytes: Record<string, number>;
  disk: DiskReport;
}

export interface ReadRequest {
  chain: string;
  /** Files to read in order, each from its number `from` up to its `to`. */
  parts: readonly (LogFileName & { from: number; to: number })[];
  maxGroups: number;
  maxBytes: number;
}

/** Numbers missing in the rows. */
export interface MissingRange {
  name: string;
  epoch: number;
  from: number;
  to: number;
  detail: string;
}

export interface ReadReply {
  groups: (LogGroup & { epoch: number })[];
  missing: MissingRange[];
  /** All parts were read to the end. */
  complete: boolean;
  /** Files salvaged by this read. */
  salvages: SalvageReport[];
}

/** Marks of a gateway's file after its snapshot, which is in the open report. */
export interface ReplayReply {
  origins: GroupOrigin[];
  settled: string[];
  salvages: SalvageReport[];
}

export interface StorageStats {
  commits: number;
  /** One per commit, three per checkpoint, and those of creating and sealing files, head and epoch. */
  fsyncs: number;
  checkpoints: number;
  filesCreated: number;
}

export interface LogStorage {
  open(request: StorageOpenRequest): Promise<StorageOpenReport>;
  commit(request: CommitRequest): Promise<CommitReply>;
  read(request: ReadRequest): Promise<ReadReply>;
  replay(request: { file: LogFileName; last: number }): Promise<ReplayReply>;
  remove(request: { names: readonly string[] }): Promise<DiskReport>;
  /** Reports free space; creates the ballast again when there is space. */
  disk(): Promise<DiskReport>;
  /** Appends a line to quarantine.jsonl. */
  setAside(request: { line: string }): Promise<null>;
  stats(): Promise<StorageStats>;
  close(): Promise<null>;
}

/** A storage failure; a plain object, to cross threads. */
export interface StorageFailure {
  /** SQLite result code or system error name. */
  code: number | string;
  detail: string;
  /** The file must not be appended to: continue in a new one. */
  needsNewFile: boolean;
  locked: boolean;
  /** Nothing was written; a new file may succeed at once. */
  retryable?: boolean;
}

export class StorageError extends Error {
  readonly failure: StorageFailure;
  constructor(failure: StorageFailure, options?: { cause?: unknown }) {
    super(failure.detail, options);
    this.name = 'StorageError';
    this.failure = failure;
  }
}

const SQLITE_ERROR = 1;
const SQLITE_BUSY = 5;
const SQLITE_READONLY = 8;
const SQLITE_IOERR = 10;
const SQLITE_CORRUPT = 11;
const SQLITE_FULL = 13;
const SQLITE_CANTOPEN = 14;
const SQLITE_NOTADB = 26;
/** With an exclusive lock, a read-only mount gives this error. */
const SQLITE_IOERR_LOCK = 3850;
const CORRUPTION_CODES = new Set([SQLITE_ERROR, SQLITE_IOERR, SQLITE_CORRUPT, SQLITE_NOTADB]);

interface SqliteError extends Error {
  code?: string;
  errcode?: number;
  errstr?: string;
}

/** Classifies an error. Extended SQLite codes have the primary code in the low byte. */
export function storageFailureOf(error: unknown): StorageFailure {
  if (error instanceof StorageError) return error.failure;
  const { code, errcode, errstr, message } = error as SqliteError;
  const plain = errcode === undefined ? undefined : errcode & 0xff;
  return {
    code: errcode ?? code ?? 'UNKNOWN',
    detail: errcode === undefined ? String(message) : `${errstr ?? message} (SQLite ${errcode})`,
    // On a full disk the transaction was rolled back and the file is intact.
    needsNewFile: plain !== SQLITE_FULL && code !== 'ENOSPC',
    locked: plain === SQLITE_BUSY,
    retryable: (isCorruption(error) && errcode !== SQLITE_IOERR_LOCK) || code === 'EIO',
  };
}

/** Unreadable or invalid pages, and numbers beyond JavaScript's range. */
export function isCorruption(error: unknown): boolean {
  const { code, errcode } = error as SqliteError;
  return code === 'ERR_OUT_OF_RANGE' || (errcode !== undefined && CORRUPTION_CODES.has(errcode & 0xff));
}

/** The disk is full; only removing files helps. */
export function isDiskFullFailure(failure: StorageFailure): boolean {
  return failure.code === 'ENOSPC' || (typeof failure.code === 'number' && (failure.code & 0xff) === SQLITE_FULL);
}

/** The file system is read-only. */
export function isReadOnlyFailure({ code }: StorageFailure): boolean {
  if (typeof code === 'string') return code === 'EROFS';
  return code === SQLITE_IOERR_LOCK || (code & 0xff) === SQLITE_READONLY || (code & 0xff) === SQLITE_CANTOPEN;
}

export function isSqliteError(error: unknown): boolean {
  return (error as SqliteError).errcode !== undefined;
}

export function isIoError(error: unknown): boolean {
  const { errcode } = error as SqliteError;
  return errcode !== undefined && (errcode & 0xff) === SQLITE_IOERR;
}

export function isNotDatabaseError(error: unknown): boolean {
  const { errcode } = error as SqliteError;
  return errcode !== undefined && (errcode & 0xff) === SQLITE_NOTADB;
}
