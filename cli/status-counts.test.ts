import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openTelemetryOutput } from './observe.ts';
import { parseCounts } from './status-counts.ts';

test('counts are those that were told: over devices and streams, lost by reason, consumers by name', async () => {
  const { tell, metrics } = openTelemetryOutput({ component: 'edge', language: 'en', nowMs: () => 0, log: null });
  tell({ kind: 'samples_read', count: 3, device: 'a' });
  tell({ kind: 'samples_read', count: 4, device: 'b"\\' });
  tell({ kind: 'events_kept', count: 5, stream: 'state', urgent: true, durationMs: 1 });
  tell({ kind: 'events_settled', count: 2, stream: 'state' });
  tell({ kind: 'samples_lost', count: 1, reason: 'merged', intended: true, device: 'a' });
  tell({ kind: 'samples_lost', count: 6, reason: 'merged', intended: true, device: 'b' });
  tell({ kind: 'samples_lost', count: 2, reason: 'log_full_oldest', intended: false });
  tell({ kind: 'consumer_lag', consumer: 'streams', value: 9 });
  tell({ kind: 'compaction', left: 8 });
  assert.deepEqual(parseCounts(await metrics()), {
    read: 7,
    kept: 5,
    settled: 2,
    lost: { merged: 7, log_full_oldest: 2 },
    behind: { streams: 9 },
    compacting: 8,
  });
  assert.equal(parseCounts(''), null);
});
