/**
 * Each change of a warning as it was published, numbered in the order in which it was committed, so that whoever was away
 * finds also what opened and closed meanwhile. Numbers have no holes; a new file begins a new epoch, so that no cursor of
 * before is taken for one of its own.
 */
import type { DatabaseSync } from 'node:sqlite';
import type { Cursor } from '../../log/types.ts';

/** Changes that are kept; older ones go. */
const KEPT_CHANGES = 100_000;

export interface ChangeFeedPage {
  items: string[];
  /** The last change that is let go; nothing before it can be asked for. */
  oldest: number;
  last: number;
}

/** @returns its epoch, and the number of its last change */
export function openChangeFeed(db: DatabaseSync, nowMs: number): Cursor {
  const found = db.prepare('SELECT epoch, last AS seq FROM changes_epoch').get() as unknown as Cursor | undefined;
  if (found) return { epoch: Number(found.epoch), seq: Number(found.seq) };
  const newest = Number((db.prepare('SELECT coalesce(max(n), 0) AS n FROM changes').get() as { n: number }).n);
  db.prepare('INSERT INTO changes_epoch VALUES (1, ?, ?)').run(BigInt(nowMs), BigInt(newest));
  return { epoch: nowMs, seq: newest };
}

/** Within the transaction of the warnings themselves. @param last number of the last one */
export function appendToChangeFeed(db: DatabaseSync, published: readonly string[], last: number): void {
  if (published.length === 0) return;
  const put = db.prepare('INSERT INTO changes VALUES (?, ?)');
  for (const [index, json] of published.entries()) put.run(BigInt(last - published.length + 1 + index), json);
  db.prepare('UPDATE changes_epoch SET last = ?').run(BigInt(last));
  db.prepare('DELETE FROM changes WHERE n <= ?').run(BigInt(last - KEPT_CHANGES));
}

export function readChangeFeed(db: DatabaseSync, n: number, limit: number): ChangeFeedPage {
  const { last } = db.prepare('SELECT last FROM changes_epoch').get() as { last: number };
  const first = (db.prepare('SELECT min(n) AS n FROM changes').get() as { n: number | null }).n;
  const rows = db.prepare('SELECT json FROM changes WHERE n > ? ORDER BY n LIMIT ?').all(BigInt(n), BigInt(limit)) as unknown as {
    json: string;
  }[];
  return { items: rows.map(({ json }) => json), oldest: first === null ? Number(last) : Number(first) - 1, last: Number(last) };
}
