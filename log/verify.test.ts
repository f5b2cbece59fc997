/** What `verify` says of a folder, held against what an opening of it then finds. */
import assert from 'node:assert/strict';
import { cp, mkdir, readdir, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { test, type TestContext } from 'node:test';
import { bulkyDraft, TEST_CENTRE, testDrafts } from '../core/testing/drafts.ts';
import { readAll } from './testing/edge-log-contract.ts';
import { acceptedGroup } from './testing/gateway-log-contract.ts';
import { memoryDir } from '../core/testing/temp-dir.ts';
import { testWorld } from '../core/testing/virtual-clock.ts';
import { STREAMS } from '../core/event.ts';
import { seededRandom } from '../core/world.ts';
import { openEdgeLog } from './edge-log.ts';
import { openGatewayLog } from './gateway-log.ts';
import { addRange, countNumbers, missingRanges, type SeqRange } from './ranges.ts';
import { verifyLog, type LogCheck } from './verify.ts';
import { directStorage } from './worker-storage.ts';

const EDGE = { edge: 'e1', centre: TEST_CENTRE, maxBytes: 64 << 20, maxFileBytes: 64 << 10, ballastBytes: 0 };
const GATEWAY = { gateway: 'g1', maxBytes: 64 << 20, keepMs: 86_400_000, maxFileBytes: 64 << 10, ballastBytes: 0 };
const EDGE_FORM = { chains: STREAMS, origins: false };
const GATEWAY_FORM = { chains: ['log'], origins: true };

function verified(dir: string, form: typeof EDGE_FORM | typeof GATEWAY_FORM, isHeld = false): LogCheck {
  const steps = verifyLog(dir, form, isHeld);
  for (let step = steps.next(); ; step = steps.next()) if (step.done) return step.value;
}

const missingIn = ({ faults }: LogCheck): SeqRange[] =>
  faults
    .filter(({ code }) => code === 'CV_VERIFY_LOG_MISSING')
    .reduce<SeqRange[]>((sum, { params }) => addRange(sum, Number(params.fromSeq), Number(params.toSeq)), []);

async function folder(t: TestContext): Promise<string> {
  const { dir, remove } = await memoryDir();
  t.after(remove);
  return join(dir, 'log');
}

/** Some files of one stream, closed or as a killed process leaves them. */
async function edgeFolder(t: TestContext, events: number, isKilled = false): Promise<{ dir: string; epoch: number }> {
  const dir = await folder(t);
  const random = seededRandom(3);
  const log = await openEdgeLog({ ...EDGE, dir }, testWorld(), directStorage());
  for (let index = 1; index <= events; index += 10)
    await log.append(Array.from({ length: 10 }, (_, step) => bulkyDraft(index + step, 600, () => random.next(), 'state')));
  if (isKilled) await cp(dir, `${dir}-dead`, { recursive: true, filter: (path) => !path.endsWith('lock.db') });
  await log.close();
  return { dir: isKilled ? `${dir}-dead` : dir, epoch: log.epoch };
}

const dataFiles = async (dir: string): Promise<string[]> =>
  (await readdir(dir))
    .filter((name) => /^state-.*\.db$/.test(name))
    .toSorted((a, b) => Number(a.split('-')[2]?.slice(0, -3)) - Number(b.split('-')[2]?.slice(0, -3)));

async function content(dir: string): Promise<Record<string, string>> {
  return Object.fromEntries(
    await Promise.all((await readdir(dir)).map(async (name) => [name, (await readFile(join(dir, name))).toString('base64')] as const)),
  );
}

async function flip(path: string, offset: number): Promise<void> {
  const bytes = await readFile(path);
  bytes[offset] = (bytes[offset] as number) ^ 0x55;
  await writeFile(path, bytes);
}

test('a sound folder has no faults, closed or left by a killed process, and is not changed by it', async (t) => {
  for (const isKilled of [false, true]) {
    const { dir } = await edgeFolder(t, 400, isKilled);
    assert.ok((await dataFiles(dir)).length > 2);
    const before = await content(dir);
    const check = verified(dir, EDGE_FORM);
    assert.deepEqual([check.faults, check.events, check.named, check.live], [[], 400, 0, []]);
    assert.deepEqual(await content(dir), before);
  }
});

test('flipped bytes: what it names as missing is what an opening cannot read, to the last number', async (t) => {
  const { dir } = await edgeFolder(t, 400);
  const random = seededRandom(11);
  const files = await dataFiles(dir);
  let damaged = 0;
  for (let round = 0; round < 30; round += 1) {
    const copy = `${dir}-${round}`;
    await cp(dir, copy, { recursive: true });
    for (let flips = 0; flips <= round % 4; flips += 1) {
      const path = join(copy, files[Math.floor(random.next() * files.length)] as string);
      await flip(path, Math.floor(random.next() * (await readFile(path)).length));
    }
    const check = verified(copy, EDGE_FORM);
    const log = await openEdgeLog({ ...EDGE, dir: copy }, testWorld(), directStorage());
    const present = (await readAll(log, 'state'))
      .filter(({ kind }) => kind !== 'gap')
      .reduce<SeqRange[]>((sum, { seq }) => addRange(sum, seq, seq), []);
    await log.close();
    assert.deepEqual(missingIn(check), missingRanges(present, 1, 400), `round ${round}`);
    assert.equal(check.events, countNumbers(present));
    damaged += Number(check.faults.length > 0);
    // What the opening has named is no fault any more. How far the old epoch went only the head knew, which has moved on.
    const again = verified(copy, EDGE_FORM);
    assert.deepEqual([again.faults, again.named], [[], (present.at(-1)?.[1] ?? 0) - countNumbers(present)], `round ${round}, once more`);
    await rm(copy, { recursive: true });
  }
  assert.ok(damaged > 10);
});

test('a file that is gone, one that is cut short, and an end before the head file are named', async (t) => {
  const { dir } = await edgeFolder(t, 400);
  const files = await dataFiles(dir);
  const firsts = files.map((name) => Number(name.split('-')[2]?.slice(0, -3)));
  const without = async (name: string) => {
    const copy = `${dir}-without`;
    await rm(copy, { recursive: true, force: true });
    await cp(dir, copy, { recursive: true });
    await rm(join(copy, name));
    return missingIn(verified(copy, EDGE_FORM));
  };
  assert.deepEqual(await without(files[0] as string), [[1, (firsts[1] as number) - 1]]);
  assert.deepEqual(await without(files[1] as string), [[firsts[1], (firsts[2] as number) - 1]]);
  assert.deepEqual(await without(files.at(-1) as string), [[firsts.at(-1), 400]]);
  await truncate(join(dir, files[1] as string), 12 << 10);
  const [from, to] = missingIn(verified(dir, EDGE_FORM))[0] ?? [];
  assert.ok((from as number) >= (firsts[1] as number) && to === (firsts[2] as number) - 1);
});

test('beside the process that writes: its open files are left out, closed ones are read', async (t) => {
  const dir = await folder(t);
  const random = seededRandom(3);
  const log = await openEdgeLog({ ...EDGE, dir }, testWorld(), directStorage());
  t.after(() => log.close());
  for (let index = 1; index <= 400; index += 10)
    await log.append(Array.from({ length: 10 }, (_, step) => bulkyDraft(index + step, 600, () => random.next(), 'state')));
  const files = await dataFiles(dir);
  const check = verified(dir, EDGE_FORM, true);
  assert.deepEqual([check.faults, check.live], [[], [files.at(-1)]]);
  assert.equal(check.files, files.length - 1);
  for (let offset = 4096 * 2; offset < 4096 * 12; offset += 512) await flip(join(dir, files[1] as string), offset);
  assert.ok(verified(dir, EDGE_FORM, true).faults.length > 0);
  // Nothing of this has taken the writer's lock away.
  await log.append(testDrafts(401, 1, { kind: 'state' }));
});

test('beside the process that writes: a closed file that is cut short lacks its last rows, up to where the next one begins', async (t) => {
  const dir = await folder(t);
  const random = seededRandom(3);
  const log = await openEdgeLog({ ...EDGE, dir }, testWorld(), directStorage());
  t.after(() => log.close());
  for (let index = 1; index <= 400; index += 10)
    await log.append(Array.from({ length: 10 }, (_, step) => bulkyDraft(index + step, 600, () => random.next(), 'state')));
  const files = await dataFiles(dir);
  const [first, next] = files.slice(1, 3).map((name) => Number(name.split('-')[2]?.slice(0, -3))) as [number, number];
  const path = join(dir, files[1] as string);
  await truncate(path, Math.floor((await stat(path)).size * 0.8 / 4096) * 4096);
  const [[from, to] = [], ...others] = missingIn(verified(dir, EDGE_FORM, true));
  assert.ok(from !== undefined && from > first && from < next, `from ${from}`);
  assert.deepEqual([to, others], [next - 1, []]);
});

test('one row that is missing among others is named, and only its numbers', async (t) => {
  const dir = await folder(t);
  const log = await openEdgeLog({ ...EDGE, dir }, testWorld(), directStorage());
  for (let index = 1; index <= 9; index += 1) await log.append(testDrafts(index, 1, { kind: 'state' }));
  await log.close();
  const db = new DatabaseSync(join(dir, (await dataFiles(dir))[0] as string));
  db.exec('DELETE FROM g WHERE seq = 5');
  db.close();
  const check = verified(dir, EDGE_FORM);
  assert.deepEqual([check.events, missingIn(check)], [8, [[5, 5]]]);
});

test('a gateway: numbers, marks of each sender, and what was let go or named', async (t) => {
  const dir = await folder(t);
  const world = testWorld();
  const log = await openGatewayLog({ ...GATEWAY, dir }, world, directStorage());
  for (let seq = 1; seq <= 4000; seq += 20)
    await log.accept(
      [acceptedGroup('e1', seq, 20), acceptedGroup('e2', seq, 20)],
      [{ sender: 'e3', stream: 'state', epoch: 1, from: seq, to: seq + 19 }],
    );
  await log.close();
  const sound = verified(dir, GATEWAY_FORM);
  assert.deepEqual([sound.faults, sound.events], [[], 8000]);
  assert.ok(sound.files > 2);
  const files = (await readdir(dir))
    .filter((name) => /^log-.*\.db$/.test(name))
    .toSorted((a, b) => Number(a.split('-')[2]?.slice(0, -3)) - Number(b.split('-')[2]?.slice(0, -3)));
  const headless = `${dir}-headless`;
  await cp(dir, headless, { recursive: true });
  await rm(join(headless, files[0] as string));
  assert.deepEqual(missingIn(verified(headless, GATEWAY_FORM)), [[1, Number(files[1]?.split('-')[2]?.slice(0, -3)) - 1]]);
  const copy = `${dir}-copy`;
  await cp(dir, copy, { recursive: true });
  await rm(join(copy, files[1] as string));
  const missing = missingIn(verified(copy, GATEWAY_FORM));
  assert.deepEqual(missing, [[Number(files[1]?.split('-')[2]?.slice(0, -3)), Number(files[2]?.split('-')[2]?.slice(0, -3)) - 1]]);
  const again = await openGatewayLog({ ...GATEWAY, dir: copy }, world, directStorage());
  await again.close();
  const named = verified(copy, GATEWAY_FORM);
  assert.deepEqual([named.faults, named.named], [[], countNumbers(missing)]);
});

test('a gateway: what it let go for its age is no fault, in a folder that is closed or held', async (t) => {
  const dir = await folder(t);
  const world = testWorld();
  const log = await openGatewayLog({ ...GATEWAY, dir }, world, directStorage());
  for (let seq = 1; seq <= 4000; seq += 20) await log.accept([acceptedGroup('e1', seq, 20, 7, world.clock.nowMs())]);
  await world.clock.advanceMs(2 * GATEWAY.keepMs);
  const { seq } = log.tail();
  assert.ok(seq > 0);
  const held = verified(dir, GATEWAY_FORM, true);
  await log.close();
  const closed = verified(dir, GATEWAY_FORM);
  assert.deepEqual([held.faults, closed.faults, closed.events, closed.named], [[], [], 4000 - seq, seq]);
});

test('a folder that holds nothing, or garbage under the names of files', async (t) => {
  const dir = await folder(t);
  await mkdir(dir, { recursive: true });
  assert.deepEqual(verified(dir, EDGE_FORM), { files: 0, groups: 0, events: 0, bytes: 0, live: [], named: 0, faults: [] });
  const random = seededRandom(5);
  await writeFile(join(dir, 'state-7-1.db'), Buffer.from(Array.from({ length: 40_000 }, () => Math.floor(random.next() * 256))));
  await writeFile(join(dir, 'state-7-11.db'), 'x');
  assert.deepEqual(verified(dir, EDGE_FORM).faults.map(({ code }) => code), ['CV_VERIFY_LOG_STATE', 'CV_VERIFY_LOG_PAGES']);
});
