import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkDocument } from '../../core/config/check.ts';
import { absenceRule, event, rule } from '../testing/rules.ts';
import { limitsOf, RULE_SCHEMA } from './rule.ts';
import { AUTO_CLOSE, isOpen, findTransition, TRANSITIONS } from '../warning/lifecycle.ts';

test('a rule file says where each mistake is', () => {
  const text = [
    'id: pump-level',
    'version: 1',
    'type: threshold',
    'select: { indicator: YJ-FLD-001 }',
    'levels:',
    '  4: { when: "> 3" }',
    '  3: { when: "2.8" }',
    '  2: { when: "<= 3.0", onDelay: forever }',
    'off: { hysteresis: -1, offDelay: soon }',
    'autoclose: true',
  ].join('\n');
  const { value, problems } = checkDocument({ path: 'x.yaml', text }, RULE_SCHEMA);
  assert.equal(value, null);
  assert.deepEqual([...new Set(problems.map((problem) => problem.line))], [7, 8, 9, 10]);
});

test('a wrong type hides no other mistake: those of the type that was meant are told', () => {
  const told = (...lines: string[]) => {
    const { value, problems } = checkDocument(
      { path: 'x.yaml', text: ['id: Pump', 'version: 1', 'select: { indicator: YJ-FLD-001 }', ...lines].join('\n') },
      RULE_SCHEMA,
    );
    assert.equal(value, null);
    return problems.map(({ line, path, fault }) => `${line} ${path} ${fault.code.replace('CV_SETTING_', '')}`);
  };
  assert.deepEqual(told('type: treshold', 'levels: { 4: { when: "2.8" } }', 'autoclose: true'), [
    '1 id INVALID',
    '4 type INVALID',
    '5 levels.4.when INVALID',
    '6 autoclose UNKNOWN',
  ]);
  assert.deepEqual(told('levels: { 4: { when: "2.8" } }'), ['1 type MISSING', '1 id INVALID', '4 levels.4.when INVALID']);
  assert.deepEqual(told('type: silence', 'after: soon'), ['1 level MISSING', '1 id INVALID', '4 type INVALID', '5 after INVALID']);
  assert.deepEqual(told('type: 7'), ['1 id INVALID', '4 type INVALID']);
});

test('levels must lie in order', () => {
  const parse = (levels: Record<string, { when: string }>, direction = 'high') =>
    RULE_SCHEMA.safeParse({ id: 'r', version: 1, type: 'threshold', select: { indicator: 'X' }, direction, levels });
  assert.ok(parse({ 4: { when: '>= 1' }, 2: { when: '>= 2' } }).success);
  assert.ok(!parse({ 4: { when: '>= 3' }, 2: { when: '>= 2' } }).success);
  assert.ok(parse({ 4: { when: '<= 3' }, 2: { when: '<= 2' } }, 'low').success);
  assert.ok(!parse({}).success);
  assert.ok(!parse({ 3: { when: '>= 3' } }, 'low').success);
});

test('the table of transitions: closed never opens again, the engine acts only where it may', () => {
  assert.equal(findTransition('closed', 'raised', 'duty-officer'), null);
  assert.equal(findTransition('raised', 'closed', 'engine'), null);
  assert.ok(findTransition('raised', 'closed', 'engine', AUTO_CLOSE));
  assert.equal(findTransition('handled', 'verified', 'responsible-unit'), null, 'nobody verifies their own work');
  assert.ok(TRANSITIONS.every((row) => row.from === null || isOpen(row.from) || row.to === 'reviewed'));
});

test('limits for drawing: of the rules that look at the series, worst last', () => {
  const rules = [
    rule({ levels: { 2: { when: '>= 3' }, 4: { when: '>= 1' } } }),
    rule({ id: 'low', direction: 'low', levels: { 3: { when: '< 0.5' } } }),
    rule({ id: 'other', select: { indicator: 'X', device: 'other' } }),
    absenceRule(),
  ];
  assert.deepEqual(limitsOf(rules, event({})), [
    { level: 4, value: 1, direction: 'high' },
    { level: 3, value: 0.5, direction: 'low' },
    { level: 2, value: 3, direction: 'high' },
  ]);
});
