/** A damaged `state.db`: it opens all the same, and what can be understood of it is there. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { test, type TestContext } from 'node:test';
import { tempDir } from '../../core/testing/temp-dir.ts';
import { StateDatabase, type StateBatch, type StateSnapshot } from './database.ts';

const words = { zh: '词', en: 'words' };
const record = (id: string): string =>
  JSON.stringify({
    id,
    rule: 'rule',
    type: 'threshold',
    indicator: 'X',
    device: 'd',
    point: 'p',
    subject: 's',
    centre: 'c',
    condition: 'active',
    state: 'raised',
    version: 1,
    level: 2,
    worst: 2,
    count: 1,
    onsetAt: 1,
    raisedAt: 1,
    changedAt: 1,
    revision: 1,
    description: { title: words, suggestion: words, raisedBy: 'gateway:g', publishedAt: 1, missing: [] },
    media: { snapshots: [], clips: [] },
    cursor: null,
  });
const change = (n: number): string => JSON.stringify({ n, kind: 'raised', atMs: 1, level: 2, state: 'raised', by: { role: 'engine' } });
const key = (rule: string, id: string): string =>
  JSON.stringify({ rule, subject: 's', centre: 'c', digest: '', newest: { id, onsetAt: 1 }, series: { a: 2 } });
const BATCH: StateBatch = {
  upTo: { epoch: 3, seq: 9 },
  series: [
    ['a|b|c', '{"at":1}'],
    ['d|e|f', '{"at":2}'],
  ],
  keys: [['rule|x', key('rule', 'w-1')]],
  warnings: [
    { id: 'w-1', raisedAt: 1, open: true, json: record('w-1') },
    { id: 'w-2', raisedAt: 2, open: false, json: record('w-2') },
  ],
  warningChanges: [
    ['w-1', 1, change(1)],
    ['w-1', 2, change(2)],
    ['w-2', 1, change(1)],
  ],
  findings: [{ id: 'f-1', fromAt: 1, json: '{"id":"f-1"}' }],
  outbox: [
    { topic: 't', payload: '{}', final: false },
    { topic: 't', payload: '', final: true },
  ],
};

/** One that holds the batch, closed in order. */
async function written(t: TestContext): Promise<{ dir: string; path: string; snapshot: StateSnapshot }> {
  const { dir, remove } = await tempDir();
  t.after(remove);
  const path = join(dir, 'state.db');
  const { operations } = new StateDatabase();
  operations.open({ path });
  operations.commit(BATCH);
  operations.close();
  return { dir, path, snapshot: opened(path).snapshot };
}

function opened(path: string): ReturnType<StateDatabase['operations']['open']> {
  const { operations } = new StateDatabase();
  const found = operations.open({ path });
  operations.close();
  return found;
}

test('a header that makes no sense: everything is there, the damaged file lies aside', async (t) => {
  const { dir, path, snapshot } = await written(t);
  writeFileSync(path, readFileSync(path).fill(0xa5, 0, 4096));
  const { snapshot: found, salvage } = opened(path);
  assert.deepEqual(found, snapshot);
  assert.deepEqual(salvage?.found, { warnings: 2, memories: 3 });
  assert.ok(readdirSync(dir).includes('state.db.damaged-1'));
  assert.equal(opened(path).salvage, null);
});

test('a text that is no JSON keeps nobody from starting: its row is left out', async (t) => {
  const { path, snapshot } = await written(t);
  const db = new DatabaseSync(path);
  db.exec(`UPDATE warnings SET json = '{"id":' WHERE id = 'w-1'; UPDATE keys SET json = 'x'`);
  db.close();
  const { snapshot: found, salvage } = opened(path);
  assert.deepEqual(found, { ...snapshot, keys: [], warnings: [snapshot.warnings[1]] });
  assert.deepEqual(salvage?.found, { warnings: 1, memories: 2 });
});

test('a message to be sent that is no JSON is left out; the others are sent as they were', async (t) => {
  const { path, snapshot } = await written(t);
  const db = new DatabaseSync(path);
  db.exec(`UPDATE outbox SET payload = '{"id":' WHERE n = 1`);
  db.close();
  const { snapshot: found, salvage } = opened(path);
  assert.deepEqual(found, { ...snapshot, outbox: snapshot.outbox.slice(1) });
  assert.deepEqual(salvage?.found, { warnings: 2, memories: 3 });
});

test('garbage all through: it begins anew', async (t) => {
  const { path } = await written(t);
  writeFileSync(path, Buffer.alloc(20 * 4096, 'no database at all, '));
  assert.deepEqual(opened(path).snapshot, { cursor: { epoch: 0, seq: 0 }, series: [], keys: [], warnings: [], outbox: [] });
});

test('a condition that holds and whose warning is lost is forgotten, so that it is raised again', async (t) => {
  const { path } = await written(t);
  const db = new DatabaseSync(path);
  const series = (rule: string) => JSON.stringify({ rule, subject: 's', centre: 'c' });
  db.prepare('INSERT INTO series VALUES (?, ?), (?, ?)').run('one', series('one'), 'two', series('two'));
  db.prepare('INSERT INTO keys VALUES (?, ?), (?, ?)').run('one', key('one', 'w-1'), 'two', key('two', 'w-2'));
  db.exec(`UPDATE warnings SET json = '{"id":' WHERE id = 'w-1'`);
  db.close();
  const { snapshot } = opened(path);
  assert.deepEqual(
    snapshot.series.map(([name]) => name),
    ['a|b|c', 'd|e|f', 'two'],
  );
  assert.deepEqual(
    snapshot.keys.map(([name, json]) => [name, (JSON.parse(json) as { series: object }).series]),
    [
      ['one', {}],
      ['rule|x', {}],
      ['two', { a: 2 }],
    ],
  );
});

test('JSON that is no warning, no change and no key is left out like a text that is no JSON', async (t) => {
  const { path, snapshot } = await written(t);
  const db = new DatabaseSync(path);
  db.exec(
    `UPDATE warnings SET json = replace(json, '"missing"', '"mi3sing"') WHERE id = 'w-1'; UPDATE keys SET json = replace(json, 'newest', 'newezt'); UPDATE warning_changes SET json = 'null' WHERE warning = 'w-2'`,
  );
  db.close();
  const { snapshot: found, salvage } = opened(path);
  assert.deepEqual([found.keys, found.warnings], [[], [{ json: snapshot.warnings[1]?.json, changes: [] }]]);
  assert.deepEqual(salvage?.found, { warnings: 1, memories: 2 });
});
