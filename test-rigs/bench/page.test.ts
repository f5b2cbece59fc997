import assert from 'node:assert/strict';
import { test } from 'node:test';
import { benchPage, type BenchSection } from './page.ts';
import { result } from './result.ts';

const part = (busy: [number, number]): BenchSection => ({
  day: '2026-01-02', command: 'npm run bench -- x', machine: '2 × a processor', othersBusyPercent: busy, versions: { peer: '1.2' }, notes: ['How it was done.'],
  results: [result('x', 1234, 'events/s', { peer: 617 }), result('y', 2, 'ms')],
});

test('a part becomes a section with its command, versions, ratios and notes', () => {
  const page = benchPage({ x: part([0, 3]) });
  for (const wanted of ['## x', '`npm run bench -- x`, 2026-01-02: 2 × a processor. With peer 1.2.', '| x | 1,230 events/s | 2 |', '| y | 2 ms |  |', '- How it was done.']) assert.ok(page.includes(wanted), wanted);
});

test('a machine that others used is said to have been, and no other', () => {
  assert.match(benchPage({ x: part([0, 40]) }), /The machine was shared\*\*: other work had 0 % .* and 40 %/);
  assert.doesNotMatch(benchPage({ x: part([9, 10]) }), /shared/);
});
