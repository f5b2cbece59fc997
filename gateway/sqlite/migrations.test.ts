/** A file of an earlier version becomes one of today, or stays as it is; nothing in between. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { test, type TestContext } from 'node:test';
import { FaultError } from '../../core/faults.ts';
import { tempDir } from '../../core/testing/temp-dir.ts';
import { SqliteFile } from './file.ts';
import { COMMITS_TO_CONFIRM } from './backup.ts';
import { PRESENCE_MIGRATIONS } from '../presence/database.ts';
import { STATE_MIGRATIONS } from '../warnings/schema.ts';
import { storeMigrations } from '../store/schema.ts';
import type { Migrations } from './migrations.ts';

const FIRST: Migrations = [
  {
    version: 1,
    migrate: (db) => {
      db.exec('CREATE TABLE a (x INTEGER) STRICT; CREATE TABLE b (y TEXT) STRICT');
    },
  },
];
const SECOND: Migrations = [
  ...FIRST,
  {
    version: 2,
    migrate: (db) => {
      db.exec('CREATE TABLE c (z INTEGER) STRICT; INSERT INTO c SELECT x * 2 FROM a; DELETE FROM a');
    },
  },
];
const THIRD: Migrations = [
  ...SECOND,
  {
    version: 3,
    migrate: (db) => {
      db.exec('UPDATE c SET z = z + 1');
    },
  },
];

async function pathIn(t: TestContext): Promise<string> {
  const { dir, remove } = await tempDir();
  t.after(remove);
  return join(dir, 'a.db');
}

function opened<T>(path: string, migrations: Migrations, run: (file: SqliteFile) => T): T {
  const file = new SqliteFile(path, migrations);
  file.open(() => {});
  try {
    return run(file);
  } finally {
    file.close();
  }
}

const insert = (file: SqliteFile, x: number) => file.transaction((db) => { db.prepare('INSERT INTO a VALUES (?)').run(BigInt(x)); });
const numbers = (path: string, sql: string): number[] => {
  const db = new DatabaseSync(path, { readOnly: true });
  const rows = db.prepare(sql).all().map((row) => Number(Object.values(row)[0]));
  db.close();
  return rows;
};
const codeOf = (run: () => unknown): string => {
  try {
    run();
    return '';
  } catch (error) {
    return error instanceof FaultError ? error.fault.code : String(error);
  }
};
const written = (path: string): void => opened(path, FIRST, (file) => { insert(file, 1); insert(file, 2); });
const beside = (path: string): string[] => readdirSync(join(path, '..')).filter((name) => name.startsWith('a.db.')).toSorted();

test('an older file takes the migrations that it lacks, each once; the file of before lies beside it', async (t) => {
  const path = await pathIn(t);
  written(path);
  assert.deepEqual(opened(path, THIRD, (file) => file.read((db) => db.prepare('SELECT z FROM c').all().map(({ z }) => z))), [3, 5]);
  assert.deepEqual(opened(path, THIRD, (file) => file.read((db) => db.prepare('SELECT z FROM c').all().map(({ z }) => z))), [3, 5]);
  assert.deepEqual(beside(path), ['a.db.before-v2']);
  assert.deepEqual([numbers(`${path}.before-v2`, 'SELECT x FROM a'), numbers(`${path}.before-v2`, 'PRAGMA user_version')], [[1, 2], [1]]);
});

test('a new file and a migrated one have their tables in the same places: what is salvaged relies on it', async (t) => {
  const [one, other] = [await pathIn(t), await pathIn(t)];
  written(one);
  for (const path of [one, other]) opened(path, THIRD, () => {});
  const places = (path: string) => numbers(path, 'SELECT rootpage FROM sqlite_schema ORDER BY name');
  assert.deepEqual([places(one), numbers(other, 'PRAGMA user_version'), beside(other)], [places(other), [3], []]);
});

for (const [name, migrations] of [
  ['store.db', storeMigrations(() => () => {})],
  ['state.db', STATE_MIGRATIONS],
  ['presence.db', PRESENCE_MIGRATIONS],
] as const) {
  test(`the tables of ${name} stand on its first page alone: a page that is lost is made anew from them`, async (t) => {
    const path = await pathIn(t);
    opened(path, migrations, () => {});
    assert.equal(readFileSync(path)[100], 13, 'a leaf');
  });
}

test('a later file is refused, and nothing of it is touched', async (t) => {
  const path = await pathIn(t);
  opened(path, THIRD, (file) => { insert(file, 7); });
  const before = readFileSync(path);
  assert.equal(codeOf(() => opened(path, SECOND, () => {})), 'CV_STORE_NEWER');
  assert.deepEqual([readFileSync(path), beside(path)], [before, []]);
  assert.equal(opened(path, THIRD, (file) => file.read((db) => db.prepare('SELECT x FROM a').get()?.x)), 7);
});

test('a migration that fails leaves the file as the earlier version opens it', async (t) => {
  const path = await pathIn(t);
  written(path);
  const failing: Migrations = [...SECOND, { version: 3, migrate: (db) => { db.exec('DELETE FROM b; INSERT INTO nowhere VALUES (1)'); } }];
  assert.equal(codeOf(() => opened(path, failing, () => {})), 'CV_STORE_MIGRATION');
  // The migration before it stands; the file of before both is there.
  assert.deepEqual(
    [numbers(path, 'PRAGMA user_version'), numbers(path, 'SELECT z FROM c'), numbers(`${path}.before-v2`, 'SELECT x FROM a')],
    [[2], [2, 4], [1, 2]],
  );
  assert.deepEqual(
    opened(path, THIRD, (file) =>
      file.read((db) =>
        db
          .prepare('SELECT z FROM c')
          .all()
          .map(({ z }) => z),
      ),
    ),
    [3, 5],
  );
});

test('a disk that is full in the middle: the file is as it was, and is migrated once there is room', async (t) => {
  const path = await pathIn(t);
  written(path);
  const filling: Migrations = [
    ...FIRST,
    {
      version: 2,
      migrate: (db) => {
        db.exec(
          'PRAGMA max_page_count = 8; CREATE TABLE c (z); WITH RECURSIVE i(k) AS (SELECT 1 UNION ALL SELECT k + 1 FROM i WHERE k < 1000) INSERT INTO c SELECT hex(randomblob(500)) FROM i',
        );
      },
    },
  ];
  assert.equal(
    codeOf(() => opened(path, filling, () => {})),
    'CV_STORE_MIGRATION',
  );
  assert.deepEqual(
    [
      numbers(path, 'PRAGMA user_version'),
      opened(path, FIRST, (file) => {
        insert(file, 3);
        return numbersOf(file);
      }),
    ],
    [[1], [1, 2, 3]],
  );
  opened(path, SECOND, () => {});
  assert.deepEqual(
    [numbers(path, 'SELECT z FROM c'), numbers(`${path}.before-v2`, 'SELECT x FROM a')],
    [
      [2, 4, 6],
      [1, 2, 3],
    ],
    'what is kept is as new as what was migrated',
  );
});

const numbersOf = (file: SqliteFile): unknown[] => file.read((db) => db.prepare('SELECT x FROM a').all().map(({ x }) => x));

test('a file that cannot be kept is not migrated', async (t) => {
  const path = await pathIn(t);
  written(path);
  mkdirSync(`${path}.before-v2`);
  writeFileSync(join(`${path}.before-v2`, 'in-the-way'), '');
  assert.equal(codeOf(() => opened(path, SECOND, () => {})), 'CV_STORE_MIGRATION');
  assert.deepEqual(opened(path, FIRST, numbersOf), [1, 2]);
});

test('killed while it is kept, and in the middle of a migration: the earlier version opens it, and so does the later', async (t) => {
  const path = await pathIn(t);
  written(path);
  writeFileSync(`${path}.before-v2.new`, 'half a copy');
  const url = JSON.stringify(new URL('./file.ts', import.meta.url).href);
  const killed = spawnSync(process.execPath, ['--input-type=module', '-e', `
    const { SqliteFile } = await import(${url});
    const migrations = [{ version: 1, migrate() {} }, { version: 2, migrate(db) { db.exec('PRAGMA cache_size = 2; CREATE TABLE c (z); DELETE FROM a; WITH RECURSIVE i(k) AS (SELECT 1 UNION ALL SELECT k + 1 FROM i WHERE k < 1000) INSERT INTO c SELECT hex(randomblob(500)) FROM i'); process.kill(process.pid, 'SIGKILL'); for (;;); } }];
    new SqliteFile(${JSON.stringify(path)}, migrations).open(() => {});`]);
  assert.equal(killed.signal, 'SIGKILL', killed.stderr.toString());
  assert.deepEqual(beside(path), ['a.db.before-v2']);
  assert.deepEqual(opened(path, FIRST, numbersOf), [1, 2]);
  opened(path, SECOND, () => {});
  assert.deepEqual(numbers(path, 'SELECT z FROM c'), [2, 4]);
});

test('the file of before goes at the first opening after a run that has written enough, and no earlier', async (t) => {
  const path = await pathIn(t);
  written(path);
  const run = (commits: number) => opened(path, SECOND, (file) => { for (let x = 0; x < commits; x += 1) insert(file, x); });
  run(COMMITS_TO_CONFIRM - 1);
  run(COMMITS_TO_CONFIRM - 1);
  assert.deepEqual(beside(path), ['a.db.before-v2']);
  run(COMMITS_TO_CONFIRM);
  assert.deepEqual(beside(path), ['a.db.before-v2.confirmed'], 'this run can still be undone by hand');
  run(0);
  assert.equal(existsSync(`${path}.before-v2.confirmed`), false);
});
