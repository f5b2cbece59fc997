/** One device's messages as frames: what is told twice, what is let go at once, and what is settled when it ends. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FaultError } from '../../core/faults.ts';
import { testWorld, VirtualClock } from '../../core/testing/virtual-clock.ts';
import { point, settings } from './settings.ts';
import { mayHaveNoValues, MqttDevice } from './device.ts';
import { bytesField, sparkplugMetric, numberField, sparkplugPayload } from './testing/sparkplug.ts';

const AT = Date.UTC(2026, 0, 1);
const POINTS = [{ ...point.parse({ path: 'v' }), id: 'p' }];

function bench(more: Record<string, unknown>, world = testWorld(new VirtualClock(AT))) {
  const asked: [topic: string, command: Uint8Array][] = [];
  const set = settings.parse({ url: 'mqtt://h', ...more });
  const station = new MqttDevice(set, POINTS, world, (topic, command) => asked.push([topic, command]));
  const settled: string[] = [];
  const say = (topic: string, body: Uint8Array | object, name = String(settled.length)) => {
    const sent = body instanceof Uint8Array ? body : Buffer.from(JSON.stringify(body));
    station.receive({ topic, payload: sent, retain: false, observedAt: AT, settle: (isKept) => settled.push(`${name} ${isKept}`) });
  };
  return { station, asked, settled, say, world };
}

test('a frame has all that reading it needs, and is settled when it is taken, once', () => {
  const { station, settled, say } = bench({ topic: 'a', time: 't' });
  let calls = 0;
  station.onChange(() => { calls += 1; });
  say('a', { v: 1 }, 'first');
  const frame = station.nextFrame();
  assert.deepEqual(frame, {
    topic: 'a',
    payload: Buffer.from('{"v":1}'),
    retain: false,
    observedAt: AT,
    profile: 'json',
    decodeSettings: { points: POINTS, time: 't', historyAfterMs: 300_000 },
  });
  assert.deepEqual([calls, station.nextFrame(), settled], [1, undefined, []]);
  station.confirmStored(frame as NonNullable<typeof frame>);
  station.confirmStored(frame as NonNullable<typeof frame>);
  assert.deepEqual(settled, ['first true']);
  assert.deepEqual(station.filters, ['a']);
});

test('a device that ends lets go of what was not taken, and of all that comes after', () => {
  const { station, settled, say } = bench({ topic: 'a' });
  let calls = 0;
  station.onChange(() => { calls += 1; });
  say('a', { v: 1 }, 'first');
  say('a', { v: 2 }, 'second');
  station.confirmStored(station.nextFrame() as never);
  station.close();
  assert.deepEqual([settled, station.nextFrame(), station.isClosed, calls], [['first true', 'second false'], undefined, true, 3]);
  say('a', { v: 3 }, 'third');
  assert.deepEqual([settled, station.nextFrame(), calls], [['first true', 'second false', 'third false'], undefined, 3]);
  const error = new FaultError('CV_LINK_CLOSED', { address: 'h', detail: 'x' });
  const other = bench({ topic: 'a' });
  other.station.onChange(() => { calls += 1; });
  other.station.connectionLost(error);
  assert.deepEqual([other.station.error, calls], [error, 4]);
});

test('a DJI event that is sent again is let go; told apart by both ids and its method, for the last 64', () => {
  const { station, settled, say } = bench({ profile: 'dji', sn: 's' });
  const taken = () => {
    const frame = station.nextFrame();
    if (frame) station.confirmStored(frame);
    return frame !== undefined;
  };
  const event = (bid: unknown, tid: unknown, method = 'hms', topic = 'thing/product/s/events') => {
    say(topic, { bid, tid, method, data: {} });
    return taken();
  };
  assert.deepEqual(
    [event('b', 't'), event('b', 't'), event('c', 't'), event('b', 'u'), event('b', 't', 'other'), event('b', 't')],
    [true, false, true, true, true, false],
  );
  assert.ok(settled.every((word) => word.endsWith(' true')));
  for (const [bid, tid] of [
    [1, 't'],
    ['b', undefined],
  ])
    assert.deepEqual([event(bid, tid), event(bid, tid)], [true, true], 'without ids nobody can tell');
  assert.deepEqual(
    [event('b', 't', 'hms', 'thing/product/s/osd'), event('b', 't', 'hms', 'thing/product/s/state')],
    [true, true],
    'osd has no events',
  );
  for (let at = 0; at < 61; at += 1) event(`n${at}`, 't');
  assert.equal(event('c', 't'), false);
  assert.equal(event('b', 't'), true, 'the oldest is forgotten');
  const long = 'x'.repeat(64);
  assert.deepEqual(
    [event(`${long}a`, 't'), event(`${long}b`, 't'), event('t', `${long}a`), event('t', `${long}b`)],
    [true, false, true, false],
    'ids are cut',
  );
});

test('a LoRaWAN uplink that is sent again is let go, also by the link that is opened next; a gap is in the frame', () => {
  const world = testWorld(new VirtualClock(AT));
  const first = bench({ profile: 'chirpstack', devEui: '00AA000000000001' }, world);
  const up = (fCnt: number) => ({ deduplicationId: `id-${fCnt}`, fCnt, deviceInfo: {}, time: new Date(AT).toISOString() });
  const topic = 'application/a/device/00aa000000000001/event/up';
  first.say(topic, up(1));
  first.say(topic, up(1));
  assert.deepEqual([first.station.nextFrame()?.before, first.station.nextFrame(), first.settled], [undefined, undefined, ['0 true']]);
  const next = bench({ profile: 'chirpstack', devEui: '00aa000000000001' }, world);
  next.say(topic, up(1));
  next.say(topic, up(4));
  assert.deepEqual(next.station.nextFrame()?.before, { fCnt: 1, at: AT });
  for (const [other, clock] of [
    [{ url: 'mqtt://other' }, world],
    [{ application: 'b' }, world],
    [{ devEui: '00aa000000000002' }, world],
    [{}, testWorld(new VirtualClock(AT))],
  ] as const) {
    const stranger = bench({ profile: 'chirpstack', devEui: '00aa000000000001', ...other }, clock);
    stranger.say(topic, up(4));
    assert.deepEqual([stranger.station.nextFrame()?.before, stranger.settled], [undefined, []], JSON.stringify(other));
  }
});

test('Sparkplug: births are asked for at the start, before a birth, after a gap, for an unknown alias; a gap alone is a fault', () => {
  const { station, asked, say, world } = bench({ profile: 'sparkplug', group: 'g', node: 'n' });
  station.requestInitialBirth();
  assert.deepEqual(asked, [
    [
      'spBv1.0/g/NCMD/n',
      sparkplugPayload({
        at: AT,
        metrics: [sparkplugMetric({ name: 'Node Control/Rebirth', at: AT, datatype: 11, more: numberField(14, 1) })],
      }),
    ],
  ]);
  const codes = () => world.told.map((event) => (event.kind === 'fault' ? [event.fault.code, event.fault.params.device] : []));
  const data = (seq: number, ...metrics: number[][]) => say('spBv1.0/g/NDATA/n', sparkplugPayload({ at: AT, seq, metrics }));
  data(3);
  assert.deepEqual([asked.length, codes()], [2, []]);
  say('spBv1.0/g/NBIRTH/n', sparkplugPayload({ at: AT, seq: 0, metrics: [sparkplugMetric({ name: 'P', alias: 1, datatype: 3 })] }));
  data(1, sparkplugMetric({ alias: 1 }));
  assert.deepEqual(
    [asked.length, station.nextFrame()?.aliases, station.nextFrame()?.aliases, station.nextFrame()?.aliases],
    [2, undefined, undefined, { 1: { name: 'P', datatype: 3 } }],
  );
  data(2, sparkplugMetric({ alias: 9 }));
  assert.deepEqual([asked.length, codes()], [3, []]);
  data(7);
  assert.deepEqual([asked.length, codes()], [4, [['CV_MQTT_IN_GAP', 'g/n']]]);
  say('spBv1.0/g/DDATA/n/d', sparkplugPayload({ at: AT, seq: 8 }));
  station.nextFrame();
  station.nextFrame();
  assert.equal(station.nextFrame()?.isOther, true);
  const silent = bench({ profile: 'sparkplug', group: 'g', node: 'n', rebirth: false });
  silent.station.requestInitialBirth();
  silent.say('spBv1.0/g/NDATA/n', sparkplugPayload({ at: AT, seq: 1 }));
  assert.deepEqual(silent.asked, []);
  const plain = bench({ topic: 'a' });
  plain.station.requestInitialBirth();
  assert.deepEqual(plain.asked, []);
});

test('what cannot be read is a frame as well, and what may hold no value is doubtful', () => {
  for (const how of [
    { topic: 'a' },
    { profile: 'chirpstack', devEui: '00aa000000000001' },
    { profile: 'dji', sn: 's' },
    { profile: 'sparkplug', group: 'g', node: 'n' },
  ]) {
    const { station, say, settled } = bench(how);
    say('thing/product/s/events', Buffer.from('{'));
    const frame = station.nextFrame();
    assert.ok(frame);
    assert.deepEqual([mayHaveNoValues(frame), settled], [true, []]);
  }
  const doubtful = (topic: string, body: Uint8Array, profile: 'json' | 'sparkplug' | 'dji' = 'sparkplug') =>
    mayHaveNoValues({ topic, payload: body, retain: false, observedAt: AT, profile, decodeSettings: null });
  const types = ['NBIRTH', 'DBIRTH', 'NDATA', 'DDATA', 'NDEATH', 'DDEATH', 'NCMD'].map((type) =>
    doubtful(`spBv1.0/g/${type}/n`, sparkplugPayload({ at: 1, metrics: [bytesField(2, [])] })),
  );
  assert.deepEqual(types, [false, false, true, true, true, true, false]);
  const json = Buffer.from('{}');
  assert.deepEqual(
    [
      doubtful('sys/product/s/status', json, 'dji'),
      doubtful('thing/product/s/osd', json, 'dji'),
      doubtful('spBv1.0/g/NDATA/n', json, 'json'),
      doubtful('a', json, 'json'),
    ],
    [true, false, false, false],
  );
});
