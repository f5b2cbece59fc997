import assert from 'node:assert/strict';
import { test } from 'node:test';
import { event } from '../testing/rules.ts';
import { catalogueOf, normaliser } from './catalogue.ts';
import type { Indicator } from './indicator.ts';
import { toPublished } from './publish.ts';

const normal = normaliser(
  catalogueOf([{ code: 'YJ-FLD-001', unit: 'm' } as Indicator, { code: 'SH-CRD-003', unit: '{person}' } as Indicator]),
);
const published = (over: object) => toPublished(event({ indicator: 'YJ-FLD-001', value: 3.2, unit: 'm', ...over }), normal);

test("an event in the catalogue's unit, or of an unknown indicator, is not made anew", () => {
  for (const same of [
    event({ indicator: 'YJ-FLD-001', value: 3.2, unit: 'm' }),
    event({ indicator: 'XX-NEW-1', value: 7, unit: 'zorkmid' }),
  ])
    assert.equal(toPublished(same, normal), same);
});

test('what was sent stands beside what was converted, and nothing else of the event changes', () => {
  const sent = event({ indicator: 'YJ-FLD-001', value: 320, unit: 'cm', flags: ['spike'], quality: 'uncertain' });
  assert.deepEqual(toPublished(sent, normal), { ...sent, value: 3.2, unit: 'm', original: { value: 320, unit: 'cm' } });
  assert.deepEqual(
    [published({ value: null, unit: 'cm', quality: 'bad' }).value, published({ value: null, unit: 'cm', quality: 'bad' }).original],
    [null, { value: null, unit: 'cm' }],
  );
  assert.deepEqual(published({ indicator: 'SH-CRD-003', value: 7, unit: '' }).original, { value: 7, unit: '' });
});

test('a unit that cannot be converted leaves value and unit, and is flagged as store and rules see it', () => {
  const { value, unit, quality, flags, original } = published({ value: 9, unit: 'furlong' });
  assert.deepEqual([value, unit, quality, flags, original], [9, 'furlong', 'uncertain', ['unit'], undefined]);
});
