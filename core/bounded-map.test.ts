import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setBounded } from './bounded-map.ts';

test('a bounded map lets its oldest go, and nothing for a key that it has', () => {
  const map = new Map<string, number>();
  for (let index = 0; index < 1000; index += 1) setBounded(map, `u${index}`, index, 10);
  assert.deepEqual([...map.keys()], Array.from({ length: 10 }, (_, index) => `u${990 + index}`));
  setBounded(map, 'u995', -1, 10);
  assert.deepEqual([map.size, map.get('u995'), map.has('u990')], [10, -1, true]);
});
