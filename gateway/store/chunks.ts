/** Finds and reads chunks. One that is damaged costs only itself: it is left out and named. */
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { databaseFailure } from '../sqlite/failure.ts';
import { CHUNK_SPAN_MS, chunkColumns, headOf, HEAD_COLUMNS, isIntact, type ChunkHead } from './chunk.ts';
import type { ChunkColumns } from './codec/columns.ts';
import type { StoredPoint } from './rows.ts';

/** A chunk that cannot be read: its times, as far as they are known, and how many points it held. */
export interface ChunkDamage {
  id: number;
  series: number;
  /** from ≤ at < to */
  from: number;
  to: number;
  count: number | null;
}

export interface PlacedHead extends ChunkHead {
  id: number;
}

/** What the index alone knows, where the row is damaged. */
interface Place {
  id: number;
  s: number;
  fromAt: number;
}

interface Statements {
  places: StatementSync;
  idsByTime: StatementSync;
  head: StatementSync;
  body: StatementSync;
  bodyBytes: StatementSync;
}

/** Prepared once a connection: a query of a few chunks takes no longer than that. */
const prepared = new WeakMap<DatabaseSync, Statements>();

function statementsOf(db: DatabaseSync): Statements {
  let statements = prepared.get(db);
  if (!statements) {
    statements = {
      places: db.prepare('SELECT id, s, from_at AS fromAt FROM chunk WHERE s = ? AND from_at > ? AND from_at < ? ORDER BY from_at, n0'),
      idsByTime: db.prepare('SELECT id FROM chunk WHERE to_at >= ? AND to_at < ?'),
      head: db.prepare(`SELECT ${HEAD_COLUMNS} FROM chunk WHERE id = ?`),
      body: db.prepare('SELECT body FROM chunk WHERE id = ?'),
      bodyBytes: db.prepare('SELECT length(body) AS bytes FROM chunk WHERE id = ?'),
    };
    statements.head.setReturnArrays(true);
    prepared.set(db, statements);
  }
  return statements;
}

export class Chunks {
  readonly damages: ChunkDamage[] = [];
  readonly #statements: Statements;

  constructor(db: DatabaseSync) {
    this.#statements = statementsOf(db);
  }

  /** Chunks of a series that hold something in from ≤ t < to, by time. */
  ofSeries(s: number, from: number, to: number): PlacedHead[] {
    const places = this.#statements.places.all(big(s), big(from - CHUNK_SPAN_MS), big(to)) as unknown as Place[];
    return places.flatMap((place) => {
      const head = this.head(place.id);
      if (!head) this.#damaged({ id: place.id, series: s, from: place.fromAt, to: place.fromAt + CHUNK_SPAN_MS, count: null }, from);
      return head && head.toAt >= from ? [head] : [];
    });
  }

  /** Chunks of any series that hold something in from ≤ t < to. */
  ofTime(from: number, to: number): PlacedHead[] {
    const ids = this.#statements.idsByTime.all(big(from), big(to + CHUNK_SPAN_MS)) as unknown as { id: number }[];
    return ids.flatMap(({ id }) => {
      const head = this.head(id);
      if (!head) this.damages.push({ id, series: 0, from, to, count: null });
      return head && head.fromAt < to ? [head] : [];
    });
  }

  /** null when the row is damaged. */
  head(id: number): PlacedHead | null {
    const row = unlessDamaged(() => this.#statements.head.get(big(id)));
    const head = row ? headOf(row) : null;
    return head && isIntact(head) ? { ...head, id } : null;
  }

  /** Without reading the body; Infinity when the row is damaged. */
  bodyBytes(id: number): number {
    const row = unlessDamaged(() => this.#statements.bodyBytes.get(big(id))) as { bytes: number } | undefined;
    return row?.bytes ?? Infinity;
  }

  /** What a chunk holds; null when it is damaged, which is then named. */
  columns(head: PlacedHead): ChunkColumns | null {
    try {
      const row = unlessDamaged(() => this.#statements.body.get(big(head.id))) as { body: Uint8Array } | undefined;
      if (row) return chunkColumns(head, row.body);
    } catch {
      // Whatever is wrong with its bytes: it is not what was written.
    }
    this.#damaged({ id: head.id, series: head.s, from: head.fromAt, to: head.toAt + 1, count: head.count });
    return null;
  }

  /** The same as points; none when it is damaged. */
  points(head: PlacedHead): StoredPoint[] {
    return this.columns(head)?.points() ?? [];
  }

  #damaged(damage: ChunkDamage, from = 0): void {
    if (damage.to > from && !this.damages.some(({ id }) => id === damage.id)) this.damages.push(damage);
  }
}

const big = (value: number): bigint => BigInt(Math.round(value));

const MALFORMED = 11;

/** @returns undefined where SQLite says that the page is malformed */
function unlessDamaged<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (databaseFailure(error).errcode !== MALFORMED) throw error;
    return undefined;
  }
}
