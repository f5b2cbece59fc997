/**
 * The generations of fresh points: one is written to, the others are sealed and wait for compaction. What is written
 * lies there as a block a commit; small ones become one in time, and sealing brings all of them into order by series.
 */
import type { DatabaseSync } from 'node:sqlite';
import { decodeBlock, ends, join, pickPoints, placesInOrder, type PointColumns } from './block.ts';
import { blockRow, FreshBlocks, INSERT_BLOCK, UPDATE_BLOCK } from './fresh.ts';
import { BLOCK_ROWS, GENERATION_ROWS } from './schema.ts';

export interface Generation {
  g: number;
  rows: number;
  /** Times of its rows, both included. */
  fromAt: number;
  toAt: number;
}

/** So many small blocks become one. */
const MAX_SMALL = 64;
const SMALL_ROWS = 1024;

/** Called with what is about to be sealed; its places by series and then by time. */
export type OnSeal = (points: PointColumns, places: Uint32Array) => void;

export class Generations {
  readonly #onSeal: OnSeal;
  #open: Generation;
  /** The newest blocks of the open generation, all of them small. */
  #small: number[] = [];

  constructor(db: DatabaseSync, onSeal: OnSeal) {
    this.#onSeal = onSeal;
    this.#open =
      (db.prepare('SELECT g, rows, from_at AS fromAt, to_at AS toAt FROM generation ORDER BY g DESC LIMIT 1').get() as
        Generation | undefined) ?? empty(1);
  }

  get open(): number {
    return this.#open.g;
  }

  /** Writes points, within the caller's transaction; when that fails, all of this is read anew. */
  add(db: DatabaseSync, points: PointColumns): void {
    if (points.ids.length === 0) return;
    const [fromAt, toAt] = ends(points.times);
    this.#open = {
      g: this.#open.g,
      rows: this.#open.rows + points.ids.length,
      fromAt: Math.min(this.#open.fromAt, fromAt),
      toAt: Math.max(this.#open.toAt, toAt),
    };
    // What fills it is put into order together with the rest, and so written only once.
    if (this.#open.rows >= GENERATION_ROWS) return this.#seal(db, [points]);
    save(db, this.#open);
    const { id } = db.prepare(INSERT_BLOCK).get(...blockRow(this.#open.g, points)) as { id: number };
    if (points.ids.length >= SMALL_ROWS) this.#small = [];
    else if (this.#small.push(id) >= MAX_SMALL) this.#joinSmall(db);
  }

  /** Seals the open one when all that it holds is older, within the caller's transaction. */
  sealBefore(db: DatabaseSync, at: number): void {
    if (this.#open.toAt < at) this.seal(db);
  }

  /** From here on points go into a new one. */
  seal(db: DatabaseSync): void {
    if (this.#open.rows > 0) this.#seal(db, []);
  }

  #seal(db: DatabaseSync, added: readonly PointColumns[]): void {
    const { g } = this.#open;
    save(db, this.#open);
    this.#sort(db, g, added);
    this.#open = empty(g + 1);
    this.#small = [];
    save(db, this.#open);
  }

  sealed(db: DatabaseSync): Generation[] {
    return db
      .prepare('SELECT g, rows, from_at AS fromAt, to_at AS toAt FROM generation WHERE g <> ? ORDER BY g')
      .all(BigInt(this.#open.g)) as unknown as Generation[];
  }

  /** Forgets those that are empty. */
  retire(db: DatabaseSync, generations: readonly number[]): void {
    const remove = db.prepare('DELETE FROM generation WHERE g = ? AND NOT EXISTS (SELECT 1 FROM block WHERE block.g = generation.g)');
    for (const g of generations) if (g !== this.#open.g) remove.run(BigInt(g));
  }

  /** Takes points of some series out of sealed generations; what is damaged stays. @returns how many */
  take(db: DatabaseSync, generations: readonly number[], fromId: number, toId: number): number {
    let gone = 0;
    for (const g of generations) {
      for (const { id, points } of Array.from(new FreshBlocks(db).ofIds(g, fromId, toId))) {
        gone += keepIn(db, g, id, points, (place) => (points.ids[place] as number) < fromId || (points.ids[place] as number) > toId);
      }
    }
    return gone;
  }

  /** Rows before a time go from one generation, within the caller's transaction. @returns how many */
  cut(db: DatabaseSync, g: number, beforeAt: number): number {
    let gone = Number(
      (
        db.prepare('SELECT coalesce(sum(count), 0) AS rows FROM block WHERE g = ? AND to_at < ?').get(BigInt(g), BigInt(beforeAt)) as {
          rows: number;
        }
      ).rows,
    );
    db.prepare('DELETE FROM block WHERE g = ? AND to_at < ?').run(BigInt(g), BigInt(beforeAt));
    for (const { id, points } of Array.from(new FreshBlocks(db).ofTime(g, 0, beforeAt)))
      gone += keepIn(db, g, id, points, (place) => (points.times[place] as number) >= beforeAt);
    db.prepare('UPDATE generation SET rows = max(0, rows - ?), from_at = max(from_at, ?) WHERE g = ?').run(
      BigInt(gone),
      BigInt(beforeAt),
      BigInt(g),
    );
    this.#small = [];
    if (g === this.#open.g)
      this.#open = { ...this.#open, rows: Math.max(1, this.#open.rows - gone), fromAt: Math.max(this.#open.fromAt, beforeAt) };
    else this.retire(db, [g]);
    return gone;
  }

  #joinSmall(db: DatabaseSync): void {
    const body = db.prepare('SELECT body FROM block WHERE id = ?');
    const remove = db.prepare('DELETE FROM block WHERE id = ?');
    const parts = this.#small.map((id) => decodeBlock((body.get(BigInt(id)) as { body: Uint8Array }).body));
    for (const id of this.#small) remove.run(BigInt(id));
    db.prepare(INSERT_BLOCK).get(...blockRow(this.#open.g, join(parts)));
    this.#small = [];
  }

  #sort(db: DatabaseSync, g: number, added: readonly PointColumns[]): void {
    const blocks = [...new FreshBlocks(db).ofTime(g, 0, Number.MAX_SAFE_INTEGER)];
    const points = join([...blocks.map((block) => block.points), ...added]);
    const places = placesInOrder(points);
    this.#onSeal(points, places);
    const remove = db.prepare('DELETE FROM block WHERE id = ?');
    for (const { id } of blocks) remove.run(BigInt(id));
    const insert = db.prepare(INSERT_BLOCK);
    for (let from = 0; from < places.length; from += BLOCK_ROWS)
      insert.get(...blockRow(g, pickPoints(points, places.subarray(from, from + BLOCK_ROWS))));
  }
}

/** Keeps some points of a block. @returns how many went */
function keepIn(db: DatabaseSync, g: number, id: number, points: PointColumns, keeps: (place: number) => boolean): number {
  const kept = Array.from(points.ids, (_, place) => place).filter(keeps);
  if (kept.length === 0) db.prepare('DELETE FROM block WHERE id = ?').run(BigInt(id));
  else if (kept.length < points.ids.length) db.prepare(UPDATE_BLOCK).run(...blockRow(g, pickPoints(points, kept)), BigInt(id));
  return points.ids.length - kept.length;
}

function save(db: DatabaseSync, { g, rows, fromAt, toAt }: Generation): void {
  db.prepare('INSERT OR REPLACE INTO generation VALUES (?, ?, ?, ?)').run(BigInt(g), BigInt(rows), BigInt(fromAt), BigInt(toAt));
}

const empty = (g: number): Generation => ({ g, rows: 0, fromAt: Number.MAX_SAFE_INTEGER, toAt: 0 });
