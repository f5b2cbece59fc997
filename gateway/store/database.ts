/**
 * The writing side of the time series. Rows go into the newest generation as they came, nothing overwritten at equal
 * times (`n` counts them), with the cursor of the log in the same transaction; what compaction made replaces rows in one
 * transaction too. Runs in the store's worker; whoever reads has a connection of its own.
 */
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { Cursor } from '../../core/log/types.ts';
import { seriesKey } from '../../core/event.ts';
import { SqliteFile } from '../sqlite/file.ts';
import { chunkRow, HEAD_COLUMNS, type Chunk } from './chunk.ts';
import { Generations, type Generation } from './generations.ts';
import { sweepSlice, type Sweep, type Swept } from './retention.ts';
import { fromSql, toSql, type SeriesHead, type SeriesSnapshot, type SqlPoint, type SqlValue, type StoredPoint } from './rows.ts';
import { checkVersion, migrate, SCHEMA } from './schema.ts';
import { SeriesChange, type Known } from './series-change.ts';

export interface Batch {
  upTo: Cursor;
  /** Series of this batch; rows name them by their place here. */
  series: SeriesHead[];
  /** In the order of the log. */
  rows: { series: number; point: StoredPoint }[];
}

/** The numbers of a commit that count in windows, as columns. */
export interface FedNumbers {
  ids: Int32Array;
  times: Float64Array;
  values: Float64Array;
}

/** Rows of some series became chunks. */
export interface Replacement {
  removed: number[];
  added: Chunk[];
  /** Rows of series fromId ≤ id ≤ toId in these generations: all of them, and so many. */
  generations: number[];
  fromId: number;
  toId: number;
  rows: number;
}

export class StoreDatabase {
  #file: SqliteFile | null = null;
  #known = new Map<string, Known>();
  #generations!: Generations;
  #insert!: StatementSync;
  #insertSeries!: StatementSync;
  #updateSeries!: StatementSync;
  #updateFirst!: StatementSync;
  #saveCursor!: StatementSync;

  /** The operations that the worker offers. */
  readonly operations = {
    open: ({ path }: { path: string }) => this.#open(path),
    commit: (batch: Batch) => this.#commit(batch),
    sweep: (sweep: Sweep): Swept => sweepSlice(this.#file as SqliteFile, this.#generations, sweep),
    generations: ({ sealBefore }: { sealBefore: number }): Generation[] => this.#sealed(sealBefore),
    replace: (replacement: Replacement) => { this.#replace(replacement); },
    retire: ({ generations }: { generations: number[] }) => { (this.#file as SqliteFile).transaction((db) => { this.#generations.retire(db, generations); }); },
    vacuum: ({ pages }: { pages: number }) => this.#vacuum(pages),
    bytes: () => this.#file?.bytes() ?? 0,
    close: () => { this.#file?.close(); },
  };

  #open(path: string): { cursor: Cursor; series: SeriesSnapshot[] } {
    const file = new SqliteFile(path, SCHEMA, { shared: true });
    this.#file = file;
    file.open((db) => { this.#prepare(db); });
    file.read((db) => { migrate(db, (run) => file.transaction(run)); });
    return file.read((db) => {
      this.#prepare(db);
      return { cursor: cursorOf(db), series: snapshot(db) };
    });
  }

  #prepare(db: DatabaseSync): void {
    checkVersion(db);
    this.#insert = db.prepare('INSERT INTO fresh SELECT ?1, ?2, ?3, coalesce((SELECT max(n) + 1 FROM fresh WHERE g = ?1 AND s = ?2 AND t = ?3), 0), ?4, ?5, ?6, ?7');
    this.#insertSeries = db.prepare(`INSERT INTO series (indicator, device, point, subject, centre, edge, kind, unit, first_at, last_at, v, q, f, x)
      VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING id`);
    this.#updateSeries = db.prepare('UPDATE series SET subject = ?, centre = ?, edge = ?, kind = ?, last_at = ?, v = ?, q = ?, f = ?, x = ? WHERE id = ?');
    this.#updateFirst = db.prepare('UPDATE series SET first_at = ? WHERE id = ?');
    this.#saveCursor = db.prepare('INSERT INTO progress VALUES (1, ?, ?) ON CONFLICT (one) DO UPDATE SET epoch = excluded.epoch, seq = excluded.seq');
    this.#known = new Map(snapshot(db).map((series) => [seriesKey(series), { id: series.id, unit: series.unit, firstAt: series.firstAt, lastAt: series.last.at }]));
    this.#generations = new Generations(db);
  }

  /** Writes rows and cursor in one transaction. @returns what became of the series of the batch, and its numbers */
  #commit(batch: Batch): { series: SeriesSnapshot[]; numbers: FedNumbers } {
    const file = this.#file as SqliteFile;
    return file.transaction((db) => {
      const changed = batch.series.map((head) => new SeriesChange(head, this.#known.get(seriesKey(head))));
      const rows: { id: number; at: number; sql: SqlPoint }[] = [];
      for (const { series, point } of batch.rows) {
        const change = changed[series] as SeriesChange;
        const placed = change.take(point);
        change.known ??= this.#createSeries(change.head, placed);
        rows.push({ id: change.known.id, at: placed.at, sql: toSql(placed) });
      }
      // Neighbours in the table are written one after the other; stable, so equal times stay in order of arrival.
      rows.sort((a, b) => a.id - b.id || a.at - b.at);
      const g = this.#generations.take(db, rows);
      for (const { id, at, sql } of rows) this.#insert.run(g, BigInt(id), BigInt(at), ...sql);
      for (const change of changed) if (change.known) this.#saveSeries(change);
      this.#saveCursor.run(BigInt(batch.upTo.epoch), BigInt(batch.upTo.seq));
      return { series: changed.flatMap((change) => change.snapshot()), numbers: numbersOf(rows) };
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

  /** Generations that nothing is written to any more, oldest first. */
  #sealed(sealBefore: number): Generation[] {
    this.#generations.sealBefore(sealBefore);
    return (this.#file as SqliteFile).read((db) => this.#generations.sealed(db));
  }

  #replace({ removed, added, generations, fromId, toId, rows }: Replacement): void {
    (this.#file as SqliteFile).transaction((db) => {
      const remove = db.prepare('DELETE FROM chunk WHERE id = ?');
      for (const id of removed) remove.run(BigInt(id));
      const insert = db.prepare(`INSERT INTO chunk (${HEAD_COLUMNS}, body) VALUES (${Array.from({ length: 16 }, () => '?').join(', ')})`);
      for (const chunk of added) insert.run(...chunkRow(chunk));
      const moved = db.prepare('DELETE FROM fresh WHERE g = ? AND s BETWEEN ? AND ?');
      let gone = 0;
      for (const g of generations) gone += Number(moved.run(BigInt(g), BigInt(fromId), BigInt(toId)).changes);
      // Something else has taken rows away meanwhile: nothing of this counts, the next pass sees what is there.
      if (gone !== rows) throw new Error(`${gone} rows, ${rows} were compacted`);
    });
  }

  /** Gives free pages back to the disk. @returns pages in use and free, after it */
  #vacuum(pages: number): { used: number; free: number } {
    return (this.#file as SqliteFile).read((db) => {
      if (pages > 0) db.exec(`PRAGMA incremental_vacuum(${pages})`);
      const { total, free } = db.prepare('SELECT (SELECT page_count FROM pragma_page_count) AS total, (SELECT freelist_count FROM pragma_freelist_count) AS free').get() as { total: number; free: number };
      return { used: total - free, free };
    });
  }
}

/** Numbers that are not bad. */
function numbersOf(rows: readonly { id: number; at: number; sql: SqlPoint }[]): FedNumbers {
  const counted = rows.filter(({ sql: [value, quality] }) => typeof value === 'number' && quality < 2n);
  return { ids: Int32Array.from(counted, ({ id }) => id), times: Float64Array.from(counted, ({ at }) => at), values: Float64Array.from(counted, ({ sql }) => sql[0] as number) };
}

export function cursorOf(db: DatabaseSync): Cursor {
  const row = db.prepare('SELECT epoch, seq FROM progress').get() as Cursor | undefined;
  return { epoch: row?.epoch ?? 0, seq: row?.seq ?? 0 };
}

function snapshot(db: DatabaseSync): SeriesSnapshot[] {
  const rows = db.prepare(`SELECT id, indicator, device, point, subject, centre, edge, kind, unit, first_at, last_at, v, q, f, x, typeof(v) AS type FROM series`).all() as unknown as (SeriesHead
    & { id: number; first_at: number; last_at: number; v: SqlValue; q: number; f: string | null; x: string | null; type: string })[];
  return rows.map(({ id, indicator, device, point, subject, centre, edge, kind, unit, first_at: firstAt, last_at: lastAt, v, q, f, x, type }) => ({
    id, indicator, device, point, subject, centre, edge, kind, unit, firstAt, last: fromSql(lastAt, type === 'integer', [v, q, f, x]),
  }));
}
