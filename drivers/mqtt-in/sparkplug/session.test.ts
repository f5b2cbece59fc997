/** What a node's earlier messages mean for the next: its births, aliases and types, numbers, deaths; then what decode makes of it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decode } from '../decode.ts';
import { planOf, type Alias, type MqttInFrame } from '../frame.ts';
import { point, settings, type MqttInPointOf } from '../settings.ts';
import { bytes, double, metric, number, payload } from '../testing/sparkplug.ts';
import { SparkplugSession, topicOf } from './session.ts';

const topic = (type: string, device?: string) => `spBv1.0/g/${type}/n${device === undefined ? '' : `/${device}`}`;
const bdSeq = (value: number) => metric({ name: 'bdSeq', datatype: 8, more: number(11, value) });

test('a topic of Sparkplug has four or five levels, none of them empty', () => {
  assert.deepEqual(topicOf('spBv1.0/g/DDATA/n/d'), { group: 'g', type: 'DDATA', node: 'n', device: 'd' });
  assert.deepEqual(topicOf('spBv1.0/g/NDATA/n'), { group: 'g', type: 'NDATA', node: 'n', device: null });
  for (const none of ['spBv1.0/g/NDATA', 'spBv1.0//NDATA/n', 'spBv1.0/g//n', 'spBv1.0/g/NDATA/', 'spBv1.0/g/DDATA/n/d/e', 'spAv1.0/g/NDATA/n', 'STATE/x', '']) assert.equal(topicOf(none), null, none);
});

test('every message of a node counts its number, of whichever device; a gap, a jump back and a birth in between are seen', () => {
  const session = new SparkplugSession('d');
  const take = (type: string, seq: number | undefined, device?: string) => session.take(topic(type, device), payload({ at: 1, ...(seq === undefined ? {} : { seq }) }));
  assert.deepEqual(take('DDATA', 5, 'd'), { wantsBirth: 'unborn' });
  assert.deepEqual(take('DDATA', 6, 'other'), { isOther: true, wantsBirth: 'unborn' });
  assert.deepEqual(take('NBIRTH', 254), { isOther: true });
  assert.deepEqual(take('DBIRTH', 255, 'd'), {});
  assert.deepEqual(take('DDATA', 0, 'other'), { isOther: true });
  assert.deepEqual(take('NDATA', 1), { isOther: true });
  assert.deepEqual(take('DDEATH', 2, 'other'), { isOther: true });
  assert.deepEqual(take('DDATA', 4, 'd'), { wantsBirth: 'gap' });
  assert.deepEqual(take('DDATA', 4, 'd'), { wantsBirth: 'gap' }, 'the same number again');
  assert.deepEqual(take('DDATA', 5, 'd'), {});
  assert.deepEqual(take('DDATA', undefined, 'd'), {}, 'a node that does not count');
  assert.deepEqual(take('DDATA', 77, 'd'), {}, 'one that begins to');
  assert.deepEqual(take('DDATA', 79, 'other'), { isOther: true, wantsBirth: 'gap' });
  assert.deepEqual(take('NBIRTH', undefined), { isOther: true });
  assert.deepEqual(take('DDATA', 1, 'd'), {}, 'a birth without a number is 0');
});

test('commands, states and what is no payload mean nothing', () => {
  const session = new SparkplugSession(undefined);
  for (const type of ['NCMD', 'DCMD', 'STATE']) assert.deepEqual(session.take(topic(type), payload({ at: 1 })), { isOther: true });
  assert.deepEqual(session.take('other/topic', payload({ at: 1 })), {});
  assert.deepEqual(session.take(topic('NBIRTH'), Uint8Array.from([0x12, 9])), {});
  assert.deepEqual(session.take(topic('NDATA'), payload({ seq: 1 })), { wantsBirth: 'unborn' }, 'it was no birth');
});

test('a death is of this session or of none that is known; only one of an earlier session is not', () => {
  const born = (...metrics: number[][]) => {
    const session = new SparkplugSession('d');
    session.take(topic('NBIRTH'), payload({ seq: 0, metrics }));
    return (seq?: number) => session.take(topic('NDEATH'), payload({ metrics: seq === undefined ? [] : [bdSeq(seq)] }));
  };
  assert.deepEqual([born(bdSeq(3))(2), born(bdSeq(3))(3), born(bdSeq(3))(), born()(2)], [{ isOther: true }, {}, {}, {}]);
  assert.deepEqual(born(metric({ name: 'bdSeq', datatype: 12, more: bytes(15, 'x') }))(2), {}, 'no number');
  const session = new SparkplugSession(undefined);
  assert.deepEqual(session.take(topic('NDEATH'), payload({ metrics: [bdSeq(2)] })), {}, 'before any birth');
  session.take(topic('NBIRTH'), payload({ seq: 0, metrics: [bdSeq(3)] }));
  session.take(topic('NDEATH'), payload({ metrics: [bdSeq(3)] }));
  assert.deepEqual(session.take(topic('NDEATH'), payload({ metrics: [bdSeq(2)] })), {}, 'it is dead already');
  assert.deepEqual(session.take(topic('NDATA'), payload({ seq: 1 })), { wantsBirth: 'unborn' });
});

test('aliases are of the device that was born with them; a new birth of the node ends them all', () => {
  const session = new SparkplugSession('d');
  const take = (type: string, seq: number, metrics: number[][], device?: string) => session.take(topic(type, device), payload({ seq, metrics }));
  take('NBIRTH', 0, [metric({ name: 'Node', alias: 1, datatype: 10 })]);
  take('DBIRTH', 1, [metric({ name: 'P', alias: 2, datatype: 10 }), metric({ name: 'Q', datatype: 3 }), metric({ alias: 9 })], 'd');
  take('DBIRTH', 2, [metric({ name: 'Theirs', alias: 3, datatype: 10 }), metric({ name: 'Q', datatype: 11 })], 'e');
  assert.deepEqual(take('DDATA', 3, [metric({ alias: 2 }), metric({ name: 'Q' })], 'd'), { aliases: { 2: { name: 'P', datatype: 10 }, '=Q': { name: 'Q', datatype: 3 } } });
  assert.deepEqual(take('DDATA', 4, [metric({ name: 'Q', datatype: 3 }), metric({ name: 'unheard' }), metric({})], 'd'), {});
  for (const alias of [1, 3, 9]) assert.deepEqual(take('DDATA', alias === 1 ? 5 : alias === 3 ? 6 : 7, [metric({ alias })], 'd'), { wantsBirth: 'alias' }, `alias ${alias}`);
  assert.deepEqual(take('DDATA', 8, [metric({ alias: 2 }), metric({ alias: 7 })], 'd'), { aliases: { 2: { name: 'P', datatype: 10 } }, wantsBirth: 'alias' });
  assert.deepEqual(take('DDATA', 99, [metric({ alias: 7 })], 'd'), { wantsBirth: 'gap' });
  take('NBIRTH', 0, []);
  assert.deepEqual(take('DDATA', 1, [metric({ alias: 2 })], 'd'), { wantsBirth: 'alias' });
  assert.deepEqual(take('DDATA', 2, [metric({ name: 'Q' })], 'd'), {}, 'nor is its type known');
});

test('a node that makes up aliases does not fill the memory: 100,000 are kept', () => {
  const own = new SparkplugSession(undefined);
  own.take(topic('NBIRTH'), payload({ seq: 0, metrics: Array.from({ length: 20_000 }, (_, alias) => metric({ name: 'x', alias })) }));
  for (let part = 1; part < 6; part += 1) own.take('spBv1.0/g/DBIRTH/n', payload({ metrics: Array.from({ length: 20_000 }, (_, index) => metric({ name: 'x', alias: part * 20_000 + index })) }));
  const known = (alias: number) => own.take(topic('NDATA'), payload({ metrics: [metric({ alias })] })).aliases?.[String(alias)]?.name;
  assert.deepEqual([known(0), known(99_999), known(100_000)], ['x', 'x', undefined]);
});

const POINTS: MqttInPointOf[] = [{ ...point.parse({ metric: 'P' }), id: 'p' }, { ...point.parse({ metric: 'P', type: 'text' }), id: 'twice' }, { ...point.parse({ metric: 'Q', type: 'bool' }), id: 'q' }];
const SET = settings.parse({ url: 'mqtt://h', profile: 'sparkplug', group: 'g', node: 'n' });

function decoded(type: string, metrics: number[][], more: Partial<MqttInFrame> = {}, device?: string) {
  return decode({ topic: topic(type, device), payload: payload({ at: 5, seq: 1, metrics }), retain: false, observedAt: 5, profile: 'sparkplug', plan: planOf(POINTS, SET), ...more });
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
  const P = metric({ name: 'P', datatype: 3, more: number(10, 7) });
  for (const type of ['NBIRTH', 'NDATA', 'DBIRTH', 'DDATA']) assert.deepEqual(valuesOf(type, [P, metric({ name: 'Q', datatype: 11, more: number(14, 1) }), metric({ name: 'unwanted', datatype: 3, more: number(10, 1) })]), [['p', 7], ['twice', '7'], ['q', true]], type);
  for (const type of ['NCMD', 'DCMD']) assert.deepEqual(valuesOf(type, [P]), [], type);
  assert.deepEqual(valuesOf('NDATA', [P], { isOther: true }), []);
  assert.deepEqual(valuesOf('NDEATH', [], { isOther: true }), []);
  const aliases: Record<string, Alias> = { 5: { name: 'P', datatype: 1 }, '=P': { name: 'P', datatype: 1 } };
  assert.deepEqual(valuesOf('NDATA', [metric({ alias: 5, more: number(10, 255) })], { aliases }), [['p', -1], ['twice', '-1']]);
  assert.deepEqual(valuesOf('NDATA', [metric({ name: 'P', more: number(10, 254) })], { aliases }), [['p', -2], ['twice', '-2']]);
  assert.deepEqual(valuesOf('NDATA', [metric({ name: 'P', datatype: 2, more: number(10, 254) })], { aliases }), [['p', 254], ['twice', '254']], 'its own type goes first');
  assert.deepEqual(valuesOf('NDATA', [metric({ alias: 5, more: number(10, 1) }), metric({ alias: 6, more: number(10, 1) })], { aliases }), [['p', 1], ['twice', '1']]);
  assert.deepEqual(valuesOf('NDATA', [metric({ more: number(10, 1) })]), [], 'neither name nor alias');
});

test('a device that goes, and aliases that nobody named, are said with the device\'s name', () => {
  assert.deepEqual(faultOf('NDEATH', []), ['CV_MQTT_IN_DEAD', { device: 'n' }, true, undefined]);
  assert.deepEqual(faultOf('DDEATH', [], {}, 'd'), ['CV_MQTT_IN_DEAD', { device: 'n/d' }, true, undefined]);
  assert.deepEqual(faultOf('NDATA', [metric({ alias: 6, more: number(10, 1) }), metric({ alias: 8, more: number(10, 1) })]), ['CV_MQTT_IN_UNBORN', { device: 'n', alias: '6' }, false, []]);
});

test('without points every metric is shown in its own type', () => {
  const all = [metric({ name: 'P', datatype: 3, more: number(10, 7) }), metric({ name: 'Q', datatype: 11, more: number(14, 1) }), metric({ name: 'S', datatype: 12, more: bytes(15, 'x') }), metric({ name: 'T', datatype: 10, more: number(7, 1) })];
  assert.deepEqual(valuesOf('NDATA', all, { plan: null }), [['P', 7], ['Q', true], ['S', 'x'], ['T', null]]);
});

test('quality and no value: each by the node\'s own word', () => {
  const quality = (value: number) => bytes(9, [...bytes(1, 'Quality'), ...bytes(2, number(3, value))]);
  const said = (...more: number[]) => {
    const result = decoded('NDATA', [metric({ name: 'P', datatype: 10, more })]);
    assert.ok(result.ok);
    const [one] = result.values ?? [];
    return [one?.value, one?.quality ?? 'good', one?.flags ?? [], one?.fault?.code, one?.deviceAt];
  };
  assert.deepEqual(said(...double(13, 1)), [1, 'good', [], undefined, 5]);
  assert.deepEqual(said(...quality(192), ...double(13, 1)), [1, 'good', [], undefined, 5]);
  assert.deepEqual(said(...quality(500), ...double(13, 1)), [1, 'uncertain', ['stale'], undefined, 5]);
  for (const bad of [0, 191, 499, 501]) assert.deepEqual(said(...quality(bad), ...double(13, 1)), [1, 'bad', ['device'], undefined, 5], String(bad));
  assert.deepEqual(said(...quality(0), ...number(7, 1)), [null, 'bad', ['sensor'], undefined, 5]);
  assert.deepEqual(said(...bytes(17, [])), [null, 'bad', ['sensor'], 'CV_MQTT_IN_VALUE', 5]);
});

test('a metric has its own time, else its payload\'s; what is no time is none', () => {
  const timeOf = (at: number | undefined, payloadAt: number | undefined) => {
    const result = decode({ topic: topic('NDATA'), payload: payload({ ...(payloadAt === undefined ? {} : { at: payloadAt }), metrics: [metric({ name: 'P', datatype: 3, more: number(10, 1), ...(at === undefined ? {} : { at }) })] }), retain: false, observedAt: 5, profile: 'sparkplug', plan: planOf(POINTS, SET) });
    assert.ok(result.ok);
    return result.values?.[0]?.deviceAt;
  };
  assert.deepEqual([timeOf(4, 5), timeOf(undefined, 5), timeOf(undefined, undefined), timeOf(0, 5), timeOf(1, 5), timeOf(2 ** 60, 2 ** 61)], [4, 5, undefined, undefined, 1, undefined]);
});
