import assert from 'node:assert/strict';
import { test } from 'node:test';
import { explain, type Fault } from '../../core/faults.ts';
import { HealthMonitor } from './health-monitor.ts';

const FULL: Fault = { code: 'CV_LOG_FAILED', params: { detail: 'no space' } };

test('what keeps the gateway from its work is named in both languages, until half a minute after it was last told', () => {
  let nowMs = 1000;
  const health = new HealthMonitor(() => nowMs);
  const heard: unknown[] = [];
  const tell = health.over((event) => heard.push(event));
  tell({ kind: 'fault', fault: FULL });
  tell({ kind: 'fault', fault: { code: 'CV_CONNECTION_LIMIT', params: { limit: 1 } } });
  assert.equal(heard.length, 2);
  assert.deepEqual(health.problems(), [
    { code: 'CV_LOG_FAILED', detail: explain(FULL, 'en').message, detailZh: explain(FULL, 'zh-CN').message },
  ]);
  nowMs += 29_999;
  assert.equal(health.problems().length, 1);
  nowMs += 1;
  assert.deepEqual(health.problems(), []);
});

test('rows that were stored are counted', () => {
  const health = new HealthMonitor(() => 0);
  const tell = health.over(() => {});
  tell({ kind: 'points_stored', count: 3, durationMs: 1 });
  tell({ kind: 'points_stored', count: 4, durationMs: 1 });
  assert.equal(health.stored, 7);
});
