/** What the library gives of a node, as a frame: nothing, elements of an array, 64 bits, times that stand for none. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DataType, DataValue, StatusCodes, Variant, VariantArrayType } from 'node-opcua-client';
import { valueFrame, toPlainValue, validTimeMs } from './value.ts';

const point = { id: 'p', node: 'i=1' };
const frameOf = (dataType: DataType, value: unknown, more: { index?: number; arrayType?: VariantArrayType } = {}) => {
  const { index, arrayType } = more;
  return valueFrame(
    { ...point, ...(index === undefined ? {} : { index }) },
    new DataValue({
      value: new Variant({ dataType, value, ...(arrayType === undefined ? {} : { arrayType }) }),
      statusCode: StatusCodes.Good,
    }),
  );
};

test('a node without a value has none, of whatever type it is', () => {
  for (const type of [DataType.Int64, DataType.UInt64, DataType.LocalizedText, DataType.DateTime, DataType.String, DataType.Double])
    for (const nothing of [null, undefined]) assert.equal(toPlainValue(type, nothing), null, DataType[type]);
  const { type, value, shape, status } = valueFrame(point, new DataValue({ statusCode: StatusCodes.BadWaitingForInitialData }));
  assert.deepEqual([type, value, shape, status], ['Null', null, 'scalar', 0x80320000]);
});

test('64 bits, times and texts come as texts; what no point can hold is other', () => {
  assert.equal(toPlainValue(DataType.Int64, [0xffffffff, 0xfffffffe]), '-2');
  assert.equal(toPlainValue(DataType.UInt64, [0xffffffff, 0xfffffffe]), '18446744073709551614');
  assert.equal(toPlainValue(DataType.UInt64, []), '0');
  assert.equal(toPlainValue(DataType.DateTime, new Date(0)), '1970-01-01T00:00:00.000Z');
  assert.equal(toPlainValue(DataType.DateTime, 'x'), 'x');
  assert.equal(toPlainValue(DataType.LocalizedText, { text: '泵' }), '泵');
  assert.equal(toPlainValue(DataType.LocalizedText, {}), '');
  for (const value of [1.5, true, false, 'x']) assert.equal(toPlainValue(DataType.Double, value), value);
  for (const value of [new Date(0), {}, [1]]) assert.equal(toPlainValue(DataType.Double, value), undefined);
  assert.deepEqual((({ shape, value }) => [shape, value])(frameOf(DataType.ByteString, Buffer.from('x'))), ['other', null]);
});

test('an element by its index; a whole array is an array, and beyond its end there is no data', () => {
  const list = [7, 8, 9];
  const arrayType = VariantArrayType.Array;
  const said = (index?: number) =>
    (({ value, shape, status, type }) => [value, shape, status, type])(
      frameOf(DataType.Int32, list, { arrayType, ...(index === undefined ? {} : { index }) }),
    );
  assert.deepEqual(said(), [null, 'array', 0, 'Int32']);
  assert.deepEqual([0, 2].map((index) => said(index)), [[7, 'scalar', 0, 'Int32'], [9, 'scalar', 0, 'Int32']]);
  assert.deepEqual(said(3), [null, 'scalar', 0x80370000, 'Null']);
  assert.deepEqual(
    (({ value, shape }) => [value, shape])(frameOf(DataType.Int32, null, { arrayType, index: 0 })),
    [null, 'scalar'],
    'no array at all',
  );
  assert.deepEqual(
    (({ value, shape }) => [value, shape])(frameOf(DataType.Int32, 5, { index: 0 })),
    [5, 'scalar'],
    'an index of a single value',
  );
});

test('times before 1990 stand for none; both times are kept', () => {
  const at = Date.UTC(1990, 0, 1);
  assert.deepEqual(
    [validTimeMs(new Date(at)), validTimeMs(new Date(at - 1)), validTimeMs(null), validTimeMs(undefined)],
    [at, null, null, null],
  );
  const frame = valueFrame(
    point,
    new DataValue({
      value: new Variant({ dataType: DataType.Double, value: 1 }),
      sourceTimestamp: new Date(at + 1),
      serverTimestamp: new Date(at + 2),
      statusCode: StatusCodes.Good,
    }),
  );
  assert.deepEqual([frame.sourceAt, frame.serverAt], [at + 1, at + 2]);
});
