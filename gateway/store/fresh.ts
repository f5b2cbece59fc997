/**
 * Fresh points on disk: blocks of points, in generations. The blocks of the open generation are as they came; those of
 * sealed ones are by series, each about a page, so that one series is found in few of them.
 */
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { decodeBlock, encodeBlock, ends, pointReader, type PointColumns } from './block.ts';
import type { ChunkDamage } from './chunks.ts';
import type { StoredPoint } from './rows.ts';

export interface TimeSpan {
  id: number;
  /** from ≤ t < to */
  from: number;
  to: number;
}

export interface FreshBlock {
  id: number;
  fromId: number;
  toId: number;
  points: PointColumns;
}

interface BlockRow {
  id: number;
  fromId: number;
  toId: number;
  fromAt: number;
  toAt: number;
  count: number;
  body: Uint8Array;
}

export class FreshBlocks {
  readonly damages: ChunkDamage[] = [];
  readonly #ofIds: StatementSync;
  readonly #ofTime: StatementSync;

  constructor(db: DatabaseSync) {
    const columns = 'id, from_s AS fromId, to_s AS toId, from_at AS fromAt, to_at AS toAt, count, body';
    this.#ofIds = db.prepare(`SELECT ${columns} FROM block WHERE g = ? AND from_s <= ? AND to_s >= ? ORDER BY id`);
    this.#ofTime = db.prepare(`SELECT ${columns} FROM block WHERE g = ? AND from_at < ? AND to_at >= ? ORDER BY id`);
  }

  /** Blocks of a generation that hold some of these series, in order; what is damaged is left out and named. */
  *ofIds(g: number, fromId: number, toId: number): Generator<FreshBlock> {
    for (const row of this.#ofIds.iterate(BigInt(g), BigInt(toId), BigInt(fromId))) yield* this.#read(row as unknown as BlockRow);
  }

  /** Blocks of a generation that hold something in from ≤ t < to. */
  *ofTime(g: number, from: number, to: number): Generator<FreshBlock> {
    for (const row of this.#ofTime.iterate(BigInt(g), BigInt(to), BigInt(from))) yield* this.#read(row as unknown as BlockRow);
  }

  *#read({ id, fromId, toId, fromAt, toAt, count, body }: BlockRow): Generator<FreshBlock> {
    let points: PointColumns;
    try {
      points = decodeBlock(body);
    } catch {
      // Whatever is wrong with its bytes: it is not what was written. Told apart from chunks by the sign.
      this.damages.push({ id: -id, series: fromId === toId ? fromId : 0, from: fromAt, to: toAt + 1, count });
      return;
    }
    yield { id, fromId, toId, points };
  }
}

export const INSERT_BLOCK = 'INSERT INTO block (g, from_s, to_s, from_at, to_at, count, body) VALUES (?, ?, ?, ?, ?, ?, ?) RETURNING id';
export const UPDATE_BLOCK = 'UPDATE block SET g = ?, from_s = ?, to_s = ?, from_at = ?, to_at = ?, count = ?, body = ? WHERE id = ?';

/** For INSERT_BLOCK and UPDATE_BLOCK. */
export function blockRow(g: number, points: PointColumns): (bigint | Uint8Array)[] {
  const [fromId, toId] = ends(points.ids);
  const [fromAt, toAt] = ends(points.times);
  return [BigInt(g), BigInt(fromId), BigInt(toId), BigInt(fromAt), BigInt(toAt), BigInt(points.ids.length), encodeBlock(points)];
}

/** All points of a span, by time and then by arrival. */
export function freshRows(db: DatabaseSync, blocks: FreshBlocks, span: TimeSpan): StoredPoint[] {
  const rows = generationsIn(db, span).flatMap(({ g }) => rowsOf(blocks, g, span));
  return rows.toSorted((a, b) => a.at - b.at);
}

/** The first `count` points of a span, without looking at generations that can hold none of them. */
export function firstFreshRows(db: DatabaseSync, blocks: FreshBlocks, span: TimeSpan, count: number): StoredPoint[] {
  const found: { g: number; point: StoredPoint }[] = [];
  for (const { g, fromAt } of generationsIn(db, span).toSorted((a, b) => a.fromAt - b.fromAt)) {
    // Enough lies before everything that this generation and all after it hold.
    if (found.length >= count && found.filter(({ point }) => point.at < fromAt).length >= count) break;
    for (const point of rowsOf(blocks, g, span)) found.push({ g, point });
  }
  return found.toSorted((a, b) => a.point.at - b.point.at || a.g - b.g).slice(0, count).map(({ point }) => point);
}

/** Points of a span in one generation, in order of arrival where their times are equal. */
function rowsOf(blocks: FreshBlocks, g: number, { id, from, to }: TimeSpan): StoredPoint[] {
  const rows: StoredPoint[] = [];
  for (const { points } of blocks.ofIds(g, id, id)) {
    const { ids, times } = points;
    const pointAt = pointReader(points);
    for (let place = 0; place < ids.length; place += 1) {
      if (ids[place] === id && (times[place] as number) >= from && (times[place] as number) < to) rows.push(pointAt(place));
    }
  }
  return rows;
}

/** Generations that hold something in from ≤ t < to, in order. */
export function generationsIn(db: DatabaseSync, { from, to }: { from: number; to: number }): { g: number; fromAt: number }[] {
  return db
    .prepare('SELECT g, from_at AS fromAt FROM generation WHERE to_at >= ? AND from_at < ? ORDER BY g')
    .all(BigInt(from), BigInt(to)) as { g: number; fromAt: number }[];
}
