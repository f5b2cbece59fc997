import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { FaultError } from '../faults.ts';
import { toCells, toColumns, valueAt, type Column } from './columns.ts';

const columnOf = (name: string, values: unknown[]): Column | undefined =>
  toColumns(
    values.map((value) => (value === undefined ? {} : { [name]: value })),
    [name],
  )[name];
const read = (name: string, column: Column, count: number): unknown[] => {
  const cells = toCells(name, column, count);
  return Array.from({ length: count }, (_, at) => valueAt(cells, at));
};

test('a column takes the shortest form that fits its values', () => {
  assert.deepEqual(columnOf('unit', ['m', 'm', 'm']), { all: 'm' });
  assert.deepEqual(columnOf('value', [null, null]), { all: null });
  assert.deepEqual(columnOf('value', [true]), { all: true });
  assert.equal(columnOf('subject', [undefined, undefined]), undefined, 'a field that none has is left out');
  assert.deepEqual(columnOf('device', ['b', 'a', 'b', 'c']), { of: ['b', 'a', 'c'], at: [0, 1, 0, 2] });
  assert.deepEqual(columnOf('occurredAt', [100, 103, 101]), { delta: [100, 3, -2] });
  assert.deepEqual(columnOf('epoch', [7, 9]), { delta: [7, 2] });
  assert.deepEqual(columnOf('value', [100, 103]), [100, 103], 'a value is no time');
  assert.deepEqual(columnOf('occurredAt', [100, 0.5]), [100, 0.5], 'only whole numbers are summed');
  assert.deepEqual(columnOf('deviceAt', [100, undefined]), [100, null]);
  assert.deepEqual(columnOf('subject', ['x', undefined, 'y']), ['x', null, 'y'], 'texts with holes are no dictionary');
  assert.deepEqual(columnOf('value', ['x', 1, 'x']), ['x', 1, 'x']);
  assert.deepEqual(columnOf('flags', [['stale'], ['stale']]), [['stale'], ['stale']]);
});

test('a dictionary holds 64 texts at most', () => {
  const texts = (count: number) => Array.from({ length: count }, (_, at) => `t${at}`);
  assert.deepEqual(columnOf('subject', texts(64)), { of: texts(64), at: Array.from({ length: 64 }, (_, at) => at) });
  assert.deepEqual(columnOf('subject', [...texts(64), 't0']), { of: texts(64), at: [...Array.from({ length: 64 }, (_, at) => at), 0] });
  assert.deepEqual(columnOf('subject', texts(65)), texts(65));
});

test('where no row differs, the first speaks for all; an object is written out for each', () => {
  const rows = [{ unit: 'm', flags: ['stale'] }, { unit: 'm', flags: ['stale'] }];
  assert.deepEqual(toColumns(rows, ['unit', 'flags', 'gap'], () => false), { unit: { all: 'm' }, flags: [['stale'], ['stale']] });
  const asked: number[] = [];
  toColumns(rows, ['unit', 'flags'], (place) => asked.push(place) > 0);
  assert.deepEqual(asked, [0, 1]);
});

const cell = fc.oneof(
  fc.string({ maxLength: 5 }),
  fc.constantFrom('m', 'a', 'b'),
  fc.integer(),
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.boolean(),
  fc.constant(null),
  fc.constant(undefined),
);
const column = fc.oneof(
  fc.array(cell, { minLength: 1, maxLength: 90 }),
  fc.array(fc.integer({ min: -(2 ** 50), max: 2 ** 50 }), { minLength: 1, maxLength: 90 }),
  fc.array(fc.string({ maxLength: 2 }), { minLength: 1, maxLength: 120 }),
  cell.chain((one) => fc.array(fc.constant(one), { minLength: 1, maxLength: 5 })),
);

test('any values come back in their places, through JSON too; null stands for what is not there', () => {
  fc.assert(fc.property(column, fc.constantFrom('value', 'subject', 'occurredAt', 'seq'), (values, name) => {
    const written = columnOf(name, values);
    if (values.every((value) => value === undefined)) return assert.equal(written, undefined);
    const again = JSON.parse(JSON.stringify(written)) as Column;
    const wanted = values.map((value) => (value === undefined ? null : Object.is(value, -0) ? 0 : value));
    assert.deepEqual(read(name, again, values.length).map((value) => (Object.is(value, -0) ? 0 : value)), wanted);
    const { distinct } = toCells(name, again, values.length);
    assert.ok(wanted.every((value) => distinct.some((one) => one === value)), 'each is among the different ones');
  }), { numRuns: 500 });
});

test('what is no column of so many values is refused, with what is wrong', () => {
  const refused = (given: unknown, detail: string, count = 2) => assert.throws(() => toCells('unit', given as Column, count), (error) => {
    assert.ok(error instanceof FaultError);
    assert.deepEqual([error.fault.code, error.fault.params.detail], ['CV_WIRE_SHAPE', detail]);
    return true;
  }, JSON.stringify(given));
  for (const given of ['m', 7, null, undefined, true]) refused(given, 'column unit is no column');
  refused({}, 'column unit is of an unknown form');
  refused({ at: [0, 0] }, 'column unit is of an unknown form');
  for (const count of [1, 3]) {
    refused(['m', 'm'], `column unit has 2 of ${count} values`, count);
    refused({ of: ['m'], at: [0, 0] }, `column unit has 2 of ${count} values`, count);
    refused({ delta: [1, 2] }, `column unit has 2 of ${count} values`, count);
  }
  for (const at of [2, -1, 0.5, '0', null, 1e9]) refused({ of: ['m', 's'], at: [1, at] }, `column unit: at ${String(at)} of 2`);
  refused({ of: 'ms', at: [0, 1] }, 'column unit: of and at are arrays');
  refused({ of: ['m'], at: { length: 2 } }, 'column unit: of and at are arrays');
  refused({ of: null, at: [0, 0] }, 'column unit: of and at are arrays');
  refused({ delta: { length: 2 } }, 'column unit: delta is an array');
  for (const step of ['1', null, true]) refused({ delta: [1, step] }, 'column unit: a delta is a number');
});

test('a column of one value says it once, and nothing stands for a column that is not there', () => {
  assert.deepEqual(toCells('unit', { all: 'm' }, 3), { distinct: ['m'], each: null });
  assert.deepEqual(toCells('device', { of: ['a', 'b'], at: [1, 0, 1] }, 3), { distinct: ['a', 'b'], each: ['b', 'a', 'b'] });
  assert.deepEqual(
    [valueAt(null, 0), valueAt({ distinct: ['m'], each: null }, 9), valueAt({ distinct: ['a', 'b'], each: ['b', 'a'] }, 1)],
    [null, 'm', 'a'],
  );
});
