/** The waits themselves, number for number. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isRetrying, probeWaitMs, reopenWaitMs, type SilentUnit } from './backoff.ts';

const least = { next: () => 0 };
const most = { next: () => 1 };

test('a link is tried again after half a second, doubled with each failure up to 15 s, spread over the upper half', () => {
  assert.deepEqual(
    [1, 2, 3, 4, 5, 6, 7, 99].map((failures) => reopenWaitMs(failures, most)),
    [500, 1000, 2000, 4000, 8000, 15_000, 15_000, 15_000],
  );
  assert.deepEqual(
    [1, 2, 6].map((failures) => reopenWaitMs(failures, least)),
    [250, 500, 7500],
  );
});

test('a silent unit is retried three times at its own pace, fewer where that would hold up a bus for more than 6 s', () => {
  const retries = (costMs: number, units: number) => [1, 2, 3, 4].filter((failures) => isRetrying({ failures, costMs, units })).length;
  assert.deepEqual(
    [
      retries(100, 8),
      retries(2000, 8),
      retries(2001, 8),
      retries(3000, 8),
      retries(3001, 8),
      retries(6000, 8),
      retries(6001, 8),
      retries(0, 8),
    ],
    [3, 3, 2, 2, 1, 1, 0, 3],
  );
  assert.equal(retries(60_000, 1), 3, 'alone it holds up nobody');
});

test('then it is left out: alone for up to 15 s, on a bus for up to a minute, and never for more than a twentieth of its time', () => {
  const wait = (more: Partial<SilentUnit>, random = least) =>
    probeWaitMs({ failures: 4, costMs: 100, periodMs: 1000, units: 8, silentUnits: 1, ...more }, random);
  assert.equal(wait({ failures: 3 }), 1000);
  assert.equal(wait({}), 8000);
  assert.equal(wait({}, most), 8800);
  assert.deepEqual([5, 6, 7, 8, 60].map((failures) => wait({ failures })), [16_000, 32_000, 60_000, 60_000, 60_000]);
  assert.deepEqual([wait({ units: 1 }), wait({ units: 1, failures: 5 }), wait({ units: 1, failures: 60 })], [8000, 15_000, 15_000]);
  assert.deepEqual(
    [
      wait({ costMs: 2000 }),
      wait({ costMs: 2000, silentUnits: 3 }),
      wait({ costMs: 2000, silentUnits: 7 }),
      wait({ costMs: 2000, silentUnits: 8 }),
    ],
    [40_000, 120_000, 280_000, 8000],
  );
  assert.equal(wait({ costMs: 60_000, silentUnits: 7 }), 300_000);
  assert.equal(wait({ periodMs: 3_600_000 }), 3_600_000, 'never more often than it is asked anyway');
});
