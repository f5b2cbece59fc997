import assert from 'node:assert/strict';
import { appendFile, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { FaultError } from '../../core/faults.ts';
import { tempDir } from '../../core/testing/temp-dir.ts';
import { testWorld } from '../../core/testing/virtual-clock.ts';
import { openQuarantine, type RefusedPayload } from './quarantine.ts';

async function folder(t: TestContext): Promise<string> {
  const { dir, remove } = await tempDir();
  t.after(remove);
  return dir;
}
const refused = (text: string, sender = 'pump'): RefusedPayload => ({
  at: 5,
  sender,
  code: 'CV_WIRE_NOT_JSON',
  detail: 'no',
  payload: Buffer.from(text),
});

test('items are listed newest first, by page, and their payloads come back', async (t) => {
  const quarantine = await openQuarantine({ dir: await folder(t) }, testWorld());
  await quarantine.add([refused('one'), refused('two'), refused('three')]);
  assert.deepEqual(quarantine.list(null, 2).map(({ excerpt }) => excerpt), ['three', 'two']);
  assert.deepEqual(quarantine.list(2, 9).map(({ id, excerpt }) => [id, excerpt]), [[1, 'one']]);
  assert.equal(Buffer.from((await quarantine.payload(2)) ?? []).toString(), 'two');
  assert.equal(await quarantine.payload(9), null);
  await quarantine.close();
});

test('the same payload again is not written again, from another sender it is', async (t) => {
  const quarantine = await openQuarantine({ dir: await folder(t) }, testWorld());
  await Promise.all([quarantine.add([refused('x')]), quarantine.add([refused('x')]), quarantine.add([refused('x', 'gate')])]);
  assert.equal(quarantine.list(null, 9).length, 2);
  await quarantine.close();
});

test('a restart knows what is there, also behind a torn line, and goes on counting', async (t) => {
  const dir = await folder(t);
  const first = await openQuarantine({ dir }, testWorld());
  await first.add([refused('one'), refused('two')]);
  await first.close();
  await appendFile(join(dir, 'quarantine-1.jsonl'), '{"id":3,"at":5,"sen');
  const second = await openQuarantine({ dir }, testWorld());
  await second.add([refused('one'), refused('three')]);
  assert.deepEqual(second.list(null, 9).map(({ id, excerpt }) => [id, excerpt]), [[3, 'three'], [2, 'two'], [1, 'one']]);
  await second.close();
  const third = await openQuarantine({ dir }, testWorld());
  assert.deepEqual(third.list(null, 9).map(({ id }) => id), [3, 2, 1]);
  assert.equal(Buffer.from((await third.payload(3)) ?? []).toString(), 'three');
  await third.close();
});

test('files stay within their bound, the oldest items go', async (t) => {
  const dir = await folder(t);
  const quarantine = await openQuarantine({ dir, maxFileBytes: 1000, maxFiles: 2 }, testWorld());
  for (let count = 0; count < 40; count += 1) await quarantine.add([refused(`item ${count}`.padEnd(100, '.'))]);
  assert.equal((await readdir(dir)).length, 2);
  const items = quarantine.list(null, 99);
  assert.ok(items.length >= 2 && items.length < 12);
  assert.equal(items[0]?.id, 40);
  await quarantine.add([refused('item 0'.padEnd(100, '.'))]);
  assert.equal(quarantine.list(null, 1)[0]?.id, 41);
  await quarantine.close();
});

test('long payloads are cut, bytes that are no text are shown in hex', async (t) => {
  const quarantine = await openQuarantine({ dir: await folder(t) }, testWorld());
  await quarantine.add([{ ...refused(''), payload: Buffer.alloc(1 << 20, 0xff) }]);
  const [item] = quarantine.list(null, 1);
  assert.equal(item?.bytes, 1 << 20);
  assert.equal(item?.excerpt.slice(0, 4), 'ffff');
  assert.equal((await quarantine.payload(1))?.length, 64 << 10);
  await quarantine.close();
});

test('a flood keeps its excerpts, not all of its payloads', async (t) => {
  const quarantine = await openQuarantine({ dir: await folder(t) }, testWorld());
  await quarantine.add(Array.from({ length: 80 }, (_, at) => ({ ...refused(''), payload: Buffer.alloc(64 << 10, at) })));
  assert.equal(quarantine.list(null, 99).length, 80);
  assert.equal(await quarantine.payload(80), null);
  assert.equal((await quarantine.payload(1))?.length, 64 << 10);
  await quarantine.close();
});

test('what cannot be written is a fault, and may be tried again', async (t) => {
  const dir = await folder(t);
  const quarantine = await openQuarantine({ dir }, testWorld());
  await rm(dir, { recursive: true });
  await assert.rejects(
    quarantine.add([refused('x')]),
    (error) => error instanceof FaultError && error.fault.code === 'CV_QUARANTINE_FAILED',
  );
  assert.deepEqual(quarantine.list(null, 9), []);
  await assert.rejects(quarantine.add([refused('x')]));
  await quarantine.close();
});
