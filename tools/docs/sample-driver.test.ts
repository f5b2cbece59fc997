/** The guide's driver is held to what every driver is held to, and the guide shows these files. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { recordedCasesIn } from '../../drivers/testing/cases.ts';
import { driverContract } from '../../drivers/testing/driver-contract.ts';
import { double } from '../../docs/samples/gauge/testing/double.ts';
import driver from '../../docs/samples/gauge/driver.ts';

const SAMPLE = join(import.meta.dirname, '../../docs/samples/gauge');

driverContract({ driver, double, cases: await recordedCasesIn(join(SAMPLE, 'recorded')) });

test('its one answer, as the guide writes it, is read', () => {
  const page = readFileSync(join(SAMPLE, '../../adding-a-driver.md'), 'utf8');
  const hex = /cityvitals decode gauge --hex "([0-9a-f]+)"/.exec(page)?.[1] ?? '';
  const decoded = driver.decode(Buffer.from(hex, 'hex'));
  assert.ok(decoded.ok);
  assert.deepEqual(decoded.values?.map(({ value }) => value), [1.85, 18.5]);
});

test('the guide shows the files as they are', () => {
  const page = readFileSync(join(SAMPLE, '../../adding-a-driver.md'), 'utf8');
  const shown = [...page.matchAll(/```(?:ts|json|yaml) docs\/samples\/gauge\/(\S+)\n([\s\S]*?)```/g)].map(
    ([, name, text]) => [name, text] as const,
  );
  assert.deepEqual(
    shown.map(([name]) => name),
    ['driver.ts', 'settings.ts', 'decode.ts', 'link.ts', 'recording.ts', 'testing/double.ts'],
  );
  for (const [name, text] of shown) assert.equal(text, readFileSync(join(SAMPLE, name as string), 'utf8'), name);
});
