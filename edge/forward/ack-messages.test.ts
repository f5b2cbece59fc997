import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MAX_HAVE_RANGES } from '../../core/wire/limits.ts';
import { readAckMessage } from './ack-messages.ts';

const read = (message: unknown) => readAckMessage(Buffer.from(JSON.stringify(message)));

test('a refusal names its fault and the batch; with less than both it is none', () => {
  const whole = { v: 1, error: 'CV_WIRE_INVALID', sha256: 'ab'.repeat(32) };
  assert.deepEqual(read(whole), whole);
  for (const part of [
    { v: 1, error: whole.error },
    { ...whole, error: 7 },
    { ...whole, sha256: 7 },
    { ...whole, error: null },
  ])
    assert.equal(read(part), 'refusal without error and sha256', JSON.stringify(part));
  assert.equal(read({ v: 1, sha256: whole.sha256 }), 'neither ack, refusal, clock nor evidence');
  assert.equal(read({ ...whole, v: 2 }), 'version 2');
});

test('an ack is whole numbers and ordered ranges, and nothing half', () => {
  const whole = {
    v: 1,
    gateway: 'g',
    at: 5,
    stream: 'state',
    epoch: 0,
    upTo: 0,
    have: [
      [0, 0],
      [5, 6],
      [0, 9],
    ],
    refused: [{ from: 0, to: 0, code: 'CV_X' }],
  };
  assert.deepEqual(read(whole), whole);
  const none = 'neither ack, refusal, clock nor evidence';
  for (const change of [
    { stream: 'x' },
    { stream: undefined },
    { epoch: -1 },
    { epoch: 0.5 },
    { epoch: 2 ** 53 },
    { epoch: '1' },
    { upTo: -1 },
    { upTo: null },
    { have: [[-1, 3]] },
    { have: [[1, -3]] },
    { have: [[0.5, 3]] },
    { have: [[1, 3.5]] },
    { have: [[3, 2]] },
    { have: [[1]] },
    { have: [[1, 2, 3]] },
    { have: ['12'] },
    { have: [null] },
    { have: {} },
    {
      have: [
        [1, 2],
        [4, 3],
      ],
    },
    { refused: [{ from: -1, to: 3, code: 'CV_X' }] },
    { refused: [{ from: 1, to: 'x', code: 'CV_X' }] },
    { refused: [{ from: 1, to: 2 }] },
    { refused: [null] },
    { refused: ['x'] },
    { refused: {} },
  ])
    assert.equal(read({ ...whole, ...change }), none, JSON.stringify(change));
  const ranges = (count: number) => Array.from({ length: count }, (_, at) => [2 * at, 2 * at]);
  assert.equal(typeof read({ ...whole, have: ranges(MAX_HAVE_RANGES) }), 'object');
  assert.equal(read({ ...whole, have: ranges(MAX_HAVE_RANGES + 1) }), none);
});

test('a word on the clock needs both times, one on evidence its hash and how much is there', () => {
  assert.deepEqual(read({ v: 1, clock: { echo: 0, at: 5.5 } }), { v: 1, clock: { echo: 0, at: 5.5 } });
  for (const clock of [null, 5, {}, { echo: 1 }, { at: 1 }, { echo: 'x', at: 1 }, { echo: 1, at: null }])
    assert.equal(read({ v: 1, clock }), 'clock without echo and at', JSON.stringify(clock));
  const evidence = { sha256: 'ab'.repeat(32), have: 0 };
  assert.deepEqual(read({ v: 1, evidence }), { v: 1, evidence });
  for (const half of [null, {}, { sha256: evidence.sha256 }, { have: 3 }, { ...evidence, have: -1 }, { ...evidence, sha256: 'x' }])
    assert.equal(read({ v: 1, evidence: half }), 'evidence without sha256 and have', JSON.stringify(half));
});

test('what is no message says why in a few words', () => {
  for (const other of [null, 7, 'x', true]) assert.equal(read(other), 'not an object', JSON.stringify(other));
  assert.deepEqual([read([]), read({}), read({ v: '1' })], ['version undefined', 'version undefined', 'version 1']);
  assert.match(readAckMessage(Buffer.from('{"v":1,')) as string, /JSON/);
  const padded = (size: number) => readAckMessage(Buffer.from('{"v":1}'.padEnd(size)));
  assert.deepEqual([padded(256 << 10), padded((256 << 10) + 1)], ['neither ack, refusal, clock nor evidence', '262145 bytes']);
  const whole = Buffer.from('xx{"v":2}xx');
  assert.equal(readAckMessage(whole.subarray(2, 9)), 'version 2', 'a part of a larger buffer');
});
