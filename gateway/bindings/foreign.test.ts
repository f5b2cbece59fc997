/** What an edge says of devices of others, where it comes in: events at the intake, devices in the registry. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Draft } from '../../core/event.ts';
import { openMemoryGatewayLog } from '../../log/testing/memory-log.ts';
import { settle, testWorld } from '../../core/testing/virtual-clock.ts';
import { encodeBatch } from '../../core/wire/batch.ts';
import type { Ack, AckMessage, DeviceState } from '../../core/wire/messages.ts';
import { Intake } from '../intake/intake.ts';
import type { RefusedPayload } from '../intake/quarantine.ts';
import { PresenceRegistry } from '../presence/registry.ts';
import { Bindings, type ConfiguredBindings } from './bindings.ts';

const CENTRE = '500112001';

async function rig(over: Partial<ConfiguredBindings> = {}) {
  const world = testWorld();
  const log = await openMemoryGatewayLog({ gateway: 'g' }, world);
  const configured = { devices: [], centres: [], relays: [], ...over };
  const bindings = new Bindings({ path: null, configured: () => configured }, world);
  const registry = new PresenceRegistry({ path: null, edges: ['pump', 'gate'], centre: CENTRE, bindings }, world);
  const acks: Record<string, Ack[]> = { pump: [], gate: [], town: [] };
  const quarantined: RefusedPayload[] = [];
  const intake = new Intake({
    setup: { gateway: 'g', accepts: ['live'], exercise: false, relays: configured.relays }, log, registry, bindings,
    quarantine: { add: (refused) => { quarantined.push(...refused); return Promise.resolve(); } },
    link: { publish: (topic, payload) => {
      const message = JSON.parse(String(payload)) as AckMessage;
      if ('upTo' in message) acks[topic.split('/')[4] as string]?.push(message as Ack);
      return Promise.resolve();
    } },
  }, world);
  const seqs: Record<string, number> = {};
  const send = async (edge: string, drafts: readonly Draft[], events: readonly object[] = drafts) => {
    const seq = (seqs[edge] ?? 0) + 1;
    seqs[edge] = seq + drafts.length - 1;
    void intake.take({
      topic: `cv/v1/in/${CENTRE}/${edge}/up`,
      payload: Buffer.from(encodeBatch({ from: edge, stream: 'measurement', epoch: 1, seq }, events as Draft[])),
      retained: false,
    });
    await settle();
    return acks[edge]?.at(-1);
  };
  const state = (edge: string, devices: readonly Partial<DeviceState>[], centre = CENTRE, over: object = {}) => {
    const full = devices.map((device) => ({
      id: 'plc',
      driver: 'modbus',
      online: true,
      reason: '',
      lastAt: world.clock.nowMs(),
      periodMs: 1000,
      ...device,
    }));
    void intake.take({
      topic: `cv/v1/in/${centre}/${edge}/state`,
      payload: Buffer.from(JSON.stringify({ v: 1, edge, centre, online: true, devices: full, ...over })),
      retained: false,
    });
  };
  const draft = (device: string, over: Partial<Draft> = {}): Draft => ({
    device,
    point: 'level',
    indicator: 'YJ-FLD-001',
    centre: CENTRE,
    kind: 'measurement',
    value: 1,
    unit: 'm',
    occurredAt: world.clock.nowMs(),
    clock: 'edge',
    observedAt: world.clock.nowMs(),
    quality: 'good',
    origin: 'live',
    ...over,
  });
  const faults = () => world.told.flatMap((event) => (event.kind === 'fault' ? [event.fault] : []));
  return { world, log, registry, bindings, intake, quarantined, send, state, draft, faults };
}

test('values of a device of another edge are refused, named, set aside and settled; the sender\'s own come in', async () => {
  const { send, draft, quarantined, log, registry, faults } = await rig();
  await send('pump', [draft('plc')]);
  const ack = await send('gate', [draft('cam'), draft('plc', { value: 9 }), draft('cam')]);
  assert.deepEqual([ack?.upTo, ack?.refused], [3, [{ from: 2, to: 2, code: 'CV_DEVICE_FOREIGN' }]]);
  assert.deepEqual([log.size().events, registry.device('plc')?.edge, registry.device('cam')?.edge], [3, 'pump', 'gate']);
  assert.deepEqual(quarantined.map(({ sender, code }) => [sender, code]), [['gate', 'CV_DEVICE_FOREIGN']]);
  assert.match(quarantined[0]?.detail ?? '', /edge gate .* device plc, which belongs to pump/);
  assert.ok(faults().some(({ code, params }) => code === 'CV_DEVICE_FOREIGN' && params.edge === 'gate' && params.owner === 'pump'));
  // Both forms of a batch: by columns, and by rows that differ in what they have.
  const rows = await send('gate', [draft('plc', { subject: 'x' }), draft('cam')]);
  assert.deepEqual(rows?.refused, [{ from: 4, to: 4, code: 'CV_DEVICE_FOREIGN' }]);
});

test('what is refused for another reason binds nothing', async () => {
  const { send, draft, bindings } = await rig();
  await send('gate', [draft('plc', { value: null }), draft('plc', { occurredAt: Date.UTC(2100, 0) }), draft('plc', { origin: 'replay' })]);
  assert.deepEqual(bindings.edgesOf('plc'), []);
  await send('pump', [draft('plc')]);
  assert.deepEqual(bindings.edgesOf('plc'), ['pump']);
});

test('a state message takes no device over, nor the commands that go to it', async () => {
  const { state, registry, faults } = await rig();
  state('pump', [{ id: 'plc' }]);
  state('gate', [{ id: 'plc', driver: 'lie' }, { id: 'cam' }]);
  assert.deepEqual(
    [registry.device('plc')?.edge, registry.device('plc')?.driver, registry.device('cam')?.edge],
    ['pump', 'modbus', 'gate'],
  );
  assert.ok(faults().some(({ code }) => code === 'CV_DEVICE_FOREIGN'));
  // Not even once its own edge lists it no more, or is away.
  state('pump', []);
  state('gate', [{ id: 'plc' }]);
  assert.equal(registry.device('plc'), null);
});

test('of several edges of a device the one that last had it live is asked', async () => {
  const { state, send, draft, registry, world } = await rig({ devices: [{ device: 'bus', edges: ['pump', 'gate'] }] });
  const edge = () => registry.device('bus')?.edge;
  state('pump', [{ id: 'bus' }]);
  state('gate', [{ id: 'bus', online: false, reason: 'CV_LINK_TIMEOUT', lastAt: null }]);
  assert.equal(edge(), 'pump');
  await world.clock.advanceMs(5000);
  state('gate', [{ id: 'bus' }]);
  assert.equal(edge(), 'gate');
  await world.clock.advanceMs(5000);
  await send('pump', [draft('bus')]);
  assert.equal(edge(), 'pump');
  assert.equal((await send('town', [draft('bus')]))?.refused[0]?.code, 'CV_DEVICE_FOREIGN');
});

test('an edge speaks for its centre alone, in events and in topics', async () => {
  const { send, draft, state, registry, faults } = await rig({ centres: [{ edge: 'gate', centres: [CENTRE, '500112002'] }] });
  const other = { centre: '500112002' };
  assert.deepEqual((await send('pump', [draft('plc'), draft('plc', other)]))?.refused, [{ from: 2, to: 2, code: 'CV_CENTRE_FOREIGN' }]);
  assert.deepEqual((await send('gate', [draft('cam'), draft('cam', other)]))?.refused, []);
  state('pump', [{ id: 'plc' }], '500112009');
  assert.equal(registry.edges().find(({ id }) => id === 'pump')?.centre, CENTRE);
  assert.ok(faults().some(({ code, params }) => code === 'CV_CENTRE_FOREIGN' && params.centre === '500112009'));
});

test('gap records of an edge as a whole bind no device of that name, and come in whoever has one', async () => {
  const { send, draft, bindings } = await rig();
  await send('gate', [draft('pump')]);
  const gap = { stream: 'measurement' as const, epoch: 1, fromSeq: 0, toSeq: 0, fromAt: 1, toAt: 2, count: 3, reason: 'store_full' };
  const ack = await send('pump', [
    draft('plc'),
    { ...draft('pump', { kind: 'gap', point: 'gap', indicator: 'CV-GAP', unit: '1', value: 3 }), gap },
  ]);
  assert.deepEqual([ack?.upTo, ack?.refused, bindings.edgesOf('pump')], [2, [], ['gate']]);
});

test('a gateway below passes on what its edges say, and has their devices', async () => {
  const { send, draft, bindings } = await rig({ relays: ['town'] });
  const passedOn = (device: string) => ({ ...draft(device), edge: 'mill', stream: 'measurement', epoch: 4, seq: 7 });
  assert.deepEqual((await send('town', [draft('mill-plc')], [passedOn('mill-plc')]))?.refused, []);
  assert.deepEqual(bindings.edgesOf('mill-plc'), ['town']);
  await send('pump', [draft('plc')]);
  assert.equal((await send('town', [draft('plc')], [passedOn('plc')]))?.refused[0]?.code, 'CV_DEVICE_FOREIGN');
});
