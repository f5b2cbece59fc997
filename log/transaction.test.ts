import assert from 'node:assert/strict';
import { DatabaseSync } from 'node:sqlite';
import { test, type TestContext } from 'node:test';
import { inTransaction } from './transaction.ts';

function database(t: TestContext): DatabaseSync {
  const db = new DatabaseSync(':memory:');
  t.after(() => db.close());
  db.exec('CREATE TABLE a (b INTEGER)');
  return db;
}

const countIn = (db: DatabaseSync) => (db.prepare('SELECT count(*) AS count FROM a').get() as { count: number }).count;

test('all is written when it returns, with what the caller made of it', (t) => {
  const db = database(t);
  const isWithin = inTransaction(db, () => {
    db.exec('INSERT INTO a VALUES (1), (2)');
    return db.isTransaction;
  });
  assert.deepEqual([isWithin, db.isTransaction, countIn(db)], [true, false, 2]);
});

test('a failure undoes all of it and comes to the caller, also where the database has undone it already', (t) => {
  const db = database(t);
  for (const isUndone of [false, true]) {
    const failure = new Error('refused');
    const run = () => {
      db.exec('INSERT INTO a VALUES (1)');
      if (isUndone) db.exec('ROLLBACK');
      throw failure;
    };
    assert.throws(() => inTransaction(db, run), failure);
    assert.deepEqual([db.isTransaction, countIn(db)], [false, 0]);
  }
});
