/**
 * What of a damaged store can be used: chunks and blocks whose sums are right, of series whose names are known. Where
 * all of it was there, the store goes on at its cursor; else it begins again at the tail of the log, now or with the next
 * start, and takes from there what it lacks (`merging.ts`).
 */
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { crc32 } from 'node:zlib';
import { isCorruption } from '../../log/storage.ts';
import type { Cursor } from '../../log/types.ts';
import { isJson, SalvageReader, type SqliteRow } from '../sqlite/damaged.ts';
import type { SqliteFile } from '../sqlite/file.ts';
import { decodeBlock, pickPoints, type PointColumns } from './block.ts';
import { HEAD_COLUMNS, headOf, isIntact } from './chunk.ts';
import { blockRow } from './fresh.ts';
import { mergeBefore, NEXT_OPENING } from './merging.ts';

const ROWS_A_COMMIT = 2000;
const SERIES_COLUMNS = 'indicator, device, point, subject, centre, edge, kind, unit, first_at, last_at, v, q, f, x';
const NAMES_INDEX = 'sqlite_autoindex_series_1';

export interface SavedStore {
  series: number;
  points: number;
  /** In chunks and blocks that are there and not as they were written; what lies on pages that cannot be read nobody knows. */
  lost: number;
  /** Nothing is missing. */
  isWhole: boolean;
}

/** What the process that uses the store still knows of it; ids stay, since somebody may be compacting. */
export interface KnownOfStore {
  cursor: Cursor;
  /** Rows of `series`, each with its id. */
  series: readonly SqliteRow[];
}

/**
 * @param known null at a start
 * @param presentEpoch of the log: of it, and what comes after, the store can have nothing yet
 */
export function copyStore(from: DatabaseSync | null, into: SqliteFile, known: KnownOfStore | null, presentEpoch: number): SavedStore {
  const saved: SavedStore = { series: 0, points: 0, lost: 0, isWhole: from !== null };
  const ids = new Set<number>();
  const rows = (table: string, columns: string): Iterable<SqliteRow> => (from ? readable(from, table, columns, saved) : []);

  const { putSeries, putChunk, putBlock } = into.read(statementsOf);
  inCommits(into, known ? known.series : rows('series', SERIES_COLUMNS), (row) => {
    if (!known && !(isSeries(row) && isNamed(from as DatabaseSync, row))) return void lose(saved, 0);
    putSeries.run(...row);
    ids.add(Number(row[0]));
    saved.series += 1;
  });
  inCommits(into, rows('chunk', `${HEAD_COLUMNS}, body`), (row) => {
    const head = headOf(row.slice(1, -1).map((value) => (typeof value === 'bigint' ? Number(value) : value)));
    const body = row.at(-1);
    if (!isIntact(head)) return void lose(saved, 1);
    if (!(body instanceof Uint8Array) || crc32(body) !== head.bodyCrc || !ids.has(head.s)) return void lose(saved, head.count);
    putChunk.run(...row);
    saved.points += head.count;
  });
  inCommits(into, rows('block', 'g, count, body'), ([id, g, count, body]) => {
    const points = blockOf(body);
    if (!points || typeof g !== 'bigint') return void lose(saved, typeof count === 'bigint' ? Number(count) : 1);
    const places = Array.from(points.ids, (_, place) => place).filter((place) => ids.has(points.ids[place] as number));
    if (places.length < points.ids.length) lose(saved, points.ids.length - places.length);
    if (places.length === 0) return;
    const kept = places.length < points.ids.length ? pickPoints(points, places) : points;
    putBlock.run(id as bigint, ...blockRow(Number(g), kept));
    saved.points += places.length;
  });
  const cursor = known?.cursor ?? cursorOf(rows('progress', 'epoch, seq'));
  into.transaction((db) => {
    db.exec('INSERT INTO generation SELECT g, sum(count), min(from_at), max(to_at) FROM block GROUP BY g');
    if (!cursor) saved.isWhole = false;
    if (cursor && (known || saved.isWhole))
      db.prepare('INSERT INTO progress VALUES (1, ?, ?)').run(BigInt(cursor.epoch), BigInt(cursor.seq));
    if (!saved.isWhole) mergeBefore(db, known ? NEXT_OPENING : presentEpoch);
  });
  return saved;
}

function lose(saved: SavedStore, count: number): void {
  saved.lost += count;
  saved.isWhole = false;
}

function* readable(db: DatabaseSync, table: string, columns: string, saved: SavedStore): Generator<SqliteRow> {
  const rows = new SalvageReader(db);
  yield* rows.of(table, columns);
  if (rows.hasHoles) saved.isWhole = false;
}

function inCommits(into: SqliteFile, rows: Iterable<SqliteRow>, put: (row: SqliteRow) => void): void {
  let waiting: SqliteRow[] = [];
  const write = (): void => {
    const batch = waiting;
    waiting = [];
    into.transaction(() => { for (const row of batch) put(row); });
  };
  for (const row of rows) if (waiting.push(row) >= ROWS_A_COMMIT) write();
  write();
}

function statementsOf(db: DatabaseSync): Record<'putSeries' | 'putChunk' | 'putBlock', StatementSync> {
  const places = (count: number): string => Array.from({ length: count }, () => '?').join(', ');
  return {
    putSeries: db.prepare(`INSERT OR IGNORE INTO series VALUES (${places(15)})`),
    putChunk: db.prepare(`INSERT OR IGNORE INTO chunk (id, ${HEAD_COLUMNS}, body) VALUES (${places(17)})`),
    putBlock: db.prepare(`INSERT INTO block (id, g, from_s, to_s, from_at, to_at, count, body) VALUES (${places(8)})`),
  };
}

/** Damage may turn any column into another type. */
function isSeries(row: SqliteRow): boolean {
  const [first, last, , quality, flags, extra] = row.slice(9);
  return (
    row.slice(1, 9).every((text) => typeof text === 'string') &&
    [first, last, quality].every((number) => typeof number === 'bigint') &&
    [flags, extra].every((text) => text === null || typeof text === 'string') &&
    (extra === null || isJson(extra as string))
  );
}

/** A name has no sum of its own, but stands in the index as well: where the two differ, nobody knows whose values these are. */
function isNamed(db: DatabaseSync, [id, indicator, device, point]: SqliteRow): boolean {
  try {
    const found = db
      .prepare(`SELECT id FROM series INDEXED BY ${NAMES_INDEX} WHERE indicator = ? AND device = ? AND point = ?`)
      .get(indicator as string, device as string, point as string);
    return found?.id === Number(id);
  } catch (error) {
    if (!isCorruption(error)) throw error;
    // The index cannot be read there; the row can.
    return true;
  }
}

function blockOf(body: unknown): PointColumns | null {
  try {
    return decodeBlock(body as Uint8Array);
  } catch {
    // Counted by the caller.
    return null;
  }
}

function cursorOf(rows: Iterable<SqliteRow>): Cursor | null {
  for (const [, epoch, seq] of rows) {
    const cursor = { epoch: Number(epoch), seq: Number(seq) };
    if (cursor.epoch > 0 && cursor.seq > 0 && Number.isSafeInteger(cursor.epoch) && Number.isSafeInteger(cursor.seq)) return cursor;
  }
  return null;
}
