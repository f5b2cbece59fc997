/** Presence on disk: what changed and nothing else, the file of before, and files that cannot be used. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { createInterface } from 'node:readline';
import { test, type TestContext } from 'node:test';
import { tempDir } from '../../core/testing/temp-dir.ts';
import { testWorld } from '../../core/testing/virtual-clock.ts';
import { PresenceFile } from './presence-file.ts';
import { PresenceRegistry } from './registry.ts';

const CENTRE = '500112001';

async function rig(t: TestContext, dir: string) {
  const world = testWorld();
  const path = join(dir, 'presence.db');
  const registry = new PresenceRegistry({ path, edges: [], centre: CENTRE }, world);
  await registry.open();
  t.after(() => registry.close());
  const say = (edge: string, devices: Record<string, number | null>) => {
    const now = world.clock.nowMs();
    registry.noteState(
      {
        v: 1,
        edge,
        centre: CENTRE,
        online: true,
        sentAt: now,
        devices: Object.entries(devices).map(([id, lastAt]) => ({
          id,
          driver: 'modbus',
          online: lastAt !== null,
          reason: '',
          lastAt,
          periodMs: 1000,
        })),
      },
      CENTRE,
    );
  };
  return { world, registry, path, say };
}

async function dirOf(t: TestContext): Promise<string> {
  const { dir, remove } = await tempDir();
  t.after(remove);
  return dir;
}

test('what did not change is not written: neither a device that gives the same, nor an edge that is away', async (t) => {
  const written: string[][] = [];
  t.mock.method(PresenceFile.prototype, 'save', async ({ edges, devices, lastSeen }: Parameters<PresenceFile['save']>[0]) => {
    written.push(
      [...edges, ...devices].map(([id, json]) => (json === null ? `-${id}` : id)).concat(lastSeen.map(([id, atMs]) => `${id}@${atMs}`)),
    );
    return true;
  });
  const { world, registry, say } = await rig(t, await dirOf(t));
  say('pump', { plc: 1000, meter: 1000 });
  say('gate', { cam: 1000 });
  await world.clock.advanceMs(5000);
  assert.deepEqual(written, [['pump', 'gate', 'plc', 'meter', 'cam', 'plc@1000', 'meter@1000', 'cam@1000']]);
  // How long it is believed to be fresh moves with each state, and is not kept.
  say('pump', { plc: 1000, meter: 6000 });
  await world.clock.advanceMs(5000);
  assert.deepEqual(written.slice(1), [['pump', 'meter@6000']]);
  await world.clock.advanceMs(60_000);
  assert.equal(written.length, 2, 'nobody spoke');
  say('pump', { meter: 6000 });
  registry.rebind('cam', 'other');
  await world.clock.advanceMs(5000);
  assert.deepEqual(written.slice(2), [['pump', '-plc', '-cam']]);
});

test('what could not be written is written with the next save', async (t) => {
  const answers = [false, true];
  const written: string[][] = [];
  t.mock.method(PresenceFile.prototype, 'save', async ({ edges, devices }: Parameters<PresenceFile['save']>[0]) => {
    written.push([...edges, ...devices].map(([id]) => id));
    return answers.shift() ?? true;
  });
  const { world, say } = await rig(t, await dirOf(t));
  say('pump', { plc: 1 });
  await world.clock.advanceMs(10_000);
  assert.deepEqual(written, [['pump', 'plc'], ['pump', 'plc']]);
});

const OLD = {
  edges: [
    {
      id: 'pump',
      centre: CENTRE,
      online: true,
      version: '0.1.0',
      logDepth: 3,
      clockOffsetMs: 7,
      http: 'http://10.0.0.1:80',
      seenAt: 900,
      unknown: [],
    },
  ],
  devices: [
    [
      'plc',
      {
        edge: 'pump',
        centre: CENTRE,
        driver: 'modbus',
        subject: 'plc',
        position: null,
        online: true,
        reason: '',
        lastAt: 800,
        since: 700,
        periodMs: 1000,
        freshUntil: 9e12,
        pictures: false,
      },
    ],
  ],
  indicators: [['X', 1]],
};

test('the file of before is taken over, and goes once the new one was opened again', async (t) => {
  const dir = await dirOf(t);
  const old = join(dir, 'registry.json');
  writeFileSync(old, JSON.stringify(OLD));
  for (const isThere of [true, false]) {
    const { registry, path } = await rig(t, dir);
    assert.deepEqual(registry.edges(), [
      { id: 'pump', centre: CENTRE, online: false, version: '0.1.0', logDepth: 3, clockOffsetMs: 7, seenAt: 900 },
    ]);
    assert.deepEqual(
      registry.devices().map(({ id, edge, driver, freshness, lastAt }) => [id, edge, driver, freshness, lastAt]),
      [['plc', 'pump', 'modbus', 'unobserved', 800]],
    );
    await registry.close();
    assert.deepEqual([existsSync(old), existsSync(path)], [isThere, true]);
  }
});

test('a later file keeps the gateway from starting and is not touched; a damaged one does not, and what can be read is there', async (t) => {
  const dir = await dirOf(t);
  const { registry, path, say, world } = await rig(t, dir);
  say('pump', { plc: 1 });
  await registry.close();
  const db = new DatabaseSync(path);
  db.exec('PRAGMA user_version = 9');
  db.close();
  const before = readFileSync(path);
  await assert.rejects(new PresenceRegistry({ path, edges: [], centre: CENTRE }, world).open(), {
    fault: { code: 'CV_STORE_NEWER', params: { path, detail: '9' } },
  });
  assert.deepEqual(readFileSync(path), before);
  writeFileSync(path, before.fill(0xa5, 0, 4096));
  const again = await rig(t, dir);
  assert.deepEqual(again.registry.devices().map(({ id }) => id), ['plc']);
  const [told] = again.world.told;
  assert.deepEqual(told?.kind === 'fault' && [told.fault.code, told.fault.params.edges, told.fault.params.devices], [
    'CV_REGISTRY_SALVAGED',
    1,
    1,
  ]);
});

test('a disk that takes nothing keeps no gateway from starting; what is known is written once it does', async (t) => {
  const dir = await dirOf(t);
  writeFileSync(join(dir, 'no-folder'), '');
  const world = testWorld();
  const path = join(dir, 'no-folder', 'presence.db');
  const registry = new PresenceRegistry({ path, edges: [], centre: CENTRE }, world);
  await registry.open();
  registry.noteState({ v: 1, edge: 'pump', centre: CENTRE, online: true }, CENTRE);
  await registry.close();
  assert.deepEqual(
    world.told.map((told) => (told.kind === 'fault' ? told.fault.code : told.kind)),
    ['CV_REGISTRY_UNSAVED', 'CV_REGISTRY_UNSAVED'],
  );
});

test('killed at any moment: what was saved is there whole', async (t) => {
  const dir = await dirOf(t);
  const url = JSON.stringify(new URL('./presence-file.ts', import.meta.url).href);
  const script = `
    const { PresenceFile } = await import(${url});
    const file = new PresenceFile({ path: ${JSON.stringify(join(dir, 'presence.db'))} }, { tell() {} });
    await file.open();
    for (let n = 1; ; n += 1) {
      if (!await file.save({ edges: [['e', JSON.stringify({ n, id: 'e', centre: 'c', seenAt: 1 })]], devices: Array.from({ length: 50 }, (_, d) => ['d' + d, JSON.stringify({ n, edge: 'e', centre: 'c', driver: '', subject: '', reason: '' })]), lastSeen: [['d0', n]] })) process.exit(1);
      console.log(n);
    }`;
  const path = join(dir, 'writer.mjs');
  writeFileSync(path, script);
  let last = 0;
  for (let kill = 0; kill < 3; kill += 1) {
    const child = spawn(process.execPath, [path], { stdio: ['ignore', 'pipe', 'inherit'] });
    for await (const line of createInterface({ input: child.stdout })) {
      last = Number(line);
      if (last === 5 + kill) child.kill('SIGKILL');
    }
    const file = new PresenceFile({ path: join(dir, 'presence.db') }, testWorld());
    const { edges, devices, lastSeen } = await file.open();
    const numbers = [...edges, ...devices]
      .map(([, json]) => (JSON.parse(json as string) as { n: number }).n)
      .concat(lastSeen.map(([, atMs]) => atMs));
    assert.equal(new Set(numbers).size, 1, 'all of one save, or of the next');
    assert.ok((numbers[0] ?? 0) >= last);
    await file.close();
  }
});
