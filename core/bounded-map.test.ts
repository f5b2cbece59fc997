import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setBounded } from './bounded-map.ts';

test('a bounded map lets its oldest go, and nothing for a key that it has', () => {
  const map = new Map<string, number>();
  for (let at = 0; at < 1000; at += 1) setBounded(map, `u${at}`, at, 10);
  assert.deepEqual([...map.keys()], Array.from({ length: 10 }, (_, at) => `u${990 + at}`));
  setBounded(map, 'u995', -1, 10);
  assert.deepEqual([map.size, map.get('u995'), map.has('u990')], [10, -1, true]);
});
