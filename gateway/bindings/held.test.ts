import assert from 'node:assert/strict';
import { appendFile, copyFile, mkdir, readdir, readlink, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import type { Event } from '../../core/event.ts';
import { tempDir } from '../../core/testing/temp-dir.ts';
import { HeldEvents } from './held.ts';
import { releasedBatches } from './take-in.ts';

const event = (seq: number, over: Partial<Event> = {}): Event => ({
  edge: 'gate',
  stream: 'measurement',
  epoch: 1,
  seq,
  device: 'plc',
  point: 'level',
  indicator: 'YJ-FLD-001',
  centre: '500112001',
  kind: 'measurement',
  value: seq,
  unit: 'm',
  occurredAt: 1_760_000_000_000 + seq,
  observedAt: 1_760_000_000_000,
  clock: 'edge',
  quality: 'good',
  origin: 'live',
  ...over,
});
const all = () => true;

async function rig(t: TestContext, maxBytes?: number) {
  const { dir, remove } = await tempDir();
  t.after(remove);
  const open = async () => {
    const held = new HeldEvents(join(dir, 'held'), maxBytes);
    await held.open();
    return held;
  };
  const taken: [string, number, number[]][] = [];
  const take = (sender: string, id: number, events: readonly Event[]) => {
    taken.push([sender, id, events.map(({ seq }) => seq)]);
    return Promise.resolve();
  };
  return { dir: join(dir, 'held'), open, taken, take };
}

test('what is held is there after a restart, each once, and what a crash has cut short spoils no other', async (t) => {
  const { dir, open, taken, take } = await rig(t);
  const first = await open();
  await first.add('gate', [event(1), event(2)]);
  await first.add('gate', [event(2)]);
  await appendFile(join(dir, 'gate.jsonl'), JSON.stringify(event(3)).slice(0, 50));
  const second = await open();
  await second.add('gate', [event(4)]);
  assert.equal(await second.handOver('gate', 7, all, take), 3);
  assert.deepEqual(taken, [['gate', 7, [1, 2, 4]]]);
  assert.deepEqual([await readdir(dir), second.groups()], [[], []]);
});

test('only what was asked for is handed over; the rest stays, also after a restart', async (t) => {
  const { open, taken, take } = await rig(t);
  const held = await open();
  await held.add('gate', [event(1), event(2, { device: 'cam' }), event(3)]);
  assert.equal(await held.handOver('gate', 7, ({ device }) => device === 'plc', take), 2);
  assert.equal(await held.handOver('gate', 8, ({ device }) => device === 'plc', take), 0);
  assert.deepEqual(taken, [['gate', 7, [1, 3]]]);
  assert.deepEqual((await open()).groups(), [{ sender: 'gate', groups: [{ device: 'cam', centre: '500112001', count: 1 }] }]);
});

test('a hand-over that a crash has cut short goes on under its own name, with the same events', async (t) => {
  const { dir, open, taken, take } = await rig(t);
  const first = await open();
  await first.add('gate', [event(1), event(2)]);
  // Killed when the chosen were in a file of their own, and still among the held.
  await copyFile(join(dir, 'gate.jsonl'), join(dir, 'gate.7.handed'));
  await appendFile(join(dir, 'gate.jsonl'), `${JSON.stringify(event(3))}\n`);
  const second = await open();
  await second.goOn(take);
  assert.deepEqual(taken, [['gate', 7, [1, 2]]]);
  assert.deepEqual(second.groups(), [{ sender: 'gate', groups: [{ device: 'plc', centre: '500112001', count: 1 }] }]);
  // Killed, or refused, while they were taken in: again, with the same ones.
  await assert.rejects(second.handOver('gate', 9, all, () => Promise.reject(new Error('the gateway ends'))));
  await (await open()).goOn(take);
  assert.deepEqual(taken.at(-1), ['gate', 9, [3]]);
  assert.deepEqual(await readdir(dir), []);
});

test('one that sends nothing but foreign events fills its own part of the disk and no more', async (t) => {
  const { dir, open } = await rig(t, 2000);
  const held = await open();
  for (let seq = 1; seq < 50; seq += 1) await held.add('gate', [event(seq)]);
  await held.add('pump', [event(1, { edge: 'pump' })]);
  const counts = Object.fromEntries(held.groups().map(({ sender, groups }) => [sender, groups[0]?.count]));
  assert.ok((counts.gate ?? 0) >= 3);
  assert.ok((await stat(join(dir, 'gate.jsonl'))).size <= 2000);
  assert.equal(counts.pump, 1);
});

test('a disk that cannot be written is said: then nothing of it may count as settled', async (t) => {
  const { dir, open } = await rig(t);
  const held = await open();
  await mkdir(join(dir, 'gate.jsonl'));
  await assert.rejects(held.add('gate', [event(1)]), { name: 'CV_QUARANTINE_FAILED' });
});

test('held events go into the log in order, numbered without a hole, with their own numbers in them', () => {
  const events = [event(9), event(4), event(2, { epoch: 3 }), event(5, { stream: 'state', kind: 'state' })];
  const batches = releasedBatches(7, events, 1).map(({ checked: { batch } }) => [
    batch.name,
    batch.events().map(({ epoch, seq }) => [epoch, seq]),
  ]);
  assert.deepEqual(batches, [
    [{ from: 'held:7', stream: 'measurement', epoch: 7, seq: 1 }, [[1, 4], [1, 9], [3, 2]]],
    [{ from: 'held:7', stream: 'state', epoch: 7, seq: 1 }, [[1, 5]]],
  ]);
  assert.deepEqual(
    releasedBatches(
      7,
      Array.from({ length: 1001 }, (_, at) => event(at + 1)),
      1,
    ).map(({ checked: { batch } }) => [batch.name.seq, batch.count]),
    [
      [1, 500],
      [501, 500],
      [1001, 1],
    ],
  );
});

test('no file stays open behind what was written, handed over or refused', async (t) => {
  const { dir, open, take } = await rig(t);
  const held = await open();
  const openFiles = async () =>
    (await Promise.all((await readdir('/proc/self/fd')).map((fd) => readlink(`/proc/self/fd/${fd}`).catch(() => '')))).filter((path) =>
      path.startsWith(dir),
    );
  for (let seq = 1; seq <= 5; seq += 1) await held.add('gate', [event(seq)]);
  assert.deepEqual(await openFiles(), []);
  await held.handOver('gate', 7, ({ device }) => device === 'plc', take);
  await held.add('gate', [event(9)]);
  assert.deepEqual(await openFiles(), []);
});
