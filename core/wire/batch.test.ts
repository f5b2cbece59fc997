import assert from 'node:assert/strict';
import { test } from 'node:test';
import { zstdCompressSync } from 'node:zlib';
import fc from 'fast-check';
import { FLAGS, KINDS, ORIGINS, QUALITIES, STREAMS, type Draft } from '../event.ts';
import { FaultError } from '../faults.ts';
import { decodeBatch, encodeBatch, isZstd } from './batch.ts';

const time = fc.integer({ min: 0, max: 8.64e15 });
const number = fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => (Object.is(value, -0) ? 0 : value));
const draft: fc.Arbitrary<Draft> = fc.record(
  {
    device: fc.constantFrom('pump', 'air', 'gate'),
    point: fc.string({ minLength: 1, maxLength: 8 }),
    indicator: fc.constantFrom('YJ-FLD-001', 'ST-AIR-001'),
    subject: fc.string({ maxLength: 8 }),
    centre: fc.constant('500112001'),
    kind: fc.constantFrom(...KINDS),
    value: fc.oneof(number, fc.boolean(), fc.string(), fc.constant(null)),
    unit: fc.constantFrom('m', ''),
    occurredAt: time,
    clock: fc.constant('edge' as const),
    deviceAt: time,
    observedAt: time,
    quality: fc.constantFrom(...QUALITIES),
    flags: fc.uniqueArray(fc.constantFrom(...FLAGS)),
    origin: fc.constantFrom(...ORIGINS),
    position: fc.record({ lon: number, lat: number }, { noNullPrototype: true }),
  },
  {
    noNullPrototype: true,
    requiredKeys: [
      'device', 'point', 'indicator', 'centre', 'kind', 'value', 'unit', 'occurredAt', 'clock', 'observedAt', 'quality',
      'origin',
    ],
  },
);
const name = fc.record({
  from: fc.constant('pump-07'),
  stream: fc.constantFrom(...STREAMS),
  epoch: fc.integer({ min: 1 }),
  seq: fc.integer({ min: 1 }),
});

test('a batch comes back as it was, each event under its number', () => {
  fc.assert(fc.property(name, fc.array(draft, { minLength: 1, maxLength: 60 }), (hop, drafts) => {
    const back = decodeBatch(encodeBatch(hop, drafts));
    const origin = (at: number) => ({ edge: hop.from, stream: hop.stream, epoch: hop.epoch, seq: hop.seq + at });
    assert.deepEqual(back, { ...hop, events: drafts.map((one, at) => ({ ...one, ...origin(at) })) });
  }));
});

test('a relayed event keeps its own origin', () => {
  const hop = { from: 'town-1', stream: 'state' as const, epoch: 9, seq: 100 };
  const [one] = fc.sample(draft, 1) as [Draft];
  const relayed = { ...one, edge: 'pump-07', stream: 'measurement' as const, epoch: 3, seq: 7 };
  assert.deepEqual(decodeBatch(encodeBatch(hop, [relayed])).events, [relayed]);
});

test('twenty events and more travel in zstd', () => {
  const hop = { from: 'pump-07', stream: 'measurement' as const, epoch: 1, seq: 1 };
  const [one] = fc.sample(draft, 1) as [Draft];
  assert.equal(isZstd(encodeBatch(hop, Array.from({ length: 19 }, () => one))), false);
  assert.equal(isZstd(encodeBatch(hop, Array.from({ length: 20 }, () => one))), true);
});

const refused: [string, Uint8Array, string][] = [
  ['no JSON', Buffer.from('{"v":1,'), 'CV_WIRE_NOT_JSON'],
  ['NaN', Buffer.from('{"v":1,"from":"a","stream":"state","epoch":1,"seq":1,"events":[{"value":NaN}]}'), 'CV_WIRE_NOT_JSON'],
  ['a cut zstd frame', zstdCompressSync(Buffer.from('{"v":1}')).subarray(0, 9), 'CV_WIRE_NOT_JSON'],
  ['a bomb of 64 MB', zstdCompressSync(Buffer.alloc(64 << 20)), 'CV_WIRE_TOO_LARGE'],
  ['another version', Buffer.from('{"v":2}'), 'CV_WIRE_VERSION'],
  ['no object', Buffer.from('[]'), 'CV_WIRE_SHAPE'],
  ['no stream', Buffer.from('{"v":1,"from":"a","stream":"x","epoch":1,"seq":1,"events":[{}]}'), 'CV_WIRE_SHAPE'],
  [
    'a short column',
    Buffer.from('{"v":1,"from":"a","stream":"state","epoch":1,"seq":1,"count":2,"columns":{"unit":["m"]}}'),
    'CV_WIRE_SHAPE',
  ],
  [
    'an index beyond its texts',
    Buffer.from('{"v":1,"from":"a","stream":"state","epoch":1,"seq":1,"count":1,"columns":{"unit":{"of":["m"],"at":[1]}}}'),
    'CV_WIRE_SHAPE',
  ],
  [
    'a column of two forms',
    Buffer.from('{"v":1,"from":"a","stream":"state","epoch":1,"seq":1,"count":1,"columns":{"unit":{"all":"m","delta":[1]}}}'),
    'CV_WIRE_SHAPE',
  ],
  [
    'a column of no form',
    Buffer.from('{"v":1,"from":"a","stream":"state","epoch":1,"seq":1,"count":1,"columns":{"unit":{"some":"m"}}}'),
    'CV_WIRE_SHAPE',
  ],
  [
    'a last number beyond the safe range',
    Buffer.from('{"v":1,"from":"a","stream":"state","epoch":1,"seq":9007199254740990,"count":2,"columns":{"unit":{"all":"m"}}}'),
    'CV_WIRE_SHAPE',
  ],
  [
    'a prototype',
    Buffer.from('{"v":1,"from":"a","stream":"state","epoch":1,"seq":1,"count":1,"columns":{"__proto__":{"all":{"x":1}}}}'),
    'CV_WIRE_SHAPE',
  ],
  ['too many', Buffer.from('{"v":1,"from":"a","stream":"state","epoch":1,"seq":1,"count":100000000,"columns":{}}'), 'CV_WIRE_TOO_LARGE'],
];
for (const [what, payload, code] of refused) {
  test(`a payload with ${what} is refused with ${code}`, () => {
    assert.throws(() => decodeBatch(payload), (error) => error instanceof FaultError && error.fault.code === code);
  });
}

test('any bytes are read or refused with a code, never more', () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
    try {
      decodeBatch(bytes);
    } catch (error) {
      assert.ok(error instanceof FaultError);
    }
  }));
});

test('drafts that differ in one field alone come back each with its own', () => {
  const hop = { from: 'pump-07', stream: 'measurement' as const, epoch: 0, seq: 1 };
  const base = {
    device: 'a',
    point: 'p',
    indicator: 'X-1',
    subject: 's',
    centre: '500112001',
    kind: 'measurement',
    value: 1,
    unit: 'm',
    occurredAt: 5,
    clock: 'edge',
    deviceAt: 4,
    observedAt: 6,
    window: { fromAt: 1, toAt: 2, count: 3 },
    quality: 'good',
    flags: ['stale'],
    origin: 'live',
    position: { lon: 1, lat: 2 },
    evidence: [{ kind: 'tag', epc: 'e280' }],
    warning: { id: 'w', rule: 'r', version: 1, subject: 's', level: 2, change: 'raised', onsetAt: 1 },
    gap: { stream: 'state', epoch: 1, fromSeq: 1, toSeq: 2, fromAt: 1, toAt: 2, count: 2, reason: 'log_damaged' },
  } as unknown as Draft;
  const other = {
    device: 'b',
    point: 'q',
    indicator: 'X-2',
    subject: 't',
    centre: '500112002',
    kind: 'state',
    value: 2,
    unit: 's',
    occurredAt: 7,
    clock: 'device',
    deviceAt: 8,
    observedAt: 9,
    window: { fromAt: 1, toAt: 2, count: 4 },
    quality: 'bad',
    flags: ['comm'],
    origin: 'backfill',
    position: { lon: 1, lat: 3 },
    evidence: [{ kind: 'tag', epc: 'e281' }],
    warning: { ...base.warning, level: 1 },
    gap: { ...base.gap, count: 1 },
  } as unknown as Draft;
  for (const field of Object.keys(other) as (keyof Draft)[]) {
    for (const changed of [
      { ...base, [field]: other[field] },
      Object.fromEntries(Object.entries(base).filter(([name]) => name !== field)) as unknown as Draft,
    ]) {
      if (!(field in changed) && field === 'value') continue;
      const back = decodeBatch(encodeBatch(hop, [base, changed, base])).events.map(
        ({ edge: _edge, stream: _stream, epoch: _epoch, seq: _seq, ...draft }) => draft,
      );
      assert.deepEqual(back, [base, changed, base], field);
    }
  }
});
