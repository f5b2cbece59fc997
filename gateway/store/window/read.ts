/** Aggregates of every series over a window, from what lies on disk: numbers that are not bad. */
import type { DatabaseSync } from 'node:sqlite';
import { BAD_CODE } from '../block.ts';
import { Chunks, type ChunkDamage, type PlacedHead } from '../chunks.ts';
import { FreshBlocks, generationsIn } from '../fresh.ts';
import { Totals } from './totals.ts';

/** Adds what lies in from ≤ t < to. @returns what could not be read */
export function addWindow(db: DatabaseSync, { from, to }: { from: number; to: number }, totals: Totals): ChunkDamage[] {
  const damages = eachFresh(db, { from, to }, (id, _at, value) => { totals.add(id, 1, value, value, value); });
  const chunks = new Chunks(db);
  for (const head of chunks.ofTime(from, to)) {
    if (head.plain === 1 && head.fromAt >= from && head.toAt < to) {
      if (head.numbers > 0) totals.add(head.s, head.numbers, head.low as number, head.high as number, head.sum);
      continue;
    }
    takeNumbers(chunks, head, { from, to }, (id, _at, value) => { totals.add(id, 1, value, value, value); });
  }
  return [...damages, ...chunks.damages];
}

type Take = (id: number, at: number, value: number) => void;

/** Hands over every number in from ≤ t < to, generation by generation and chunk by chunk. @returns what could not be read */
export function eachNumber(db: DatabaseSync, { from, to }: { from: number; to: number }, take: Take): ChunkDamage[] {
  const damages = eachFresh(db, { from, to }, take);
  const chunks = new Chunks(db);
  for (const head of chunks.ofTime(from, to)) takeNumbers(chunks, head, { from, to }, take);
  return [...damages, ...chunks.damages];
}

function takeNumbers(chunks: Chunks, head: PlacedHead, { from, to }: { from: number; to: number }, take: Take): void {
  const columns = chunks.columns(head);
  if (!columns) return;
  const end = columns.placeOf(to);
  for (let place = columns.placeOf(from); place < end; place += 1) {
    const value = columns.values[place];
    if (typeof value === 'number' && columns.quality(place) !== 'bad') take(head.s, columns.times[place] as number, value);
  }
}

function eachFresh(db: DatabaseSync, span: { from: number; to: number }, take: Take): ChunkDamage[] {
  const blocks = new FreshBlocks(db);
  for (const { g } of generationsIn(db, span)) {
    for (const { points: { ids, times, values, codes } } of blocks.ofTime(g, span.from, span.to)) {
      for (let place = 0; place < ids.length; place += 1) {
        const at = times[place] as number;
        if (at >= span.from && at < span.to && (codes[place] as number) < BAD_CODE) take(ids[place] as number, at, values[place] as number);
      }
    }
  }
  return blocks.damages;
}

/** The newest time of all that is on disk, ms UTC; 0 when there is nothing. */
export function newestOf(db: DatabaseSync): number {
  const { newestAt } = db
    .prepare('SELECT max((SELECT coalesce(max(to_at), 0) FROM generation), (SELECT coalesce(max(to_at), 0) FROM chunk)) AS newestAt')
    .get() as { newestAt: number };
  return newestAt;
}
