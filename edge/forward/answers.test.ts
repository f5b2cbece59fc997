import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readAnswer } from './answers.ts';

const read = (message: unknown) => readAnswer(Buffer.from(JSON.stringify(message)));

test('a refusal names its fault and the batch; with less than both it is none', () => {
  const whole = { v: 1, error: 'CV_WIRE_INVALID', sha256: 'ab'.repeat(32) };
  assert.deepEqual(read(whole), whole);
  for (const part of [{ v: 1, error: whole.error }, { ...whole, error: 7 }, { ...whole, sha256: 7 }, { ...whole, error: null }]) assert.equal(read(part), 'refusal without error and sha256', JSON.stringify(part));
  assert.equal(read({ v: 1, sha256: whole.sha256 }), 'neither ack, refusal, clock nor evidence');
  assert.equal(read({ ...whole, v: 2 }), 'version 2');
});
