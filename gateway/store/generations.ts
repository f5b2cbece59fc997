/** The generations of fresh rows: one is written to, the others are sealed and wait for compaction. */
import type { DatabaseSync } from 'node:sqlite';
import { GENERATION_ROWS } from './schema.ts';

export interface Generation {
  g: number;
  rows: number;
  /** Times of its rows, both included. */
  fromAt: number;
  toAt: number;
}

export class Generations {
  #open: Generation;

  constructor(db: DatabaseSync) {
    this.#open = (db.prepare('SELECT g, rows, from_at AS fromAt, to_at AS toAt FROM generation ORDER BY g DESC LIMIT 1').get() as Generation | undefined) ?? empty(1);
  }

  /** Says that these rows go into the open generation. @returns its number */
  take(db: DatabaseSync, rows: readonly { at: number }[]): bigint {
    if (this.#open.rows >= GENERATION_ROWS) this.seal();
    if (rows.length === 0) return BigInt(this.#open.g);
    const open = { ...this.#open, rows: this.#open.rows + rows.length };
    for (const { at } of rows) {
      open.fromAt = Math.min(open.fromAt, at);
      open.toAt = Math.max(open.toAt, at);
    }
    db.prepare('INSERT OR REPLACE INTO generation VALUES (?, ?, ?, ?)').run(BigInt(open.g), BigInt(open.rows), BigInt(open.fromAt), BigInt(open.toAt));
    // When the transaction fails, all of this is read anew.
    this.#open = open;
    return BigInt(open.g);
  }

  /** From here on rows go into a new one. */
  seal(): void {
    if (this.#open.rows > 0) this.#open = empty(this.#open.g + 1);
  }

  /** Seals the open one when all of its rows are older. */
  sealBefore(at: number): void {
    if (this.#open.toAt < at) this.seal();
  }

  sealed(db: DatabaseSync): Generation[] {
    return db.prepare('SELECT g, rows, from_at AS fromAt, to_at AS toAt FROM generation WHERE g <> ? ORDER BY g').all(BigInt(this.#open.g)) as unknown as Generation[];
  }

  /** Forgets those that are empty. */
  retire(db: DatabaseSync, generations: readonly number[]): void {
    const remove = db.prepare('DELETE FROM generation WHERE g = ? AND NOT EXISTS (SELECT 1 FROM fresh WHERE fresh.g = generation.g)');
    for (const g of generations) if (g !== this.#open.g) remove.run(BigInt(g));
  }

  /** Rows before a time go from one generation, within the caller's transaction. @returns how many */
  cut(db: DatabaseSync, g: number, beforeAt: number): number {
    const gone = Number(db.prepare('DELETE FROM fresh WHERE g = ? AND t < ?').run(BigInt(g), BigInt(beforeAt)).changes);
    db.prepare('UPDATE generation SET rows = max(0, rows - ?), from_at = max(from_at, ?) WHERE g = ?').run(BigInt(gone), BigInt(beforeAt), BigInt(g));
    if (g === this.#open.g) this.#open = { ...this.#open, rows: Math.max(1, this.#open.rows - gone), fromAt: Math.max(this.#open.fromAt, beforeAt) };
    else this.retire(db, [g]);
    return gone;
  }
}

const empty = (g: number): Generation => ({ g, rows: 0, fromAt: Number.MAX_SAFE_INTEGER, toAt: 0 });
