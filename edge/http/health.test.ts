import assert from 'node:assert/strict';
import { test } from 'node:test';
import { STREAMS } from '../../core/event.ts';
import { edgeHealth, type EdgeHealthParts } from './health.ts';

const sizes = Object.fromEntries(STREAMS.map((stream, at) => [stream, { events: 10 ** at, bytes: 2 * 10 ** at }]));
const sum = Object.values(sizes).reduce((all, { events }) => all + events, 0);
const facts = (more: Partial<EdgeHealthParts> = {}): EdgeHealthParts => ({
  edge: 'pump-07',
  centre: '500112001',
  version: '1.2.3',
  nowMs: () => 5,
  log: { size: (stream) => sizes[stream] } as EdgeHealthParts['log'],
  isKeeping: () => true,
  clock: () => ({ known: true, source: 'system' }),
  uplink: () => ({ online: true, address: 'mqtt://g', clockOffsetMs: 3 }),
  devices: () => [],
  ...more,
});

test('the depth of the log is that of all its streams together', () => {
  const { log } = edgeHealth(facts());
  assert.deepEqual(log, {
    writing: true,
    depth: sum,
    bytes: 2 * sum,
    byStream: Object.fromEntries(STREAMS.map((stream) => [stream, sizes[stream]?.events])),
  });
});

test('an edge is well while its log takes what comes, whatever its uplink does; what nobody gives is empty', () => {
  assert.equal(edgeHealth(facts({ isKeeping: () => false })).ok, false);
  const away = edgeHealth(facts({ uplink: () => ({ online: false, address: null, clockOffsetMs: null }) }));
  assert.deepEqual([away.ok, away.problems, away.unknown, away.devices, 'config' in away], [true, [], [], [], false]);
});
