/** What an installer writes: what is taken as it stands, what is filled in, and what is refused, by its key. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BYTE_TYPES, byteField, point, MQTT_PROFILES, settings } from './settings.ts';

const keys = (more: Record<string, unknown>) =>
  settings.safeParse({ url: 'mqtt://h', topic: 'a', ...more }).error?.issues.map(({ path }) => path.join('.')) ?? [];

test('what is left out', () => {
  assert.deepEqual(settings.parse({ url: 'mqtt://h', topic: 'a' }), {
    url: 'mqtt://h',
    version: '3.1.1',
    session: 'clean',
    qos: 1,
    profile: 'json',
    topic: 'a',
    rebirth: true,
    application: '',
    historyAfter: 300_000,
  });
  assert.deepEqual(settings.parse({ url: 'mqtts://h', topic: 'a', tls: {} }).tls, { verify: true });
  assert.deepEqual(point.parse({ path: 'a' }), { path: 'a', gives: 'value', type: 'number' });
  assert.deepEqual(byteField.parse({ at: 0 }), { at: 0, type: 'u8', order: 'big', bit: 0 });
});

test('a broker has a host, no user, no path, and a port that is one', () => {
  for (const url of ['mqtt://h', 'mqtts://h:8883', 'mqtt://10.0.0.5:1883/', 'mqtt://[fe80::1]']) assert.deepEqual(keys({ url }), [], url);
  for (const url of ['', 'h', 'mqtt://', 'http://h', 'mqtt://h:0', 'mqtt://u@h', 'mqtt://u:p@h', 'mqtt://h/path', 'mqtt://h:99999'])
    assert.deepEqual(keys({ url }), ['url'], url);
});

test('each profile needs what says where its device is', () => {
  assert.deepEqual(MQTT_PROFILES, ['json', 'sparkplug', 'chirpstack', 'dji']);
  const needs = (profile: string, more = {}) => keys({ topic: undefined, profile, ...more });
  assert.deepEqual(
    [needs('json'), needs('sparkplug'), needs('sparkplug', { group: 'g' }), needs('chirpstack'), needs('dji'), needs('other')],
    [['topic'], ['group', 'node'], ['node'], ['devEui'], ['sn'], ['profile']],
  );
  assert.deepEqual(
    [
      needs('sparkplug', { group: 'g', node: 'n', device: 'd' }),
      needs('chirpstack', { devEui: '00AAbb1122334455', application: 'x' }),
      needs('dji', { sn: 's', gateway: 'd' }),
    ],
    [[], [], []],
  );
});

test('sessions, certificates and passwords go with what they need', () => {
  assert.deepEqual(
    [
      keys({ session: 'kept', clientId: 'c' }),
      keys({ session: 'kept' }),
      keys({ session: 'kept', clientId: 'c', qos: 0 }),
      keys({ qos: 0 }),
      keys({ qos: 2 }),
      keys({ session: 'clean', clientId: 'c' }),
    ],
    [[], ['clientId'], ['qos'], [], ['qos'], []],
  );
  assert.deepEqual(
    [
      keys({ tls: {} }),
      keys({ url: 'mqtts://h', tls: { cert: 'c' } }),
      keys({ url: 'mqtts://h', tls: { key: 'k' } }),
      keys({ url: 'mqtts://h', tls: { cert: 'c', key: 'k', ca: 'a', verify: false } }),
    ],
    [['tls'], ['tls'], ['tls'], []],
  );
  assert.deepEqual([keys({ password: 'p' }), keys({ user: 'u' }), keys({ user: 'u', password: 'p' })], [['user'], [], []]);
  assert.deepEqual([keys({ version: '5' }), keys({ version: '4' })], [[], ['version']]);
});

test('names and lengths at their ends', () => {
  const long = (length: number) => 'x'.repeat(length);
  for (const [key, good, bad] of [
    ['clientId', [long(64), 'a_b.c:d-1'], ['', long(65), 'a b']],
    ['historyAfter', ['1s', '1d'], ['999ms', '1d1s', '25h']],
    ['application', ['', long(128)], [long(129), 'a/b', '+']],
    ['topic', ['a/+/#'], ['a/#/b', '']],
    ['time', ['ts', 'a + 1'], ['$now()', '']],
  ] as const) {
    for (const value of good) assert.deepEqual(keys({ [key]: value }), [], `${key} ${value}`);
    for (const value of bad) assert.ok(keys({ [key]: value }).includes(key), `${key} ${value}`);
  }
  for (const key of ['group', 'node', 'device', 'sn', 'gateway']) {
    for (const value of ['a', long(128)]) assert.deepEqual(keys({ [key]: value }), [], `${key} ${value}`);
    for (const value of ['', long(129), 'a/b', 'a+', '#']) assert.deepEqual(keys({ [key]: value }), [key], `${key} ${value}`);
  }
  for (const value of ['0101', '010101010101010g', long(16)]) assert.deepEqual(keys({ devEui: value }), ['devEui']);
  const at = (value: object) => byteField.safeParse({ at: 0, ...value }).success;
  assert.deepEqual(
    [
      at({ at: 255 }),
      at({ at: 256 }),
      at({ at: -1 }),
      at({ at: 0.5 }),
      at({ bit: 7 }),
      at({ bit: 8 }),
      at({ bit: -1 }),
      at({ fPort: 1 }),
      at({ fPort: 255 }),
      at({ fPort: 0 }),
      at({ fPort: 256 }),
      at({ order: 'little' }),
      at({ order: 'middle' }),
      at({ type: 'u64' }),
    ],
    [true, false, false, false, true, false, false, true, true, false, false, true, false, false],
  );
  assert.deepEqual(
    BYTE_TYPES.map((type) => at({ type })),
    BYTE_TYPES.map(() => true),
  );
  assert.deepEqual([...BYTE_TYPES], ['u8', 'i8', 'u16', 'i16', 'u24', 'u32', 'i32', 'f32', 'f64', 'bit']);
});

test('a point has one source: a path, a metric, bytes, or what the profile itself gives', () => {
  const of = (value: object) => point.safeParse(value).error?.issues.map(({ path }) => path.join('.')) ?? [];
  for (const good of [
    { path: 'a' },
    { metric: 'm' },
    { bytes: { at: 0 } },
    { gives: 'rssi' },
    { gives: 'snr' },
    { gives: 'battery' },
    { gives: 'margin' },
    { gives: 'position' },
    { gives: 'position', path: 'gps' },
    { path: 'a', event: 'hms', type: 'text', quality: 'q', topic: 'a/+' },
    { metric: 'm', type: 'bool' },
  ])
    assert.deepEqual(of(good), [], JSON.stringify(good));
  for (const bad of [
    {},
    { path: 'a', metric: 'm' },
    { metric: 'm', bytes: { at: 0 } },
    { path: 'a', bytes: { at: 0 } },
    { gives: 'rssi', metric: 'm' },
    { gives: 'battery', bytes: { at: 0 } },
    { path: '$now()' },
  ])
    assert.deepEqual(of(bad), ['path'], JSON.stringify(bad));
  for (const [key, value] of [
    ['metric', ''],
    ['metric', 'x'.repeat(257)],
    ['event', 'HMS'],
    ['event', 'x'.repeat(65)],
    ['topic', 'a#'],
    ['quality', '$now()'],
    ['gives', 'other'],
    ['type', 'other'],
  ] as const)
    assert.ok(of({ path: 'a', [key]: value }).includes(key), `${key} ${value}`);
  assert.deepEqual([of({ metric: 'x'.repeat(256) }), of({ path: 'a', event: 'x'.repeat(64) })], [[], []]);
});

test('a refusal says in both languages what is wrong', () => {
  const said = (schema: typeof settings | typeof point, value: object) =>
    schema.safeParse(value).error?.issues.map((issue) => [issue.message, (issue as { params?: { zh?: string } }).params?.zh]);
  const base = { url: 'mqtt://h', topic: 'a' };
  for (const [schema, value, en, zh] of [
    [settings, { ...base, topic: undefined }, 'profile json needs topic', '格式 json 需要 topic'],
    [settings, { ...base, session: 'kept' }, 'a kept session needs a clientId', 'session 为 kept 时需要 clientId'],
    [settings, { ...base, session: 'kept', clientId: 'c', qos: 0 }, 'a kept session needs qos 1', 'session 为 kept 时 qos 须为 1'],
    [settings, { ...base, tls: {} }, 'tls needs mqtts://', '写了 tls 时地址须为 mqtts://'],
    [settings, { ...base, url: 'mqtts://h', tls: { key: 'k' } }, 'cert and key go together', 'cert 与 key 须同时给出'],
    [settings, { ...base, password: 'p' }, 'a password needs a user', '写了密码就需要用户名'],
    [settings, { ...base, historyAfter: '1ms' }, 'must be from 1s to 1d', '必须在 1s 到 1d 之间'],
    [
      settings,
      { ...base, topic: 'a#' },
      'not a topic filter: + is a whole level, # is all following levels and must be last',
      '不是主题过滤器：+ 代表一整级，# 代表其后全部且须在最后',
    ],
    [
      settings,
      { ...base, url: 'x' },
      'not a broker address such as mqtt://10.0.0.5:1883 or mqtts://broker:8883',
      '不是消息服务器地址，应如 mqtt://10.0.0.5:1883 或 mqtts://broker:8883',
    ],
    [point, {}, 'one of path, metric (sparkplug) or bytes (chirpstack)', 'path、metric（sparkplug）、bytes（chirpstack）须有且只有一个'],
    [
      point,
      { path: '$now()' },
      'neither a path such as data.temperature, list[0].value or list[*].value, nor a JSONata expression: `$now()` is not available here',
      '既不是路径（如 data.temperature、list[0].value、list[*].value），也不是可用的 JSONata 表达式：此处不能使用 `$now()`',
    ],
  ] as const)
    assert.deepEqual(said(schema, value), [[en, zh]]);
});
