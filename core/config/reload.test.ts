import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { TelemetryEvent } from '../telemetry.ts';
import { ConfigWatch } from './reload.ts';

test('a reload that needs a restart says which settings, stays so, and is cleared by the reload that needs none', () => {
  const told: TelemetryEvent[] = [];
  const watch = new ConfigWatch('edge.yaml', () => 7, (event) => { told.push(event); });
  watch.taken([]);
  assert.deepEqual(told, [], 'a plain reload says nothing');
  watch.taken(['log.dir', 'http.port']);
  assert.deepEqual(told, [{ kind: 'fault', fault: { code: 'CV_RELOAD_RESTART', params: { keys: 'log.dir, http.port' } } }]);
  assert.deepEqual(watch.state, { loadedAt: 7, refused: null, restartNeeded: ['log.dir', 'http.port'] });
  watch.taken([]);
  watch.taken([]);
  assert.deepEqual(told.slice(1), [{ kind: 'fault_cleared', code: 'CV_RELOAD_RESTART' }]);
});

test('a refused reload is told with its first place, keeps what was taken before, and is cleared by the next good one', () => {
  const told: TelemetryEvent[] = [];
  const watch = new ConfigWatch('edge.yaml', () => 7, (event) => { told.push(event); });
  watch.taken(['log.dir']);
  watch.refused([
    {
      file: 'edge.yaml',
      line: 3,
      column: 5,
      path: 'log.dir',
      fault: { code: 'CV_UNIT_UNKNOWN', params: { unit: 'x', owner: 'y', hint: '' } },
    },
  ]);
  assert.deepEqual(told.at(-1), {
    kind: 'fault',
    fault: { code: 'CV_RELOAD_REFUSED', params: { problems: 1, first: 'CV_UNIT_UNKNOWN edge.yaml:3:5', path: 'edge.yaml' } },
  });
  assert.deepEqual([watch.state.restartNeeded, watch.state.refused?.problems.length], [['log.dir'], 1]);
  watch.taken([]);
  assert.deepEqual(told.slice(2), [
    { kind: 'fault_cleared', code: 'CV_RELOAD_REFUSED' },
    { kind: 'fault_cleared', code: 'CV_RELOAD_RESTART' },
  ]);
  assert.equal(watch.state.refused, null);
});
