import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { FAULTS } from '../core/faults.ts';
import type { FaultRow } from '../core/faults/row.ts';
import '../cli/all-faults.ts';
import { LOSSES } from '../core/losses.ts';
import { TELEMETRY } from '../core/telemetry.ts';
import { readSources } from './imports.ts';

const all = readSources(join(import.meta.dirname, '..'));
const sources = all.filter(
  ({ path }) =>
    !path.endsWith('.test.ts') &&
    !path.startsWith('core/faults/') &&
    !path.endsWith('/faults.ts') &&
    path !== 'core/losses.ts' &&
    path !== 'core/telemetry.ts',
);
const everything = sources.map(({ text }) => text).join('\n');
const rows = Object.entries(FAULTS) as [string, FaultRow][];

test('every fault code that code names is in the table', () => {
  const used = new Set([...everything.matchAll(/['"`](CV_[A-Z0-9_]*[A-Z0-9])['"`]/g)].map((match) => match[1] as string));
  assert.deepEqual([...used].filter((code) => !(code in FAULTS)), []);
});

test('a file that names a fault of a table outside core has that table loaded', () => {
  const tables = all
    .filter(({ path, text }) => path.endsWith('/faults.ts') && text.includes('defineFaults({'))
    .map(({ path, text }) => ({ path, codes: new Set([...text.matchAll(/^ {2}(CV_\w+):/gm)].map(([, code]) => code as string)) }));
  assert.ok(tables.length >= 14);
  const missing = sources.flatMap(({ path, text, imports }) => {
    const named = [...text.matchAll(/['`](CV_[A-Z0-9_]*[A-Z0-9])['`]/g)].map(([, code]) => code as string);
    const isMissing = ({ path: table, codes }: (typeof tables)[number]) => !imports.includes(table) && named.some((code) => codes.has(code));
    return path === 'cli/status.ts' || path.startsWith('test-rigs/') ? [] : tables.filter(isMissing).map((table) => `${path}: ${table.path}`);
  });
  assert.deepEqual(missing, []);
});

test('every fault of the table is used somewhere', () => {
  assert.deepEqual(rows.map(([code]) => code).filter((code) => !everything.includes(code)), []);
});

test('every fault speaks both languages, with the same parameters, and tells who acts what to do', () => {
  const holes = (sentences: readonly string[]) => [...new Set(sentences.join(' ').match(/\{\w+\}/g))].toSorted();
  for (const [code, row] of rows) {
    assert.ok(row.en[0] && row.zh[0], `${code}: message`);
    assert.deepEqual(holes(row.zh), holes(row.en), `${code}: parameters`);
    if (row.actor !== 'nobody') assert.ok(row.en[1] && row.zh[1], `${code}: remedy`);
  }
});

test('every reason of loss is given somewhere', () => {
  assert.deepEqual(Object.keys(LOSSES).filter((reason) => !new RegExp(`['"]${reason}['"]`).test(everything)), []);
});

test('every kind of telemetry is told somewhere', () => {
  assert.deepEqual(Object.keys(TELEMETRY).filter((kind) => !everything.includes(`kind: '${kind}'`)), []);
});
