/**
 * The disk side of a log: owns all SQLite handles of one folder. Synchronous: runs in a worker; tests call it directly.
 */
import { closeSync, existsSync, fsyncSync, openSync, renameSync, statSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { forceFolderSync } from '../core/folder.ts';
import { Ballast, defaultBallastBytes, diskCapacityBytes } from './ballast.ts';
import { logFileBytes } from './file-name.ts';
import { removeDatabaseFile } from './database-file.ts';
import { claimEpoch, ChainHeadFile, listLogFiles, lockLogFolder, readChainHeads } from './log-folder.ts';
import { GradualRemoval } from './gradual-removal.ts';
import { LogFile, type LogFileFormat, type LogMetadataKind } from './log-file.ts';
import { openChain, type ChainContext } from './open-chain.ts';
import { PAGE_BYTES } from './sqlite-page.ts';
import { readParts } from './read-parts.ts';
import { finishSalvages, replaceDamagedFile, recoverFile } from './salvage.ts';
import {
  storageFailureOf,
  isCorruption,
  isDiskFullFailure,
  StorageError,
  type CommitReply,
  type CommitRequest,
  type DiskReport,
  type LogFileName,
  type StorageOpenReport,
  type StorageOpenRequest,
  type ReadReply,
  type ReadRequest,
  type ReplayReply,
  type SalvageReport,
  type StorageStats,
} from './storage.ts';
import { LogFileWriters } from './log-file-writers.ts';

const MAX_READERS = 4;
/** 1 MB: a checkpoint takes as long as a few commits. */
const MAX_CHECKPOINT_PAGES = 256;
const MIN_CHECKPOINT_PAGES = 8;
const MAX_QUARANTINE_BYTES = 8 << 20;
const AMPLE_SPACE_FILES = 4;

export class StorageEngine {
  #dir = '';
  #form: LogFileFormat = { origins: false, checkpointPages: MAX_CHECKPOINT_PAGES };
  #lock: { release(): void } | null = null;
  #head: ChainHeadFile | null = null;
  #ballast: Ballast | null = null;
  #writers: LogFileWriters | null = null;
  #removal: GradualRemoval | null = null;
  /** Files are removed gradually while this much is free. */
  #ampleSpaceBytes = Infinity;
  readonly #readers = new Map<string, LogFile>();
  /** Files of this opening with committed groups. */
  readonly #filesWithRows = new Set<string>();
  /** Closed files that still have a write-ahead log. */
  readonly #unsealed = new Set<string>();
  readonly #monotonicMs: () => number;
  readonly #stats: StorageStats = { commits: 0, fsyncs: 0, checkpoints: 0, filesCreated: 0 };

  /** @param monotonicMs to detect slow disks; without it every disk counts as fast */
  constructor(monotonicMs: () => number = () => 0) {
    this.#monotonicMs = monotonicMs;
  }

  open(request: StorageOpenRequest): StorageOpenReport {
    const { dir, origins, maxBytes } = request;
    this.#dir = dir;
    this.#lock = lockLogFolder(dir);
    try {
      const disk = diskCapacityBytes(dir);
      const maxFileBytes = logFileBytes(Math.min(maxBytes, disk), request.maxFileBytes);
      this.#form = {
        origins,
        checkpointPages: Math.max(MIN_CHECKPOINT_PAGES, Math.min(MAX_CHECKPOINT_PAGES, Math.floor(maxFileBytes / 4 / PAGE_BYTES))),
      };
      this.#ballast = new Ballast(dir, request.ballastBytes ?? defaultBallastBytes(maxBytes, disk));
      const heads = readChainHeads(dir);
      const epochs = this.#withBallast(() => claimEpoch(dir, request.nowMs));
      finishSalvages(dir);
      this.#removal = new GradualRemoval(dir);
      this.#ampleSpaceBytes = maxFileBytes * AMPLE_SPACE_FILES;
      this.#writers = new LogFileWriters(dir, this.#form, maxFileBytes, this.#unsealed, this.#stats, this.#monotonicMs);
      const files = listLogFiles(dir);
      const opening: ChainContext = {
        dir,
        unsealed: this.#unsealed,
        read: (file) => this.#reader(file),
        salvage: (file, detail, least) => this.#salvage(file, detail, least),
        freeSpace: () => this.#ballast?.release() ?? false,
      };
      const chains = Object.fromEntries(
        request.chains.map((chain) => [
          chain,
          openChain(
            opening,
            files.filter((file) => file.chain === chain),
            heads[chain] ?? null,
          ),
        ]),
      );
      this.#head = new ChainHeadFile(dir, heads);
      this.#stats.fsyncs += 2;
      return { ...epochs, maxFileBytes, disk: this.disk(), chains };
    } catch (error) {
      this.#lock.release();
      this.#lock = null;
      throw error;
    }
  }

  /** Writes rows and metadata; on disk when it returns. */
  commit(request: CommitRequest): CommitReply {
    const bytes = this.#withBallast(() => this.#commit(this.#openWriters(), request));
    const { chain, file, groups, monotonicMs } = request;
    const last = groups.at(-1);
    if (last) this.#filesWithRows.add(file.name);
    if (last) this.#head?.write(chain, file.epoch, last.seq + last.count - 1, monotonicMs);
    return { bytes, disk: this.disk() };
  }

  #commit(writers: LogFileWriters, { chain, file, groups, state, trimmed, settled }: CommitRequest): Record<string, number> {
    const notes: Partial<Record<LogMetadataKind, string>> = {};
    if (state !== undefined) notes.state = state;
    if (trimmed !== undefined) notes.trimmed = trimmed;
    if (!writers.writesTo(chain, file.name)) {
      this.#checkNew(file, notes);
      this.#closeReader(file.name);
      writers.start(chain, file);
    }
    return writers.write(chain, groups, notes, settled === undefined ? [] : [settled]);
  }

  /** One step of maintenance between commits. @returns whether more may be due */
  runMaintenanceStep(): boolean {
    return (this.#writers?.runMaintenanceStep() ?? false) || (this.#removal?.removePortion() ?? false);
  }

  /** On a full disk, deletes the ballast and retries once. */
  #withBallast<T>(run: () => T): T {
    try {
      return run();
    } catch (error) {
      if (!isDiskFullFailure(storageFailureOf(error)) || !this.#ballast?.release()) throw error;
      return run();
    }
  }

  read(request: ReadRequest): ReadReply {
    const salvages: SalvageReport[] = [];
    const reply = readParts(request, {
      open: (part) => this.#writers?.open(part.name) ?? this.#reader(part),
      reopen: (part) => this.#closeReader(part.name),
      salvage: (part, detail) => {
        // Nothing more is appended to it; seal it if that is still possible.
        this.#writers?.seal(part.name);
        const done = this.#salvage(part, detail);
        if (done) salvages.push(done);
      },
    });
    return { ...reply, salvages };
  }

  /** Origins of the groups since a file's snapshot. Groups with a wrong checksum are skipped. */
  replay({ file, last }: { file: LogFileName; last: number }): ReplayReply {
    const salvages: SalvageReport[] = [];
    for (;;) {
      const reply: ReplayReply = { origins: [], settled: [], salvages };
      let damage: string | null = null;
      try {
        const reader = this.#reader(file);
        reply.settled = reader?.settledRanges() ?? [];
        for (const group of reader?.groups(file.first, last) ?? []) {
          if (group?.origin) reply.origins.push(group.origin);
          if (!group) damage ??= 'wrong checksum';
        }
      } catch (error) {
        if (!isCorruption(error)) throw error;
        damage = storageFailureOf(error).detail;
      }
      const done = damage === null || salvages.length > 0 ? null : this.#salvage(file, damage);
      if (!done) return reply;
      salvages.push(done);
    }
  }

  /** @param least the recovered rows must reach this number, else the file is left as it is */
  #salvage(file: LogFileName, detail: string, least = 0): SalvageReport | null {
    this.#closeReader(file.name);
    const rows = recoverFile(join(this.#dir, file.name), { epoch: file.epoch, origins: this.#form.origins });
    const last = rows.groups.at(-1);
    if (least > 0 && (!last || last.seq + last.count - 1 < least)) return null;
    const { inMemory, ...done } = replaceDamagedFile(this.#dir, file, rows, this.#form, detail);
    if (inMemory) this.#keepReader(file.name, inMemory);
    else this.#unsealed.delete(file.name);
    return done;
  }

  remove({ names }: { names: readonly string[] }): DiskReport {
    const { freeBytes, ballast } = this.disk();
    const hasAmpleSpace = ballast && freeBytes >= this.#ampleSpaceBytes;
    for (const name of names) {
      this.#closeReader(name);
      this.#unsealed.delete(name);
      if (hasAmpleSpace) this.#removal?.add(name);
      else removeDatabaseFile(join(this.#dir, name));
      this.#writers?.closeRemoved(name);
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
    if ((statSync(path, { throwIfNoEntry: false })?.size ?? 0) > MAX_QUARANTINE_BYTES)
      renameSync(path, join(this.#dir, 'quarantine-1.jsonl'));
    const isNew = !existsSync(path);
    const fd = openSync(path, 'a');
    try {
      writeSync(fd, `${line}\n`);
      fsyncSync(fd);
    } finally {
      closeSync(fd);
    }
    if (isNew) forceFolderSync(this.#dir);
    this.#stats.fsyncs += isNew ? 2 : 1;
    return null;
  }

  stats(): StorageStats {
    return { ...this.#stats, fsyncs: this.#stats.fsyncs + (this.#head?.fsyncs ?? 0) };
  }

  close(): null {
    this.#writers?.close();
    this.#writers = null;
    this.#removal?.close();
    this.#removal = null;
    for (const reader of this.#readers.values()) reader.close();
    this.#readers.clear();
    this.#head?.close();
    this.#head = null;
    this.#lock?.release();
    this.#lock = null;
    return null;
  }

  /**
   * A name may be reused only if the last attempt failed before any commit; a damaged file may have been closed without
   * the caller's knowledge.
   */
  #checkNew({ name }: LogFileName, { state }: Partial<Record<LogMetadataKind, string>>): void {
    if (this.#filesWithRows.has(name))
      throw new StorageError({
        code: 'FILE_HOLDS_ROWS',
        detail: `${name} is closed and has rows`,
        needsNewFile: true,
        locked: false,
        retryable: true,
      });
    if (state === undefined)
      throw new StorageError({
        code: 'STATE_MISSING',
        detail: `new file without state: ${name}`,
        needsNewFile: true,
        locked: false,
        retryable: true,
      });
  }

  #openWriters(): LogFileWriters {
    if (!this.#writers) throw new StorageError({ code: 'CLOSED', detail: 'log is not open', needsNewFile: false, locked: false });
    return this.#writers;
  }

  #reader(file: LogFileName): LogFile | null {
    const open = this.#readers.get(file.name);
    if (open) return open;
    const path = join(this.#dir, file.name);
    if (!existsSync(path)) return null;
    return this.#keepReader(file.name, LogFile.openForReading(path, file.epoch, this.#form.origins, !this.#unsealed.has(file.name)));
  }

  #keepReader(name: string, reader: LogFile): LogFile {
    const [oldest] = this.#readers.keys();
    if (this.#readers.size >= MAX_READERS && oldest !== undefined) this.#closeReader(oldest);
    this.#readers.set(name, reader);
    return reader;
  }
}
