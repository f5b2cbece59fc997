import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ratioToBaseline, type BenchRun } from './baseline.ts';
import { benchPage } from './page.ts';
import { result } from './result.ts';

const part = (busy: [number, number]): BenchRun => ({
  day: '2026-01-02',
  command: 'npm run bench -- x',
  machine: '2 × a processor',
  othersBusyPercent: busy,
  versions: { peer: '1.2' },
  notes: ['How it was done.'],
  results: [result('x', 1234, 'events/s', { peer: 617 }), result('y', 2, 'ms')],
});

test('a part becomes a section with its command, versions, ratios and notes', () => {
  const page = benchPage({ x: part([0, 3]) });
  for (const wanted of [
    '## x',
    '`npm run bench -- x`, 2026-01-02: 2 × a processor. With peer 1.2.',
    '| x | 1,230 events/s | 2 |',
    '| y | 2 ms |  |',
    '- How it was done.',
  ])
    assert.ok(page.includes(wanted), wanted);
});

test('a machine that others used is said to have been, and no other', () => {
  assert.match(benchPage({ x: part([0, 40]) }), /The machine was shared\*\*: other work had 0 % .* and 40 %/);
  assert.doesNotMatch(benchPage({ x: part([9, 10]) }), /shared/);
});

test('what ran later stands beside the baseline: by a peer of both, else by the value on the same machine', () => {
  const baseline = part([0, 0]);
  const [x, y] = [result('x', 5000, 'events/s', { peer: 1250 }), result('y', 3, 'ms')];
  assert.deepEqual([x, y].map((later) => ratioToBaseline(later, { machine: baseline.machine }, baseline)), [2, 1.5]);
  assert.deepEqual([x, y].map((later) => ratioToBaseline(later, { machine: 'another' }, baseline)), [2, null]);
  assert.deepEqual([ratioToBaseline(x, baseline, undefined), ratioToBaseline(result('new', 1, 'ms'), baseline, baseline)], [null, null]);
  const page = benchPage({ x: { ...part([0, 0]), results: [x, y], baseline } });
  for (const wanted of [
    '| result 结果 | value 数值 | ÷ baseline | ÷ peer |',
    '| x | 5,000 events/s | 2 | 4 |',
    '| y | 3 ms | 1.5 |  |',
    'Baseline 基线：2026-01-02, 2 × a processor.',
  ])
    assert.ok(page.includes(wanted), wanted);
  assert.doesNotMatch(benchPage({ x: part([0, 0]) }), /÷ baseline \|/);
});
