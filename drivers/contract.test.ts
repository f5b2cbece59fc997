/** The contract suite for every driver of the index; a new one is held to it by being there. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { casesIn } from './testing/cases.ts';
import { driverContract, type Subject } from './testing/driver-contract.ts';
import type { DriverDouble } from './testing/driver-double.ts';
import { DRIVERS } from './index.ts';

for (const entry of DRIVERS) {
  const folder = join(import.meta.dirname, entry.id);
  const driver = await entry.load();
  if (existsSync(join(folder, 'contract.ts'))) {
    const { double, otherWays } = (await import(join(folder, 'contract.ts'))) as { double: DriverDouble; otherWays?: Subject['otherWays'] };
    driverContract({ driver, double, ...(otherWays ? { otherWays } : {}), cases: await casesIn(join(folder, 'recorded')) });
  }

  test(`${entry.id}: its folder goes by its id and has the parts every driver has`, () => {
    assert.equal(driver.id, entry.id);
    for (const part of ['driver.ts', 'link.ts', 'decode.ts', 'README.md', 'quality.json', 'contract.ts', 'recorded']) assert.ok(existsSync(join(folder, part)), part);
  });

  test(`${entry.id}: its quality card claims nothing without proof`, () => {
    const card = JSON.parse(readFileSync(join(folder, 'quality.json'), 'utf8')) as { rules: Record<string, { is: string; proof?: string; why?: string }> };
    for (const [rule, { is, proof, why }] of Object.entries(card.rules)) {
      assert.ok(['done', 'todo', 'exempt'].includes(is), rule);
      if (is === 'done') assert.ok(proof && existsSync(join(folder, proof)), `${rule}: proof ${proof}`);
      else assert.ok(why, `${rule}: why`);
    }
  });
}
