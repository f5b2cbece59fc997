/** A `state.db` of before warnings had records: taken over whole, sound or damaged. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { test, type TestContext } from 'node:test';
import { EMPTY_CATALOGUE } from '../../city/catalogue/catalogue.ts';
import { tempDir } from '../../core/testing/temp-dir.ts';
import { testWorld } from '../../core/testing/virtual-clock.ts';
import { StateDatabase } from './database.ts';
import { openWarningLine } from './line.ts';
import { warningFromRows } from './record.ts';
import type { WarningLine } from './types.ts';

const TABLES = `
CREATE TABLE progress (one INTEGER PRIMARY KEY CHECK (one = 1), epoch INTEGER NOT NULL, seq INTEGER NOT NULL) STRICT;
CREATE TABLE series (key TEXT PRIMARY KEY, json TEXT NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE keys (key TEXT PRIMARY KEY, json TEXT NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE warnings (id TEXT PRIMARY KEY, raised_at INTEGER NOT NULL, open INTEGER NOT NULL, json TEXT NOT NULL) STRICT;
CREATE INDEX warnings_by_time ON warnings (open, raised_at);
CREATE TABLE findings (id TEXT PRIMARY KEY, from_at INTEGER NOT NULL, json TEXT NOT NULL) STRICT;
CREATE INDEX findings_by_time ON findings (from_at);
CREATE TABLE outbox (n INTEGER PRIMARY KEY AUTOINCREMENT, topic TEXT NOT NULL, payload TEXT NOT NULL, final INTEGER NOT NULL) STRICT;`;
const FEED_TABLES = `
CREATE TABLE changes (n INTEGER PRIMARY KEY, json TEXT NOT NULL) STRICT;
CREATE TABLE changes_epoch (one INTEGER PRIMARY KEY CHECK (one = 1), epoch INTEGER NOT NULL, last INTEGER NOT NULL) STRICT;
INSERT INTO changes_epoch VALUES (1, 5000, 9);`;

const cite = (at: number) => ({ indicator: 'X', device: 'd', point: 'p', at, value: at, unit: 'm' });
const reason = (text: string, at: number) => ({ zh: text, en: text, cites: cite(at) });
const words = { zh: '词', en: 'words' };
const view = (id: string, raisedAt: number, over: object = {}) => ({
  id,
  rule: 'r',
  version: 1,
  type: 'threshold',
  indicator: 'X',
  device: 'd',
  point: 'p',
  subject: 's',
  centre: '500112',
  level: 3,
  state: 'raised',
  condition: 'active',
  exercise: false,
  late: false,
  raisedBy: 'gateway:g',
  onsetAt: raisedAt,
  raisedAt,
  publishedAt: raisedAt + 1,
  changedAt: raisedAt,
  clearedAt: null,
  previousId: null,
  title: words,
  place: { ...words, position: { lon: 106, lat: 29 } },
  reasons: [reason('up', raisedAt)],
  suggestion: words,
  incomplete: ['contact'],
  cursor: '5000-7',
  ...over,
});
const OPEN = view('0000000000000002', 200, { previousId: '0000000000000001' });
const CLOSED = view('0000000000000001', 100, {
  state: 'closed',
  condition: 'cleared',
  clearedAt: 120,
  changedAt: 120,
  cursor: '5000-5',
  reasons: [reason('down', 120), reason('worse', 110), reason('up', 100)],
});
const KEY = {
  rule: 'r',
  subject: 's',
  centre: '500112',
  digest: 'd',
  series: { 'X|d|p': 3 },
  warning: {
    ...OPEN,
    worst: 2,
    count: 4,
    revision: 11,
    changes: [{ kind: 'raised', at: 200, level: 3, state: 'raised', cite: cite(200) }],
  },
};

async function oldFile(t: TestContext, hasFeed = true): Promise<{ dir: string; path: string }> {
  const { dir, remove } = await tempDir();
  t.after(remove);
  const path = join(dir, 'state.db');
  const db = new DatabaseSync(path);
  db.exec(
    `PRAGMA auto_vacuum=INCREMENTAL; PRAGMA journal_mode=WAL; ${TABLES} ${hasFeed ? FEED_TABLES : ''} INSERT INTO progress VALUES (1, 3, 9)`,
  );
  db.prepare('INSERT INTO keys VALUES (?, ?)').run('r|s|500112', JSON.stringify(KEY));
  for (const one of [OPEN, CLOSED])
    db.prepare('INSERT INTO warnings VALUES (?, ?, ?, ?)').run(
      one.id,
      BigInt(one.raisedAt),
      BigInt(one.state === 'raised'),
      JSON.stringify(one),
    );
  if (hasFeed)
    for (const [n, one] of [
      [5, CLOSED],
      [7, OPEN],
    ] as const)
      db.prepare('INSERT INTO changes VALUES (?, ?)').run(BigInt(n), JSON.stringify(one));
  db.close();
  return { dir, path };
}

async function opened(t: TestContext, dir: string): Promise<WarningLine> {
  const line = await openWarningLine(
    {
      gateway: 'g',
      dir,
      rules: [],
      catalogue: EMPTY_CATALOGUE,
      exercise: false,
      publisher: { publishRetained: async () => {} },
      device: () => null,
      isOnline: () => false,
      head: () => ({ epoch: 9, seq: 9 }),
    },
    testWorld(),
  );
  t.after(() => line.consumer.close());
  return line;
}

test('what the API showed of each warning is what it shows now; the file of before lies beside', async (t) => {
  const { dir } = await oldFile(t);
  const line = await opened(t, dir);
  const shown = ({ place, ...one }: typeof OPEN) => ({
    ...one,
    place: { zh: '500112 s', en: 's, centre 500112', position: place.position },
  });
  assert.deepEqual(line.list(), [shown(OPEN), shown(CLOSED)]);
  assert.deepEqual(
    [line.changesHead(), (await line.changesAfter(0, 10)).items.map(({ id }) => id)],
    [{ epoch: 5000, seq: 9 }, [CLOSED.id, OPEN.id]],
  );
  assert.ok(readdirSync(dir).includes('state.db.before-v1'));
});

test('each warning has a record with its changes, also one that is over and followed by another', async (t) => {
  const { path } = await oldFile(t);
  const { operations } = new StateDatabase();
  const { warnings, keys } = operations.open({ path }).snapshot;
  operations.close();
  const [closed, open] = warnings.map(({ json, changes }) => warningFromRows(json, changes).warning);
  assert.deepEqual(
    closed?.changes.map(({ n, kind, atMs, reason: told }) => [n, kind, atMs, told?.en]),
    [
      [1, 'raised', 100, 'up'],
      [2, 'level', 110, 'worse'],
      [3, 'cleared', 120, 'down'],
      [4, 'closed', 120, undefined],
    ],
  );
  assert.ok((closed?.revision ?? 0) >= 4, 'no revision that was told is given again');
  assert.deepEqual(
    [open?.worst, open?.count, open?.revision, open?.changes.map(({ n, kind, reason: told }) => [n, kind, told?.en])],
    [2, 4, 11, [[1, 'raised', 'up']]],
  );
  assert.deepEqual(
    keys.map(([, json]) => JSON.parse(json) as { newest: unknown; warning?: unknown }),
    [{ rule: 'r', subject: 's', centre: '500112', digest: 'd', series: { 'X|d|p': 3 }, newest: { id: OPEN.id, onsetAt: 200 } }],
  );
});

test('a file from before changes were numbered begins with its warnings as they are', async (t) => {
  const { dir } = await oldFile(t, false);
  const line = await opened(t, dir);
  const { items } = await line.changesAfter(0, 10);
  const { epoch } = line.changesHead();
  assert.deepEqual(items.map(({ id, cursor }) => [id, cursor]), [[CLOSED.id, `${epoch}-1`], [OPEN.id, `${epoch}-2`]]);
  assert.deepEqual(line.list().map(({ cursor }) => cursor), [`${epoch}-2`, `${epoch}-1`]);
});

test('a damaged one is salvaged into records as well', async (t) => {
  const { dir, path } = await oldFile(t);
  writeFileSync(path, readFileSync(path).fill(0xa5, 0, 4096));
  const line = await opened(t, dir);
  assert.deepEqual(
    line.list().map(({ id, state, reasons }) => [id, state, reasons.length]),
    [
      [OPEN.id, 'raised', 1],
      [CLOSED.id, 'closed', 3],
    ],
  );
});
