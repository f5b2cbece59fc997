/**
 * The disk side of a log: owns every SQLite handle of one folder. Synchronous, and so meant for a worker; tests and rigs
 * that want no thread call it directly.
 */
import { closeSync, existsSync, fsyncSync, openSync, renameSync, statSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { claimEpoch, HeadFile, listFiles, lockFolder, readHeads, syncFolder } from './folder.ts';
import { fileBytes, isSealed, LogFile, moveFile, PAGE_BYTES, removeFile, sealLeftOver, type NoteKind } from './log-file.ts';
import { readParts } from './reading.ts';
import {
  failureOf, isDamage, isSqlite, StorageError, type ChainReport, type CommitReply, type CommitRequest, type FileName, type FileReport, type OpenReport, type OpenRequest,
  type ReadReply, type ReadRequest, type ReplayReply, type StorageStats,
} from './storage.ts';

const MAX_READERS = 4;
const MAX_CHECKPOINT_PAGES = 1000;
const MIN_CHECKPOINT_PAGES = 8;
const MAX_QUARANTINE_BYTES = 8 << 20;
/** Counted on this layout with a library that intercepts fsync and fdatasync. */
const FSYNCS_A_CHECKPOINT = 3;
const FSYNCS_A_FILE = 11;
const FSYNCS_A_SEAL = 8;

interface Writer {
  name: string;
  file: LogFile;
  /** When the file itself (not its write-ahead log) last changed: that is a checkpoint. */
  changedNs: bigint;
}

export class Engine {
  #dir = '';
  #origins = false;
  #checkpointPages = MAX_CHECKPOINT_PAGES;
  #lock: { release(): void } | null = null;
  #head: HeadFile | null = null;
  readonly #writers = new Map<string, Writer>();
  readonly #readers = new Map<string, LogFile>();
  /** Files of this opening from which groups were acknowledged. */
  readonly #holding = new Set<string>();
  /** Files that are closed but still have a write-ahead log. */
  readonly #unsealed = new Set<string>();
  readonly #stats: StorageStats = { commits: 0, fsyncs: 0, checkpoints: 0, filesCreated: 0 };

  open(request: OpenRequest): OpenReport {
    this.#dir = request.dir;
    this.#origins = request.origins;
    this.#checkpointPages = Math.max(MIN_CHECKPOINT_PAGES, Math.min(MAX_CHECKPOINT_PAGES, Math.floor(request.maxFileBytes / 4 / PAGE_BYTES)));
    this.#lock = lockFolder(request.dir);
    try {
      const heads = readHeads(request.dir);
      const epochs = claimEpoch(request.dir, request.nowMs);
      const files = listFiles(request.dir);
      const chains = Object.fromEntries(request.chains.map((chain) => [chain, this.#openChain(files.filter((file) => file.chain === chain), heads[chain] ?? null)]));
      this.#head = new HeadFile(request.dir, heads);
      this.#stats.fsyncs += 2;
      return { ...epochs, chains };
    } catch (error) {
      this.#lock.release();
      this.#lock = null;
      throw error;
    }
  }

  #openChain(names: readonly FileName[], head: { epoch: number; seq: number } | null): ChainReport {
    const report: ChainReport = { files: [], state: null, stateFile: null, trimmed: null, stateDamaged: false, head };
    for (const file of names) {
      const found = this.#inspect(file, report);
      if (found) report.files.push(found);
    }
    return report;
  }

  /** What a file holds; null when it never came to hold anything, and is removed. */
  #inspect(file: FileName, report: ChainReport): FileReport | null {
    const path = join(this.#dir, file.name);
    const found: FileReport = { ...file, last: file.first - 1, lastAt: 0, bytes: 0, damaged: false };
    try {
      if (!this.#bringToRest(file.name)) found.damaged = true;
      // Its first checkpoint was never reached, so no group was ever acknowledged from it.
      if (statSync(path).size < 2 * PAGE_BYTES) {
        removeFile(path);
        return null;
      }
      const opened = LogFile.open(path, file.epoch, this.#origins, !this.#unsealed.has(file.name));
      try {
        const extent = opened.extent();
        if (extent) Object.assign(found, extent);
        const state = opened.note('state');
        report.stateDamaged = state.damaged;
        if (state.text !== null) Object.assign(report, { state: state.text, stateFile: file.name });
        report.trimmed = opened.note('trimmed').text ?? report.trimmed;
      } finally {
        opened.close();
      }
    } catch (error) {
      if (!isSqlite(error)) throw error;
      found.damaged = true;
      report.stateDamaged = true;
    }
    return { ...found, bytes: fileBytes(path) };
  }

  /** Seals what a killed process left. @returns false when it cannot be, and is read as it is */
  #bringToRest(name: string): boolean {
    const path = join(this.#dir, name);
    if (isSealed(path)) return true;
    this.#unsealed.add(name);
    try {
      sealLeftOver(path);
      this.#unsealed.delete(name);
      return true;
    } catch (error) {
      if (!isSqlite(error)) throw error;
      return !isDamage(error);
    }
  }

  /** Writes a group of rows and notes; on disk when it returns. */
  commit(request: CommitRequest): CommitReply {
    const { chain, file, groups } = request;
    const bytes: Record<string, number> = {};
    const notes: Partial<Record<NoteKind, string>> = {};
    if (request.state !== undefined) notes.state = request.state;
    if (request.trimmed !== undefined) notes.trimmed = request.trimmed;
    let writer = this.#writers.get(chain);
    if (writer?.name !== file.name) {
      const former = writer;
      writer = this.#start(file, notes);
      this.#writers.set(chain, writer);
      if (former) bytes[former.name] = this.#retire(former);
    }
    try {
      writer.file.write(groups, notes, request.settled);
    } catch (error) {
      // A handle that failed stays broken and keeps its lock, and after a failed fsync its pages are not to be trusted.
      if (failureOf(error).roll) {
        this.#writers.delete(chain);
        this.#retire(writer);
      }
      throw error;
    }
    this.#count(writer);
    bytes[file.name] = fileBytes(writer.file.path);
    const last = groups.at(-1);
    if (last) this.#holding.add(file.name);
    if (last) this.#head?.put(chain, file.epoch, last.seq + last.count - 1, request.monotonicMs);
    return { bytes };
  }

  read(request: ReadRequest): ReadReply {
    const writerOf = (part: FileName) => {
      const writer = this.#writers.get(request.chain);
      return writer?.name === part.name ? writer.file : null;
    };
    return readParts(request, (part) => writerOf(part) ?? this.#reader(part), (part) => this.#closeReader(part.name));
  }

  /** Who sent what since the snapshot of a file. Groups whose checksum is wrong say nothing. */
  replay({ file, last }: { file: FileName; last: number }): ReplayReply {
    const reply: ReplayReply = { origins: [], settled: [] };
    const reader = this.#reader(file);
    if (!reader) return reply;
    try {
      reply.settled = reader.settledNotes();
      for (const group of reader.groups(0, last)) {
        if (group?.origin) reply.origins.push(group.origin);
      }
    } catch (error) {
      if (!isDamage(error)) throw error;
    }
    return reply;
  }

  remove({ names, aside = [] }: { names: readonly string[]; aside?: readonly string[] }): null {
    for (const name of aside) {
      this.#closeReader(name);
      const kept = join(this.#dir, `${name.split('-')[0] ?? ''}.damaged`);
      removeFile(kept);
      moveFile(join(this.#dir, name), kept);
    }
    for (const name of names) {
      this.#closeReader(name);
      this.#unsealed.delete(name);
      removeFile(join(this.#dir, name));
    }
    return null;
  }

  #closeReader(name: string): void {
    this.#readers.get(name)?.close();
    this.#readers.delete(name);
  }

  setAside({ line }: { line: string }): null {
    const path = join(this.#dir, 'quarantine.jsonl');
    if ((statSync(path, { throwIfNoEntry: false })?.size ?? 0) > MAX_QUARANTINE_BYTES) renameSync(path, join(this.#dir, 'quarantine-1.jsonl'));
    const fd = openSync(path, 'a');
    try {
      writeSync(fd, `${line}\n`);
      fsyncSync(fd);
    } finally {
      closeSync(fd);
    }
    this.#stats.fsyncs += 1;
    return null;
  }

  stats(): StorageStats {
    return { ...this.#stats, fsyncs: this.#stats.fsyncs + (this.#head?.fsyncs ?? 0) };
  }

  close(): null {
    for (const writer of this.#writers.values()) this.#retire(writer);
    this.#writers.clear();
    for (const reader of this.#readers.values()) reader.close();
    this.#readers.clear();
    this.#head?.close();
    this.#head = null;
    this.#lock?.release();
    this.#lock = null;
    return null;
  }

  #start(file: FileName, notes: Partial<Record<NoteKind, string>>): Writer {
    if (notes.state === undefined) throw new StorageError({ code: 'STATE_MISSING', detail: `a new file needs the state: ${file.name}`, roll: false, locked: false });
    const path = join(this.#dir, file.name);
    // The same name once more is right only when the last attempt failed before anything was acknowledged from it.
    if (this.#holding.has(file.name)) throw new StorageError({ code: 'FILE_HOLDS_ROWS', detail: `${file.name} is closed and holds rows`, roll: true, locked: false });
    this.remove({ names: [file.name] });
    const created = LogFile.create(path, file.epoch, { origins: this.#origins, checkpointPages: this.#checkpointPages }, notes);
    syncFolder(this.#dir);
    this.#stats.filesCreated += 1;
    this.#stats.fsyncs += FSYNCS_A_FILE;
    return { name: file.name, file: created, changedNs: changedNs(path) };
  }

  /** Seals and closes; what cannot be sealed now is sealed at the next opening. @returns its bytes */
  #retire({ name, file }: Writer): number {
    this.#unsealed.add(name);
    try {
      file.seal();
      this.#unsealed.delete(name);
      this.#stats.fsyncs += FSYNCS_A_SEAL;
    } catch (error) {
      if (!isSqlite(error)) throw error;
    } finally {
      file.close();
    }
    return fileBytes(file.path);
  }

  #reader(file: FileName): LogFile | null {
    const open = this.#readers.get(file.name);
    if (open) return open;
    const path = join(this.#dir, file.name);
    if (!existsSync(path)) return null;
    const reader = LogFile.open(path, file.epoch, this.#origins, !this.#unsealed.has(file.name));
    const [oldest] = this.#readers.keys();
    if (this.#readers.size >= MAX_READERS && oldest !== undefined) this.#closeReader(oldest);
    this.#readers.set(file.name, reader);
    return reader;
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

function changedNs(path: string): bigint {
  return statSync(path, { bigint: true }).mtimeNs;
}
