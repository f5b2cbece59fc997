/**
 * The writing side of the time series. Points go into the newest generation as they came, a block a commit, nothing
 * overwritten at equal times, with the cursor of the log in the same transaction; what compaction made replaces them in
 * one transaction too. Runs in the store's worker; whoever reads has a connection of its own.
 */
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { FaultError } from '../../core/faults.ts';
import { compareCursors, LOG_START, type Cursor } from '../../log/types.ts';
import type { SqliteRow } from '../sqlite/damaged.ts';
import { SqliteFile } from '../sqlite/file.ts';
import { openOrSalvage, salvageFile, type DatabaseSalvage } from '../sqlite/salvage.ts';
import { pointReader, type PointColumns } from './block.ts';
import { chunkRow, HEAD_COLUMNS, type Chunk } from './chunk.ts';
import { FreshBlocks } from './fresh.ts';
import { Generations, type Generation } from './generations.ts';
import { beginMerging, mergedBefore, missingPoints } from './merging.ts';
import { sweepSlice, type Sweep, type Swept } from './retention.ts';
import { fromSql, toSql, type SeriesHead, type SeriesSnapshot, type SqlValue } from './rows.ts';
import { copyStore, type SavedStore } from './salvage.ts';
import { storeMigrations } from './schema.ts';

export interface StoreBatch {
  upTo: Cursor;
  /** Series that are new, under ids that are not given out yet, with their first point. */
  created: SeriesSnapshot[];
  /** Series of which something other than their values changed. */
  changed: (SeriesHead & { id: number })[];
  /** In the order of the log. */
  points: PointColumns;
}

/** The numbers of a commit that count in windows, as columns. */
export type FedNumbers = Pick<PointColumns, 'ids' | 'times' | 'values'>;

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

export interface StoreOpenRequest {
  path: string;
  /** Of the log, of which the store can have nothing yet. */
  presentEpoch: number;
}

interface Opened {
  cursor: Cursor;
  series: SeriesSnapshot[];
}

export class StoreDatabase {
  readonly #migrations = storeMigrations((db) => {
    this.#prepare(db);
    return (points) => { this.#generations.add(db, points); };
  });
  #file: SqliteFile | null = null;
  #generations!: Generations;
  #insertSeries!: StatementSync;
  #changeSeries!: StatementSync;
  #saveFirst!: StatementSync;
  #saveLast!: StatementSync;
  #saveCursor!: StatementSync;
  /** By series: its first_at is this or earlier. */
  readonly #firsts = new Map<number, number>();
  /** Up to where all was taken in, also where the file does not say it any more. */
  #cursor: Cursor = LOG_START;
  #mergedBefore = 0;

  /** The operations that the worker offers. */
  readonly operations = {
    open: (request: StoreOpenRequest) => this.#open(request),
    commit: (batch: StoreBatch) => this.#commit(batch),
    mend: (request: { detail: string; series: SeriesSnapshot[] }): DatabaseSalvage<SavedStore> => this.#mend(request),
    sweep: (sweep: Sweep): Swept => sweepSlice(this.#file as SqliteFile, this.#generations, sweep),
    generations: ({ sealBefore }: { sealBefore: number }): Generation[] => this.#sealed(sealBefore),
    replace: (replacement: Replacement) => {
      this.#replace(replacement);
    },
    retire: ({ generations }: { generations: number[] }) => {
      (this.#file as SqliteFile).transaction((db) => {
        this.#generations.retire(db, generations);
      });
    },
    vacuum: ({ pages }: { pages: number }) => this.#vacuum(pages),
    bytes: () => this.#file?.bytes() ?? 0,
    close: () => { this.#file?.close(); },
  };

  /** A file that cannot be opened is put aside, and what can be saved of it stands in its place. */
  #open({ path, presentEpoch }: StoreOpenRequest): Opened & { salvage: DatabaseSalvage<SavedStore> | null } {
    const { opened, salvage } = openOrSalvage(
      path,
      this.#migrations,
      () => this.#openFile(path, presentEpoch),
      (from, into) => copyStore(from, into, null, presentEpoch),
    );
    return { ...opened, salvage };
  }

  /** The same for a file that turns out to be damaged while it is used: what memory knows of it is not lost. */
  #mend({ detail, series }: { detail: string; series: SeriesSnapshot[] }): DatabaseSalvage<SavedStore> {
    const { path } = this.#file as SqliteFile;
    this.#file?.close();
    const known = { cursor: this.#cursor, series: series.map(seriesRow) };
    try {
      return salvageFile(path, this.#migrations, detail, (from, into) => copyStore(from, into, known, 0));
    } finally {
      this.#openFile(path);
    }
  }

  /** @param presentEpoch absent while the log is being followed */
  #openFile(path: string, presentEpoch?: number): Opened {
    const file = new SqliteFile(path, this.#migrations, { shared: true });
    this.#file = file;
    file.open((db) => { this.#prepare(db); });
    try {
      if (presentEpoch !== undefined) {
        file.read(checkCursor);
        file.transaction((db) => { beginMerging(db, presentEpoch); });
      }
      return file.read((db) => {
        this.#prepare(db);
        this.#cursor = cursorOf(db);
        return { cursor: this.#cursor, series: snapshot(db, this.#generations.open) };
      });
    } catch (error) {
      file.close();
      throw error;
    }
  }

  #prepare(db: DatabaseSync): void {
    this.#firsts.clear();
    this.#mergedBefore = mergedBefore(db);
    this.#insertSeries = db.prepare(
      `INSERT INTO series (id, indicator, device, point, subject, centre, edge, kind, unit, first_at, last_at, v, q, f, x) VALUES (${Array.from({ length: 15 }, () => '?').join(', ')})`,
    );
    this.#changeSeries = db.prepare('UPDATE series SET subject = ?, centre = ?, edge = ?, kind = ? WHERE id = ?');
    this.#saveFirst = db.prepare('UPDATE series SET first_at = ?1 WHERE id = ?2 AND first_at > ?1');
    this.#saveLast = db.prepare('UPDATE series SET last_at = ?1, v = ?2, q = ?3, f = ?4, x = ?5 WHERE id = ?6 AND last_at <= ?1');
    this.#saveCursor = db.prepare(
      'INSERT INTO progress VALUES (1, ?, ?) ON CONFLICT (one) DO UPDATE SET epoch = excluded.epoch, seq = excluded.seq',
    );
    // What version 2 called generations holds nothing that is still found by them.
    db.exec('DELETE FROM generation WHERE rows > 0 AND NOT EXISTS (SELECT 1 FROM block WHERE block.g = generation.g)');
    this.#generations = new Generations(db, (points, places) => { this.#saveEnds(points, places); });
  }

  /** Writes points and cursor in one transaction. @returns the points where some were there already; null where all are new */
  #commit({ upTo, created, changed, points: given }: StoreBatch): PointColumns | null {
    const written = (this.#file as SqliteFile).transaction((db) => {
      const cursor = cursorOf(db);
      // A commit that reported a failure may have been written all the same.
      if (compareCursors(cursor, upTo) >= 0) return given;
      const points = cursor.epoch < this.#mergedBefore ? missingPoints(db, given) : given;
      for (const one of created) this.#insertSeries.run(...seriesRow(one));
      for (const { id, subject, centre, edge, kind } of changed) this.#changeSeries.run(subject, centre, edge, kind, BigInt(id));
      this.#generations.add(db, points);
      this.#saveCursor.run(BigInt(upTo.epoch), BigInt(upTo.seq));
      return points;
    });
    this.#cursor = upTo;
    return written === given ? null : written;
  }

  /** Before a generation is sealed: what it brought to its series. At equal times the one that came later counts. */
  #saveEnds(points: PointColumns, places: Uint32Array): void {
    const { ids, times } = points;
    const pointAt = pointReader(points);
    for (let from = 0, next = 0; from < places.length; from = next) {
      const id = ids[places[from] as number] as number;
      while (next < places.length && ids[places[next] as number] === id) next += 1;
      const firstAt = times[places[from] as number] as number;
      if (firstAt < (this.#firsts.get(id) ?? Infinity)) {
        this.#saveFirst.run(BigInt(firstAt), BigInt(id));
        this.#firsts.set(id, firstAt);
      }
      const last = pointAt(places[next - 1] as number);
      this.#saveLast.run(BigInt(last.at), ...toSql(last), BigInt(id));
    }
  }

  /** Generations that nothing is written to any more, oldest first. */
  #sealed(sealBefore: number): Generation[] {
    return (this.#file as SqliteFile).transaction((db) => {
      this.#generations.sealBefore(db, sealBefore);
      return this.#generations.sealed(db);
    });
  }

  #replace({ removed, added, generations, fromId, toId, rows }: Replacement): void {
    (this.#file as SqliteFile).transaction((db) => {
      const remove = db.prepare('DELETE FROM chunk WHERE id = ?');
      for (const id of removed) remove.run(BigInt(id));
      const insert = db.prepare(`INSERT INTO chunk (${HEAD_COLUMNS}, body) VALUES (${Array.from({ length: 16 }, () => '?').join(', ')})`);
      for (const chunk of added) insert.run(...chunkRow(chunk));
      const gone = this.#generations.take(db, generations, fromId, toId);
      // Something else has taken rows away meanwhile: nothing of this counts, the next pass sees what is there.
      if (gone !== rows) throw new Error(`${gone} rows, ${rows} were compacted`);
    });
  }

  /** Gives free pages back to the disk. @returns pages in use and free, after it */
  #vacuum(pages: number): { used: number; free: number } {
    return (this.#file as SqliteFile).read((db) => {
      if (pages > 0) db.exec(`PRAGMA incremental_vacuum(${pages})`);
      const { total, free } = db
        .prepare('SELECT (SELECT page_count FROM pragma_page_count) AS total, (SELECT freelist_count FROM pragma_freelist_count) AS free')
        .get() as { total: number; free: number };
      return { used: total - free, free };
    });
  }
}

/** All columns of `series`. */
function seriesRow({ id, indicator, device, point, subject, centre, edge, kind, unit, firstAt, last }: SeriesSnapshot): SqliteRow {
  return [BigInt(id), indicator, device, point, subject, centre, edge, kind, unit, BigInt(firstAt), BigInt(last.at), ...toSql(last)];
}

export function cursorOf(db: DatabaseSync): Cursor {
  const row = db.prepare('SELECT epoch, seq FROM progress').get() as Cursor | undefined;
  return { epoch: row?.epoch ?? 0, seq: row?.seq ?? 0 };
}

/** A page that lost its row, or what was in it, may say nothing about it. @throws CV_STORE_DAMAGED where something was taken in, and nobody knows up to where */
function checkCursor(db: DatabaseSync): void {
  const isNew = db.prepare('SELECT 1 FROM series LIMIT 1').get() === undefined;
  if (!isNew && mergedBefore(db) === 0 && !(cursorOf(db).epoch > 0))
    throw new FaultError('CV_STORE_DAMAGED', { path: '', detail: 'up to where the log was taken in is not there any more' });
}

/** Every series, with what the open generation has brought since. */
function snapshot(db: DatabaseSync, open: number): SeriesSnapshot[] {
  const rows = db
    .prepare(
      `SELECT id, indicator, device, point, subject, centre, edge, kind, unit, first_at, last_at, v, q, f, x, typeof(v) AS type FROM series`,
    )
    .all() as unknown as (SeriesHead & {
    id: number;
    first_at: number;
    last_at: number;
    v: SqlValue;
    q: number;
    f: string | null;
    x: string | null;
    type: string;
  })[];
  const series = new Map(
    rows.map(
      ({
        id,
        indicator,
        device,
        point,
        subject,
        centre,
        edge,
        kind,
        unit,
        first_at: firstAt,
        last_at: lastAt,
        v,
        q,
        f,
        x,
        type,
      }): [number, SeriesSnapshot] => [
        id,
        {
          id,
          indicator,
          device,
          point,
          subject,
          centre,
          edge,
          kind,
          unit,
          firstAt,
          last: fromSql(lastAt, type === 'integer', [v, q, f, x]),
        },
      ],
    ),
  );
  for (const { points } of new FreshBlocks(db).ofTime(open, 0, Number.MAX_SAFE_INTEGER)) {
    const pointAt = pointReader(points);
    for (let place = 0; place < points.ids.length; place += 1) {
      const one = series.get(points.ids[place] as number);
      if (!one) continue;
      one.firstAt = Math.min(one.firstAt, points.times[place] as number);
      if ((points.times[place] as number) >= one.last.at) one.last = pointAt(place);
    }
  }
  return [...series.values()];
}
