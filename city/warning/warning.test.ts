import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import fc from 'fast-check';
import type { WarningState } from './state.ts';
import { seriesKey, type Level } from '../../core/event.ts';
import { rule } from '../testing/rules.ts';
import type { Announcement } from '../rules/announcement.ts';
import { applyAnnouncement, warningKeyText, withdrawWarning, type KeyState } from './key.ts';
import { CARRIED_CHANGES, moveWarning, warningId, type SeriesName, type Warning } from './warning.ts';

const KEY: KeyState = { rule: 'r', subject: 'pond', centre: '500112', warning: null, newest: null, series: {} };
const A: SeriesName = { indicator: 'X', device: 'a', point: 'p' };
const B: SeriesName = { indicator: 'X', device: 'b', point: 'p' };
const cite = (at: number) => ({ at, value: at + 0.5, unit: 'm' });
const raised = (at: number, level: Level, onsetAt = at, late = false): Extract<Announcement, { kind: 'raised' }> => ({
  kind: 'raised',
  atMs: at,
  onsetAt,
  level,
  late,
  cite: cite(at),
});
const moved = (at: number, level: Level): Announcement & { kind: 'level' } => ({ kind: 'level', atMs: at, level, cite: cite(at) });
const cleared = (at: number): Announcement & { kind: 'cleared' } => ({ kind: 'cleared', atMs: at, cite: cite(at) });
type Applied = Exclude<Announcement, { kind: 'finding' }>;
const told = (steps: [SeriesName, Applied][], autoClose = false, from = KEY): KeyState =>
  steps.reduce((key, [name, saying]) => applyAnnouncement(rule({ autoClose }), key, name, saying), from);

test('a warning begins whole: named by its key and onset, with the value it rests on', () => {
  const { warning, series } = told([[A, raised(20, 2, 7, true)]]);
  assert.deepEqual(series, { 'X|a|p': 2 });
  assert.deepEqual(warning, {
    rule: 'r', subject: 'pond', centre: '500112', ...A, id: createHash('sha256').update('r|pond|500112|7').digest('hex').slice(0, 16),
    version: 1, type: 'threshold', level: 2, worst: 2, state: 'raised', condition: 'active', late: true,
    onsetAt: 7, raisedAt: 20, changedAt: 20, clearedAt: null, previousId: null, count: 1, revision: 1,
    description: null, media: { snapshots: [], clips: [] },
    changes: [{ n: 1, kind: 'raised', atMs: 20, by: { role: 'engine' }, level: 2, state: 'raised', cite: { ...cite(20), ...A } }],
  });
  assert.deepEqual([warning?.id, warningKeyText(KEY), seriesKey(B)], [warningId(KEY, 7), 'r|pond|500112', 'X|b|p']);
});

test('it keeps the worst level it had, and counts how often its condition came back', () => {
  const { warning } = told([
    [A, raised(1, 3)],
    [A, moved(2, 1)],
    [A, moved(3, 4)],
    [A, cleared(5)],
    [A, raised(6, 3)],
    [A, cleared(7)],
    [A, raised(9, 4)],
  ]);
  assert.deepEqual(
    warning?.changes.map(({ kind, atMs, level, state }) => [kind, atMs, level, state]),
    [
      ['raised', 1, 3, 'raised'],
      ['level', 2, 1, 'raised'],
      ['level', 3, 4, 'raised'],
      ['cleared', 5, 4, 'raised'],
      ['recurred', 6, 3, 'raised'],
      ['cleared', 7, 3, 'raised'],
      ['recurred', 9, 4, 'raised'],
    ],
  );
  assert.deepEqual(
    [warning?.level, warning?.worst, warning?.count, warning?.revision, warning?.clearedAt, warning?.changedAt, warning?.raisedAt],
    [4, 1, 3, 7, null, 9, 1],
  );
});

test('the worst of its series is its level; it clears with the last of them', () => {
  const both = told([[A, raised(1, 3)], [B, raised(2, 2)]]);
  assert.deepEqual([both.warning?.level, both.warning?.device, both.warning?.changes.at(-1)?.cite?.device], [2, 'a', 'b']);
  const same = told([[B, moved(3, 3)], [A, moved(3, 4)]], false, both);
  assert.deepEqual([same.warning?.level, same.warning?.revision], [3, 3]);
  assert.equal(told([[A, cleared(4)]], false, same).warning, same.warning, 'what changes nothing is not told');
  const gone = told([[A, cleared(4)], [B, cleared(5)]], false, same);
  assert.deepEqual([gone.warning?.condition, gone.warning?.clearedAt, gone.series], ['cleared', 5, {}]);
});

test('the next onset of a closed one is later by a millisecond at least, and names the one before', () => {
  const first = told(
    [
      [A, raised(10, 2)],
      [A, cleared(11)],
    ],
    true,
  );
  assert.deepEqual(
    [first.warning?.state, first.warning?.changes.map(({ kind, state }) => [kind, state])],
    [
      'closed',
      [
        ['raised', 'raised'],
        ['cleared', 'raised'],
        ['closed', 'closed'],
      ],
    ],
  );
  const [earlier, later] = [told([[A, raised(12, 2, 4)]], true, first).warning, told([[A, raised(12, 2, 12)]], true, first).warning];
  assert.deepEqual(
    [earlier?.onsetAt, later?.onsetAt, earlier?.previousId, earlier?.count, earlier?.id],
    [11, 12, first.warning?.id, 1, warningId(KEY, 11)],
  );
});

test('what a series says of a level makes no warning where none was raised', () => {
  assert.deepEqual(told([[A, moved(1, 2)]]), { ...KEY, series: { 'X|a|p': 2 } });
  assert.deepEqual(told([[A, cleared(1)]]), KEY);
});

test('an open warning that the rule may not close stays with whoever handles it', () => {
  const { warning } = told([[A, raised(1, 2)]]);
  const handled = (state: WarningState): KeyState => ({ ...KEY, series: { 'X|a|p': 2 }, warning: { ...(warning as Warning), state } });
  for (const [state, after] of [
    ['acknowledged', 'closed'],
    ['handling', 'handling'],
    ['transferred', 'transferred'],
    ['verified', 'closed'],
  ] as const) {
    assert.deepEqual(
      [told([[A, cleared(2)]], true, handled(state)).warning?.state, told([[A, cleared(2)]], false, handled(state)).warning?.state],
      [after, state],
    );
  }
});

test('a withdrawn warning ends once, resting on its last value; what is over or cleared stays as it is', () => {
  const open = told([[A, raised(1, 2)], [B, moved(4, 1)]]);
  const gone = withdrawWarning({ autoClose: true }, open, 9);
  assert.deepEqual([gone.series, gone.warning?.state, gone.warning?.condition, gone.warning?.clearedAt], [{}, 'closed', 'cleared', 9]);
  assert.deepEqual(
    gone.warning?.changes.slice(2).map(({ kind, atMs, cite }) => [kind, atMs, cite?.at, cite?.device]),
    [
      ['withdrawn', 9, 4, 'b'],
      ['closed', 9, 4, 'b'],
    ],
  );
  for (const over of [
    gone,
    told(
      [
        [A, cleared(5)],
        [B, cleared(5)],
      ],
      false,
      open,
    ),
  ]) {
    const again = withdrawWarning({ autoClose: true }, { ...over, series: { 'X|a|p': 2 } }, 12);
    assert.deepEqual([again.warning === over.warning, again.series], [true, {}]);
  }
  const bare = withdrawWarning({ autoClose: false }, { ...open, warning: { ...(open.warning as Warning), changes: [] } }, 9);
  assert.deepEqual(
    [bare.warning?.state, bare.warning?.changes],
    [
      'raised',
      [
        {
          n: 1,
          kind: 'withdrawn',
          atMs: 9,
          by: { role: 'engine' },
          level: 1,
          state: 'raised',
          cite: { ...A, at: 9, value: null, unit: '' },
        },
      ],
    ],
  );
  assert.deepEqual(withdrawWarning({ autoClose: true }, KEY, 1), KEY);
});

test('it carries the newest of its changes, each with its number', () => {
  const steps = Array.from({ length: 100 }, (_, at): [SeriesName, Applied] => [
    A,
    at === 0 ? raised(0, 4) : moved(at, at % 2 === 0 ? 4 : 3),
  ]);
  const { warning } = told(steps);
  assert.deepEqual(
    [warning?.changes.map(({ n, atMs }) => [n, atMs]), warning?.revision],
    [Array.from({ length: CARRIED_CHANGES }, (_, nth) => [85 + nth, 84 + nth]), 100],
  );
});

test('a closed one can still be reviewed when its key has a newer one, and only by whom the table lets', () => {
  const first = told([[A, raised(10, 2)], [A, cleared(11)]], true);
  const closed = first.warning as Warning;
  const second = told([[A, raised(20, 2)]], true, first);
  assert.deepEqual([second.newest?.id === closed.id, second.warning?.previousId], [false, closed.id]);
  const by = { role: 'upper-centre' as const, name: 'city' };
  const reviewed = moveWarning(closed, { to: 'reviewed', by, atMs: 30, records: { score: 4 } });
  assert.deepEqual(
    [reviewed?.state, reviewed?.revision, reviewed?.changes.at(-1)],
    ['reviewed', closed.revision + 1, { n: 4, kind: 'reviewed', atMs: 30, by, records: { score: 4 }, level: 2, state: 'reviewed' }],
  );
  assert.equal(moveWarning(closed, { to: 'reviewed', by: { role: 'engine' }, atMs: 30, records: {} }), null);
  assert.equal(told([[A, moved(31, 1)]], true, { ...second }).warning?.id, second.warning?.id, 'what comes goes to the newer one');
});

test('the next warning of a key whose last one is not at hand any more names it all the same', () => {
  const first = told([[A, raised(10, 2)], [A, cleared(11)]], true);
  const { warning } = told([[A, raised(12, 2, 4)]], true, { ...first, warning: null });
  assert.deepEqual([warning?.previousId, warning?.onsetAt], [first.warning?.id, 11]);
});

test('whatever its series say, a warning moves by its table, and each change is told once', () => {
  const words = fc.array(
    fc.tuple(fc.constantFrom(A, B), fc.constantFrom('raised', 'level', 'cleared'), fc.constantFrom<Level>(1, 2, 3, 4), fc.boolean()),
    { maxLength: 40 },
  );
  fc.assert(
    fc.property(words, fc.boolean(), (list, autoClose) => {
      let key = KEY;
      let recurrences = 0;
      for (const [nth, [name, kind, level, isWithdrawn]] of list.entries()) {
        const at = 100 + nth;
        const before = key.warning;
        key =
          isWithdrawn && nth % 5 === 4
            ? withdrawWarning({ autoClose }, key, at)
            : told(
                [
                  [
                    name,
                    kind === 'cleared'
                      ? cleared(at)
                      : kind === 'raised' || !(seriesKey(name) in key.series)
                        ? raised(at, level)
                        : moved(at, level),
                  ],
                ],
                autoClose,
                key,
              );
        const { warning, series } = key;
        if (!warning) continue;
        assert.equal(warning.worst <= warning.level, true);
        assert.equal(warning.condition === 'cleared', warning.clearedAt !== null);
        assert.equal(warning.state === 'closed', autoClose && warning.condition === 'cleared');
        if (warning.condition === 'active') assert.equal(warning.level, Math.min(...Object.values(series)));
        if (warning === before) continue;
        const isNew = warning.id !== before?.id;
        recurrences = isNew ? 0 : recurrences + Number(warning.changes.at(-1)?.kind === 'recurred');
        assert.equal(recurrences, warning.count - 1);
        assert.deepEqual([warning.changedAt, warning.changes.at(-1)?.atMs, warning.changes.at(-1)?.level], [at, at, warning.level]);
        assert.equal(warning.revision - (isNew ? 0 : before.revision), warning.state === 'closed' ? 2 : 1);
        if (isNew) assert.deepEqual([warning.previousId, before?.state ?? 'closed'], [before?.id ?? null, 'closed']);
      }
    }),
    { numRuns: 300 },
  );
});
