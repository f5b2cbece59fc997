/** What a power cut leaves is no forgery, and what a forger leaves is not healed. */
import assert from 'node:assert/strict';
import fs from 'node:fs';
import { appendFile, cp, mkdir, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { mockFs } from '../../log/testing/mock-fs.ts';
import { auditEntry, AUDIT_DAY_MS, foundIn, recordedFolder } from './testing/recorded-folder.ts';

const ALL = { filter: {}, limit: 1000, before: null };
const lineFiles = async (dir: string): Promise<string[]> => (await readdir(dir)).filter((name) => name.endsWith('.jsonl')).toSorted();

test('half a line at the end is cut off and said; the record goes on and verifies', async (t) => {
  const { open, verify, dir, world } = await recordedFolder(t);
  const audit = await open();
  audit.append(auditEntry('confirmed'));
  await audit.close();
  const [name = ''] = await lineFiles(dir);
  await appendFile(join(dir, name), '{"seq":99,"at":1,"ki');
  assert.deepEqual((await verify()).faults, [], 'nothing that was confirmed is gone');
  const again = await open();
  const { items } = await again.list(ALL);
  assert.deepEqual([items[0]?.what, items[0]?.details], ['unfinished end cut off', { file: name, bytes: 20 }]);
  assert.ok(items.some(({ what }) => what === 'confirmed'));
  await again.close();
  assert.deepEqual([(await verify()).faults, world.told], [[], []]);
});

test('lines that were written and not confirmed are kept, and counted where the record goes on', async (t) => {
  const { open, verify, dir, world } = await recordedFolder(t);
  const audit = await open();
  audit.append(auditEntry('confirmed'));
  await audit.flush();
  const head = await readFile(join(dir, 'head.json'));
  audit.append(auditEntry('not confirmed'));
  await audit.close();
  await writeFile(join(dir, 'head.json'), head);
  const { faults, unconfirmed } = await verify();
  assert.deepEqual([faults, unconfirmed], [[], 2]);
  const again = await open();
  const { items } = await again.list(ALL);
  assert.deepEqual(items.slice(0, 2).map(({ what }) => what), ['lines that were not confirmed before', 'not confirmed']);
  assert.deepEqual([(await verify()).faults, world.told], [[], []]);
});

test('whatever part of what was not confirmed reached the disk: the rest goes on behind it, and nothing is found', async (t) => {
  const { open, verify, dir, world } = await recordedFolder(t);
  const audit = await open();
  await audit.flush();
  const [head, name = ''] = [await readFile(join(dir, 'head.json')), ...(await lineFiles(dir))];
  const confirmed = (await readFile(join(dir, name))).length;
  for (let at = 0; at < 3; at += 1) audit.append(auditEntry(`not confirmed ${at}`));
  await audit.close();
  const whole = await readFile(join(dir, name));
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: confirmed, max: whole.length }), fc.boolean(), async (bytes, isZeroed) => {
      const rest = isZeroed ? Buffer.alloc(whole.length - bytes) : Buffer.alloc(0);
      await writeFile(join(dir, name), Buffer.concat([whole.subarray(0, bytes), rest]));
      await writeFile(join(dir, 'head.json'), head);
      assert.deepEqual((await verify()).faults, []);
      const again = await open();
      again.append(auditEntry('goes on'));
      await again.close();
      assert.deepEqual([(await verify()).faults, world.told], [[], []], `${bytes} of ${whole.length}`);
    }),
    { numRuns: 60 },
  );
});

test('an end that is missing stays missing: the chain goes on behind it, and says so for good', async (t) => {
  for (const which of ['lines', 'file', 'all files', 'middle', 'head'] as const) {
    const { open, verify, dir, world } = await recordedFolder(t);
    const audit = await open();
    for (let day = 0; day < 2; day += 1) {
      for (let at = 0; at < 4; at += 1) audit.append(auditEntry(`${day} ${at}`));
      await audit.flush();
      await world.clock.advanceMs(AUDIT_DAY_MS);
    }
    await audit.close();
    const files = await lineFiles(dir);
    const last = join(dir, files.at(-1) as string);
    if (which === 'lines') await truncate(last, (await readFile(last)).lastIndexOf('\n{') + 1);
    if (which === 'file') await rm(last);
    if (which === 'all files') for (const name of files) await rm(join(dir, name));
    if (which === 'middle') await writeFile(last, (await readFile(last, 'utf8')).replace('"1 1"', '"1 9"'));
    if (which === 'head') await rm(join(dir, 'head.json'));
    const before = foundIn(await verify());
    assert.ok(before.length > 0, which);
    for (let start = 0; start < 2; start += 1) {
      const again = await open();
      again.append(auditEntry('goes on'));
      await again.close();
    }
    const after = foundIn(await verify());
    assert.ok(after.some((one) => one.startsWith('CV_AUDIT_REPORTED')), `${which}: ${after.join()}`);
    // A head that was missing is written anew; the report of it stays.
    if (which !== 'head') assert.ok(after.some((one) => !one.startsWith('CV_AUDIT_REPORTED')), `${which}: ${after.join()}`);
    const told = world.told.flatMap((one) => (one.kind === 'fault' ? [one.fault.code] : []));
    assert.deepEqual(told, ['CV_AUDIT_DAMAGED'], `${which} is told once`);
  }
});

test('a power cut at any step of a first start, a write, a new day or a removal leaves nothing that looks like a forgery', async (t) => {
  for (let cut = 0; ; cut += 1) {
    const { open, verify, dir, keyDir, world } = await recordedFolder(t);
    const copy = `${dir}-cut`;
    // What is on disk before each change of a file or a name is what a cut there finds.
    let step = 0;
    let isCut = false;
    const snapshot = (): void => {
      step += 1;
      if (step - 1 !== cut || isCut) return;
      isCut = true;
      fs.mkdirSync(copy);
      for (const one of [dir, keyDir].filter((folder) => fs.existsSync(folder)))
        fs.cpSync(one, join(copy, basename(one)), { recursive: true });
    };
    const { open: real, rename, unlink } = fs.promises;
    mockFs(t, 'open', async (path: string, flags: string, mode?: number) => {
      snapshot();
      const handle = await real(path, flags, mode);
      for (const name of ['writeFile', 'appendFile', 'sync', 'datasync'] as const) {
        const run = handle[name].bind(handle) as (...args: unknown[]) => Promise<void>;
        Object.assign(handle, { [name]: (...args: unknown[]) => (snapshot(), run(...args)) });
      }
      return handle;
    }, fs.promises);
    mockFs(t, 'rename', (from: string, to: string) => (snapshot(), rename(from, to)), fs.promises);
    mockFs(t, 'unlink', (path: string) => (snapshot(), unlink(path)), fs.promises);
    const audit = await open({ keepMs: () => AUDIT_DAY_MS });
    for (let day = 0; day < 4; day += 1) {
      audit.append(auditEntry(`day ${day}`));
      await audit.flush();
      await world.clock.advanceMs(AUDIT_DAY_MS);
    }
    await audit.close();
    t.mock.restoreAll();
    if (!isCut) return assert.ok(cut > 50, `${cut} steps`);
    await Promise.all([rm(dir, { recursive: true, force: true }), rm(keyDir, { recursive: true, force: true })]);
    await mkdir(dir);
    await cp(copy, join(dir, '..'), { recursive: true });
    const again = await open({ keepMs: () => AUDIT_DAY_MS });
    again.append(auditEntry('after the cut'));
    await again.close();
    const { faults } = await verify();
    assert.deepEqual([faults, world.told], [[], []], `cut at step ${cut}`);
  }
});
