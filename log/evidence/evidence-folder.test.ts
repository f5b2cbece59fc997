import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import fs from 'node:fs';
import { chmod, copyFile, mkdir, readdir, rm, rmdir, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import type { FaultError } from '../../core/faults.ts';
import { tempDir } from '../../core/testing/temp-dir.ts';
import { VirtualClock } from '../../core/testing/virtual-clock.ts';
import { recordForcedWrites } from '../testing/forced-writes.ts';
import { mockFs } from '../testing/mock-fs.ts';
import { openFiles } from '../testing/open-files.ts';
import { listEvidence } from './evidence-file.ts';
import { EvidenceFolder } from './evidence-folder.ts';

const NOW = Date.UTC(2026, 0, 1);
const YEAR_MS = 365 * 86_400_000;

async function rig(t: TestContext, maxBytes = 1000, keepMs = Infinity) {
  const { dir, remove } = await tempDir();
  t.after(remove);
  const clock = new VirtualClock(NOW);
  const open = () => EvidenceFolder.open({ dir, maxBytes, keepMs }, clock);
  const folder = await open();
  const put = async (from: string | null, atMs: number, of: EvidenceFolder = folder): Promise<string> => {
    const content = randomBytes(100);
    const sha256 = createHash('sha256').update(content).digest('hex');
    await clock.advanceMs(1);
    await of.put({ sha256, mime: 'image/jpeg', atMs: atMs, ...(from !== null && { from }) }, content, 'kept');
    return sha256;
  };
  return { dir, clock, open, folder, put };
}

test('files dated a year ahead push out those of their own edge, not of the others; also after a restart', async (t) => {
  const { folder, put, open } = await rig(t);
  const good: string[] = [];
  for (let index = 0; index < 5; index += 1) good.push(await put('good', NOW));
  for (let index = 0; index < 20; index += 1) await put('bad', NOW + YEAR_MS);
  assert.deepEqual(good.map((sha256) => folder.has(sha256)), good.map(() => true));
  await folder.close();
  const again = await open();
  for (let index = 0; index < 20; index += 1) await put('bad', NOW + YEAR_MS, again);
  assert.deepEqual(good.map((sha256) => again.has(sha256)), good.map(() => true));
  assert.equal(again.bytes, 1000);
  await again.close();
});

test('within one edge, when a file came decides what goes, not the time it states', async (t) => {
  const { folder, put } = await rig(t);
  const ahead = await put('pump', NOW + YEAR_MS);
  const later: string[] = [];
  for (let index = 0; index < 10; index += 1) later.push(await put('pump', NOW - index));
  assert.equal(folder.has(ahead), false);
  assert.ok(later.every((sha256) => folder.has(sha256)));
  await folder.close();
});

test('a file from a clock that was ahead goes with its days all the same, and does not outlive newer ones', async (t) => {
  const { folder, put, clock } = await rig(t, 1000, 86_400_000);
  const ahead = await put(null, NOW + YEAR_MS);
  await clock.advanceMs(1000);
  for (let index = 0; index < 9; index += 1) await put(null, clock.nowMs());
  assert.ok(folder.has(ahead));
  await put(null, clock.nowMs());
  assert.equal(folder.has(ahead), false);
  await clock.advanceMs(86_400_000 + 600_000);
  await put(null, clock.nowMs());
  assert.equal(folder.bytes, 100);
  await folder.close();
});

test('an edge that has little takes room from the one that has most', async (t) => {
  const { folder, put, dir } = await rig(t);
  for (let index = 0; index < 10; index += 1) await put('much', NOW);
  for (let index = 0; index < 3; index += 1) await put('little', NOW - YEAR_MS);
  const kept = await listEvidence(dir, 'kept');
  assert.deepEqual([kept.filter(({ from }) => from === 'much').length, kept.filter(({ from }) => from === 'little').length], [7, 3]);
  assert.equal(kept[0]?.atMs, NOW);
  await folder.close();
});

const shaOf = (content: Uint8Array) => createHash('sha256').update(content).digest('hex');

test('a file that lies in both places after a crash is one file, counted once', async (t) => {
  const { folder, put, open, dir } = await rig(t);
  const sha256 = await put(null, NOW);
  await folder.close();
  const [name] = await readdir(join(dir, 'kept'));
  await copyFile(join(dir, 'kept', name as string), join(dir, 'waiting', name as string));
  const again = await open();
  assert.deepEqual([again.has(sha256), again.bytes], [true, 100]);
  await again.close();
});

test('a file that cannot be written costs no other, and leaves nothing behind', async (t) => {
  const { folder, put, dir } = await rig(t);
  const kept = await put(null, NOW);
  const content = randomBytes(50);
  const path = join(dir, 'waiting', `${NOW}-${shaOf(content)}.jpg`);
  await mkdir(`${path}.part`);
  await assert.rejects(
    folder.put({ sha256: shaOf(content), mime: 'image/jpeg', atMs: NOW }, content, 'waiting'),
    (error: FaultError) => error.fault.code === 'CV_EVIDENCE_DISK' && error.fault.params.dir === dir,
  );
  assert.deepEqual([folder.has(kept), folder.has(shaOf(content)), folder.bytes], [true, false, 100]);
  await rmdir(`${path}.part`);
  await folder.put({ sha256: shaOf(content), mime: 'image/jpeg', atMs: NOW }, content, 'waiting');
  assert.deepEqual((await folder.get(shaOf(content)))?.content, content);
  await folder.close();
});

test('of those that wait the newest goes first; settled, it is kept and waits no longer, also after a restart', async (t) => {
  const { folder, open, dir } = await rig(t);
  const shas: string[] = [];
  for (const atMs of [NOW, NOW + 2.4, NOW + 1]) {
    const content = randomBytes(10);
    shas.push(shaOf(content));
    await folder.put({ sha256: shaOf(content), mime: atMs === NOW ? 'video/mp4' : 'image/jpeg', atMs: atMs }, content, 'waiting');
  }
  assert.deepEqual(
    [folder.newestWaiting()?.sha256, folder.newestWaiting()?.atMs, folder.newestWaiting(({ mime }) => mime === 'video/mp4')?.sha256],
    [shas[1], NOW + 2, shas[0]],
  );
  await folder.markSent(shas[1] as string);
  await folder.markSent('0'.repeat(64));
  assert.deepEqual([folder.newestWaiting()?.sha256, folder.has(shas[1] as string), folder.bytes], [shas[2], true, 30]);
  await folder.close();
  await writeFile(join(dir, 'kept', 'half.part'), 'x');
  const again = await open();
  assert.deepEqual(
    [again.newestWaiting()?.sha256, again.pathOf(shas[1] as string), await readdir(join(dir, 'kept'))],
    [shas[2], join(dir, 'kept', `${NOW + 2}-${shas[1]}.jpg`), [`${NOW + 2}-${shas[1]}.jpg`]],
  );
  assert.deepEqual([await again.get('0'.repeat(64)), again.pathOf('0'.repeat(64))], [null, null]);
  await rm(again.pathOf(shas[1] as string) as string);
  assert.equal(await again.get(shas[1] as string), null, 'gone behind its back');
  await again.close();
});

test('what never was sent goes last, and is counted when it goes', async (t) => {
  const { dir, remove } = await tempDir();
  t.after(remove);
  const lost: number[] = [];
  const clock = new VirtualClock(NOW);
  const folder = await EvidenceFolder.open({ dir, maxBytes: 300, keepMs: 86_400_000, onDropped: (count) => { lost.push(count); } }, clock);
  const put = async (place: 'waiting' | 'kept') => {
    const content = randomBytes(100);
    await clock.advanceMs(1);
    await folder.put({ sha256: shaOf(content), mime: 'image/jpeg', atMs: clock.nowMs() }, content, place);
    return shaOf(content);
  };
  const waiting = [await put('waiting'), await put('waiting')];
  const kept = [await put('kept'), await put('kept')];
  assert.deepEqual([[...waiting, ...kept].map((sha256) => folder.has(sha256)), lost], [[true, true, false, true], []]);
  await put('waiting');
  await put('waiting');
  assert.deepEqual(
    [waiting.map((sha256) => folder.has(sha256)), kept.map((sha256) => folder.has(sha256)), lost, folder.bytes],
    [[false, true], [false, false], [1], 300],
  );
  await clock.advanceMs(2 * 86_400_000);
  await put('kept');
  assert.deepEqual([lost, folder.bytes], [[1, 3], 100]);
  await folder.close();
});

test('a file that lies there already is taken in whole, once', async (t) => {
  const { folder, dir } = await rig(t);
  const content = randomBytes(40);
  const adopt = async (name: string) => {
    await writeFile(join(dir, name), content);
    const file = await folder.addFile(join(dir, name), { mime: 'video/x-matroska', atMs: NOW + 0.6 }, 'waiting');
    return [file, await readdir(dir).then((names) => names.includes(name))];
  };
  const wanted = { sha256: shaOf(content), mime: 'video/x-matroska', atMs: NOW + 1, bytes: 40 };
  assert.deepEqual([await adopt('a'), await adopt('b'), folder.bytes], [[wanted, false], [wanted, false], 40]);
  assert.equal(folder.pathOf(shaOf(content)), join(dir, 'waiting', `${NOW + 1}-${shaOf(content)}.mkv`));
  await folder.close();
});

test('a folder that is given less room takes it from whoever has most at that moment, the oldest first', async (t) => {
  const { folder, put, dir, clock } = await rig(t, 2000);
  const [much, some]: [string[], string[]] = [[], []];
  for (let index = 0; index < 6; index += 1) much.push(await put('much', NOW));
  for (let index = 0; index < 5; index += 1) some.push(await put('some', NOW));
  await folder.close();
  const smaller = await EvidenceFolder.open({ dir, maxBytes: 600, keepMs: Infinity }, clock);
  assert.deepEqual(
    [much.map((sha256) => smaller.has(sha256)), some.map((sha256) => smaller.has(sha256))],
    [
      [false, false, false, true, true, true],
      [false, false, true, true, true],
    ],
  );
  await smaller.close();
});

const jpg = (content: Uint8Array, atMs = NOW) => ({ sha256: shaOf(content), mime: 'image/jpeg', atMs }) as const;

test('a file is on disk, and found there, before it counts; what was there already is forced as well', async (t) => {
  const { folder, dir } = await rig(t);
  const open = openFiles(t);
  const steps = recordForcedWrites(t);
  const [content, other] = [randomBytes(10), randomBytes(10)];
  await folder.put(jpg(content), content, 'kept');
  const name = `${NOW}-${shaOf(content)}.jpg`;
  assert.deepEqual(steps.splice(0), [`force ${name}.part`, `rename ${name}.part ${name}`, 'force kept']);
  await writeFile(join(dir, 'a'), other);
  await folder.addFile(join(dir, 'a'), { mime: 'image/jpeg', atMs: NOW }, 'waiting');
  assert.deepEqual(steps, ['force a', `rename a ${NOW}-${shaOf(other)}.jpg`, 'force waiting']);
  assert.deepEqual(open(), []);
  await folder.close();
});

test('a folder of its own is for this user alone where that is asked for; whatever else lies in it goes', async (t) => {
  const { dir, folder, clock } = await rig(t);
  await folder.close();
  await chmod(dir, 0o755);
  const mode = async (isPrivate?: boolean) => {
    const options = { dir, maxBytes: 1000, keepMs: Infinity, ...(isPrivate !== undefined && { isPrivate }) };
    await (await EvidenceFolder.open(options, clock)).close();
    return (await stat(dir)).mode & 0o777;
  };
  assert.deepEqual([await mode(), await mode(false), await mode(true)], [0o755, 0o755, 0o700]);
  await mkdir(join(dir, 'kept', 'folder', 'within'), { recursive: true });
  await writeFile(join(dir, 'kept', `${NOW}-${'a'.repeat(64)}.gif`), 'x');
  const { readdir: list } = fs.promises;
  mockFs(t, 'readdir', async (path: string) => [...(await list(path)), 'gone meanwhile'], fs.promises);
  await mode();
  assert.deepEqual(await list(join(dir, 'kept')), []);
});

test('age is looked at every ten minutes: as old as what is kept is not older; after its end nothing is', async (t) => {
  const { dir, clock, folder } = await rig(t);
  await folder.close();
  const keepMs = 600_000;
  const open = await EvidenceFolder.open({ dir, maxBytes: 1000, keepMs }, clock);
  const [old, young] = [randomBytes(10), randomBytes(10)];
  await open.put(jpg(old, clock.nowMs()), old, 'kept');
  const there = async (afterMs: number) => {
    await clock.advanceMs(afterMs);
    // Goes after what the clock has started.
    await open.markSent('0'.repeat(64));
    return [old, young].map((content) => open.has(shaOf(content)));
  };
  assert.deepEqual(await there(600_000), [true, false], 'to the ms');
  await open.put(jpg(young, clock.nowMs()), young, 'kept');
  assert.deepEqual(await there(599_999), [true, true]);
  assert.deepEqual(await there(1), [false, true]);
  await open.close();
  assert.equal(clock.nextDueMs(), null);
});

test('its end waits for what is being written', async (t) => {
  const { folder } = await rig(t);
  const content = randomBytes(10);
  const put = folder.put(jpg(content), content, 'kept');
  await folder.close();
  assert.equal(folder.has(shaOf(content)), true);
  await put;
});

test('of two that wait since the same ms the later one goes first; of two senders with as much the later one gives way', async (t) => {
  const { folder, put } = await rig(t, 400);
  const [one, other] = [randomBytes(10), randomBytes(10)];
  for (const content of [one, other]) await folder.put(jpg(content), content, 'waiting');
  assert.equal(folder.newestWaiting()?.sha256, shaOf(other));
  for (const content of [one, other]) await folder.markSent(shaOf(content));
  const a = [await put('a', NOW), await put('a', NOW)];
  const b = [await put('b', NOW), await put('b', NOW)];
  assert.deepEqual([a, b].map((shas) => shas.map((sha256) => folder.has(sha256))), [[true, true], [false, true]]);
  await folder.close();
});

test('what is taken in as a file makes room like any other, and what somebody has removed is no error', async (t) => {
  const { folder, put, dir } = await rig(t, 250);
  const first = await put(null, NOW);
  const second = await put(null, NOW + 1);
  await rm(folder.pathOf(first) as string);
  const content = randomBytes(100);
  await writeFile(join(dir, 'a'), content);
  await folder.addFile(join(dir, 'a'), { mime: 'image/jpeg', atMs: NOW + 2 }, 'kept');
  assert.deepEqual([folder.has(first), folder.has(second), folder.bytes], [false, true, 200]);
  await folder.close();
});

for (const [what, code, place, kept, size, removed, isTaken] of [
  ['makes room for one that waits, twice as much as that needs', 'ENOSPC', 'waiting', 5, 100, 2, true],
  ['makes room for a larger one', 'ENOSPC', 'waiting', 5, 150, 3, true],
  ['makes as much room as there is', 'ENOSPC', 'waiting', 1, 100, 1, true],
  ['has not room enough', 'ENOSPC', 'waiting', 1, 101, 1, false],
  ['makes none for one that was sent', 'ENOSPC', 'kept', 5, 100, 0, false],
  ['makes none where that is not the matter', 'EIO', 'waiting', 5, 100, 0, false],
] as const) {
  test(`a disk that refuses a picture ${what}`, async (t) => {
    const { folder, put, dir } = await rig(t);
    const waits = randomBytes(100);
    await folder.put(jpg(waits, NOW - 1), waits, 'waiting');
    const shas: string[] = [];
    for (let index = 0; index < kept; index += 1) shas.push(await put(null, NOW + index));
    const content = randomBytes(size);
    const { open } = fs.promises;
    let isRefused = false;
    mockFs(t, 'open', async (path: string, ...more: [string]) => {
      if (isRefused || !path.endsWith('.part')) return open(path, ...more);
      isRefused = true;
      throw Object.assign(new Error(code), { code });
    }, fs.promises);
    const done = folder.put(jpg(content), content, place);
    if (isTaken) await done;
    else await assert.rejects(done, { name: 'CV_EVIDENCE_DISK' });
    assert.deepEqual(
      [shas.map((sha256) => folder.has(sha256)), folder.has(shaOf(waits)), folder.has(shaOf(content))],
      [shas.map((_, index) => index >= removed), true, isTaken],
    );
    assert.equal(folder.bytes, 100 + (kept - removed) * 100 + (isTaken ? size : 0));
    assert.equal((await readdir(join(dir, 'waiting'))).length, isTaken ? 2 : 1);
    await folder.close();
  });
}

test('half a file is not left behind', async (t) => {
  const { folder, dir } = await rig(t);
  const content = randomBytes(10);
  mockFs(t, 'rename', () => Promise.reject(new Error('EIO')), fs.promises);
  await assert.rejects(folder.put(jpg(content), content, 'kept'), { name: 'CV_EVIDENCE_DISK' });
  assert.deepEqual(await readdir(join(dir, 'kept')), []);
  await folder.close();
});
