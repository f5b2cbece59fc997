import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { isWithinHours, meetsCondition, parseWhen } from './when.ts';

test('conditions are read as written, and nothing else is', () => {
  assert.deepEqual(parseWhen('>= 2.0'), { operator: '>=', limit: 2 });
  assert.deepEqual(parseWhen('<-1.5e3'), { operator: '<', limit: -1500 });
  assert.deepEqual(parseWhen('== true'), { operator: '==', limit: true });
  assert.deepEqual(parseWhen('!= "open"'), { operator: '!=', limit: 'open' });
  for (const text of ['', '2', '>=', '>= x', '=> 2', '>= true', '< "a"', '>= 1 or 2', '>= 0x10', '>= Infinity', '== open', '>= 1e999'])
    assert.equal(parseWhen(text), null, text);
});

test('a value that cannot be compared neither meets nor leaves', () => {
  const when = { operator: '>=', limit: 1 } as const;
  for (const value of ['2', true, null]) assert.deepEqual([meetsCondition(when, value), isWithinHours(when, 0, value)], [null, null]);
});

test('without hysteresis inside is the opposite of meets; with one, a value is never both', () => {
  const operator = fc.constantFrom('>=', '>', '<=', '<', '==', '!=');
  fc.assert(
    fc.property(
      operator,
      fc.double({ noNaN: true, min: -100, max: 100 }),
      fc.double({ noNaN: true, min: 0, max: 10 }),
      fc.double({ noNaN: true, min: -100, max: 100 }),
      (operator, limit, hysteresis, value) => {
        const when = { operator, limit: Number(limit.toFixed(3)) } as const;
        assert.equal(isWithinHours(when, 0, value), !meetsCondition(when, value));
        assert.ok(!(meetsCondition(when, value) && isWithinHours(when, Number(hysteresis.toFixed(3)), value)));
      },
    ),
  );
});

test('limits are moved in decimals', () => {
  assert.equal(isWithinHours({ operator: '>=', limit: 0.3 }, 0.1, 0.2), false);
  assert.equal(isWithinHours({ operator: '>', limit: 0.3 }, 0.1, 0.2), true);
});

test('each operator is the comparison it is written as, for numbers, states and texts', () => {
  const met = (text: string, ...values: unknown[]) =>
    values.map((value) => meetsCondition(parseWhen(text) as NonNullable<ReturnType<typeof parseWhen>>, value));
  assert.deepEqual(
    ['>=', '>', '<=', '<', '==', '!='].map((operator) => met(`${operator} 2`, 1, 2, 3)),
    [
      [false, true, true],
      [false, false, true],
      [true, true, false],
      [true, false, false],
      [false, true, false],
      [true, false, true],
    ],
  );
  assert.deepEqual(
    [met('== false', false, true, 0), met('!= true', false, true), met("== 'open'", 'open', 'shut'), met('!= ""', '', 'x')],
    [
      [true, false, null],
      [true, false],
      [true, false],
      [false, true],
    ],
  );
});

test('a state has no band around it: it is left as soon as it is no longer met', () => {
  for (const text of ['== 2', '!= 2', '== true', '!= "open"']) {
    const when = parseWhen(text) as NonNullable<ReturnType<typeof parseWhen>>;
    for (const value of [2, 2.5, 5, true, false, 'open', 'shut'])
      assert.equal(isWithinHours(when, 5, value), isWithinHours(when, 0, value), `${text} ${value}`);
  }
  assert.deepEqual(
    [
      [1.4, 1.5, 1.6].map((value) => isWithinHours({ operator: '>', limit: 2 }, 0.5, value)),
      [2.4, 2.5, 2.6].map((value) => isWithinHours({ operator: '<', limit: 2 }, 0.5, value)),
    ],
    [
      [true, true, false],
      [false, true, true],
    ],
  );
});
