/** Messages as such: what can be read of a payload, what a recorded line says, which topics are whose, bytes at their places. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parsePayload, payloadExcerpt, isReadable } from './parsed-payload.ts';
import { readByteField } from './byte-field.ts';
import { deviceFilters, PROFILE_FILTERS } from './filters.ts';
import { MAX_MQTT_PAYLOAD_BYTES, decodeSettingsOf, type MqttInFrame } from './frame.ts';
import { frameReader, recording } from './frame-reader.ts';
import { valuesAtPath, valueAtJsonPath, isPath, pathSegment } from './path.ts';
import { byteField as bytesSchema, point, settings, type MqttProfile } from './settings.ts';
import { isTopicFilter, topicMatches } from './topics.ts';

const frame = (profile: MqttProfile, payload: Uint8Array | string, topic = 'a/b'): MqttInFrame => ({
  topic,
  payload: typeof payload === 'string' ? Buffer.from(payload) : payload,
  retain: false,
  observedAt: 5,
  profile,
  decodeSettings: null,
});
const problem = (one: MqttInFrame) => {
  const body = parsePayload(one);
  return body.is === 'fault'
    ? [body.fault.code, body.fault.params.topic, body.fault.params.detail, body.fault.params.detailZh, body.fault.params.said]
    : body.is;
};

test('JSON of each profile; what is none is said in both languages, with its first bytes', () => {
  const code = 'CV_MQTT_IN_PAYLOAD';
  assert.deepEqual(parsePayload(frame('json', '[1]')), { is: 'json', json: [1] });
  for (const profile of ['json', 'chirpstack', 'dji'] as const) assert.equal(problem(frame(profile, '{"a":1}')), 'json');
  for (const profile of ['chirpstack', 'dji'] as const)
    for (const json of ['[1]', 'null', '5'])
      assert.deepEqual(problem(frame(profile, json)), [code, 'a/b', 'JSON, but not an object', '是 JSON，但不是对象', json]);
  for (const json of ['null', '5']) assert.equal(problem(frame('json', json)), 'json');
  for (const text of ['{', '', '['.repeat(100)])
    assert.deepEqual(problem(frame('json', text)), [code, 'a/b', 'not JSON', '不是 JSON', text.slice(0, 24) || '-']);
  assert.deepEqual(
    problem(frame('json', Uint8Array.from([0x22, 0xff, 0x22]))),
    [code, 'a/b', 'not JSON', '不是 JSON', '22ff22'],
    'no UTF-8',
  );
  assert.deepEqual(problem(frame('chirpstack', '{')), [
    code,
    'a/b',
    'not JSON: set the MQTT integration to json',
    '不是 JSON：请将 MQTT 集成的编码设为 json',
    '{',
  ]);
  for (const old of ['{"devEUI":"x"}', '{"objectJSON":"{}"}'])
    assert.deepEqual(problem(frame('chirpstack', old)), [code, 'a/b', 'event of ChirpStack v3', '是 ChirpStack v3 的事件', old]);
  for (const [profile, fine] of [
    ['chirpstack', '{"devEUI":"x","deviceInfo":{}}'],
    ['dji', '{"devEUI":"x"}'],
  ] as const)
    assert.equal(problem(frame(profile, fine)), 'json');
});

test('Sparkplug on a topic of Sparkplug; anything else is no message of it', () => {
  const topic = 'spBv1.0/g/NDATA/n';
  assert.deepEqual(parsePayload(frame('sparkplug', Uint8Array.from([8, 1]), topic)), {
    is: 'sparkplug',
    payload: { at: 1, seq: null, metrics: [] },
  });
  for (const [payload, on] of [
    [[8], topic],
    [[8, 1], 'a/b'],
  ] as const)
    assert.deepEqual(problem(frame('sparkplug', Uint8Array.from(payload), on)), [
      'CV_MQTT_IN_PAYLOAD',
      on,
      'not a Sparkplug B payload',
      '不是 Sparkplug B 载荷',
      Buffer.from(payload).toString('hex'),
    ]);
});

test('what is too long, or no message at all, is refused unread; a long topic is cut', () => {
  const text = (length: number) => `"${'x'.repeat(length - 2)}"`;
  assert.equal(problem(frame('json', text(MAX_MQTT_PAYLOAD_BYTES))), 'json');
  assert.equal(MAX_MQTT_PAYLOAD_BYTES, 1_048_576);
  assert.deepEqual(problem(frame('json', text(MAX_MQTT_PAYLOAD_BYTES + 1))), [
    'CV_MQTT_IN_PAYLOAD',
    'a/b',
    '1048577 bytes, more than 1048576',
    '1048577 字节，超过 1048576',
    `"${'x'.repeat(23)}`,
  ]);
  for (const odd of [{ payload: 'text' }, { topic: 7 }])
    assert.deepEqual((problem({ ...frame('json', '1'), ...odd } as never) as string[]).slice(2), ['not a message', '不是消息', '-']);
  assert.equal((problem(frame('json', '{', 't'.repeat(200))) as string[])[1], 't'.repeat(128));
  const one = frame('json', '{}');
  assert.equal(parsePayload(one), parsePayload(one), 'read once');
  assert.deepEqual([isReadable(one), isReadable(frame('json', '{'))], [true, false]);
});

test('first bytes are text where all of them are', () => {
  assert.equal(payloadExcerpt(Buffer.from(' ~')), ' ~');
  for (const [bytes, hex] of [
    [[0x1f], '1f'],
    [[0x7f], '7f'],
    [[0x41, 0x0a], '410a'],
  ] as const)
    assert.equal(payloadExcerpt(Uint8Array.from(bytes)), hex);
  assert.equal(payloadExcerpt(Buffer.from('x'.repeat(30))), 'x'.repeat(24));
});

const POINTS = [{ ...point.parse({ path: 'v' }), id: 'p' }];

test('a recorded line gives its frame back; without a profile its topic says which', () => {
  const read = (line: unknown, points: readonly object[] = POINTS) => frameReader.read([line], points as never)[0];
  for (const [topic, profile] of [
    ['spBv1.0/g/NDATA/n', 'sparkplug'],
    ['application/a/device/d/event/up', 'chirpstack'],
    ['application/a/device/d', 'json'],
    ['thing/product/s/osd', 'dji'],
    ['sys/product/s/status', 'dji'],
    ['other/spBv1.0/', 'json'],
  ] as const) {
    assert.equal(read({ topic, text: '1' })?.frame?.profile, profile, topic);
    assert.equal(read({ topic, text: '1', profile: 'json' })?.frame?.profile, 'json');
  }
  assert.equal(read({ topic: 'a', text: '1', profile: 'unheard' })?.frame?.profile, 'json');
  const whole = {
    topic: 'a',
    text: '{}',
    retain: true,
    at: 7,
    profile: 'sparkplug',
    plan: { device: 'd' },
    aliases: { 1: { name: 'x', datatype: 3 } },
    isOther: true,
    before: { fCnt: 1, at: 2 },
  };
  assert.deepEqual(read(whole)?.frame, {
    topic: 'a',
    payload: Buffer.from('{}'),
    retain: true,
    observedAt: 7,
    profile: 'sparkplug',
    decodeSettings: { points: POINTS, historyAfterMs: 300_000, device: 'd' },
    aliases: whole.aliases,
    isOther: true,
    before: whole.before,
  });
  assert.deepEqual(read({ topic: 'a', base64: '//4=' }, [])?.frame, {
    topic: 'a',
    payload: Buffer.from([0xff, 0xfe]),
    retain: false,
    observedAt: 0,
    profile: 'json',
    decodeSettings: null,
  });
  for (const odd of [null, 'x', 5, { topic: 'a' }, { text: 'x' }, { topic: 5, text: 'x' }]) {
    const { fault } = read(odd) ?? {};
    assert.deepEqual(
      [fault?.code, fault?.params.detail, fault?.params.detailZh],
      ['CV_FRAME_INVALID', 'a message is {"topic", "text" or "base64"}', '一条消息应为 {"topic", "text" 或 "base64"}'],
      JSON.stringify(odd),
    );
  }
});

test('a line holds what was heard, and of the settings only what reading needs', () => {
  const line = (more: Partial<MqttInFrame>) => (recording.level === 'frames' ? recording.line({ ...frame('json', '{}'), ...more }) : null);
  assert.deepEqual(line({}), { topic: 'a/b', text: '{}', at: 5, profile: 'json', plan: {} });
  const before = { fCnt: 1, at: 2 };
  const aliases = { 1: { name: 'x', datatype: 3 } };
  assert.deepEqual(
    line({
      payload: Buffer.from([0xff]),
      retain: true,
      decodeSettings: { points: POINTS, historyAfterMs: 5, time: 't' },
      aliases,
      isOther: true,
      before,
    }),
    {
      topic: 'a/b',
      base64: '/w==',
      retain: true,
      at: 5,
      profile: 'json',
      plan: { historyAfterMs: 5, time: 't' },
      aliases,
      isOther: true,
      before,
    },
  );
  assert.deepEqual(
    line({ payload: Buffer.from('\ufeffx') }),
    { topic: 'a/b', base64: '77u/eA==', at: 5, profile: 'json', plan: {} },
    'a byte order mark is no text',
  );
  const set = (more: object) => decodeSettingsOf(POINTS, settings.parse({ url: 'mqtt://h', historyAfter: '7s', ...more }));
  assert.deepEqual(set({ topic: 'a', time: 't' }), { points: POINTS, historyAfterMs: 7000, time: 't' });
  assert.deepEqual(set({ profile: 'sparkplug', group: 'g', node: 'n', device: 'd' }), {
    points: POINTS,
    historyAfterMs: 7000,
    device: 'd',
  });
  assert.deepEqual(set({ profile: 'dji', sn: 's', gateway: 'd' }), { points: POINTS, historyAfterMs: 7000, sn: 's', gateway: 'd' });
});

test('each profile listens on its own topics', () => {
  const of = (more: object) => deviceFilters(settings.parse({ url: 'mqtt://h', ...more }));
  assert.deepEqual(of({ topic: 'a/#' }), ['a/#']);
  assert.deepEqual(of({ profile: 'sparkplug', group: 'g', node: 'n', device: 'd' }), ['spBv1.0/g/+/n/#']);
  assert.deepEqual(of({ profile: 'chirpstack', devEui: '00AAbbCC00112233' }), ['application/+/device/00aabbcc00112233/event/+']);
  assert.deepEqual(of({ profile: 'chirpstack', devEui: '00aabbcc00112233', application: 'x' }), [
    'application/x/device/00aabbcc00112233/event/+',
  ]);
  assert.deepEqual(of({ profile: 'dji', sn: 's' }), [
    'thing/product/s/osd',
    'thing/product/s/state',
    'thing/product/s/events',
    'sys/product/s/status',
  ]);
  assert.deepEqual(of({ profile: 'dji', sn: 's', gateway: 'd' }), [
    'thing/product/s/osd',
    'thing/product/s/state',
    'thing/product/d/events',
    'sys/product/d/status',
  ]);
  assert.deepEqual(PROFILE_FILTERS, {
    json: null,
    sparkplug: 'spBv1.0/#',
    chirpstack: 'application/+/device/+/event/+',
    dji: 'thing/product/+/osd',
  });
});

test('filters: wildcards stand for whole levels; a topic with $ is seen only by its name', () => {
  for (const good of ['a', '/', 'a//b', '+', '#', 'a/+/b/#', '+/+', 'x'.repeat(1024)]) assert.equal(isTopicFilter(good), true, good);
  for (const bad of ['', 'a/b+', 'a/+b', '#/a', 'a#', 'a\0', 'x'.repeat(1025)]) assert.equal(isTopicFilter(bad), false, bad);
  for (const [filter, topic, wanted] of [
    ['#', 'a/b', true],
    ['#', '$a', false],
    ['+/b', '$a/b', false],
    ['$a/+', '$a/b', true],
    ['a/#', 'a', true],
    ['a/#', 'ab', false],
    ['a/+', 'a/', true],
    ['a/+', 'a', false],
    ['a', 'a/b', false],
    ['a/b', 'a', false],
    ['+', 'a/b', false],
    ['a//b', 'a//b', true],
  ] as const)
    assert.equal(topicMatches(filter, topic), wanted, `${filter} ${topic}`);
});

test('paths: steps, lists, what is inherited, and their bounds', () => {
  for (const good of [
    'a',
    'a.b',
    '`a b`.c',
    'a[0]',
    'a[-1]',
    'a[*].b',
    '[0]',
    'a$-b',
    '@t',
    '_x',
    'a[123456]',
    Array(32).fill('a').join('.'),
  ])
    assert.equal(isPath(good), true, good);
  for (const bad of ['', 'a.', 'a..b', 'a b', '$a', 'a[x]', 'a[1', '``', 'a[1234567]', 'a`b`', Array(33).fill('a').join('.')])
    assert.equal(isPath(bad), false, bad);
  const root = { a: [{ b: 1 }, { b: 2 }, [3]], 'odd name': { c: null } };
  assert.deepEqual(
    [
      valuesAtPath(root, 'a[0].b'),
      valuesAtPath(root, 'a[-1][0]'),
      valuesAtPath(root, 'a[*].b'),
      valuesAtPath(root, 'a[3]'),
      valuesAtPath(root, 'a.b'),
      valuesAtPath(root, '`odd name`.c'),
      valuesAtPath(root, 'a[*][*]'),
    ],
    [[1], [3], [1, 2], [], [], [null], [3]],
  );
  assert.deepEqual(
    [
      valuesAtPath([5], '[0]'),
      valuesAtPath('text', '[0]'),
      valuesAtPath({ a: 'text' }, 'a.length'),
      valuesAtPath({ a: { b: 1 } }, 'a[0]'),
      valuesAtPath({ a: { b: 1 } }, 'a[*]'),
      valuesAtPath(null, 'a'),
      valuesAtPath(5, 'a'),
    ],
    [[5], [], [], [], [], [], []],
  );
  assert.deepEqual([valueAtJsonPath(root, 'a[*].b'), valueAtJsonPath(root, 'x')], [1, undefined]);
  assert.equal(valuesAtPath({ a: Array(1500).fill(1) }, 'a[*]').length, 1000);
  assert.equal(valuesAtPath({ a: Array(30).fill(Array(50).fill(1)) }, 'a[*][*]').length, 1000);
  assert.deepEqual(['a', '温度', '@t', 'a$b', '$a', 'odd name', 'a.b', ''].map(pathSegment), [
    'a',
    '温度',
    '@t',
    'a$b',
    '`$a`',
    '`odd name`',
    '`a.b`',
    '``',
  ]);
});

test('a number at its place among the bytes, in each type and order; null where the bytes end before', () => {
  const data = Buffer.from([0x81, 0x02, 0x83, 0x04, 0x85, 0x06, 0x87, 0x08, 0x41]).toString('base64');
  const read = (of: object) => readByteField(data, bytesSchema.parse(of));
  const view = new DataView(Uint8Array.from(Buffer.from(data, 'base64')).buffer);
  for (const [type, width, big, little] of [
    ['u8', 1, view.getUint8(0), view.getUint8(0)],
    ['i8', 1, view.getInt8(0), view.getInt8(0)],
    ['u16', 2, 0x8102, 0x0281],
    ['i16', 2, view.getInt16(0), view.getInt16(0, true)],
    ['u24', 3, 0x810283, 0x830281],
    ['u32', 4, 0x81028304, 0x04830281],
    ['i32', 4, view.getInt32(0), view.getInt32(0, true)],
    ['f32', 4, view.getFloat32(0), view.getFloat32(0, true)],
    ['f64', 8, view.getFloat64(0), view.getFloat64(0, true)],
  ] as const) {
    assert.deepEqual([read({ at: 0, type }), read({ at: 0, type, order: 'little' })], [big, little], type);
    assert.equal(typeof read({ at: 9 - width, type }), 'number', type);
    assert.equal(read({ at: 10 - width, type }), null, type);
  }
  assert.deepEqual([0, 1, 6, 7].map((bit) => read({ at: 0, type: 'bit', bit })), [1, 0, 0, 1]);
  assert.equal(read({ at: 1 }), 2, 'u8 where nothing is said');
  assert.equal(readByteField(undefined, bytesSchema.parse({ at: 0 })), null);
  for (const none of [5, 'x', 'ab=c', '****', null])
    assert.equal(readByteField(none, bytesSchema.parse({ at: 0 })), undefined, String(none));
  assert.deepEqual([readByteField('', bytesSchema.parse({ at: 0 })), readByteField('QQ==', bytesSchema.parse({ at: 0 }))], [null, 0x41]);
});
