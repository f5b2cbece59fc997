/** What each profile makes of its messages: which points a message speaks of, and what of a device is missing or away. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eventOfPoint, frameCounter } from './chirpstack.ts';
import { decode } from './decode.ts';
import driver from './driver.ts';
import { decodeSettingsOf, type MqttInFrame } from './frame.ts';
import { point, settings } from './settings.ts';
import { UplinkHistory } from './uplink-history.ts';

const NOW = Date.UTC(2026, 0, 1);
type Of = { id: string } & Record<string, unknown>;
const pointsOf = (...all: Of[]) => all.map((one) => ({ ...point.parse(one), id: one.id }));

function decoded(how: Record<string, unknown>, all: Of[] | null, topic: string, payload: object, more: Partial<MqttInFrame> = {}) {
  const set = settings.parse({ url: 'mqtt://h', ...how });
  const result = decode({
    topic,
    payload: Buffer.from(JSON.stringify(payload)),
    retain: false,
    observedAt: NOW,
    profile: set.profile,
    decodeSettings: all && decodeSettingsOf(pointsOf(...all), set),
    ...more,
  });
  assert.ok(result.ok, JSON.stringify(result));
  assert.equal(result.isPartial, true);
  return result;
}
const pairs = (result: ReturnType<typeof decoded>) => (result.values ?? []).map(({ point: id, value }) => [id, value]);

const SENSOR = { profile: 'chirpstack', devEui: '0101010101010101' };
const ALL: Of[] = [
  { id: 'rssi', gives: 'rssi' },
  { id: 'snr', gives: 'snr' },
  { id: 'battery', gives: 'battery' },
  { id: 'margin', gives: 'margin' },
  { id: 'place', gives: 'position' },
  { id: 'level', path: 'object.level' },
  { id: 'raw', bytes: { at: 1 } },
  { id: 'ported', bytes: { at: 0, fPort: 3 } },
  { id: 'joined', path: 'devAddr', type: 'text', event: 'join' },
];
const event = (type: string, said: object, more = {}) =>
  decoded(SENSOR, ALL, `application/a/device/0101010101010101/event/${type}`, { deviceInfo: {}, ...said }, more);

test('chirpstack: an event speaks of the points that come with it', () => {
  assert.deepEqual(pairs(event('up', { object: { level: 2 }, data: 'QUI=', fPort: 3, rxInfo: [{ rssi: -5, snr: 1.5 }] })), [
    ['rssi', -5],
    ['snr', 1.5],
    ['level', 2],
    ['raw', 0x42],
    ['ported', 0x41],
  ]);
  assert.deepEqual(pairs(event('up', { data: 'QUI=', fPort: 4 })), [['raw', 0x42]]);
  assert.deepEqual(pairs(event('up', { data: 'QQ==' })), [], 'no byte there, no port said');
  assert.deepEqual(pairs(event('up', { data: 'QUI=', fPort: '3' })), [['raw', 0x42], ['ported', 0x41]]);
  assert.deepEqual(pairs(event('status', { margin: 7, batteryLevel: 50 })), [['battery', 50], ['margin', 7]]);
  assert.deepEqual(pairs(event('status', {})), [['battery', 0]], 'proto3 leaves 0 out');
  assert.deepEqual(pairs(event('location', { location: { latitude: 1, longitude: 2, altitude: 3 } })), [['place', 3]]);
  assert.deepEqual(pairs(event('location', {})), []);
  assert.deepEqual(pairs(event('join', { devAddr: 'x' })), [['joined', 'x']]);
  assert.deepEqual(pairs(event('txack', { object: { level: 2 } })), []);
  const [bad] = event('up', { data: 'no base64' }).values ?? [];
  assert.deepEqual([bad?.value, bad?.fault?.params.said], [null, '{"data":"no base64"}']);
  assert.deepEqual(
    pairs(
      decoded(SENSOR, [{ id: 'at', gives: 'position', path: 'object.gps' }], 'application/a/device/d/event/location', {
        deviceInfo: {},
        object: { gps: { lat: 1, lon: 2 } },
      }),
    ),
    [['at', 0]],
  );
  assert.deepEqual(pairs(decoded(SENSOR, null, 'application/a/device/d/event/up', { deviceInfo: {}, fCnt: 5 })), [['fCnt', 5]]);
});

test('chirpstack: which event gives a point, unless it says', () => {
  const of = (more: object) => eventOfPoint(point.parse(more));
  assert.deepEqual(
    [
      of({ path: 'a' }),
      of({ gives: 'rssi' }),
      of({ gives: 'snr' }),
      of({ gives: 'battery' }),
      of({ gives: 'margin' }),
      of({ gives: 'position' }),
      of({ gives: 'battery', event: 'up' }),
    ],
    ['up', 'up', 'up', 'status', 'status', 'location', 'up'],
  );
});

test('chirpstack: the strongest gateway counts; one that says one of the two has 0 for the other', () => {
  const heard = (rxInfo: unknown) => pairs(event('up', { rxInfo }));
  assert.deepEqual(heard([{ rssi: -90, snr: 7 }, { rssi: -80, snr: 2 }]), [['rssi', -80], ['snr', 7]]);
  assert.deepEqual(heard([{ snr: -3 }]), [['rssi', 0], ['snr', -3]]);
  assert.deepEqual(heard([{ rssi: -70 }]), [['rssi', -70], ['snr', 0]]);
  assert.deepEqual(heard([{ rssi: 'x', snr: '4' }]), [['snr', 4]]);
  for (const none of [undefined, 'x', {}, [], [{}], [null], ['x']]) assert.deepEqual(heard(none), [], JSON.stringify(none));
});

test('chirpstack: uplinks that never came, between the counters, up to the time of this one', () => {
  const missed = (fCnt: unknown, before: unknown, time: unknown = new Date(NOW - 1000).toISOString(), type = 'up') =>
    event(type, { fCnt, time, object: { level: 1 } }, { before }).missed?.map(({ point: id, ...rest }) => [id, rest]);
  const gap = (count: number, fromAt = NOW - 9000, toAt = NOW - 1000) =>
    ['rssi', 'snr', 'level', 'raw', 'ported'].map((id) => [id, { fromAt, toAt, count, reason: 'device_away' }]);
  const before = { fCnt: 3, at: NOW - 9000 };
  assert.deepEqual([missed(4, before), missed(5, before), missed('9', before), missed(3, before)], [undefined, gap(1), gap(5), undefined]);
  assert.deepEqual(missed(5, before, 'x'), gap(1, NOW - 9000, NOW), 'without a time, when it came');
  assert.deepEqual(missed(5, { fCnt: 3, at: NOW }), gap(1, NOW, NOW), 'never backwards');
  assert.deepEqual(
    [
      missed(undefined, { fCnt: -2, at: NOW - 9000 }),
      missed(5, undefined),
      missed('x', before),
      missed(5, { fCnt: 'x', at: 1 }),
      missed(5, { fCnt: 3, at: 'x' }),
      missed(5, before, undefined, 'status'),
    ],
    [gap(1), undefined, undefined, undefined, undefined, undefined],
  );
  assert.deepEqual(
    [
      frameCounter({}),
      frameCounter({ fCnt: 7 }),
      frameCounter({ fCnt: '8' }),
      frameCounter({ fCnt: -1 }),
      frameCounter({ fCnt: 1.5 }),
      frameCounter({ fCnt: 2 ** 53 }),
    ],
    [0, 7, 8, null, null, null],
  );
});

test('chirpstack: an uplink that came already is known for the next 64; a jump is a gap below 16,384', () => {
  const memory = new UplinkHistory();
  const up = (said: Record<string, unknown>) => memory.record('application/a/device/d/event/up', said, NOW);
  for (let id = 0; id < 65; id += 1) assert.deepEqual(up({ deduplicationId: `id-${id}`, fCnt: id }), {});
  assert.equal(up({ deduplicationId: 'id-1', fCnt: 1 }), null);
  assert.deepEqual(up({ deduplicationId: 'id-0', fCnt: 65 }), {}, 'the oldest is forgotten');
  assert.deepEqual(up({ deduplicationId: 7, fCnt: 67 }), { before: { fCnt: 65, at: NOW } });
  assert.deepEqual(up({ fCnt: 67 }), {}, 'without an id nobody can tell');
  assert.deepEqual(up({ fCnt: 'x' }), {}, 'nor without a counter');
  assert.deepEqual(up({ fCnt: 67 + 16_383, time: NOW + 5 }), { before: { fCnt: 67, at: NOW } });
  assert.deepEqual(up({ fCnt: 67 + 2 * 16_383 + 1 }), {}, 'another session');
  assert.deepEqual(up({ fCnt: 67 + 2 * 16_383 + 3 }), { before: { fCnt: 67 + 2 * 16_383 + 1, at: NOW } });
  assert.deepEqual(memory.record('application/a/device/d/event/status', { fCnt: 99_999 }, NOW), {});
  assert.deepEqual(up({ fCnt: 67 + 2 * 16_383 + 5, time: NOW + 5 }), { before: { fCnt: 67 + 2 * 16_383 + 3, at: NOW } });
  assert.deepEqual(up({ fCnt: 67 + 2 * 16_383 + 7 }), { before: { fCnt: 67 + 2 * 16_383 + 5, at: NOW + 5 } });
  memory.record('application/a/device/d/event/join', {}, NOW);
  assert.deepEqual(up({ fCnt: 67 + 2 * 16_383 + 9 }), {}, 'a join begins anew');
});

const DRONE = { profile: 'dji', sn: 's', gateway: 'dock' };
const FLIGHT: Of[] = [
  { id: 'place', gives: 'position' },
  { id: 'home', gives: 'position', path: 'home' },
  { id: 'battery', gives: 'battery' },
  { id: 'height', path: 'height' },
  { id: 'warning', path: 'list[*].code', event: 'hms' },
];
const dji = (topic: string, data: unknown, more: object = {}) => decoded(DRONE, FLIGHT, topic, { timestamp: NOW, data, ...more });

test('dji: osd and state speak of fields, an event of those that name it', () => {
  const osd = (data: unknown) => pairs(dji('thing/product/s/osd', data));
  assert.deepEqual(osd({ latitude: 1, longitude: 2, height: 3, battery: { capacity_percent: 50 }, home: { latitude: 4, longitude: 5 } }), [
    ['place', 3],
    ['home', 0],
    ['battery', 50],
    ['height', 3],
  ]);
  assert.deepEqual(osd({ drone_charge_state: { capacity_percent: 60 } }), [['battery', 60]]);
  for (const none of [{}, { latitude: 1 }, { longitude: 1 }, null, undefined, 'x']) assert.deepEqual(osd(none), [], JSON.stringify(none));
  const list = [{ code: 1 }, { code: 2 }];
  assert.deepEqual(pairs(dji('thing/product/dock/events', { list, height: 5 }, { method: 'hms' })), [['warning', 1], ['warning', 2]]);
  assert.deepEqual(pairs(dji('thing/product/dock/events', { list, height: 5 }, { method: 'other' })), []);
  assert.deepEqual(pairs(dji('thing/product/dock/events', { list, height: 5 })), []);
  assert.deepEqual(pairs(dji('thing/product/s/state', { list, height: 5 }, { method: 'hms' })), [['height', 5]]);
  assert.deepEqual(pairs(decoded(DRONE, null, 'thing/product/s/osd', { timestamp: 1, data: { height: 5 } })), [['height', 5]]);
  assert.equal(
    dji('thing/product/dock/events', { list, mode_code: 14 }, { method: 'hms' }).values?.[0]?.quality,
    undefined,
    'an event stands for itself',
  );
  const [lost] = dji('thing/product/s/osd', { latitude: 0, longitude: 0, mode_code: 14 }).values ?? [];
  assert.deepEqual([lost?.value, lost?.quality, lost?.flags], [null, 'bad', ['sensor']]);
  assert.equal(
    dji('thing/product/s/osd', { latitude: 1, longitude: 2, mode_code: 14, position_state: { is_fixed: 1 } }).values?.[0]?.quality,
    'bad',
    'not heard goes before no fix',
  );
});

test('dji: a topology that does not list an aircraft says that it is away; other words on that topic say nothing', () => {
  const status = (envelope: object, how: object = DRONE) => {
    const set = settings.parse({ url: 'mqtt://h', ...how });
    const result = decode({
      topic: 'sys/product/dock/status',
      payload: Buffer.from(JSON.stringify(envelope)),
      retain: false,
      observedAt: NOW,
      profile: 'dji',
      decodeSettings: decodeSettingsOf(pointsOf(...FLIGHT), set),
    });
    return result.ok ? result.values?.length : [result.fault.code, result.fault.params.device, result.isAway];
  };
  assert.deepEqual(status({ method: 'update_topo', data: { sub_devices: [] } }), ['CV_MQTT_IN_DEAD', 's', true]);
  assert.deepEqual(status({ method: 'update_topo', data: { sub_devices: [{ sn: 'x' }, null] } }), ['CV_MQTT_IN_DEAD', 's', true]);
  assert.equal(status({ method: 'update_topo', data: { sub_devices: [{ sn: 'x' }, { sn: 's' }] } }), 0);
  assert.equal(status({ method: 'other', data: { sub_devices: [] } }), 0);
  assert.equal(status({ method: 'update_topo', data: {} }), 0);
  assert.equal(status({ method: 'update_topo', data: { sub_devices: [] } }, { profile: 'dji', sn: 's' }), 0);
  assert.equal(status({ method: 'update_topo', data: { sub_devices: [] } }, { profile: 'dji', sn: 'dock', gateway: 'dock' }), 0);
});

const json = (of: Of[], payload: object, { how = {}, ...more }: Partial<MqttInFrame> & { how?: object } = {}) =>
  decoded({ topic: 'x/#', ...how }, of, 'x/y', payload, more);

test('json: points of other topics are left alone; a place by its path or of the whole message', () => {
  assert.deepEqual(
    pairs(
      json(
        [
          { id: 'a', path: 'v', topic: 'x/+' },
          { id: 'b', path: 'v', topic: 'x/z' },
          { id: 'c', path: 'v' },
        ],
        { v: 1 },
      ),
    ),
    [
      ['a', 1],
      ['c', 1],
    ],
  );
  assert.deepEqual(
    pairs(
      json(
        [
          { id: 'a', gives: 'position' },
          { id: 'b', gives: 'position', path: 'gps' },
          { id: 'c', gives: 'position', path: 'none' },
        ],
        { lat: 1, lon: 2, alt: 9, gps: { lat: 3, lon: 4 } },
      ),
    ),
    [
      ['a', 9],
      ['b', 0],
    ],
  );
  assert.deepEqual(pairs(decoded({ topic: 'x' }, null, 'x', { a: { b: 1 } })), [['a.b', 1]]);
});

test('json: one time or quality for all of a list, or one for each; what is no time is said, and of now', () => {
  const rows = (time: string, quality: string, payload: object) =>
    (json([{ id: 'a', path: 'rows[*].v', quality }], payload, { how: { time } }).values ?? []).map(
      ({ value, quality: worth, flags = [], deviceAt, fault }) => [
        value,
        worth ?? 'good',
        ...flags,
        deviceAt === undefined ? null : deviceAt - NOW,
        ...(fault ? [fault.code, fault.params.said] : []),
      ],
    );
  const list = [
    { v: 1, t: NOW + 1, q: 'bad' },
    { v: 2, t: NOW + 2, q: 'uncertain' },
    { v: 3, q: 192 },
    { v: 'x', t: NOW + 3, q: 'bad' },
  ];
  assert.deepEqual(rows('t', 'q', { t: NOW, q: true, rows: list.slice(0, 2) }), [
    [1, 'good', 0],
    [2, 'good', 0],
  ]);
  assert.deepEqual(rows('rows[*].t', 'rows[*].q', { rows: list.slice(0, 2) }), [
    [1, 'bad', 'device', 1],
    [2, 'uncertain', 2],
  ]);
  assert.deepEqual(rows('t', 'rows[*].q', { t: 'noon', rows: [list[3]] }), [[null, 'bad', 'sensor', null, 'CV_MQTT_IN_VALUE', '"x"']]);
  assert.deepEqual(rows('t', 'rows[*].q', { t: 'noon', rows: [list[2]] }), [[3, 'good', null, 'CV_MQTT_IN_TIME', '"noon"']]);
  assert.deepEqual(rows('t', 'q', { rows: [list[2]] }), [[3, 'uncertain', null, 'CV_MQTT_IN_TIME', 'undefined']]);
});

test('json: a retained message of a bad or doubtful value keeps that', () => {
  const said = (payload: object, how: object = { time: 't' }) =>
    (json([{ id: 'a', path: 'v', quality: 'q' }], payload, { retain: true, how }).values ?? []).map(({ value, quality, flags }) => [
      value,
      quality,
      flags,
    ]);
  assert.deepEqual(said({ v: 1, q: 'good', t: NOW }), [[1, 'good', ['initial']]]);
  assert.deepEqual(said({ v: 1, q: 'good' }), [[1, 'uncertain', ['initial']]]);
  assert.deepEqual(said({ v: 1, q: 'bad' }), [[1, 'bad', ['device', 'initial']]]);
  assert.deepEqual(said({ v: 'x', q: 'bad' }, {}), [[null, 'bad', ['sensor', 'initial']]]);
  const [{ fault } = {}] = decoded({ topic: 'x', time: 't' }, [{ id: 'a', path: 'v' }], 't'.repeat(200), { v: 1 }).values ?? [];
  assert.equal(fault?.params.topic, 't'.repeat(128));
});

test('units and kinds that a profile knows by itself', () => {
  const known = (of: object, profile?: string) =>
    driver.pointDefaults?.(
      point.parse(of) as never,
      (profile === undefined ? undefined : settings.parse({ url: 'mqtt://h', profile, sn: 's', devEui: '0101010101010101' })) as never,
    );
  assert.deepEqual(
    [
      known({ gives: 'rssi' }),
      known({ gives: 'snr' }),
      known({ gives: 'battery' }),
      known({ gives: 'margin' }),
      known({ gives: 'position' }),
    ],
    ['dB[mW]', 'dB', '%', 'dB', 'm'].map((unit) => ({ unit })),
  );
  for (const [path, unit] of [
    ['height', 'm'],
    ['a.elevation', 'm'],
    ['horizontal_speed', 'm/s'],
    ['attitude_head', 'deg'],
    ['battery.capacity_percent', '%'],
    ['remain_flight_time', 's'],
    ['temperature', 'Cel'],
    ['humidity', '%'],
    ['latitude', 'deg'],
  ] as const)
    assert.deepEqual(known({ path }, 'dji'), { unit }, path);
  assert.deepEqual(
    [
      known({ path: 'mode_code' }, 'dji'),
      known({ path: 'height' }, 'chirpstack'),
      known({ path: 'height' }),
      known({ path: 'list[*].code', event: 'hms' }, 'dji'),
    ],
    [{}, {}, {}, { kind: 'occurrence' }],
  );
  const unitless = (of: object) => driver.unitless?.(point.parse(of) as never);
  assert.deepEqual(
    [
      unitless({ path: 'a' }),
      unitless({ path: 'a', type: 'bool' }),
      unitless({ path: 'a', type: 'text' }),
      unitless({ gives: 'rssi', type: 'text' }),
    ],
    [false, true, true, false],
  );
});
