import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { parse, stringify } from 'yaml';
import { event } from '../testing/rules.ts';
import { readRules } from '../rules/read.ts';
import { catalogueOf, normaliser, readCatalogue } from './catalogue.ts';
import { BOARDS } from './boards.ts';
import type { Indicator } from './indicator.ts';

const CONFIGS = join(import.meta.dirname, '..', '..', 'configs');
const sources = (...below: string[]) =>
  globSync(join(CONFIGS, ...below, '*.yaml'))
    .toSorted()
    .map((path) => ({ path, text: readFileSync(path, 'utf8') }));

test('the catalogue that ships is whole, and its rules name what it knows', () => {
  const { catalogue, problems } = readCatalogue(sources('catalogue'));
  assert.deepEqual(problems, []);
  const wanted = ['YJ-FLD-001', 'SS-DRN-011', 'ST-AIR-001', 'ST-AIR-002', 'ST-AIR-003', 'SH-CRD-003', 'SS-TRF-004', 'SH-CRD-004'];
  assert.deepEqual(wanted.filter((code) => !catalogue?.of(code)), []);
  const { rules, problems: ruleProblems } = readRules(sources('rules', '*'));
  assert.deepEqual(ruleProblems, []);
  assert.ok(rules.length >= 2);
  for (const rule of rules) assert.ok(catalogue?.of(rule.select.indicator), rule.id);
});

test('a definition that lacks one of its four blocks is refused, with its line', () => {
  const [first] = sources('catalogue');
  assert.ok(first);
  for (const block of ['realtime', 'warning', 'retro', 'evaluate']) {
    const whole = parse(first.text) as { indicators: Record<string, unknown>[] };
    delete whole.indicators[0]?.[block];
    const { catalogue, problems } = readCatalogue([{ path: 'x.yaml', text: stringify(whole) }]);
    assert.equal(catalogue, null);
    assert.deepEqual(
      problems.map(({ fault, line }) => ({ code: fault.code, key: fault.params.key, line })),
      [{ code: 'CV_SETTING_MISSING', key: block, line: 2 }],
    );
  }
});

test('a code stands once in all files, and says its own board and runway', () => {
  const [first] = sources('catalogue');
  assert.ok(first);
  const twice = readCatalogue([first, { ...first, path: 'again.yaml' }]);
  assert.ok(twice.problems.length > 0 && twice.problems.every(({ fault }) => fault.code === 'CV_ID_TWICE'));
  const wrong = readCatalogue([
    { path: 'x.yaml', text: first.text.replace(/runway: [A-Z]+/, 'runway: GAS').replace(/unit: "[^"]*"/, 'unit: "metres"') },
  ]);
  assert.deepEqual(
    wrong.problems.map(({ path }) => path.replace(/\[\d+\]/, '')).toSorted(),
    ['indicators.runway', 'indicators.unit'],
    JSON.stringify(wrong.problems),
  );
});

test('values come in the catalogue\'s unit; what cannot be converted is flagged and left as it is', () => {
  const level = { code: 'YJ-FLD-001', unit: 'm' } as Indicator;
  const persons = { code: 'SH-CRD-003', unit: '{person}' } as Indicator;
  const temp = { code: 'SS-HEA-001', unit: 'Cel' } as Indicator;
  const normal = normaliser(catalogueOf([level, persons, temp]));
  const of = (indicator: string, value: number | boolean | string | null, unit: string, over = {}) =>
    normal(event({ indicator, value, unit, ...over }));
  assert.deepEqual(of('YJ-FLD-001', 320, 'cm', { window: { fromAt: 0, toAt: 1, count: 2, min: 310, max: 330 } }), {
    value: 3.2,
    unit: 'm',
    quality: 'good',
    flags: [],
    window: { fromAt: 0, toAt: 1, count: 2, min: 3.1, max: 3.3 },
  });
  assert.deepEqual(of('YJ-FLD-001', 3.2, 'm'), { value: 3.2, unit: 'm', quality: 'good', flags: [] });
  assert.deepEqual(of('YJ-FLD-001', 5, 'kg', { flags: ['spike'] }), {
    value: 5,
    unit: 'kg',
    quality: 'uncertain',
    flags: ['spike', 'unit'],
  });
  assert.equal(of('YJ-FLD-001', 5, 'kg', { quality: 'bad' }).quality, 'bad');
  assert.equal(of('YJ-FLD-001', 5, 'm', { flags: ['unit'] }).quality, 'good', 'what the sender says of its own is left as it is');
  assert.deepEqual(of('SS-HEA-001', 300, 'K'), { value: 26.85, unit: 'Cel', quality: 'good', flags: [] });
  assert.deepEqual(of('SH-CRD-003', 7, ''), { value: 7, unit: '{person}', quality: 'good', flags: [] });
  assert.deepEqual(of('YJ-FLD-001', null, 'cm'), { value: null, unit: 'm', quality: 'good', flags: [] });
  assert.deepEqual(of('XX-NEW-1', 7, 'zorkmid'), { value: 7, unit: 'zorkmid', quality: 'good', flags: [] });
  assert.deepEqual([normal.unitOf('SS-HEA-001'), normal.unitOf('XX-NEW-1')], ['Cel', null]);
});

test('the eight boards by their names in both languages', () => {
  assert.deepEqual(
    Object.entries(BOARDS).map(([code, { zh, en }]) => `${code} ${zh} ${en}`),
    [
      'DJ 党建统领 party-led coordination',
      'JJ 经济发展 economy',
      'SS 设施运行 facility operation',
      'SH 社会治理 social governance',
      'YJ 应急动员 emergency',
      'WM 文明创建 civility',
      'ST 生态景观 ecology and landscape',
      'FW 生产生活服务 services',
    ],
  );
});
