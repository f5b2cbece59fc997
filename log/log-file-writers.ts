/**
 * The files that are written to: one a chain, the empty one that will come next, and those that are full and not at rest
 * yet. A commit waits for itself alone. All else that a file costs is done between commits, in steps (`tidy`), none of
 * which takes much longer than a commit: docs/decisions/0034-rolling-between-commits.md.
 */
import { existsSync, renameSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { parseLogFileName } from './file-name.ts';
import { databaseFileBytes, isSealedFile, removeDatabaseFile, walBytes } from './database-file.ts';
import { LogFile, type LogFileFormat, type LogMetadataKind } from './log-file.ts';
import { storageFailureOf, isSqliteError, StorageError, type CommitRequest, type LogFileName, type StorageStats } from './storage.ts';

/** A file that has a name, but not that of a place in a chain: whoever opens the folder passes it over. */
const PREPARED = 'next.db';
/** So full is a file when the one after it is made. */
const PREPARE_AT = 0.75;
/** A commit that takes longer waits for a slow disk, and there the forced writes are what a checkpoint costs, not its pages: so many times as many go at once. */
const SLOW_COMMIT_MS = 5;
const SLOW_PORTION = 4;
/** How much the newest commit counts in what one takes. */
const NEWEST_SHARE = 0.2;
/** Where files are full after a few commits, no more of them than this wait to be put to rest. */
const MAX_FULL = 2;
/** Forced writes, as a library that intercepts them counts them; a start costs so many beside those of its commit. */
const FSYNCS_A_CHECKPOINT = 3;
const FSYNCS_A_PREPARED_FILE = 1;
const FSYNCS_A_START = 2;
const FSYNCS_A_SEAL = 3;

type Notes = Partial<Record<LogMetadataKind, string>>;

interface LogFileWriter {
  name: string;
  file: LogFile;
  bytes: number;
  /** When the file itself (not its write-ahead log) last changed: that is a checkpoint. */
  changedNs: bigint;
  /** Its first notes are in the write-ahead log alone. */
  isFresh: boolean;
  /** Written to since it was looked after. */
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

  constructor(dir: string, form: LogFileFormat, maxFileBytes: number, unsealed: Set<string>, stats: StorageStats, monotonicMs: () => number) {
    this.#monotonicMs = monotonicMs;
    this.#dir = dir;
    this.#form = form;
    this.#maxFileBytes = maxFileBytes;
    this.#unsealed = unsealed;
    this.#stats = stats;
    removeDatabaseFile(this.#preparedPath);
  }

  /** The handle of a file that is not closed yet. */
  open(name: string): LogFile | null {
    return this.#full.get(name) ?? [...this.#current.values()].find((writer) => writer.name === name)?.file ?? null;
  }

  writesTo(chain: string, name: string): boolean {
    return this.#current.get(chain)?.name === name;
  }

  /** Begins a file; the one before it is left for `tidy`. */
  start(chain: string, file: LogFileName): void {
    const path = join(this.#dir, file.name);
    if (this.#prepared !== 'made' || !existsSync(this.#preparedPath)) this.#prepare();
    removeDatabaseFile(path);
    renameSync(this.#preparedPath, path);
    this.#prepared = 'missing';
    const former = this.#current.get(chain);
    this.#current.set(chain, { name: file.name, file: LogFile.openForWriting(path, file.epoch, this.#form), bytes: 0, changedNs: changedNs(path), isFresh: true, isTouched: false });
    if (former) {
      this.#full.set(former.name, former.file);
      this.#tellBytes(former.name, former.bytes - walBytes(former.file.path));
    }
    for (const [name] of [...this.#full].slice(0, -MAX_FULL)) this.seal(name);
    this.#stats.filesCreated += 1;
    this.#stats.fsyncs += FSYNCS_A_START;
  }

  /** @returns sizes of the file, and of those of the chain that are full or closed since its last commit */
  write(chain: string, groups: CommitRequest['groups'], notes: Notes, settled: readonly string[]): Record<string, number> {
    const writer = this.#current.get(chain) as LogFileWriter;
    writer.isTouched = true;
    const startedMs = this.#monotonicMs();
    try {
      writer.file.write(groups, notes, settled);
      this.#commitMs += (this.#monotonicMs() - startedMs - this.#commitMs) * NEWEST_SHARE;
      this.#count(writer);
    } catch (error) {
      // A handle that failed stays broken and keeps its lock, and after a failed fsync its pages are not to be trusted.
      if (storageFailureOf(error).needsNewFile) this.seal(writer.name);
      throw error;
    }
    writer.bytes = writer.file.bytes;
    const bytes = { ...this.#closedBytes.get(chain), [writer.name]: writer.bytes };
    this.#closedBytes.delete(chain);
    return bytes;
  }

  /** One step of what waits. @returns whether there was one; after it there may be more */
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

  /** Nothing more is written to a file: seals and closes it; what cannot be sealed now is sealed at the next opening. */
  seal(name: string): void {
    const file = this.#forget(name);
    if (!file) return;
    this.#unsealed.add(name);
    try {
      file.seal();
      if (isSealedFile(file.path)) this.#unsealed.delete(name);
      this.#stats.fsyncs += FSYNCS_A_SEAL;
    } catch (error) {
      if (!isDiskError(error)) throw error;
    }
    this.#tellBytes(name, databaseFileBytes(file.path));
  }

  /** Closes a file that was removed. */
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

  #tellBytes(name: string, bytes: number): void {
    const chain = parseLogFileName(name)?.chain ?? '';
    this.#closedBytes.set(chain, { ...this.#closedBytes.get(chain), [name]: bytes });
  }

  #prepare(): void {
    LogFile.create(this.#preparedPath, this.#form);
    this.#prepared = 'made';
    this.#stats.fsyncs += FSYNCS_A_PREPARED_FILE;
  }

  /** The next file is made while the present one still has room. */
  #prepareInTime(): boolean {
    if (this.#prepared !== 'missing' || ![...this.#current.values()].some(({ bytes }) => bytes >= this.#maxFileBytes * PREPARE_AT)) return false;
    try {
      this.#prepare();
    } catch (error) {
      if (!isDiskError(error)) throw error;
      // It is tried again when it is needed, where somebody hears of it.
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
      // Nothing is lost by it; after the next commit it is tried again.
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
    this.#stats.fsyncs += FSYNCS_A_CHECKPOINT;
  }
}

const isDiskError = (error: unknown): boolean => isSqliteError(error) || (error as NodeJS.ErrnoException).syscall !== undefined;

/** @throws StorageError when the file is gone: what was written to it would be gone with its handle */
function changedNs(path: string): bigint {
  const found = statSync(path, { bigint: true, throwIfNoEntry: false });
  if (!found) throw new StorageError({ code: 'FILE_GONE', detail: `${path} was removed`, needsNewFile: true, locked: false, retryable: true });
  return found.mtimeNs;
}
