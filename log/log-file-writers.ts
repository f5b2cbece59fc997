/**
 * The files being written: one per chain, the empty next one, and full ones that are not sealed yet. A commit does only
 * its own work; checkpoints, sealing and creating files happen between commits, in steps that take about as long as a
 * commit: docs/decisions/0034-rolling-between-commits.md.
 */
import { existsSync, renameSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { parseLogFileName } from './file-name.ts';
import { databaseFileBytes, isSealedFile, removeDatabaseFile, walBytes } from './database-file.ts';
import { LogFile, type LogFileFormat, type LogMetadataKind } from './log-file.ts';
import { storageFailureOf, isSqliteError, StorageError, type CommitRequest, type LogFileName, type StorageStats } from './storage.ts';

/** Not a name of a log file: ignored when the folder is opened. */
const PREPARED = 'next.db';
/** The next file is created when the current one is this full. */
const PREPARE_AT = 0.75;
/** On a slow disk a checkpoint costs fsyncs rather than pages, so it copies more pages at once. */
const SLOW_COMMIT_MS = 5;
const SLOW_PORTION = 4;
/** Weight of the newest commit in the average duration. */
const NEWEST_SHARE = 0.2;
/** At most this many full files wait to be sealed. */
const MAX_FULL = 2;
/** As counted by an intercepting library; a start costs these in addition to its commit. */
const FSYNCS_PER_CHECKPOINT = 3;
const FSYNCS_PER_PREPARED_FILE = 1;
const FSYNCS_PER_START = 2;
const FSYNCS_PER_SEAL = 3;

type Notes = Partial<Record<LogMetadataKind, string>>;

interface LogFileWriter {
  name: string;
  file: LogFile;
  bytes: number;
  /** Last change of the file itself (not its write-ahead log), which is a checkpoint. */
  changedNs: bigint;
  /** Its metadata is only in the write-ahead log. */
  isFresh: boolean;
  /** Written to since its last maintenance. */
  isTouched: boolean;
}

export class LogFileWriters {
  readonly #dir: string;
  readonly #form: LogFileFormat;
  readonly #maxFileBytes: number;
  /** Closed files that still have a write-ahead log. */
  readonly #unsealed: Set<string>;
  readonly #stats: StorageStats;
  readonly #current = new Map<string, LogFileWriter>();
  /** Full files, by name, the oldest first. */
  readonly #full = new Map<string, LogFile>();
  /** Sizes of closed files by chain, since its last commit. */
  readonly #closedBytes = new Map<string, Record<string, number>>();
  #prepared: 'made' | 'missing' | 'failed' = 'missing';
  readonly #monotonicMs: () => number;
  #commitMs = 0;

  constructor(
    dir: string,
    form: LogFileFormat,
    maxFileBytes: number,
    unsealed: Set<string>,
    stats: StorageStats,
    monotonicMs: () => number,
  ) {
    this.#monotonicMs = monotonicMs;
    this.#dir = dir;
    this.#form = form;
    this.#maxFileBytes = maxFileBytes;
    this.#unsealed = unsealed;
    this.#stats = stats;
    removeDatabaseFile(this.#preparedPath);
  }

  /** The handle of an open file. */
  open(name: string): LogFile | null {
    return this.#full.get(name) ?? [...this.#current.values()].find((writer) => writer.name === name)?.file ?? null;
  }

  writesTo(chain: string, name: string): boolean {
    return this.#current.get(chain)?.name === name;
  }

  /** Starts a file; the previous one is sealed by `runMaintenanceStep`. */
  start(chain: string, file: LogFileName): void {
    const path = join(this.#dir, file.name);
    if (this.#prepared !== 'made' || !existsSync(this.#preparedPath)) this.#prepare();
    removeDatabaseFile(path);
    renameSync(this.#preparedPath, path);
    this.#prepared = 'missing';
    const former = this.#current.get(chain);
    this.#current.set(chain, {
      name: file.name,
      file: LogFile.openForWriting(path, file.epoch, this.#form),
      bytes: 0,
      changedNs: changedNs(path),
      isFresh: true,
      isTouched: false,
    });
    if (former) {
      this.#full.set(former.name, former.file);
      this.#recordBytes(former.name, former.bytes - walBytes(former.file.path));
    }
    for (const [name] of [...this.#full].slice(0, -MAX_FULL)) this.seal(name);
    this.#stats.filesCreated += 1;
    this.#stats.fsyncs += FSYNCS_PER_START;
  }

  /** @returns sizes of the file and of those of the chain that became full or were closed since its last commit */
  write(chain: string, groups: CommitRequest['groups'], notes: Notes, settled: readonly string[]): Record<string, number> {
    const writer = this.#current.get(chain) as LogFileWriter;
    writer.isTouched = true;
    const startedMs = this.#monotonicMs();
    try {
      writer.file.write(groups, notes, settled);
      this.#commitMs += (this.#monotonicMs() - startedMs - this.#commitMs) * NEWEST_SHARE;
      this.#count(writer);
    } catch (error) {
      // A failed handle stays broken and keeps its lock, and its pages cannot be trusted after a failed fsync.
      if (storageFailureOf(error).needsNewFile) this.seal(writer.name);
      throw error;
    }
    writer.bytes = writer.file.bytes;
    const bytes = { ...this.#closedBytes.get(chain), [writer.name]: writer.bytes };
    this.#closedBytes.delete(chain);
    return bytes;
  }

  /** Runs one step. @returns whether there was one */
  runMaintenanceStep(): boolean {
    for (const writer of this.#current.values()) {
      if (this.#writeBack(writer)) return true;
    }
    for (const name of this.#full.keys()) {
      this.seal(name);
      return true;
    }
    return this.#prepareInTime();
  }

  /** Seals and closes a file; if that fails, the next opening seals it. */
  seal(name: string): void {
    const file = this.#forget(name);
    if (!file) return;
    this.#unsealed.add(name);
    try {
      file.seal();
      if (isSealedFile(file.path)) this.#unsealed.delete(name);
      this.#stats.fsyncs += FSYNCS_PER_SEAL;
    } catch (error) {
      if (!isDiskError(error)) throw error;
    }
    this.#recordBytes(name, databaseFileBytes(file.path));
  }

  /** Closes a removed file. */
  closeRemoved(name: string): void {
    this.#forget(name)?.close();
  }

  close(): void {
    for (const name of [...this.#full.keys(), ...[...this.#current.values()].map((writer) => writer.name)]) this.seal(name);
    removeDatabaseFile(this.#preparedPath);
  }

  get #preparedPath(): string {
    return join(this.#dir, PREPARED);
  }

  #forget(name: string): LogFile | null {
    const file = this.open(name);
    this.#full.delete(name);
    for (const [chain, writer] of this.#current) if (writer.name === name) this.#current.delete(chain);
    return file;
  }

  #recordBytes(name: string, bytes: number): void {
    const chain = parseLogFileName(name)?.chain ?? '';
    this.#closedBytes.set(chain, { ...this.#closedBytes.get(chain), [name]: bytes });
  }

  #prepare(): void {
    LogFile.create(this.#preparedPath, this.#form);
    this.#prepared = 'made';
    this.#stats.fsyncs += FSYNCS_PER_PREPARED_FILE;
  }

  /** Creates the next file while the current one still has space. */
  #prepareInTime(): boolean {
    if (this.#prepared !== 'missing' || ![...this.#current.values()].some(({ bytes }) => bytes >= this.#maxFileBytes * PREPARE_AT))
      return false;
    try {
      this.#prepare();
    } catch (error) {
      if (!isDiskError(error)) throw error;
      // Retried when it is needed, where the failure is reported.
      this.#prepared = 'failed';
    }
    return true;
  }

  #writeBack(writer: LogFileWriter): boolean {
    if (!writer.isTouched) return false;
    writer.isTouched = false;
    try {
      const portion = this.#form.checkpointPages * (this.#commitMs > SLOW_COMMIT_MS ? SLOW_PORTION : 1);
      if (!writer.isFresh && writer.file.uncheckpointedPages < portion) return false;
      writer.file.checkpoint();
      writer.isFresh = false;
    } catch (error) {
      // Nothing is lost; retried after the next commit.
      if (!isSqliteError(error)) throw error;
    }
    return true;
  }

  #count(writer: LogFileWriter): void {
    this.#stats.commits += 1;
    this.#stats.fsyncs += 1;
    const changed = changedNs(writer.file.path);
    if (changed === writer.changedNs) return;
    writer.changedNs = changed;
    this.#stats.checkpoints += 1;
    this.#stats.fsyncs += FSYNCS_PER_CHECKPOINT;
  }
}

const isDiskError = (error: unknown): boolean => isSqliteError(error) || (error as NodeJS.ErrnoException).syscall !== undefined;

/** @throws StorageError when the file was removed: writes to it would be lost with the handle */
function changedNs(path: string): bigint {
  const found = statSync(path, { bigint: true, throwIfNoEntry: false });
  if (!found)
    throw new StorageError({ code: 'FILE_GONE', detail: `${path} was removed`, needsNewFile: true, locked: false, retryable: true });
  return found.mtimeNs;
}
