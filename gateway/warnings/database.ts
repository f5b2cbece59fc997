/**
 * `state.db`: what the rules remember, the warnings with their changes, and the outbox, with the cursor of the log, all of
 * a batch in one transaction. Runs in a worker.
 */
import type { DatabaseSync } from 'node:sqlite';
import { CARRIED_CHANGES } from '../../city/warning/warning.ts';
import type { Cursor } from '../../log/types.ts';
import { FaultError } from '../../core/faults.ts';
import { isJson, isJsonOf } from '../sqlite/damaged.ts';
import { SqliteFile } from '../sqlite/file.ts';
import { openOrSalvage, type DatabaseSalvage } from '../sqlite/salvage.ts';
import { appendToChangeFeed, openChangeFeed, readChangeFeed } from './change-feed.ts';
import { isWarningChange, isWarningKey, isWarningRecord, type WarningChangeRow, type WarningRow } from './record.ts';
import { copyState, type SalvagedState } from './salvage.ts';
import { STATE_MIGRATIONS } from './schema.ts';

/** Warnings that are over, and findings, that are kept; older ones go. */
const KEPT = 20_000;
/** Of one warning: the first of its changes, and the newest. One whose limit is crossed each second for a day has more. */
const KEPT_CHANGES_OF_ONE = 10_000;

type Keyed = [key: string, json: string];

export interface OutboxEntry {
  topic: string;
  payload: string;
  /** The last message on this topic: afterwards it is cleared. */
  final: boolean;
}

export interface StateBatch {
  /** null: only time went on. */
  upTo: Cursor | null;
  series: Keyed[];
  keys: Keyed[];
  /** In the order in which they changed; of one that changed twice the later counts. */
  warnings: WarningRow[];
  warningChanges: WarningChangeRow[];
  findings: { id: string; fromAt: number; json: string }[];
  outbox: OutboxEntry[];
  /** What is published of each change, as JSON, in order; `last` is the number of the last one. */
  feed?: { published: string[]; last: number };
}

export interface StateSnapshot {
  cursor: Cursor;
  series: Keyed[];
  keys: Keyed[];
  /** Open ones, and the newest of the others, by when they were raised; each with the newest of its changes. */
  warnings: { json: string; changes: string[] }[];
  outbox: (OutboxEntry & { n: number })[];
}

export class StateDatabase {
  #file: SqliteFile | null = null;

  readonly operations = {
    open: ({ path }: { path: string }) => this.#open(path),
    commit: (batch: StateBatch) => this.#commit(batch),
    sent: ({ n }: { n: number }) => {
      this.#opened.transaction((db) => {
        db.prepare('DELETE FROM outbox WHERE n <= ?').run(BigInt(n));
      });
    },
    findings: ({ limit }: { limit: number }) =>
      this.#opened.read((db) => jsons(db, 'SELECT json FROM findings ORDER BY from_at DESC LIMIT ?', BigInt(limit))),
    beginFeed: ({ nowMs }: { nowMs: number }) => this.#opened.transaction((db) => openChangeFeed(db, nowMs)),
    feed: ({ after, limit }: { after: number; limit: number }) => this.#opened.read((db) => readChangeFeed(db, after, limit)),
    close: () => { this.#file?.close(); },
  };

  get #opened(): SqliteFile {
    return this.#file as SqliteFile;
  }

  /** A file that cannot be used is put aside, and what can be saved of it stands in its place. */
  #open(path: string): { snapshot: StateSnapshot; salvage: DatabaseSalvage<SalvagedState> | null } {
    const { opened, salvage } = openOrSalvage(path, STATE_MIGRATIONS, () => this.#openFile(path), copyState);
    return { snapshot: opened, salvage };
  }

  #openFile(path: string): StateSnapshot {
    const file = new SqliteFile(path, STATE_MIGRATIONS);
    file.open(() => {});
    try {
      file.transaction(prune);
      const snapshot = file.read(snapshotOf);
      check(snapshot);
      this.#file = file;
      return snapshot;
    } catch (error) {
      file.close();
      throw error;
    }
  }

  /** @returns the numbers of the outbox entries */
  #commit({ upTo, series, keys, warnings, warningChanges, findings, outbox, feed }: StateBatch): number[] {
    return this.#opened.transaction((db) => {
      for (const [table, rows] of [['series', series], ['keys', keys]] as const) {
        const put = db.prepare(`INSERT INTO ${table} VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET json = excluded.json`);
        for (const [key, json] of rows) put.run(key, json);
      }
      const putWarning = db.prepare(
        'INSERT INTO warnings VALUES (?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET open = excluded.open, json = excluded.json',
      );
      for (const { id, raisedAt, open, json } of new Map(warnings.map((row) => [row.id, row])).values())
        putWarning.run(id, BigInt(raisedAt), BigInt(open), json);
      putChanges(db, warningChanges);
      if (feed) appendToChangeFeed(db, feed.published, feed.last);
      const putFinding = db.prepare('INSERT INTO findings VALUES (?, ?, ?) ON CONFLICT (id) DO UPDATE SET json = excluded.json');
      for (const { id, fromAt, json } of findings) putFinding.run(id, BigInt(fromAt), json);
      const post = db.prepare('INSERT INTO outbox (topic, payload, final) VALUES (?, ?, ?)');
      const numbers = outbox.map(({ topic, payload, final }) => Number(post.run(topic, payload, BigInt(final)).lastInsertRowid));
      if (upTo) {
        db.prepare('INSERT INTO progress VALUES (1, ?, ?) ON CONFLICT (one) DO UPDATE SET epoch = excluded.epoch, seq = excluded.seq').run(
          BigInt(upTo.epoch),
          BigInt(upTo.seq),
        );
      }
      return numbers;
    });
  }
}

/** What cannot be understood would keep the rules from starting, or be sent to whoever listens. @throws CV_STORE_DAMAGED */
function check({ series, keys, warnings, outbox }: StateSnapshot): void {
  const isSound =
    series.every(([, json]) => isJson(json)) &&
    outbox.every(({ payload }) => payload === '' || isJson(payload)) &&
    keys.every(([, json]) => isJsonOf(json, isWarningKey)) &&
    warnings.every(({ json, changes }) => isJsonOf(json, isWarningRecord) && changes.every((change) => isJsonOf(change, isWarningChange)));
  if (!isSound) throw new FaultError('CV_STORE_DAMAGED', { path: '', detail: 'a row of it cannot be understood' });
}

/** Only added to; of a warning with very many the oldest but the first go. */
function putChanges(db: DatabaseSync, rows: readonly WarningChangeRow[]): void {
  const put = db.prepare('INSERT INTO warning_changes VALUES (?, ?, ?)');
  const drop = db.prepare('DELETE FROM warning_changes WHERE warning = ? AND n > 1 AND n <= ?');
  for (const [warning, n, json] of rows) {
    put.run(warning, BigInt(n), json);
    if (n > KEPT_CHANGES_OF_ONE) drop.run(warning, BigInt(n - KEPT_CHANGES_OF_ONE + 1));
  }
}

function snapshotOf(db: DatabaseSync): StateSnapshot {
  const newest = `SELECT warning, json FROM warning_changes AS one
    WHERE n > (SELECT max(n) FROM warning_changes WHERE warning = one.warning) - ${CARRIED_CHANGES} ORDER BY warning, n`;
  const changes = Map.groupBy(db.prepare(newest).all() as unknown as { warning: string; json: string }[], ({ warning }) => warning);
  const warnings = db.prepare('SELECT id, json FROM warnings ORDER BY raised_at').all() as unknown as { id: string; json: string }[];
  return {
    cursor: (db.prepare('SELECT epoch, seq FROM progress').get() as Cursor | undefined) ?? { epoch: 0, seq: 0 },
    series: keyed(db, 'series'),
    keys: keyed(db, 'keys'),
    warnings: warnings.map(({ id, json }) => ({ json, changes: (changes.get(id) ?? []).map((change) => change.json) })),
    outbox: (
      db.prepare('SELECT n, topic, payload, final FROM outbox ORDER BY n').all() as unknown as {
        n: number;
        topic: string;
        payload: string;
        final: number;
      }[]
    ).map(({ n, topic, payload, final }) => ({ n, topic, payload, final: final === 1 })),
  };
}

function keyed(db: DatabaseSync, table: 'series' | 'keys'): Keyed[] {
  return (db.prepare(`SELECT key, json FROM ${table}`).all() as unknown as { key: string; json: string }[]).map(({ key, json }) => [
    key,
    json,
  ]);
}

function jsons(db: DatabaseSync, sql: string, ...params: bigint[]): string[] {
  return (db.prepare(sql).all(...params) as unknown as { json: string }[]).map(({ json }) => json);
}

function prune(db: DatabaseSync): void {
  const { changes } = db
    .prepare(
      'DELETE FROM warnings WHERE open = 0 AND raised_at < (SELECT raised_at FROM warnings WHERE open = 0 ORDER BY raised_at DESC LIMIT 1 OFFSET ?)',
    )
    .run(BigInt(KEPT));
  if (changes > 0) db.exec('DELETE FROM warning_changes WHERE warning NOT IN (SELECT id FROM warnings)');
  db.prepare('DELETE FROM findings WHERE from_at < (SELECT from_at FROM findings ORDER BY from_at DESC LIMIT 1 OFFSET ?)').run(
    BigInt(KEPT),
  );
}
