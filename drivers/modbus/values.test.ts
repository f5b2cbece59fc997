import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { readValue, registerCount, type ValueFormat, type ByteOrder, type ValueType } from './values.ts';

const hex = (text: string) => Buffer.from(text.replaceAll(' ', ''), 'hex');
const viewOf = ({ buffer, byteOffset, length }: Uint8Array) => new DataView(buffer, byteOffset, length);
const form = (type: ValueType, more: Partial<ValueFormat> = {}): ValueFormat => ({
  point: 'p',
  type,
  wordOrder: 'big',
  byteOrder: 'big',
  ...more,
});
const valueOf = (wire: string, type: ValueType, more: Partial<ValueFormat> = {}) => {
  const read = readValue(viewOf(hex(wire)), form(type, more));
  return typeof read === 'object' ? read.fault?.code : read;
};

const ORDERS: [name: string, wordOrder: ByteOrder, byteOrder: ByteOrder, bytes: number[]][] = [
  ['ABCD', 'big', 'big', [0, 1, 2, 3]],
  ['CDAB', 'little', 'big', [2, 3, 0, 1]],
  ['BADC', 'big', 'little', [1, 0, 3, 2]],
  ['DCBA', 'little', 'little', [3, 2, 1, 0]],
];

test('123.456 in the four orders, as the manuals name them', () => {
  for (const [name, wordOrder, byteOrder, bytes] of ORDERS) {
    const abcd = hex('42F6E979');
    const wire = Buffer.from(bytes.map((at) => abcd[at] as number));
    assert.deepEqual(readValue(viewOf(wire), form('float32', { wordOrder, byteOrder })), 123.456, name);
  }
});

test('orders extend to four registers: words reversed whole, bytes swapped within each', () => {
  assert.equal(valueOf('0001 0002 0003 0004', 'uint64'), 0x0001000200030004);
  assert.equal(valueOf('0004 0003 0002 0001', 'uint64', { wordOrder: 'little' }), 0x0001000200030004);
  assert.equal(valueOf('0100 0200 0300 0400', 'uint64', { byteOrder: 'little' }), 0x0001000200030004);
  assert.equal(valueOf('405EDD2F1A9FBE77', 'float64'), 123.456);
});

test('signs, decimals in binary, bits', () => {
  assert.equal(valueOf('FF85', 'int16'), -123);
  assert.equal(valueOf('FF85', 'uint16'), 65413);
  assert.equal(valueOf('FFFFFF85', 'int32'), -123);
  assert.equal(valueOf('FFFFFFFFFFFFFF85', 'int64'), -123);
  assert.equal(valueOf('1234', 'bcd16'), 1234);
  assert.equal(valueOf('5678 1234', 'bcd32', { wordOrder: 'little' }), 12345678);
  assert.equal(valueOf('0008', 'bool', { bit: 3 }), true);
  assert.equal(valueOf('FFF7', 'bool', { bit: 3 }), false);
  assert.equal(valueOf('0100', 'bool', { bit: 0, byteOrder: 'little' }), true);
  assert.equal(valueOf('0002', 'bool'), true);
});

test('what is no number of that type is a fault, never a value', () => {
  assert.equal(valueOf('7FC00000', 'float32'), 'CV_VALUE_UNSAFE');
  assert.equal(valueOf('FF800000', 'float32'), 'CV_VALUE_UNSAFE');
  assert.equal(valueOf('0020000000000001', 'uint64'), 'CV_VALUE_UNSAFE');
  assert.equal(valueOf('0020000000000000', 'uint64'), 2 ** 53);
  assert.equal(valueOf('FFFFFFFFFFFFFFFF', 'uint64'), 'CV_VALUE_UNSAFE');
  assert.equal(valueOf('FFE0000000000000', 'int64'), -(2 ** 53));
  assert.equal(valueOf('123A', 'bcd16'), 'CV_MODBUS_VALUE_FORM');
  assert.equal(valueOf('C328', 'string', { length: 2 }), 'CV_MODBUS_VALUE_FORM');
});

test('raw values that mean "no sensor" give neither value nor fault', () => {
  const none: [string, ValueType, number][] = [
    ['7FFF', 'int16', 0x7fff],
    ['8000', 'int16', 0x8000],
    ['8000', 'int16', -32768],
    ['FFFF', 'uint16', 0xffff],
    ['D8F1', 'int16', -9999],
    ['C61C3C00', 'float32', -9999],
    ['7FFFFFFF', 'int32', 0x7fffffff],
    ['FFFFFFFF', 'int32', 0xffffffff],
    ['FFFF', 'bcd16', 0xffff],
    ['3DCCCCCD', 'float32', 0.1],
  ];
  for (const [wire, type, invalid] of none)
    assert.deepEqual(readValue(viewOf(hex(wire)), form(type, { invalid: [1, invalid] })), {}, `${type} ${wire}`);
  assert.equal(valueOf('7FFE', 'int16', { invalid: [0x7fff] }), 0x7ffe);
});

test('a string ends at its first NUL or its length, without blanks; some devices swap its letters', () => {
  assert.equal(valueOf('5055 4D50 2020', 'string', { length: 6 }), 'PUMP');
  assert.equal(valueOf('5055 4D50 0041', 'string', { length: 6 }), 'PUMP');
  assert.equal(valueOf('5055 4D50', 'string', { length: 3 }), 'PUM');
  assert.equal(valueOf('5550 504D', 'string', { length: 4, byteOrder: 'little' }), 'PUMP');
  assert.equal(valueOf('E6B0B4E4BD8D', 'string', { length: 6 }), '水位');
});

test('a float32 comes as the shortest decimal that is the same float32', () => {
  fc.assert(fc.property(fc.float({ noNaN: true, min: -(2 ** 50), max: 2 ** 50 }), (value) => {
    const wire = Buffer.alloc(4);
    wire.writeFloatBE(value);
    const read = readValue(viewOf(wire), form('float32'));
    assert.ok(typeof read === 'number');
    assert.equal(Math.fround(read) + 0, value + 0); // -0 comes as 0
    assert.ok(String(read).length <= String(value).length);
  }));
});

test('whatever the registers hold, a value is of its type', () => {
  const limits: Partial<Record<ValueType, [number, number]>> = {
    int16: [-32768, 32767],
    uint16: [0, 65535],
    int32: [-(2 ** 31), 2 ** 31 - 1],
    uint32: [0, 2 ** 32 - 1],
    bcd16: [0, 9999],
    bcd32: [0, 99_999_999],
    int64: [-(2 ** 53), 2 ** 53],
    uint64: [0, 2 ** 53],
    float32: [-(2 ** 53), 2 ** 53],
    float64: [-(2 ** 53), 2 ** 53],
  };
  fc.assert(
    fc.property(
      fc.constantFrom(...(Object.keys(limits) as ValueType[])),
      fc.uint8Array({ minLength: 8, maxLength: 8 }),
      fc.constantFrom(...ORDERS),
      (type, bytes, [, wordOrder, byteOrder]) => {
        const read = readValue(viewOf(bytes.subarray(0, registerCount(type, undefined) * 2)), form(type, { wordOrder, byteOrder }));
        if (typeof read === 'object') return assert.ok(read.fault);
        const [low, high] = limits[type] as [number, number];
        assert.ok(typeof read === 'number' && read >= low && read <= high && Math.abs(read) <= 2 ** 53);
      },
    ),
  );
});
