/**
 * What compaction makes of fresh rows: for a slice of series, the chunks that take their place. Late rows go into the
 * chunk whose time they fall into; what was appended fills the last chunk up first. Reads only: the writer puts the
 * result in place in one transaction.
 */
import type { DatabaseSync } from 'node:sqlite';
import { pointReader } from './block.ts';
import { CHUNK_SPAN_MS, hasRoom, makeChunks, type Chunk } from './chunk.ts';
import { Chunks, type ChunkDamage, type PlacedHead } from './chunks.ts';
import type { Replacement } from './database.ts';
import { FreshBlocks } from './fresh.ts';
import type { StoredPoint } from './rows.ts';

export interface SliceRequest {
  /** Sealed generations, oldest first. */
  generations: number[];
  fromId: number;
  /** How many ids to look at; fewer are taken when they have too many rows. */
  width: number;
}

export interface Slice {
  replacement: Replacement | null;
  /** Where the next slice begins, and how wide it may be; null at the end. */
  next: { fromId: number; width: number } | null;
  damages: ChunkDamage[];
}

/** A slice is put in place in some 20 ms. */
const SLICE_ROWS = 8192;
const MAX_WIDTH = 1 << 16;

export function compactSlice(db: DatabaseSync, request: SliceRequest): Slice {
  const { maxId } = db.prepare('SELECT coalesce(max(id), 0) AS maxId FROM series').get() as { maxId: number };
  const blocks = new FreshBlocks(db);
  const { rows, count, generations, width, partly } = gather(blocks, request);
  const toId = request.fromId + width - 1;
  const chunks = new Chunks(db);
  const removed: number[] = [];
  const added: Chunk[] = [];
  for (const [id, points] of rows) mergeSeries(db, chunks, id, points.toSorted((a, b) => a.at - b.at), removed, added);
  const fromId = partly ? request.fromId : toId + 1;
  const wider = count < SLICE_ROWS / 2 ? Math.min(width * 2, MAX_WIDTH) : width;
  return {
    replacement: count > 0 ? { removed, added, generations, fromId: request.fromId, toId, rows: count } : null,
    next: fromId > maxId ? null : { fromId, width: wider },
    damages: [...blocks.damages, ...chunks.damages],
  };
}

/** Rows by series, in order of arrival: as many series as fit into a slice; of one that alone is too much, the first generations. */
function gather(
  blocks: FreshBlocks,
  { generations, fromId, width }: SliceRequest,
): { rows: Map<number, StoredPoint[]>; count: number; generations: number[]; width: number; partly: boolean } {
  const toId = fromId + width - 1;
  const rows = new Map<number, StoredPoint[]>();
  let count = 0;
  for (const [at, g] of generations.entries()) {
    for (const { points } of blocks.ofIds(g, fromId, toId)) {
      const pointAt = pointReader(points);
      for (let place = 0; place < points.ids.length; place += 1) {
        const id = points.ids[place] as number;
        if (id < fromId || id > toId) continue;
        let ofOne = rows.get(id);
        if (!ofOne) rows.set(id, (ofOne = []));
        ofOne.push(pointAt(place));
        count += 1;
      }
    }
    if (count <= SLICE_ROWS || at === generations.length - 1) continue;
    if (width > 1) return gather(blocks, { generations, fromId, width: Math.max(1, width >> 1) });
    return { rows, count, generations: generations.slice(0, at + 1), width, partly: true };
  }
  return { rows, count, generations, width, partly: false };
}

/** @param points by time, then by arrival */
function mergeSeries(
  db: DatabaseSync,
  chunks: Chunks,
  id: number,
  points: readonly StoredPoint[],
  removed: number[],
  added: Chunk[],
): void {
  const places = placesAround(db, id, (points[0] as StoredPoint).at, (points.at(-1) as StoredPoint).at);
  let from = 0;
  while (from < points.length) {
    const first = points[from] as StoredPoint;
    const before = places.findLastIndex(({ fromAt }) => fromAt <= first.at);
    const nextAt = places[before + 1]?.fromAt ?? Infinity;
    let to = from;
    while (to < points.length && (points[to] as StoredPoint).at < nextAt) to += 1;
    const group = points.slice(from, to);
    const place = places[before];
    const base = place ? joinable(chunks, place.id, first.at) : null;
    if (base) removed.push(base.head.id);
    const merged = base ? mergeInto(base.points, group) : group;
    const n0 = base ? base.head.n0 : place?.fromAt === first.at ? place.n0 + UNREAD_POINTS : 0;
    added.push(...makeChunks(id, n0, merged, nextAt === Infinity));
    from = to;
  }
}

/** After a chunk that cannot be read: more than it can hold. */
const UNREAD_POINTS = 1 << 20;

interface ChunkPlace {
  id: number;
  fromAt: number;
  n0: number;
}

/** Chunks that rows between two times may belong to: the last one that begins by then, and all that begin among them; and the one after. */
function placesAround(db: DatabaseSync, id: number, firstAt: number, lastAt: number): ChunkPlace[] {
  const columns = 'id, from_at AS fromAt, n0';
  const before = db
    .prepare(`SELECT ${columns} FROM chunk WHERE s = ? AND from_at <= ? ORDER BY from_at DESC, n0 DESC LIMIT 1`)
    .all(BigInt(id), BigInt(firstAt));
  const among = db
    .prepare(`SELECT ${columns} FROM chunk WHERE s = ? AND from_at > ? AND from_at <= ? ORDER BY from_at, n0`)
    .all(BigInt(id), BigInt(firstAt), BigInt(lastAt));
  const after = db
    .prepare(`SELECT ${columns} FROM chunk WHERE s = ? AND from_at > ? ORDER BY from_at, n0 LIMIT 1`)
    .all(BigInt(id), BigInt(lastAt));
  return [...before, ...among, ...after] as unknown as ChunkPlace[];
}

/** The chunk, when a value of this time falls into it or it has room left; null too when it is damaged, and stays as it is. */
function joinable(chunks: Chunks, chunkId: number, at: number): { head: PlacedHead; points: StoredPoint[] } | null {
  const head = chunks.head(chunkId);
  if (!head) return null;
  if (at > head.toAt && !(at - head.fromAt < CHUNK_SPAN_MS && hasRoom(chunks.bodyBytes(chunkId)))) return null;
  const points = chunks.points(head);
  return points.length > 0 ? { head, points } : null;
}

/** At equal times what was there came first. */
function mergeInto(base: readonly StoredPoint[], late: readonly StoredPoint[]): StoredPoint[] {
  const merged: StoredPoint[] = [];
  let at = 0;
  for (const point of base) {
    while (at < late.length && (late[at] as StoredPoint).at < point.at) merged.push(late[at++] as StoredPoint);
    merged.push(point);
  }
  return [...merged, ...late.slice(at)];
}
