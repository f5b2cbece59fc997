import assert from 'node:assert/strict';
import { test } from 'node:test';
import { testWorld } from '../../core/testing/virtual-clock.ts';
import type { ModbusFraming } from './framing.ts';
import { GuardedPort } from './port.ts';
import type { ByteStream } from './byte-stream.ts';

/** A port over a wire that the test speaks on, and what its framing was given to look at. */
function opened(): { say(bytes: Buffer): void; seen: Buffer[]; port: GuardedPort } {
  let give: (bytes: Buffer) => void = () => {};
  const wire: ByteStream = { address: 'line', send: () => {}, listen: (bytes) => { give = bytes; }, close: () => Promise.resolve() };
  const seen: Buffer[] = [];
  const framing: ModbusFraming = {
    isNumbered: false,
    wrap: (frame) => frame,
    cut: (held) => {
      seen.push(held);
      return { kind: 'wait' };
    },
  };
  return { port: new GuardedPort(wire, { framing }, testWorld()), say: (bytes) => give(bytes), seen };
}

test('noise that never becomes an answer is kept no longer than a few answers, its end at last', async () => {
  const { port, say, seen } = opened();
  for (let at = 0; at < 64; at += 1) say(Buffer.alloc(256, at));
  assert.ok(Math.max(...seen.map(({ length }) => length)) <= 2048 + 256, 'never more than the bound and what just came');
  const last = seen.at(-1) as Buffer;
  assert.ok(last.length >= 1024, 'an answer that came behind the noise is still whole');
  assert.deepEqual([...last.subarray(-256)], Array.from({ length: 256 }, () => 63));
  await port.close();
});
