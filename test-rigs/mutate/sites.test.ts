import assert from 'node:assert/strict';
import { test } from 'node:test';
import { testsOf } from './copy.ts';
import { sitesOf } from './sites.ts';

const changes = (text: string) => sitesOf('a.ts', text).map(({ line, from, to }) => [line, from, to]);

test('comparisons, constants, conditions, dropped calls and pragmas are places for a mistake; types and imports are not', () => {
  assert.deepEqual(changes("import { a } from './a.ts';\ntype B = 'x' | 1;\nif (a.b < 3) a.close();\n"), [[3, 'a.b < 3', '!(a.b < 3)'], [3, '<', '<='], [3, '3', '4'], [3, 'a.close();', ';']]);
  assert.deepEqual(changes('const f = (): boolean => { return x && true; };'), [[1, '&&', '||'], [1, 'true', 'false']]);
  assert.deepEqual(changes('db.exec(`PRAGMA synchronous=FULL; ${more}`);'), [[1, 'db.exec(`PRAGMA synchronous=FULL; ${more}`);', ';'], [1, 'synchronous=FULL', 'synchronous=OFF']]);
});

test('the tests of a file are all that import it, over others too, the nearest first', () => {
  const file = (path: string, imports: string[] = []) => ({ path, text: '', imports });
  const sources = [file('a.ts'), file('b.ts', ['a.ts']), file('b.test.ts', ['b.ts']), file('a.test.ts', ['a.ts']), file('c.test.ts')];
  assert.deepEqual(testsOf('a.ts', sources), ['a.test.ts', 'b.test.ts']);
});
