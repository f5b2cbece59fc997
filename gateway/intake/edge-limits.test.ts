import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { TelemetryEvent } from '../../core/telemetry.ts';
import { EdgeLimits } from './edge-limits.ts';

function rig() {
  const told: TelemetryEvent[] = [];
  const limits = new EdgeLimits((event) => { told.push(event); });
  return { limits, codes: () => told.flatMap((event) => (event.kind === 'fault' ? [`${event.edge} ${event.fault.code}`] : [])) };
}

const admitted = (count: number, admits: () => boolean) => Array.from({ length: count }, admits).filter(Boolean).length;

test('an edge has its batches and bytes of a second, is told once above them, and holds up no other', () => {
  const { limits, codes } = rig();
  assert.equal(admitted(5010, () => limits.admitsBatch('fast', 10)), 5000);
  assert.equal(admitted(30, () => limits.admitsBatch('fat', 1 << 20)), 24);
  assert.equal(limits.admitsBatch('other', 10), true);
  assert.deepEqual(codes(), ['fast CV_EDGE_TOO_FAST', 'fat CV_EDGE_TOO_FAST']);
  limits.reset();
  assert.equal(limits.admitsBatch('fast', 10), true);
});

test('states have limits of their own, in number and in bytes, and nothing is told of them', () => {
  const { limits, codes } = rig();
  assert.equal(admitted(15, () => limits.admitsState('chatty', 100)), 10);
  assert.equal(admitted(5, () => limits.admitsState('large', 600 << 10)), 2);
  assert.equal(limits.admitsBatch('chatty', 10), true);
  assert.deepEqual(codes(), []);
});
