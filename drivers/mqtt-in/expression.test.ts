import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { valuesAt, whyNot } from './expression.ts';

const MESSAGE = { a: 5, data: { temp: 20, text: '12.5' }, list: [{ type: 'T', v: 1 }, { type: 'H', v: 2 }, { type: 'T', v: 3 }] };

test('an expression computes; a list gives each of its values', () => {
  for (const [text, wanted] of [
    ['data.temp * 9 / 5 + 32', [68]], ["list[type = 'T'].v", [1, 3]], ['$sum(list.v)', [6]], ['$number(data.text)', [12.5]], ['a > 4 ? 1 : 0', [1]], ['$$.a - 1', [4]],
    ['($t := data.temp; $t + 1)', [21]], ['$exists(gone)', [false]], ['gone * 2', []], ['list^(>v).v', [3, 2, 1]], ['list[*].v', [1, 2, 3]],
  ] as const) assert.deepEqual(valuesAt(MESSAGE, text), { values: wanted, failed: null }, text);
});

test('what could run on, reach out or differ from run to run is refused before it runs, with its reason', () => {
  for (const [text, why] of [
    ["$eval('a')", /\$eval\(\)/], ['$now()', /\$now/], ['$millis()', /\$millis/], ['$random()', /\$random/], ['$f := function($x) { $f($x) }', /lambda/], ['$map(list, $sum)', /\$map/],
    ['data.text ~> /a+/', /apply|regex/], ['$contains(data.text, /(a+)+$/)', /regex/], ['[1..1000000]', /\.\./], ['$pad(data.text, 100000000)', /\$pad/], ['|data|{"temp": 1}|', /transform/],
    ["list.constructor('x')", /\(\)/], ["constructor.constructor('return 1')()", /\(\)/], ['(($sum))(list.v)', /\(\)/], ['list#$i.v', /#/], ['$unknown(a)', /\$unknown/], ['a +', /end of expression/], ['', /1 to 1000/],
  ] as const) {
    assert.match(whyNot(text)?.en ?? 'may be used', why, text);
    assert.deepEqual(valuesAt(MESSAGE, text).values, [], text);
  }
});

test('a message may make it fail, never hang and never throw; what objects inherit is not there', () => {
  assert.match(valuesAt({ a: 'x' }, 'a + 1').failed?.en ?? '', /must evaluate to a number/);
  const long = { list: Array.from({ length: 2000 }, (_, v) => ({ v })) };
  assert.match(valuesAt(long, 'list.($$.list.($$.list.v))').failed?.zh ?? '', /20000 步/);
  assert.deepEqual(valuesAt(long, "list[v = 1999].v"), { values: [1999], failed: null }, 'a count begins anew with each message');
  assert.deepEqual(valuesAt(MESSAGE, '$.toString').values, []);
  const texts = ['data.temp * 2', "list[type = 'T'].v", '$sum(list.v)', '**.v', '$string(data) & a', '$lookup(data, a)'];
  fc.assert(fc.property(fc.json(), fc.constantFrom(...texts), (json, text) => { assert.ok(Array.isArray(valuesAt(JSON.parse(json), text).values)); }), { numRuns: 300 });
});
