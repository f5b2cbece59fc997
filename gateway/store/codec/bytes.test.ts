import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ByteReader, Unreadable } from './bytes.ts';

test('what ends where it should is read to its last byte, and nothing beyond it', () => {
  const text = new Uint8Array([3, 0x61, 0x62, 0x63]);
  const reader = new ByteReader(text);
  assert.deepEqual([reader.text(), reader.left], ['abc', 0]);
  assert.throws(() => reader.byte(), Unreadable);
  assert.throws(() => new ByteReader(text.subarray(0, 3)).text(), Unreadable);
  const empty = new ByteReader(new Uint8Array([0]));
  assert.deepEqual([empty.text(), empty.bytes(0).length, empty.left], ['', 0, 0]);
  const double = new Uint8Array(8);
  new DataView(double.buffer).setFloat64(0, -2.5, true);
  assert.equal(new ByteReader(double).float(), -2.5);
  assert.throws(() => new ByteReader(double.subarray(0, 7)).float(), Unreadable);
});
