import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Event } from '../../core/event.ts';
import { commitOutcome, ruleEngine, type RuleFinding, type RuleInput, type RuleTables } from './engine.ts';
import type { ThresholdRule } from './rule.ts';
import { LIVE_WINDOW_MS } from './series.ts';
import { absenceRule, emptyTables, event, reference, reread, rule } from '../testing/rules.ts';
import type { Warning } from '../warning/warning.ts';

interface Told {
  warnings: Warning[];
  findings: RuleFinding[];
}

const brief = (warning: Warning) => ({
  kind: warning.changes.at(-1)?.kind,
  at: warning.changes.at(-1)?.atMs,
  level: warning.level,
  condition: warning.condition,
});

function run(rules: ReturnType<typeof rule>[], inputs: RuleInput[], tables: RuleTables = emptyTables()): Told & { tables: RuleTables } {
  const outcome = ruleEngine(rules).take(tables, inputs);
  commitOutcome(tables, outcome);
  return { warnings: outcome.warnings, findings: outcome.findings, tables };
}

const live = (over: Partial<Event>): RuleInput => ({ event: event(over), receivedAt: over.occurredAt ?? 0 });
const levels = { 4: { when: '>= 1', onDelay: '3ms' }, 3: { when: '>= 2', onDelay: '1ms' }, 2: { when: '>= 3', onDelay: '2ms' } };

test('a level is raised after its delay, rises at once, falls only after the off delay', () => {
  const storm = rule({
    levels: { 4: { when: '>= 2.5' }, 3: { when: '>= 2.8' }, 2: { when: '>= 3', onDelay: '2ms' } },
    off: { hysteresis: 0.2, offDelay: '5ms' },
    autoClose: true,
  });
  const values = [1.8, 2.6, 2.9, 3.1, 3.2, 3.2, 3.0, 2.9, 2.9, 2.75, 2.75, 2.75, 2.75, 2.75, 2.2, 2.2, 2.2, 2.2, 2.2, 2.2];
  const { warnings } = run([storm], values.map((value, index) => live({ value, occurredAt: index })));
  assert.deepEqual(warnings.map(brief), [
    { kind: 'raised', at: 1, level: 4, condition: 'active' },
    { kind: 'level', at: 2, level: 3, condition: 'active' },
    { kind: 'level', at: 5, level: 2, condition: 'active' },
    { kind: 'level', at: 14, level: 3, condition: 'active' },
    { kind: 'closed', at: 19, level: 3, condition: 'cleared' },
  ]);
  assert.equal(new Set(warnings.map((warning) => warning.id)).size, 1);
  assert.equal(warnings.at(-1)?.state, 'closed');
  assert.equal(warnings[0]?.onsetAt, 1);
});

test('bad and uncertain values neither start nor end a warning', () => {
  const inputs = [3, 3, 3, 3].map((value, index) => live({ value, occurredAt: index, quality: index === 0 ? 'good' : 'uncertain' }));
  assert.deepEqual(run([rule()], inputs).warnings, []);
  const { tables } = run([rule()], [live({ value: 3 }), live({ value: 3, occurredAt: 2 })]);
  assert.deepEqual(
    run([rule()], [live({ value: null, quality: 'bad', occurredAt: 5 }), live({ value: 0, quality: 'uncertain', occurredAt: 50 })], tables)
      .warnings,
    [],
  );
  assert.deepEqual(run([rule()], [live({ value: 0, occurredAt: 51 })], tables).warnings.map(brief), [
    { kind: 'cleared', at: 51, level: 2, condition: 'cleared' },
  ]);
});

test('an event of unknown time raises nothing and moves nothing, wherever its time lies; what it would have been is a finding', () => {
  const values = (clock: Event['clock']) =>
    [1, 2, 3]
      .map((at) => live({ value: 0, occurredAt: at }))
      .concat(
        [10, 11, 12, 1e12].map((at): RuleInput => ({ event: event({ value: 3, occurredAt: at, clock }), receivedAt: 12 })),
        [13, 14, 15].map((at) => live({ value: 0, occurredAt: at })),
      );
  const known = run([rule()], values('edge'));
  assert.equal(known.warnings[0]?.changes[0]?.kind, 'raised', 'the same with a known time is a warning');
  const { warnings, findings, tables } = run([rule()], values('unsynced'));
  assert.deepEqual([warnings, findings.map(({ why, level }) => [why, level]).at(-1)], [[], ['late', 2]]);
  assert.deepEqual([...tables.series.values()].map(({ state }) => [state.newestAt, state.receivedAt]), [[15, 15]]);
});

test('what came and went before the gateway had it is a finding; what still holds is raised once, late, with its true onset', () => {
  const old = LIVE_WINDOW_MS + 100_000;
  const backlog = [0, 3, 3, 3, 0, 0, 3, 3, 3].map((value, index): RuleInput => ({
    event: event({ value, occurredAt: index }),
    receivedAt: old,
  }));
  const first = run([rule()], backlog);
  assert.deepEqual(first.warnings, []);
  assert.deepEqual(first.findings.map(({ fromAt, toAt, why }) => ({ fromAt, toAt, why })), [{ fromAt: 1, toAt: 4, why: 'catch-up' }]);
  const { warnings } = run([rule()], [{ event: event({ value: 3.5, occurredAt: old }), receivedAt: old }], first.tables);
  assert.deepEqual(warnings.map(({ onsetAt, raisedAt, late }) => ({ onsetAt, raisedAt, late })), [{ onsetAt: 6, raisedAt: 8, late: true }]);
});

test('a warning that ended and came back in silence is cleared and raised anew once the series has caught up', () => {
  const { tables, warnings: [before] } = run([rule()], [live({ value: 3 }), live({ value: 3, occurredAt: 2 })]);
  const old = LIVE_WINDOW_MS + 100_000;
  const silent = [0, 3, 3, 3].map((value, index): RuleInput => ({ event: event({ value, occurredAt: 10 + index }), receivedAt: old }));
  assert.deepEqual(run([rule()], silent, tables).warnings, []);
  const { warnings } = run([rule()], [{ event: event({ value: 3, occurredAt: old }), receivedAt: old }], tables);
  assert.deepEqual(warnings.map(brief), [
    { kind: 'cleared', at: 10, level: 2, condition: 'cleared' },
    { kind: 'recurred', at: 13, level: 2, condition: 'active' },
  ]);
  assert.equal(warnings[1]?.id, before?.id, 'without autoClose the warning is still open, so the recurrence is the same one');
});

test('a value from before the watermark never raises, and neighbours make one finding', () => {
  const { warnings, findings } = run(
    [rule()],
    [live({ value: 0, occurredAt: 100 }), ...[50, 51, 52, 53].map((at) => live({ value: 9, occurredAt: at }))],
  );
  assert.deepEqual(warnings, []);
  assert.equal(new Set(findings.map((finding) => finding.id)).size, 1);
  assert.deepEqual(findings.at(-1) && { ...findings.at(-1), cite: null, id: null }, {
    rule: 'r',
    subject: 'd',
    centre: '500112',
    indicator: 'X',
    device: 'd',
    point: 'p',
    id: null,
    version: 1,
    fromAt: 50,
    toAt: 53,
    level: 2,
    why: 'late',
    cite: null,
  });
});

test('what is said after catching up rests on the value that was worst, a live warning on the one that raised it', () => {
  const steps = rule({ levels: { 4: { when: '>= 1' }, 3: { when: '>= 2' }, 2: { when: '>= 3' } } });
  const old = LIVE_WINDOW_MS + 100_000;
  const late = (values: number[], from: number) =>
    values.map((value, index): RuleInput => ({ event: event({ value, occurredAt: from + index }), receivedAt: old }));
  const { findings } = run([steps], late([0, 1, 3, 2, 3.5, 1, 0], 0));
  assert.deepEqual(
    findings.map(({ fromAt, toAt, level, cite, why }) => ({ fromAt, toAt, level, at: cite.at, why })),
    [{ fromAt: 1, toAt: 6, level: 2, at: 2, why: 'catch-up' }],
  );
  const held = run([steps], late([0, 1, 3, 2], 0));
  const [raised] = run([steps], [{ event: event({ value: 1, occurredAt: old }), receivedAt: old }], held.tables).warnings;
  assert.deepEqual([raised?.changes[0]?.kind, raised?.late, raised?.level, raised?.changes[0]?.cite?.at], ['raised', true, 4, 2]);
  const [first, second, third] = run(
    [steps],
    [1, 3, 2].map((value, at) => live({ value, occurredAt: at })),
  ).warnings;
  assert.deepEqual(
    [first, second, third].map((warning) => [
      warning?.late,
      warning?.changes.at(-1)?.kind,
      warning?.changes.at(-1)?.cite?.at,
      warning?.changes.at(-1)?.cite?.value,
    ]),
    [
      [false, 'raised', 0, 1],
      [false, 'level', 1, 3],
      [false, 'level', 2, 2],
    ],
  );
});

test('a series that was never heard is never absent, and one first heard at time zero is', () => {
  const engine = ruleEngine([absenceRule({ after: '100ms' })]);
  const tables = emptyTables();
  commitOutcome(tables, engine.take(tables, [live({ value: null, quality: 'bad', occurredAt: 0 })]));
  assert.deepEqual(engine.idle(tables, 1e9, () => 0).warnings, [], 'no sign of life yet');
  commitOutcome(tables, engine.take(tables, [live({ occurredAt: 0 })]));
  assert.deepEqual(engine.idle(tables, 99, () => 0).warnings, []);
  assert.deepEqual(engine.idle(tables, 100, () => 0).warnings.map(brief), [{ kind: 'raised', at: 100, level: 3, condition: 'active' }]);
});

test('with a lateness, values within it are put in order first', () => {
  const ordered = rule({ lateness: '10ms', off: { offDelay: '0s' } });
  const inputs = [5, 3, 4, 20, 1, 40].map((at) => live({ value: at >= 3 && at <= 5 ? 3 : 0, occurredAt: at }));
  const { warnings, findings } = run([ordered], inputs);
  assert.deepEqual(warnings.map(brief).map(({ kind, at }) => ({ kind, at })), [{ kind: 'raised', at: 5 }, { kind: 'cleared', at: 20 }]);
  assert.equal(findings.length, 0);
});

test('of equal times the one that came last counts, also after waiting for the watermark', () => {
  const ordered = rule({ lateness: '10ms', levels: { 2: { when: '>= 3' } } });
  const told = (...values: number[]) =>
    run(
      [ordered],
      [
        ...values.map((value) => live({ value, occurredAt: 5 })),
        live({ value: values.at(-1) as number, occurredAt: 30 }),
        live({ value: 1, occurredAt: 41 }),
      ],
    ).warnings.map((warning) => brief(warning).kind);
  assert.deepEqual(told(3, 1), ['raised', 'cleared']);
  assert.deepEqual(told(1, 3), ['raised']);
});

test('a bad value, however live, does not end the silence of catching up', () => {
  const old = LIVE_WINDOW_MS + 100_000;
  const { tables } = run([rule()], [0, 1, 2].map((at): RuleInput => ({ event: event({ value: 3, occurredAt: at }), receivedAt: old })));
  assert.deepEqual(run([rule()], [live({ value: null, quality: 'bad', occurredAt: old })], tables).warnings, []);
  assert.deepEqual(
    run([rule()], [live({ value: 3, occurredAt: old + 1 })], tables).warnings.map(({ late, onsetAt }) => ({ late, onsetAt })),
    [{ late: true, onsetAt: 0 }],
  );
});

test('a device that is given another subject clears the warning it holds under the old one', () => {
  const {
    tables,
    warnings: [raised],
  } = run([rule({ autoClose: true })], [live({ value: 3, subject: 'one' }), live({ value: 3, subject: 'one', occurredAt: 2 })]);
  const { warnings } = run([rule({ autoClose: true })], [live({ value: 0, subject: 'two', occurredAt: 3 })], tables);
  assert.deepEqual(
    warnings.map(({ id, subject, state }) => ({ id, subject, state })),
    [{ id: raised?.id, subject: 'one', state: 'closed' }],
  );
});

test('a clock that runs ahead does not move the watermark', () => {
  const { warnings } = run(
    [rule()],
    [
      { event: event({ value: 0, occurredAt: 3_600_000 }), receivedAt: 0 },
      live({ value: 3, occurredAt: 1 }),
      live({ value: 3, occurredAt: 3 }),
    ],
  );
  assert.deepEqual(warnings.map(brief), [{ kind: 'raised', at: 3, level: 2, condition: 'active' }]);
});

test('several series of one subject are one warning, cleared when the last has cleared', () => {
  const two = (device: string, value: number, at: number) => live({ device, subject: 'pond', value, occurredAt: at });
  const steps = [two('a', 3, 0), two('b', 3, 1), two('a', 3, 2), two('b', 3, 3), two('a', 0, 4), two('b', 0, 5)];
  const { warnings } = run([rule({ autoClose: true })], steps);
  assert.deepEqual(warnings.map(brief).map(({ kind, at }) => ({ kind, at })), [{ kind: 'raised', at: 2 }, { kind: 'closed', at: 5 }]);
});

test('a recurrence after closing is a new warning that names the one before, even with the same onset', () => {
  const quick = rule({ levels: { 2: { when: '>= 3' } }, autoClose: true });
  const { warnings } = run([quick], [3, 0, 3, 0].map((value) => live({ value, occurredAt: 7 })));
  const raised = warnings.filter((warning) => warning.changes.length === 1);
  assert.equal(raised.length, 2);
  assert.notEqual(raised[0]?.id, raised[1]?.id);
  assert.equal(raised[1]?.previousId, raised[0]?.id);
});

test('absence is noticed while the edge is there, never while it is away, and ends with a sign of life', () => {
  const engine = ruleEngine([absenceRule()]);
  const tables = emptyTables();
  const note = (outcome: ReturnType<typeof engine.take>) => { commitOutcome(tables, outcome); return outcome.warnings.map(brief); };
  note(engine.take(tables, [live({ occurredAt: 10 })]));
  assert.deepEqual(note(engine.idle(tables, 109, () => 0)), []);
  assert.deepEqual(note(engine.idle(tables, 5000, () => Infinity)), []);
  assert.deepEqual(note(engine.idle(tables, 5099, () => 5000)), []);
  assert.deepEqual(note(engine.idle(tables, 5100, () => 5000)), [{ kind: 'raised', at: 110, level: 3, condition: 'active' }]);
  assert.deepEqual(note(engine.idle(tables, 9000, () => 5000)), [], 'said once');
  assert.deepEqual(
    note(engine.take(tables, [live({ occurredAt: 9001, quality: 'uncertain', flags: ['stale'] })])),
    [],
    'a stale value is no sign of life',
  );
  assert.deepEqual(note(engine.take(tables, [live({ occurredAt: 9002 })])), [
    { kind: 'cleared', at: 9002, level: 3, condition: 'cleared' },
  ]);
});

test('an idle series finishes its delays, whenever somebody looks', () => {
  for (const looks of [[10_000], [100, 110, 111, 5000, 10_000]]) {
    const engine = ruleEngine([rule({ idleTimeout: '100ms', autoClose: true, off: { offDelay: '10ms' } })]);
    const tables = emptyTables();
    const told = [engine.take(tables, [live({ value: 3 }), live({ value: 3, occurredAt: 2 }), live({ value: 0, occurredAt: 3 })])];
    commitOutcome(tables, told[0] as (typeof told)[0]);
    for (const untilAt of looks) {
      const outcome = engine.idle(tables, untilAt, () => 0);
      commitOutcome(tables, outcome);
      told.push(outcome);
    }
    assert.deepEqual(told.flatMap((outcome) => outcome.warnings.map(brief)).at(-1), {
      kind: 'closed',
      at: 13,
      level: 2,
      condition: 'cleared',
    });
  }
});

test('delays are whole milliseconds: event time never waits for a fraction', () => {
  const odd = rule({
    levels: { 2: { when: '>= 3', onDelay: '0.3ms' }, 1: { when: '>= 4', onDelay: '1.7ms' } },
    off: { offDelay: '0.4ms' },
  });
  const inputs = [4, 4, 0, 0].map((value, index) => live({ value, occurredAt: 1_767_225_600_000 + index * 10 }));
  assert.deepEqual(
    run([odd], inputs)
      .warnings.map(brief)
      .map(({ kind, level }) => ({ kind, level })),
    [
      { kind: 'raised', level: 2 },
      { kind: 'level', level: 1 },
      { kind: 'cleared', level: 1 },
    ],
  );
});

test('a changed rule ends what the old one held open', () => {
  const { tables } = run([rule({ autoClose: true })], [live({ value: 3 }), live({ value: 3, occurredAt: 2 })]);
  const outcome = ruleEngine([rule({ version: 2, autoClose: true })]).retire(tables, 77);
  assert.deepEqual(outcome.warnings.map(brief), [{ kind: 'closed', at: 77, level: 2, condition: 'cleared' }]);
  assert.deepEqual(ruleEngine([rule({ autoClose: true })]).retire(tables, 77).warnings, []);
});

const readings = fc
  .array(fc.record({ at: fc.nat(60), value: fc.nat(4), quality: fc.constantFrom('good', 'good', 'good', 'bad', 'uncertain') }), {
    maxLength: 40,
  })
  .map((list) => list.toSorted((a, b) => a.at - b.at));
const anyRule = fc
  .record({ hysteresis: fc.nat(2), offDelay: fc.nat(6), onDelays: fc.tuple(fc.nat(5), fc.nat(5), fc.nat(5)), autoClose: fc.boolean() })
  .map(
    ({ hysteresis, offDelay, onDelays, autoClose }) =>
      rule({
        autoClose,
        off: { hysteresis, offDelay: `${offDelay}ms` },
        levels: {
          4: { when: '>= 1', onDelay: `${onDelays[0]}ms` },
          3: { when: '>= 2', onDelay: `${onDelays[1]}ms` },
          2: { when: '>= 4', onDelay: `${onDelays[2]}ms` },
        },
      }) as ThresholdRule,
  );

test('every change of level is the one that a slow look at each millisecond finds', () => {
  fc.assert(
    fc.property(anyRule, readings, (threshold, list) => {
      const closing = { at: 100, value: 0, quality: 'good' as const };
      const { warnings } = run(
        [threshold],
        [...list, closing].map(({ at, value, quality }) => live({ value, quality, occurredAt: at })),
      );
      const told = warnings.map((warning) => ({
        at: warning.changes.at(-1)?.atMs,
        level: warning.condition === 'cleared' ? null : warning.level,
      }));
      assert.deepEqual(told, reference(threshold, [...list, closing], 100));
    }),
    { numRuns: 400 },
  );
});

const anyInputs = fc
  .array(
    fc.record({
      device: fc.constantFrom('a', 'b'),
      subject: fc.constantFrom('one', 'two'),
      at: fc.nat(40),
      age: fc.constantFrom(0, 0, 0, 5, LIVE_WINDOW_MS + 1),
      value: fc.nat(4),
      quality: fc.constantFrom('good', 'good', 'bad'),
    }),
    { maxLength: 40 },
  )
  .map((list) =>
    list.map(({ device, subject, at, age, value, quality }): RuleInput => ({
      event: event({ device, subject, value, quality, occurredAt: at }),
      receivedAt: at + age,
    })),
  );

test('batches and restarts change nothing; nothing is told twice', () => {
  const rules = [rule({ levels, autoClose: true, off: { hysteresis: 1, offDelay: '2ms' } }), rule({ id: 'slow', levels, lateness: '6ms' })];
  fc.assert(fc.property(anyInputs, fc.array(fc.nat(8), { maxLength: 20 }), (inputs, cuts) => {
    const whole = run(rules, inputs);
    let tables = emptyTables();
    const told: Told = { warnings: [], findings: [] };
    let from = 0;
    for (const size of [...cuts, Infinity]) {
      const part = run(rules, inputs.slice(from, from + size), tables);
      from += size;
      tables = reread(part.tables);
      told.warnings.push(...part.warnings);
      told.findings.push(...part.findings);
    }
    assert.deepEqual(told, { warnings: whole.warnings, findings: whole.findings });
    checkStories(whole.warnings);
  }), { numRuns: 300 });
});

/** Each id is raised once, goes on only while it is open, and each thing told differs from the one before. */
function checkStories(warnings: Warning[]): void {
  for (const story of Map.groupBy(warnings, (warning) => warning.id).values()) {
    story.forEach((warning, index) => {
      const before = story[index - 1];
      assert.equal(warning.changes[0]?.kind, 'raised');
      if (!before) return;
      assert.notEqual(before.state, 'closed');
      assert.ok(before.level !== warning.level || before.condition !== warning.condition, 'something changed');
    });
  }
  const keys = Map.groupBy(warnings, (warning) => `${warning.rule}|${warning.subject}|${warning.centre}`);
  for (const story of keys.values()) {
    let open: string | null = null;
    for (const warning of story) {
      assert.ok(open === null || open === warning.id, 'one open warning a key');
      open = warning.state === 'closed' ? null : warning.id;
    }
  }
}

test('values within the band between limit and hysteresis never change anything', () => {
  const band = rule({ levels: { 2: { when: '>= 3' } }, off: { hysteresis: 0.5, offDelay: '0s' } });
  fc.assert(
    fc.property(
      fc.boolean(),
      fc.array(fc.double({ min: 2.5, max: 3, maxExcluded: true, noNaN: true }), { maxLength: 50 }),
      (raised, values) => {
        const { tables } = run([band], [live({ value: raised ? 9 : 0 })]);
        assert.deepEqual(
          run(
            [band],
            values.map((value, index) => live({ value, occurredAt: index + 1 })),
            tables,
          ).warnings,
          [],
        );
      },
    ),
  );
});

test('how often somebody looks at idle series, and restarts in between, change nothing', () => {
  const rules = [
    absenceRule({ after: '7ms', autoClose: true }),
    rule({ levels, lateness: '3ms', idleTimeout: '4ms', autoClose: true, off: { hysteresis: 1, offDelay: '2ms' } }),
    rule({ id: 'never', levels, idleTimeout: 'forever' }),
  ];
  const moments = fc.array(
    fc.record({
      afterMs: fc.nat(20),
      device: fc.constantFrom('a', 'b'),
      value: fc.nat(4),
      quality: fc.constantFrom('good', 'good', 'bad', 'uncertain'),
      behindMs: fc.nat(4),
    }),
    { maxLength: 25 },
  );
  fc.assert(
    fc.property(moments, fc.nat(30), (list, edgeSince) => {
      const story = (stepMs: number, restarts: boolean): Map<string, unknown[]> => {
        let tables = emptyTables();
        const engine = ruleEngine(rules);
        const told: Warning[] = [];
        const keep = (outcome: ReturnType<typeof engine.take>) => {
          commitOutcome(tables, outcome);
          told.push(...outcome.warnings);
          if (restarts) tables = reread(tables);
        };
        let nowMs = 0;
        const passUntil = (untilMs: number) => {
          for (let at = Math.min(nowMs + stepMs, untilMs); ; at = Math.min(at + stepMs, untilMs)) {
            keep(engine.idle(tables, at, () => edgeSince));
            if (at >= untilMs) break;
          }
          nowMs = untilMs;
        };
        for (const { afterMs, device, value, quality, behindMs } of list) {
          passUntil(nowMs + afterMs);
          keep(
            engine.take(tables, [
              { event: event({ device, value, quality, occurredAt: Math.max(0, nowMs - behindMs) }), receivedAt: nowMs },
            ]),
          );
        }
        passUntil(nowMs + 100);
        checkStories(told);
        return Map.groupBy(told, (warning) => `${warning.rule} ${warning.subject}`) as Map<string, unknown[]>;
      };
      const [coarse, fine] = [story(1000, false), story(1, true)];
      assert.deepEqual([...fine].toSorted(), [...coarse].toSorted());
    }),
    { numRuns: 60 },
  );
});
