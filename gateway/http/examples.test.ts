import assert from 'node:assert/strict';
import { test } from 'node:test';
import { IDS } from '../../core/event.ts';
import { EXAMPLES } from './testing/examples.ts';
import { WIRE_EXAMPLES } from './wire-examples.ts';

/** Every text under a key, with where it stands. */
function textsUnder(key: string, value: unknown, path = ''): [string, string][] {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([name, inner]): [string, string][] => [
    ...(name === key && typeof inner === 'string' ? [[`${path}.${name}`, inner] as [string, string]] : []),
    ...textsUnder(key, inner, `${path}.${name}`),
  ]);
}

for (const key of ['edge', 'device', 'point', 'indicator', 'centre'] as const) {
  test(`whoever copies an example has ${key} ids that are taken`, () => {
    const found = textsUnder(key, { EXAMPLES, WIRE_EXAMPLES });
    assert.ok(found.length > 3, `${found.length} found`);
    assert.deepEqual(found.filter(([, id]) => !IDS[key].test(id)), []);
  });
}
