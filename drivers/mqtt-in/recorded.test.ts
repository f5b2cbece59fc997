/** The recorded cases by themselves, without a peer: the quick part of the driver's contract. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { linesOfCase } from '../../cases/replay.ts';
import type { Driver } from '../../core/driver.ts';
import { recordedCasesIn } from '../testing/cases.ts';
import driver from './driver.ts';

const drivers = new Map([[driver.id, driver as Driver]]);

for (const recorded of await recordedCasesIn(join(import.meta.dirname, 'recorded'))) {
  test(`case ${recorded.name}`, async () => { assert.deepEqual(await linesOfCase(recorded, { drivers }), recorded.expected); });
}
