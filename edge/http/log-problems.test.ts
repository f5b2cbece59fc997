import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { TelemetryEvent } from '../../core/telemetry.ts';
import { LogProblems } from './log-problems.ts';

test('what ails the log stands until it is over; what was lost is shown for a day, with its range; all of it is told on', () => {
  let nowMs = 5000;
  const heard: TelemetryEvent[] = [];
  const troubles = new LogProblems(() => nowMs);
  const tell = troubles.wrapTell((event) => { heard.push(event); });
  tell({ kind: 'fault', fault: { code: 'CV_LOG_DISK_FULL', params: { detail: '0 bytes free' } } });
  tell({
    kind: 'fault',
    fault: { code: 'CV_LOG_DAMAGED', params: { file: 'state-7-1.db', epoch: 7, fromSeq: 41, toSeq: 60, detail: 'wrong checksum' } },
  });
  tell({ kind: 'fault', fault: { code: 'CV_LOG_OVERRUN', params: {} } });
  assert.deepEqual(troubles.list().map(({ code }) => code), ['CV_LOG_DISK_FULL', 'CV_LOG_DAMAGED']);
  assert.match(troubles.list()[1]?.zh ?? '', /41 至 60/);
  tell({ kind: 'fault_cleared', code: 'CV_LOG_DISK_FULL' });
  assert.deepEqual(troubles.list().map(({ code, at }) => [code, at]), [['CV_LOG_DAMAGED', 5000]]);
  nowMs += 25 * 3600_000;
  assert.deepEqual(troubles.list(), []);
  assert.equal(heard.length, 4);
});
