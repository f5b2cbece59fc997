import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runFleet } from './fleet.ts';

test('twenty data units, dropped, half open, beating inside answers: no wrong value, each replaced within one dial', async () => {
  const { good, wrong, replacedLate, missing, drops, halfOpen, heartbeatsInside } = await runFleet({
    units: 20,
    seconds: 4,
    seed: 3,
    mishapMs: 60,
  });
  assert.ok(good > 100 && drops > 5 && halfOpen > 5 && heartbeatsInside > 20, JSON.stringify({ good, drops, halfOpen, heartbeatsInside }));
  assert.deepEqual({ wrong, replacedLate, missing }, { wrong: 0, replacedLate: 0, missing: 0 });
});
