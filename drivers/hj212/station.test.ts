import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decode } from './decode.ts';
import { FaultError } from '../../core/faults.ts';
import { settle } from '../../core/testing/virtual-clock.ts';
import type { World } from '../../core/world.ts';
import { readRequest, writeRequest, type Hj212Frame } from './frame.ts';
import { memoryPort, MN, type Header } from './testing/memory-port.ts';
import { framed, stamp } from './testing/logger.ts';
import { point, settings, type Hj212Point } from './settings.ts';

const POINTS = [{ id: 'pm25', factor: 'a34004' }, { id: 'interval', parameter: 'realtimeInterval' }];
const upload = (value: number, second = value % 60) => `DataTime=202601010800${String(second).padStart(2, '0')};a34004-Rtd=${value},a34004-Flag=N`;
const isFault = (code: string) => (error: unknown) => error instanceof FaultError && error.fault.code === code;

/** A logger that was heard, and its station. */
async function heard(settings: Record<string, unknown> = {}, more: Header = {}) {
  const port = memoryPort();
  const station = await port.station(POINTS, settings);
  const logger = port.dial();
  await logger.say('2011', upload(1), more);
  return { port, station, logger };
}

test('answers belong to the request of their number: two at once, answered the other way round', async () => {
  const { station, logger } = await heard();
  const { signal } = new AbortController();
  const order: string[] = [];
  const ask = (name: string, request = readRequest('interval', 'realtimeInterval')) => (station.link.exchange as NonNullable<typeof station.link.exchange>)(request, signal).then((frame) => {
    order.push(name);
    return frame;
  });
  const [first, second] = [ask('first'), ask('second')];
  await settle();
  const [a, b] = logger.heard.filter(({ cn }) => cn === '1061').map(({ qn }) => qn) as [string, string];
  assert.notEqual(a, b, 'two requests of one millisecond are two');
  await logger.say('9011', 'QnRtn=1', { qn: a });
  await logger.say('9011', 'QnRtn=1', { qn: b });
  await logger.say('9012', 'ExeRtn=1', { qn: '20200101000000000' });
  assert.deepEqual(order, [], 'heard is not answered, and the result of another is none');
  await logger.say('1061', 'RtdInterval=60', { qn: b });
  await logger.say('1061', 'RtdInterval=30', { qn: a });
  const valuesOf = async (asking: Promise<Hj212Frame>) => decode(await asking, readRequest('interval', 'realtimeInterval'));
  assert.deepEqual(await valuesOf(first), { ok: true, values: [{ point: 'interval', value: 30 }] });
  assert.deepEqual(await valuesOf(second), { ok: true, values: [{ point: 'interval', value: 60 }] });
  assert.deepEqual(order, ['second', 'first']);
  await station.end();
});

test('a setting is done with its result, and data of the same command is none; a refusal ends it at once', async () => {
  const { station, logger } = await heard();
  const { signal } = new AbortController();
  const request = writeRequest('realtimeInterval', 45);
  const exchange = station.link.exchange as NonNullable<typeof station.link.exchange>;
  let isOver = false;
  const setting = exchange(request, signal).finally(() => { isOver = true; });
  await settle();
  const asked = logger.heard.at(-1);
  assert.deepEqual({ ...asked, qn: '' }, { qn: '', st: '22', cn: '1062', pw: '123456', mn: MN, flag: '5', content: 'RtdInterval=45' });
  await logger.say('9011', 'QnRtn=1', { qn: asked?.qn as string });
  await logger.say('1062', 'RtdInterval=45', { qn: asked?.qn as string });
  await logger.say('9014', '', { qn: asked?.qn as string });
  assert.equal(isOver, false);
  await logger.say('9012', 'ExeRtn=1', { qn: asked?.qn as string });
  assert.deepEqual(decode(await setting, request), { ok: true, values: [] });
  const refused = exchange(request, signal);
  await settle();
  await logger.say('9011', 'QnRtn=10', { qn: logger.heard.at(-1)?.qn as string });
  const decoded = decode(await refused, request);
  assert.ok(!decoded.ok && decoded.fault.code === 'CV_HJ212_REFUSED' && decoded.fault.params.answer === 'QnRtn=10', 'ten is not one');
  assert.deepEqual(logger.cns(), ['9014', '1062', '1062'], 'the answers were answered by nobody');
  await station.end();
});

test('nobody waits for an answer that is no longer wanted: what comes later goes nowhere, and the next request is its own', async () => {
  const { port, station, logger } = await heard();
  const exchange = station.link.exchange as NonNullable<typeof station.link.exchange>;
  const request = readRequest('interval', 'realtimeInterval');
  const stop = new AbortController();
  const stopped = assert.rejects(exchange(request, stop.signal), /no longer wanted/);
  await settle();
  const { qn } = logger.heard.at(-1) as { qn: string };
  stop.abort(new Error('no longer wanted'));
  await stopped;
  await logger.say('9011', 'QnRtn=1', { qn });
  await logger.say('1061', 'RtdInterval=30', { qn });
  await logger.say('9012', 'ExeRtn=1', { qn });
  await assert.rejects(exchange(request, AbortSignal.abort(new Error('never wanted'))), /never wanted/);
  assert.equal(logger.cns().filter((cn) => cn === '1061').length, 1, 'what was never wanted is not asked');
  const next = exchange(request, new AbortController().signal);
  await settle();
  await logger.say('1061', 'RtdInterval=31', { qn: logger.heard.at(-1)?.qn as string });
  assert.deepEqual(decode(await next, request), { ok: true, values: [{ point: 'interval', value: 31 }] });
  stop.abort();
  assert.deepEqual([port.codes(), station.given()], [[], [1]]);
  await station.end();
});

test('a request of a station that was never there, that left, and that leaves meanwhile: each is told apart', async () => {
  const port = memoryPort();
  const station = await port.station(POINTS);
  const exchange = station.link.exchange as NonNullable<typeof station.link.exchange>;
  const request = writeRequest('realtimeInterval', 45);
  const { signal } = new AbortController();
  const here = { mn: MN, address: '127.0.0.1:8212' };
  await assert.rejects(exchange(request, signal), (error) => isFault('CV_HJ212_ABSENT')(error) && assert.deepEqual((error as FaultError).fault.params, here) === undefined);
  const logger = port.dial();
  await logger.say('2011', upload(1));
  const other = port.dial();
  await other.say('2011', upload(2), { mn: 'B2' });
  let isOver = false;
  const left = assert.rejects(exchange(request, signal).finally(() => { isOver = true; }), (error) => isFault('CV_HJ212_LEFT')(error) && assert.deepEqual((error as FaultError).fault.params, here) === undefined);
  await settle();
  await other.hangUp();
  assert.equal(isOver, false, 'another one left');
  await logger.hangUp(true);
  await left;
  await assert.rejects(exchange(request, signal), isFault('CV_HJ212_LEFT'));
  await station.end();
});

test('a request over a connection that was replaced ends when that one does, and the newer one stays', async () => {
  const { port, station, logger } = await heard();
  const request = writeRequest('realtimeInterval', 45);
  const left = assert.rejects((station.link.exchange as NonNullable<typeof station.link.exchange>)(request, new AbortController().signal), isFault('CV_HJ212_LEFT'));
  await settle();
  const newer = port.dial();
  await newer.say('2011', upload(2));
  await logger.hangUp();
  await left;
  const again = (station.link.exchange as NonNullable<typeof station.link.exchange>)(request, new AbortController().signal);
  await settle();
  await newer.say('9012', 'ExeRtn=1', { qn: newer.heard.at(-1)?.qn as string });
  assert.deepEqual(decode(await again, request), { ok: true, values: [] });
  await logger.hangUp();
  await newer.say('2011', upload(3));
  await port.clock.advanceMs(60_000);
  assert.deepEqual(station.given(), [1, 2, 3]);
  await station.end();
});

test('uploads are answered when they ask for it, always or never, as it is set; what no point reads too', async () => {
  const answers = async (answer: string, flag: string) => {
    const { station, logger } = await heard({ answer }, { flag });
    await logger.say('2061', 'DataTime=20260101070000;a34004-Avg=9', { flag });
    await logger.say('9021', '', { flag });
    await logger.say('9013', '', { flag });
    await station.end();
    return logger.cns();
  };
  const all = ['9014', '9014', '9014'];
  assert.deepEqual([await answers('asked', 'Flag=5'), await answers('asked', 'Flag=4')], [all, []]);
  assert.deepEqual([await answers('always', 'Flag=5'), await answers('always', 'Flag=4')], [all, all]);
  assert.deepEqual([await answers('never', 'Flag=5'), await answers('never', 'Flag=4')], [[], []]);
});

test('an answer has the number and the password of what it answers, the system of interaction and the edition, found or set', async () => {
  for (const [edition, flag, said] of [['auto', 'Flag=5', '4'], ['auto', 'Flag=9', '8'], ['auto', 'Flag=1', '0'], ['2005', 'Flag=5', '0'], ['2017', 'Flag=9', '4'], ['2025', 'Flag=5', '8']] as const) {
    const { station, logger } = await heard({ edition }, { qn: '20260101080000123', pw: 'mine', flag });
    assert.deepEqual(logger.heard, [{ qn: '20260101080000123', st: '91', cn: '9014', pw: 'mine', mn: MN, flag: said, content: '' }], edition);
    await station.end();
  }
  const { station, logger } = await heard({}, { pw: '' });
  assert.equal(logger.heard[0]?.pw, '', 'without a password where there was none');
  await station.end();
});

test('a clock is set when its logger asks, and by itself only when that is wished, it is far off, and not again within the hour', async () => {
  const skewed = (ms: number) => stamp(memoryPort().clock.nowMs() + ms);
  const sets = async (setClock: string, cn: string, ms: number) => {
    const { station, logger } = await heard({ setClock });
    await logger.say(cn, cn === '2011' ? upload(2) : '', { qn: skewed(ms) });
    await station.end();
    return logger.cns().filter((said) => said !== '9014');
  };
  assert.deepEqual(await sets('asked', '1013', 0), ['9013', '1012']);
  assert.deepEqual(await sets('never', '1013', 0), ['9013']);
  assert.deepEqual(await sets('skewed', '1013', 0), ['9013', '1012']);
  for (const cn of ['2011', '9021']) {
    assert.deepEqual(await sets('skewed', cn, 300_000), []);
    assert.deepEqual(await sets('skewed', cn, 300_001), ['1012']);
    assert.deepEqual(await sets('skewed', cn, -300_001), ['1012']);
    assert.deepEqual(await sets('asked', cn, 3_600_000), []);
  }
  assert.deepEqual(await sets('skewed', '2061', 3_600_000), [], 'history is old');

  const { port, station, logger } = await heard({ setClock: 'skewed' });
  const late = async () => { await logger.say('9021', '', { qn: stamp(port.clock.nowMs() + 3_600_000), flag: 'Flag=4' }); };
  await late();
  await port.clock.advanceMs(3_599_999);
  await late();
  assert.equal(logger.cns().filter((cn) => cn === '1012').length, 1);
  await port.clock.advanceMs(1);
  await late();
  const requests = logger.heard.filter(({ cn }) => cn === '1012');
  assert.deepEqual(requests.map(({ content }) => content), ['SystemTime=20260101080000', 'SystemTime=20260101090000']);
  await logger.say('9021', '', { qn: 'not a time' });
  await station.end();
});

test('a clock that was never set sets no other', async () => {
  const port = memoryPort();
  let isTrusted = false;
  Object.assign(port.clock, { trust: { isTrusted: () => isTrusted, jumpedMs: () => 0 } } satisfies Pick<World['clock'], 'trust'>);
  const station = await port.station(POINTS);
  const logger = port.dial();
  await logger.say('1013', '');
  assert.deepEqual(logger.cns(), ['9013']);
  isTrusted = true;
  await logger.say('1013', '');
  assert.deepEqual(logger.cns(), ['9013', '9013', '1012']);
  await station.end();
});

test('a repetition is answered with the first while that is being put on disk, and given again when that takes too long', async () => {
  const port = memoryPort();
  const station = await port.station(POINTS, {}, false);
  const logger = port.dial();
  const first = await logger.say('2011', upload(1));
  await port.clock.advanceMs(2999);
  const second = await logger.say('2011', upload(1));
  assert.deepEqual([station.given(), logger.heard], [[1], []]);
  station.link.taken?.(station.frames[0] as Hj212Frame);
  assert.deepEqual(logger.heard.map(({ qn, cn }) => [qn, cn]), [[first, '9014'], [second, '9014']]);
  station.link.taken?.(station.frames[0] as Hj212Frame);
  await logger.say('2011', upload(2));
  await port.clock.advanceMs(3000);
  const again = await logger.say('2011', upload(2));
  assert.deepEqual(station.given(), [1, 2, 2]);
  station.link.taken?.(station.frames[2] as Hj212Frame);
  assert.equal(logger.heard.at(-1)?.qn, again);
  await port.clock.advanceMs(60_000);
  await logger.say('2011', upload(9));
  await port.clock.advanceMs(2999);
  await logger.say('2011', upload(9));
  assert.deepEqual(station.given().splice(3), [9]);
  station.frames.pop();
  // Another time, part or kind is another upload.
  await logger.say('2011', upload(2, 3));
  await logger.say('2011', upload(2, 3), { flag: 'Flag=7;PNUM=2;PNO=2' });
  assert.deepEqual(station.given(), [1, 2, 2, 2, 2]);
  await station.end();
});

test('what was on disk is answered at once, for the newest 512 uploads', async () => {
  const port = memoryPort();
  const station = await port.station(POINTS);
  const logger = port.dial();
  const content = (turn: number) => `DataTime=20260101080000;a34004-Rtd=${turn},a34004-Flag=N`;
  for (let turn = 0; turn < 513; turn += 1) await logger.say('2011', content(turn));
  await logger.say('2011', content(1));
  assert.equal(station.frames.length, 513);
  await logger.say('2011', content(0));
  assert.equal(station.frames.length, 514, 'the oldest is not remembered');
  assert.equal(logger.cns().length, 515);
  await station.end();
});

test('packets of one upload: those before the time wait for it, no more than thirty seconds; later ones have it', async () => {
  const port = memoryPort();
  const station = await port.station(POINTS);
  const logger = port.dial();
  const part = (number: number, of = 3) => ({ qn: '20260101080000555', flag: `Flag=7;PNUM=${of};PNO=${number}` });
  await logger.say('2011', 'a34004-Rtd=3,a34004-Flag=N', part(3));
  await logger.say('2011', 'a34004-Rtd=2,a34004-Flag=N', part(2));
  assert.deepEqual([station.given(), logger.cns()], [[], []]);
  await port.clock.advanceMs(29_999);
  await logger.say('2011', upload(1), part(1));
  await logger.say('2011', 'a34004-Rtd=4,a34004-Flag=N', part(3));
  assert.deepEqual(station.given().filter((value) => typeof value === 'number'), [1, 3, 2, 4]);
  const times = station.frames.flatMap((frame) => {
    const decoded = decode(frame);
    return decoded.ok ? (decoded.values ?? []).map(({ deviceAt }) => deviceAt) : [];
  });
  assert.deepEqual(times, Array.from({ length: 4 }, () => Date.UTC(2026, 0, 1, 0, 0, 1)));
  await port.clock.advanceMs(60_000);
  assert.deepEqual(port.codes(), [], 'whose time came waits no more');

  const lost = { qn: '20260101080000666', flag: 'Flag=7;PNUM=2;PNO=2' };
  await logger.say('2011', 'a34004-Rtd=5,a34004-Flag=N', lost);
  await port.clock.advanceMs(29_999);
  assert.deepEqual(port.codes(), []);
  await port.clock.advanceMs(1);
  assert.deepEqual(port.faults, [{ code: 'CV_HJ212_PART', params: { mn: MN, number: 2, of: 2 } }]);
  assert.deepEqual(port.told.filter(({ kind }) => kind === 'samples_lost'), [{ kind: 'samples_lost', count: 1, reason: 'frame_unreadable', intended: false }]);
  // A whole upload without a time is of now.
  await logger.say('2011', 'a34004-Rtd=6,a34004-Flag=N');
  assert.equal(station.given().at(-1), 6);
  await logger.say('2011', 'a34004-Rtd=7,a34004-Flag=N', { ...lost, qn: '20260101080000777' });
  await station.end();
  await port.clock.advanceMs(60_000);
  assert.equal(port.codes().length, 1, 'a link that is closed waits for nothing');
});

test('parts that wait are bounded, and so are uploads that nobody takes', async () => {
  const port = memoryPort();
  const station = await port.station(POINTS);
  const logger = port.dial();
  const part = (number: number) => ({ qn: '20260101080000555', flag: `Flag=7;PNUM=99;PNO=${number}` });
  for (let number = 2; number <= 67; number += 1) await logger.say('2011', `a34004-Rtd=${number},a34004-Flag=N`, part(number));
  await logger.say('2011', upload(1), part(1));
  assert.equal(station.given().length, 65);
  await station.end();
});

test('of uploads that nobody takes a thousand wait; the others are left unanswered, so that they come again', async () => {
  const port = memoryPort();
  const { open } = await import('./link.ts');
  const link = await open(settings.parse({ listen: '127.0.0.1:8212', mn: MN }), [{ id: 'pm25', ...(point.parse({ factor: 'a34004' }) as Hj212Point) }], port.world);
  const logger = port.dial();
  const packets = Array.from({ length: 1002 }, (_, turn) => framed(`QN=${stamp(port.clock.nowMs() + turn)};ST=22;CN=2011;PW=1;MN=${MN};Flag=5;CP=&&DataTime=20260101080000;a34004-Rtd=${turn},a34004-Flag=N&&`));
  await logger.bytes(Buffer.concat(packets));
  const taken: Hj212Frame[] = [];
  const ending = new AbortController();
  const listening = link.listen?.((frame) => { taken.push(frame); }, ending.signal);
  assert.equal(taken.length, 1000);
  assert.deepEqual(logger.heard, []);
  ending.abort();
  await listening;
  await link.close();
});

test('one that is here is not away, though it says nothing that a point reads', async () => {
  const port = memoryPort();
  const station = await port.station(POINTS);
  await port.clock.advanceMs(14_999);
  const logger = port.dial();
  await logger.say('9021', '');
  await port.clock.advanceMs(20_000);
  assert.deepEqual(station.given(), []);
  await logger.hangUp();
  await port.clock.advanceMs(14_999);
  assert.deepEqual(station.given(), []);
  await port.clock.advanceMs(1);
  assert.deepEqual(station.given(), ['CV_HJ212_LEFT']);
  await station.end();
});

test('another password: nothing is taken, told once; only who asks for the time hears of it, and no password', async () => {
  const port = memoryPort();
  const station = await port.station(POINTS, { password: 'right' });
  const wrong = port.dial();
  for (const cn of ['2011', '9021', '1013', '9012', '2011']) await wrong.say(cn, upload(1), { pw: 'wrong', qn: '20260101080000999' });
  assert.deepEqual(wrong.heard, [{ qn: '20260101080000999', st: '91', cn: '9011', pw: '', mn: MN, flag: '4', content: 'QnRtn=3' }]);
  assert.deepEqual(port.faults, [{ code: 'CV_HJ212_PASSWORD', params: { mn: MN } }]);
  assert.deepEqual(station.given(), []);
  await assert.rejects((station.link.exchange as NonNullable<typeof station.link.exchange>)(writeRequest('realtimeInterval', 45), new AbortController().signal), isFault('CV_HJ212_ABSENT'));
  const right = port.dial();
  await right.say('2011', upload(1), { pw: 'right' });
  assert.deepEqual(station.given(), [1]);
  await station.end();
});

test('a connection that nobody needs any more is a newcomer: the one that took its place is not', async () => {
  const { port, station, logger } = await heard();
  await port.clock.advanceMs(1);
  const newer = port.dial();
  await newer.say('2011', upload(2));
  const other = await port.station([{ id: 'pm25', factor: 'a34004' }], { mn: 'B2' });
  await logger.say('2011', upload(3), { mn: 'B2' });
  // 256 newcomers of one address make way for each other.
  const idle = Array.from({ length: 257 }, () => port.dial());
  await settle();
  assert.deepEqual([logger.isLetGo, newer.isLetGo, idle[0]?.isLetGo, idle[1]?.isLetGo], [false, false, true, false], 'it carries another station still');
  await other.end();
  for (let turn = 0; turn < 257; turn += 1) port.dial();
  await settle();
  assert.deepEqual([logger.isLetGo, newer.isLetGo, idle[1]?.isLetGo], [true, false, true]);
  await station.end();
});

test('what is remembered of a logger is bounded: repetitions of one upload, uploads on their way to disk, times of split uploads', async () => {
  const port = memoryPort();
  const station = await port.station(POINTS, {}, false);
  const logger = port.dial();
  for (let turn = 0; turn < 66; turn += 1) await logger.say('2011', upload(1));
  station.link.taken?.(station.frames[0] as Hj212Frame);
  assert.deepEqual([station.frames.length, logger.cns().length], [1, 65], 'the first, and 64 repetitions');

  const content = (turn: number) => `DataTime=20260101080000;a34004-Rtd=${turn},a34004-Flag=N`;
  for (let turn = 0; turn < 513; turn += 1) await logger.say('2011', content(1000 + turn));
  assert.equal(station.frames.length, 514);
  await logger.say('2011', content(1001));
  assert.equal(station.frames.length, 514);
  await logger.say('2011', content(1000));
  assert.equal(station.frames.length, 515, 'the oldest is forgotten');

  const part = (turn: number, number: number) => ({ qn: `20260101090000${String(turn).padStart(3, '0')}`, flag: `Flag=7;PNUM=2;PNO=${number}` });
  for (let turn = 0; turn < 65; turn += 1) await logger.say('2011', content(2000 + turn), part(turn, 1));
  assert.equal(station.frames.length, 580);
  await logger.say('2011', 'a34004-Rtd=5,a34004-Flag=N', part(1, 2));
  assert.equal(station.frames.length, 581);
  await logger.say('2011', 'a34004-Rtd=6,a34004-Flag=N', part(0, 2));
  assert.equal(station.frames.length, 581, 'its time is forgotten: it waits');
  await port.clock.advanceMs(30_000);
  assert.deepEqual(port.faults, [{ code: 'CV_HJ212_PART', params: { mn: MN, number: 2, of: 2 } }]);
  await station.end();
});

test('an upload\'s time stands anywhere in its content, with blanks around it', async () => {
  const { station, logger } = await heard({ history: ['minute'] });
  const part = (number: number) => ({ qn: '20260101090000001', flag: `Flag=7;PNUM=2;PNO=${number}` });
  await logger.say('2011', 'a34004-Rtd=5,a34004-Flag=N', part(2));
  await logger.say('2011', 'a34002-Rtd=4 , DataTime = 20260101080005 ;a34004-Rtd=6', part(1));
  const times = station.frames.slice(1).map((frame) => {
    const decoded = decode(frame);
    return decoded.ok ? decoded.values?.[0]?.deviceAt : null;
  });
  assert.deepEqual([station.given(), times], [[1, 6, 5], [Date.UTC(2026, 0, 1, 0, 0, 5), Date.UTC(2026, 0, 1, 0, 0, 5)]]);
  await station.end();
});
