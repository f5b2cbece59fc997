/**
 * Recovers rows of a damaged file and its write-ahead log from raw pages: a row is valid when its checksum is, wherever
 * it is and whatever the state of the B-tree.
 */
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { decodeGroupRow, decodeMetadataRow, type LogMetadataKind } from './log-file.ts';
import { findLeafCells, readCellPayload, PAGE_BYTES, decodeRecord, type LeafCell, type ColumnValue } from './sqlite-page.ts';
import type { LogGroup } from './storage.ts';
import { readWal } from './wal.ts';

const READ_BYTES = 256 << 10;
/** Root page of table m, after the schema and g. */
const METADATA_PAGE = 3;

export interface RecoveredRows {
  /** In order of numbers, without duplicates. */
  groups: LogGroup[];
  metadata: Partial<Record<LogMetadataKind, string>>;
  /** Settled ranges written without groups (gateway). */
  settled: string[];
}

/** A file's bytes; unreadable sectors are zeros. Only for files that are not open. */
export function readRawFile(path: string): Buffer {
  const fd = openSync(path, 'r');
  try {
    const bytes = Buffer.alloc(fstatSync(fd).size);
    const readable = (offset: number, length: number): boolean => {
      try {
        readSync(fd, bytes, offset, length, offset);
        return true;
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EIO') throw error;
        bytes.fill(0, offset, offset + length);
        return false;
      }
    };
    for (let offset = 0; offset < bytes.length; offset += READ_BYTES) {
      const end = Math.min(offset + READ_BYTES, bytes.length);
      if (readable(offset, end - offset)) continue;
      for (let page = offset; page < end; page += PAGE_BYTES) readable(page, Math.min(PAGE_BYTES, end - page));
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
  const metadata: RecoveredRows['metadata'] = {};
  const take = (rowid: number, values: ColumnValue[]): boolean => {
    const group = decodeGroupRow(form, rowid, values);
    if (group) {
      if (!groups.has(group.seq)) groups.set(group.seq, group);
      return true;
    }
    const note = decodeMetadataRow(values);
    if (note === null) return false;
    // d and m look alike; ranges are a list and metadata are not.
    if (note.startsWith('[')) settled.set(rowid, settled.get(rowid) ?? note);
    else if (rowid === 1) metadata.state ??= note;
    else if (rowid === 2) metadata.trimmed ??= note;
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
    metadata,
    settled: [...settled].toSorted(([a], [b]) => a - b).map(([, text]) => text),
  };
}

/** The pages of a file: the newest image of each and the older ones. */
class FilePages {
  readonly #file: Buffer;
  /** By page number, newest first; frames with a wrong checksum last, since their number may be wrong. */
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

  /** All images of all pages: the metadata page first, then newest first. */
  *inOrder(): Generator<Buffer> {
    yield* this.#images(METADATA_PAGE);
    for (const frame of this.#frames) yield frame;
    // The first page is the schema.
    for (let offset = PAGE_BYTES; offset < this.#file.length; offset += PAGE_BYTES) yield this.#fromFile(offset / PAGE_BYTES + 1) as Buffer;
  }

  /** A cell's payload with the newest and with the oldest images of its overflow pages. */
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
    const offset = (page - 1) * PAGE_BYTES;
    if (page < 1 || offset >= this.#file.length) return null;
    const bytes = this.#file.subarray(offset, offset + PAGE_BYTES);
    return bytes.length === PAGE_BYTES ? bytes : Buffer.concat([bytes, Buffer.alloc(PAGE_BYTES - bytes.length)]);
  }
}
