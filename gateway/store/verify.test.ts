/** What a block's row and its generation say of it is held against what the block holds. */
import assert from 'node:assert/strict';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import { encodeBlock, type PointColumns } from './block.ts';
import { checkBlocks } from './verify.ts';

/** Series 3 to 5, times 100 to 300. */
const POINTS: PointColumns = {
  times: Float64Array.of(100, 300, 200),
  values: Float64Array.of(1, 2, 3),
  ids: Int32Array.of(3, 4, 5),
  codes: Uint8Array.of(0, 0, 0),
  details: [],
};
const ROW = { from_s: 3, to_s: 5, from_at: 100, to_at: 300, count: 3 };

function checked(
  row: Partial<typeof ROW>,
  generation: { from: number; to: number } | null = { from: 100, to: 300 },
  body: Uint8Array = encodeBlock(POINTS),
) {
  const db = new DatabaseSync(':memory:');
  db.exec(
    'CREATE TABLE block (id INTEGER PRIMARY KEY, g, from_s, to_s, from_at, to_at, count, body); CREATE TABLE generation (g, from_at, to_at)',
  );
  const { from_s: fromS, to_s: toS, from_at: fromAt, to_at: toAt, count } = { ...ROW, ...row };
  db.prepare('INSERT INTO block VALUES (7, 1, ?, ?, ?, ?, ?, ?)').run(fromS, toS, fromAt, toAt, count, body);
  if (generation) db.prepare('INSERT INTO generation VALUES (1, ?, ?)').run(generation.from, generation.to);
  const { looked, points, damages, misfits } = checkBlocks(db, { afterId: 0 });
  db.close();
  return { looked, points, damages, misfits: misfits.length };
}

test('a block whose row and generation fit is sound, whatever else they could hold', () => {
  const sound = { looked: 1, points: 3, damages: [], misfits: 0 };
  assert.deepEqual(checked({}), sound);
  assert.deepEqual(checked({}, { from: 0, to: 9999 }), sound);
});

test('a block whose row leaves out a series or a time that it holds, or counts otherwise, is named', () => {
  for (const row of [{ from_s: 4 }, { to_s: 4 }, { from_at: 101 }, { to_at: 299 }, { count: 2 }, { count: 4 }]) {
    assert.deepEqual(checked(row, { from: 0, to: 9999 }), { looked: 1, points: 3, damages: [], misfits: 1 }, JSON.stringify(row));
  }
});

test('so is one whose generation does not reach as far, or is not there', () => {
  for (const generation of [{ from: 101, to: 300 }, { from: 100, to: 299 }, null])
    assert.equal(checked({}, generation).misfits, 1, JSON.stringify(generation));
});

test('a block whose bytes are not what was written is damage, not a misfit', () => {
  const body = encodeBlock(POINTS);
  body[body.length - 1] = (body[body.length - 1] as number) ^ 1;
  assert.deepEqual(checked({}, undefined, body), {
    looked: 1,
    points: 0,
    damages: [{ id: -7, series: 0, from: 100, to: 301, count: 3 }],
    misfits: 0,
  });
});
