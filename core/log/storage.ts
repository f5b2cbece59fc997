/**
 * What the logs need of the disk, as messages: `engine.ts` does it, `worker.ts` does it off the main thread.
 * A chain is a row of files of one ordered stream; a log has one chain (gateway) or one a stream (edge).
 */
import type { GroupOrigin } from './types.ts';

export interface Group {
  seq: number;
  count: number;
  payload: Uint8Array;
  origin?: GroupOrigin;
}

/** A row of m or d: null when it is not there; damaged when its checksum is wrong. */
export interface Note {
  text: string | null;
  damaged: boolean;
}

export interface OpenRequest {
  dir: string;
  chains: readonly string[];
  /** Rows carry who sent the group. */
  origins: boolean;
  maxFileBytes: number;
  nowMs: number;
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
}

export interface OpenReport {
  epoch: number;
  /** 0 in a new folder. */
  previousEpoch: number;
  chains: Record<string, ChainReport>;
}

export interface FileName {
  name: string;
  epoch: number;
  first: number;
}

export interface CommitRequest {
  chain: string;
  /** Where to write; another file than the last time means: start it, then seal the last one. */
  file: FileName;
  groups: readonly Group[];
  /** Required when the file is new. */
  state?: string;
  trimmed?: string;
  /** Settled ranges that bring no group. */
  settled?: string;
  monotonicMs: number;
}

export interface CommitReply {
  /** Bytes of the file written to, and of the one that was sealed. */
  bytes: Record<string, number>;
}

export interface ReadRequest {
  chain: string;
  /** Files to read in order, each from its number `from` up to its `to`. */
  parts: readonly (FileName & { from: number; to: number })[];
  maxGroups: number;
  maxBytes: number;
}

/** Numbers that the rows should hold and do not. */
export interface Hole {
  name: string;
  epoch: number;
  from: number;
  to: number;
  detail: string;
}

export interface ReadReply {
  groups: (Group & { epoch: number })[];
  holes: Hole[];
  /** All parts were read to their ends. */
  complete: boolean;
}

/** What a gateway's newest file says of marks: its snapshot is in the open report; this is what came after. */
export interface ReplayReply {
  origins: GroupOrigin[];
  settled: string[];
}

export interface StorageStats {
  commits: number;
  /** Forced writes: one a commit, three a checkpoint, those of starting and sealing files, of head and epoch. */
  fsyncs: number;
  checkpoints: number;
  filesCreated: number;
}

export interface Storage {
  open(request: OpenRequest): Promise<OpenReport>;
  commit(request: CommitRequest): Promise<CommitReply>;
  read(request: ReadRequest): Promise<ReadReply>;
  replay(request: { file: FileName; last: number }): Promise<ReplayReply>;
  /** `aside`: damaged ones, of which the newest of a chain stays under another name, for whoever wants to look into it. */
  remove(request: { names: readonly string[]; aside?: readonly string[] }): Promise<null>;
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
  roll: boolean;
  locked: boolean;
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
const SQLITE_IOERR = 10;
const SQLITE_CORRUPT = 11;
const SQLITE_FULL = 13;
const SQLITE_NOTADB = 26;
const DAMAGE = new Set([SQLITE_ERROR, SQLITE_IOERR, SQLITE_CORRUPT, SQLITE_NOTADB]);

interface SqliteError extends Error {
  code?: string;
  errcode?: number;
  errstr?: string;
}

/** What a caught error means. Extended codes of SQLite carry the plain one in their low byte. */
export function failureOf(error: unknown): StorageFailure {
  if (error instanceof StorageError) return error.failure;
  const { code, errcode, errstr, message } = error as SqliteError;
  const plain = errcode === undefined ? undefined : errcode & 0xff;
  return {
    code: errcode ?? code ?? 'UNKNOWN',
    detail: errcode === undefined ? String(message) : `${errstr ?? message} (SQLite ${errcode})`,
    // When the disk is full the transaction was rolled back and the file is whole.
    roll: plain !== SQLITE_FULL && code !== 'ENOSPC',
    locked: plain === SQLITE_BUSY,
  };
}

/** Pages that cannot be read or make no sense, and numbers beyond what JavaScript holds. */
export function isDamage(error: unknown): boolean {
  const { code, errcode } = error as SqliteError;
  return code === 'ERR_OUT_OF_RANGE' || (errcode !== undefined && DAMAGE.has(errcode & 0xff));
}

/** The disk has no room; nothing but removing files makes some. */
export function isFull(failure: StorageFailure): boolean {
  return failure.code === 'ENOSPC' || (typeof failure.code === 'number' && (failure.code & 0xff) === SQLITE_FULL);
}

export function isSqlite(error: unknown): boolean {
  return (error as SqliteError).errcode !== undefined;
}

export function isInputOutput(error: unknown): boolean {
  const { errcode } = error as SqliteError;
  return errcode !== undefined && (errcode & 0xff) === SQLITE_IOERR;
}

export function isNotDatabase(error: unknown): boolean {
  const { errcode } = error as SqliteError;
  return errcode !== undefined && (errcode & 0xff) === SQLITE_NOTADB;
}
