import assert from 'node:assert/strict';
import { test } from 'node:test';
import { z } from 'zod';
import { settingsTable } from './settings.ts';

/** Paths of the rows, in their order. */
const paths = (schema: z.ZodType) => [...settingsTable(schema).matchAll(/^\| `([^`]+)` \|/gm)].map((row) => row[1]);
const said = z.number().meta({ zh: '一项', en: 'one' });

test('a field that may be off or an object has a row for each field of the object', () => {
  const motion = z.union([z.literal('off'), z.object({ share: said, inner: z.object({ every: said }) })]);
  assert.deepEqual(paths(z.object({ motion })), ['motion', 'motion.share', 'motion.inner', 'motion.inner.every']);
});

test('what a list holds has its rows too, also where that is one of several kinds', () => {
  const limit = z.union([z.number(), z.object({ above: said })]);
  assert.deepEqual(paths(z.object({ limits: z.array(limit), zones: z.array(z.object({ id: said })) })), [
    'limits',
    'limits[].above',
    'zones',
    'zones[].id',
  ]);
});
