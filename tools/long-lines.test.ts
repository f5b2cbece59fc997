import assert from 'node:assert/strict';
import { test } from 'node:test';
import { growth, longLinesOf, type LongLine } from './long-lines.ts';

const LONG = 'x'.repeat(150);

test('a line that could be broken counts, one that is a long literal does not', () => {
  const call = `  const found = list.filter(({ a }) => a).map(({ b }) => b).concat(${'other, '.repeat(15)}last);`;
  assert.deepEqual(longLinesOf('edge/a.ts', `const a = 1;\n${call}\n`), [{ path: 'edge/a.ts', line: 2, length: call.length }]);
  for (const literal of [`'${LONG}'`, `"${LONG}"`, `\`${LONG} \${a}\``, `/${LONG}/gu`]) {
    assert.deepEqual(longLinesOf('edge/a.ts', `  assert.match(text, ${literal});`), [], literal.slice(0, 1));
  }
  assert.equal(longLinesOf('edge/a.ts', `  { zh: '${LONG}', en: '${LONG}' }`).length, 1, 'two literals can stand on two lines');
  assert.equal(longLinesOf('edge/a.ts', `// ${LONG}`).length, 1, 'a comment can always be broken');
});

test('tables of words are let be, a row a line', () => {
  const row = `  en: ['${LONG}', '${LONG}'],`;
  const paths = ['core/faults/api.ts', 'drivers/modbus/faults.ts', 'core/losses.ts', 'edge/a.ts'];
  const counts = paths.map((path) => longLinesOf(path, row).length);
  assert.deepEqual(counts, [0, 0, 0, 1]);
});

test('a folder may have fewer than it had, never more, and a new one none', () => {
  const lines = (count: number): LongLine[] => Array.from({ length: count }, (_, line) => ({ path: 'a.ts', line, length: 141 }));
  const remaining = { edge: 2 };
  assert.deepEqual(growth(new Map([['edge', lines(2)]]), remaining), []);
  assert.deepEqual(growth(new Map([['edge', lines(1)]]), remaining), []);
  assert.match(growth(new Map([['edge', lines(3)]]), remaining)[0] ?? '', /^edge: 3 lines .* 2 allowed$/);
  assert.match(growth(new Map([['city', lines(1)]]), remaining)[0] ?? '', /^city: 1 lines .* 0 allowed\n {2}a\.ts:0/);
});
