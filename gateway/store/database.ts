/**
 * The time series in SQLite: rows clustered by time (fast to write, and a window over all series is one scan), nothing
 * overwritten at equal times (`n` counts them). Runs in the store's worker.
 *
 * Closed spans will move into compressed chunks beside `recent`; whatever reads rows goes through `read.ts` for that.
 */
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { Cursor } from '../../core/log/types.ts';
import { seriesKey } from '../../core/event.ts';
import { SqliteFile } from '../sqlite/file.ts';
import { readBuckets, readRows, readWindow } from './read.ts';
import { fromSql, toSql, type SeriesHead, type SqlValue, type StoredPoint } from './rows.ts';

const SCHEMA = `
CREATE TABLE IF NOT EXISTS progress (one INTEGER PRIMARY KEY CHECK (one = 1), epoch INTEGER NOT NULL, seq INTEGER NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS series (
  id INTEGER PRIMARY KEY, indicator TEXT NOT NULL, device TEXT NOT NULL, point TEXT NOT NULL,
  subject TEXT NOT NULL, centre TEXT NOT NULL, edge TEXT NOT NULL, kind TEXT NOT NULL, unit TEXT NOT NULL,
  first_at INTEGER NOT NULL, last_at INTEGER NOT NULL, v ANY, q INTEGER NOT NULL, f TEXT, x TEXT,
  UNIQUE (indicator, device, point)) STRICT;
CREATE TABLE IF NOT EXISTS recent (t INTEGER NOT NULL, s INTEGER NOT NULL, n INTEGER NOT NULL, v ANY, q INTEGER NOT NULL, f TEXT, x TEXT,
  PRIMARY KEY (t, s, n)) STRICT, WITHOUT ROWID;
`;

export interface Batch {
  upTo: Cursor;
  /** Series of this batch; rows name them by their place here. */
  series: SeriesHead[];
  /** In the order of the log. */
  rows: { series: number; point: StoredPoint }[];
}

export interface SeriesSnapshot extends SeriesHead {
  id: number;
  firstAt: number;
  last: StoredPoint;
}

export interface RangeRequest {
  id: number;
  from: number;
  to: number;
}

export interface Sweep {
  /** Rows before this go. */
  beforeAt: number;
  /** Rows go, oldest first, while more bytes than this are in use. */
  maxBytes: number;
  maxRows: number;
}

interface Known {
  id: number;
  unit: string;
  firstAt: number;
  lastAt: number;
}

export class StoreDatabase {
  #file: SqliteFile | null = null;
  #known = new Map<string, Known>();
  #insert!: StatementSync;
  #insertSeries!: StatementSync;
  #updateSeries!: StatementSync;
  #updateFirst!: StatementSync;
  #saveCursor!: StatementSync;

  /** The operations that the worker offers. */
  readonly operations = {
    open: ({ path }: { path: string }) => this.#open(path),
    commit: (batch: Batch) => this.#commit(batch),
    rows: (request: RangeRequest & { after: { at: number; n: number } | null; limit: number }) => this.#db((db) => readRows(db, request)),
    buckets: (request: RangeRequest & { maxPoints: number }) => this.#db((db) => readBuckets(db, request)),
    window: (request: { from: number; to: number }) => this.#db((db) => readWindow(db, request)),
    sweep: (sweep: Sweep) => this.#sweep(sweep),
    bytes: () => this.#file?.bytes() ?? 0,
    close: () => { this.#file?.close(); },
  };

  #open(path: string): { cursor: Cursor; series: SeriesSnapshot[] } {
    this.#file = new SqliteFile(path, SCHEMA);
    this.#file.open((db) => { this.#prepare(db); });
    return this.#db((db) => ({ cursor: cursorOf(db), series: snapshot(db) }));
  }

  #prepare(db: DatabaseSync): void {
    this.#insert = db.prepare(`INSERT INTO recent SELECT ?1, ?2, coalesce((SELECT max(n) + 1 FROM recent WHERE t = ?1 AND s = ?2), 0), ?3, ?4, ?5, ?6`);
    this.#insertSeries = db.prepare(`INSERT INTO series (indicator, device, point, subject, centre, edge, kind, unit, first_at, last_at, v, q, f, x)
      VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING id`);
    this.#updateSeries = db.prepare('UPDATE series SET subject = ?, centre = ?, edge = ?, kind = ?, last_at = ?, v = ?, q = ?, f = ?, x = ? WHERE id = ?');
    this.#updateFirst = db.prepare('UPDATE series SET first_at = ? WHERE id = ?');
    this.#saveCursor = db.prepare('INSERT INTO progress VALUES (1, ?, ?) ON CONFLICT (one) DO UPDATE SET epoch = excluded.epoch, seq = excluded.seq');
    this.#known = new Map(snapshot(db).map((series) => [seriesKey(series), { id: series.id, unit: series.unit, firstAt: series.firstAt, lastAt: series.last.at }]));
  }

  /** Writes rows and cursor in one transaction. @returns what became of the series of the batch */
  #commit(batch: Batch): SeriesSnapshot[] {
    const file = this.#file as SqliteFile;
    return file.transaction(() => {
      const changed = batch.series.map((head) => new SeriesChange(head, this.#known.get(seriesKey(head))));
      for (const { series, point } of batch.rows) {
        const change = changed[series] as SeriesChange;
        const placed = change.take(point);
        change.known ??= this.#createSeries(change.head, placed);
        this.#insert.run(BigInt(placed.at), BigInt(change.known.id), ...toSql(placed));
      }
      for (const change of changed) if (change.known) this.#saveSeries(change);
      this.#saveCursor.run(BigInt(batch.upTo.epoch), BigInt(batch.upTo.seq));
      return changed.flatMap((change) => change.snapshot());
    });
  }

  #createSeries(head: SeriesHead, point: StoredPoint): Known {
    const { indicator, device, point: name, subject, centre, edge, kind, unit } = head;
    const row = this.#insertSeries.get(indicator, device, name, subject, centre, edge, kind, unit, BigInt(point.at), BigInt(point.at), ...toSql(point)) as { id: number };
    const known = { id: row.id, unit, firstAt: point.at, lastAt: point.at };
    this.#known.set(seriesKey(head), known);
    return known;
  }

  #saveSeries(change: SeriesChange): void {
    const known = change.known as Known;
    const { head, newest, oldestAt } = change;
    if (oldestAt < known.firstAt) this.#updateFirst.run(BigInt(oldestAt), BigInt(known.id));
    if (newest && newest.at >= known.lastAt) this.#updateSeries.run(head.subject, head.centre, head.edge, head.kind, BigInt(newest.at), ...toSql(newest), BigInt(known.id));
    known.firstAt = Math.min(known.firstAt, oldestAt);
    known.lastAt = Math.max(known.lastAt, newest?.at ?? 0);
  }

  /** Lets go of one slice of old rows. @returns rows gone, and whether more must go */
  #sweep({ beforeAt, maxBytes, maxRows }: Sweep): { byAge: number; bySize: number; more: boolean } {
    const file = this.#file as SqliteFile;
    const overfull = usedBytes(file) > maxBytes;
    const edge = file.read((db) => db.prepare('SELECT t FROM recent ORDER BY t LIMIT 1 OFFSET ?').get(BigInt(maxRows)) as { t: number } | undefined);
    const sliceEnd = edge ? edge.t + 1 : Number.MAX_SAFE_INTEGER;
    const until = overfull ? sliceEnd : Math.min(sliceEnd, Math.max(0, beforeAt));
    const gone = file.transaction((db) => Number(db.prepare('DELETE FROM recent WHERE t < ?').run(BigInt(until)).changes));
    if (gone > 0) file.read((db) => { db.exec('PRAGMA incremental_vacuum(256)'); });
    return { byAge: overfull ? 0 : gone, bySize: overfull ? gone : 0, more: gone > 0 && (overfull || edge !== undefined) };
  }

  #db<T>(run: (db: DatabaseSync) => T): T {
    return (this.#file as SqliteFile).read(run);
  }
}

/** What a batch does to one series. */
class SeriesChange {
  readonly head: SeriesHead;
  known: Known | undefined;
  newest: StoredPoint | null = null;
  oldestAt = Infinity;

  constructor(head: SeriesHead, known: Known | undefined) {
    this.head = head;
    this.known = known;
  }

  /** A value in another unit than its series says so in its row. */
  take(point: StoredPoint): StoredPoint {
    const placed = withUnit(point, point.extra?.unit ?? this.head.unit, this.known?.unit ?? this.head.unit);
    if (!this.newest || placed.at >= this.newest.at) this.newest = placed;
    this.oldestAt = Math.min(this.oldestAt, placed.at);
    return placed;
  }

  /** The series as it is now, when its newest value came with this batch or its start moved. */
  snapshot(): SeriesSnapshot[] {
    if (!this.known || !this.newest) return [];
    return [{ ...this.head, unit: this.known.unit, id: this.known.id, firstAt: this.known.firstAt, last: this.newest }];
  }
}

function withUnit(point: StoredPoint, unit: string, seriesUnit: string): StoredPoint {
  const { extra, flags, ...plain } = point;
  if (unit !== seriesUnit) return { ...plain, flags: flags.includes('unit') ? flags : [...flags, 'unit'], extra: { ...extra, unit } };
  return extra?.window ? { ...plain, flags, extra: { window: extra.window } } : { ...plain, flags };
}

function cursorOf(db: DatabaseSync): Cursor {
  return (db.prepare('SELECT epoch, seq FROM progress').get() as Cursor | undefined) ?? { epoch: 0, seq: 0 };
}

function snapshot(db: DatabaseSync): SeriesSnapshot[] {
  const rows = db.prepare(`SELECT id, indicator, device, point, subject, centre, edge, kind, unit, first_at, last_at, v, q, f, x, typeof(v) AS type FROM series`).all() as unknown as (SeriesHead
    & { id: number; first_at: number; last_at: number; v: SqlValue; q: number; f: string | null; x: string | null; type: string })[];
  return rows.map(({ id, indicator, device, point, subject, centre, edge, kind, unit, first_at: firstAt, last_at: lastAt, v, q, f, x, type }) => ({
    id, indicator, device, point, subject, centre, edge, kind, unit, firstAt, last: fromSql(lastAt, type === 'integer', [v, q, f, x]),
  }));
}

function usedBytes(file: SqliteFile): number {
  return file.read((db) => {
    const { pages } = db.prepare('SELECT (SELECT page_count FROM pragma_page_count) - (SELECT freelist_count FROM pragma_freelist_count) AS pages').get() as { pages: number };
    return pages * 4096;
  });
}
