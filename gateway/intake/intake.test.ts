import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import type { Draft, Event } from '../../core/event.ts';
import { FaultError } from '../../core/faults.ts';
import type { GatewayLog } from '../../log/types.ts';
import { openMemoryGatewayLog } from '../../log/testing/memory-log.ts';
import { settle, testWorld } from '../../core/testing/virtual-clock.ts';
import { encodeBatch } from '../../core/wire/batch.ts';
import type { Ack, AckMessage, EdgeState } from '../../core/wire/messages.ts';
import { Intake, type IntakeParts } from './intake.ts';
import type { RefusedPayload } from './quarantine.ts';

const TOPIC = 'cv/v1/in/500112001/pump';

async function rig(over: Partial<GatewayLog> = {}, parts: Partial<IntakeParts> = {}) {
  const world = testWorld();
  const log = { ...(await openMemoryGatewayLog({ gateway: 'g' }, world)), ...over };
  const published: { topic: string; message: AckMessage }[] = [];
  const quarantined: RefusedPayload[] = [];
  const noted: { events: Event[]; states: EdgeState[] } = { events: [], states: [] };
  const intake = new Intake(
    {
      setup: { gateway: 'g', accepts: ['live'], exercise: false, relays: [] },
      log,
      quarantine: {
        add: (refused) => {
          quarantined.push(...refused);
          return Promise.resolve();
        },
      },
      registry: {
        noteEvents: (batch) => {
          noted.events.push(...batch.events());
        },
        noteState: (state) => {
          noted.states.push(state);
        },
      },
      link: {
        publish: (topic, payload) => {
          published.push({ topic, message: JSON.parse(String(payload)) as AckMessage });
          return Promise.resolve();
        },
      },
      ...parts,
    },
    world,
  );
  const take = (leaf: string, payload: Uint8Array | string, retained = false) =>
    intake.take({ topic: `${TOPIC}/${leaf}`, payload: Buffer.from(payload), retained });
  return { intake, world, log, published, quarantined, noted, take };
}

const draft = (at: number): Draft => ({
  device: 'plc',
  point: 'level',
  indicator: 'YJ-FLD-001',
  centre: '500112001',
  kind: 'measurement',
  value: 1,
  unit: 'm',
  occurredAt: Date.UTC(2026, 0, 1) - 40 + at,
  clock: 'edge',
  observedAt: 5,
  quality: 'good',
  origin: 'live',
});
const batch = (seq: number, count = 1, epoch = 1) =>
  encodeBatch(
    { from: 'pump', stream: 'measurement', epoch, seq },
    Array.from({ length: count }, (_, at) => draft(at)),
  );
const acksOf = (published: { message: AckMessage }[]) => published.flatMap(({ message }) => ('upTo' in message ? [message as Ack] : []));

test('an ack says what is durable, once for all that came in one turn', async () => {
  const { take, published, world } = await rig();
  void take('up', batch(1, 3));
  void take('late', batch(10, 2));
  void take('up', batch(4, 2));
  await settle();
  assert.deepEqual(acksOf(published), [
    { v: 1, stream: 'measurement', epoch: 1, upTo: 5, have: [[10, 11]], refused: [], gateway: 'g', at: world.clock.nowMs() },
  ]);
  assert.equal(published[0]?.topic, `${TOPIC}/ack`);
});

test('of an edge whose certificates were revoked nothing is taken, acknowledged or believed, and that is told', async () => {
  const revoked = new Set<string>();
  const settled: string[] = [];
  const parts = { isRevoked: (edge: string) => revoked.has(edge), onSettled: (edge: string) => { settled.push(edge); } };
  const { take, published, noted, quarantined, world } = await rig({}, parts);
  void take('up', batch(1));
  await settle();
  revoked.add('pump');
  for (const leaf of ['up', 'late']) void take(leaf, batch(2));
  void take('state', JSON.stringify({ v: 1, edge: 'pump', centre: '500112001', online: true }));
  await settle();
  assert.equal(acksOf(published).length, 1);
  assert.deepEqual([noted.events.length, noted.states.length, quarantined.length, settled.length], [1, 0, 0, 4]);
  const told = world.told.flatMap((event) => (event.kind === 'fault' ? [event.fault.code] : []));
  assert.deepEqual(told, ['CV_CERTIFICATE_REFUSED'], 'once a second');
  assert.equal(world.told.filter(({ kind }) => kind === 'batch_refused').length, 3);
});

test('nothing is acknowledged before it is on disk', async () => {
  let onDisk = () => {};
  const { take, published } = await rig({ accept: () => new Promise((resolve) => { onDisk = () => resolve([]); }) });
  void take('up', batch(1));
  await settle();
  assert.deepEqual(published, []);
  onDisk();
  await settle();
  assert.equal(published.length, 1);
});

test('nothing is acknowledged before it is on disk whose the device is; while that fails, what is sent again is there once', async () => {
  let isWritten = false;
  const bindings: IntakeParts['bindings'] = {
    admit: () => null, admitCentre: () => null, centresOf: () => ['500112001'],
    written: () => (isWritten ? null : Promise.reject(new FaultError('CV_BINDINGS_UNSAVED', { path: 'bindings', detail: 'full' }))),
  };
  const { take, published, world, intake, log } = await rig({}, { bindings });
  void take('up', batch(1));
  await settle();
  assert.deepEqual(published, []);
  assert.ok(world.told.some((event) => event.kind === 'fault' && event.fault.code === 'CV_BINDINGS_UNSAVED'));
  isWritten = true;
  void take('up', batch(1));
  await settle();
  assert.equal(acksOf(published)[0]?.upTo, 1);
  assert.deepEqual([intake.stats.accepted, intake.stats.duplicates, log.size().events], [1, 1, 1]);
});

test('a repeat is answered, counted and not taken', async () => {
  const { take, published, intake, log } = await rig();
  void take('up', batch(1, 3));
  await settle();
  void take('late', batch(2, 2));
  await settle();
  assert.equal(acksOf(published).length, 2);
  assert.deepEqual([intake.stats.accepted, intake.stats.duplicates, log.size().events], [3, 2, 3]);
});

test('a payload that cannot be read is set aside and answered by its digest', async () => {
  const { take, published, quarantined, world } = await rig();
  void take('up', 'no batch');
  await settle();
  const sha256 = createHash('sha256').update('no batch').digest('hex');
  const [{ message } = { message: null }] = published;
  assert.ok(message && 'error' in message);
  assert.deepEqual([message.v, message.error, message.sha256], [1, 'CV_WIRE_NOT_JSON', sha256]);
  assert.equal(quarantined[0]?.code, 'CV_WIRE_NOT_JSON');
  assert.ok(world.told.some((event) => event.kind === 'batch_refused' && event.code === 'CV_WIRE_NOT_JSON'));
});

test('refused events are named in the ack with their code, and settled', async () => {
  const { take, published, quarantined, intake } = await rig();
  const bad = { ...draft(0), value: null };
  void take('up', encodeBatch({ from: 'pump', stream: 'measurement', epoch: 1, seq: 1 }, [draft(0), bad, bad, draft(3)]));
  await settle();
  const [ack] = acksOf(published);
  assert.deepEqual([ack?.upTo, ack?.refused], [4, [{ from: 2, to: 3, code: 'CV_EVENT_INVALID' }]]);
  assert.deepEqual(quarantined.map(({ detail }) => detail.slice(0, 8)), ['seq 2–3:']);
  assert.deepEqual([intake.stats.accepted, intake.stats.refused], [2, 2]);
});

test('each run of refused events is set aside by itself, with its own events and words', async () => {
  const { take, quarantined } = await rig();
  const late = { ...draft(4), device: 'a device' };
  void take(
    'up',
    encodeBatch({ from: 'pump', stream: 'measurement', epoch: 1, seq: 1 }, [
      draft(0),
      { ...draft(1), value: null },
      draft(2),
      late,
      { ...late, device: 'b device' },
      draft(5),
    ]),
  );
  await settle();
  assert.deepEqual(
    quarantined.map(({ detail, payload }) => [
      detail.split(':')[0],
      (JSON.parse(Buffer.from(payload).toString()) as Event[]).map(({ device }) => device),
    ]),
    [
      ['seq 2', ['plc']],
      ['seq 4–5', ['a device', 'b device']],
    ],
  );
});

test('within one turn of the event loop reading goes on for 8 ms, then others have a turn', async () => {
  const { take, world } = await rig();
  const start = world.clock.monotonicMs();
  let passedMs = 0;
  world.clock.monotonicMs = () => start + passedMs;
  const state = JSON.stringify({ v: 1, edge: 'pump', centre: '500112001', online: true });
  assert.equal(take('state', state), undefined);
  passedMs = 8;
  assert.equal(take('state', state), undefined);
  passedMs = 9;
  const turn = take('state', state);
  assert.ok(turn instanceof Promise);
  await turn;
  assert.equal(take('state', state), undefined, 'a new turn');
});

test('many refused codes are told in several acks, each small enough for an edge', async () => {
  const { take, published } = await rig();
  const drafts = Array.from({ length: 4000 }, (_, at) => (at % 2 === 0 ? draft(at) : { ...draft(at), value: null }));
  void take('up', encodeBatch({ from: 'pump', stream: 'measurement', epoch: 1, seq: 1 }, drafts));
  await settle();
  await settle();
  const acks = acksOf(published);
  assert.equal(acks.flatMap(({ refused }) => refused).length, 2000);
  assert.ok(acks.every((ack) => JSON.stringify(ack).length < 128 << 10));
});

test('after 256 holes further batches wait, what closes holes comes in', async () => {
  const { take, published, log, world } = await rig();
  for (let hole = 0; hole < 256; hole += 1) await take('up', batch(2 * hole + 3));
  await settle();
  const before = log.size().events;
  assert.equal(before, 256);
  await take('up', batch(9001));
  await settle();
  assert.equal(log.size().events, before);
  assert.ok(world.told.some((event) => event.kind === 'fault' && event.fault.code === 'CV_EDGE_HOLES'));
  assert.equal(acksOf(published).at(-1)?.have.length, 256);
  await take('late', batch(4));
  await take('up', batch(9001));
  await settle();
  assert.equal(log.size().events, before + 2);
});

test('a full log stops the reading, and all goes in when it has room', async () => {
  let full = true;
  const memory = await openMemoryGatewayLog({ gateway: 'g' }, testWorld());
  const { take, published, world } = await rig({
    ...memory,
    accept: (groups, settled) =>
      full ? Promise.reject(new FaultError('CV_LOG_FULL', { bytes: 1, maxBytes: 1 })) : memory.accept(groups, settled),
  });
  let reading = true;
  let seq = 1;
  for (; reading && seq < 1000; seq += 1) {
    const room = take('up', batch(seq));
    if (!room) continue;
    reading = false;
    void room.then(() => { reading = true; });
  }
  await world.clock.advanceMs(60_000);
  assert.deepEqual([reading, published.length], [false, 0]);
  full = false;
  await world.clock.advanceMs(3000);
  assert.equal(reading, true);
  assert.equal(acksOf(published).at(-1)?.upTo, seq - 1);
});

test('closing lets go of what a full log does not take', async () => {
  const { take, intake, published } = await rig({ accept: () => Promise.reject(new FaultError('CV_LOG_FULL', { bytes: 1, maxBytes: 1 })) });
  void take('up', batch(1));
  await settle();
  await intake.close();
  void take('up', batch(1));
  assert.deepEqual(published, []);
});

test('when nothing can be set aside, nothing is settled', async () => {
  const { take, intake, log, published, world } = await rig();
  const broken = new Intake(
    {
      setup: { gateway: 'g', accepts: ['live'], exercise: false, relays: [] },
      log,
      registry: { noteEvents() {}, noteState() {} },
      quarantine: { add: () => Promise.reject(new FaultError('CV_QUARANTINE_FAILED', { detail: 'full' })) },
      link: {
        publish: () => {
          published.push({ topic: '', message: {} as AckMessage });
          return Promise.resolve();
        },
      },
    },
    world,
  );
  void broken.take({
    topic: `${TOPIC}/up`,
    payload: encodeBatch({ from: 'pump', stream: 'measurement', epoch: 1, seq: 1 }, [{ ...draft(0), value: null }]),
    retained: false,
  });
  void broken.take({ topic: `${TOPIC}/up`, payload: Buffer.from('x'), retained: false });
  await settle();
  assert.deepEqual([published, log.mark('pump', 'measurement', 1)], [[], { upTo: 0, have: [] }]);
  await broken.close();
  void take;
  await intake.close();
});

test('a state is answered with the clock, one that the broker had kept is not', async () => {
  const { take, published, noted, world } = await rig();
  const state: EdgeState = {
    v: 1,
    edge: 'pump',
    centre: '500112001',
    online: true,
    sentAt: 77,
    devices: [{ id: 'plc', driver: 'modbus', online: true, reason: '', lastAt: null }],
  };
  void take('state', JSON.stringify(state), true);
  void take('state', JSON.stringify({ ...state, somethingNew: 1 }));
  void take('state', JSON.stringify({ v: 1, edge: 'pump', centre: '500112001', online: false }));
  assert.deepEqual(published.map(({ message }) => message), [{ v: 1, clock: { echo: 77, at: world.clock.nowMs() } }]);
  assert.deepEqual(noted.states.map(({ online }) => online), [true, true, false]);
});

test('states of one edge are read until they come to a megabyte in one second', async () => {
  const { take, noted, world } = await rig();
  const state = (online: boolean, bytes: number) => JSON.stringify({ v: 1, edge: 'pump', centre: '500112001', online }).padEnd(bytes);
  void take('state', state(true, (1 << 20) - 1));
  void take('state', state(false, 100));
  assert.deepEqual(noted.states.map(({ online }) => online), [true, false], 'a byte below');
  void take('state', state(true, 100));
  assert.equal(noted.states.length, 2);
  await world.clock.advanceMs(1000);
  assert.deepEqual(noted.states.map(({ online }) => online), [true, false, true]);
});

test('how long live values were on their way is that of the newest one; gaps say nothing of it', async () => {
  const { take, intake, world } = await rig();
  const now = world.clock.nowMs();
  const send = async (seq: number, ...drafts: Draft[]) => {
    void take('up', encodeBatch({ from: 'pump', stream: 'measurement', epoch: 1, seq }, drafts));
    await settle();
    return intake.stats.acceptMs;
  };
  const at = (occurredAt: number, more: Partial<Draft> = {}): Draft => ({ ...draft(0), occurredAt, observedAt: occurredAt, ...more });
  assert.equal(await send(1, at(now - 300), at(now - 70)), 70);
  const gap = {
    stream: 'measurement' as const,
    epoch: 1,
    fromSeq: 1,
    toSeq: 2,
    fromAt: now - 300,
    toAt: now - 70,
    count: 2,
    reason: 'log_full_oldest',
  };
  assert.equal(await send(3, at(now - 40), at(now - 5, { kind: 'gap', point: 'log', unit: '1', value: 2, gap })), 40);
  assert.deepEqual(world.told.flatMap((event) => (event.kind === 'fault' ? [event.fault] : [])), []);
});

for (const [what, payload, code] of [
  ['no JSON', '{', 'CV_STATE_INVALID'],
  ['another edge', JSON.stringify({ v: 1, edge: 'gate', centre: '500112001', online: true }), 'CV_WIRE_SENDER'],
  [
    'a script as its http',
    JSON.stringify({ v: 1, edge: 'pump', centre: '500112001', online: true, http: 'javascript:alert(1)' }),
    'CV_STATE_INVALID',
  ],
] as const) {
  test(`a state with ${what} is refused with ${code}`, async () => {
    const { take, noted, world } = await rig();
    void take('state', payload);
    assert.deepEqual(noted.states, []);
    assert.ok(world.told.some((event) => event.kind === 'batch_refused' && event.code === code));
  });
}

test('topics that are none of an edge are counted and dropped', async () => {
  const { intake, world } = await rig();
  for (const topic of ['cv/v1/in/500112001/UP!/up', 'cv/v1/in/x/pump/up', 'other'])
    void intake.take({ topic, payload: Buffer.from('x'), retained: false });
  assert.equal(world.told.filter((event) => event.kind === 'batch_refused' && event.code === 'CV_WIRE_SENDER').length, 3);
});

test('a sender in a loop is left unanswered above the limit, until the next second', async () => {
  const { take, published, world, log } = await rig();
  for (let count = 0; count < 5500; count += 1) await take('up', batch(count + 1));
  await settle();
  assert.equal(log.size().events, 5000);
  assert.ok(world.told.some((event) => event.kind === 'fault' && event.fault.code === 'CV_EDGE_TOO_FAST'));
  await world.clock.advanceMs(1000);
  void take('up', batch(5001));
  await settle();
  assert.equal(acksOf(published).at(-1)?.upTo, 5001);
});

test('values nested deeply are refused at once: health stays well, and others are acknowledged', async () => {
  const { take, published, quarantined, world } = await rig();
  const text = (seq: number) =>
    `{"v":1,"from":"pump","stream":"measurement","epoch":9,"seq":${seq},"events":[${JSON.stringify(draft(0)).replace('"value":1', `"value":${'['.repeat(50_000)}${']'.repeat(50_000)}`)}]}`;
  for (let seq = 1; seq <= 180; seq += 1) void take('up', text(seq));
  void take('up', batch(1, 3));
  await settle();
  assert.equal(published.filter(({ message }) => 'error' in message && message.error === 'CV_WIRE_NOT_JSON').length, 180);
  assert.deepEqual(acksOf(published).map(({ upTo }) => upTo), [3]);
  assert.equal(quarantined.length, 180);
  assert.ok(
    !world.told.some(
      (event) => event.kind === 'fault' && (event.fault.code === 'CV_LOG_FAILED' || event.fault.code === 'CV_ACCEPT_FAILED'),
    ),
  );
});

test('what a batch itself brings about is no fault of the disk: refused, and not tried again', async () => {
  let tries = 0;
  const { take, published, world } = await rig({
    accept: () => {
      tries += 1;
      return Promise.reject(new RangeError('Maximum call stack size exceeded'));
    },
  });
  void take('up', batch(1));
  await settle();
  assert.equal(tries, 1);
  assert.deepEqual(published.map(({ message }) => 'error' in message && message.error), ['CV_WIRE_SHAPE']);
  assert.ok(!world.told.some((event) => event.kind === 'fault' && event.fault.code === 'CV_LOG_FAILED'));
});
