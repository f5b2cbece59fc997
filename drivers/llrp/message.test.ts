import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseLlrpMessage, LlrpMessageCutter, encodeLlrpMessage, LLRP_MESSAGE_TYPES } from './message.ts';

test('a message with reserved bits, version 0 or an unknown version is invalid; those of known versions are parsed', () => {
  const message = Buffer.from(encodeLlrpMessage(LLRP_MESSAGE_TYPES.keepalive, 7));
  const withHead = (version: number, reserved = 0) => {
    const changed = Buffer.from(message);
    changed[0] = (reserved << 5) | (version << 2) | ((message[0] as number) & 3);
    return changed;
  };
  for (const version of [1, 2, 3]) {
    const read = parseLlrpMessage(withHead(version));
    assert.ok(read && read !== 'invalid');
    assert.deepEqual([read.version, read.type, read.id], [version, LLRP_MESSAGE_TYPES.keepalive, 7]);
  }
  for (const version of [0, 4, 5, 6, 7]) assert.equal(parseLlrpMessage(withHead(version)), 'invalid', `version ${version}`);
  for (let reserved = 1; reserved < 8; reserved += 1)
    assert.equal(parseLlrpMessage(withHead(1, reserved)), 'invalid', `reserved ${reserved}`);
  // The first byte is enough to tell.
  assert.equal(parseLlrpMessage(withHead(0).subarray(0, 1)), 'invalid');
  assert.equal(parseLlrpMessage(message.subarray(0, 1)), null);
  const cutter = new LlrpMessageCutter();
  const { messages, isInvalid } = cutter.feed(Buffer.concat([message, withHead(0), message]));
  assert.deepEqual([messages.length, isInvalid], [1, true]);
});
