/** Whatever is done to a record is found by its folder and a public key alone. */
import assert from 'node:assert/strict';
import { createHash, generateKeyPairSync } from 'node:crypto';
import { cp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import fc from 'fast-check';
import { publicKeysIn } from './key.ts';
import { auditEntry, AUDIT_DAY_MS, foundIn, recordedFolder } from './testing/recorded-folder.ts';
import { verifyAuditRecord } from './verify-record.ts';

/** A record that was closed, of three files, and a way to verify another content of it. */
async function closed(t: TestContext) {
  const { open, dir, keyDir, world } = await recordedFolder(t);
  const audit = await open();
  for (let day = 0; day < 3; day += 1) {
    for (let at = 0; at < 5; at += 1) audit.append(auditEntry(`line ${at} of day ${day}`));
    await audit.flush();
    if (day < 2) await world.clock.advanceMs(AUDIT_DAY_MS);
  }
  await audit.close();
  const copy = `${dir}-copy`;
  await cp(dir, copy, { recursive: true });
  const names = (await readdir(dir)).toSorted();
  const keys = await publicKeysIn(keyDir);
  const contents = new Map(await Promise.all(names.map(async (name) => [name, await readFile(join(dir, name))] as const)));
  const restore = async () => {
    await rm(copy, { recursive: true, force: true });
    await cp(dir, copy, { recursive: true });
  };
  const lineFiles = names.filter((name) => name.endsWith('.jsonl'));
  return { copy, names, lineFiles, contents, keys, restore, verify: () => verifyAuditRecord(copy, keys) };
}

test('a record that nobody touched verifies, its copy too, with the public key alone', async (t) => {
  const { verify, lineFiles } = await closed(t);
  const { faults, files, from, lines, end, unconfirmed } = await verify();
  assert.deepEqual([faults, files, from, lines === end.seq, unconfirmed], [[], lineFiles.length, 1, true, 0]);
});

test('any one byte that is changed is found, in any file', async (t) => {
  const { copy, names, contents, verify } = await closed(t);
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...names), fc.nat(), fc.integer({ min: 1, max: 255 }), async (name, place, mask) => {
      const bytes = Buffer.from(contents.get(name) as Buffer);
      const at = place % bytes.length;
      bytes[at] = (bytes[at] as number) ^ mask;
      await writeFile(join(copy, name), bytes);
      const { faults } = await verify();
      await writeFile(join(copy, name), contents.get(name) as Buffer);
      assert.ok(faults.length > 0, `byte ${at} of ${name} ^ ${mask}`);
    }),
    { numRuns: 500 },
  );
});

test('any end that is cut off is found, and a whole file at the end too', async (t) => {
  const { copy, lineFiles, contents, verify, restore } = await closed(t);
  const last = lineFiles.at(-1) as string;
  const whole = contents.get(last) as Buffer;
  await fc.assert(
    fc.asyncProperty(fc.nat(whole.length - 1), async (bytes) => {
      await writeFile(join(copy, last), whole.subarray(0, bytes));
      assert.ok((await verify()).faults.length > 0, `cut to ${bytes} of ${whole.length}`);
    }),
    { numRuns: 200 },
  );
  for (let from = lineFiles.length - 1; from >= 0; from -= 1) {
    await restore();
    for (const name of lineFiles.slice(from)) await rm(join(copy, name));
    assert.match(foundIn(await verify()).join(), /CV_AUDIT_MISSING/, `without ${lineFiles.slice(from).join()}`);
  }
});

test('any line that is taken out, put twice, or out of its order is found, and so is any file', async (t) => {
  const { copy, lineFiles, contents, verify, restore } = await closed(t);
  for (const name of lineFiles) {
    const lines = (contents.get(name) as Buffer).toString().split('\n').slice(0, -1);
    for (const [index, line] of lines.entries()) {
      const swapped = lines.toSpliced(index, 2, ...lines.slice(index, index + 2).toReversed());
      const others = [lines.toSpliced(index, 1), lines.toSpliced(index, 0, line), ...(index + 1 < lines.length ? [swapped] : [])];
      for (const other of others) {
        await writeFile(join(copy, name), other.map((one) => `${one}\n`).join(''));
        assert.ok((await verify()).faults.length > 0, `${name}, line ${index + 1}`);
      }
    }
    await rm(join(copy, name));
    assert.ok(foundIn(await verify()).some((one) => one.startsWith('CV_AUDIT_MISSING')), `without ${name}`);
    await restore();
    await rename(join(copy, name), join(copy, name.replace('2026-01', '2025-01')));
    assert.ok((await verify()).faults.length > 0, `${name} under another day`);
    await restore();
  }
});

test('where a line is changed is said: the file and the line behind it; a removed one by its numbers', async (t) => {
  const { copy, lineFiles, contents, verify } = await closed(t);
  const name = lineFiles[1] as string;
  const text = (contents.get(name) as Buffer).toString();
  await writeFile(join(copy, name), text.replace('line 2 of day 1', 'line 2 of day 7'));
  const lines = text.split('\n');
  const changed = lines.findIndex((line) => line.includes('line 2 of day 1'));
  assert.deepEqual(foundIn(await verify()), [`CV_AUDIT_CHANGED ${changed + 2}`]);
  await writeFile(join(copy, name), lines.toSpliced(changed, 2).join('\n'));
  const { seq } = JSON.parse(lines[changed] as string) as { seq: number };
  assert.deepEqual(foundIn(await verify()), [`CV_AUDIT_MISSING ${seq} ${seq + 1}`]);
});

test('a chain that was made anew behind a change, without the key, is found by its signatures', async (t) => {
  const { copy, lineFiles, contents, verify, keys } = await closed(t);
  let prev = '0'.repeat(64);
  for (const name of lineFiles) {
    const lines = (contents.get(name) as Buffer).toString().replace('line 1 of day 0', 'nothing at all').split('\n').slice(0, -1);
    const forged = lines.map((line) => {
      const made = line.replace(/"prev":"[0-9a-f]{64}"/, `"prev":"${prev}"`);
      prev = createHash('sha256').update(made).digest('hex');
      return `${made}\n`;
    });
    await writeFile(join(copy, name), forged.join(''));
  }
  const { faults, checkpoints } = await verify();
  assert.ok(checkpoints >= 4);
  // All but the first one, which stands before the change, and the head.
  assert.deepEqual(faults.map(({ code }) => code), Array(checkpoints).fill('CV_AUDIT_SIGNATURE'));
  const { publicKey } = generateKeyPairSync('ed25519');
  const withOther = await verifyAuditRecord(copy, new Map([['0000000000000000', publicKey]]));
  assert.equal(withOther.faults.length, checkpoints + 1);
  assert.match(String(withOther.faults[0]?.params.detail), new RegExp([...keys.keys()][0] as string));
});

test('signatures that were taken out with their lines are found: each file begins with one', async (t) => {
  const { copy, lineFiles, contents, verify } = await closed(t);
  let [prev, seq] = ['0'.repeat(64), 0];
  for (const name of lineFiles) {
    const lines = (contents.get(name) as Buffer).toString().split('\n').filter((line) => line !== '' && !line.includes('"checkpoint"'));
    const first = seq + 1;
    const forged = lines.map((line) => {
      const made = JSON.stringify({ ...(JSON.parse(line) as object), seq: (seq += 1), prev });
      prev = createHash('sha256').update(made).digest('hex');
      return `${made}\n`;
    });
    await rm(join(copy, name));
    if (forged.length > 0) await writeFile(join(copy, `${String(first).padStart(12, '0')}-${name.slice(13)}`), forged.join(''));
  }
  await rm(join(copy, 'head.json'));
  const found = foundIn(await verify());
  assert.ok(found.length > 3 && found.every((one) => one === 'CV_AUDIT_SIGNATURE 1'), found.join());
});

test('a head or a beginning of another time is found', async (t) => {
  const { copy, contents, verify } = await closed(t);
  const head = JSON.parse((contents.get('head.json') as Buffer).toString()) as { seq: number };
  await writeFile(join(copy, 'head.json'), `${JSON.stringify({ ...head, seq: head.seq - 3 })}\n`);
  assert.deepEqual(foundIn(await verify()), ['CV_AUDIT_SIGNATURE 1']);
  await writeFile(join(copy, 'head.json'), contents.get('head.json') as Buffer);
  await writeFile(join(copy, 'begin.json'), contents.get('head.json') as Buffer);
  assert.deepEqual(foundIn(await verify()), ['CV_AUDIT_SIGNATURE 1'], 'what is signed as a head is no beginning');
});

test('it verifies beside the gateway that writes: nothing is found, whenever it is asked', async (t) => {
  const { open, verify } = await recordedFolder(t);
  const audit = await open({ maxFileBytes: 3000 });
  for (let round = 0; round < 30; round += 1) {
    for (let at = 0; at < 20; at += 1) audit.append(auditEntry(`round ${round}`));
    const [verified] = await Promise.all([verify(), audit.flush()]);
    assert.deepEqual(verified.faults, []);
  }
});
