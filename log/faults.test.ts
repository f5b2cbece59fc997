/** The rows of this folder held against the pages that readers look them up in, which `npm run docs` writes. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { FAULTS, type FaultCode } from '../core/faults.ts';
import type { FaultRow } from '../core/faults/row.ts';
import './evidence/faults.ts';
import './faults.ts';

const sayingOf = ([happened, remedy]: readonly [string, string]) => `- ${happened}${remedy === '' ? '' : ` → ${remedy}`}`;

function linesOf({ stage, retry, actor, flag, status, en, zh }: FaultRow): string[] {
  const facts = [
    `stage \`${stage}\``,
    `retry \`${retry}\``,
    `acts: \`${actor}\``,
    flag && `flag \`${flag}\``,
    status && `HTTP ${status}`,
  ];
  return [`- ${facts.filter(Boolean).join(' · ')}`, sayingOf(en), sayingOf(zh)];
}

for (const [area, codes] of [['log', /^CV_(VERIFY_)?LOG_/], ['evidence', /^CV_(EVIDENCE|CLIP)_/]] as const) {
  test(`the faults of ${area} are on their page, word for word, and no others`, () => {
    const page = readFileSync(join(import.meta.dirname, '..', 'docs', 'faults', `${area}.md`), 'utf8');
    const written = page
      .split('\n### ')
      .slice(1)
      .map((section) => section.split('\n').filter((line) => line !== ''));
    const rows = (Object.keys(FAULTS) as FaultCode[]).filter((code) => codes.test(code)).toSorted();
    assert.deepEqual(written, rows.map((code) => [code, ...linesOf(FAULTS[code])]));
  });
}
