import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import fc from 'fast-check';
import type { WarningState } from './state.ts';
import type { Level } from '../../core/event.ts';
import { rule } from '../testing/rules.ts';
import type { Announcement } from '../rules/announcement.ts';
import { hear, keyText, seriesText, warningId, withdraw, type KeyState, type SeriesName, type Warning } from './warning.ts';

const KEY: KeyState = { rule: 'r', subject: 'pond', centre: '500112', warning: null, series: {} };
const A: SeriesName = { indicator: 'X', device: 'a', point: 'p' };
const B: SeriesName = { indicator: 'X', device: 'b', point: 'p' };
const cite = (at: number) => ({ at, value: at + 0.5, unit: 'm' });
const raised = (at: number, level: Level, onsetAt = at, late = false): Extract<Announcement, { say: 'raised' }> => ({ say: 'raised', at, onsetAt, level, late, cite: cite(at) });
const moved = (at: number, level: Level): Announcement & { say: 'level' } => ({ say: 'level', at, level, cite: cite(at) });
const cleared = (at: number): Announcement & { say: 'cleared' } => ({ say: 'cleared', at, cite: cite(at) });
type Heard = Exclude<Announcement, { say: 'finding' }>;
const told = (steps: [SeriesName, Heard][], autoClose = false, from = KEY): KeyState => steps.reduce((key, [name, saying]) => hear(rule({ autoClose }), key, name, saying), from);

test('a warning begins whole: named by its key and onset, with the value it rests on', () => {
  const { warning, series } = told([[A, raised(20, 2, 7, true)]]);
  assert.deepEqual(series, { 'X|a|p': 2 });
  assert.deepEqual(warning, {
    rule: 'r', subject: 'pond', centre: '500112', ...A, id: createHash('sha256').update('r|pond|500112|7').digest('hex').slice(0, 16),
    version: 1, type: 'threshold', level: 2, worst: 2, state: 'raised', condition: 'active', late: true,
    onsetAt: 7, raisedAt: 20, changedAt: 20, clearedAt: null, previousId: null, count: 1, revision: 1,
    changes: [{ kind: 'raised', at: 20, level: 2, state: 'raised', cite: { ...cite(20), ...A } }],
  });
  assert.deepEqual([warning?.id, keyText(KEY), seriesText(B)], [warningId(KEY, 7), 'r|pond|500112', 'X|b|p']);
});

test('it keeps the worst level it had, and counts how often its condition came back', () => {
  const { warning } = told([[A, raised(1, 3)], [A, moved(2, 1)], [A, moved(3, 4)], [A, cleared(5)], [A, raised(6, 3)], [A, cleared(7)], [A, raised(9, 4)]]);
  assert.deepEqual(warning?.changes.map(({ kind, at, level, state }) => [kind, at, level, state]), [
    ['raised', 1, 3, 'raised'], ['level', 2, 1, 'raised'], ['level', 3, 4, 'raised'], ['cleared', 5, 4, 'raised'], ['recurred', 6, 3, 'raised'], ['cleared', 7, 3, 'raised'], ['recurred', 9, 4, 'raised'],
  ]);
  assert.deepEqual([warning?.level, warning?.worst, warning?.count, warning?.revision, warning?.clearedAt, warning?.changedAt, warning?.raisedAt], [4, 1, 3, 7, null, 9, 1]);
});

test('the worst of its series is its level; it clears with the last of them', () => {
  const both = told([[A, raised(1, 3)], [B, raised(2, 2)]]);
  assert.deepEqual([both.warning?.level, both.warning?.device, both.warning?.changes.at(-1)?.cite.device], [2, 'a', 'b']);
  const same = told([[B, moved(3, 3)], [A, moved(3, 4)]], false, both);
  assert.deepEqual([same.warning?.level, same.warning?.revision], [3, 3]);
  assert.equal(told([[A, cleared(4)]], false, same).warning, same.warning, 'what changes nothing is not told');
  const gone = told([[A, cleared(4)], [B, cleared(5)]], false, same);
  assert.deepEqual([gone.warning?.condition, gone.warning?.clearedAt, gone.series], ['cleared', 5, {}]);
});

test('the next onset of a closed one is later by a millisecond at least, and names the one before', () => {
  const first = told([[A, raised(10, 2)], [A, cleared(11)]], true);
  assert.deepEqual([first.warning?.state, first.warning?.changes.map(({ kind, state }) => [kind, state])], ['closed', [['raised', 'raised'], ['cleared', 'raised'], ['closed', 'closed']]]);
  const [earlier, later] = [told([[A, raised(12, 2, 4)]], true, first).warning, told([[A, raised(12, 2, 12)]], true, first).warning];
  assert.deepEqual([earlier?.onsetAt, later?.onsetAt, earlier?.previousId, earlier?.count, earlier?.id], [11, 12, first.warning?.id, 1, warningId(KEY, 11)]);
});

test('what a series says of a level makes no warning where none was raised', () => {
  assert.deepEqual(told([[A, moved(1, 2)]]), { ...KEY, series: { 'X|a|p': 2 } });
  assert.deepEqual(told([[A, cleared(1)]]), KEY);
});

test('an open warning that the rule may not close stays with whoever handles it', () => {
  const { warning } = told([[A, raised(1, 2)]]);
  const handled = (state: WarningState): KeyState => ({ ...KEY, series: { 'X|a|p': 2 }, warning: { ...(warning as Warning), state } });
  for (const [state, after] of [['acknowledged', 'closed'], ['handling', 'handling'], ['transferred', 'transferred'], ['verified', 'closed']] as const) {
    assert.deepEqual([told([[A, cleared(2)]], true, handled(state)).warning?.state, told([[A, cleared(2)]], false, handled(state)).warning?.state], [after, state]);
  }
});

test('a withdrawn warning ends once, resting on its last value; what is over or cleared stays as it is', () => {
  const open = told([[A, raised(1, 2)], [B, moved(4, 1)]]);
  const gone = withdraw({ autoClose: true }, open, 9);
  assert.deepEqual([gone.series, gone.warning?.state, gone.warning?.condition, gone.warning?.clearedAt], [{}, 'closed', 'cleared', 9]);
  assert.deepEqual(gone.warning?.changes.slice(2).map(({ kind, at, cite: { at: of, device } }) => [kind, at, of, device]), [['withdrawn', 9, 4, 'b'], ['closed', 9, 4, 'b']]);
  for (const over of [gone, told([[A, cleared(5)], [B, cleared(5)]], false, open)]) {
    const again = withdraw({ autoClose: true }, { ...over, series: { 'X|a|p': 2 } }, 12);
    assert.deepEqual([again.warning === over.warning, again.series], [true, {}]);
  }
  const bare = withdraw({ autoClose: false }, { ...open, warning: { ...(open.warning as Warning), changes: [] } }, 9);
  assert.deepEqual([bare.warning?.state, bare.warning?.changes], ['raised', [{ kind: 'withdrawn', at: 9, level: 1, state: 'raised', cite: { ...A, at: 9, value: null, unit: '' } }]]);
  assert.deepEqual(withdraw({ autoClose: true }, KEY, 1), KEY);
});

test('of its changes the first and the newest 63 stay', () => {
  const steps = Array.from({ length: 100 }, (_, at): [SeriesName, Heard] => [A, at === 0 ? raised(0, 4) : moved(at, at % 2 === 0 ? 4 : 3)]);
  const { warning } = told(steps);
  assert.deepEqual([warning?.changes.map(({ at }) => at), warning?.revision], [[0, ...Array.from({ length: 63 }, (_, nth) => 37 + nth)], 100]);
  assert.equal(told(steps.slice(0, 64)).warning?.changes[1]?.at, 1, '64 stay whole');
});

test('whatever its series say, a warning moves by its table, and each change is told once', () => {
  const words = fc.array(fc.tuple(fc.constantFrom(A, B), fc.constantFrom('raised', 'level', 'cleared'), fc.constantFrom<Level>(1, 2, 3, 4), fc.boolean()), { maxLength: 40 });
  fc.assert(fc.property(words, fc.boolean(), (list, autoClose) => {
    let key = KEY;
    for (const [nth, [name, say, level, isWithdrawn]] of list.entries()) {
      const at = 100 + nth;
      const before = key.warning;
      key = isWithdrawn && nth % 5 === 4 ? withdraw({ autoClose }, key, at) : told([[name, say === 'cleared' ? cleared(at) : say === 'raised' || !(seriesText(name) in key.series) ? raised(at, level) : moved(at, level)]], autoClose, key);
      const { warning, series } = key;
      if (!warning) continue;
      assert.equal(warning.worst <= warning.level, true);
      assert.equal(warning.condition === 'cleared', warning.clearedAt !== null);
      assert.equal(warning.state === 'closed', autoClose && warning.condition === 'cleared');
      assert.equal(warning.changes.filter(({ kind }) => kind === 'recurred').length, warning.count - 1);
      if (warning.condition === 'active') assert.equal(warning.level, Math.min(...Object.values(series)));
      if (warning === before) continue;
      const isNew = warning.id !== before?.id;
      assert.deepEqual([warning.changedAt, warning.changes.at(-1)?.at, warning.changes.at(-1)?.level], [at, at, warning.level]);
      assert.equal(warning.revision - (isNew ? 0 : before.revision), warning.state === 'closed' ? 2 : 1);
      if (isNew) assert.deepEqual([warning.previousId, before?.state ?? 'closed'], [before?.id ?? null, 'closed']);
    }
  }), { numRuns: 300 });
});
