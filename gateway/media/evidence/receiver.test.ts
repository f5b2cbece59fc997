import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { EvidenceFolder } from '../../../log/evidence/evidence-folder.ts';
import type { TelemetryEvent } from '../../../core/telemetry.ts';
import { tempDir } from '../../../core/testing/temp-dir.ts';
import type { EvidenceAnswer, EvidencePart } from '../../../core/wire/messages.ts';
import { edgeTopic } from '../../../core/wire/topics.ts';
import { realWorld, type World } from '../../../core/world.ts';
import { EvidenceSender } from '../../../edge/forward/evidence-sender.ts';
import { EvidenceReceiver } from './receiver.ts';

const AT = Date.UTC(2026, 10, 28, 14, 30);
const CENTRE = '500112001';
type Context = { after(run: () => Promise<void>): void };

/** A JPEG by its first bytes. */
const fileOf = (bytes: number) => Buffer.concat([Buffer.from([0xff, 0xd8, 0xff]), randomBytes(bytes - 3)]);
const sha256Of = (content: Uint8Array) => createHash('sha256').update(content).digest('hex');

/** An edge's sender and a gateway's desk, with a link between them that can be cut. */
async function rig(t: Context) {
  const { dir, remove } = await tempDir();
  t.after(remove);
  const told: TelemetryEvent[] = [];
  let nowMs = 0;
  const world: World = { ...realWorld((event) => { told.push(event); }) };
  const clock = { ...world.clock, monotonicMs: () => nowMs };
  const folder = (name: string) => EvidenceFolder.open({ dir: join(dir, name), maxBytes: 1e9, keepMs: Infinity }, world.clock);
  const [edge, gateway] = await Promise.all([folder('edge'), folder('gateway')]);
  const parts: EvidencePart[] = [];
  let isCut = false;
  let busy = false;
  let answers = 0;
  const waiting: { until: () => boolean; resolve: () => void }[] = [];
  const news = () => waiting.filter(({ until }) => until()).forEach(({ resolve }) => resolve());
  const desk = await EvidenceReceiver.open(
    {
      dir: join(dir, 'gateway', 'coming'),
      folder: gateway,
      isKnown: (id) => id === 'pump',
      link: {
        publish: (_topic, payload) => {
          answers += 1;
          if (!isCut) sender.answer(JSON.parse(String(payload)) as EvidenceAnswer);
          news();
          return Promise.resolve();
        },
      },
    },
    world,
  );
  const sender = new EvidenceSender(
    {
      folder: () => edge,
      maySend: () => !busy,
      send(payload) {
        parts.push(JSON.parse(payload) as EvidencePart);
        if (!isCut) take(payload);
        news();
      },
    },
    {
      clock,
      tell: (event) => {
        told.push(event);
        news();
      },
    },
  );
  const take = (payload: string, edgeId = 'pump') =>
    desk.take({ topic: edgeTopic(CENTRE, edgeId, 'evidence'), payload: Buffer.from(payload), retained: false });
  t.after(async () => {
    await desk.close();
    await edge.close();
    await gateway.close();
  });
  return {
    dir, told, edge, gateway, parts, sender, desk, take,
    cut: (on: boolean) => { isCut = on; }, busy: (on: boolean) => { busy = on; }, later: (ms: number) => { nowMs += ms; },
    put: (content: Uint8Array, at = AT) => edge.put({ sha256: sha256Of(content), mime: 'image/jpeg', atMs: at }, content, 'waiting'),
    until: (until: () => boolean) => (until() ? Promise.resolve() : new Promise<void>((resolve) => { waiting.push({ until, resolve }); })),
    answers: () => answers,
    sent: () => told.filter(({ kind }) => kind === 'evidence_sent').length,
  };
}

test('files go part by part, the newest first, and are let go of when the gateway has them whole', async (t) => {
  const { put, sender, parts, until, sent, gateway, edge, told } = await rig(t);
  const [older, newer] = [fileOf(100_000), fileOf(50)];
  await put(older);
  await put(newer, AT + 1);
  sender.connected(true);
  await until(() => sent() === 2);
  assert.deepEqual(
    parts.map(({ offset, data }) => [offset, Buffer.from(data, 'base64').length]),
    [
      [0, 0],
      [0, 50],
      [0, 0],
      [0, 49_152],
      [49_152, 49_152],
      [98_304, 1696],
    ],
  );
  for (const content of [older, newer]) assert.deepEqual(Buffer.from((await gateway.get(sha256Of(content)))?.content ?? []), content);
  assert.equal(edge.newestWaiting(), null);
  assert.ok(edge.has(sha256Of(older)), 'still here, as one that was sent');
  assert.equal(told.filter(({ kind }) => kind === 'evidence_taken').length, 2);
});

test('live events go first; a gateway that takes no files gets none', async (t) => {
  const { put, sender, parts, busy, until, sent } = await rig(t);
  await put(fileOf(10));
  sender.connected(false);
  sender.tick();
  assert.equal(parts.length, 0);
  busy(true);
  sender.connected(true);
  sender.tick();
  assert.equal(parts.length, 0);
  busy(false);
  sender.wake();
  await until(() => sent() === 1);
});

test('after a cut the file goes on where it was; what is not answered is asked for again, in smaller parts', async (t) => {
  const { put, sender, parts, cut, until, sent, later, dir, answers } = await rig(t);
  await put(fileOf(120_000));
  sender.connected(true);
  await until(() => parts.length === 3);
  cut(true);
  await until(() => answers() === 3);
  sender.disconnected();
  cut(false);
  const before = parts.length;
  sender.connected(true);
  await until(() => sent() === 1);
  assert.deepEqual([parts[before]?.data, parts[before]?.offset], ['', 0]);
  assert.ok((parts[before + 1]?.offset ?? 0) >= 49_152, 'not from its beginning');
  assert.deepEqual((await readdir(join(dir, 'gateway', 'coming'))), []);

  await put(fileOf(120_000), AT + 5);
  cut(true);
  sender.wake();
  await until(() => parts.at(-1)?.at === AT + 5);
  const asked = parts.length;
  later(9000);
  sender.tick();
  assert.equal(parts.length, asked, 'it has its time');
  later(1000);
  cut(false);
  sender.tick();
  await until(() => sent() === 2);
  assert.equal(Buffer.from(parts[asked + 1]?.data ?? '', 'base64').length, 24_576);
});

test('what is not what it says is refused and given up; nonsense is left unanswered', async (t) => {
  const { put, sender, edge, gateway, told, until, take, desk, dir } = await rig(t);
  const text = Buffer.from('no picture at all');
  await put(text);
  sender.connected(true);
  const codes = () =>
    told.flatMap((event) => (event.kind === 'fault' ? event.fault.code : event.kind === 'evidence_lost' ? event.reason : []));
  await until(() => codes().includes('refused'));
  assert.ok(codes().includes('CV_EVIDENCE_REFUSED'));
  assert.equal(gateway.has(sha256Of(text)), false);
  const part: EvidencePart = {
    v: 1,
    sha256: 'a'.repeat(64),
    mime: 'image/jpeg',
    bytes: 10,
    at: AT,
    offset: 0,
    data: fileOf(10).toString('base64'),
  };
  take(JSON.stringify(part));
  take('{');
  take(JSON.stringify({ ...part, bytes: 1e9 }));
  take(JSON.stringify({ ...part, sha256: '../../x' }));
  take(JSON.stringify(part), 'stranger');
  await desk.close();
  assert.deepEqual([gateway.bytes, (await readdir(join(dir, 'gateway', 'coming'))).length], [0, 0]);
  assert.equal(edge.newestWaiting(), null);
});

test('a folder within its bytes lets go of the oldest, first of those that were sent, and counts the others; it is found again as it was', async (t) => {
  const { dir, remove } = await tempDir();
  t.after(remove);
  const lost: number[] = [];
  const open = (maxBytes: number, keepMs = Infinity) =>
    EvidenceFolder.open(
      {
        dir,
        maxBytes,
        keepMs,
        onDropped: (count) => {
          lost.push(count);
        },
      },
      realWorld(() => {}).clock,
    );
  const folder = await open(1000);
  const files = Array.from({ length: 5 }, () => fileOf(300));
  const put = (at: number) =>
    folder.put({ sha256: sha256Of(files[at] as Buffer), mime: 'image/jpeg', atMs: AT + at }, files[at] as Buffer, 'waiting');
  const there = (of: EvidenceFolder) => files.flatMap((file, at) => (of.has(sha256Of(file)) ? at : []));
  for (const at of [0, 1, 2]) await put(at);
  await folder.markSent(sha256Of(files[2] as Buffer));
  await put(3);
  assert.deepEqual([there(folder), lost], [[0, 1, 3], []]);
  await put(4);
  assert.deepEqual([there(folder), lost, folder.bytes], [[1, 3, 4], [1], 900]);
  await folder.close();
  const again = await open(1000);
  assert.deepEqual([there(again), again.newestWaiting()?.atMs], [[1, 3, 4], AT + 4]);
  await again.close();
  const strict = await open(1000, 60_000);
  assert.deepEqual([there(strict), lost], [[], [1, 3]]);
  await strict.close();
});
