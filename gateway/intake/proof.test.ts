import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Draft } from '../../core/event.ts';
import { encodeBatch, readBatch } from '../../core/wire/batch.ts';
import { checkEvents, MAX_AHEAD_MS, type AcceptanceRules } from './accept.ts';
import { isProvenGood } from './proof.ts';

const NOW = 1_800_000_000_000;
const RULES: AcceptanceRules = { nowMs: NOW, accepts: ['live', 'backfill'], relays: ['pump'] };
const name = { from: 'pump', stream: 'measurement' as const, epoch: 7, seq: 10 };
const good: Draft = {
  device: 'plc', point: 'level', indicator: 'YJ-FLD-001', centre: '500112001', kind: 'measurement', value: 3.2, unit: 'm',
  occurredAt: NOW, clock: 'edge', observedAt: NOW, quality: 'good', origin: 'live',
};
const judged = (events: readonly object[]) => {
  const batch = readBatch(encodeBatch(name, events as Draft[]));
  return { isProven: isProvenGood(batch, RULES), refused: checkEvents(batch, RULES).refused };
};

test('what edges send is proven good without a look at single events', () => {
  const usual = Array.from({ length: 60 }, (_, at) => ({
    ...good,
    device: `d${at}`,
    subject: 's',
    value: at / 8,
    occurredAt: NOW - at,
    ...(at % 9 === 0 ? { quality: 'uncertain', flags: ['spike', 'stuck'] } : {}),
  }));
  assert.deepEqual(judged(usual), { isProven: true, refused: [] });
  assert.deepEqual(judged([good, { ...good, value: null, quality: 'bad' }, { ...good, value: 'on', deviceAt: 5 }]), {
    isProven: true,
    refused: [],
  });
});

const odd = fc.oneof(
  fc.jsonValue(),
  fc.constantFrom(
    '',
    'a b',
    '#',
    'x'.repeat(65),
    'x'.repeat(4097),
    '\u{1F600}'.repeat(4000),
    -1,
    0.5,
    1e300,
    9e15,
    NOW + MAX_AHEAD_MS,
    NOW + MAX_AHEAD_MS + 1,
    'state',
    'gap',
    'replay',
    'unsynced',
    'bad',
    ['spike'],
    ['spike', 'spike'],
    ['odd'],
  ),
);
const field = fc.oneof(
  fc.constantFrom(...Object.keys(good), 'subject', 'flags', 'deviceAt', 'window', 'gap', 'warning', 'position', 'edge', 'stream', 'seq'),
  fc.constantFrom('colour', 'constructor', 'toString', 'valueOf'),
);
/** A field is spoilt or taken away, of one event or of all. */
const spoilt = fc.record({ field, value: fc.option(odd, { nil: undefined }), at: fc.nat(24), all: fc.boolean() });

test('whatever is proven good by columns is good event by event', () => {
  let proven = 0;
  fc.assert(fc.property(fc.integer({ min: 1, max: 24 }), fc.array(spoilt, { maxLength: 3 }), (count, spoils) => {
    const events = Array.from({ length: count }, (_, at): Record<string, unknown> => ({ ...good, value: at }));
    for (const { field: spoiltField, value, at, all } of spoils) {
      for (const [place, event] of events.entries()) {
        if (!all && place !== at % count) continue;
        if (value === undefined) delete event[spoiltField];
        else event[spoiltField] = value;
      }
    }
    const { isProven, refused } = judged(events);
    if (!isProven) return;
    proven += 1;
    assert.deepEqual(refused, []);
  }), { numRuns: 1500 });
  assert.ok(proven > 100, `${proven} batches were proven good at all`);
});
