/**
 * All rows that a damaged file and its write-ahead log still hold, found by walking their raw pages: a row counts when
 * its own checksum says so, wherever it lies and whatever became of the tree above it.
 */
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { decodeGroupRow, decodeMetadataRow, type LogMetadataKind } from './log-file.ts';
import { findLeafCells, readCellPayload, PAGE_BYTES, decodeRecord, type LeafCell, type ColumnValue } from './sqlite-page.ts';
import type { LogGroup } from './storage.ts';
import { readWal } from './wal.ts';

const READ_BYTES = 256 << 10;
/** Where m begins: the third table-less page, after the schema and g. */
const NOTES_PAGE = 3;

export interface RecoveredRows {
  /** In order of numbers, none twice. */
  groups: LogGroup[];
  notes: Partial<Record<LogMetadataKind, string>>;
  /** Settled ranges that were written beside groups (a gateway's). */
  settled: string[];
}

/** A file's bytes; sectors that cannot be read are zeros. Only for files nobody has open. */
export function readRawFile(path: string): Buffer {
  const fd = openSync(path, 'r');
  try {
    const bytes = Buffer.alloc(fstatSync(fd).size);
    const readable = (at: number, length: number): boolean => {
      try {
        readSync(fd, bytes, at, length, at);
        return true;
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EIO') throw error;
        bytes.fill(0, at, at + length);
        return false;
      }
    };
    for (let at = 0; at < bytes.length; at += READ_BYTES) {
      const end = Math.min(at + READ_BYTES, bytes.length);
      if (readable(at, end - at)) continue;
      for (let page = at; page < end; page += PAGE_BYTES) readable(page, Math.min(PAGE_BYTES, end - page));
    }
    return bytes;
  } finally {
    closeSync(fd);
  }
}

/**
 * @param file the whole file, headers and all
 * @param log its write-ahead log, empty when it has none
 */
export function recoverRows(file: Buffer, log: Buffer, form: { epoch: number; origins: boolean }): RecoveredRows {
  const pages = new FilePages(file, log);
  const groups = new Map<number, LogGroup>();
  const settled = new Map<number, string>();
  const notes: RecoveredRows['notes'] = {};
  const take = (rowid: number, values: ColumnValue[]): boolean => {
    const group = decodeGroupRow(form, rowid, values);
    if (group) {
      if (!groups.has(group.seq)) groups.set(group.seq, group);
      return true;
    }
    const note = decodeMetadataRow(values);
    if (note === null) return false;
    // d and m look alike; ranges are a list and notes are not.
    if (note.startsWith('[')) settled.set(rowid, settled.get(rowid) ?? note);
    else if (rowid === 1) notes.state ??= note;
    else if (rowid === 2) notes.trimmed ??= note;
    return true;
  };
  for (const page of pages.inOrder()) {
    for (const cell of findLeafCells(page)) pages.payloads(cell).some((payload) => {
      const values = decodeRecord(payload);
      return values !== null && take(cell.rowid, values);
    });
  }
  return {
    groups: [...groups.values()].toSorted((a, b) => a.seq - b.seq),
    notes,
    settled: [...settled].toSorted(([a], [b]) => a - b).map(([, text]) => text),
  };
}

/** The pages of a file, each as the newest commit left it and as it was before. */
class FilePages {
  readonly #file: Buffer;
  /** By number, newest first; frames with a wrong checksum come last, since their number may be wrong. */
  readonly #newer = new Map<number, Buffer[]>();
  readonly #frames: Buffer[];

  constructor(file: Buffer, log: Buffer) {
    this.#file = file;
    const { frames } = readWal(log);
    const newestFirst = frames.toReversed();
    this.#frames = newestFirst.map(({ image }) => image);
    for (const { page, image } of [...newestFirst.filter(({ sound }) => sound), ...newestFirst.filter(({ sound }) => !sound)]) {
      this.#newer.set(page, [...(this.#newer.get(page) ?? []), image]);
    }
  }

  /** Every page once for each image of it: what is newest comes first, and the notes' own page before all others. */
  *inOrder(): Generator<Buffer> {
    yield* this.#images(NOTES_PAGE);
    for (const frame of this.#frames) yield frame;
    // The first page is the schema's.
    for (let at = PAGE_BYTES; at < this.#file.length; at += PAGE_BYTES) yield this.#fromFile(at / PAGE_BYTES + 1) as Buffer;
  }

  /** A cell's payload by each generation of the pages that it goes on in. */
  payloads(cell: LeafCell): Buffer[] {
    if (cell.overflowPage === 0) return [cell.local];
    const newest = readCellPayload(cell, (page) => this.#images(page)[0] ?? null);
    const oldest = this.#newer.size === 0 ? null : readCellPayload(cell, (page) => this.#images(page).at(-1) ?? null);
    return [newest, oldest].filter((payload) => payload !== null);
  }

  #images(page: number): Buffer[] {
    const own = this.#fromFile(page);
    return [...(this.#newer.get(page) ?? []), ...(own ? [own] : [])];
  }

  #fromFile(page: number): Buffer | null {
    const at = (page - 1) * PAGE_BYTES;
    if (page < 1 || at >= this.#file.length) return null;
    const bytes = this.#file.subarray(at, at + PAGE_BYTES);
    return bytes.length === PAGE_BYTES ? bytes : Buffer.concat([bytes, Buffer.alloc(PAGE_BYTES - bytes.length)]);
  }
}
