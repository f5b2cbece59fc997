import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Draft } from '../../core/event.ts';
import type { TelemetryEvent } from '../../core/telemetry.ts';
import type { PointSetup } from '../config/setup.ts';
import { reduce } from './reduce.ts';
import { PointWindow, windowStart, WINDOW_VALUES, type WindowValue } from './point-window.ts';

const MINUTE = 60_000;
const NOON = Date.UTC(2026, 4, 1, 4);

const draftOf = (more: Partial<Draft>): Draft => ({
  device: 'plc',
  point: 'level',
  indicator: 'YJ-FLD-001',
  centre: '500112001',
  kind: 'measurement',
  value: 1,
  unit: 'm',
  occurredAt: NOON,
  clock: 'edge',
  observedAt: more.occurredAt ?? NOON,
  quality: 'good',
  origin: 'live',
  ...more,
});
const after = (seconds: number, value: Draft['value'], more: Partial<Draft> = {}) =>
  draftOf({ occurredAt: NOON + seconds * 1000, value, ...more });
const shown = ({ occurredAt, value, window }: Draft) => [
  (occurredAt - NOON) / 1000,
  value,
  ...(window ? [(window.fromAt - NOON) / 1000, window.count, window.min, window.max] : []),
];

function all(drafts: readonly Draft[], value: WindowValue = 'mean', limits: number[] = []): Draft[] {
  const window = new PointWindow({ lengthMs: MINUTE, value }, limits);
  return [...drafts.flatMap((draft) => window.take(draft)), ...window.flush()];
}

test('the first value goes by itself, then one event a window, at the time of its newest value', () => {
  const values = [0, 10, 20, 50, 60, 70].map((seconds) => after(seconds, seconds));
  assert.deepEqual(all(values).map(shown), [
    [0, 0],
    [50, 26.6666666667, 0, 3, 10, 50],
    [70, 65, 60, 2, 60, 70],
  ]);
  assert.deepEqual(
    all(values, 'max').map((one) => one.value),
    [0, 50, 70],
  );
  assert.deepEqual(
    all(values, 'min').map((one) => one.value),
    [0, 10, 60],
  );
  assert.deepEqual(
    all(values, 'last').map((one) => one.value),
    [0, 50, 70],
  );
  assert.deepEqual(
    all(values, 'sum').map((one) => one.value),
    [0, 80, 130],
  );
});

test('what crosses a limit goes at once and by itself; what was before goes before it', () => {
  const window = new PointWindow({ lengthMs: MINUTE, value: 'mean' }, [3]);
  window.take(after(0, 2));
  assert.deepEqual(window.take(after(1, 2.2)), []);
  assert.deepEqual(window.take(after(2, 3.4)).map(shown), [[1, 2.2, 0, 1, 2.2, 2.2], [2, 3.4]]);
  assert.deepEqual(window.take(after(3, 3.6)), []);
  assert.deepEqual(window.take(after(4, 3)).map(shown), [
    [3, 3.6, 0, 1, 3.6, 3.6],
    [4, 3],
  ]);
});

test('a bad value goes at once, those that follow as one without a value; flags, clock and place likewise', () => {
  const bad = { quality: 'bad', value: null } as const;
  assert.deepEqual(all([after(0, 1), after(1, 1), after(2, null, bad), after(3, null, bad), after(4, null, bad), after(5, 1)]).map(shown), [
    [0, 1],
    [1, 1, 0, 1, 1, 1],
    [2, null],
    [4, null, 0, 2, undefined, undefined],
    [5, 1],
  ]);
  assert.equal(
    all([after(0, 1), after(1, 1, { flags: ['stuck'] }), after(2, 1, { clock: 'device' }), after(3, 1, { position: { lon: 1, lat: 2 } })])
      .length,
    4,
  );
  assert.deepEqual(
    all([after(0, 'auto'), after(1, 'auto'), after(2, 'hand')]).map((one) => one.value),
    ['auto', 'auto', 'hand'],
  );
});

test('a late value is a part of its own window, and the open one goes on as another part', () => {
  assert.deepEqual(all([after(50, 1), after(55, 1), after(61, 2), after(59, 1), after(62, 4)]).map(shown), [
    [50, 1],
    [55, 1, 0, 1, 1, 1],
    [61, 2, 60, 1, 2, 2],
    [59, 1, 0, 1, 1, 1],
    [62, 4, 60, 1, 4, 4],
  ]);
});

test('a window ends by time too, by the clock of its values', () => {
  const ends = (behindMs: number) => {
    const window = new PointWindow({ lengthMs: MINUTE, value: 'mean' }, []);
    for (const seconds of [1, 2]) window.take(after(seconds, 1, { observedAt: NOON + seconds * 1000 + behindMs }));
    for (let atMs = NOON; ; atMs += 1000) if (window.due(atMs).length > 0) return (atMs - NOON) / 1000;
  };
  assert.deepEqual([ends(0), ends(120_000), ends(-30_000)], [61, 181, 31]);
});

test('a day is a day in China; every window begins with those of its kind', () => {
  assert.equal(windowStart(NOON, 24 * 3_600_000), Date.UTC(2026, 3, 30, 16));
  assert.equal(windowStart(NOON + 59_999, MINUTE), NOON);
});

test('a sum never leaves the safe range: its window has two parts instead', () => {
  const big = 2 ** 52 - 1;
  assert.deepEqual(
    all([after(0, 0), after(1, big), after(2, big), after(3, big)], 'sum').map((one) => one.value),
    [0, 2 * big, big],
  );
});

const point: PointSetup = {
  id: 'level',
  indicator: 'YJ-FLD-001',
  unit: 'cm',
  scale: 1,
  offset: 0,
  faultCodes: [],
  limits: [300],
  kind: 'measurement',
  window: { lengthMs: MINUTE, value: 'mean' },
  own: {},
};
const setup = (more: Partial<PointSetup> = {}) => ({
  devices: [{ id: 'plc', driver: 'x', subject: 'plc', settings: {}, everyMs: 1, timeoutMs: 1, points: [{ ...point, ...more }] }],
});
const inMetres = { conversionOf: () => ({ unit: 'm', convert: (value: number) => value / 100 }) };

function station(facts = {}) {
  const sent: Draft[] = [];
  const told: TelemetryEvent[] = [];
  const reducing = reduce(
    setup(),
    { ...inMetres, ...facts },
    {
      tell: (event) => {
        told.push(event);
      },
    },
  );
  void reducing.open?.((given) => {
    sent.push(...given);
  });
  const take = (...drafts: Draft[]) =>
    reducing.take?.(drafts, (given) => {
      sent.push(...given);
    });
  const merged = () => told.reduce((sum, event) => sum + (event.kind === 'samples_lost' && event.reason === 'merged' ? event.count : 0), 0);
  return { reducing, sent, take, merged };
}

test('on the line: limits in the unit that goes up, those of rules too; ticks and the end give out what is in hand; history stands by itself', async () => {
  const { reducing, sent, take, merged } = station({ ruleLimits: () => [2] });
  take(after(0, 1), after(1, 1.5), after(2, 2.5), after(3, 2.6), after(4, 3.5), after(5, 3.6), after(6, 3.8));
  assert.deepEqual(sent.map((one) => one.value), [1, 1.5, 2.5, 2.6, 3.5]);
  take(after(-99, 0, { origin: 'backfill' }));
  assert.deepEqual(shown(sent[5] as Draft), [-99, 0]);
  reducing.tick?.(NOON + 59_000, (given) => sent.push(...given));
  assert.equal(sent.length, 6);
  reducing.tick?.(NOON + 61_000, (given) => sent.push(...given));
  assert.deepEqual(shown(sent[6] as Draft), [6, 3.7, 0, 2, 3.6, 3.8]);
  take(after(70, 3.7), after(71, 3.8));
  await reducing.close?.();
  assert.deepEqual([shown(sent[7] as Draft), sent.length, merged()], [[71, 3.75, 60, 2, 3.7, 3.8], 8, 2]);
});

test('another setup: what reports as before goes on in its window; what reports otherwise, or is gone, gives out what is in hand', () => {
  const { reducing, sent, take } = station();
  take(after(0, 1), after(1, 1));
  reducing.update(setup({ range: [0, 9] }), inMetres);
  take(after(2, 2));
  assert.equal(sent.length, 1);
  reducing.update(setup({ limits: [] }), inMetres);
  assert.deepEqual(shown(sent[1] as Draft), [2, 1.5, 0, 2, 1, 2]);
  take(after(3, 1), after(4, 1));
  reducing.update({ devices: [] }, {});
  assert.deepEqual(sent.slice(2).map(shown), [
    [3, 1],
    [4, 1, 0, 1, 1, 1],
  ]);
});

const steps = fc.array(
  fc.record({
    value: fc.oneof(fc.constantFrom(2, 2.5, 3), fc.double({ min: -1e6, max: 1e6, noNaN: true }), fc.constant(null)),
    stepMs: fc.integer({ min: -90_000, max: 90_000 }),
    restart: fc.boolean(),
    flag: fc.boolean(),
  }),
  { minLength: 1, maxLength: 60 },
);

test('however values come: each is in exactly one event, of its own window, on its own side of the limits', () => {
  fc.assert(
    fc.property(steps, fc.constantFrom(...WINDOW_VALUES), (taken, value) => {
      const limits = [2.5, 100];
      let window = new PointWindow({ lengthMs: MINUTE, value }, limits);
      let at = NOON;
      const waiting: Draft[] = [];
      const truth: Draft[] = [];
      const check = (given: readonly Draft[]) => {
        for (const one of given) {
          const of = waiting.splice(0, one.window?.count ?? 1);
          assert.equal(of.length, one.window?.count ?? 1);
          if (!one.window) assert.equal(one, of[0]);
          else {
            const { fromAt, toAt, min, max } = one.window;
            assert.ok(
              of.every(({ occurredAt }) => occurredAt >= fromAt && occurredAt < toAt) &&
                toAt - fromAt === MINUTE &&
                windowStart(fromAt, MINUTE) === fromAt,
            );
            assert.equal(one.occurredAt, Math.max(...of.map(({ occurredAt }) => occurredAt)));
            const numbers = of.flatMap((draft) => (typeof draft.value === 'number' ? [draft.value] : []));
            if (numbers.length > 0) assert.deepEqual([min, max], [Math.min(...numbers), Math.max(...numbers)]);
            if (typeof one.value === 'number' && value !== 'sum') {
              assert.ok(one.value >= Number(min) && one.value <= Number(max));
              for (const limit of limits)
                for (const number of numbers) assert.equal(Math.sign(Number(one.value) - limit), Math.sign(number - limit));
            }
          }
          for (const draft of of)
            assert.deepEqual([draft.quality, draft.flags, draft.value === null], [one.quality, one.flags, one.value === null]);
        }
      };
      for (const step of taken) {
        if (step.restart) {
          check(window.flush());
          assert.equal(waiting.length, 0);
          window = new PointWindow({ lengthMs: MINUTE, value }, limits);
        }
        at += step.stepMs;
        const draft = draftOf({
          occurredAt: at,
          value: step.value,
          quality: step.value === null ? 'bad' : 'good',
          ...(step.flag ? { flags: ['stuck'] } : {}),
        });
        truth.push(draft);
        waiting.push(draft);
        const given = window.take(draft);
        check(given);
        if (step.stepMs > 60_000) check(window.due(at));
      }
      check(window.flush());
      assert.equal(waiting.length, 0);
      assert.ok(truth.length > 0);
    }),
    { numRuns: 300 },
  );
});
