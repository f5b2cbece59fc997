/**
 * The files that are written to: one a chain, the empty one that will come next, and those that are full and not at rest
 * yet. A commit waits for itself alone. All else that a file costs is done between commits, in steps (`tidy`), none of
 * which takes much longer than a commit: docs/decisions/0034-rolling-between-commits.md.
 */
import { existsSync, renameSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { parseFileName } from './file-name.ts';
import { fileBytes, isSealed, removeFile, writeAheadBytes } from './file-on-disk.ts';
import { LogFile, type FileForm, type NoteKind } from './log-file.ts';
import { failureOf, isSqlite, StorageError, type CommitRequest, type FileName, type StorageStats } from './storage.ts';

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

type Notes = Partial<Record<NoteKind, string>>;

interface Writer {
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

export class Writers {
  readonly #dir: string;
  readonly #form: FileForm;
  readonly #maxFileBytes: number;
  /** Closed files that still have a write-ahead log. */
  readonly #unsealed: Set<string>;
  readonly #stats: StorageStats;
  readonly #current = new Map<string, Writer>();
  /** Full files, by name, the oldest first. */
  readonly #full = new Map<string, LogFile>();
  /** Sizes of closed files by chain, since its last commit. */
  readonly #closedBytes = new Map<string, Record<string, number>>();
  #prepared: 'made' | 'missing' | 'failed' = 'missing';
  readonly #monotonicMs: () => number;
  #commitMs = 0;

  constructor(dir: string, form: FileForm, maxFileBytes: number, unsealed: Set<string>, stats: StorageStats, monotonicMs: () => number) {
    this.#monotonicMs = monotonicMs;
    this.#dir = dir;
    this.#form = form;
    this.#maxFileBytes = maxFileBytes;
    this.#unsealed = unsealed;
    this.#stats = stats;
    removeFile(this.#preparedPath);
  }

  /** The handle of a file that is not closed yet. */
  open(name: string): LogFile | null {
    return this.#full.get(name) ?? [...this.#current.values()].find((writer) => writer.name === name)?.file ?? null;
  }

  writesTo(chain: string, name: string): boolean {
    return this.#current.get(chain)?.name === name;
  }

  /** Begins a file; the one before it is left for `tidy`. */
  start(chain: string, file: FileName): void {
    const path = join(this.#dir, file.name);
    if (this.#prepared !== 'made' || !existsSync(this.#preparedPath)) this.#prepare();
    removeFile(path);
    renameSync(this.#preparedPath, path);
    this.#prepared = 'missing';
    const former = this.#current.get(chain);
    this.#current.set(chain, { name: file.name, file: LogFile.start(path, file.epoch, this.#form), bytes: 0, changedNs: changedNs(path), isFresh: true, isTouched: false });
    if (former) {
      this.#full.set(former.name, former.file);
      this.#tellBytes(former.name, former.bytes - writeAheadBytes(former.file.path));
    }
    for (const [name] of [...this.#full].slice(0, -MAX_FULL)) this.end(name);
    this.#stats.filesCreated += 1;
    this.#stats.fsyncs += FSYNCS_A_START;
  }

  /** @returns sizes of the file, and of those of the chain that are full or closed since its last commit */
  write(chain: string, groups: CommitRequest['groups'], notes: Notes, settled: readonly string[]): Record<string, number> {
    const writer = this.#current.get(chain) as Writer;
    writer.isTouched = true;
    const startedMs = this.#monotonicMs();
    try {
      writer.file.write(groups, notes, settled);
      this.#commitMs += (this.#monotonicMs() - startedMs - this.#commitMs) * NEWEST_SHARE;
      this.#count(writer);
    } catch (error) {
      // A handle that failed stays broken and keeps its lock, and after a failed fsync its pages are not to be trusted.
      if (failureOf(error).roll) this.end(writer.name);
      throw error;
    }
    writer.bytes = writer.file.bytes;
    const bytes = { ...this.#closedBytes.get(chain), [writer.name]: writer.bytes };
    this.#closedBytes.delete(chain);
    return bytes;
  }

  /** One step of what waits. @returns whether there was one; after it there may be more */
  tidy(): boolean {
    for (const writer of this.#current.values()) {
      if (this.#writeBack(writer)) return true;
    }
    for (const name of this.#full.keys()) {
      this.end(name);
      return true;
    }
    return this.#prepareInTime();
  }

  /** Nothing more is written to a file: seals and closes it; what cannot be sealed now is sealed at the next opening. */
  end(name: string): void {
    const file = this.#forget(name);
    if (!file) return;
    this.#unsealed.add(name);
    try {
      file.seal();
      if (isSealed(file.path)) this.#unsealed.delete(name);
      this.#stats.fsyncs += FSYNCS_A_SEAL;
    } catch (error) {
      if (!isOfDisk(error)) throw error;
    }
    this.#tellBytes(name, fileBytes(file.path));
  }

  /** Closes a file that was removed. */
  abandon(name: string): void {
    this.#forget(name)?.close();
  }

  close(): void {
    for (const name of [...this.#full.keys(), ...[...this.#current.values()].map((writer) => writer.name)]) this.end(name);
    removeFile(this.#preparedPath);
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
    const chain = parseFileName(name)?.chain ?? '';
    this.#closedBytes.set(chain, { ...this.#closedBytes.get(chain), [name]: bytes });
  }

  #prepare(): void {
    LogFile.prepare(this.#preparedPath, this.#form);
    this.#prepared = 'made';
    this.#stats.fsyncs += FSYNCS_A_PREPARED_FILE;
  }

  /** The next file is made while the present one still has room. */
  #prepareInTime(): boolean {
    if (this.#prepared !== 'missing' || ![...this.#current.values()].some(({ bytes }) => bytes >= this.#maxFileBytes * PREPARE_AT)) return false;
    try {
      this.#prepare();
    } catch (error) {
      if (!isOfDisk(error)) throw error;
      // It is tried again when it is needed, where somebody hears of it.
      this.#prepared = 'failed';
    }
    return true;
  }

  #writeBack(writer: Writer): boolean {
    if (!writer.isTouched) return false;
    writer.isTouched = false;
    try {
      const portion = this.#form.checkpointPages * (this.#commitMs > SLOW_COMMIT_MS ? SLOW_PORTION : 1);
      if (!writer.isFresh && writer.file.pagesBehind < portion) return false;
      writer.file.writeBack();
      writer.isFresh = false;
    } catch (error) {
      // Nothing is lost by it; after the next commit it is tried again.
      if (!isSqlite(error)) throw error;
    }
    return true;
  }

  #count(writer: Writer): void {
    this.#stats.commits += 1;
    this.#stats.fsyncs += 1;
    const changed = changedNs(writer.file.path);
    if (changed === writer.changedNs) return;
    writer.changedNs = changed;
    this.#stats.checkpoints += 1;
    this.#stats.fsyncs += FSYNCS_A_CHECKPOINT;
  }
}

const isOfDisk = (error: unknown): boolean => isSqlite(error) || (error as NodeJS.ErrnoException).syscall !== undefined;

/** @throws StorageError when the file is gone: what was written to it would be gone with its handle */
function changedNs(path: string): bigint {
  const found = statSync(path, { bigint: true, throwIfNoEntry: false });
  if (!found) throw new StorageError({ code: 'FILE_GONE', detail: `${path} was removed`, roll: true, locked: false, again: true });
  return found.mtimeNs;
}
