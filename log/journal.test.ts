import assert from 'node:assert/strict';
import { appendFile, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import fc from 'fast-check';
import { openJournal, verifyJournal } from './journal.ts';
import { tempDir } from '../core/testing/temp-dir.ts';

async function folder(t: TestContext): Promise<string> {
  const { dir, remove } = await tempDir();
  t.after(remove);
  return dir;
}

test('lines come back in order over restarts and files, and every chain verifies', async (t) => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.array(fc.string({ maxLength: 80 }), { maxLength: 8 }), { minLength: 1, maxLength: 4 }), async (runs) => {
      const dir = await folder(t);
      const written: string[] = [];
      for (const run of runs) {
        const journal = await openJournal(dir, { maxFileBytes: 100_000 });
        assert.deepEqual(
          journal.lines.map(({ text }) => text),
          written,
        );
        await Promise.all(run.map((text, index) => journal.append({ at: index, text })));
        written.push(...run);
        await journal.close();
      }
      const { faults, lines } = await verifyJournal(dir);
      assert.deepEqual([faults, lines.map(({ text }) => text)], [[], written]);
    }),
    { numRuns: 20 },
  );
});

test('files roll; the chain goes on over them, and a file that is taken away shows', async (t) => {
  const dir = await folder(t);
  const journal = await openJournal(dir, { maxFileBytes: 600 });
  for (let index = 0; index < 20; index += 1) await journal.append({ at: index, text: 'x'.repeat(100) });
  await journal.close();
  const files = (await readdir(dir)).toSorted();
  assert.ok(files.length > 3);
  assert.deepEqual((await verifyJournal(dir)).faults, []);
  const again = await openJournal(dir, { maxFileBytes: 600 });
  assert.deepEqual(again.faults, []);
  assert.equal(again.lines.at(-1)?.at, 19);
  await again.append({ at: 20 });
  await again.close();
  assert.deepEqual((await verifyJournal(dir)).faults, []);
  await rm(join(dir, files[1] as string));
  assert.ok((await verifyJournal(dir)).faults.length > 0);
});

test('a last line that was cut short is cut off in silence: it was never confirmed', async (t) => {
  const dir = await folder(t);
  const journal = await openJournal(dir);
  await journal.append({ at: 1 });
  await journal.close();
  await appendFile(join(dir, 'commands-000001.jsonl'), '{"at":2,"text":"never confir');
  const again = await openJournal(dir);
  assert.deepEqual([again.lines.length, again.faults], [1, []]);
  await again.append({ at: 3 });
  await again.close();
  const { faults, lines } = await verifyJournal(dir);
  assert.deepEqual([faults, lines.map(({ at: atMs }) => atMs)], [[], [1, 3]]);
});

test('any byte that is changed is found, and so is a line that is taken out or put in', async (t) => {
  const dir = await folder(t);
  const journal = await openJournal(dir);
  for (let index = 0; index < 5; index += 1) await journal.append({ at: index, by: 'duty-1', value: true });
  await journal.close();
  const path = join(dir, 'commands-000001.jsonl');
  const whole = await readFile(path, 'utf8');
  const lines = whole.split('\n').slice(0, -1);
  for (const [from, to] of [['"value":true', '"value":false'], ['duty-1', 'duty-2'], ['"at":0', '"at":9']] as const) {
    await writeFile(path, whole.replace(from, to));
    assert.equal((await verifyJournal(dir)).faults[0]?.code, 'CV_AUDIT_BROKEN');
  }
  for (const changed of [
    [...lines.slice(0, 2), ...lines.slice(3)],
    [...lines.slice(0, 2), lines[0], ...lines.slice(2)],
    lines.slice(1),
    lines.toReversed(),
  ]) {
    await writeFile(path, `${changed.join('\n')}\n`);
    assert.ok((await verifyJournal(dir)).faults.length > 0);
  }
  await fc.assert(fc.asyncProperty(fc.nat(Buffer.byteLength(whole) - 2), fc.integer({ min: 1, max: 255 }), async (offset, mask) => {
    const bytes = Buffer.from(whole);
    bytes[offset] = (bytes[offset] as number) ^ mask;
    await writeFile(path, bytes);
    assert.ok((await verifyJournal(dir)).faults.length > 0, `byte ${offset} ^ ${mask}`);
  }), { numRuns: 200 });
});
