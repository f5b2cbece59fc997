import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Event } from '../../core/event.ts';
import { tempDir } from '../../core/testing/temp-dir.ts';
import { testWorld } from '../../core/testing/virtual-clock.ts';
import type { DeviceState, EdgeState } from '../../core/wire/messages.ts';
import { PresenceRegistry } from './registry.ts';
import { eventColumns } from '../feed/testing/log-batches.ts';

const CENTRE = '500112001';
async function rig(path: string | null = null, world = testWorld()) {
  const registry = new PresenceRegistry({ path, edges: ['gate'], centre: CENTRE }, world);
  await registry.open();
  const state = (over: Partial<EdgeState> = {}, device: Partial<DeviceState> = {}): void => {
    const now = world.clock.nowMs();
    registry.noteState(
      {
        v: 1,
        edge: 'pump',
        centre: CENTRE,
        online: true,
        sentAt: now,
        devices: [{ id: 'plc', driver: 'modbus', online: true, reason: '', lastAt: now, periodMs: 1000, ...device }],
        ...over,
      },
      CENTRE,
    );
  };
  const freshness = () => registry.device('plc')?.freshness;
  return { registry, world, state, freshness };
}
const eventAt = (at: number, over: Partial<Event> = {}): Event => ({
  edge: 'pump',
  stream: 'measurement',
  epoch: 1,
  seq: 1,
  device: 'plc',
  point: 'p',
  indicator: 'X',
  centre: CENTRE,
  kind: 'measurement',
  value: 1,
  unit: '',
  occurredAt: at,
  observedAt: at,
  clock: 'edge',
  quality: 'good',
  origin: 'live',
  ...over,
});

test('a device is fresh while its edge finds it so, late when nothing new comes, lost when the edge says so', async () => {
  const { state, freshness, world } = await rig();
  state();
  assert.equal(freshness(), 'fresh');
  await world.clock.advanceMs(20_000);
  assert.equal(freshness(), 'fresh');
  state({}, { lastAt: world.clock.nowMs() - 20_000 });
  assert.equal(freshness(), 'late');
  state({}, { online: false, reason: 'CV_LINK_TIMEOUT' });
  assert.equal(freshness(), 'lost');
});

test('since when a device answers, or does not, is known, also after a restart; that of an edge that is away is since it went', async (t) => {
  const { dir, remove } = await tempDir();
  t.after(remove);
  const world = testWorld();
  const { registry, state } = await rig(join(dir, 'presence.db'), world);
  const since = (of = registry) => of.device('plc')?.since;
  const begunAt = world.clock.nowMs();
  state();
  await world.clock.advanceMs(20_000);
  state();
  assert.equal(since(), begunAt);
  const lostAt = world.clock.nowMs();
  state({}, { online: false, reason: 'CV_LINK_TIMEOUT' });
  await world.clock.advanceMs(20_000);
  state({}, { online: false, reason: 'CV_LINK_REFUSED' });
  assert.equal(since(), lostAt, 'another reason for the same');
  await registry.close();
  const again = await rig(join(dir, 'presence.db'), world);
  assert.equal(since(again.registry), undefined, 'whether it is away nobody has seen');
  again.state({}, { online: false, reason: 'CV_LINK_REFUSED' });
  assert.equal(since(again.registry), lostAt);
  const goneAt = world.clock.nowMs();
  for (const _will of [1, 2]) {
    again.registry.noteState({ v: 1, edge: 'pump', centre: CENTRE, online: false }, CENTRE);
    await world.clock.advanceMs(1000);
  }
  assert.equal(since(again.registry), goneAt);
  assert.ok(again.registry.edges().every((edge) => !('awaySince' in edge)));
  await again.registry.close();
});

test('a wrong clock of the edge makes nothing late', async () => {
  const { state, freshness, world } = await rig();
  const wrong = world.clock.nowMs() - 3_600_000;
  state({ sentAt: wrong }, { lastAt: wrong - 500 });
  assert.equal(freshness(), 'fresh');
});

test('events alone keep a device fresh; backfill says nothing of now', async () => {
  const { registry, state, freshness, world } = await rig();
  state({}, { lastAt: null });
  assert.equal(freshness(), 'late');
  registry.noteEvents(eventColumns([eventAt(world.clock.nowMs(), { origin: 'backfill' })]));
  assert.equal(freshness(), 'late');
  registry.noteEvents(eventColumns([eventAt(world.clock.nowMs())]));
  assert.equal(freshness(), 'fresh');
});

test('when the will of an edge speaks, its devices are unobserved until it is back', async () => {
  const { registry, state, freshness } = await rig();
  const heard: string[] = [];
  registry.onDevice((device) => heard.push(device.freshness));
  state();
  registry.noteState({ v: 1, edge: 'pump', centre: CENTRE, online: false }, CENTRE);
  assert.deepEqual([freshness(), registry.isOnline('pump')], ['unobserved', false]);
  state();
  assert.deepEqual([freshness(), registry.isOnline('pump')], ['fresh', true]);
  assert.deepEqual(heard, ['fresh', 'unobserved', 'fresh']);
});

test('a device that its edge no longer lists is gone; edges of the configuration are there from the start', async () => {
  const { registry, state } = await rig();
  state();
  state({ devices: [] });
  assert.equal(registry.device('plc'), null);
  assert.deepEqual(registry.edges().map(({ id, online }) => [id, online]), [['gate', false], ['pump', true]]);
});

test('a sender that says nothing of its devices is known by its events', async () => {
  const { registry, world } = await rig();
  registry.noteEvents(
    eventColumns([
      eventAt(world.clock.nowMs(), { edge: 'script', device: 'd1' }),
      eventAt(1, {
        device: 'script',
        kind: 'gap',
        gap: { stream: 'state', epoch: 1, fromSeq: 0, toSeq: 0, fromAt: 0, toAt: 0, count: 1, reason: 'x' },
      }),
    ]),
  );
  assert.deepEqual(
    registry.devices().map(({ id, freshness }) => [id, freshness]),
    [['d1', 'fresh']],
  );
  assert.deepEqual(
    registry.edges().filter(({ id }) => id === 'script'),
    [{ id: 'script', centre: '500112001', online: false, version: null, logDepth: null, clockOffsetMs: null, seenAt: 0 }],
  );
});

test('whoever watches hears of a device that is known by its events alone, and when it falls silent and is back', async () => {
  const { registry, world } = await rig();
  const heard: [string, string][] = [];
  registry.onDevice(({ id, freshness }) => heard.push([id, freshness]));
  const speaks = () => registry.noteEvents(eventColumns([eventAt(world.clock.nowMs(), { edge: 'script', device: 'd1' })]));
  speaks();
  assert.deepEqual(heard, [['d1', 'fresh']], 'at once');
  await world.clock.advanceMs(185_000);
  speaks();
  await world.clock.advanceMs(10_000);
  assert.deepEqual(
    heard
      .slice(1)
      .map(([, freshness]) => freshness)
      .filter((freshness, at, all) => freshness !== all[at - 1]),
    ['fresh', 'late', 'fresh'],
  );
  await registry.close();
});

test('what is known outlives a restart, and a damaged file does not keep the gateway from starting', async (t) => {
  const { dir, remove } = await tempDir();
  t.after(remove);
  const path = join(dir, 'presence.db');
  const first = await rig(path);
  first.state({ http: 'http://127.0.0.1:1', version: '1' }, { pictures: true });
  assert.equal(first.registry.httpOf('pump'), 'http://127.0.0.1:1');
  await first.registry.close();
  const second = await rig(path);
  assert.deepEqual(
    second.registry.devices().map(({ id, freshness, driver }) => [id, freshness, driver]),
    [['plc', 'unobserved', 'modbus']],
  );
  await second.registry.close();
  await writeFile(path, 'no database at all, '.repeat(2000));
  const third = await rig(path);
  assert.deepEqual(third.registry.devices(), []);
  await third.registry.close();
});

test('devices that nobody configured are known by edge as it said last, also while it is away', async () => {
  const { registry, state } = await rig();
  const stranger = {
    driver: 'hj212',
    address: '0.0.0.0:8212',
    id: 'A1',
    peer: '10.0.0.9:1',
    said: { hex: '23', text: '#' },
    yaml: '',
    count: 2,
    firstAt: 1,
    lastAt: 2,
  };
  state({ unknown: [stranger] });
  registry.noteState({ v: 1, edge: 'pump', centre: CENTRE, online: false }, CENTRE);
  assert.deepEqual(registry.unknownDevices(), [{ edge: 'pump', centre: CENTRE, ...stranger }]);
  assert.ok(registry.edges().every((edge) => !('unknown' in edge)));
  state();
  assert.deepEqual(registry.unknownDevices(), [], 'taken in');
});

test('the key by which an edge verifies commands is what it said last, also while it is away and after a restart', async (t) => {
  const { dir, remove } = await tempDir();
  t.after(remove);
  const path = join(dir, 'presence.db');
  const { registry, state } = await rig(path);
  assert.equal(registry.commandKeyOf('pump'), null);
  const commandKey = 'ab'.repeat(32);
  state({ commandKey });
  state({ online: false });
  assert.equal(registry.commandKeyOf('pump'), commandKey);
  assert.ok(registry.edges().every((edge) => !('commandKey' in edge)), 'the API shows what it did');
  await registry.close();
  const again = await rig(path);
  t.after(() => again.registry.close());
  assert.equal(again.registry.commandKeyOf('pump'), commandKey);
  again.state();
  assert.equal(again.registry.commandKeyOf('pump'), null);
});
