import assert from 'node:assert/strict';
import { test } from 'node:test';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { FaultError } from '../../core/faults.ts';
import { realFiles } from '../../core/world.ts';
import { readUnitConversions, unconvertiblePoints } from './unit-conversions.ts';
import type { PointSetup } from '../config/setup.ts';

const paths = globSync(join(import.meta.dirname, '..', '..', 'configs', 'catalogue', '*.yaml'));
const point = (indicator: string, unit: string): PointSetup => ({
  id: 'p',
  indicator,
  unit,
  scale: 1,
  offset: 0,
  faultCodes: [],
  limits: [],
  kind: 'measurement',
  own: {},
});

test('with a catalogue a point goes up in the unit of its indicator', async () => {
  const conversionOf = await readUnitConversions(paths, realFiles);
  const level = conversionOf(point('YJ-FLD-001', 'cm'));
  assert.deepEqual([level?.unit, level?.convert(320)], ['m', 3.2]);
  assert.equal(conversionOf(point('YJ-FLD-001', 'm')), null);
  assert.equal(conversionOf(point('YJ-FLD-001', 'kg')), null, 'no way from one to the other: sent as measured');
  assert.equal(conversionOf(point('XX-NEW-001', 'cm')), null);
});

test('points whose unit leads nowhere are named, each with the unit that is wanted', async () => {
  const known = await readUnitConversions(paths, realFiles);
  const points = [
    point('YJ-FLD-001', 'cm'),
    { ...point('YJ-FLD-001', 'kg'), id: 'wrong' },
    point('XX-NEW-001', 'kg'),
    point('YJ-FLD-001', ''),
  ];
  assert.deepEqual(unconvertiblePoints([{ id: 'plc', points }], known), [
    {
      device: 'plc',
      fault: { code: 'CV_UNIT_UNCONVERTIBLE', params: { point: 'plc/wrong', indicator: 'YJ-FLD-001', unit: 'kg', wanted: 'm' } },
    },
  ]);
  assert.deepEqual(unconvertiblePoints([{ id: 'plc', points }], await readUnitConversions([], realFiles)), []);
});

test('without one nothing is converted; a file that cannot be read or is wrong is a fault', async () => {
  assert.equal((await readUnitConversions([], realFiles))(point('YJ-FLD-001', 'cm')), null);
  await assert.rejects(
    readUnitConversions(['/nowhere.yaml'], realFiles),
    (error) => error instanceof FaultError && error.fault.code === 'CV_CONFIG_UNREADABLE',
  );
  const broken = { ...realFiles, readText: async () => readFileSync(paths[0] as string, 'utf8').replaceAll('unit:', 'unity:') };
  await assert.rejects(readUnitConversions(['x.yaml'], broken), (error) => error instanceof FaultError);
});
