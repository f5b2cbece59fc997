import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decode } from './decode.ts';
import { readableFields, fieldPointMap } from './frame.ts';
import { readDescription } from './load-description.ts';
import type { FrameProtocol } from './protocol.ts';
import { readHeadFields, readAllFields } from './read-fields.ts';
import { point, type ConfiguredFramePoint } from './settings.ts';

const text = (fields: string, more = '') =>
  `version: 1\ntitle: { zh: 甲, en: a }\nheader: "00"\nterminator: "0D 0A"\nmax: 65535\n${more}messages:\n  - name: m\n${fields}\n`;

function described(fields: string, more?: string): FrameProtocol {
  const loaded = readDescription('d.yaml', text(fields, more));
  assert.deepEqual(loaded.faults, []);
  return loaded.protocol as FrameProtocol;
}

function decoded(protocol: FrameProtocol, hex: string, points?: Record<string, unknown>[]) {
  const plan = points
    ? fieldPointMap(
        protocol,
        points.map((one) => ({ id: String(one.id), ...point.parse(one) }) as ConfiguredFramePoint),
      )
    : { protocol, byField: null };
  return decode({ is: 'message', bytes: Buffer.from(`00${hex}0d0a`, 'hex'), pointMap: plan });
}

function read(protocol: FrameProtocol, hex: string, points?: Record<string, unknown>[]) {
  const result = decoded(protocol, hex, points);
  return result.ok
    ? (result.values ?? []).map(({ point: id, value }) => [id, value])
    : `${result.fault.code} ${String(result.fault.params.field)}`;
}

const CABINETS = `    fields:
      - { name: cabinets }
      - repeat: cabinet
        count: cabinets
        fields:
          - { name: number }
          - { name: loops }
          - repeat: loop
            count: loops
            fields: [{ name: phase, type: ascii, size: 1 }, { name: current, type: u16, scale: 0.1, unit: A }]
          - { name: state }`;

test('repeats within repeats: each repetition has its own number of the next', () => {
  const protocol = described(CABINETS);
  const bytes = '02070241000142000255080143000366';
  assert.deepEqual(
    read(protocol, bytes, [
      { id: 'current', read: 'm.cabinet.loop.current' },
      { id: 'state', read: 'm.cabinet.state' },
    ]),
    [
      ['current', 0.1],
      ['current', 0.2],
      ['state', 0x55],
      ['current', 0.3],
      ['state', 0x66],
    ],
  );
  // Where: by fields of the same repetition, of the one around it, before or behind the value.
  assert.deepEqual(read(protocol, bytes, [{ id: 'x', read: 'm.cabinet.loop.current', where: { phase: 'B' } }]), [['x', 0.2]]);
  assert.deepEqual(read(protocol, bytes, [{ id: 'x', read: 'm.cabinet.loop.current', where: { number: 8 } }]), [['x', 0.3]]);
  assert.deepEqual(read(protocol, bytes, [{ id: 'x', read: 'm.cabinet.loop.current', where: { state: 0x55 } }]), [
    ['x', 0.1],
    ['x', 0.2],
  ]);
  assert.deepEqual(read(protocol, bytes, [{ id: 'x', read: 'm.cabinet.loop.current', where: { state: 0x55, phase: 'A', cabinets: 2 } }]), [
    ['x', 0.1],
  ]);
  assert.deepEqual(read(protocol, bytes, [{ id: 'x', read: 'm.cabinet.loop.current', where: { cabinets: 3 } }]), []);
  assert.deepEqual(
    read(protocol, bytes, [{ id: 'x', read: 'm.cabinet.number', where: { phase: 'C' } }]),
    [],
    'a field of an inner group stands beside nothing of the outer',
  );
  assert.deepEqual(
    [...readableFields(protocol).keys()],
    ['m.cabinets', 'm.cabinet.number', 'm.cabinet.loops', 'm.cabinet.loop.phase', 'm.cabinet.loop.current', 'm.cabinet.state'],
  );
  assert.equal(readableFields(protocol).get('m.cabinet.loop.current')?.unit, 'A');
  assert.deepEqual(read(protocol, '0207024100'), 'CV_DESCRIBED_SHORT m.cabinet.loop.current');
  assert.deepEqual(read(protocol, '020700'), 'CV_DESCRIBED_SHORT m.cabinet.state');
  assert.deepEqual(read(protocol, '00'), [['m.cabinets', 0]]);
});

test('what decides may stand behind the value, of a message too', () => {
  const protocol = described('    fields: [{ repeat: g, count: 2, fields: [{ name: v }, { name: channel }] }, { name: kind }]');
  assert.deepEqual(read(protocol, '0a010b0209', [{ id: 'x', read: 'm.g.v', where: { channel: 2 } }]), [['x', 11]]);
  assert.deepEqual(read(protocol, '0a010b0209', [{ id: 'x', read: 'm.g.v', where: { channel: 1, kind: 9 } }]), [['x', 10]]);
  assert.deepEqual(read(protocol, '0a010b0209', [{ id: 'x', read: 'm.g.v', where: { channel: 1, kind: 8 } }]), []);
});

test('time and tag of a repetition are its own: those of the inner one stay, those of the outer go to all within it', () => {
  const protocol = described(`    time: at
    fields:
      - repeat: gate
        count: rest
        tag: { epc: gateTag }
        fields:
          - { name: gateTag, type: hex, size: 1 }
          - { repeat: read, count: 2, tag: { epc: epc }, fields: [{ name: epc, type: hex, size: 1 }] }
          - { repeat: level, count: 1, fields: [{ name: value }] }
          - { name: at, type: unix }`);
  const result = decoded(protocol, 'a1b1b20500000001a2b3b40600000002');
  assert.ok(result.ok && result.values);
  const shown = result.values
    .filter(({ point: id }) => id === 'm.gate.read.epc' || id === 'm.gate.level.value')
    .map(({ value, deviceAt, evidence }) => [value, deviceAt, (evidence?.[0] as { epc?: string } | undefined)?.epc]);
  assert.deepEqual(shown, [
    ['B1', 1000, 'B1'],
    ['B2', 1000, 'B2'],
    [5, 1000, 'A1'],
    ['B3', 2000, 'B3'],
    ['B4', 2000, 'B4'],
    [6, 2000, 'A2'],
  ]);
});

test('sizes and counts of a field with a constant: value × times + plus', () => {
  const size = (spec: string) =>
    described(`    fields: [{ name: n }, { name: x, type: hex, size: ${spec} }, { name: rest, type: hex, size: rest }]`);
  assert.deepEqual(read(size('{ field: n, plus: -3 }'), '05aabbcc'), [
    ['m.n', 5],
    ['m.x', 'AABB'],
    ['m.rest', 'CC'],
  ]);
  assert.deepEqual(read(size('{ field: n, times: 2 }'), '01aabbcc'), [
    ['m.n', 1],
    ['m.x', 'AABB'],
    ['m.rest', 'CC'],
  ]);
  assert.deepEqual(read(size('{ field: n, times: 2, plus: 1 }'), '01aabbcc'), [
    ['m.n', 1],
    ['m.x', 'AABBCC'],
    ['m.rest', ''],
  ]);
  assert.deepEqual(read(size('{ field: n, plus: -3 }'), '02aabbcc'), 'CV_DESCRIBED_SHORT m.x', 'less than nothing');
  assert.deepEqual(read(size('{ field: n, plus: -3 }'), '03aa'), [['m.n', 3], ['m.x', ''], ['m.rest', 'AA']]);
  assert.deepEqual(read(size('{ field: n, times: 256, plus: 65535 }'), 'ffaa'), 'CV_DESCRIBED_SHORT m.x');
  const count = described('    fields: [{ name: n }, { repeat: g, count: { field: n, times: 2, plus: -1 }, fields: [{ name: v }] }]');
  assert.deepEqual(read(count, '02010203'), [['m.n', 2], ['m.g.v', 1], ['m.g.v', 2], ['m.g.v', 3]]);
  assert.deepEqual(read(count, '00'), 'CV_DESCRIBED_SHORT g');
  assert.deepEqual(read(count, '020102'), 'CV_DESCRIBED_SHORT m.g.v');
});

test('an answer echoes fields behind repeats within repeats', () => {
  const protocol = described(CABINETS);
  const head = readHeadFields(Buffer.from('000107014100015542420d0a', 'hex'), protocol);
  assert.ok(head);
  const [message] = protocol.messages;
  assert.ok(message);
  assert.equal(readAllFields(head, message).at, 8);
});

test('what a frame claims costs no more than its bytes: counts of four thousand millions, repeats of nothing', () => {
  const many = described(
    '    fields: [{ name: n, type: u32 }, { repeat: a, count: n, fields: [{ repeat: b, count: n, fields: [{ repeat: c, count: n, fields: [{ name: v, size: n, type: hex, when: { n: 0 } }] }] }] }]',
  );
  assert.deepEqual(read(many, 'ffffffff'), [['m.n', 4_294_967_295]]);
  const deep = described(
    '    fields: [{ name: n, type: u32 }, { repeat: a, count: n, fields: [{ repeat: b, count: n, fields: [{ repeat: c, count: n, fields: [{ name: v }] }] }] }]',
  );
  assert.deepEqual(read(deep, `ffffffff${'01'.repeat(1000)}`), 'CV_DESCRIBED_SHORT m.a.b.c.v');
  assert.deepEqual(read(deep, `ffffffff${'01'.repeat(60_000)}`), 'CV_DESCRIBED_SHORT c', 'more values than a report has');
  const beyond = described('    fields: [{ repeat: a, count: rest, at: 90, fields: [{ name: v }] }]');
  assert.deepEqual(read(beyond, '0102'), 'CV_DESCRIBED_SHORT a');
  assert.deepEqual(read(described('    fields: [{ repeat: a, count: rest, at: -4, fields: [{ name: v }] }]'), '010203'), [
    ['m.a.v', 2],
    ['m.a.v', 3],
  ]);
  assert.deepEqual(
    read(described('    fields: [{ repeat: a, count: rest, at: -40, fields: [{ name: v }] }]'), '010203'),
    'CV_DESCRIBED_SHORT a',
  );
});

test('repeats and sizes that are described wrong are told with their line', () => {
  const nested = (inner: string) =>
    `    fields:\n      - { name: n }\n      - repeat: a\n        count: 1\n        fields:\n          - repeat: b\n            count: 1\n            fields:\n              - { name: v }\n              - ${inner}`;
  const rows: [fields: string, line: number, words: RegExp][] = [
    [nested('{ repeat: c, count: 1, fields: [{ repeat: d, count: 1, fields: [{ name: x }] }] }'), 17, /repeats nest at most 3 deep/],
    [nested('{ repeat: c, count: 1, at: 3, fields: [{ name: x }] }'), 17, /only a field of fixed size/],
    [nested('{ name: x, type: hex, size: rest, at: 3 }'), 17, /only a field of fixed size/],
    [nested('{ name: x, type: hex, size: n, at: 3 }'), 17, /only a field of fixed size/],
    [nested('{ name: n }'), 17, /another field n/],
    [nested('{ name: x, skip: 2 }'), 17, /exactly one of name, skip and repeat/],
    [nested('{ repeat: c, fields: [{ name: x }] }'), 17, /needs count and fields/],
    [nested('{ repeat: c, count: { field: m }, fields: [{ name: x }] }'), 17, /there is no m; known here: n, v/],
    [nested('{ name: x, type: hex, size: { field: v, plus: 65536 } }'), 17, /plus/],
    [nested('{ name: x, type: hex, size: { field: v, times: 0 } }'), 17, /times/],
    [`${nested('{ name: x }')}\n      - { name: y, type: hex, size: x }`, 18, /there is no x; known here: n/],
  ];
  for (const [fields, line, words] of rows) {
    const { faults } = readDescription('d.yaml', text(fields));
    const told = faults.find(({ params }) => words.test(`${params.problem} ${params.remedy}`));
    assert.ok(told, `${fields}: ${JSON.stringify(faults)}`);
    assert.equal(told.params.line, line, fields);
    assert.match(String(told.params.problemZh), /[一-鿿]/);
  }
});
