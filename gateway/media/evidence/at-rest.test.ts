/** What comes to a gateway that encrypts: nothing of it is plain on its disk, not while it comes either. */
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { appendFile, readdir, readFile, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import type { TelemetryEvent } from '../../../core/telemetry.ts';
import { tempDir } from '../../../core/testing/temp-dir.ts';
import { testWorld } from '../../../core/testing/virtual-clock.ts';
import type { EvidenceAnswer } from '../../../core/wire/messages.ts';
import { edgeTopic } from '../../../core/wire/topics.ts';
import { AT_REST_ALGORITHMS, type AtRestAlgorithm } from '../../../log/at-rest/algorithms.ts';
import { AtRestKeys } from '../../../log/at-rest/keys.ts';
import { EvidenceFolder } from '../../../log/evidence/evidence-folder.ts';
import { EvidenceReceiver } from './receiver.ts';

const AT = Date.UTC(2026, 0, 1);
const MARKER = 'a face that nobody may find on the disk';
const PART = 30_000;
const [KEY, LATER] = [1, 2].map((byte) => Buffer.alloc(32, byte).toString('base64')) as [string, string];
const OFF = new AtRestKeys(null);
const keysOf = (key: string, oldKeys: string[] = [], algorithm: AtRestAlgorithm = 'aes-256-gcm') =>
  new AtRestKeys({ key, oldKeys, algorithm });
const picture = (bytes: number) => Buffer.concat([Buffer.from([0xff, 0xd8, 0xff]), randomBytes(8), Buffer.alloc(bytes - 11, MARKER)]);
const shaOf = (content: Uint8Array) => createHash('sha256').update(content).digest('hex');

async function rig(t: TestContext) {
  const { dir, remove } = await tempDir();
  t.after(remove);
  const world = testWorld();
  const answers: EvidenceAnswer['evidence'][] = [];
  const coming = join(dir, 'coming');
  const start = async (keys: AtRestKeys) => {
    const folder = await EvidenceFolder.open({ dir, maxBytes: 1e8, keepMs: Infinity, keys }, world.clock);
    const receiver = await EvidenceReceiver.open({
      dir: coming, folder, keys, isKnown: () => true,
      link: { publish: (_topic, payload) => Promise.resolve(void answers.push((JSON.parse(String(payload)) as EvidenceAnswer).evidence)) },
    }, world);
    /** @returns what the edge is told */
    const send = async (content: Buffer, offset: number, bytes = PART, edge = 'pump') => {
      const data = content.subarray(offset, offset + bytes).toString('base64');
      const part = { v: 1, sha256: shaOf(content), mime: 'image/jpeg', bytes: content.length, at: AT, offset, data };
      receiver.take({ topic: edgeTopic('500112001', edge, 'evidence'), payload: Buffer.from(JSON.stringify(part)), retained: false });
      await receiver.close();
      return answers.at(-1);
    };
    const stop = async () => {
      await receiver.close();
      await folder.close();
    };
    return { folder, send, stop };
  };
  const files = async () => {
    const names = await readdir(dir, { recursive: true, withFileTypes: true });
    return Promise.all(names.filter((name) => name.isFile()).map(({ parentPath, name }) => readFile(join(parentPath, name))));
  };
  const codes = () => world.told.flatMap((event: TelemetryEvent) => (event.kind === 'fault' ? event.fault.code : []));
  return { coming, start, codes, plain: async () => (await files()).filter((content) => content.includes(MARKER)).length };
}

for (const algorithm of AT_REST_ALGORITHMS) {
  test(`${algorithm}: a picture comes in parts, over a restart, and no byte of it is plain on the disk`, async (t) => {
    const { start, coming, plain, codes } = await rig(t);
    const keys = keysOf(KEY, [], algorithm);
    const content = picture(100_000);
    const first = await start(keys);
    assert.equal((await first.send(content, 0))?.have, PART);
    assert.equal((await first.send(content, PART))?.have, 2 * PART);
    assert.equal((await first.send(content, PART))?.have, 2 * PART, 'out of turn: what is there is said again');
    assert.deepEqual([(await readdir(coming)).length, await plain()], [1, 0]);
    await first.stop();

    const second = await start(keys);
    assert.equal((await second.send(content, 0, 0))?.have, 2 * PART);
    assert.equal((await second.send(content, 2 * PART))?.have, 3 * PART);
    assert.equal((await second.send(content, 3 * PART))?.have, content.length);
    const found = second.folder.find(shaOf(content));
    assert.deepEqual([await found?.read(), found?.from, await readdir(coming), await plain(), codes()], [content, 'pump', [], 0, []]);
    await second.stop();
  });
}

test('half a part that a power cut left goes, and the file goes on from the whole ones', async (t) => {
  const { start, coming } = await rig(t);
  const content = picture(80_000);
  const first = await start(keysOf(KEY));
  for (const at of [0, PART]) await first.send(content, at);
  await first.stop();
  const path = join(coming, `pump.${shaOf(content)}.encrypted`);
  for (const [torn, left] of [[() => truncate(path, 2 * PART), PART], [() => appendFile(path, Buffer.alloc(5000)), 2 * PART]] as const) {
    await torn();
    const again = await start(keysOf(KEY));
    assert.equal((await again.send(content, 0, 0))?.have, left);
    if (left === PART) assert.equal((await again.send(content, PART))?.have, 2 * PART);
    await again.stop();
  }
  const last = await start(keysOf(KEY));
  assert.equal((await last.send(content, 2 * PART))?.have, content.length);
  assert.deepEqual((await last.folder.get(shaOf(content)))?.content, content);
  await last.stop();
});

test('parts that were changed, or whose key is gone, are told and sent again: their edge still has them', async (t) => {
  const { start, coming, codes } = await rig(t);
  const content = picture(50_000);
  const first = await start(keysOf(KEY));
  await first.send(content, 0);
  const path = join(coming, `pump.${shaOf(content)}.encrypted`);
  const kept = await readFile(path);
  kept[kept.length - 30] = (kept[kept.length - 30] as number) ^ 1;
  await writeFile(path, kept);
  assert.deepEqual(await first.send(content, PART), { sha256: shaOf(content), have: 0 });
  assert.deepEqual([codes(), await readdir(coming)], [['CV_AT_REST_DAMAGED'], []]);
  await first.send(content, 0);
  await first.stop();
  const second = await start(keysOf(LATER));
  assert.deepEqual([(await second.send(content, PART))?.have, codes().at(-1)], [0, 'CV_AT_REST_KEY']);
  assert.equal((await second.send(content, 0))?.have, PART);
  assert.equal((await second.send(content, PART))?.have, content.length);
  await second.stop();
  const third = await start(keysOf(KEY, [LATER]));
  assert.deepEqual((await third.folder.get(shaOf(content)))?.content, content);
  await third.stop();
});

test('turned on or off, what has come in part is sent anew, and none of it lies there in the other way', async (t) => {
  const { start, coming, plain } = await rig(t);
  const content = picture(50_000);
  for (const [keys, files] of [[OFF, 1], [keysOf(KEY), 0], [OFF, 1]] as const) {
    const running = await start(keys);
    assert.deepEqual(await readdir(coming), []);
    assert.equal((await running.send(content, 0))?.have, PART);
    assert.deepEqual([(await readdir(coming)).length, await plain()], [1, files]);
    await running.stop();
  }
});

test('an edge has one file under way: another takes its place', async (t) => {
  const { start, coming } = await rig(t);
  const running = await start(keysOf(KEY));
  const [one, other] = [picture(50_000), picture(50_001)];
  for (const edge of ['pump', 'pump-2']) await running.send(one, 0, PART, edge);
  await running.send(other, 0);
  assert.deepEqual((await readdir(coming)).toSorted(), [`pump-2.${shaOf(one)}.encrypted`, `pump.${shaOf(other)}.encrypted`]);
  assert.equal((await running.send(one, 0, 0))?.have, 0);
  await running.stop();
});
