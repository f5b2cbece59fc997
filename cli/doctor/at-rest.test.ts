import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { tempDir } from '../../core/testing/temp-dir.ts';
import { realClock } from '../../core/world.ts';
import type { EdgeSetup } from '../../edge/config/setup.ts';
import { AtRestKeys } from '../../log/at-rest/keys.ts';
import type { AtRestSetup } from '../../log/at-rest/setting.ts';
import { EvidenceFolder } from '../../log/evidence/evidence-folder.ts';
import { checkAtRest, checkRing, evidenceFolders } from './at-rest.ts';

const [FIRST, LATER] = [1, 2].map((byte): AtRestSetup => ({
  algorithm: 'aes-256-gcm', key: Buffer.alloc(32, byte).toString('base64'), oldKeys: [],
})) as [AtRestSetup, AtRestSetup];
const idOf = (setup: AtRestSetup) => new AtRestKeys(setup).current?.id ?? '';

async function folderWith(t: TestContext, counts: readonly (readonly [AtRestSetup | null, number])[]): Promise<string> {
  const { dir, remove } = await tempDir();
  t.after(remove);
  for (const [setup, count] of counts) {
    const folder = await EvidenceFolder.open({ dir, maxBytes: 1e6, keepMs: Infinity, keys: new AtRestKeys(setup) }, realClock);
    for (let at = 0; at < count; at += 1) {
      const content = randomBytes(10);
      const file = { sha256: createHash('sha256').update(content).digest('hex'), mime: 'image/jpeg', atMs: 1 } as const;
      await folder.put(file, content, at === 0 ? 'waiting' : 'kept');
    }
    await folder.close();
  }
  return dir;
}

test('the state says how new files are written, and how many lie there by each key, on both shelves', async (t) => {
  const dir = await folderWith(t, [[null, 3], [FIRST, 2], [LATER, 1]]);
  const rotated: AtRestSetup = { ...LATER, oldKeys: [FIRST.key as string] };
  const [state, ...more] = await checkAtRest(rotated, [dir, join(dir, 'not-there')]);
  assert.deepEqual([state?.data, more], [{ key: idOf(LATER), algorithm: 'aes-256-gcm', plainFiles: 3 }, []]);
  for (const text of [`aes-256-gcm, key ${idOf(LATER)}`, `2 (${idOf(FIRST)})`, `1 (${idOf(LATER)})`])
    assert.ok(state?.text?.en.includes(text), text);
  assert.match(state?.text?.zh ?? '', /未加密：3$/);
});

test('a key that is missing is a fault with the number of its files; turned off, old keys still read', async (t) => {
  const dir = await folderWith(t, [[FIRST, 2], [LATER, 1]]);
  const faults = async (setup: AtRestSetup | null) =>
    (await checkAtRest(setup, [dir])).flatMap(({ fault }) => (fault ? [[fault.params.key, fault.params.count]] : []));
  assert.deepEqual(await faults(LATER), [[idOf(FIRST), 2]]);
  assert.deepEqual((await faults(null)).toSorted(), [[idOf(FIRST), 2], [idOf(LATER), 1]].toSorted());
  const off: AtRestSetup = { ...FIRST, key: null, oldKeys: [FIRST.key as string, LATER.key as string] };
  assert.deepEqual(await faults(off), []);
  assert.match((await checkAtRest(off, [dir]))[0]?.text?.en ?? '', /^new files are not encrypted/);
});

test('a ring on a disk is told, where what is made of it is encrypted', async (t) => {
  const dir = await folderWith(t, []);
  const setup = (ring: string, atRest: AtRestSetup | null) =>
    ({ atRest, log: { dir }, evidence: { dir, clip: { dir: join(dir, 'clips'), ring: { dir: ring } } } }) as unknown as EdgeSetup;
  const codes = async (ring: string, atRest: AtRestSetup | null) =>
    (await checkRing(setup(ring, atRest))).map(({ fault }) => fault?.code ?? 'ok');
  assert.deepEqual([await codes('/proc/ring', FIRST), await codes('/proc/ring', null)], [['CV_DOCTOR_RING'], []]);
  assert.deepEqual(await codes('/dev/shm/ring', FIRST), ['ok']);
  assert.deepEqual(evidenceFolders(setup(dir, FIRST)), [dir, join(dir, 'clips')]);
  assert.deepEqual(evidenceFolders({ evidence: null, log: { dir: '/log', maxBytes: 1 } }), ['/log/evidence', '/log/evidence/clips']);
});
