import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decode } from './decode.ts';
import { uploadPointMap, parameterReadRequest, parameterWriteRequest } from './frame.ts';
import { point, settings, type Hj212Point } from './settings.ts';
import { hj212PacketBytes } from './testing/data-logger.ts';

const MN = '010000A8900016F000169DC0';
const OBSERVED_AT = Date.UTC(2026, 0, 1, 4, 0, 2);

function plan(points: Record<string, unknown>[], more: Record<string, unknown> = {}) {
  return uploadPointMap(
    points.map((one) => ({ id: String(one.id), ...(point.parse(one) as Hj212Point) })),
    settings.parse({ listen: '127.0.0.1:1', mn: MN, ...more }),
  );
}

const packet = (content: string, { cn = '2011', flag = 'Flag=5;' } = {}) =>
  hj212PacketBytes(`QN=20260101120001000;ST=22;CN=${cn};PW=123456;MN=${MN};${flag}CP=&&${content}&&`).subarray(0, -2);

const AIR = [{ id: 'pm25', factor: 'a34004' }, { id: 'cod', factor: 'w01018' }];

function read(
  content: string,
  options: Parameters<typeof packet>[1] = {},
  points: Record<string, unknown>[] = AIR,
  more: Record<string, unknown> = {},
) {
  const decoded = decode({ is: 'upload', packet: packet(content, options), observedAt: OBSERVED_AT, pointMap: plan(points, more) });
  assert.ok(decoded.ok && decoded.values);
  return decoded.values;
}

test("a value has its data flag as quality and the station's own time, UTC+8", () => {
  const marks = {
    N: ['good'],
    T: ['uncertain', 'out-of-range'],
    F: ['bad', 'other'],
    M: ['bad', 'maintenance'],
    C: ['bad', 'calibration'],
    D: ['bad', 'device'],
    B: ['bad', 'comm'],
    S: ['uncertain', 'substituted'],
    X: ['uncertain', 'other'],
  };
  for (const [mark, [quality, ...flags]] of Object.entries(marks)) {
    assert.deepEqual(
      read(`DataTime=20260101120000;a34004-Rtd=35.5,a34004-Flag=${mark}`),
      [{ point: 'pm25', value: 35.5, quality, flags, deviceAt: Date.UTC(2026, 0, 1, 4) }],
      mark,
    );
  }
  assert.equal(read('DataTime=20260101120000;a34004-Rtd=1')[0]?.quality, 'uncertain', 'newer editions flag good values');
  assert.equal(read('DataTime=20260101120000;a34004-Rtd=1', { flag: '' })[0]?.quality, 'good', '2005 has no flags');
});

test("a time later than that of sending is uncertain and skewed, whatever the edge's clock", () => {
  const quality = (dataTime: string, mark = 'N') =>
    read(`DataTime=${dataTime};a34004-Rtd=1,a34004-Flag=${mark}`).map(({ quality, flags }) => [quality, flags]);
  // The packet was sent at 12:00:01.000.
  assert.deepEqual(quality('20260101120000'), [['good', []]]);
  assert.deepEqual(quality('20260101120001'), [['good', []]]);
  assert.deepEqual(quality('20260101120002'), [['uncertain', ['skewed']]]);
  assert.deepEqual(quality('20270101120000'), [['uncertain', ['skewed']]]);
  assert.deepEqual(quality('20260101120002', 'T'), [['uncertain', ['out-of-range', 'skewed']]]);
  assert.deepEqual(quality('20260101120002', 'D'), [['bad', ['device', 'skewed']]]);
  // The end of a period that is labelled by its begin may lie ahead; the label itself may not.
  const hour = [{ id: 'pm25', factor: 'a34004', value: 'Avg', period: 'hour' }];
  assert.deepEqual(read('DataTime=20260101120000;a34004-Avg=2,a34004-Flag=N', { cn: '2061' }, hour)[0]?.flags, []);
  assert.deepEqual(read('DataTime=20260101130000;a34004-Avg=2,a34004-Flag=N', { cn: '2061' }, hour, { periodLabel: 'end' })[0]?.flags, [
    'skewed',
  ]);
});

test('codes of 2005 and data flags in a group of their own are read', () => {
  assert.deepEqual(
    read('DataTime=20260101120000;011-Rtd=21.4;011-Flag=N', { flag: '' }).map(({ point: id, value }) => [id, value]),
    [['cod', 21.4]],
  );
});

test('statistics have their period, by its start or its end; late ones are backfill', () => {
  const hour = [{ id: 'pm25', factor: 'a34004', value: 'Avg', period: 'hour' }];
  const content = 'DataTime=20260101110000;a34004-Min=1,a34004-Avg=2,a34004-Max=3,a34004-Flag=N';
  const [from, to] = [Date.UTC(2026, 0, 1, 3), Date.UTC(2026, 0, 1, 4)];
  assert.deepEqual(read(content, { cn: '2061' }, hour), [
    { point: 'pm25', value: 2, quality: 'good', flags: [], deviceAt: to, window: { fromAt: from, toAt: to, count: 0 } },
  ]);
  assert.deepEqual(
    read(content, { cn: '2061' }, hour, { periodLabel: 'end' }).map(({ deviceAt, origin }) => [deviceAt, origin]),
    [[from, 'backfill']],
  );
  assert.deepEqual(read(content, { cn: '2051' }, hour), [], 'minute data is another upload');
});

test('a value that is not a number is bad with a fault; an invalid time gives no value', () => {
  for (const text of ['', '-', 'NaN', '1.2.3', '0x10', 'Infinity']) {
    const [value] = read(`DataTime=20260101120000;a34004-Rtd=${text},a34004-Flag=N`);
    assert.deepEqual([value?.value, value?.quality, value?.fault?.code], [null, 'bad', 'CV_HJ212_VALUE'], text);
  }
  for (const stamp of ['20261301120000', '2026010112', '20260101250000']) {
    const decoded = decode({
      is: 'upload',
      packet: packet(`DataTime=${stamp};a34004-Rtd=1`),
      observedAt: OBSERVED_AT,
      pointMap: plan(AIR),
    });
    assert.ok(!decoded.ok && decoded.fault.code === 'CV_HJ212_TIME', stamp);
  }
});

test('a wrong check value never gives a value', () => {
  const whole = packet('DataTime=20260101120000;a34004-Rtd=35.5,a34004-Flag=N');
  for (let at = 6; at < whole.length; at += 1) {
    const broken = Uint8Array.from(whole);
    broken[at] = (broken[at] as number) ^ 1;
    const decoded = decode({ is: 'upload', packet: broken, observedAt: OBSERVED_AT, pointMap: plan(AIR) });
    assert.ok(!decoded.ok, `byte ${at}`);
  }
});

test('an answer gives the parameter, or the refusal with its code', () => {
  const answer = (...parts: [cn: string, content: string][]) => parts.map(([cn, content]) => packet(content, { cn }));
  assert.deepEqual(
    decode(
      { is: 'answer', packets: answer(['9011', 'QnRtn=1'], ['1061', 'RtdInterval=30'], ['9012', 'ExeRtn=1']) },
      parameterReadRequest('interval', 'realtimeInterval'),
    ),
    { ok: true, values: [{ point: 'interval', value: 30 }] },
  );
  assert.deepEqual(
    decode({ is: 'answer', packets: answer(['9011', 'QnRtn=1'], ['9012', 'ExeRtn=1']) }, parameterWriteRequest('realtimeInterval', 30)),
    { ok: true, values: [] },
  );
  for (const [cn, content] of [
    ['9011', 'QnRtn=3'],
    ['9012', 'ExeRtn=5'],
  ] as const) {
    const decoded = decode({ is: 'answer', packets: answer([cn, content]) }, parameterWriteRequest('realtimeInterval', 30));
    assert.ok(!decoded.ok && decoded.fault.code === 'CV_HJ212_REFUSED' && decoded.fault.params.answer === content);
  }
});

test('an upload is partial; other messages give no values', () => {
  const of = (content: string, cn: string) =>
    decode({ is: 'upload', packet: packet(content, { cn }), observedAt: OBSERVED_AT, pointMap: plan(AIR) });
  assert.partialDeepStrictEqual(of('DataTime=20260101120000;a34004-Rtd=1', '2011'), { ok: true, isPartial: true });
  assert.deepEqual(of('DataTime=20260101120000;a34004-Rtd=1', '9021'), { ok: true, values: [], isPartial: true });
  assert.deepEqual(of('DataTime=20260101120000;a99999-Rtd=1', '2011'), { ok: true, values: [], isPartial: true });
});

test('without points every value is given under its key with the unit of its factor; data flags and sample times are no values', () => {
  const decoded = decode({
    is: 'upload',
    observedAt: OBSERVED_AT,
    pointMap: null,
    packet: packet(
      'DataTime = 20260101120000 ; a34004-Rtd = 35.5 , a34004-Flag = N;a34004-SampleTime=20260101115900;nothing;x=1;-Rtd=1;SB1-RS=1;zz9-Rtd=2,zz9-Flag=N;011-RSx=1,011-Flag=N',
      { cn: '2011' },
    ),
  });
  assert.ok(decoded.ok);
  assert.deepEqual(
    decoded.values?.map(({ point: id, value, unit, quality, deviceAt, window }) => [id, value, unit, quality, deviceAt, window]),
    [
      ['a34004-Rtd', 35.5, 'ug/m3', 'good', Date.UTC(2026, 0, 1, 4), undefined],
      ['SB1-RS', 1, '', 'good', Date.UTC(2026, 0, 1, 4), undefined],
      ['zz9-Rtd', 2, '', 'good', Date.UTC(2026, 0, 1, 4), undefined],
      ['011-RSx', 1, '', 'good', Date.UTC(2026, 0, 1, 4), undefined],
    ],
  );
});

test('all number formats are read; other text is shown in the fault, shortened', () => {
  for (const [text, value] of [
    ['+1.5', 1.5],
    ['-.5', -0.5],
    ['5.', 5],
    ['1e3', 1000],
    ['1E-2', 0.01],
    ['007', 7],
  ] as const)
    assert.equal(read(`DataTime=20260101120000;a34004-Rtd=${text}`)[0]?.value, value, text);
  for (const text of ['', '.', 'e5', '1e999', 'x'.repeat(40)]) {
    const [value] = read(`DataTime=20260101120000;a34004-Rtd=${text},a34004-Flag=D`);
    assert.deepEqual(
      value,
      {
        point: 'pm25',
        value: null,
        quality: 'bad',
        flags: ['device', 'sensor'],
        deviceAt: Date.UTC(2026, 0, 1, 4),
        fault: { code: 'CV_HJ212_VALUE', params: { point: 'pm25', text: text === '' ? '-' : text.slice(0, 32) } },
      },
      text,
    );
  }
});

test('a text is read unchanged, Chinese as GBK; several points may read one value', () => {
  const texts = [
    { id: 'state', factor: 'i11001', value: 'Info', period: 'realtime', type: 'text' },
    { id: 'again', factor: 'i11001', value: 'Info', period: 'realtime', type: 'text' },
  ];
  const of = (text: string) =>
    read(`DataTime=20260101120000;i11001-Info=${text}`, {}, texts).map(({ point: id, value, quality }) => [id, value, quality]);
  assert.deepEqual(of('on ~'), [
    ['state', 'on ~', 'good'],
    ['again', 'on ~', 'good'],
  ]);
  assert.deepEqual(of(Buffer.from('d5fdb3a3', 'hex').toString('latin1'))[0], ['state', '正常', 'good']);
});

test('a value without a time is of now; each kind of statistics has its period', () => {
  const [now] = read('a34004-Rtd=1');
  assert.deepEqual(now, { point: 'pm25', value: 1, quality: 'uncertain', flags: [] });
  const label = Date.UTC(2026, 0, 1, 4);
  for (const [period, cn, lengthMs] of [
    ['minute', '2051', 300_000],
    ['hour', '2061', 3_600_000],
    ['day', '2031', 86_400_000],
    ['running', '2041', 86_400_000],
  ] as const) {
    const points = [{ id: 'p', factor: 'a34004', value: 'Avg', period }];
    const times = (more: Record<string, unknown>) =>
      read('DataTime=20260101120000;a34004-Avg=1,a34004-Flag=N', { cn }, points, { minuteEvery: '5m', ...more }).map(
        ({ deviceAt, window }) => [deviceAt, window],
      );
    assert.deepEqual(times({}), [[label + lengthMs, { fromAt: label, toAt: label + lengthMs, count: 0 }]], period);
    assert.deepEqual(times({ periodLabel: 'end' }), [[label, { fromAt: label - lengthMs, toAt: label, count: 0 }]], period);
  }
  const [status] = read('DataTime=20260101120000;SB1-RS=1', { cn: '2021' }, [{ id: 'fan', factor: 'SB1', value: 'RS' }]);
  assert.deepEqual([status?.deviceAt, status?.window], [label, undefined]);
});

test('an invalid time is reported with its text, shortened; the time of an earlier packet is used where there is none', () => {
  const of = (content: string, dataTime?: string) =>
    decode({ is: 'upload', packet: packet(content), observedAt: OBSERVED_AT, pointMap: plan(AIR), ...(dataTime ? { dataTime } : {}) });
  const long = '9'.repeat(40);
  assert.deepEqual(of(`DataTime=${long};a34004-Rtd=1`), {
    ok: false,
    fault: { code: 'CV_HJ212_TIME', params: { mn: MN, text: long.slice(0, 32) } },
  });
  const taken = of('a34004-Rtd=1', '20260101110000');
  assert.equal(taken.ok && taken.values?.[0]?.deviceAt, Date.UTC(2026, 0, 1, 3));
  const own = of('DataTime=20260101120000;a34004-Rtd=1', '20260101110000');
  assert.equal(own.ok && own.values?.[0]?.deviceAt, Date.UTC(2026, 0, 1, 4));
});

test('a disconnected device is reported with whether it was connected before', () => {
  const away = (left: boolean) => decode({ is: 'away', mn: MN, address: '0.0.0.0:8212', wasConnected: left });
  assert.deepEqual(away(true), { ok: false, isAway: true, fault: { code: 'CV_HJ212_LEFT', params: { mn: MN, address: '0.0.0.0:8212' } } });
  assert.deepEqual(away(false), {
    ok: false,
    isAway: true,
    fault: { code: 'CV_HJ212_ABSENT', params: { mn: MN, address: '0.0.0.0:8212' } },
  });
});

test('an answer without the requested field, with another one, or broken, is a fault of its points', () => {
  const asked = parameterReadRequest('interval', 'realtimeInterval');
  const answer = (...parts: [cn: string, content: string][]) =>
    decode({ is: 'answer', packets: parts.map(([cn, content]) => packet(content, { cn })) }, asked);
  assert.deepEqual(answer(['9011', 'QnRtn=1'], ['9012', 'ExeRtn=1']), {
    ok: false,
    points: ['interval'],
    fault: { code: 'CV_FRAME_INVALID', params: { detail: 'no RtdInterval in the answer', detailZh: '应答中没有 RtdInterval' } },
  });
  assert.deepEqual(answer(['1062', 'RtdInterval=30'], ['9012', 'ExeRtn=1']).ok, false, 'of another command');
  for (const text of ['', '-1', '1.5', '1234567', 'abc'.repeat(20)])
    assert.deepEqual(
      answer(['1061', `RtdInterval=${text}`]),
      { ok: false, points: ['interval'], fault: { code: 'CV_HJ212_VALUE', params: { point: 'interval', text: text.slice(0, 32) } } },
      text,
    );
  assert.deepEqual(answer(['1061', 'RtdInterval=123456']), { ok: true, values: [{ point: 'interval', value: 123_456 }] });
  assert.deepEqual(answer(['9012', 'ExeRtn=123456789']), {
    ok: false,
    points: ['interval'],
    fault: { code: 'CV_HJ212_REFUSED', params: { mn: MN, cn: '1061', answer: 'ExeRtn=12345678' } },
  });
  assert.deepEqual(
    answer(['9011', 'ExeRtn=5'], ['9012', 'QnRtn=5'], ['1061', 'RtdInterval=30']).ok,
    true,
    'each result counts in its own message',
  );
  const broken = packet('ExeRtn=1', { cn: '9012' });
  broken[30] = (broken[30] as number) ^ 1;
  assert.deepEqual(decode({ is: 'answer', packets: [broken] }, asked), {
    ok: false,
    points: ['interval'],
    fault: {
      code: 'CV_FRAME_CHECKSUM',
      params: { detail: `HJ 212, ${broken.length} bytes`, detailZh: `HJ 212 报文，${broken.length} 字节` },
    },
  });
  assert.deepEqual(decode({ is: 'answer', packets: [packet('QnRtn=4', { cn: '9011' })] }), {
    ok: false,
    fault: { code: 'CV_HJ212_REFUSED', params: { mn: MN, cn: '-', answer: 'QnRtn=4' } },
  });
});
