/** The contract suite, run for every driver of the index. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { recordedCasesIn } from './testing/cases.ts';
import { driverContract, type DriverContractOptions } from './testing/driver-contract.ts';
import type { DriverDouble } from './testing/driver-double.ts';
import { DRIVERS } from './index.ts';

const DOUBLE = 'testing/double.ts';

for (const entry of DRIVERS) {
  const folder = join(import.meta.dirname, entry.id);
  const driver = await entry.load();
  if (existsSync(join(folder, DOUBLE))) {
    const { double, doubleVariants } = (await import(join(folder, DOUBLE))) as {
      double: DriverDouble;
      doubleVariants?: DriverContractOptions['doubleVariants'];
    };
    driverContract({
      driver,
      double,
      ...(doubleVariants ? { doubleVariants } : {}),
      cases: await recordedCasesIn(join(folder, 'recorded')),
    });
  }

  test(`${entry.id}: its folder has its id as name and the files that every driver has`, () => {
    assert.equal(driver.id, entry.id);
    for (const file of ['driver.ts', 'link.ts', 'decode.ts', 'README.md', 'quality.json', DOUBLE, 'recorded'])
      assert.ok(existsSync(join(folder, file)), file);
  });

  test(`${entry.id}: its quality card claims nothing without proof`, () => {
    const card = JSON.parse(readFileSync(join(folder, 'quality.json'), 'utf8')) as {
      rules: Record<string, { is: string; proof?: string; why?: string }>;
    };
    for (const [rule, { is, proof, why }] of Object.entries(card.rules)) {
      assert.ok(['done', 'todo', 'exempt'].includes(is), rule);
      if (is === 'done') assert.ok(proof && existsSync(join(folder, proof)), `${rule}: proof ${proof}`);
      else assert.ok(why, `${rule}: why`);
    }
  });
}
