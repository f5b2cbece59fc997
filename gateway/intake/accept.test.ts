import assert from 'node:assert/strict';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { test } from 'node:test';
import { createZstdCompress } from 'node:zlib';
import type { Draft, Event, Gap } from '../../core/event.ts';
import { FaultError } from '../../core/faults.ts';
import { encodeBatch } from '../../core/wire/batch.ts';
import { checkBatch, MAX_AHEAD_MS, type AcceptanceRules } from './accept.ts';

const NOW = 1_800_000_000_000;
const RULES: AcceptanceRules = { nowMs: NOW, accepts: ['live', 'backfill'], relays: ['town'] };
const good: Draft = {
  device: 'plc', point: 'level', indicator: 'YJ-FLD-001', centre: '500112001', kind: 'measurement', value: 3.2, unit: 'm',
  occurredAt: NOW, clock: 'edge', observedAt: NOW, quality: 'good', origin: 'live',
};
const name = { from: 'pump', stream: 'measurement' as const, epoch: 7, seq: 10 };
const gap: Gap = { stream: 'measurement', epoch: 7, fromSeq: 3, toSeq: 5, fromAt: 1, toAt: 2, count: 3, reason: 'log_full_oldest' };
const judge = (events: object[], over: Partial<typeof name> = {}) =>
  checkBatch(Buffer.from(JSON.stringify({ v: 1, ...name, ...over, events })), 'pump', RULES);
const codeOf = (run: () => unknown): string => {
  try {
    run();
  } catch (error) {
    if (error instanceof FaultError) return error.fault.code;
    throw error;
  }
  return 'none';
};

test('a good event comes in under the number of its place', () => {
  const { batch, refused } = judge([good, { ...good, value: null, quality: 'bad' }]);
  assert.deepEqual(refused, []);
  assert.deepEqual(batch.events().map(({ seq }) => seq), [10, 11]);
});

const bad: [string, object, string][] = [
  ['a value of null that is good', { value: null }, 'CV_EVENT_INVALID'],
  ['an unknown field', { colour: 'red' }, 'CV_EVENT_INVALID'],
  ['an unknown flag', { flags: ['odd'] }, 'CV_EVENT_INVALID'],
  ['a number beyond 2^53', { value: 2 ** 60 }, 'CV_EVENT_INVALID'],
  ['a device with a wildcard in its name', { device: '#' }, 'CV_EVENT_INVALID'],
  ['an indicator with a slash', { indicator: 'a/b' }, 'CV_EVENT_INVALID'],
  ['a kind of another stream', { kind: 'state' }, 'CV_EVENT_INVALID'],
  ['a number of its own that is not that of its place', { edge: 'pump', stream: 'measurement', epoch: 7, seq: 99 }, 'CV_EVENT_INVALID'],
  ['the name of another edge', { edge: 'gate', stream: 'measurement', epoch: 1, seq: 1 }, 'CV_EVENT_INVALID'],
  ['a time of more than 24 h ahead', { occurredAt: NOW + MAX_AHEAD_MS + 1 }, 'CV_EVENT_FUTURE'],
  ['an origin that is not accepted', { origin: 'replay' }, 'CV_EVENT_ORIGIN'],
  ['a gap that speaks of what is to come', { kind: 'gap', gap: { ...gap, toSeq: 11 } }, 'CV_EVENT_INVALID'],
  ['a gap of a later epoch', { kind: 'gap', gap: { ...gap, epoch: 8 } }, 'CV_EVENT_INVALID'],
  ['a gap that ends before it begins', { kind: 'gap', gap: { ...gap, fromSeq: 6 } }, 'CV_EVENT_INVALID'],
];
for (const [what, over, code] of bad) {
  test(`an event with ${what} is refused with ${code}, its neighbours come in`, () => {
    const { refused } = judge([good, { ...good, ...over }, good]);
    assert.deepEqual(refused.map((one) => [one.seq, one.code]), [[11, code]]);
  });
}

test('times of an edge without a clock are never refused', () => {
  assert.deepEqual(judge([{ ...good, clock: 'unsynced', occurredAt: NOW + 10 * MAX_AHEAD_MS }]).refused, []);
});

test('exactly 24 h ahead still comes in', () => {
  assert.deepEqual(judge([{ ...good, occurredAt: NOW + MAX_AHEAD_MS }]).refused, []);
});

test('in exercise mode every origin comes in', () => {
  assert.deepEqual(checkBatch(encodeBatch(name, [{ ...good, origin: 'simulated' }]), 'pump', { ...RULES, accepts: null }).refused, []);
});

test('a gap record covers its numbers; one without numbers covers none', () => {
  const record = { ...good, kind: 'gap', value: 3, gap };
  assert.deepEqual(judge([record]).gapRanges, [{ sender: 'pump', stream: 'measurement', epoch: 7, from: 3, to: 5 }]);
  assert.deepEqual(judge([{ ...record, gap: { ...gap, epoch: 6, toSeq: 900 } }]).gapRanges.length, 1);
  assert.deepEqual(judge([{ ...record, gap: { ...gap, fromSeq: 0, toSeq: 0 } }]).gapRanges, []);
});

test('a gap that speaks of another stream than its own covers nothing; up to the number before itself it does', () => {
  const record = { ...good, kind: 'gap', value: 3, gap: { ...gap, stream: 'state', fromSeq: 8, toSeq: 900 } };
  for (const epoch of [6, 7, 8]) {
    const { gapRanges, refused } = judge([good, { ...record, gap: { ...record.gap, epoch } }]);
    assert.deepEqual([refused.map(({ seq, code }) => [seq, code]), gapRanges], [[[11, 'CV_EVENT_INVALID']], []]);
  }
  assert.deepEqual(
    judge([good, { ...record, gap: { ...gap, toSeq: 10 } }]).gapRanges,
    [{ sender: 'pump', stream: 'measurement', epoch: 7, from: 3, to: 10 }],
    'up to the one before itself',
  );
});

test('a relay passes on events of others, whose gaps say nothing of its own numbers', () => {
  const relayed: Event = {
    ...good,
    kind: 'gap',
    value: 3,
    gap: { ...gap, toSeq: 900 },
    edge: 'pump',
    stream: 'measurement',
    epoch: 3,
    seq: 4,
  };
  const { refused, gapRanges } = checkBatch(encodeBatch({ ...name, from: 'town' }, [relayed]), 'town', RULES);
  assert.deepEqual([refused, gapRanges], [[], []]);
});

test('a batch under another name than its topic is refused whole', () => {
  assert.equal(codeOf(() => judge([good], { from: 'gate' })), 'CV_WIRE_SENDER');
});

test('a bomb of 512 MB in 16 KB of zstd is refused without unpacking it', async () => {
  const nothing = Buffer.alloc(1 << 20);
  const bomb = await buffer(Readable.from(Array.from({ length: 512 }, () => nothing)).pipe(createZstdCompress()));
  assert.ok(bomb.length < 32 << 10, `${bomb.length} bytes`);
  const before = process.memoryUsage().rss;
  assert.equal(codeOf(() => checkBatch(bomb, 'pump', RULES)), 'CV_WIRE_TOO_LARGE');
  assert.ok(process.memoryUsage().rss - before < 64 << 20);
});
