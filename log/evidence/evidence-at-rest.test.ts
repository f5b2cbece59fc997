/** The folder of evidence with keys: what lies on the disk, what is read of it, and what becomes of it when keys change. */
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import fs from 'node:fs';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { test, type TestContext } from 'node:test';
import type { Fault } from '../../core/faults.ts';
import { tempDir } from '../../core/testing/temp-dir.ts';
import { VirtualClock } from '../../core/testing/virtual-clock.ts';
import { AT_REST_ALGORITHMS, type AtRestAlgorithm } from '../at-rest/algorithms.ts';
import { encryptedBytes } from '../at-rest/encrypted-format.ts';
import { AtRestKeys } from '../at-rest/keys.ts';
import { recordForcedWrites } from '../testing/forced-writes.ts';
import { mockFs } from '../testing/mock-fs.ts';
import { openFiles } from '../testing/open-files.ts';
import { EvidenceFolder } from './evidence-folder.ts';

const NOW = Date.UTC(2026, 0, 1);
const MARKER = 'a face that nobody may find on the disk';
const [KEY, LATER] = [1, 2].map((byte) => Buffer.alloc(32, byte).toString('base64')) as [string, string];
const OFF = new AtRestKeys(null);
const keysOf = (key: string | null, oldKeys: string[] = [], algorithm: AtRestAlgorithm = 'aes-256-gcm') =>
  new AtRestKeys({ key, oldKeys, algorithm });
const shaOf = (content: Uint8Array) => createHash('sha256').update(content).digest('hex');
/** The marker is in each chunk of it. */
const picture = (bytes: number) => Buffer.alloc(bytes, MARKER + randomBytes(8).toString('hex'));

async function rig(t: TestContext, maxBytes = 1e6) {
  const { dir, remove } = await tempDir();
  t.after(remove);
  const clock = new VirtualClock(NOW);
  const faults: Fault[] = [];
  const open = (keys: AtRestKeys) => EvidenceFolder.open(
    { dir, maxBytes, keepMs: Infinity, keys, onUnreadable: (fault) => { faults.push(fault); } }, clock,
  );
  const put = async (folder: EvidenceFolder, content: Uint8Array, shelf: 'waiting' | 'kept' = 'kept', from?: string) => {
    await clock.advanceMs(1);
    await folder.put({ sha256: shaOf(content), mime: 'image/jpeg', atMs: clock.nowMs(), ...(from !== undefined && { from }) }, content, shelf);
  };
  return { dir, clock, faults, open, put };
}

/** All that lies in a folder, and in those below it. */
async function onDisk(dir: string): Promise<Map<string, Buffer>> {
  const names = await readdir(dir, { recursive: true, withFileTypes: true });
  const paths = names.filter((name) => name.isFile()).map(({ parentPath, name }) => join(parentPath, name));
  return new Map(await Promise.all(paths.map(async (path) => [path, await readFile(path)] as const)));
}
const plainFiles = async (dir: string) => [...(await onDisk(dir)).values()].filter((content) => content.includes(MARKER)).length;

for (const algorithm of AT_REST_ALGORITHMS) {
  test(`${algorithm}: no byte of a picture or clip is plain on the disk, and each is read as it was, also after a restart`, async (t) => {
    const { dir, open, put } = await rig(t);
    const keys = keysOf(KEY, [], algorithm);
    const folder = await open(keys);
    const [small, large, clip] = [picture(900), picture(200_000), picture(150_000)];
    await put(folder, small, 'kept', 'pump');
    await put(folder, large, 'waiting');
    await writeFile(join(dir, 'coming'), clip);
    const { bytes } = await folder.addFile(join(dir, 'coming'), { mime: 'video/mp4', atMs: NOW }, 'kept');
    assert.deepEqual([bytes, await plainFiles(dir)], [150_000, 0]);
    const files = await onDisk(dir);
    assert.equal(folder.bytes, [...files.values()].reduce((sum, { length }) => sum + length, 0), 'what counts is what it takes on disk');
    assert.equal(folder.bytes, [900, 200_000, 150_000].reduce((sum, length) => sum + encryptedBytes(length, algorithm), 0));
    await folder.markSent(shaOf(large));
    await folder.close();

    const again = await open(keys);
    const open_ = openFiles(t);
    for (const content of [small, large, clip]) {
      const found = again.find(shaOf(content));
      assert.deepEqual([found?.isEncrypted, found?.bytes], [true, content.length]);
      assert.deepEqual((await again.get(shaOf(content)))?.content, content);
      assert.deepEqual(await buffer(found?.stream() as Readable), content);
      assert.deepEqual(await found?.read(70_000, 140_000), content.subarray(70_000, 140_000));
    }
    assert.deepEqual([again.find(shaOf(small))?.from, again.bytes, open_()], ['pump', folder.bytes, []]);
    await again.close();
  });
}

test('turned on, off, and on with another key and algorithm: each file is read as it was written', async (t) => {
  const { dir, open, put, faults } = await rig(t);
  const contents: Buffer[] = [];
  for (const keys of [OFF, keysOf(KEY), keysOf(null, [KEY]), keysOf(LATER, [KEY], 'sm4-ctr-hmac-sm3')]) {
    const folder = await open(keys);
    contents.push(picture(500 + contents.length));
    await put(folder, contents.at(-1) as Buffer);
    for (const content of contents) assert.deepEqual((await folder.get(shaOf(content)))?.content, content);
    await folder.close();
  }
  assert.deepEqual([await plainFiles(dir), faults], [2, []]);
});

test('without its key a file stays and is told of, once for each key; those that can be read go on', async (t) => {
  const { dir, open, put, faults } = await rig(t);
  const lost = [picture(300), picture(400)];
  const first = await open(keysOf(KEY));
  for (const content of lost) await put(first, content, 'waiting');
  await first.close();
  const before = await onDisk(dir);

  const folder = await open(keysOf(LATER));
  assert.deepEqual(faults.map(({ code, params }) => [code, params.path, params.count]), [['CV_AT_REST_KEY', dir, 2]]);
  const [name = ''] = await readdir(join(dir, 'waiting'));
  assert.ok(name.endsWith(`.jpg.aes-${faults[0]?.params.key}`), name);
  assert.equal(folder.newestWaiting(), null);
  await assert.rejects(folder.get(shaOf(lost[0] as Buffer)), { name: 'CV_AT_REST_KEY' });
  const readable = picture(200);
  await put(folder, readable, 'waiting');
  assert.equal(folder.newestWaiting()?.sha256, shaOf(readable));
  await folder.close();
  const after = await onDisk(dir);
  for (const [path, content] of before) assert.deepEqual(after.get(path), content, 'not touched');

  const back = await open(keysOf(LATER, [KEY]));
  assert.deepEqual([(await back.get(shaOf(lost[1] as Buffer)))?.content, faults.length], [lost[1], 1]);
  await back.close();
});

test('a file that was changed, cut, or put in the place of another is told, and nothing of it is given', async (t) => {
  const { dir, open, put } = await rig(t);
  const keys = keysOf(KEY);
  const folder = await open(keys);
  const [one, other] = [picture(100_000), picture(100_000)];
  for (const content of [one, other]) await put(folder, content);
  const pathOf = (content: Buffer) => folder.pathOf(shaOf(content)) as string;
  const whole = await readFile(pathOf(one));
  const changed = Buffer.from(whole);
  changed[99_000] = (changed[99_000] as number) ^ 4;
  for (const wrong of [changed, whole.subarray(0, -1), whole.subarray(0, 60_000), Buffer.alloc(0), await readFile(pathOf(other)), one]) {
    await writeFile(pathOf(one), wrong);
    for (const read of [() => folder.get(shaOf(one)), () => buffer(folder.find(shaOf(one))?.stream() as Readable)])
      await assert.rejects(read, { name: 'CV_AT_REST_DAMAGED' });
  }
  await folder.close();
  assert.equal((await readdir(join(dir, 'kept'))).length, 2);
});

test('room is what files take on disk', async (t) => {
  const { open, put } = await rig(t, 2 * encryptedBytes(100, 'aes-256-gcm'));
  const folder = await open(keysOf(KEY));
  const contents = [picture(100), picture(99), picture(100)];
  for (const content of contents) await put(folder, content);
  assert.deepEqual(contents.map((content) => folder.has(shaOf(content))), [false, true, true]);
  await folder.close();
});

test('ended in the middle of a write, there is the old state or the new one, and nothing plain beside it', async (t) => {
  const { dir, open, put } = await rig(t);
  const keys = keysOf(KEY);
  const content = picture(300_000);
  const { open: openFile } = fs.promises;
  for (const writes of [0, 1, 3, 5]) {
    const folder = await open(keys);
    let left = writes;
    const openAgain = mockFs(t, 'open', async (path: string, ...more: [string]) => {
      const file = await openFile(path, ...more);
      if (!path.endsWith('.part')) return file;
      const write = file.writeFile.bind(file);
      file.writeFile = (part) => ((left -= 1) < 0 ? Promise.reject(new Error('the power is gone')) : write(part));
      return file;
    }, fs.promises);
    // As a kill leaves it: what was half written stays.
    const removeAgain = mockFs(t, 'rm', () => Promise.resolve(), fs.promises);
    await assert.rejects(put(folder, content), { name: 'CV_EVIDENCE_DISK' });
    assert.equal(await plainFiles(dir), 0);
    assert.deepEqual((await readdir(join(dir, 'kept'))).map((name) => name.endsWith('.part')), [true]);
    await folder.close();
    openAgain();
    removeAgain();
    const again = await open(keys);
    assert.deepEqual([again.has(shaOf(content)), await readdir(join(dir, 'kept'))], [false, []]);
    await again.close();
  }
});

test('a clip that is encrypted is on disk before the plain one goes', async (t) => {
  const { dir, open } = await rig(t);
  const folder = await open(keysOf(KEY));
  await writeFile(join(dir, 'coming'), picture(70_000));
  const steps = recordForcedWrites(t);
  await folder.addFile(join(dir, 'coming'), { mime: 'video/mp4', atMs: NOW }, 'kept');
  assert.deepEqual(steps.map((step) => step.split(' ')[0]), ['force', 'force', 'rename', 'force']);
  assert.deepEqual([steps.at(-1), await readdir(dir)], ['force kept', ['kept', 'waiting']]);
  await folder.close();
});
