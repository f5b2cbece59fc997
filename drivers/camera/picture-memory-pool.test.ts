import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PictureMemoryPool } from './picture-memory-pool.ts';

test('memory is reused once, when the last that kept it has released it, and never when it was not kept', () => {
  const ring = new PictureMemoryPool();
  const [first, second] = [ring.take(6), ring.take(6)];
  assert.notEqual(first, second);
  const keep = ring.keeperOf(first);
  const [mine, yours] = [keep(), keep()];
  mine();
  mine();
  assert.notEqual(ring.take(6), first);
  yours();
  assert.equal(ring.take(6), first);
  assert.notEqual(ring.take(6), first);
});

test('pictures of another size get new memory; the pool is bounded', () => {
  const ring = new PictureMemoryPool();
  const many = Array.from({ length: 10 }, () => ring.take(6));
  for (const memory of many) ring.keeperOf(memory)()();
  const again = Array.from({ length: 10 }, () => ring.take(6)).filter((memory) => many.includes(memory));
  assert.equal(again.length, 3);
  ring.keeperOf(many[0] as Uint8Array)()();
  assert.equal(ring.take(12).length, 12);
});
