/** Reads everything back, a slice at a time, while the store goes on working. */
import type { DatabaseSync } from 'node:sqlite';
import type { BilingualText } from '../../core/bilingual-text.ts';
import { decodeBlock, ends, type PointColumns } from './block.ts';
import { Chunks, type ChunkDamage } from './chunks.ts';

/** What reading everything back found. */
export interface Verification {
  chunks: number;
  /** In chunks that are sound. */
  points: number;
  blocks: number;
  /** Not in chunks yet. */
  rows: number;
  damages: ChunkDamage[];
  /** What SQLite says of the file's structure. */
  problems: string[];
  /** What is there and does not fit together. */
  misfits: BilingualText[];
}

export interface CheckedSlice {
  /** Chunks or blocks. */
  looked: number;
  /** In those that are sound. */
  points: number;
  damages: ChunkDamage[];
  misfits: BilingualText[];
  /** The last one that was looked at; null when there are no more. */
  lastId: number | null;
}

export interface CheckedFile {
  rows: number;
  problems: string[];
  misfits: BilingualText[];
}

/** How what is to be read is asked for: of a thread, or of the file itself. */
export interface StoreQuestions {
  size(): Promise<number> | number;
  chunks(request: { afterId: number }): Promise<CheckedSlice> | CheckedSlice;
  blocks(request: { afterId: number }): Promise<CheckedSlice> | CheckedSlice;
  file(): Promise<CheckedFile> | CheckedFile;
}

const SLICE = 256;
/** Of each kind; more would say the same. */
const MAX_MISFITS = 100;

/**
 * Asks for everything.
 *
 * @param onSlice told of chunks and blocks that were read, of how many
 * @param goesOn false ends it early
 */
export async function verifyStore(
  ask: StoreQuestions,
  onSlice: (done: number, of: number) => void,
  goesOn: () => boolean = () => true,
): Promise<Verification> {
  const of = await ask.size();
  let done = 0;
  const all = async (question: (request: { afterId: number }) => Promise<CheckedSlice> | CheckedSlice) => {
    const sum = { looked: 0, points: 0, damages: [] as ChunkDamage[], misfits: [] as BilingualText[] };
    for (let afterId: number | null = -1; afterId !== null && goesOn();) {
      const slice: CheckedSlice = await question({ afterId });
      done += slice.looked;
      // What came meanwhile is read as well.
      onSlice(Math.min(done, of), of);
      sum.looked += slice.looked;
      sum.points += slice.points;
      sum.damages.push(...slice.damages);
      sum.misfits.push(...slice.misfits);
      afterId = slice.lastId;
    }
    return sum;
  };
  const chunks = await all((request) => ask.chunks(request));
  const blocks = await all((request) => ask.blocks(request));
  const { rows, problems, misfits } = await ask.file();
  return {
    chunks: chunks.looked,
    points: chunks.points,
    blocks: blocks.looked,
    rows,
    damages: [...chunks.damages, ...blocks.damages],
    problems,
    misfits: [...chunks.misfits, ...blocks.misfits, ...misfits],
  };
}

/** How many chunks and blocks there are. */
export function checkSize(db: DatabaseSync): number {
  return (db.prepare('SELECT (SELECT count(*) FROM chunk) + (SELECT count(*) FROM block) AS count').get() as { count: number }).count;
}

export function checkSlice(db: DatabaseSync, { afterId }: { afterId: number }): CheckedSlice {
  const places = db
    .prepare('SELECT id, s, from_at AS fromAt FROM chunk WHERE id > ? ORDER BY id LIMIT ?')
    .all(BigInt(afterId), BigInt(SLICE)) as { id: number; s: number; fromAt: number }[];
  const chunks = new Chunks(db);
  const lost: ChunkDamage[] = [];
  let points = 0;
  for (const { id, s, fromAt } of places) {
    const head = chunks.head(id);
    if (!head) lost.push({ id, series: s, from: fromAt, to: fromAt + 1, count: null });
    else points += chunks.points(head).length;
  }
  return { looked: places.length, points, damages: [...lost, ...chunks.damages], misfits: [], lastId: places.at(-1)?.id ?? null };
}

interface BlockRow {
  id: number;
  g: number;
  fromId: number;
  toId: number;
  fromAt: number;
  toAt: number;
  count: number;
  body: Uint8Array;
}

/** Fresh points: each block is what was written, and found by what its row and its generation say of it. */
export function checkBlocks(db: DatabaseSync, { afterId }: { afterId: number }): CheckedSlice {
  const rows = db
    .prepare(
      'SELECT id, g, from_s AS fromId, to_s AS toId, from_at AS fromAt, to_at AS toAt, count, body FROM block WHERE id > ? ORDER BY id LIMIT ?',
    )
    .all(BigInt(afterId), BigInt(SLICE)) as unknown as BlockRow[];
  const generationOf = db.prepare('SELECT from_at AS fromAt, to_at AS toAt FROM generation WHERE g = ?');
  const found: CheckedSlice = { looked: rows.length, points: 0, damages: [], misfits: [], lastId: rows.at(-1)?.id ?? null };
  for (const row of rows) {
    const points = decoded(row.body);
    if (!points) {
      // Told apart from chunks by the sign.
      found.damages.push({
        id: -row.id,
        series: row.fromId === row.toId ? row.fromId : 0,
        from: row.fromAt,
        to: row.toAt + 1,
        count: row.count,
      });
      continue;
    }
    found.points += points.ids.length;
    const generation = generationOf.get(BigInt(row.g)) as { fromAt: number; toAt: number } | undefined;
    if (!isWithin(row, points) || !generation || generation.fromAt > row.fromAt || generation.toAt < row.toAt) {
      found.misfits.push({
        en: `block ${row.id}: what its row or its generation says of series and times does not fit what it holds`,
        zh: `数据块 ${row.id}：其行或所属代所记的序列与时间和内容不符`,
      });
    }
  }
  return found;
}

function isWithin({ fromId, toId, fromAt, toAt, count }: BlockRow, { ids, times }: PointColumns): boolean {
  const [lowestId, highestId] = ends(ids);
  const [lowestAt, highestAt] = ends(times);
  return ids.length === count && lowestId >= fromId && highestId <= toId && lowestAt >= fromAt && highestAt <= toAt;
}

function decoded(body: Uint8Array): PointColumns | null {
  try {
    return decodeBlock(body);
  } catch {
    // Told by the caller as damage.
    return null;
  }
}

/** @returns rows that are not in chunks, what SQLite says of the file's own structure, and what does not fit in the directory of series */
export function checkFile(db: DatabaseSync): CheckedFile {
  const problems = (db.prepare('PRAGMA quick_check(20)').all() as { quick_check: string }[])
    .map((row) => row.quick_check)
    .filter((text) => text !== 'ok');
  const { rows } = db.prepare('SELECT coalesce(sum(count), 0) AS rows FROM block').get() as { rows: number };
  const strange = db
    .prepare(`SELECT s, count(*) AS count FROM chunk WHERE s NOT IN (SELECT id FROM series) GROUP BY s LIMIT ${MAX_MISFITS}`)
    .all() as { s: number; count: number }[];
  const twice = db
    .prepare(
      `SELECT s, from_at AS fromAt FROM (SELECT s, from_at, lag(to_at) OVER (PARTITION BY s ORDER BY from_at, n0) AS before_at FROM chunk) WHERE before_at > from_at LIMIT ${MAX_MISFITS}`,
    )
    .all() as { s: number; fromAt: number }[];
  return {
    rows, problems,
    misfits: [
      ...strange.map(({ s, count }): BilingualText => ({
        en: `${count} chunks belong to series ${s}, which is not in the directory`,
        zh: `${count} 个数据块属于目录中没有的序列 ${s}`,
      })),
      ...twice.map(({ s, fromAt }): BilingualText => ({
        en: `two chunks of series ${s} hold the same times, from ${new Date(fromAt).toISOString()}`,
        zh: `序列 ${s} 有两个数据块时间重叠，自 ${new Date(fromAt).toISOString()} 起`,
      })),
    ],
  };
}
