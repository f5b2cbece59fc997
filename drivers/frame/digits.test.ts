import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decode } from './decode.ts';
import { fieldPointMap } from './frame.ts';
import { readDescription } from './load-description.ts';
import type { FrameProtocol } from './protocol.ts';
import { point, type ConfiguredFramePoint } from './settings.ts';

const text = (fields: string, more = '') =>
  `version: 1\ntitle: { zh: 甲, en: a }\nheader: "00"\nterminator: "0D"\n${more}messages:\n  - name: m\n    fields:\n${fields
    .split('\n')
    .map((line) => `      ${line}`)
    .join('\n')}\n  - { name: other }\n`;

function described(fields: string, more = ''): FrameProtocol {
  const loaded = readDescription('d.yaml', text(fields, more));
  assert.deepEqual(loaded.faults, []);
  return loaded.protocol as FrameProtocol;
}

function read(protocol: FrameProtocol, hex: string, points?: Record<string, unknown>[]) {
  const plan = points
    ? fieldPointMap(
        protocol,
        points.map((one) => ({ id: String(one.id), ...point.parse(one) }) as ConfiguredFramePoint),
      )
    : { protocol, byField: null };
  const decoded = decode({ is: 'message', bytes: Buffer.from(`00${hex}0d`, 'hex'), pointMap: plan });
  return decoded.ok
    ? (decoded.values ?? []).map(({ value, fault, flags }) => (value === null ? (fault?.code ?? flags?.[0]) : value))
    : [decoded.fault.code];
}

test('BCD below zero: by its top bit (DL/T 645), its top half byte (EN 13757-3), a byte before it (SL 651), another field', () => {
  const BAD = 'CV_DESCRIBED_VALUE';
  const rows: [field: string, hex: string, wanted: unknown][] = [
    ['type: bcd, size: 3, sign: bit, order: little, scale: 0.0001', '341280', -0.1234],
    ['type: bcd, size: 3, sign: bit, order: little, scale: 0.0001', '341200', 0.1234],
    ['type: bcd, size: 2, sign: bit', '9999', -1999],
    ['type: bcd, size: 2, sign: bit', 'ffff', BAD],
    ['type: bcd, size: 2, sign: bit', '8a00', BAD],
    ['type: bcd, size: 2, sign: bit, invalid: ["FFFF"]', 'ffff', 'fault-code'],
    ['type: bcd, size: 2, sign: bit', '8000', 0],
    ['type: bcd, size: 2, sign: nibble', 'f012', -12],
    ['type: bcd, size: 2, sign: nibble', '9012', 9012],
    ['type: bcd, size: 2, sign: nibble', 'ff12', BAD],
    ['type: bcd, size: 2, sign: nibble', 'd012', BAD],
    ['type: bcd, size: 2, sign: nibble', 'f000', 0],
    ['type: bcd, size: 3, sign: byte, scale: 0.01', 'ff0150', -1.5],
    ['type: bcd, size: 3, sign: byte', '990150', 990_150],
    ['type: bcd, size: 3, sign: byte', 'ffffff', BAD],
    ['type: bcd, size: 1, sign: byte', 'ff', BAD],
    ['type: bcd, size: 8, sign: nibble', 'f123456789012345', -123_456_789_012_345],
    ['type: bcd, size: 8, sign: bit', '9234567890123456', '-1234567890123456'],
    ['type: bcd, size: 2', 'f012', BAD],
    ['type: bcd, size: 1, sign: bit, offset: 0.5', '81', -0.5],
    ['type: bcd, size: 1, sign: bit, enum: { -1: back, 1: on }', '81', 'back'],
    ['type: bcd, size: 1, sign: bit, invalid: [-1]', '81', 'fault-code'],
    ['type: bcd, size: 2, invalid: [0]', '0000', 'fault-code'],
  ];
  for (const [field, hex, wanted] of rows) {
    const [value] = read(described(`- { name: x, ${field} }`), hex);
    assert.ok(Object.is(value, wanted), `${field} ${hex}: ${String(value)}`);
  }
});

test('a sign in a field of its own: of any number, and none without it', () => {
  const field = (type: string) =>
    described(`- { name: side, type: ascii, size: 1, invalid: ["?"] }\n- { name: x, ${type}, sign: { side: [S, s] } }`);
  assert.deepEqual(read(field('type: u16, scale: 0.1'), '53000f'), ['S', -1.5]);
  assert.deepEqual(read(field('type: u16, scale: 0.1'), '73000f'), ['s', -1.5]);
  assert.deepEqual(read(field('type: u16, scale: 0.1'), '4e000f'), ['N', 1.5]);
  assert.deepEqual(read(field('type: u16'), '3f000f'), ['fault-code', 'CV_DESCRIBED_VALUE'], 'which side is not known');
  assert.deepEqual(read(field('type: bcd, size: 2'), '530012'), ['S', -12]);
  assert.deepEqual(read(field('type: bcd, size: 2'), '53001a'), ['S', 'CV_DESCRIBED_VALUE']);
  assert.deepEqual(read(field('type: u64'), '534000000000000000'), ['S', -(2 ** 62)]);
});

test('ids in hex and BCD: conditions, enumerations and points name them as they read, in capitals or not, with their zeros', () => {
  const protocol = described(
    '- { name: item, type: hex, size: 4 }\n- { name: meter, type: bcd, size: 2 }\n- { name: x, when: { item: "0001ab00" } }\n- { name: y, when: { item: "!= 0001AB00" } }\n- { name: z, when: { meter: "0061" } }\n- { name: u, when: { meter: ["0061", 62] } }',
  );
  assert.deepEqual(read(protocol, '0001ab00006101020304'), ['0001AB00', 61, 1, 2, 3]);
  assert.deepEqual(read(protocol, '000100000062010203'), ['00010000', 62, 1, 2]);
  assert.deepEqual(
    read(protocol, '0001ab00006101020304', [
      { id: 'a', read: 'm.x', where: { item: '0001ab00' } },
      { id: 'b', read: 'm.x', where: { item: '0001AB01' } },
      { id: 'c', read: 'm.x', where: { meter: '0061' } },
      { id: 'd', read: 'm.x', where: { meter: 61 } },
      { id: 'e', read: 'm.x', where: { meter: '0610' } },
    ]),
    [1, 1, 1],
  );
  const words = described(
    '- { name: a, type: hex, size: 2, enum: { "0010": ten, "ab00": many } }\n- { name: b, type: ascii, size: 2, enum: { "01": on, "1e": odd } }',
  );
  assert.deepEqual(read(words, '00103031'), ['ten', 'on']);
  assert.deepEqual(read(words, 'ab003165'), ['many', 'odd']);
});

test('hex ids that YAML reads as numbers, and comparisons that never hold, are told with their line', () => {
  const item = (when: string) => text(`- { name: item, type: hex, size: 4 }\n- { name: x, when: { item: ${when} } }`);
  const rows: [text: string, words: RegExp][] = [
    [item('00010000'), /10000: hex digits must be quoted, 8 of them, such as "901F901F"/],
    [item('0x00010000'), /must be quoted/],
    [item('"0001"'), /8 of them/],
    [item('["00010000", 7]'), /7: hex/],
    [item('"!= 0001"'), /8 of them/],
    [item('">= 00010000"'), /only numbers can be compared/],
    [item('true'), /must be quoted/],
    [text('- { name: item, type: hex, size: rest }\n- { name: x, when: { item: 12 } }'), /two per byte/],
    [text('- { name: item }\n- { name: x, when: { item: ">= ab" } }'), /only numbers can be compared/],
    [text('- { name: item }\n- { name: x, sign: bit }'), /sign: bit is only for bcd, not u8/],
    [text('- { name: item }\n- { name: x, type: ascii, size: 1, sign: { item: 1 } }'), /a number without bits can have a sign, not ascii/],
    [text('- { name: item }\n- { name: x, bits: { a: 0 }, sign: { item: 1 } }'), /a number without bits/],
    [text('- { name: item }\n- { name: x, type: unix, sign: { item: 1 } }'), /not unix/],
    [text('- { name: item }\n- { name: x, sign: { itme: 1 } }'), /there is no itme; known here: item/],
  ];
  for (const [one, words] of rows) {
    const { faults: [fault] } = readDescription('d.yaml', one);
    assert.equal(fault?.params.line, 9, one);
    assert.match(String(fault?.params.problem), words);
    assert.match(String(fault?.params.problemZh), /[一-鿿]/);
  }
  assert.deepEqual(readDescription('d.yaml', item('12345678')).faults, [], 'a number that lost no digit');
});
