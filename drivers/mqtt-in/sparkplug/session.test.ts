/** What a node's earlier messages mean for the next: its births, aliases and types, numbers, deaths; then what decode makes of it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decode } from '../decode.ts';
import { decodeSettingsOf, type MetricAlias, type MqttInFrame } from '../frame.ts';
import { point, settings, type ConfiguredMqttPoint } from '../settings.ts';
import { bytesField, doubleField, sparkplugMetric, numberField, sparkplugPayload } from '../testing/sparkplug.ts';
import { SparkplugSession, parseSparkplugTopic } from './session.ts';

const topic = (type: string, device?: string) => `spBv1.0/g/${type}/n${device === undefined ? '' : `/${device}`}`;
const bdSeq = (value: number) => sparkplugMetric({ name: 'bdSeq', datatype: 8, more: numberField(11, value) });

test('a topic of Sparkplug has four or five levels, none of them empty', () => {
  assert.deepEqual(parseSparkplugTopic('spBv1.0/g/DDATA/n/d'), { group: 'g', type: 'DDATA', node: 'n', device: 'd' });
  assert.deepEqual(parseSparkplugTopic('spBv1.0/g/NDATA/n'), { group: 'g', type: 'NDATA', node: 'n', device: null });
  for (const none of [
    'spBv1.0/g/NDATA',
    'spBv1.0//NDATA/n',
    'spBv1.0/g//n',
    'spBv1.0/g/NDATA/',
    'spBv1.0/g/DDATA/n/d/e',
    'spAv1.0/g/NDATA/n',
    'STATE/x',
    '',
  ])
    assert.equal(parseSparkplugTopic(none), null, none);
});

test('every message of a node counts its number, of whichever device; a gap, a jump back and a birth in between are seen', () => {
  const session = new SparkplugSession('d');
  const take = (type: string, seq: number | undefined, device?: string) =>
    session.update(topic(type, device), sparkplugPayload({ at: 1, ...(seq === undefined ? {} : { seq }) }));
  assert.deepEqual(take('DDATA', 5, 'd'), { rebirthReason: 'unborn' });
  assert.deepEqual(take('DDATA', 6, 'other'), { isOther: true, rebirthReason: 'unborn' });
  assert.deepEqual(take('NBIRTH', 254), { isOther: true });
  assert.deepEqual(take('DBIRTH', 255, 'd'), {});
  assert.deepEqual(take('DDATA', 0, 'other'), { isOther: true });
  assert.deepEqual(take('NDATA', 1), { isOther: true });
  assert.deepEqual(take('DDEATH', 2, 'other'), { isOther: true });
  assert.deepEqual(take('DDATA', 4, 'd'), { rebirthReason: 'gap' });
  assert.deepEqual(take('DDATA', 4, 'd'), { rebirthReason: 'gap' }, 'the same number again');
  assert.deepEqual(take('DDATA', 5, 'd'), {});
  assert.deepEqual(take('DDATA', undefined, 'd'), {}, 'a node that does not count');
  assert.deepEqual(take('DDATA', 77, 'd'), {}, 'one that begins to');
  assert.deepEqual(take('DDATA', 79, 'other'), { isOther: true, rebirthReason: 'gap' });
  assert.deepEqual(take('NBIRTH', undefined), { isOther: true });
  assert.deepEqual(take('DDATA', 1, 'd'), {}, 'a birth without a number is 0');
});

test('commands, states and what is no payload mean nothing', () => {
  const session = new SparkplugSession(undefined);
  for (const type of ['NCMD', 'DCMD', 'STATE'])
    assert.deepEqual(session.update(topic(type), sparkplugPayload({ at: 1 })), { isOther: true });
  assert.deepEqual(session.update('other/topic', sparkplugPayload({ at: 1 })), {});
  assert.deepEqual(session.update(topic('NBIRTH'), Uint8Array.from([0x12, 9])), {});
  assert.deepEqual(session.update(topic('NDATA'), sparkplugPayload({ seq: 1 })), { rebirthReason: 'unborn' }, 'it was no birth');
});

test('a death is of this session or of none that is known; only one of an earlier session is not', () => {
  const born = (...metrics: number[][]) => {
    const session = new SparkplugSession('d');
    session.update(topic('NBIRTH'), sparkplugPayload({ seq: 0, metrics }));
    return (seq?: number) => session.update(topic('NDEATH'), sparkplugPayload({ metrics: seq === undefined ? [] : [bdSeq(seq)] }));
  };
  assert.deepEqual([born(bdSeq(3))(2), born(bdSeq(3))(3), born(bdSeq(3))(), born()(2)], [{ isOther: true }, {}, {}, {}]);
  assert.deepEqual(born(sparkplugMetric({ name: 'bdSeq', datatype: 12, more: bytesField(15, 'x') }))(2), {}, 'no number');
  const session = new SparkplugSession(undefined);
  assert.deepEqual(session.update(topic('NDEATH'), sparkplugPayload({ metrics: [bdSeq(2)] })), {}, 'before any birth');
  session.update(topic('NBIRTH'), sparkplugPayload({ seq: 0, metrics: [bdSeq(3)] }));
  session.update(topic('NDEATH'), sparkplugPayload({ metrics: [bdSeq(3)] }));
  assert.deepEqual(session.update(topic('NDEATH'), sparkplugPayload({ metrics: [bdSeq(2)] })), {}, 'it is dead already');
  assert.deepEqual(session.update(topic('NDATA'), sparkplugPayload({ seq: 1 })), { rebirthReason: 'unborn' });
});

test('aliases are of the device that was born with them; a new birth of the node ends them all', () => {
  const session = new SparkplugSession('d');
  const take = (type: string, seq: number, metrics: number[][], device?: string) =>
    session.update(topic(type, device), sparkplugPayload({ seq, metrics }));
  take('NBIRTH', 0, [sparkplugMetric({ name: 'Node', alias: 1, datatype: 10 })]);
  take(
    'DBIRTH',
    1,
    [sparkplugMetric({ name: 'P', alias: 2, datatype: 10 }), sparkplugMetric({ name: 'Q', datatype: 3 }), sparkplugMetric({ alias: 9 })],
    'd',
  );
  take('DBIRTH', 2, [sparkplugMetric({ name: 'Theirs', alias: 3, datatype: 10 }), sparkplugMetric({ name: 'Q', datatype: 11 })], 'e');
  assert.deepEqual(take('DDATA', 3, [sparkplugMetric({ alias: 2 }), sparkplugMetric({ name: 'Q' })], 'd'), {
    aliases: { 2: { name: 'P', datatype: 10 }, '=Q': { name: 'Q', datatype: 3 } },
  });
  assert.deepEqual(
    take('DDATA', 4, [sparkplugMetric({ name: 'Q', datatype: 3 }), sparkplugMetric({ name: 'unheard' }), sparkplugMetric({})], 'd'),
    {},
  );
  for (const alias of [1, 3, 9])
    assert.deepEqual(
      take('DDATA', alias === 1 ? 5 : alias === 3 ? 6 : 7, [sparkplugMetric({ alias })], 'd'),
      { rebirthReason: 'alias' },
      `alias ${alias}`,
    );
  assert.deepEqual(take('DDATA', 8, [sparkplugMetric({ alias: 2 }), sparkplugMetric({ alias: 7 })], 'd'), {
    aliases: { 2: { name: 'P', datatype: 10 } },
    rebirthReason: 'alias',
  });
  assert.deepEqual(take('DDATA', 99, [sparkplugMetric({ alias: 7 })], 'd'), { rebirthReason: 'gap' });
  take('NBIRTH', 0, []);
  assert.deepEqual(take('DDATA', 1, [sparkplugMetric({ alias: 2 })], 'd'), { rebirthReason: 'alias' });
  assert.deepEqual(take('DDATA', 2, [sparkplugMetric({ name: 'Q' })], 'd'), {}, 'nor is its type known');
});

test('a node that makes up aliases does not fill the memory: 100,000 are kept', () => {
  const own = new SparkplugSession(undefined);
  own.update(
    topic('NBIRTH'),
    sparkplugPayload({ seq: 0, metrics: Array.from({ length: 20_000 }, (_, alias) => sparkplugMetric({ name: 'x', alias })) }),
  );
  for (let part = 1; part < 6; part += 1)
    own.update(
      'spBv1.0/g/DBIRTH/n',
      sparkplugPayload({
        metrics: Array.from({ length: 20_000 }, (_, index) => sparkplugMetric({ name: 'x', alias: part * 20_000 + index })),
      }),
    );
  const known = (alias: number) =>
    own.update(topic('NDATA'), sparkplugPayload({ metrics: [sparkplugMetric({ alias })] })).aliases?.[String(alias)]?.name;
  assert.deepEqual([known(0), known(99_999), known(100_000)], ['x', 'x', undefined]);
});

const POINTS: ConfiguredMqttPoint[] = [
  { ...point.parse({ metric: 'P' }), id: 'p' },
  { ...point.parse({ metric: 'P', type: 'text' }), id: 'twice' },
  { ...point.parse({ metric: 'Q', type: 'bool' }), id: 'q' },
];
const SET = settings.parse({ url: 'mqtt://h', profile: 'sparkplug', group: 'g', node: 'n' });

function decoded(type: string, metrics: number[][], more: Partial<MqttInFrame> = {}, device?: string) {
  return decode({
    topic: topic(type, device),
    payload: sparkplugPayload({ at: 5, seq: 1, metrics }),
    retain: false,
    observedAt: 5,
    profile: 'sparkplug',
    decodeSettings: decodeSettingsOf(POINTS, SET),
    ...more,
  });
}
const valuesOf = (...of: Parameters<typeof decoded>) => {
  const result = decoded(...of);
  assert.ok(result.ok, JSON.stringify(result));
  assert.equal(result.isPartial, true);
  return result.values?.map(({ point: id, value }) => [id, value]);
};
const faultOf = (...of: Parameters<typeof decoded>) => {
  const result = decoded(...of);
  assert.ok(!result.ok);
  return [result.fault.code, result.fault.params, result.isAway ?? false, result.points];
};

test('births and data give values by name or by alias, a metric to each point that wants it; other messages give none', () => {
  const P = sparkplugMetric({ name: 'P', datatype: 3, more: numberField(10, 7) });
  for (const type of ['NBIRTH', 'NDATA', 'DBIRTH', 'DDATA'])
    assert.deepEqual(
      valuesOf(type, [
        P,
        sparkplugMetric({ name: 'Q', datatype: 11, more: numberField(14, 1) }),
        sparkplugMetric({ name: 'unwanted', datatype: 3, more: numberField(10, 1) }),
      ]),
      [
        ['p', 7],
        ['twice', '7'],
        ['q', true],
      ],
      type,
    );
  for (const type of ['NCMD', 'DCMD']) assert.deepEqual(valuesOf(type, [P]), [], type);
  assert.deepEqual(valuesOf('NDATA', [P], { isOther: true }), []);
  assert.deepEqual(valuesOf('NDEATH', [], { isOther: true }), []);
  const aliases: Record<string, MetricAlias> = { 5: { name: 'P', datatype: 1 }, '=P': { name: 'P', datatype: 1 } };
  assert.deepEqual(valuesOf('NDATA', [sparkplugMetric({ alias: 5, more: numberField(10, 255) })], { aliases }), [
    ['p', -1],
    ['twice', '-1'],
  ]);
  assert.deepEqual(valuesOf('NDATA', [sparkplugMetric({ name: 'P', more: numberField(10, 254) })], { aliases }), [
    ['p', -2],
    ['twice', '-2'],
  ]);
  assert.deepEqual(
    valuesOf('NDATA', [sparkplugMetric({ name: 'P', datatype: 2, more: numberField(10, 254) })], { aliases }),
    [
      ['p', 254],
      ['twice', '254'],
    ],
    'its own type goes first',
  );
  assert.deepEqual(
    valuesOf('NDATA', [sparkplugMetric({ alias: 5, more: numberField(10, 1) }), sparkplugMetric({ alias: 6, more: numberField(10, 1) })], {
      aliases,
    }),
    [
      ['p', 1],
      ['twice', '1'],
    ],
  );
  assert.deepEqual(valuesOf('NDATA', [sparkplugMetric({ more: numberField(10, 1) })]), [], 'neither name nor alias');
});

test('a device that goes, and aliases that nobody named, are said with the device\'s name', () => {
  assert.deepEqual(faultOf('NDEATH', []), ['CV_MQTT_IN_DEAD', { device: 'n' }, true, undefined]);
  assert.deepEqual(faultOf('DDEATH', [], {}, 'd'), ['CV_MQTT_IN_DEAD', { device: 'n/d' }, true, undefined]);
  assert.deepEqual(
    faultOf('NDATA', [sparkplugMetric({ alias: 6, more: numberField(10, 1) }), sparkplugMetric({ alias: 8, more: numberField(10, 1) })]),
    ['CV_MQTT_IN_UNBORN', { device: 'n', alias: '6' }, false, []],
  );
});

test('without points every metric is shown in its own type', () => {
  const all = [
    sparkplugMetric({ name: 'P', datatype: 3, more: numberField(10, 7) }),
    sparkplugMetric({ name: 'Q', datatype: 11, more: numberField(14, 1) }),
    sparkplugMetric({ name: 'S', datatype: 12, more: bytesField(15, 'x') }),
    sparkplugMetric({ name: 'T', datatype: 10, more: numberField(7, 1) }),
  ];
  assert.deepEqual(valuesOf('NDATA', all, { decodeSettings: null }), [
    ['P', 7],
    ['Q', true],
    ['S', 'x'],
    ['T', null],
  ]);
});

test('quality and no value: each by the node\'s own word', () => {
  const quality = (value: number) => bytesField(9, [...bytesField(1, 'Quality'), ...bytesField(2, numberField(3, value))]);
  const said = (...more: number[]) => {
    const result = decoded('NDATA', [sparkplugMetric({ name: 'P', datatype: 10, more })]);
    assert.ok(result.ok);
    const [one] = result.values ?? [];
    return [one?.value, one?.quality ?? 'good', one?.flags ?? [], one?.fault?.code, one?.deviceAt];
  };
  assert.deepEqual(said(...doubleField(13, 1)), [1, 'good', [], undefined, 5]);
  assert.deepEqual(said(...quality(192), ...doubleField(13, 1)), [1, 'good', [], undefined, 5]);
  assert.deepEqual(said(...quality(500), ...doubleField(13, 1)), [1, 'uncertain', ['stale'], undefined, 5]);
  for (const bad of [0, 191, 499, 501])
    assert.deepEqual(said(...quality(bad), ...doubleField(13, 1)), [1, 'bad', ['device'], undefined, 5], String(bad));
  assert.deepEqual(said(...quality(0), ...numberField(7, 1)), [null, 'bad', ['sensor'], undefined, 5]);
  assert.deepEqual(said(...bytesField(17, [])), [null, 'bad', ['sensor'], 'CV_MQTT_IN_VALUE', 5]);
});

test('a metric has its own time, else its payload\'s; what is no time is none', () => {
  const timeOf = (at: number | undefined, payloadAt: number | undefined) => {
    const result = decode({
      topic: topic('NDATA'),
      payload: sparkplugPayload({
        ...(payloadAt === undefined ? {} : { at: payloadAt }),
        metrics: [sparkplugMetric({ name: 'P', datatype: 3, more: numberField(10, 1), ...(at === undefined ? {} : { at }) })],
      }),
      retain: false,
      observedAt: 5,
      profile: 'sparkplug',
      decodeSettings: decodeSettingsOf(POINTS, SET),
    });
    assert.ok(result.ok);
    return result.values?.[0]?.deviceAt;
  };
  assert.deepEqual(
    [timeOf(4, 5), timeOf(undefined, 5), timeOf(undefined, undefined), timeOf(0, 5), timeOf(1, 5), timeOf(2 ** 60, 2 ** 61)],
    [4, 5, undefined, undefined, 1, undefined],
  );
});
