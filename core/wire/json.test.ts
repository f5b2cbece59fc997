import assert from 'node:assert/strict';
import { test } from 'node:test';
import { z } from 'zod';
import { FaultError } from '../faults.ts';
import { decodeBatch } from './batch.ts';
import { readMessage } from './commands.ts';
import { MAX_JSON_DEPTH, parseJson } from './json.ts';
import { compress } from './zstd.ts';

const nested = (depth: number, open = '[', close = ']') => open.repeat(depth) + close.repeat(depth);

test('nesting is bounded, in arrays, objects and both', () => {
  assert.deepEqual(parseJson(nested(MAX_JSON_DEPTH)), JSON.parse(nested(MAX_JSON_DEPTH)));
  for (const text of [
    nested(MAX_JSON_DEPTH + 1),
    nested(50_000),
    `${'{"a":'.repeat(65)}1${'}'.repeat(65)}`,
    nested(33, '[{"a":', '}]'),
    '['.repeat(1_000_000),
  ]) {
    assert.throws(() => parseJson(text), /nested more than 64 deep|JSON/u);
    assert.throws(() => parseJson(text), SyntaxError);
  }
});

test('brackets in texts nest nothing, whatever is escaped there', () => {
  for (const value of ['['.repeat(500), `\\"${'{'.repeat(500)}`, '\\', `"${'['.repeat(99)}\\`])
    assert.deepEqual(parseJson(JSON.stringify([value, value])), [value, value]);
  assert.equal((parseJson(JSON.stringify(Array.from({ length: 500 }, () => []))) as unknown[]).length, 500);
  assert.throws(() => parseJson(`"${'['.repeat(500)}`), SyntaxError);
});

test('a batch or a message with a value nested deeply is refused before it is parsed', () => {
  const text = `{"v":1,"from":"pump","stream":"measurement","epoch":1,"seq":1,"events":[{"value":${nested(50_000)}}]}`;
  for (const payload of [Buffer.from(text), compress(Buffer.from(text))]) {
    assert.throws(
      () => decodeBatch(payload),
      (error) =>
        error instanceof FaultError && error.fault.code === 'CV_WIRE_NOT_JSON' && /nested/u.test(String(error.fault.params.detail)),
    );
  }
  const read = readMessage(z.unknown(), Buffer.from(nested(50_000)), 1 << 20);
  assert.ok(!read.ok && /nested/u.test(read.detail));
});
