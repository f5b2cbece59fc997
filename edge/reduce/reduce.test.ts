import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Draft } from '../../core/event.ts';
import type { TelemetryEvent } from '../../core/telemetry.ts';
import type { DeviceSetup, PointSetup } from '../config/setup.ts';
import type { UnitConversion } from '../qualify/qualify.ts';
import { reduce } from './reduce.ts';

const NOW = Date.UTC(2026, 4, 1);
const plain: PointSetup = {
  id: 'level',
  indicator: 'YJ-FLD-001',
  unit: 'm',
  scale: 1,
  offset: 0,
  faultCodes: [],
  limits: [],
  kind: 'measurement',
  own: {},
};

function run(point: Partial<PointSetup>, drafts: Partial<Draft>[], conversion: UnitConversion | null = null) {
  const device: DeviceSetup = {
    id: 'plc',
    driver: 'modbus',
    subject: 'plc',
    settings: {},
    everyMs: 1000,
    timeoutMs: 1000,
    points: [{ ...plain, ...point }],
  };
  const told: TelemetryEvent[] = [];
  const station = reduce({ devices: [device] }, { conversionOf: () => conversion }, { tell: (event) => { told.push(event); } });
  const sent: Draft[] = [];
  const whole = drafts.map((draft, at): Draft => ({
    device: 'plc',
    point: 'level',
    indicator: 'YJ-FLD-001',
    centre: '500112001',
    kind: 'measurement',
    value: 1,
    unit: 'm',
    occurredAt: NOW + at * 1000,
    clock: 'edge',
    observedAt: NOW + at * 1000,
    quality: 'good',
    origin: 'live',
    ...draft,
  }));
  for (const draft of whole)
    station.take?.([draft], (given) => {
      sent.push(...given);
    });
  const leftOut = told.reduce(
    (sum, event) => sum + (event.kind === 'samples_lost' && event.reason === 'unchanged' && event.intended ? event.count : 0),
    0,
  );
  return { whole, sent, leftOut };
}
const valuesOf = (point: Partial<PointSetup>, values: Draft['value'][]) =>
  run(
    point,
    values.map((value) => ({ value })),
  ).sent.map((draft) => draft.value);

test('without a deadband everything is sent', () => assert.deepEqual(valuesOf({ heartbeatMs: 1000 }, [1, 1, 1]), [1, 1, 1]));

test('small changes are left out against the last one sent, so they cannot creep away', () => {
  assert.deepEqual(valuesOf({ deadband: 0.5 }, [1, 1.2, 1.4, 1.6, 1.8, 2, 2.2]), [1, 1.6, 2.2]);
});

test('a percent deadband is measured on the last one sent', () =>
  assert.deepEqual(valuesOf({ deadband: { percent: 10 } }, [100, 109, 110, 111, 121]), [100, 111]));

test('the heartbeat speaks even when nothing changed', () => {
  const { sent } = run({ deadband: 1, heartbeatMs: 3000 }, Array.from({ length: 8 }, () => ({})));
  assert.deepEqual(sent.map((draft) => (draft.occurredAt - NOW) / 1000), [0, 3, 6]);
});

test('a clock that was set back does not silence a point', () => {
  const back = run({ deadband: 1, heartbeatMs: 60_000 }, [{}, { occurredAt: NOW - 3_600_000 }, { occurredAt: NOW - 3_599_000 }]);
  assert.deepEqual(back.sent.map((draft) => draft.occurredAt - NOW), [0, -3_600_000]);
});

test('crossing a limit is told in both directions, touching it too', () => {
  assert.deepEqual(valuesOf({ deadband: 5, limits: [3] }, [2.9, 2.95, 3, 3, 3.1, 3.2, 3, 2.9, 2.8]), [2.9, 3, 3.1, 3, 2.9]);
});

test('limits and deadband are in the point\'s unit, values in the catalogue\'s', () => {
  const cm: UnitConversion = { unit: 'cm', convert: (value) => value * 100 };
  const { sent } = run({ deadband: 0.5, limits: [3] }, [280, 290, 300, 301, 310, 360].map((value) => ({ value })), cm);
  assert.deepEqual(sent.map((draft) => draft.value), [280, 300, 301, 360]);
});

test('quality, flags, clock and place speak at once; history is never left out', () => {
  const changes: Partial<Draft>[] = [
    {},
    { quality: 'uncertain' },
    { quality: 'uncertain', flags: ['spike'] },
    { quality: 'uncertain', flags: ['stuck'] },
    {},
    { position: { lon: 1, lat: 2 } },
    { clock: 'device', position: { lon: 1, lat: 2 } },
  ];
  assert.equal(run({ deadband: 1 }, changes).sent.length, changes.length);
  assert.equal(run({ deadband: 1 }, [{}, { origin: 'backfill' }, { origin: 'backfill' }]).sent.length, 3);
});

test('two points do not share a memory', () => {
  const station = reduce(
    {
      devices: [
        {
          id: 'plc',
          driver: 'x',
          subject: 'plc',
          settings: {},
          everyMs: 1,
          timeoutMs: 1,
          points: [
            { ...plain, id: 'a', deadband: 1 },
            { ...plain, id: 'b', deadband: 1 },
          ],
        },
      ],
    },
    {},
    { tell() {} },
  );
  const { whole } = run({}, [{ point: 'a' }, { point: 'b' }, { point: 'a' }]);
  const sent: Draft[] = [];
  station.take?.(whole, (given) => { sent.push(...given); });
  assert.deepEqual(sent.map((draft) => draft.point), ['a', 'b']);
});

const draft = fc.record({
  value: fc.oneof(fc.constantFrom(2, 2.5, 3, 3.5, 4), fc.double({ min: 0, max: 6, noNaN: true }), fc.constant(null)),
  stepMs: fc.integer({ min: -500, max: 5000 }),
});

test('a receiver that holds the last sent value is never wrong about a limit, quality, or by more than the deadband', () => {
  const point = { deadband: 0.4, heartbeatMs: 10_000, limits: [2.5, 3.5] };
  fc.assert(
    fc.property(fc.array(draft, { minLength: 1, maxLength: 60 }), (steps) => {
      let at = NOW;
      const { whole, sent, leftOut } = run(
        point,
        steps.map(({ value, stepMs }) => ({
          value,
          quality: value === null ? ('bad' as const) : ('good' as const),
          occurredAt: (at += stepMs),
        })),
      );
      assert.equal(sent.length + leftOut, whole.length);
      let held: Draft | undefined;
      let next = 0;
      for (const truth of whole) {
        if (sent[next] === truth) held = sent[next++];
        assert.ok(held);
        assert.equal(held.quality, truth.quality);
        assert.ok(truth.occurredAt - held.occurredAt < point.heartbeatMs);
        if (typeof truth.value !== 'number' || typeof held.value !== 'number') continue;
        assert.ok(Math.abs(truth.value - held.value) <= point.deadband);
        for (const limit of point.limits) assert.equal(Math.sign(held.value - limit), Math.sign(truth.value - limit));
      }
      assert.equal(next, sent.length);
    }),
  );
});
