/**
 * The disk side of a log: owns every SQLite handle of one folder. Synchronous, and so meant for a worker; tests and rigs
 * that want no thread call it directly.
 */
import { closeSync, existsSync, fsyncSync, openSync, renameSync, statSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { Ballast, ballastBytesFor, diskBytes } from './ballast.ts';
import { fileBytesFor } from './file-name.ts';
import { claimEpoch, HeadFile, listFiles, lockFolder, readHeads, syncFolder } from './folder.ts';
import { fileBytes, LogFile, removeFile, type FileForm, type NoteKind } from './log-file.ts';
import { openChain, type Opening } from './opening.ts';
import { PAGE_BYTES } from './page.ts';
import { readParts } from './reading.ts';
import { finishSalvages, replace, walk } from './salvage.ts';
import {
  failureOf, isDamage, isFull, isSqlite, StorageError, type CommitReply, type CommitRequest, type DiskReport, type FileName, type OpenReport, type OpenRequest, type ReadReply,
  type ReadRequest, type ReplayReply, type Salvage, type StorageStats,
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
  #form: FileForm = { origins: false, checkpointPages: MAX_CHECKPOINT_PAGES };
  #lock: { release(): void } | null = null;
  #head: HeadFile | null = null;
  #ballast: Ballast | null = null;
  readonly #writers = new Map<string, Writer>();
  readonly #readers = new Map<string, LogFile>();
  /** Files of this opening from which groups were acknowledged. */
  readonly #holding = new Set<string>();
  /** Files that are closed but still have a write-ahead log. */
  readonly #unsealed = new Set<string>();
  readonly #stats: StorageStats = { commits: 0, fsyncs: 0, checkpoints: 0, filesCreated: 0 };

  open(request: OpenRequest): OpenReport {
    const { dir, origins, maxBytes } = request;
    this.#dir = dir;
    this.#lock = lockFolder(dir);
    try {
      const disk = diskBytes(dir);
      const maxFileBytes = fileBytesFor(Math.min(maxBytes, disk), request.maxFileBytes);
      this.#form = { origins, checkpointPages: Math.max(MIN_CHECKPOINT_PAGES, Math.min(MAX_CHECKPOINT_PAGES, Math.floor(maxFileBytes / 4 / PAGE_BYTES))) };
      this.#ballast = new Ballast(dir, request.ballastBytes ?? ballastBytesFor(maxBytes, disk));
      const heads = readHeads(dir);
      const epochs = this.#withBallast(() => claimEpoch(dir, request.nowMs));
      finishSalvages(dir);
      const files = listFiles(dir);
      const opening: Opening = { dir, unsealed: this.#unsealed, read: (file) => this.#reader(file), salvage: (file, detail, least) => this.#salvage(file, detail, least), release: () => this.#ballast?.release() ?? false };
      const chains = Object.fromEntries(request.chains.map((chain) => [chain, openChain(opening, files.filter((file) => file.chain === chain), heads[chain] ?? null)]));
      this.#head = new HeadFile(dir, heads);
      this.#stats.fsyncs += 2;
      return { ...epochs, maxFileBytes, disk: this.disk(), chains };
    } catch (error) {
      this.#lock.release();
      this.#lock = null;
      throw error;
    }
  }

  /** Writes a group of rows and notes; on disk when it returns. */
  commit(request: CommitRequest): CommitReply {
    const bytes = this.#withBallast(() => this.#commit(request));
    const { chain, file, groups, monotonicMs } = request;
    const last = groups.at(-1);
    if (last) this.#holding.add(file.name);
    if (last) this.#head?.put(chain, file.epoch, last.seq + last.count - 1, monotonicMs);
    return { bytes, disk: this.disk() };
  }

  #commit({ chain, file, groups, state, trimmed, settled }: CommitRequest): Record<string, number> {
    const bytes: Record<string, number> = {};
    const notes: Partial<Record<NoteKind, string>> = {};
    if (state !== undefined) notes.state = state;
    if (trimmed !== undefined) notes.trimmed = trimmed;
    let writer = this.#writers.get(chain);
    if (writer?.name !== file.name) {
      const former = writer;
      writer = this.#start(file, notes);
      this.#writers.set(chain, writer);
      if (former) bytes[former.name] = this.#retire(former);
    }
    try {
      writer.file.write(groups, notes, settled === undefined ? [] : [settled]);
      this.#count(writer);
    } catch (error) {
      // A handle that failed stays broken and keeps its lock, and after a failed fsync its pages are not to be trusted.
      if (failureOf(error).roll) {
        this.#writers.delete(chain);
        this.#retire(writer);
      }
      throw error;
    }
    bytes[file.name] = fileBytes(writer.file.path);
    return bytes;
  }

  /** On a full disk the ballast goes, and it is tried once more. */
  #withBallast<T>(run: () => T): T {
    try {
      return run();
    } catch (error) {
      if (!isFull(failureOf(error)) || !this.#ballast?.release()) throw error;
      return run();
    }
  }

  read(request: ReadRequest): ReadReply {
    const salvages: Salvage[] = [];
    const reply = readParts(request, {
      open: (part) => {
        const writer = this.#writers.get(request.chain);
        return writer?.name === part.name ? writer.file : this.#reader(part);
      },
      reopen: (part) => this.#closeReader(part.name),
      salvage: (part, detail) => {
        // Nothing more is appended to it; what was written is brought into the file if that is still possible.
        const writer = this.#writers.get(request.chain);
        if (writer?.name === part.name) {
          this.#writers.delete(request.chain);
          this.#retire(writer);
        }
        const done = this.#salvage(part, detail);
        if (done) salvages.push(done);
      },
    });
    return { ...reply, salvages };
  }

  /** Who sent what since the snapshot of a file. Groups whose checksum is wrong say nothing. */
  replay({ file, last }: { file: FileName; last: number }): ReplayReply {
    const salvages: Salvage[] = [];
    for (;;) {
      const reply: ReplayReply = { origins: [], settled: [], salvages };
      let damage: string | null = null;
      try {
        const reader = this.#reader(file);
        reply.settled = reader?.settledNotes() ?? [];
        for (const group of reader?.groups(0, last) ?? []) {
          if (group?.origin) reply.origins.push(group.origin);
          if (!group) damage ??= 'wrong checksum';
        }
      } catch (error) {
        if (!isDamage(error)) throw error;
        damage = failureOf(error).detail;
      }
      const done = damage === null || salvages.length > 0 ? null : this.#salvage(file, damage);
      if (!done) return reply;
      salvages.push(done);
    }
  }

  /** @param least what is found has to reach this number, else the file stays as it is */
  #salvage(file: FileName, detail: string, least = 0): Salvage | null {
    this.#closeReader(file.name);
    const rows = walk(join(this.#dir, file.name), { epoch: file.epoch, origins: this.#form.origins });
    const last = rows.groups.at(-1);
    if (least > 0 && (!last || last.seq + last.count - 1 < least)) return null;
    const { inMemory, ...done } = replace(this.#dir, file, rows, this.#form, detail);
    if (inMemory) this.#keepReader(file.name, inMemory);
    else this.#unsealed.delete(file.name);
    return done;
  }

  remove({ names }: { names: readonly string[] }): DiskReport {
    for (const name of names) {
      this.#closeReader(name);
      this.#unsealed.delete(name);
      removeFile(join(this.#dir, name));
    }
    return this.disk();
  }

  disk(): DiskReport {
    const report = this.#ballast?.report() ?? { freeBytes: 0, ballast: true, wantedBytes: 0 };
    const failure = this.#head?.failure ?? null;
    return failure === null ? report : { ...report, headFailure: failure };
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
    const path = join(this.#dir, file.name);
    // The same name once more is right only when the last attempt failed before anything was acknowledged from it; and a
    // file that was found damaged is closed without the caller knowing.
    if (this.#holding.has(file.name)) throw new StorageError({ code: 'FILE_HOLDS_ROWS', detail: `${file.name} is closed and holds rows`, roll: true, locked: false, again: true });
    if (notes.state === undefined) throw new StorageError({ code: 'STATE_MISSING', detail: `a new file needs the state: ${file.name}`, roll: true, locked: false, again: true });
    this.#closeReader(file.name);
    const created = LogFile.create(path, file.epoch, this.#form, notes);
    try {
      syncFolder(this.#dir);
    } catch (error) {
      created.close();
      throw error;
    }
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
    return this.#keepReader(file.name, LogFile.open(path, file.epoch, this.#form.origins, !this.#unsealed.has(file.name)));
  }

  #keepReader(name: string, reader: LogFile): LogFile {
    const [oldest] = this.#readers.keys();
    if (this.#readers.size >= MAX_READERS && oldest !== undefined) this.#closeReader(oldest);
    this.#readers.set(name, reader);
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

/** @throws StorageError when the file is gone: what was written to it would be gone with its handle */
function changedNs(path: string): bigint {
  const found = statSync(path, { bigint: true, throwIfNoEntry: false });
  if (!found) throw new StorageError({ code: 'FILE_GONE', detail: `${path} was removed`, roll: true, locked: false, again: true });
  return found.mtimeNs;
}
