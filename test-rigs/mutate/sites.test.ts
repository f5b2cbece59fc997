import assert from 'node:assert/strict';
import { test } from 'node:test';
import { testsOf } from './copy.ts';
import { sitesOf } from './sites.ts';

const changes = (text: string) => sitesOf('a.ts', text).map(({ line, from, to }) => [line, from, to]);

test('comparisons, constants, conditions, dropped calls and pragmas are places for a mistake; types and imports are not', () => {
  assert.deepEqual(changes("import { a } from './a.ts';\ntype B = 'x' | 1;\nif (a.b < 3) a.close();\n"), [
    [3, 'a.b < 3', '!(a.b < 3)'],
    [3, '<', '<='],
    [3, '3', '4'],
    [3, 'a.close();', ';'],
  ]);
  assert.deepEqual(changes('const f = (): boolean => { return x && true; };'), [
    [1, '&&', '||'],
    [1, 'true', 'false'],
  ]);
  assert.deepEqual(changes('db.exec(`PRAGMA synchronous=FULL; ${more}`);'), [
    [1, 'db.exec(`PRAGMA synchronous=FULL; ${more}`);', ';'],
    [1, 'synchronous=FULL', 'synchronous=OFF'],
  ]);
});

test('what is left of a type, a setting\'s notes and an error for programmers are none', () => {
  assert.deepEqual(changes("const a = (b as 'x' | 1)!; const c = d<'y'>();"), []);
  assert.deepEqual(changes("z.enum(A).meta({ zh: '字', en: 'word', examples: ['x'] });").map(([, , to]) => to), [';']);
  assert.deepEqual(changes("const a = { zh: '字', en: `word ${b + 1}`, code: 'x' };").map(([, from]) => from), ["'x'"]);
  assert.deepEqual(changes("throw new Error('no ' + name);"), []);
  assert.deepEqual(changes("throw new FaultError('CV_A');").map(([, from]) => from), ["'CV_A'"]);
});

test('the tests of a file are all that import it, over others too, the nearest first', () => {
  const file = (path: string, imports: string[] = []) => ({ path, text: '', imports });
  const sources = [file('a.ts'), file('b.ts', ['a.ts']), file('b.test.ts', ['b.ts']), file('a.test.ts', ['a.ts']), file('c.test.ts')];
  assert.deepEqual(testsOf('a.ts', sources), ['a.test.ts', 'b.test.ts']);
});
