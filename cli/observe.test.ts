import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openTelemetryOutput } from './observe.ts';

function observed(nowMs: () => number = () => 0) {
  const lines: Record<string, unknown>[] = [];
  const observer = openTelemetryOutput({
    component: 'edge',
    language: 'en',
    nowMs,
    log: {
      write: (line: string) => {
        lines.push(JSON.parse(line) as Record<string, unknown>);
      },
    },
  });
  return { observer, lines };
}

test('a loss is counted under its reason, by as many as were lost', async () => {
  const { observer } = observed();
  observer.tell({ kind: 'samples_lost', count: 3, reason: 'refused', intended: false, device: 'pump' });
  observer.tell({ kind: 'samples_lost', count: 2, reason: 'refused', intended: false, device: 'pump' });
  assert.match(await observer.metrics(), /cityvitals_samples_lost_total\{reason="refused",device="pump"\} 5/);
});

test('durations are seconds and states are 0 or 1', async () => {
  const { observer } = observed();
  observer.tell({ kind: 'exchange', device: 'pump', durationMs: 250, ok: true });
  observer.tell({ kind: 'device_state', device: 'pump', online: true, reason: '' });
  const text = await observer.metrics();
  assert.match(text, /cityvitals_exchange_seconds_sum\{device="pump"\} 0\.25/);
  assert.match(text, /cityvitals_device_online\{device="pump"\} 1/);
});

test('a fault that repeats is written once a minute and counted every time', async () => {
  let nowMs = 0;
  const { observer, lines } = observed(() => nowMs);
  const fault = { code: 'CV_LINK_TIMEOUT' as const, params: { address: '127.0.0.1:502', timeoutMs: 500 } };
  for (nowMs = 0; nowMs < 120_000; nowMs += 1000) observer.tell({ kind: 'fault', fault, device: 'pump' });
  assert.equal(lines.length, 2);
  assert.match(String(lines[0]?.msg), /127\.0\.0\.1:502 did not answer within 500 ms/);
  assert.match(await observer.metrics(), /cityvitals_faults_total\{code="CV_LINK_TIMEOUT",device="pump"\} 120/);
});

test('clients let go are written so many times a minute, in a few words; all are counted, and what was left out is said', async () => {
  let nowMs = 0;
  const { observer, lines } = observed(() => nowMs);
  for (let count = 0; count < 1000; count += 1) observer.tell({ kind: 'client_dropped', client: 'x'.repeat(12_000), reason: 'refused' });
  assert.equal(lines.length, 30);
  assert.ok(JSON.stringify(lines).length < 30 * 500);
  nowMs = 60_000;
  observer.tell({ kind: 'client_dropped', client: 'x', reason: 'refused' });
  assert.equal(lines.at(-1)?.leftOut, 970);
  assert.match(await observer.metrics(), /cityvitals_clients_dropped_total\{reason="refused"\} 1001/);
});
