import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { BilingualText } from '../../core/bilingual-text.ts';
import { commitOutcome, ruleEngine } from '../../city/rules/engine.ts';
import { LEVEL_WORDS } from '../../city/rules/levels.ts';
import { emptyTables, event, rule } from '../../city/testing/rules.ts';
import { newestRuleChange } from '../../city/warning/warning.ts';
import { warningReason } from './words.ts';

const water = rule({ id: 'water', levels: { 3: { when: '>= 2.8' }, 2: { when: '>= 3' } }, off: { hysteresis: 0.1 }, autoClose: true });

/** What is told, newest last, as a level moves. */
function told(values: readonly number[]): { level: number; kind: string; reason: BilingualText; value: unknown }[] {
  const engine = ruleEngine([water]);
  const tables = emptyTables();
  return values.flatMap((value, index) => {
    const outcome = engine.take(tables, [{ event: event({ value, occurredAt: index * 1000 }), receivedAt: index * 1000 }]);
    commitOutcome(tables, outcome);
    return outcome.warnings.flatMap((warning) => {
      const change = newestRuleChange(warning);
      if (!change?.cite) return [];
      const previous = warning.changes[warning.changes.indexOf(change) - 1] ?? null;
      return [
        {
          level: change.level,
          kind: change.kind,
          reason: warningReason(change, change.cite, previous, { zh: 'X', en: 'X' }, water),
          value: change.cite.value,
        },
      ];
    });
  });
}

test('each step of a warning says what is true of the value it cites, down as well as up', () => {
  const lines = told([2.9, 3.1, 2.95, 2.85, 2.75, 2.6]);
  assert.deepEqual(
    lines.map(({ reason }) => reason.en),
    [
      'X 2.9 m >= 2.8 m: YELLOW',
      'X 3.1 m >= 3 m: ORANGE',
      'X 2.85 m: ORANGE is over, YELLOW still holds',
      'X 2.6 m: back inside its limit',
    ],
  );
  assert.deepEqual(
    lines.map(({ reason }) => reason.zh),
    ['X 2.9 m >= 2.8 m：黄色', 'X 3.1 m >= 3 m：橙色', 'X 2.85 m：橙色解除，黄色仍持续', 'X 2.6 m，已回到限值以内'],
  );
});

test('whatever way a level takes, no sentence claims a comparison that does not hold', () => {
  fc.assert(fc.property(fc.array(fc.integer({ min: 250, max: 330 }), { maxLength: 40 }), (hundredths) => {
    for (const { level, kind, reason, value } of told(hundredths.map((one) => one / 100))) {
      const claim = /([\d.]+) m >= ([\d.]+) m: (\w+)$/.exec(reason.en);
      assert.ok(reason.en.includes(`${String(value)} m`));
      if (kind === 'raised') assert.ok(claim);
      if (claim) assert.deepEqual([Number(claim[1]) >= Number(claim[2]), claim[3]], [true, LEVEL_WORDS[level as 2 | 3].en]);
    }
  }));
});
