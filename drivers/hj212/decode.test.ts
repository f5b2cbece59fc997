import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decode } from './decode.ts';
import { planOf, readRequest, writeRequest } from './frame.ts';
import { point, settings, type Hj212Point } from './settings.ts';
import { framed } from './testing/logger.ts';

const MN = '010000A8900016F000169DC0';
const OBSERVED_AT = Date.UTC(2026, 0, 1, 4, 0, 2);

function plan(points: Record<string, unknown>[], more: Record<string, unknown> = {}) {
  return planOf(points.map((one) => ({ id: String(one.id), ...(point.parse(one) as Hj212Point) })), settings.parse({ listen: '127.0.0.1:1', mn: MN, ...more }));
}

const packet = (content: string, { cn = '2011', flag = 'Flag=5;' } = {}) => framed(`QN=20260101120001000;ST=22;CN=${cn};PW=123456;MN=${MN};${flag}CP=&&${content}&&`).subarray(0, -2);

const AIR = [{ id: 'pm25', factor: 'a34004' }, { id: 'cod', factor: 'w01018' }];

function read(content: string, options: Parameters<typeof packet>[1] = {}, points: Record<string, unknown>[] = AIR, more: Record<string, unknown> = {}) {
  const decoded = decode({ is: 'upload', packet: packet(content, options), observedAt: OBSERVED_AT, plan: plan(points, more) });
  assert.ok(decoded.ok && decoded.values);
  return decoded.values;
}

test('a value has its mark as quality and the station\'s own time, UTC+8', () => {
  const marks = { N: ['good'], T: ['uncertain', 'out-of-range'], F: ['bad', 'other'], M: ['bad', 'maintenance'], C: ['bad', 'calibration'], D: ['bad', 'device'], B: ['bad', 'comm'], S: ['uncertain', 'substituted'], X: ['uncertain', 'other'] };
  for (const [mark, [quality, ...flags]] of Object.entries(marks)) {
    assert.deepEqual(read(`DataTime=20260101120000;a34004-Rtd=35.5,a34004-Flag=${mark}`), [{ point: 'pm25', value: 35.5, quality, flags, deviceAt: Date.UTC(2026, 0, 1, 4) }], mark);
  }
  assert.equal(read('DataTime=20260101120000;a34004-Rtd=1')[0]?.quality, 'uncertain', 'newer editions mark what is good');
  assert.equal(read('DataTime=20260101120000;a34004-Rtd=1', { flag: '' })[0]?.quality, 'good', '2005 has no marks');
});

test('a time later than that of its own sending is uncertain and skewed, whatever the edge\'s clock says', () => {
  const standing = (dataTime: string, mark = 'N') => read(`DataTime=${dataTime};a34004-Rtd=1,a34004-Flag=${mark}`).map(({ quality, flags }) => [quality, flags]);
  // The packet was sent at 12:00:01.000.
  assert.deepEqual(standing('20260101120000'), [['good', []]]);
  assert.deepEqual(standing('20260101120001'), [['good', []]]);
  assert.deepEqual(standing('20260101120002'), [['uncertain', ['skewed']]]);
  assert.deepEqual(standing('20270101120000'), [['uncertain', ['skewed']]]);
  assert.deepEqual(standing('20260101120002', 'T'), [['uncertain', ['out-of-range', 'skewed']]]);
  assert.deepEqual(standing('20260101120002', 'D'), [['bad', ['device', 'skewed']]]);
  // The end of a period that is labelled by its begin may lie ahead; the label itself may not.
  const hour = [{ id: 'pm25', factor: 'a34004', value: 'Avg', period: 'hour' }];
  assert.deepEqual(read('DataTime=20260101120000;a34004-Avg=2,a34004-Flag=N', { cn: '2061' }, hour)[0]?.flags, []);
  assert.deepEqual(read('DataTime=20260101130000;a34004-Avg=2,a34004-Flag=N', { cn: '2061' }, hour, { periodLabel: 'end' })[0]?.flags, ['skewed']);
});

test('codes of 2005 and marks that stand in a group of their own are read as well', () => {
  assert.deepEqual(read('DataTime=20260101120000;011-Rtd=21.4;011-Flag=N', { flag: '' }).map(({ point: id, value }) => [id, value]), [['cod', 21.4]]);
});

test('statistics carry their period, by its start or its end; what comes long after is history', () => {
  const hour = [{ id: 'pm25', factor: 'a34004', value: 'Avg', period: 'hour' }];
  const content = 'DataTime=20260101110000;a34004-Min=1,a34004-Avg=2,a34004-Max=3,a34004-Flag=N';
  const [from, to] = [Date.UTC(2026, 0, 1, 3), Date.UTC(2026, 0, 1, 4)];
  assert.deepEqual(read(content, { cn: '2061' }, hour), [{ point: 'pm25', value: 2, quality: 'good', flags: [], deviceAt: to, window: { fromAt: from, toAt: to, count: 0 } }]);
  assert.deepEqual(read(content, { cn: '2061' }, hour, { periodLabel: 'end' }).map(({ deviceAt, origin }) => [deviceAt, origin]), [[from, 'backfill']]);
  assert.deepEqual(read(content, { cn: '2051' }, hour), [], 'minute data is another upload');
});

test('what is no number is bad and says so; a time that is none gives no value', () => {
  for (const text of ['', '-', 'NaN', '1.2.3', '0x10', 'Infinity']) {
    const [value] = read(`DataTime=20260101120000;a34004-Rtd=${text},a34004-Flag=N`);
    assert.deepEqual([value?.value, value?.quality, value?.fault?.code], [null, 'bad', 'CV_HJ212_VALUE'], text);
  }
  for (const stamp of ['20261301120000', '2026010112', '20260101250000']) {
    const decoded = decode({ is: 'upload', packet: packet(`DataTime=${stamp};a34004-Rtd=1`), observedAt: OBSERVED_AT, plan: plan(AIR) });
    assert.ok(!decoded.ok && decoded.fault.code === 'CV_HJ212_TIME', stamp);
  }
});

test('a wrong check value never gives a value', () => {
  const whole = packet('DataTime=20260101120000;a34004-Rtd=35.5,a34004-Flag=N');
  for (let at = 6; at < whole.length; at += 1) {
    const broken = Uint8Array.from(whole);
    broken[at] = (broken[at] as number) ^ 1;
    const decoded = decode({ is: 'upload', packet: broken, observedAt: OBSERVED_AT, plan: plan(AIR) });
    assert.ok(!decoded.ok, `byte ${at}`);
  }
});

test('an answer gives the parameter, or the refusal in its own words', () => {
  const answer = (...parts: [cn: string, content: string][]) => parts.map(([cn, content]) => packet(content, { cn }));
  assert.deepEqual(decode({ is: 'answer', packets: answer(['9011', 'QnRtn=1'], ['1061', 'RtdInterval=30'], ['9012', 'ExeRtn=1']) }, readRequest('interval', 'realtimeInterval')), { ok: true, values: [{ point: 'interval', value: 30 }] });
  assert.deepEqual(decode({ is: 'answer', packets: answer(['9011', 'QnRtn=1'], ['9012', 'ExeRtn=1']) }, writeRequest('realtimeInterval', 30)), { ok: true, values: [] });
  for (const [cn, content] of [['9011', 'QnRtn=3'], ['9012', 'ExeRtn=5']] as const) {
    const decoded = decode({ is: 'answer', packets: answer([cn, content]) }, writeRequest('realtimeInterval', 30));
    assert.ok(!decoded.ok && decoded.fault.code === 'CV_HJ212_REFUSED' && decoded.fault.params.answer === content);
  }
});
