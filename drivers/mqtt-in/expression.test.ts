import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { evaluateFirst, evaluateAll, expressionProblem } from './expression.ts';

const MESSAGE = { a: 5, data: { temp: 20, text: '12.5' }, list: [{ type: 'T', v: 1 }, { type: 'H', v: 2 }, { type: 'T', v: 3 }] };

test('an expression computes; a list gives each of its values', () => {
  for (const [text, wanted] of [
    ['data.temp * 9 / 5 + 32', [68]],
    ["list[type = 'T'].v", [1, 3]],
    ['$sum(list.v)', [6]],
    ['$number(data.text)', [12.5]],
    ['a > 4 ? 1 : 0', [1]],
    ['$$.a - 1', [4]],
    ['($t := data.temp; $t + 1)', [21]],
    ['$exists(gone)', [false]],
    ['gone * 2', []],
    ['list^(>v).v', [3, 2, 1]],
    ['list[*].v', [1, 2, 3]],
  ] as const)
    assert.deepEqual(evaluateAll(MESSAGE, text), { values: wanted, problem: null }, text);
});

test('what could run on, reach out or differ from run to run is refused before it runs, with its reason', () => {
  for (const [text, why] of [
    ["$eval('a')", /\$eval\(\)/],
    ['$now()', /\$now/],
    ['$millis()', /\$millis/],
    ['$random()', /\$random/],
    ['$f := function($x) { $f($x) }', /lambda/],
    ['$map(list, $sum)', /\$map/],
    ['data.text ~> /a+/', /apply|regex/],
    ['$contains(data.text, /(a+)+$/)', /regex/],
    ['[1..1000000]', /\.\./],
    ['$pad(data.text, 100000000)', /\$pad/],
    ['|data|{"temp": 1}|', /transform/],
    ["list.constructor('x')", /\(\)/],
    ["constructor.constructor('return 1')()", /\(\)/],
    ['(($sum))(list.v)', /\(\)/],
    ['list#$i.v', /#/],
    ['$unknown(a)', /\$unknown/],
    ['a +', /end of expression/],
    ['', /1 to 1000/],
  ] as const) {
    assert.match(expressionProblem(text)?.en ?? 'may be used', why, text);
    assert.deepEqual(evaluateAll(MESSAGE, text).values, [], text);
  }
});

test('a message may make it fail, never hang and never throw; what objects inherit is not there', () => {
  assert.match(evaluateAll({ a: 'x' }, 'a + 1').problem?.en ?? '', /must evaluate to a number/);
  const long = { list: Array.from({ length: 2000 }, (_, v) => ({ v })) };
  assert.match(evaluateAll(long, 'list.($$.list.($$.list.v))').problem?.zh ?? '', /20000 步/);
  assert.deepEqual(evaluateAll(long, "list[v = 1999].v"), { values: [1999], problem: null }, 'a count begins anew with each message');
  assert.deepEqual(evaluateAll(MESSAGE, '$.toString').values, []);
  const texts = ['data.temp * 2', "list[type = 'T'].v", '$sum(list.v)', '**.v', '$string(data) & a', '$lookup(data, a)'];
  fc.assert(
    fc.property(fc.json(), fc.constantFrom(...texts), (json, text) => {
      assert.ok(Array.isArray(evaluateAll(JSON.parse(json), text).values));
    }),
    { numRuns: 300 },
  );
});

test('each function that may be used is one', () => {
  for (const [text, wanted] of [
    ['$sum(n)', 6],
    ['$count(n)', 3],
    ['$max(n)', 3],
    ['$min(n)', 1],
    ['$average(n)', 2],
    ['$abs(-5)', 5],
    ['$floor(1.7)', 1],
    ['$ceil(1.2)', 2],
    ['$round(1.26, 1)', 1.3],
    ['$power(2, 3)', 8],
    ['$sqrt(9)', 3],
    ["$number('5')", 5],
    ['$string(5)', '5'],
    ['$boolean(1)', true],
    ['$not(true)', false],
    ['$exists(n)', true],
    ['$type(n)', 'array'],
    ['$length(t)', 5],
    ['$substring(t, 1, 2)', 'bc'],
    ["$substringBefore(t, 'c')", 'ab'],
    ["$substringAfter(t, 'c')", 'de'],
    ['$uppercase(t)', 'ABCDE'],
    ["$lowercase('X')", 'x'],
    ["$trim(' x ')", 'x'],
    ["$contains(t, 'cd')", true],
    ["$split('a,b', ',')[1]", 'b'],
    ["$join(['a', 'b'], '-')", 'a-b'],
    ["$base64decode('QUI=')", 'AB'],
    ["$parseInteger('7', '0')", 7],
    ['$append(1, 2)[1]', 2],
    ['$reverse(n)[0]', 3],
    ['$sort(n)[2]', 3],
    ['$distinct([1, 1, 2])[1]', 2],
    ['$zip(n, n)[0][1]', 1],
    ['$keys(o)[0]', 'k'],
    ["$lookup(o, 'k')", 'v'],
    ["$merge([o, {'l': 1}]).l", 1],
    ['$spread(o)[0].k', 'v'],
    ["$toMillis('1970-01-01T00:00:01Z')", 1000],
    ['$fromMillis(0)', '1970-01-01T00:00:00.000Z'],
    ["$formatNumber(1234.5, '#,##0.00')", '1,234.50'],
    ['$formatBase(255, 16)', 'ff'],
  ] as const) {
    assert.equal(expressionProblem(text), null, text);
    assert.deepEqual(evaluateAll({ n: [1, 2, 3], t: 'abcde', o: { k: 'v' } }, text), { values: [wanted], problem: null }, text);
  }
});

test('each form of an expression that only computes may be used', () => {
  const root = { a: { b: 1, c: 2 }, list: [{ k: 'x', v: 1 }, { k: 'y', v: 2 }, { k: 'x', v: 3 }] };
  for (const [text, wanted] of [
    ['-a.b', [-1]],
    ['a.*', [1, 2]],
    ['**.v', [1, 2, 3]],
    ["a.b = 1 ? 'yes' : 'no'", ['yes']],
    ['($x := a.b; $y := $x + 1; $y)', [2]],
    ["'text' & a.b", ['text1']],
    ['(true)', [true]],
    ['(null)', [null]],
    ['[a.b, 5]', [1, 5]],
    ['list^(<v, >k)[0].v', [1]],
    ['(list{k: $sum(v)}).x', [4]],
    ["list[k = 'y' and v > 1 or false].v", [2]],
    ['a.b in [1, 2]', [true]],
    ['a.c % 2', [0]],
    ['$.a.c', [2]],
    ['$count(list) ', [3]],
  ] as const)
    assert.deepEqual([expressionProblem(text), evaluateAll(root, text)], [null, { values: wanted, problem: null }], text);
});

test('what is refused is named, in both languages', () => {
  for (const [text, what] of [
    ['$now()', '$now()'],
    ['list.(v)@$x.k', '@ # ~>'],
    ['a#$i.b', '@ # ~>'],
    ['[1..2]', '..'],
    ['$unheard', '$unheard'],
    ['a.b()', '()'],
    ['function($x) { $x }', 'lambda'],
    ['(a; $eval(b))', '$eval()'],
    ['$sum([$millis()])', '$millis()'],
  ] as const) {
    const refused = expressionProblem(text);
    assert.deepEqual([refused?.en, refused?.zh], [`\`${what}\` is not available here`, `此处不能使用 \`${what}\``], text);
    assert.deepEqual(evaluateAll({}, text), { values: [], problem: refused }, text);
  }
  for (const text of ['', ' ', 'a'.repeat(5) + ' + 1'.repeat(250)])
    assert.deepEqual(expressionProblem(text), { en: 'it must have 1 to 1000 characters', zh: '长度应为 1 到 1000 个字符' });
  assert.equal(expressionProblem(`1${' '.repeat(999)}`), null);
  assert.match(expressionProblem('a +')?.zh ?? '', /^S0207（/);
});

test('at most 1,000 values and 20,000 steps; functions and nothing are no values', () => {
  const wide = { list: Array.from({ length: 1500 }, (_, v) => ({ v })) };
  assert.equal(evaluateAll(wide, 'list.(v)').values.length, 1000);
  assert.deepEqual(evaluateAll(wide, 'list.($$.list.(v))').problem, {
    en: 'more than 20000 steps for this message',
    zh: '对此消息的计算超过 20000 步',
  });
  assert.deepEqual(
    [evaluateAll({}, '$sum').values, evaluateAll({}, 'gone + 1').values, evaluateAll({ a: null }, '(a)').values],
    [[], [], [null]],
  );
  assert.deepEqual([evaluateFirst({ a: [7, 8] }, '(a)'), evaluateFirst({ a: [7, 8] }, 'a[*]'), evaluateFirst({}, 'a')], [7, 7, undefined]);
});
