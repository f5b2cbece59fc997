/** The files of one ordered stream, oldest first, as the main thread knows them. No I/O. */
import { logFileName } from './file-name.ts';
import { missingRanges } from './ranges.ts';
import type { LogFileName, FileReport, MissingRange, ReadRequest, SalvageReport, StorageFailure } from './storage.ts';
import type { Cursor } from './types.ts';

export class FileChain {
  readonly name: string;
  readonly #maxFileBytes: number;
  #files: FileReport[];
  /** The file this opening writes to. */
  #current: FileReport | null = null;
  #rollNext = false;

  constructor(name: string, maxFileBytes: number, files: readonly FileReport[] = []) {
    this.name = name;
    this.#maxFileBytes = maxFileBytes;
    this.#files = files.map((file) => ({ ...file }));
  }

  get files(): readonly FileReport[] {
    return this.#files;
  }

  get bytes(): number {
    return this.#files.reduce((sum, file) => sum + file.bytes, 0);
  }

  /** Last number of a file: a later file of the same epoch starts after it. */
  lastSeqOf(file: FileReport): number {
    const next = this.#files[this.#files.indexOf(file) + 1];
    const cut = next?.epoch === file.epoch ? next.first - 1 : Infinity;
    return file.damaged && cut !== Infinity ? cut : Math.min(file.last, cut);
  }

  /** Whether it is the last file of its epoch. */
  endsEpoch(file: FileReport): boolean {
    return this.#files[this.#files.indexOf(file) + 1]?.epoch !== file.epoch;
  }

  /** The file for a commit that starts with `seq`. */
  fileForCommit(epoch: number, seq: number): LogFileName {
    const current = this.#current;
    if (current && !this.#rollNext && current.bytes < this.#maxFileBytes)
      return { name: current.name, epoch: current.epoch, first: current.first };
    return logFileName(this.name, epoch, seq);
  }

  /** Whether a commit to `target` starts a new file, which needs its metadata. */
  startsFile(target: LogFileName): boolean {
    return this.#current?.name !== target.name;
  }

  recordCommit(target: LogFileName, last: number, lastAt: number, bytes: Record<string, number>): void {
    if (!this.#current || this.startsFile(target)) {
      this.#rollNext = false;
      this.#current = { ...target, last, lastAt, bytes: 0, damaged: false };
      this.#files = [...this.#files.filter((file) => file.name !== target.name), this.#current];
    }
    this.#current.last = Math.max(this.#current.last, last);
    this.#current.lastAt = Math.max(this.#current.lastAt, lastAt);
    for (const file of this.#files) file.bytes = bytes[file.name] ?? file.bytes;
  }

  /** The file holds at least this number, as known from elsewhere. */
  extend(name: string, last: number): void {
    for (const file of this.#files) if (file.name === name) file.last = Math.max(file.last, last);
  }

  /** Makes the next commit start a new file. */
  roll(): void {
    this.#rollNext = true;
  }

  /** A commit failed. After most failures the handle is closed and the file must not be appended to. */
  recordFailure(failure: StorageFailure): void {
    if (failure.needsNewFile && this.#current) this.roll();
  }

  /** Marks a file as damaged; nothing is appended to it any more. */
  markDamaged(name: string, bytes?: number): void {
    for (const file of this.#files) if (file.name === name) Object.assign(file, { damaged: true, bytes: bytes ?? file.bytes });
    if (this.#current?.name === name) this.roll();
  }

  /** Numbers that salvaged files should hold but do not. */
  missingRanges(salvages: readonly SalvageReport[]): MissingRange[] {
    return salvages.flatMap(({ name, present, detail }) => {
      const file = this.#files.find((one) => one.name === name);
      return file
        ? missingRanges(present, file.first, this.lastSeqOf(file)).map(([from, to]) => ({ name, epoch: file.epoch, from, to, detail }))
        : [];
    });
  }

  /** The oldest removable file. The newest one only if it has rows and is at least half full; it is rolled then. */
  oldestRemovable(): FileReport | null {
    const [oldest] = this.#files;
    if (!oldest) return null;
    if (this.#files.length > 1) return oldest;
    return this.lastSeqOf(oldest) >= oldest.first && oldest.bytes * 2 >= this.#maxFileBytes ? oldest : null;
  }

  /** Files except the newest for which `free` holds. */
  removable(free: (file: FileReport, last: number) => boolean): FileReport[] {
    return this.#files.slice(0, -1).filter((file) => free(file, this.lastSeqOf(file)));
  }

  remove(names: readonly string[]): void {
    this.#files = this.#files.filter((file) => !names.includes(file.name));
    if (this.#current && names.includes(this.#current.name)) this.#current = null;
  }

  partsAfter(after: Cursor): ReadRequest['parts'] {
    return this.#files.flatMap((file) => {
      const to = this.lastSeqOf(file);
      const from = file.epoch === after.epoch ? Math.max(file.first, after.seq + 1) : file.first;
      return file.epoch < after.epoch || from > to ? [] : [{ name: file.name, epoch: file.epoch, first: file.first, from, to }];
    });
  }

  /** The last number of an epoch on disk; null when no file is of that epoch. */
  lastSeqOfEpoch(epoch: number): number | null {
    const file = this.#files.findLast((one) => one.epoch === epoch);
    return file ? this.lastSeqOf(file) : null;
  }

  /** Count of numbers in (after, upTo]. */
  countBetween(after: Cursor, upTo: Cursor): number {
    return this.partsAfter(after).reduce((sum, { epoch, from, to }) => {
      const end = epoch > upTo.epoch ? 0 : epoch === upTo.epoch ? Math.min(to, upTo.seq) : to;
      return sum + Math.max(0, end - from + 1);
    }, 0);
  }

  /** The last number on disk; null when no file holds any. */
  head(): Cursor | null {
    const file = this.#files.findLast((one) => this.lastSeqOf(one) >= one.first);
    return file ? { epoch: file.epoch, seq: this.lastSeqOf(file) } : null;
  }
}
