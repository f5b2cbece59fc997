/** The files of one ordered stream, oldest first, as the main thread knows them. Pure bookkeeping. */
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

  /** The last number a file answers for: what a later file of its epoch begins with is not its own. */
  lastSeqOf(file: FileReport): number {
    const next = this.#files[this.#files.indexOf(file) + 1];
    const cut = next?.epoch === file.epoch ? next.first - 1 : Infinity;
    return file.damaged && cut !== Infinity ? cut : Math.min(file.last, cut);
  }

  /** No later file is of its epoch. */
  endsEpoch(file: FileReport): boolean {
    return this.#files[this.#files.indexOf(file) + 1]?.epoch !== file.epoch;
  }

  /** Where a commit goes whose first number is `seq`. */
  fileForCommit(epoch: number, seq: number): LogFileName {
    const current = this.#current;
    if (current && !this.#rollNext && current.bytes < this.#maxFileBytes) return { name: current.name, epoch: current.epoch, first: current.first };
    return logFileName(this.name, epoch, seq);
  }

  /** Whether a commit there begins a file, which then needs its notes. */
  startsFile(target: LogFileName): boolean {
    return this.#current?.name !== target.name;
  }

  recordCommit(target: LogFileName, last: number, lastAt: number, bytes: Record<string, number>): void {
    if (!this.#current || this.startsFile(target)) {
      this.#rollNext = false;
      this.#current = { ...target, last: target.first - 1, lastAt: 0, bytes: 0, damaged: false };
      this.#files = [...this.#files.filter((file) => file.name !== target.name), this.#current];
    }
    this.#current.last = Math.max(this.#current.last, last);
    this.#current.lastAt = Math.max(this.#current.lastAt, lastAt);
    for (const file of this.#files) file.bytes = bytes[file.name] ?? file.bytes;
  }

  /** A file reaches at least this far, as is known elsewhere. */
  extend(name: string, last: number): void {
    for (const file of this.#files) if (file.name === name) file.last = Math.max(file.last, last);
  }

  /** The next commit starts a new file. */
  roll(): void {
    this.#rollNext = true;
  }

  /** The commit failed. After most failures the handle is gone and the file not to be trusted further. */
  recordFailure(failure: StorageFailure): void {
    if (failure.needsNewFile && this.#current) this.roll();
  }

  /** Damage was found in a file; nothing more is appended to it. */
  markDamaged(name: string, bytes?: number): void {
    for (const file of this.#files) if (file.name === name) Object.assign(file, { damaged: true, bytes: bytes ?? file.bytes });
    if (this.#current?.name === name) this.roll();
  }

  /** What salvaged files should hold and do not. */
  missingRanges(salvages: readonly SalvageReport[]): MissingRange[] {
    return salvages.flatMap(({ name, present, detail }) => {
      const file = this.#files.find((one) => one.name === name);
      return file ? missingRanges(present, file.first, this.lastSeqOf(file)).map(([from, to]) => ({ name, epoch: file.epoch, from, to, detail })) : [];
    });
  }

  /** The oldest file that may go: the newest one only if it holds rows and is at least half full; it is rolled then. */
  oldestRemovable(): FileReport | null {
    const [oldest] = this.#files;
    if (!oldest) return null;
    if (this.#files.length > 1) return oldest;
    return this.lastSeqOf(oldest) >= oldest.first && oldest.bytes * 2 >= this.#maxFileBytes ? oldest : null;
  }

  /** Files but the newest, for which `free` holds. */
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

  /** How many numbers lie after one place and up to another. */
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
