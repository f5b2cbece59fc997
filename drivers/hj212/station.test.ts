import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decode } from './decode.ts';
import { FaultError } from '../../core/faults.ts';
import { settle } from '../../core/testing/virtual-clock.ts';
import type { World } from '../../core/world.ts';
import { parameterReadRequest, parameterWriteRequest, type Hj212Frame } from './frame.ts';
import { memoryPort, TEST_MN, type Hj212HeaderFields } from './testing/memory-port.ts';
import { hj212PacketBytes, qnText } from './testing/data-logger.ts';
import { point, settings, type Hj212Point } from './settings.ts';

const POINTS = [
  { id: 'pm25', factor: 'a34004' },
  { id: 'interval', parameter: 'realtimeInterval' },
];
const upload = (value: number, second = value % 60) =>
  `DataTime=202601010800${String(second).padStart(2, '0')};a34004-Rtd=${value},a34004-Flag=N`;
const isFault = (code: string) => (error: unknown) => error instanceof FaultError && error.fault.code === code;

/** A logger after its first upload, and its station. */
async function connectedLogger(settings: Record<string, unknown> = {}, more: Hj212HeaderFields = {}) {
  const port = memoryPort();
  const station = await port.station(POINTS, settings);
  const logger = port.dial();
  await logger.send('2011', upload(1), more);
  return { port, station, logger };
}

test('answers belong to the request with their QN: two at once, answered in reverse order', async () => {
  const { station, logger } = await connectedLogger();
  const { signal } = new AbortController();
  const order: string[] = [];
  const ask = (name: string, request = parameterReadRequest('interval', 'realtimeInterval')) =>
    (station.link.exchange as NonNullable<typeof station.link.exchange>)(request, signal).then((frame) => {
      order.push(name);
      return frame;
    });
  const [first, second] = [ask('first'), ask('second')];
  await settle();
  const [a, b] = logger.received.filter(({ cn }) => cn === '1061').map(({ qn }) => qn) as [string, string];
  assert.notEqual(a, b, 'two requests of one millisecond are two');
  await logger.send('9011', 'QnRtn=1', { qn: a });
  await logger.send('9011', 'QnRtn=1', { qn: b });
  await logger.send('9012', 'ExeRtn=1', { qn: '20200101000000000' });
  assert.deepEqual(order, [], 'acceptance is no answer, and another QN does not count');
  await logger.send('1061', 'RtdInterval=60', { qn: b });
  await logger.send('1061', 'RtdInterval=30', { qn: a });
  const valuesOf = async (asking: Promise<Hj212Frame>) => decode(await asking, parameterReadRequest('interval', 'realtimeInterval'));
  assert.deepEqual(await valuesOf(first), { ok: true, values: [{ point: 'interval', value: 30 }] });
  assert.deepEqual(await valuesOf(second), { ok: true, values: [{ point: 'interval', value: 60 }] });
  assert.deepEqual(order, ['second', 'first']);
  await station.end();
});

test('a write is done with its result, not with data of the same command; a refusal ends it at once', async () => {
  const { station, logger } = await connectedLogger();
  const { signal } = new AbortController();
  const request = parameterWriteRequest('realtimeInterval', 45);
  const exchange = station.link.exchange as NonNullable<typeof station.link.exchange>;
  let isOver = false;
  const setting = exchange(request, signal).finally(() => { isOver = true; });
  await settle();
  const asked = logger.received.at(-1);
  assert.deepEqual({ ...asked, qn: '' }, { qn: '', st: '22', cn: '1062', pw: '123456', mn: TEST_MN, flag: '5', content: 'RtdInterval=45' });
  await logger.send('9011', 'QnRtn=1', { qn: asked?.qn as string });
  await logger.send('1062', 'RtdInterval=45', { qn: asked?.qn as string });
  await logger.send('9014', '', { qn: asked?.qn as string });
  assert.equal(isOver, false);
  await logger.send('9012', 'ExeRtn=1', { qn: asked?.qn as string });
  assert.deepEqual(decode(await setting, request), { ok: true, values: [] });
  const refused = exchange(request, signal);
  await settle();
  await logger.send('9011', 'QnRtn=10', { qn: logger.received.at(-1)?.qn as string });
  const decoded = decode(await refused, request);
  assert.ok(!decoded.ok && decoded.fault.code === 'CV_HJ212_REFUSED' && decoded.fault.params.answer === 'QnRtn=10', 'ten is not one');
  assert.deepEqual(logger.cns(), ['9014', '1062', '1062'], 'answers are not answered');
  await station.end();
});

test('after an abort a late answer is ignored, and the next request has its own QN', async () => {
  const { port, station, logger } = await connectedLogger();
  const exchange = station.link.exchange as NonNullable<typeof station.link.exchange>;
  const request = parameterReadRequest('interval', 'realtimeInterval');
  const stop = new AbortController();
  const stopped = assert.rejects(exchange(request, stop.signal), /no longer wanted/);
  await settle();
  const { qn } = logger.received.at(-1) as { qn: string };
  stop.abort(new Error('no longer wanted'));
  await stopped;
  await logger.send('9011', 'QnRtn=1', { qn });
  await logger.send('1061', 'RtdInterval=30', { qn });
  await logger.send('9012', 'ExeRtn=1', { qn });
  await assert.rejects(exchange(request, AbortSignal.abort(new Error('never wanted'))), /never wanted/);
  assert.equal(logger.cns().filter((cn) => cn === '1061').length, 1, 'an aborted request is not sent');
  const next = exchange(request, new AbortController().signal);
  await settle();
  await logger.send('1061', 'RtdInterval=31', { qn: logger.received.at(-1)?.qn as string });
  assert.deepEqual(decode(await next, request), { ok: true, values: [{ point: 'interval', value: 31 }] });
  stop.abort();
  assert.deepEqual([port.codes(), station.given()], [[], [1]]);
  await station.end();
});

test('a request fails differently for a station that never connected, that disconnected, and that disconnects meanwhile', async () => {
  const port = memoryPort();
  const station = await port.station(POINTS);
  const exchange = station.link.exchange as NonNullable<typeof station.link.exchange>;
  const request = parameterWriteRequest('realtimeInterval', 45);
  const { signal } = new AbortController();
  const here = { mn: TEST_MN, address: '127.0.0.1:8212' };
  await assert.rejects(
    exchange(request, signal),
    (error) => isFault('CV_HJ212_ABSENT')(error) && assert.deepEqual((error as FaultError).fault.params, here) === undefined,
  );
  const logger = port.dial();
  await logger.send('2011', upload(1));
  const other = port.dial();
  await other.send('2011', upload(2), { mn: 'B2' });
  let isOver = false;
  const left = assert.rejects(
    exchange(request, signal).finally(() => {
      isOver = true;
    }),
    (error) => isFault('CV_HJ212_LEFT')(error) && assert.deepEqual((error as FaultError).fault.params, here) === undefined,
  );
  await settle();
  await other.hangUp();
  assert.equal(isOver, false, 'another one disconnected');
  await logger.hangUp(true);
  await left;
  await assert.rejects(exchange(request, signal), isFault('CV_HJ212_LEFT'));
  await station.end();
});

test('a request over a replaced connection ends with it, and the newer connection stays', async () => {
  const { port, station, logger } = await connectedLogger();
  const request = parameterWriteRequest('realtimeInterval', 45);
  const left = assert.rejects(
    (station.link.exchange as NonNullable<typeof station.link.exchange>)(request, new AbortController().signal),
    isFault('CV_HJ212_LEFT'),
  );
  await settle();
  const newer = port.dial();
  await newer.send('2011', upload(2));
  await logger.hangUp();
  await left;
  const again = (station.link.exchange as NonNullable<typeof station.link.exchange>)(request, new AbortController().signal);
  await settle();
  await newer.send('9012', 'ExeRtn=1', { qn: newer.received.at(-1)?.qn as string });
  assert.deepEqual(decode(await again, request), { ok: true, values: [] });
  await logger.hangUp();
  await newer.send('2011', upload(3));
  await port.clock.advanceMs(60_000);
  assert.deepEqual(station.given(), [1, 2, 3]);
  await station.end();
});

test('uploads are answered when they ask for it, always or never, as configured; also those that no point reads', async () => {
  const answers = async (answer: string, flag: string) => {
    const { station, logger } = await connectedLogger({ answer }, { flag });
    await logger.send('2061', 'DataTime=20260101070000;a34004-Avg=9', { flag });
    await logger.send('9021', '', { flag });
    await logger.send('9013', '', { flag });
    await station.end();
    return logger.cns();
  };
  const all = ['9014', '9014', '9014'];
  assert.deepEqual([await answers('asked', 'Flag=5'), await answers('asked', 'Flag=4')], [all, []]);
  assert.deepEqual([await answers('always', 'Flag=5'), await answers('always', 'Flag=4')], [all, all]);
  assert.deepEqual([await answers('never', 'Flag=5'), await answers('never', 'Flag=4')], [[], []]);
});

test('an answer has the QN and password of its upload, the system type of interaction and the edition, detected or configured', async () => {
  for (const [edition, flag, said] of [
    ['auto', 'Flag=5', '4'],
    ['auto', 'Flag=9', '8'],
    ['auto', 'Flag=1', '0'],
    ['2005', 'Flag=5', '0'],
    ['2017', 'Flag=9', '4'],
    ['2025', 'Flag=5', '8'],
  ] as const) {
    const { station, logger } = await connectedLogger({ edition }, { qn: '20260101080000123', pw: 'mine', flag });
    assert.deepEqual(
      logger.received,
      [{ qn: '20260101080000123', st: '91', cn: '9014', pw: 'mine', mn: TEST_MN, flag: said, content: '' }],
      edition,
    );
    await station.end();
  }
  const { station, logger } = await connectedLogger({}, { pw: '' });
  assert.equal(logger.received[0]?.pw, '', 'without a password where there was none');
  await station.end();
});

test('a clock is set when its logger asks, and unasked only if configured, when far off, once an hour', async () => {
  const skewed = (ms: number) => qnText(memoryPort().clock.nowMs() + ms);
  const sets = async (setClock: string, cn: string, ms: number) => {
    const { station, logger } = await connectedLogger({ setClock });
    await logger.send(cn, cn === '2011' ? upload(2) : '', { qn: skewed(ms) });
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

  const { port, station, logger } = await connectedLogger({ setClock: 'skewed' });
  const late = async () => { await logger.send('9021', '', { qn: qnText(port.clock.nowMs() + 3_600_000), flag: 'Flag=4' }); };
  await late();
  await port.clock.advanceMs(3_599_999);
  await late();
  assert.equal(logger.cns().filter((cn) => cn === '1012').length, 1);
  await port.clock.advanceMs(1);
  await late();
  const requests = logger.received.filter(({ cn }) => cn === '1012');
  assert.deepEqual(requests.map(({ content }) => content), ['SystemTime=20260101080000', 'SystemTime=20260101090000']);
  await logger.send('9021', '', { qn: 'not a time' });
  await station.end();
});

test('a clock that was never synchronized does not set another', async () => {
  const port = memoryPort();
  let isTrusted = false;
  Object.assign(port.clock, { trust: { isTrusted: () => isTrusted, jumpedMs: () => 0 } } satisfies Pick<World['clock'], 'trust'>);
  const station = await port.station(POINTS);
  const logger = port.dial();
  await logger.send('1013', '');
  assert.deepEqual(logger.cns(), ['9013']);
  isTrusted = true;
  await logger.send('1013', '');
  assert.deepEqual(logger.cns(), ['9013', '9013', '1012']);
  await station.end();
});

test('a repetition is answered with the first while that is being stored, and handed on again when that takes too long', async () => {
  const port = memoryPort();
  const station = await port.station(POINTS, {}, false);
  const logger = port.dial();
  const first = await logger.send('2011', upload(1));
  await port.clock.advanceMs(2999);
  const second = await logger.send('2011', upload(1));
  assert.deepEqual([station.given(), logger.received], [[1], []]);
  station.link.confirmStored?.(station.frames[0] as Hj212Frame);
  assert.deepEqual(logger.received.map(({ qn, cn }) => [qn, cn]), [[first, '9014'], [second, '9014']]);
  station.link.confirmStored?.(station.frames[0] as Hj212Frame);
  await logger.send('2011', upload(2));
  await port.clock.advanceMs(3000);
  const again = await logger.send('2011', upload(2));
  assert.deepEqual(station.given(), [1, 2, 2]);
  station.link.confirmStored?.(station.frames[2] as Hj212Frame);
  assert.equal(logger.received.at(-1)?.qn, again);
  await port.clock.advanceMs(60_000);
  await logger.send('2011', upload(9));
  await port.clock.advanceMs(2999);
  await logger.send('2011', upload(9));
  assert.deepEqual(station.given().splice(3), [9]);
  station.frames.pop();
  // Another time, part or kind is another upload.
  await logger.send('2011', upload(2, 3));
  await logger.send('2011', upload(2, 3), { flag: 'Flag=7;PNUM=2;PNO=2' });
  assert.deepEqual(station.given(), [1, 2, 2, 2, 2]);
  await station.end();
});

test('a repetition of a stored upload is answered at once, for the newest 512 uploads', async () => {
  const port = memoryPort();
  const station = await port.station(POINTS);
  const logger = port.dial();
  const content = (turn: number) => `DataTime=20260101080000;a34004-Rtd=${turn},a34004-Flag=N`;
  for (let turn = 0; turn < 513; turn += 1) await logger.send('2011', content(turn));
  await logger.send('2011', content(1));
  assert.equal(station.frames.length, 513);
  await logger.send('2011', content(0));
  assert.equal(station.frames.length, 514, 'the oldest is not remembered');
  assert.equal(logger.cns().length, 515);
  await station.end();
});

test('packets of one upload: those before the time wait for it up to thirty seconds; later ones have it', async () => {
  const port = memoryPort();
  const station = await port.station(POINTS);
  const logger = port.dial();
  const part = (number: number, of = 3) => ({ qn: '20260101080000555', flag: `Flag=7;PNUM=${of};PNO=${number}` });
  await logger.send('2011', 'a34004-Rtd=3,a34004-Flag=N', part(3));
  await logger.send('2011', 'a34004-Rtd=2,a34004-Flag=N', part(2));
  assert.deepEqual([station.given(), logger.cns()], [[], []]);
  await port.clock.advanceMs(29_999);
  await logger.send('2011', upload(1), part(1));
  await logger.send('2011', 'a34004-Rtd=4,a34004-Flag=N', part(3));
  assert.deepEqual(station.given().filter((value) => typeof value === 'number'), [1, 3, 2, 4]);
  const times = station.frames.flatMap((frame) => {
    const decoded = decode(frame);
    return decoded.ok ? (decoded.values ?? []).map(({ deviceAt }) => deviceAt) : [];
  });
  assert.deepEqual(times, Array.from({ length: 4 }, () => Date.UTC(2026, 0, 1, 0, 0, 1)));
  await port.clock.advanceMs(60_000);
  assert.deepEqual(port.codes(), [], 'a packet with its time does not wait');

  const lost = { qn: '20260101080000666', flag: 'Flag=7;PNUM=2;PNO=2' };
  await logger.send('2011', 'a34004-Rtd=5,a34004-Flag=N', lost);
  await port.clock.advanceMs(29_999);
  assert.deepEqual(port.codes(), []);
  await port.clock.advanceMs(1);
  assert.deepEqual(port.faults, [{ code: 'CV_HJ212_PART', params: { mn: TEST_MN, number: 2, of: 2 } }]);
  assert.deepEqual(
    port.told.filter(({ kind }) => kind === 'samples_lost'),
    [{ kind: 'samples_lost', count: 1, reason: 'frame_unreadable', intended: false }],
  );
  // A whole upload without a time is of now.
  await logger.send('2011', 'a34004-Rtd=6,a34004-Flag=N');
  assert.equal(station.given().at(-1), 6);
  await logger.send('2011', 'a34004-Rtd=7,a34004-Flag=N', { ...lost, qn: '20260101080000777' });
  await station.end();
  await port.clock.advanceMs(60_000);
  assert.equal(port.codes().length, 1, 'a closed link has no timers');
});

test('waiting packets are bounded', async () => {
  const port = memoryPort();
  const station = await port.station(POINTS);
  const logger = port.dial();
  const part = (number: number) => ({ qn: '20260101080000555', flag: `Flag=7;PNUM=99;PNO=${number}` });
  for (let number = 2; number <= 67; number += 1) await logger.send('2011', `a34004-Rtd=${number},a34004-Flag=N`, part(number));
  await logger.send('2011', upload(1), part(1));
  assert.equal(station.given().length, 65);
  await station.end();
});

test('a thousand uploads wait; further ones stay unanswered, so that they are sent again', async () => {
  const port = memoryPort();
  const { open } = await import('./link.ts');
  const link = await open(
    settings.parse({ listen: '127.0.0.1:8212', mn: TEST_MN }),
    [{ id: 'pm25', ...(point.parse({ factor: 'a34004' }) as Hj212Point) }],
    port.world,
  );
  const logger = port.dial();
  const packets = Array.from({ length: 1002 }, (_, turn) =>
    hj212PacketBytes(
      `QN=${qnText(port.clock.nowMs() + turn)};ST=22;CN=2011;PW=1;MN=${TEST_MN};Flag=5;CP=&&DataTime=20260101080000;a34004-Rtd=${turn},a34004-Flag=N&&`,
    ),
  );
  await logger.sendBytes(Buffer.concat(packets));
  const taken: Hj212Frame[] = [];
  const ending = new AbortController();
  const listening = link.listen?.((frame) => { taken.push(frame); }, ending.signal);
  assert.equal(taken.length, 1000);
  assert.deepEqual(logger.received, []);
  ending.abort();
  await listening;
  await link.close();
});

test('a connected logger is not away, though it sends nothing that a point reads', async () => {
  const port = memoryPort();
  const station = await port.station(POINTS);
  await port.clock.advanceMs(14_999);
  const logger = port.dial();
  await logger.send('9021', '');
  await port.clock.advanceMs(20_000);
  assert.deepEqual(station.given(), []);
  await logger.hangUp();
  await port.clock.advanceMs(14_999);
  assert.deepEqual(station.given(), []);
  await port.clock.advanceMs(1);
  assert.deepEqual(station.given(), ['CV_HJ212_LEFT']);
  await station.end();
});

test('another password: no frame, reported once; only a time request is refused, without a password', async () => {
  const port = memoryPort();
  const station = await port.station(POINTS, { password: 'right' });
  const wrong = port.dial();
  for (const cn of ['2011', '9021', '1013', '9012', '2011']) await wrong.send(cn, upload(1), { pw: 'wrong', qn: '20260101080000999' });
  assert.deepEqual(wrong.received, [{ qn: '20260101080000999', st: '91', cn: '9011', pw: '', mn: TEST_MN, flag: '4', content: 'QnRtn=3' }]);
  assert.deepEqual(port.faults, [{ code: 'CV_HJ212_PASSWORD', params: { mn: TEST_MN } }]);
  assert.deepEqual(station.given(), []);
  await assert.rejects(
    (station.link.exchange as NonNullable<typeof station.link.exchange>)(
      parameterWriteRequest('realtimeInterval', 45),
      new AbortController().signal,
    ),
    isFault('CV_HJ212_ABSENT'),
  );
  const right = port.dial();
  await right.send('2011', upload(1), { pw: 'right' });
  assert.deepEqual(station.given(), [1]);
  await station.end();
});

test('a connection that no station uses is new again; the one that replaced it is not', async () => {
  const { port, station, logger } = await connectedLogger();
  await port.clock.advanceMs(1);
  const newer = port.dial();
  await newer.send('2011', upload(2));
  const other = await port.station([{ id: 'pm25', factor: 'a34004' }], { mn: 'B2' });
  await logger.send('2011', upload(3), { mn: 'B2' });
  // 256 newcomers of one address make way for each other.
  const idle = Array.from({ length: 257 }, () => port.dial());
  await settle();
  assert.deepEqual(
    [logger.isDisconnected, newer.isDisconnected, idle[0]?.isDisconnected, idle[1]?.isDisconnected],
    [false, false, true, false],
    'it carries another station still',
  );
  await other.end();
  for (let turn = 0; turn < 257; turn += 1) port.dial();
  await settle();
  assert.deepEqual([logger.isDisconnected, newer.isDisconnected, idle[1]?.isDisconnected], [true, false, true]);
  await station.end();
});

test('the state of a station is bounded: repetitions, uploads being stored, times of split uploads', async () => {
  const port = memoryPort();
  const station = await port.station(POINTS, {}, false);
  const logger = port.dial();
  for (let turn = 0; turn < 66; turn += 1) await logger.send('2011', upload(1));
  station.link.confirmStored?.(station.frames[0] as Hj212Frame);
  assert.deepEqual([station.frames.length, logger.cns().length], [1, 65], 'the first, and 64 repetitions');

  const content = (turn: number) => `DataTime=20260101080000;a34004-Rtd=${turn},a34004-Flag=N`;
  for (let turn = 0; turn < 513; turn += 1) await logger.send('2011', content(1000 + turn));
  assert.equal(station.frames.length, 514);
  await logger.send('2011', content(1001));
  assert.equal(station.frames.length, 514);
  await logger.send('2011', content(1000));
  assert.equal(station.frames.length, 515, 'the oldest is forgotten');

  const part = (turn: number, number: number) => ({
    qn: `20260101090000${String(turn).padStart(3, '0')}`,
    flag: `Flag=7;PNUM=2;PNO=${number}`,
  });
  for (let turn = 0; turn < 65; turn += 1) await logger.send('2011', content(2000 + turn), part(turn, 1));
  assert.equal(station.frames.length, 580);
  await logger.send('2011', 'a34004-Rtd=5,a34004-Flag=N', part(1, 2));
  assert.equal(station.frames.length, 581);
  await logger.send('2011', 'a34004-Rtd=6,a34004-Flag=N', part(0, 2));
  assert.equal(station.frames.length, 581, 'its time is forgotten: it waits');
  await port.clock.advanceMs(30_000);
  assert.deepEqual(port.faults, [{ code: 'CV_HJ212_PART', params: { mn: TEST_MN, number: 2, of: 2 } }]);
  await station.end();
});

test('the time of an upload may be anywhere in its content, with blanks around it', async () => {
  const { station, logger } = await connectedLogger({ history: ['minute'] });
  const part = (number: number) => ({ qn: '20260101090000001', flag: `Flag=7;PNUM=2;PNO=${number}` });
  await logger.send('2011', 'a34004-Rtd=5,a34004-Flag=N', part(2));
  await logger.send('2011', 'a34002-Rtd=4 , DataTime = 20260101080005 ;a34004-Rtd=6', part(1));
  const times = station.frames.slice(1).map((frame) => {
    const decoded = decode(frame);
    return decoded.ok ? decoded.values?.[0]?.deviceAt : null;
  });
  assert.deepEqual([station.given(), times], [[1, 6, 5], [Date.UTC(2026, 0, 1, 0, 0, 5), Date.UTC(2026, 0, 1, 0, 0, 5)]]);
  await station.end();
});
