import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { decode } from './decode.ts';
import type { OpcuaFrame } from './frame.ts';

const frame = (changes: Partial<OpcuaFrame> = {}): OpcuaFrame => ({
  point: 'level',
  node: 'ns=2;s=Tank.Level',
  type: 'Double',
  value: 2.5,
  shape: 'scalar',
  status: 0,
  sourceAt: 1_767_225_600_000,
  serverAt: 1_767_225_600_100,
  ...changes,
});

test('a good value carries the source time', () => {
  assert.deepEqual(decode(frame()), {
    ok: true,
    values: [{ point: 'level', value: 2.5, quality: 'good', flags: [], deviceAt: 1_767_225_600_000 }],
  });
});

test('without a source time the server time counts, without both none', () => {
  assert.deepEqual(decode(frame({ sourceAt: null })), {
    ok: true,
    values: [{ point: 'level', value: 2.5, quality: 'good', flags: [], deviceAt: 1_767_225_600_100 }],
  });
  assert.deepEqual(decode(frame({ sourceAt: null, serverAt: null })), {
    ok: true,
    values: [{ point: 'level', value: 2.5, quality: 'good', flags: [] }],
  });
});

test('a source time that is later than the server\'s own is uncertain and skewed, whatever the edge\'s clock says', () => {
  const standing = (aheadMs: number, more: Partial<OpcuaFrame> = {}) => {
    const decoded = decode(frame({ sourceAt: 1_767_225_600_100 + aheadMs, ...more }));
    assert.ok(decoded.ok && decoded.values?.[0]);
    const [{ value, quality, flags, deviceAt }] = decoded.values;
    assert.equal(deviceAt, 1_767_225_600_100 + aheadMs);
    return [value, quality, flags];
  };
  assert.deepEqual(
    [-86_400_000, 0, 4999, 5000, 28_800_000].map((aheadMs) => standing(aheadMs)),
    [
      [2.5, 'good', []],
      [2.5, 'good', []],
      [2.5, 'good', []],
      [2.5, 'uncertain', ['skewed']],
      [2.5, 'uncertain', ['skewed']],
    ],
  );
  assert.deepEqual(standing(28_800_000, { status: 0x40930000 }), [2.5, 'uncertain', ['sensor', 'skewed']]);
  assert.deepEqual(standing(28_800_000, { status: 0x80310000 }), [null, 'bad', ['comm', 'skewed']]);
  assert.deepEqual(standing(28_800_000, { serverAt: null }), [2.5, 'good', []], 'one time says nothing');
});

const standings: [number, string, string[]][] = [
  [0x00960000, 'good', ['override']],
  [0x40900000, 'uncertain', ['stale']],
  [0x40910000, 'uncertain', ['substituted']],
  [0x40920000, 'uncertain', ['initial']],
  [0x00000000, 'good', []],
  [0x00a20000, 'good', []],
  [0x40930000, 'uncertain', ['sensor']],
  [0x40950000, 'uncertain', ['sensor']],
  [0x80320000, 'bad', ['comm']],
  [0x80330000, 'bad', ['config']],
  [0x80890000, 'bad', ['config']],
  [0x808a0000, 'bad', ['comm']],
  [0x808c0000, 'bad', ['sensor']],
  [0xc0000000, 'bad', ['other']],
  [0x00000400, 'good', []],
  [0x00000080, 'good', []],
  [0x40940000, 'uncertain', ['sensor']],
  [0x40ff0000, 'uncertain', ['other']],
  [0x80310000, 'bad', ['comm']],
  [0x80340000, 'bad', ['config']],
  [0x808b0000, 'bad', ['device']],
  [0x808d0000, 'bad', ['maintenance']],
  [0x80010000, 'bad', ['other']],
  [0x00960480, 'good', ['override', 'other']],
];
for (const [status, quality, flags] of standings) {
  test(`StatusCode 0x${status.toString(16).padStart(8, '0')} is ${quality} ${flags.join(' ')}`, () => {
    const decoded = decode(frame({ status }));
    assert.ok(decoded.ok && decoded.values);
    assert.deepEqual(
      [decoded.values[0]?.quality, decoded.values[0]?.flags, decoded.values[0]?.value],
      [quality, flags, quality === 'bad' ? null : 2.5],
    );
  });
}

test('a 64-bit integer comes as text and leaves as a number', () => {
  const decoded = decode(frame({ type: 'Int64', value: '-9007199254740991' }));
  assert.ok(decoded.ok && decoded.values);
  assert.equal(decoded.values[0]?.value, -9007199254740991);
});

test('arrays, structures and mismatched values are faults of that point, never values', () => {
  for (const change of [
    { shape: 'array' as const, value: null },
    { type: 'ExtensionObject', shape: 'other' as const, value: null },
    { type: 'Double', value: 'x' },
    { type: 'Boolean', value: 1 },
    { type: 'Int64', value: 'x' },
  ]) {
    const decoded = decode(frame(change));
    assert.equal(decoded.ok, false);
    assert.deepEqual(!decoded.ok && [decoded.fault.code, decoded.points], ['CV_OPCUA_TYPE', ['level']]);
  }
});

test('what comes from the history is history', () => {
  const decoded = decode(frame({ history: true }));
  assert.ok(decoded.ok && decoded.values);
  assert.equal(decoded.values[0]?.origin, 'backfill');
});

test('word of missing values is only that, and broken word is a fault', () => {
  const missed = { point: 'level', fromAt: 1000, toAt: 2000, count: 3, reason: 'device_away' as const };
  assert.deepEqual(decode({ missed }), { ok: true, values: [], missed: [missed] });
  for (const change of [{ count: 0 }, { fromAt: -1 }, { toAt: Number.NaN }, { reason: 'shutdown' as never }, { point: 7 as never }])
    assert.equal(decode({ missed: { ...missed, ...change } }).ok, false);
});

test('a write that was done says nothing; one that was refused says why', () => {
  const written = { point: 'level', node: 'i=7', status: 'Good' };
  assert.deepEqual(decode({ written }), { ok: true, values: [] });
  const refused = decode({ written: { ...written, status: 'BadNotWritable' } });
  assert.deepEqual(!refused.ok && [refused.fault.code, refused.fault.params.status, refused.points], [
    'CV_OPCUA_WRITE',
    'BadNotWritable',
    ['level'],
  ]);
});

test('anything at all is decoded or refused, never thrown', () => {
  fc.assert(
    fc.property(fc.anything(), (anything) => {
      decode(anything as OpcuaFrame);
    }),
  );
  fc.assert(
    fc.property(
      fc.record({
        point: fc.string(),
        node: fc.string(),
        type: fc.string(),
        value: fc.anything(),
        shape: fc.string(),
        status: fc.anything(),
        sourceAt: fc.anything(),
        serverAt: fc.anything(),
      }),
      (odd) => {
        decode(odd as OpcuaFrame);
      },
    ),
  );
});

test('a broken frame is refused whichever of its fields is broken, and the ends of each range are not', () => {
  const edges: Partial<OpcuaFrame>[] = [{ status: 0xffffffff }, { sourceAt: 0 }, { serverAt: 0 }, { shape: 'other' }];
  for (const change of edges) {
    const decoded = decode(frame(change));
    assert.ok(decoded.ok || decoded.fault.code === 'CV_OPCUA_TYPE', JSON.stringify(change));
  }
  const broken: object[] = [
    { point: 7 },
    { node: 7 },
    { type: 7 },
    { status: -1 },
    { status: 0x1_0000_0000 },
    { status: 0.5 },
    { status: '0' },
    { sourceAt: -1 },
    { sourceAt: 0.5 },
    { sourceAt: undefined },
    { serverAt: -1 },
    { serverAt: 'x' },
    { shape: 'matrix' },
  ];
  for (const change of broken) {
    const decoded = decode(frame(change as Partial<OpcuaFrame>));
    assert.ok(!decoded.ok && decoded.fault.code === 'CV_FRAME_INVALID', JSON.stringify(change));
    assert.deepEqual(decoded.points, 'point' in change ? undefined : ['level'], JSON.stringify(change));
  }
  for (const missing of ['point', 'node', 'status']) {
    const decoded = decode({ written: { point: 'level', node: 'i=7', status: 'Good', [missing]: undefined } } as never);
    assert.ok(!decoded.ok && decoded.fault.code === 'CV_FRAME_INVALID', missing);
  }
  for (const change of [{ toAt: -1 }, { fromAt: 0.5 }, { count: 0.5 }, { count: -1 }]) {
    const decoded = decode({ missed: { point: 'level', fromAt: 0, toAt: 0, count: 1, reason: 'device_overflow', ...change } });
    assert.ok(!decoded.ok && decoded.fault.code === 'CV_FRAME_INVALID', JSON.stringify(change));
  }
  assert.ok(decode({ missed: { point: 'level', fromAt: 0, toAt: 0, count: 1, reason: 'device_overflow' } }).ok);
});

test('each type takes its own values and no others', () => {
  const taken: [string, unknown, unknown][] = [
    ['Boolean', true, true],
    ['UInt64', '18446744073709551615', 18_446_744_073_709_552_000],
    ['Int64', '-5', -5],
    ['LocalizedText', 'x', 'x'],
    ['DateTime', '2026-01-01', '2026-01-01'],
    ['Guid', 'g', 'g'],
    ['XmlElement', '<a/>', '<a/>'],
    ['String', '', ''],
    ...['SByte', 'Byte', 'Int16', 'UInt16', 'Int32', 'UInt32', 'Float', 'Double'].map((type): [string, unknown, unknown] => [type, 3, 3]),
  ];
  for (const [type, value, wanted] of taken) {
    const decoded = decode(frame({ type, value: value as never }));
    assert.ok(decoded.ok && decoded.values?.[0]?.value === wanted, type);
  }
  for (const [type, value] of [
    ['Boolean', 'x'],
    ['Int64', 5],
    ['Int64', '123456789012345678901'],
    ['String', 5],
    ['Int32', '5'],
    ['Variant', 5],
  ])
    assert.ok(!decode(frame({ type: type as string, value: value as never })).ok, String(type));
});
