/**
 * What the logs need of the disk, as messages: `engine.ts` does it, `worker.ts` does it off the main thread.
 * A chain is a row of files of one ordered stream; a log has one chain (gateway) or one a stream (edge).
 */
import type { SeqRange } from './ranges.ts';
import type { GroupOrigin } from './types.ts';

export interface LogGroup {
  seq: number;
  count: number;
  payload: Uint8Array;
  origin?: GroupOrigin;
}

/** A row of m or d: null when it is not there; damaged when its checksum is wrong. */
export interface LogMetadata {
  text: string | null;
  damaged: boolean;
}

export interface StorageOpenRequest {
  dir: string;
  chains: readonly string[];
  /** Rows carry who sent the group. */
  origins: boolean;
  maxBytes: number;
  /** How large a file gets; by default a share of `maxBytes`, or of the disk where that is smaller. */
  maxFileBytes?: number | undefined;
  /** Given up on a full disk; by default as large as a write-ahead log at its mark. 0 for none. */
  ballastBytes?: number | undefined;
  nowMs: number;
}

/** A damaged file was put aside, and what could be read of it stands in its place. */
export interface SalvageReport {
  name: string;
  /** Where the damaged one lies; null when the disk takes nothing now: it is tried again when the file is read next. */
  damagedName: string | null;
  /** What showed that it was damaged. */
  detail: string;
  /** The numbers that its rows hold, in order. */
  present: SeqRange[];
  bytes: number;
}

export interface DiskReport {
  freeBytes: number;
  /** The ballast is in its place: the disk has room. */
  ballast: boolean;
  /** As many bytes have to be free for it to be made again; 0 while it is there. */
  wantedBytes: number;
  /** Why the head file cannot be written; absent while it can. */
  headFailure?: string;
}

export interface FileReport {
  name: string;
  epoch: number;
  /** The number its name promises, and the last one that its rows hold (first − 1 when it holds none or cannot be read). */
  first: number;
  last: number;
  /** receivedAt of its last group; 0 on an edge. */
  lastAt: number;
  bytes: number;
  /** It may have held more than its rows say: what is known elsewhere counts. */
  damaged: boolean;
}

export interface ChainReport {
  /** In (epoch, first) order. */
  files: FileReport[];
  /** The newest state that can be read, the newest trim, and whether a newer one could not be read. */
  state: string | null;
  /** The file that state was found in. */
  stateFile: string | null;
  trimmed: string | null;
  stateDamaged: boolean;
  /** What the head file says was on disk once. */
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
  /** Where to write; another file than the last time means: start it. The last one is sealed after the answer. */
  file: LogFileName;
  groups: readonly LogGroup[];
  /** Required when the file is new. */
  state?: string;
  trimmed?: string;
  /** Settled ranges that bring no group. */
  settled?: string;
  monotonicMs: number;
}

export interface CommitReply {
  /** Bytes of the file written to, and of others that were written to before, as far as they changed. */
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

/** Numbers that the rows should hold and do not. */
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
  /** All parts were read to their ends. */
  complete: boolean;
  /** Damage that this read met. */
  salvages: SalvageReport[];
}

/** What a gateway's newest file says of marks: its snapshot is in the open report; this is what came after. */
export interface ReplayReply {
  origins: GroupOrigin[];
  settled: string[];
  salvages: SalvageReport[];
}

export interface StorageStats {
  commits: number;
  /** Forced writes: one a commit, three a checkpoint, those of starting and sealing files, of head and epoch. */
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
  /** The disk as it is now; makes the ballast again when there is room. */
  disk(): Promise<DiskReport>;
  /** Appends a line to quarantine.jsonl. */
  setAside(request: { line: string }): Promise<null>;
  stats(): Promise<StorageStats>;
  close(): Promise<null>;
}

/** Why the disk did not do it; crosses threads as a plain object. */
export interface StorageFailure {
  /** SQLite's result code or the system's name of the error. */
  code: number | string;
  detail: string;
  /** The file is not to be trusted any more: go on in a new one. */
  needsNewFile: boolean;
  locked: boolean;
  /** Nothing of it is on disk, and in a new file it may well succeed at once. */
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
/** With an exclusive lock, a read-only mount shows as an I/O error of the lock. */
const SQLITE_IOERR_LOCK = 3850;
const CORRUPTION_CODES = new Set([SQLITE_ERROR, SQLITE_IOERR, SQLITE_CORRUPT, SQLITE_NOTADB]);

interface SqliteError extends Error {
  code?: string;
  errcode?: number;
  errstr?: string;
}

/** What a caught error means. Extended codes of SQLite carry the plain one in their low byte. */
export function storageFailureOf(error: unknown): StorageFailure {
  if (error instanceof StorageError) return error.failure;
  const { code, errcode, errstr, message } = error as SqliteError;
  const plain = errcode === undefined ? undefined : errcode & 0xff;
  return {
    code: errcode ?? code ?? 'UNKNOWN',
    detail: errcode === undefined ? String(message) : `${errstr ?? message} (SQLite ${errcode})`,
    // When the disk is full the transaction was rolled back and the file is whole.
    needsNewFile: plain !== SQLITE_FULL && code !== 'ENOSPC',
    locked: plain === SQLITE_BUSY,
    retryable: (isCorruption(error) && errcode !== SQLITE_IOERR_LOCK) || code === 'EIO',
  };
}

/** Pages that cannot be read or make no sense, and numbers beyond what JavaScript holds. */
export function isCorruption(error: unknown): boolean {
  const { code, errcode } = error as SqliteError;
  return code === 'ERR_OUT_OF_RANGE' || (errcode !== undefined && CORRUPTION_CODES.has(errcode & 0xff));
}

/** The disk has no room; nothing but removing files makes some. */
export function isDiskFullFailure(failure: StorageFailure): boolean {
  return failure.code === 'ENOSPC' || (typeof failure.code === 'number' && (failure.code & 0xff) === SQLITE_FULL);
}

/** Nothing can be written or created here. */
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
