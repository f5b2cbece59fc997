/** The guide's drivers are held to what every driver is held to, and the guide shows their files. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { recordedCasesIn } from '../../drivers/testing/cases.ts';
import { driverContract } from '../../drivers/testing/driver-contract.ts';
import { double } from '../../docs/samples/gauge/testing/double.ts';
import driver from '../../docs/samples/gauge/driver.ts';
import { double as sendingDouble } from '../../docs/samples/sending-gauge/testing/double.ts';
import sendingDriver from '../../docs/samples/sending-gauge/driver.ts';

const SAMPLES = join(import.meta.dirname, '../../docs/samples');
const GUIDE = join(SAMPLES, '../adding-a-driver.md');

driverContract({ driver, double, cases: await recordedCasesIn(join(SAMPLES, 'gauge/recorded')) });
driverContract({ driver: sendingDriver, double: sendingDouble, cases: await recordedCasesIn(join(SAMPLES, 'sending-gauge/recorded')) });

test('its one answer, as the guide writes it, is read', () => {
  const page = readFileSync(GUIDE, 'utf8');
  const hex = /cityvitals decode gauge --hex "([0-9a-f]+)"/.exec(page)?.[1] ?? '';
  const decoded = driver.decode(Buffer.from(hex, 'hex'));
  assert.ok(decoded.ok);
  assert.deepEqual(decoded.values?.map(({ value }) => value), [1.85, 18.5]);
});

test('the guide shows the files as they are', () => {
  const page = readFileSync(GUIDE, 'utf8');
  const shown = [...page.matchAll(/```(?:ts|json|yaml) docs\/samples\/(\S+)\n([\s\S]*?)```/g)].map(
    ([, name, text]) => [name, text] as const,
  );
  assert.deepEqual(
    shown.map(([name]) => name),
    [
      ...['driver.ts', 'settings.ts', 'decode.ts', 'link.ts', 'recording.ts', 'testing/double.ts'].map((file) => `gauge/${file}`),
      'sending-gauge/link.ts',
    ],
  );
  for (const [name, text] of shown) assert.equal(text, readFileSync(join(SAMPLES, name as string), 'utf8'), name);
});
