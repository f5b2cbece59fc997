import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { parseAddress } from './address.ts';
import { decode } from './decode.ts';
import { splitBlock, requests, type ReadBlock, type PointRegisters, type ModbusRequest } from './requests.ts';
import { point, settings, type ModbusPoint } from './settings.ts';

type Point = { id: string } & ModbusPoint;
const points = (...config: Record<string, unknown>[]): Point[] =>
  config.map((one, at) => Object.assign(point.parse(one), { id: `p${at}` }));
const host = { host: '127.0.0.1' };
const shape = (made: readonly ReadBlock[]) => made.map(({ fc, start, count }) => [fc, start, count]);

test('addresses: 0-based by name, from 1 by paper number; what is outside is none', () => {
  const cases: [string, ReturnType<typeof parseAddress>][] = [
    ['holding:100', { area: 'holding', index: 100 }],
    ['holding:100.3', { area: 'holding', index: 100, bit: 3 }],
    ['coil:3', { area: 'coil', index: 3 }],
    ['40101', { area: 'holding', index: 100 }],
    ['400101', { area: 'holding', index: 100 }],
    ['30001', { area: 'input', index: 0 }],
    ['10001', { area: 'discrete', index: 0 }],
    ['00001', { area: 'coil', index: 0 }],
    ['465536', { area: 'holding', index: 65535 }],
    ['40101.15', { area: 'holding', index: 100, bit: 15 }],
    ['holding:65536', null],
    ['465537', null],
    ['40000', null],
    ['20001', null],
    ['holding:1.16', null],
    ['coil:1.2', null],
    ['100', null],
    ['holding:-1', null],
    ['holding:1 ', null],
    ['', null],
  ];
  for (const [text, address] of cases) assert.deepEqual(parseAddress(text), address, text);
});

test('points that contradict themselves are refused where it shows', () => {
  const wrong: [Record<string, unknown>, string][] = [
    [{ address: 'coil:3', type: 'float32' }, 'type'],
    [{ address: 'holding:1.2', type: 'uint16' }, 'type'],
    [{ address: 'holding:1', type: 'string' }, 'length'],
    [{ address: 'holding:1', type: 'uint16', length: 4 }, 'length'],
    [{ address: 'holding:65535', type: 'float32' }, 'address'],
    [{ address: 'nowhere' }, 'address'],
  ];
  for (const [config, key] of wrong)
    assert.deepEqual(
      point.safeParse(config).error?.issues.map((issue) => issue.path[0]),
      [key],
      JSON.stringify(config),
    );
});

test('neighbours are joined over a gap of maxGap and no more; each area has its own requests', () => {
  const made = requests(
    points(
      { address: 'holding:10' },
      { address: 'holding:0', type: 'float32' },
      { address: 'holding:20' },
      { address: 'coil:0' },
      { address: 'coil:60' },
      { address: 'input:0' },
    ),
    settings.parse(host),
  );
  assert.deepEqual(shape(made), [
    [1, 0, 61],
    [3, 0, 11],
    [3, 20, 1],
    [4, 0, 1],
  ]);
  assert.deepEqual(made[1]?.points, ['p1', 'p0']);
});

test('a block ends at maxRead; a value is never torn', () => {
  const many = points(...Array.from({ length: 100 }, (_, at) => ({ address: `holding:${at * 2}`, type: 'uint32' })));
  assert.deepEqual(shape(requests(many, settings.parse(host))), [
    [3, 0, 124],
    [3, 124, 76],
  ]);
  assert.deepEqual(shape(requests(many.slice(0, 4), settings.parse({ ...host, maxRead: 3 }))), [
    [3, 0, 2],
    [3, 2, 2],
    [3, 4, 2],
    [3, 6, 2],
  ]);
  const bits = points(...Array.from({ length: 50 }, (_, at) => ({ address: `coil:${at * 50}` })));
  assert.deepEqual(shape(requests(bits, settings.parse(host))), [[1, 0, 1951], [1, 2000, 451]]);
});

/** The fewest blocks by trying every way to share the points out. */
function fewest(items: readonly { start: number; count: number }[], maxGap: number, maxRead: number): number {
  const fits = (group: readonly { start: number; count: number }[]) => {
    const sorted = group.toSorted((a, b) => a.start - b.start);
    let until = sorted[0]?.start ?? 0;
    for (const { start, count } of sorted) {
      if (start - until > maxGap) return false;
      until = Math.max(until, start + count);
    }
    return sorted.length === 1 || until - (sorted[0]?.start ?? 0) <= maxRead;
  };
  let best = Infinity;
  const place = (at: number, groups: { start: number; count: number }[][]) => {
    if (groups.length >= best) return;
    const item = items[at];
    if (!item) {
      if (groups.every(fits)) best = groups.length;
      return;
    }
    for (let group = 0; group < groups.length; group += 1) place(at + 1, groups.with(group, [...groups[group] as [], item]));
    place(at + 1, [...groups, [item]]);
  };
  place(0, []);
  return best;
}

test('no other way of joining needs fewer requests, and every point is in exactly one', () => {
  const one = fc.record({ start: fc.integer({ min: 0, max: 30 }), type: fc.constantFrom('uint16', 'uint32', 'float64') });
  fc.assert(
    fc.property(
      fc.array(one, { minLength: 1, maxLength: 6 }),
      fc.integer({ min: 0, max: 5 }),
      fc.integer({ min: 4, max: 12 }),
      (some, maxGap, maxRead) => {
        const these = points(...some.map(({ start, type }) => ({ address: `holding:${start}`, type })));
        const made = requests(these, settings.parse({ ...host, maxGap, maxRead }));
        assert.deepEqual(made.flatMap((request) => request.points).toSorted(), these.map(({ id }) => id).toSorted());
        for (const block of made)
          for (const item of block.items) assert.ok(item.start >= block.start && item.start + item.count <= block.start + block.count);
        assert.equal(
          made.length,
          fewest(
            made.flatMap((request) => request.items),
            maxGap,
            maxRead,
          ),
        );
      },
    ),
    { numRuns: 200 },
  );
});

test('a refused block falls apart at its widest gap, else in the middle, and never between values that share registers', () => {
  const [gappy] = requests(
    points({ address: 'holding:0' }, { address: 'holding:2' }, { address: 'holding:7' }, { address: 'holding:9' }),
    settings.parse(host),
  ) as [ModbusRequest];
  assert.deepEqual(shape(splitBlock(gappy) ?? []), [
    [3, 0, 3],
    [3, 7, 3],
  ]);
  const [dense] = requests(points(...Array.from({ length: 6 }, (_, at) => ({ address: `holding:${at}` }))), settings.parse(host)) as [
    ModbusRequest,
  ];
  assert.deepEqual(shape(splitBlock(dense) ?? []), [
    [3, 0, 3],
    [3, 3, 3],
  ]);
  const [odd] = requests(points(...Array.from({ length: 5 }, (_, at) => ({ address: `holding:${at}` }))), settings.parse(host)) as [
    ModbusRequest,
  ];
  assert.deepEqual(
    shape(splitBlock(odd) ?? []),
    [
      [3, 0, 2],
      [3, 2, 3],
    ],
    'the earlier of two alike',
  );
  const [shared] = requests(
    points({ address: 'holding:4', type: 'uint32' }, { address: 'holding:4.1' }, { address: 'holding:5' }),
    settings.parse(host),
  ) as [ModbusRequest];
  assert.equal(splitBlock(shared), null);
});

test('decode takes nothing but the frame of its request apart: every cut and every longer one is a fault', () => {
  const [request] = requests(points({ address: 'holding:0', type: 'uint32' }), settings.parse(host));
  assert.ok(request);
  const whole = Uint8Array.of(3, 4, 0, 1, 0, 2);
  assert.deepEqual(decode(whole, request), { ok: true, values: [{ point: 'p0', value: 65538 }] });
  for (let cut = 0; cut < whole.length; cut += 1) assert.equal(decode(whole.subarray(0, cut), request).ok, false, `${cut} bytes`);
  assert.equal(decode(Uint8Array.of(...whole, 0), request).ok, false);
  assert.equal(decode(Uint8Array.of(4, 4, 0, 1, 0, 2), request).ok, false);
  assert.equal(decode(whole).ok, false);
});

test('whatever bytes come as a frame, decode gives points of its request or a fault', () => {
  const made = requests(
    points(
      { address: 'holding:0', type: 'float64' },
      { address: 'holding:6', type: 'string', length: 5 },
      { address: 'holding:12.3' },
      { address: 'coil:4' },
    ),
    settings.parse(host),
  );
  fc.assert(
    fc.property(
      fc.constantFrom(...made),
      fc.oneof(
        fc.uint8Array({ maxLength: 40 }),
        fc.uint8Array({ maxLength: 30 }).map((bytes) => Uint8Array.of(0x83, 2, ...bytes)),
      ),
      (request, frame) => {
        const decoded = decode(frame, request);
        if (!decoded.ok) return;
        const known = new Set(request.items.map((item: PointRegisters) => item.point));
        for (const one of decoded.values ?? []) assert.ok(known.delete(one.point) && (one.value !== null || one.quality === 'bad'));
        assert.equal(known.size, 0);
      },
    ),
  );
});
