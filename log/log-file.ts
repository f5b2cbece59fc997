/**
 * One file of a chain: a SQLite database of one epoch, one row a group. Written by one handle in WAL mode, then sealed
 * (journal_mode=DELETE) so that it opens read-only anywhere. Layout, pragmas and their order were measured:
 * docs/decisions/0010-log-layout.md.
 *
 * Never open a live file through `fs`: closing any descriptor of it drops SQLite's own lock. `stat` is fine.
 */
import { DatabaseSync } from 'node:sqlite';
import { crc32 } from 'node:zlib';
import type { Stream } from '../core/event.ts';
import { forceSync } from '../core/folder.ts';
import { MAX_BATCH_EVENTS } from '../core/wire/batch.ts';
import { clearWalMode, removeDatabaseFile, walBytes } from './database-file.ts';
import { PAGE_BYTES, type ColumnValue } from './sqlite-page.ts';
import type { LogGroup, LogMetadata } from './storage.ts';
import { inTransaction } from './transaction.ts';

const IN_MEMORY = ':memory:';
/** Without maintenance between commits, a commit checkpoints at this many times the usual size. */
const AUTOCHECKPOINT_FACTOR = 6;
const GROUP_COLUMNS = 'seq INTEGER PRIMARY KEY, n INTEGER NOT NULL, crc INTEGER NOT NULL';
const ORIGIN_COLUMNS =
  'sender TEXT NOT NULL, stream TEXT NOT NULL, epoch INTEGER NOT NULL, first INTEGER NOT NULL, span INTEGER NOT NULL, at INTEGER NOT NULL';

/** Rows of table m: the state or snapshot of the log, the trim state, and whether the file was salvaged. */
export type LogMetadataKind = 'state' | 'trimmed' | 'salvaged';
const METADATA_ID: Record<LogMetadataKind, number> = { state: 1, trimmed: 2, salvaged: 3 };

export interface LogFileFormat {
  /** Rows carry the sender (gateway). */
  origins: boolean;
  /** Checkpoint at this many pages in the write-ahead log. */
  checkpointPages: number;
}

interface GroupRow {
  seq: number;
  n: number;
  crc: number;
  b: Uint8Array;
  sender?: string;
  stream?: string;
  epoch?: number;
  first?: number;
  span?: number;
  at?: number;
}

export class LogFile {
  readonly path: string;
  readonly epoch: number;
  readonly #db: DatabaseSync;
  readonly #origins: boolean;
  #isSalvaged: boolean | null = null;

  private constructor(path: string, epoch: number, db: DatabaseSync, origins: boolean) {
    this.path = path;
    this.epoch = epoch;
    this.#db = db;
    this.#origins = origins;
  }

  /** Creates an empty file, forced to disk; leaves nothing behind on failure. */
  static create(path: string, form: LogFileFormat): void {
    removeDatabaseFile(path);
    try {
      emptyDatabase(path, form).close();
      forceSync(path, 'r+');
    } catch (error) {
      removeDatabaseFile(path);
      throw error;
    }
  }

  /**
   * Opens a created file for writing. Its name is on disk with the first commit: SQLite forces the folder with a new
   * write-ahead log.
   */
  static openForWriting(path: string, epoch: number, form: LogFileFormat): LogFile {
    const db = new DatabaseSync(path);
    try {
      db.exec(
        `PRAGMA locking_mode=EXCLUSIVE; PRAGMA synchronous=FULL; PRAGMA wal_autocheckpoint=${form.checkpointPages * AUTOCHECKPOINT_FACTOR}`,
      );
      return new LogFile(path, epoch, db, form.origins);
    } catch (error) {
      db.close();
      throw error;
    }
  }

  static inMemory(epoch: number, form: LogFileFormat): LogFile {
    return new LogFile(IN_MEMORY, epoch, emptyDatabase(IN_MEMORY, form), form.origins);
  }

  /** An unsealed file is opened read-write, since its write-ahead log must be applied. */
  static openForReading(path: string, epoch: number, origins: boolean, sealed: boolean): LogFile {
    const db = new DatabaseSync(path, { readOnly: sealed });
    try {
      if (!sealed) db.exec('PRAGMA locking_mode=EXCLUSIVE');
      return new LogFile(path, epoch, db, origins);
    } catch (error) {
      db.close();
      throw error;
    }
  }

  /** Writes groups, metadata and settled ranges in one transaction. */
  write(groups: readonly LogGroup[], metadata: Partial<Record<LogMetadataKind, string>>, settled: readonly string[] = []): void {
    inTransaction(this.#db, () => {
      const columns = this.#origins ? 10 : 4;
      const insert = this.#db.prepare(`INSERT INTO g VALUES (${Array.from({ length: columns }, () => '?').join(',')})`);
      for (const group of groups) {
        const { seq, count, payload, origin } = group;
        const crc = checksum(this.epoch, group);
        if (origin)
          insert.run(seq, count, crc, origin.sender, origin.stream, origin.epoch, origin.seq, origin.span, origin.receivedAt, payload);
        else insert.run(seq, count, crc, payload);
      }
      this.#writeMetadata(metadata);
      for (const text of settled) this.#db.prepare('INSERT INTO d (crc, j) VALUES (?, ?)').run(crc32(text), text);
    });
  }

  /** The last number in the rows and the arrival of its group; null without rows. */
  newestNumber(): { last: number; lastAt: number } | null {
    const rows = this.#db.prepare('SELECT * FROM g ORDER BY seq DESC LIMIT 64').all() as unknown as GroupRow[];
    const sound = rows.findIndex((row) => this.#checked(row) !== null);
    if (rows.length === 0) return null;
    const from = rows[sound];
    let last = from ? from.seq + from.n - 1 : 0;
    // Damaged rows after the last valid one count as far as plausible, so that their loss is recorded.
    for (const row of rows.slice(0, sound < 0 ? rows.length : sound).toReversed()) {
      if ((row.seq === last + 1 || last === 0) && Number.isSafeInteger(row.n) && row.n >= 1 && row.n <= MAX_BATCH_EVENTS)
        last = row.seq + row.n - 1;
    }
    return { last, lastAt: from?.at ?? 0 };
  }

  /** The file was salvaged: rows may be missing. */
  get isSalvaged(): boolean {
    this.#isSalvaged ??= this.metadata('salvaged').text !== null;
    return this.#isSalvaged;
  }

  metadata(kind: LogMetadataKind): LogMetadata {
    const row = this.#db.prepare('SELECT crc, j FROM m WHERE id = ?').get(METADATA_ID[kind]) as { crc: number; j: string } | undefined;
    if (!row) return { text: null, damaged: false };
    return isChecksumValid(row) ? { text: row.j, damaged: false } : { text: null, damaged: true };
  }

  /** Settled ranges written without groups; damaged rows are skipped. */
  settledRanges(): string[] {
    const rows = this.#db.prepare('SELECT crc, j FROM d ORDER BY id').all() as { crc: number; j: string }[];
    return rows.filter(isChecksumValid).map(({ j }) => j);
  }

  /**
   * Groups that start in [from, to], in order; null for a wrong checksum.
   * @throws SQLite errors when pages are damaged
   */
  *groups(from: number, to: number): Generator<LogGroup | null> {
    for (const row of this.#db.prepare('SELECT * FROM g WHERE seq >= ? AND seq <= ? ORDER BY seq').iterate(from, to)) {
      yield this.#checked(row as unknown as GroupRow);
    }
  }

  /** The group that contains a number; null if no row does. */
  groupAt(seq: number): LogGroup | null {
    const row = this.#db.prepare('SELECT * FROM g WHERE seq <= ? ORDER BY seq DESC LIMIT 1').get(seq) as unknown as GroupRow | undefined;
    const group = row ? this.#checked(row) : null;
    return group && group.seq + group.count > seq ? group : null;
  }

  /** Neither rows nor metadata. */
  get isEmpty(): boolean {
    const { found } = this.#db.prepare('SELECT EXISTS (SELECT 1 FROM g) OR EXISTS (SELECT 1 FROM m) AS found').get() as { found: number };
    return found === 0;
  }

  /** Bytes on disk, side files included, after a checkpoint. */
  get bytes(): number {
    const { page_count: pages } = this.#db.prepare('PRAGMA page_count').get() as { page_count: number };
    return pages * PAGE_BYTES + walBytes(this.path);
  }

  /** Pages only in the write-ahead log. */
  get uncheckpointedPages(): number {
    const { log, checkpointed } = this.#db.prepare('PRAGMA wal_checkpoint(NOOP)').get() as { log: number; checkpointed: number };
    return log - checkpointed;
  }

  /** Copies the pages of the write-ahead log into the file. */
  checkpoint(): void {
    this.#db.exec('PRAGMA wal_checkpoint(PASSIVE)');
  }

  /** Checkpoints, closes and removes the side files; closes even on failure. */
  seal(): void {
    try {
      this.checkpoint();
    } finally {
      this.#db.close();
    }
    clearWalMode(this.path);
  }

  close(): void {
    this.#db.close();
  }

  #checked(row: GroupRow): LogGroup | null {
    return checkedGroup({ epoch: this.epoch, origins: this.#origins }, row);
  }

  #writeMetadata(metadata: Partial<Record<LogMetadataKind, string>>): void {
    for (const [kind, text] of Object.entries(metadata) as [LogMetadataKind, string][]) {
      this.#db
        .prepare('INSERT INTO m VALUES (?, ?, ?) ON CONFLICT (id) DO UPDATE SET crc = excluded.crc, j = excluded.j')
        .run(METADATA_ID[kind], crc32(text), text);
    }
  }
}

/** The group of a row; null for a wrong checksum. */
function checkedGroup({ epoch, origins }: { epoch: number; origins: boolean }, row: GroupRow): LogGroup | null {
  // Damage may change column types, and a digit and its text have the same checksum.
  const numbers = origins ? [row.n, row.epoch, row.first, row.span, row.at] : [row.n];
  const texts = origins ? [row.sender, row.stream] : [];
  if (!(row.b instanceof Uint8Array) || !numbers.every(Number.isSafeInteger) || texts.some((text) => typeof text !== 'string')) return null;
  const group: LogGroup = { seq: row.seq, count: row.n, payload: row.b };
  if (origins) {
    group.origin = {
      sender: row.sender as string,
      stream: row.stream as Stream,
      epoch: row.epoch as number,
      seq: row.first as number,
      span: row.span as number,
      receivedAt: row.at as number,
    };
  }
  return checksum(epoch, group) === row.crc ? group : null;
}

const isChecksumValid = ({ crc, j }: { crc: number; j: unknown }) => typeof j === 'string' && crc32(j) === crc;

/** Decodes raw columns of table g, `rowid` being the first; null when they are not a valid group. */
export function decodeGroupRow(form: { epoch: number; origins: boolean }, rowid: number, values: readonly ColumnValue[]): LogGroup | null {
  const [, n, crc, ...rest] = values as [unknown, number, number, ...unknown[]];
  const b = rest.at(-1) as Buffer;
  if (values.length !== (form.origins ? 10 : 4)) return null;
  const [sender, stream, epoch, first, span, receivedAt] = rest as [string, string, number, number, number, number];
  return checkedGroup(
    form,
    form.origins ? { seq: rowid, n, crc, b, sender, stream, epoch, first, span, at: receivedAt } : { seq: rowid, n, crc, b },
  );
}

/** Decodes raw columns of table m or d; null when they are not valid. */
export function decodeMetadataRow(values: readonly ColumnValue[]): string | null {
  const [, crc, text] = values;
  return values.length === 3 && typeof text === 'string' && crc32(text) === crc ? text : null;
}

/** Covers the numbers as well as the payload. */
function checksum(epoch: number, { seq, count, payload, origin }: LogGroup): number {
  const name = [
    epoch,
    seq,
    count,
    ...(origin ? [origin.sender, origin.stream, origin.epoch, origin.seq, origin.span, origin.receivedAt] : []),
  ].join('|');
  return crc32(payload, crc32(name));
}

function emptyDatabase(path: string, form: LogFileFormat): DatabaseSync {
  const db = new DatabaseSync(path);
  try {
    // Forced to disk once, before it is used.
    db.exec(`PRAGMA page_size=${PAGE_BYTES}; PRAGMA locking_mode=EXCLUSIVE; PRAGMA synchronous=OFF; PRAGMA journal_mode=WAL; BEGIN`);
    db.exec(`CREATE TABLE g (${GROUP_COLUMNS}, ${form.origins ? `${ORIGIN_COLUMNS}, ` : ''}b BLOB NOT NULL) STRICT`);
    db.exec('CREATE TABLE m (id INTEGER PRIMARY KEY, crc INTEGER NOT NULL, j TEXT NOT NULL) STRICT');
    if (form.origins) db.exec('CREATE TABLE d (id INTEGER PRIMARY KEY, crc INTEGER NOT NULL, j TEXT NOT NULL) STRICT');
    db.exec('COMMIT');
    return db;
  } catch (error) {
    db.close();
    throw error;
  }
}
