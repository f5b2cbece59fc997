import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { decode } from './decode.ts';
import { decodeSettingsOf, type MqttInFrame } from './frame.ts';
import { frameReader, recording } from './frame-reader.ts';
import { valuesAtPath, isPath } from './path.ts';
import { point, settings, type ConfiguredMqttPoint } from './settings.ts';
import { parseSparkplugPayload, rebirthCommand, metricValue } from './sparkplug/payload.ts';
import { SparkplugSession } from './sparkplug/session.ts';
import { isTopicFilter, topicMatches } from './topics.ts';
import { UplinkHistory } from './uplink-history.ts';
import { parseTime } from './value.ts';

test('filters match as the standard says', () => {
  for (const [filter, topic, wanted] of [
    ['sport/tennis/player1/#', 'sport/tennis/player1', true],
    ['sport/tennis/player1/#', 'sport/tennis/player1/score/x', true],
    ['sport/+', 'sport', false],
    ['sport/+', 'sport/', true],
    ['+/+', '/finance', true],
    ['+', '/finance', false],
    ['#', '$SYS/x', false],
    ['$SYS/#', '$SYS/x', true],
    ['a/+/c', 'a/b/c', true],
    ['a/b', 'a/b/c', false],
  ] as const)
    assert.equal(topicMatches(filter, topic), wanted, `${filter} ${topic}`);
  for (const bad of ['', 'a/#/b', 'a#', 'a/b+']) assert.equal(isTopicFilter(bad), false, bad);
});

test('paths lead where they say, never to what an object inherits, and never throw', () => {
  const json = { a: { b: [{ c: 1 }, { c: 2 }, {}] }, 'odd name': 3, 温度: 4 };
  assert.deepEqual(valuesAtPath(json, 'a.b[0].c'), [1]);
  assert.deepEqual(valuesAtPath(json, 'a.b[-1].c'), []);
  assert.deepEqual(valuesAtPath(json, 'a.b[*].c'), [1, 2]);
  assert.deepEqual(valuesAtPath(json, '`odd name`'), [3]);
  assert.deepEqual(valuesAtPath(json, '温度'), [4]);
  for (const name of ['constructor', '__proto__', 'toString', 'a.b.length']) assert.deepEqual(valuesAtPath(json, name), [], name);
  for (const bad of ['', 'a..b', 'a.', '[x]', 'a b', '$eval("1")']) assert.equal(isPath(bad), false, bad);
  fc.assert(
    fc.property(fc.json(), fc.string(), (text, path) => {
      if (isPath(path)) assert.ok(Array.isArray(valuesAtPath(JSON.parse(text), path)));
    }),
  );
});

test('times: s, ms, ISO with and without a zone; nothing else', () => {
  const at = Date.UTC(2026, 0, 1);
  for (const raw of [at, at / 1000, String(at), '2026-01-01T00:00:00Z', '2026-01-01 08:00:00+08:00', '2026-01-01T00:00:00'])
    assert.equal(parseTime(raw), at, String(raw));
  for (const raw of [0, -1, '', 'now', null, {}, 1e20, '2026-13-45T00:00:00Z']) assert.equal(parseTime(raw), null, String(raw));
});

test('signed numbers of every width come back from their unsigned form', () => {
  for (const [datatype, bits] of [[1, 8], [2, 16], [3, 32], [4, 53]] as const) {
    const most = 2n ** BigInt(bits - 1) - 1n;
    fc.assert(
      fc.property(fc.bigInt({ min: -most, max: most }), (value) => {
        const metric = { name: 'x', alias: null, at: null, datatype, isHistorical: false, isNull: false, quality: null };
        // Some encoders write 32 bits, some 64.
        for (const width of datatype === 4 ? [64] : [32, 64])
          assert.deepEqual(metricValue({ ...metric, raw: { is: 'integer', value: BigInt.asUintN(width, value) } }, datatype), {
            value: Number(value),
          });
      }),
    );
  }
});

test('no bytes make the payload reader throw; our command is one', () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => { parseSparkplugPayload(bytes); }), { numRuns: 2000 });
  const command = parseSparkplugPayload(rebirthCommand(1_767_225_600_000));
  assert.equal(command?.at, 1_767_225_600_000);
  assert.deepEqual(
    command?.metrics.map((metric) => [metric.name, metricValue(metric, metric.datatype)]),
    [['Node Control/Rebirth', { value: true }]],
  );
});

const hex = (text: string) => Buffer.from(text.replaceAll(' ', ''), 'hex');
const bdSeq = (seq: number, last?: number) =>
  hex(
    `0801 120b 0a056264536571 2008 58${seq.toString(16).padStart(2, '0')}${last === undefined ? '' : `18${last.toString(16).padStart(2, '0')}`}`,
  );

test('a death of an earlier session is not believed, that of this one is; seq goes round at 256', () => {
  const session = new SparkplugSession(undefined);
  const at = (type: string) => `spBv1.0/g/${type}/n`;
  assert.equal(session.update(at('NDATA'), hex('0801 1805')).rebirthReason, 'unborn');
  assert.deepEqual(session.update(at('NBIRTH'), bdSeq(3, 0)), {});
  assert.equal(session.update(at('NDEATH'), bdSeq(2)).isOther, true);
  for (let seq = 1; seq < 600; seq += 1) {
    const rest = seq % 256;
    assert.deepEqual(
      session.update(at('NDATA'), Uint8Array.from([8, 1, 0x18, ...(rest < 128 ? [rest] : [rest - 128 + 0x80, 1])])),
      {},
      String(seq),
    );
  }
  assert.equal(session.update(at('NDATA'), hex('0801 1800')).rebirthReason, 'gap');
  assert.deepEqual(session.update(at('NDEATH'), bdSeq(3)), {});
});

test('uplinks: one that came already, a gap, a join, another session', () => {
  const memory = new UplinkHistory();
  const up = (fCnt: number, more = {}) =>
    memory.record(
      'application/a/device/d/event/up',
      { fCnt, devAddr: '1', deduplicationId: `${fCnt}${JSON.stringify(more)}`, time: '2026-01-01T00:00:00Z', ...more },
      0,
    );
  assert.deepEqual(up(0), {});
  assert.equal(up(0), null);
  assert.deepEqual(up(4), { before: { fCnt: 0, at: Date.UTC(2026, 0, 1) } });
  assert.deepEqual(up(9, { devAddr: '2' }), {});
  memory.record('application/a/device/d/event/join', {}, 0);
  assert.deepEqual(up(20, { devAddr: '2' }), {});
});

test('lost uplinks are accounted for, point by point', () => {
  const points = [
    { id: 'a', path: 'object.a' },
    { id: 'battery', gives: 'battery' },
  ].map((one) => ({ ...point.parse(one), id: one.id }));
  const frame = frameFor(
    'application/a/device/d/event/up',
    { fCnt: 5, time: '2026-01-01T00:10:00Z', deviceInfo: {}, object: { a: 1 } },
    points,
  );
  const decoded = decode({ ...frame, before: { fCnt: 1, at: 1000 } });
  assert.ok(decoded.ok);
  assert.deepEqual(decoded.missed, [{ point: 'a', fromAt: 1000, toAt: Date.UTC(2026, 0, 1, 0, 10), count: 3, reason: 'device_away' }]);
});

test('a list gives a value an element, each with its own time', () => {
  const points = [{ ...point.parse({ path: 'rows[*].v' }), id: 'v' }];
  const frame = {
    ...frameFor(
      'x',
      {
        rows: [
          { t: 1_767_225_600, v: 1 },
          { t: 1_767_225_601, v: 2 },
        ],
      },
      points,
    ),
    profile: 'json' as const,
  };
  const decoded = decode({
    ...frame,
    decodeSettings: { ...decodeSettingsOf(points, settings.parse({ url: 'mqtt://h', topic: 'x', time: 'rows[*].t' })) },
  });
  assert.ok(decoded.ok);
  assert.deepEqual(decoded.values?.map(({ value, deviceAt }) => [value, deviceAt]), [[1, 1_767_225_600_000], [2, 1_767_225_601_000]]);
});

test('a recorded line is read back to the same frame', () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 40 }), fc.boolean(), (payload, retain) => {
    const frame: MqttInFrame = { topic: 'x', payload: Buffer.from(payload), retain, observedAt: 5, profile: 'json', decodeSettings: null };
    const [read] = frameReader.read([JSON.parse(JSON.stringify(recording.level === 'frames' ? recording.line(frame) : null))], []);
    assert.deepEqual(read?.frame, frame);
  }));
});

test('settings: each profile says what it needs; a kept session needs a client id; tls needs mqtts', () => {
  const parse = (more: Record<string, unknown>) => settings.safeParse({ url: 'mqtt://h', ...more });
  for (const bad of [
    {},
    { profile: 'sparkplug', group: 'g' },
    { profile: 'chirpstack', devEui: '12' },
    { profile: 'dji' },
    { topic: 'a', session: 'kept' },
    { topic: 'a', tls: {} },
    { topic: 'a', password: 'x' },
    { topic: 'a/#/b' },
    { topic: 'a', url: 'ws://h' },
    { topic: 'a', url: 'mqtt://user:pw@h' },
  ])
    assert.equal(parse(bad).success, false, JSON.stringify(bad));
  for (const good of [
    { topic: 'a' },
    { profile: 'sparkplug', group: 'g', node: 'n' },
    { profile: 'chirpstack', devEui: '0101010101010101' },
    { profile: 'dji', sn: 's' },
    { topic: 'a', session: 'kept', clientId: 'c' },
    { topic: 'a', url: 'mqtts://h', tls: {} },
  ])
    assert.equal(parse(good).success, true, JSON.stringify(good));
});

function frameFor(topic: string, json: unknown, points: ConfiguredMqttPoint[]): MqttInFrame {
  return {
    topic,
    payload: Buffer.from(JSON.stringify(json)),
    retain: false,
    observedAt: Date.UTC(2026, 0, 1, 0, 10),
    profile: 'chirpstack',
    decodeSettings: decodeSettingsOf(points, settings.parse({ url: 'mqtt://h', profile: 'chirpstack', devEui: '0101010101010101' })),
  };
}
