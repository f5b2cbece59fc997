import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { FLAGS, ORIGINS, QUALITIES, type Draft, type Quality } from '../../core/event.ts';
import { eventProblem } from '../../core/event-check.ts';
import { explain } from '../../core/faults.ts';
import type { Sample } from '../../core/sample.ts';
import type { Clock } from '../../core/world.ts';
import type { TelemetryEvent } from '../../core/telemetry.ts';
import type { DeviceSetup, PointSetup } from '../config/setup.ts';
import { restampDraft } from './event-time.ts';
import { qualify, type UnitConversion } from './qualify.ts';

const NOW = Date.UTC(2026, 4, 1);
const MINUTE = 60_000;
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

function run(
  point: Partial<PointSetup>,
  samples: Partial<Sample>[],
  more: { polled?: boolean; conversion?: UnitConversion; misfit?: string } = {},
) {
  const device: DeviceSetup = {
    id: 'plc',
    driver: 'modbus',
    subject: 'pump-07',
    settings: {},
    everyMs: 1000,
    timeoutMs: 1000,
    points: [{ ...plain, ...point }],
  };
  const told: TelemetryEvent[] = [];
  const station = qualify(
    { centre: '500112001', devices: [device] },
    { polled: () => more.polled ?? true, conversionOf: () => more.conversion ?? null, unconvertibleUnit: () => more.misfit ?? null },
    {
      tell: (event) => {
        told.push(event);
      },
    },
  );
  const drafts: Draft[] = [];
  const whole = samples.map((sample, at): Sample => ({
    device: 'plc',
    point: 'level',
    value: 1,
    unit: 'm',
    at: NOW + at * 1000,
    clock: 'edge',
    observedAt: NOW + at * 1000,
    quality: 'good',
    flags: [],
    origin: 'live',
    ...sample,
  }));
  station.take?.(whole, (given) => { drafts.push(...given); });
  return { drafts, told };
}
const one = (point: Partial<PointSetup>, sample: Partial<Sample>, more = {}) => run(point, [sample], more).drafts[0] as Draft;

test('scale and offset are applied once, and leave no noise of arithmetic', () => {
  assert.equal(one({ scale: 0.1, offset: -5 }, { value: 253 }).value, 20.3);
  assert.equal(one({ scale: 0.1 }, { value: 3 }).value, 0.3);
  assert.equal(one({}, { value: 0.1 + 0.2 }).value, 0.1 + 0.2);
});

test('a number whose unit cannot become that of its indicator goes up as measured, uncertain and flagged, as the gateway would have it', () => {
  const misfit = { misfit: 'm' };
  const said = ({ value, unit, quality, flags }: Draft) => ({ value, unit, quality, flags });
  assert.deepEqual(said(one({ unit: 'kg' }, { value: 9 }, misfit)), { value: 9, unit: 'kg', quality: 'uncertain', flags: ['unit'] });
  assert.deepEqual(said(one({ unit: 'kg', range: [0, 5] }, { value: 9, quality: 'uncertain', flags: ['spike'] }, misfit)), {
    value: 9,
    unit: 'kg',
    quality: 'uncertain',
    flags: ['spike', 'out-of-range', 'unit'],
  });
  assert.deepEqual(said(one({ unit: 'kg' }, { value: 9, quality: 'bad' }, misfit)), {
    value: 9,
    unit: 'kg',
    quality: 'bad',
    flags: ['unit'],
  });
  assert.deepEqual(said(one({ unit: 'kg' }, { value: null, quality: 'bad' }, misfit)), {
    value: null,
    unit: 'kg',
    quality: 'bad',
    flags: undefined,
  });
  assert.deepEqual(said(one({ unit: 'kg' }, { value: 9 })), { value: 9, unit: 'kg', quality: 'good', flags: undefined });
});

test('a 32-bit float comes out as its source meant it', () => {
  assert.equal(one({}, { value: Math.fround(3.2) }).value, 3.2);
  assert.equal(one({}, { value: Math.fround(-9999.9) }).value, -9999.9);
  assert.equal(one({}, { value: 16_777_217 }).value, 16_777_217);
});

test('not a finite number, or one beyond 2^53, is bad and says so', () => {
  for (const value of [NaN, Infinity, -Infinity, 2 ** 53 + 2, -1e300]) {
    const { drafts, told } = run({}, [{ value }]);
    assert.deepEqual([drafts[0]?.value, drafts[0]?.quality, drafts[0]?.flags], [null, 'bad', ['sensor']]);
    assert.equal(told[0]?.kind === 'fault' && told[0].fault.code, 'CV_VALUE_UNSAFE');
  }
  assert.equal(one({ scale: 1e300 }, { value: 1e10 }).value, null);
});

test('the remedy for a value that is not a number is about its source; for one too large, about its scale', () => {
  const remedy = (value: number) =>
    run({}, [{ value }]).told.flatMap((event) =>
      event.kind === 'fault' ? [explain(event.fault, 'en').remedy, explain(event.fault, 'zh-CN').remedy] : [],
    );
  assert.match(remedy(NaN).join(), /no value: look at the sensor.*NaN 或无穷大/);
  assert.match(remedy(2 ** 53 + 2).join(), /check `scale`.*检查测点的/);
  assert.doesNotMatch(remedy(NaN).join(), /word order|字序|\{/);
});

test('a fault code is no value, also as a 32-bit float', () => {
  assert.deepEqual(
    [one({ faultCodes: [-9999] }, { value: -9999 }).value, one({ faultCodes: [-9999] }, { value: -9999 }).flags],
    [null, ['fault-code']],
  );
  assert.equal(one({ faultCodes: [-99.9] }, { value: Math.fround(-99.9) }).quality, 'bad');
  assert.equal(one({ faultCodes: [85], scale: 0.1 }, { value: 850 }).value, 85);
});

test('outside its range a value is uncertain; its edges are inside', () => {
  assert.deepEqual(
    run({ range: [0, 12] }, [{ value: -0.1 }, { value: 0 }, { value: 12 }, { value: 12.1 }]).drafts.map((draft) => draft.quality),
    ['uncertain', 'good', 'good', 'uncertain'],
  );
});

test('a spike is flagged, the value after it is not; a step is flagged once', () => {
  const flags = (values: number[]) =>
    run(
      { maxRate: { amount: 1, periodMs: 1000 } },
      values.map((value) => ({ value })),
    ).drafts.map((draft) => draft.flags?.[0] ?? '');
  assert.deepEqual(flags([1, 50, 1.5, 2]), ['', 'spike', '', '']);
  assert.deepEqual(flags([1, 50, 50.5, 51]), ['', 'spike', '', '']);
  assert.deepEqual(flags([1, 50, 90, 1]), ['', 'spike', 'spike', '']);
});

test('a value that stands still is stuck after its time, and no longer once it moves', () => {
  const drafts = run({ stuckForMs: 2000 }, [5, 5, 5, 5.1, 5.1].map((value) => ({ value }))).drafts;
  assert.deepEqual(drafts.map((draft) => draft.flags?.[0] ?? ''), ['', '', 'stuck', '', '']);
});

test('whose clock: ahead or far behind is restamped, history keeps its time', () => {
  const time = (ageMs: number, more: Partial<Sample> = {}, polled = true) => {
    const { occurredAt, clock, deviceAt, flags } = one({}, { at: NOW - ageMs, observedAt: NOW, clock: 'device', ...more }, { polled });
    return [NOW - occurredAt, clock, deviceAt === undefined ? null : NOW - deviceAt, flags?.[0] ?? ''];
  };
  assert.deepEqual(time(-2 * MINUTE), [-2 * MINUTE, 'device', null, '']);
  assert.deepEqual(time(-2 * MINUTE - 1), [0, 'edge', -2 * MINUTE - 1, 'skewed']);
  assert.deepEqual(time(5 * MINUTE), [5 * MINUTE, 'device', null, '']);
  assert.deepEqual(time(5 * MINUTE + 1), [0, 'edge', 5 * MINUTE + 1, 'skewed']);
  assert.deepEqual(time(5 * MINUTE + 1, {}, false), [5 * MINUTE + 1, 'device', null, '']);
  assert.deepEqual(time(999 * MINUTE, { origin: 'backfill' }), [999 * MINUTE, 'device', null, '']);
  assert.deepEqual(time(NOW - Date.UTC(1999, 11, 31), { origin: 'backfill' }), [0, 'edge', NOW - Date.UTC(1999, 11, 31), 'skewed']);
  assert.deepEqual(time(NOW + 1), [0, 'edge', null, 'skewed']);
  assert.deepEqual(time(-999 * MINUTE, { origin: 'replay' }), [-999 * MINUTE, 'device', null, '']);
});

test('with a catalogue the value goes up in its unit, judged in the point\'s own', () => {
  const conversion = { unit: 'cm', convert: (value: number) => value * 100 };
  const draft = one({ range: [0, 12] }, { value: 3.3 }, { conversion });
  assert.deepEqual([draft.value, draft.unit, draft.quality], [330, 'cm', 'good']);
});

test('a value of a point that is not configured is counted', () => {
  const { drafts, told } = run({}, [{ point: 'other' }]);
  assert.deepEqual([drafts, told], [[], [{ kind: 'samples_lost', count: 1, reason: 'point_unknown', intended: false, device: 'plc' }]]);
});

const value = fc.oneof(fc.double(), fc.float(), fc.integer(), fc.boolean(), fc.string(), fc.constant(null));
const sample = fc.record({
  value,
  quality: fc.constantFrom(...QUALITIES),
  flags: fc.uniqueArray(fc.constantFrom(...FLAGS)),
  origin: fc.constantFrom(...ORIGINS),
  at: fc.double({ min: 0, max: 8e15, noNaN: true }),
  observedAt: fc.integer({ min: 0, max: 8e15 }),
  clock: fc.constantFrom('device' as const, 'edge' as const),
});
const RANK: Record<Quality, number> = { good: 0, uncertain: 1, bad: 2 };

test('whatever comes: quality never improves, values are unchanged unless scaled, and each draft is an event the border takes', () => {
  const limits = { range: [-5, 5] as const, maxRate: { amount: 1, periodMs: 1000 }, stuckForMs: 1000, faultCodes: [-9999] };
  fc.assert(
    fc.property(fc.array(sample, { minLength: 1, maxLength: 8 }), (samples) => {
      const { drafts } = run(limits, samples);
      assert.equal(drafts.length, samples.length);
      drafts.forEach((draft, at) => {
        const given = samples[at] as (typeof samples)[number];
        assert.ok(RANK[draft.quality] >= RANK[given.quality]);
        for (const flag of given.flags) assert.ok(draft.flags?.includes(flag));
        if (draft.value !== null && typeof draft.value === 'number')
          assert.ok(draft.value === given.value || Math.fround(draft.value) === given.value);
        else if (draft.value !== null) assert.equal(draft.value, given.value);
        assert.equal(eventProblem({ ...draft, edge: 'e', stream: 'measurement', epoch: 1, seq: 1 }), null);
      });
    }),
  );
});

test("while our clock is not set, a device's own time is kept beside ours; once the time is known it counts where it can be believed", () => {
  const device: DeviceSetup = {
    id: 'plc',
    driver: 'modbus',
    subject: 'pump-07',
    settings: {},
    everyMs: 1000,
    timeoutMs: 1000,
    points: [plain],
  };
  const clock = { trust: { isTrusted: () => false, jumpedMs: () => 0 } } as unknown as Clock;
  const drafts: Draft[] = [];
  const at = (own: number, more: Partial<Sample> = {}): Sample => ({
    device: 'plc',
    point: 'level',
    value: 1,
    unit: 'm',
    at: own,
    clock: 'device',
    observedAt: 5000,
    quality: 'good',
    flags: [],
    origin: 'live',
    ...more,
  });
  qualify({ centre: '500112001', devices: [device] }, { polled: () => true }, { tell: () => {}, clock }).take?.(
    [at(NOW - 1000), at(NOW - 60 * MINUTE), at(NOW - 60 * MINUTE, { origin: 'backfill' }), at(5000, { clock: 'unsynced' })],
    (given) => {
      drafts.push(...given);
    },
  );
  assert.deepEqual(
    drafts.map((draft) => [draft.occurredAt, draft.clock, draft.deviceAt]),
    [
      [5000, 'unsynced', NOW - 1000],
      [5000, 'unsynced', NOW - 60 * MINUTE],
      [5000, 'unsynced', NOW - 60 * MINUTE],
      [5000, 'unsynced', undefined],
    ],
  );
  const known = drafts.map((draft) => restampDraft({ ...draft, occurredAt: NOW, observedAt: NOW, clock: 'edge' }, () => true));
  assert.deepEqual(
    known.map((draft) => [
      NOW - draft.occurredAt,
      draft.clock,
      draft.deviceAt === undefined ? null : NOW - draft.deviceAt,
      draft.flags?.[0] ?? '',
    ]),
    [
      [1000, 'device', null, ''],
      [0, 'edge', 60 * MINUTE, 'skewed'],
      [60 * MINUTE, 'device', null, ''],
      [0, 'edge', null, ''],
    ],
  );
});

test('a clock that is set while values come has made nothing stand still, and nothing jump', () => {
  const device: DeviceSetup = {
    id: 'plc',
    driver: 'modbus',
    subject: 'pump-07',
    settings: {},
    everyMs: 1000,
    timeoutMs: 1000,
    points: [{ ...plain, stuckForMs: 60_000, maxRate: { amount: 1, periodMs: 1000 } }],
  };
  let jumpedMs = 0;
  const clock = { trust: { isTrusted: () => jumpedMs !== 0, jumpedMs: () => jumpedMs } } as unknown as Clock;
  const station = qualify({ centre: '500112001', devices: [device] }, { polled: () => true }, { tell: () => {}, clock });
  const drafts: Draft[] = [];
  const give = (seconds: number, value: number) =>
    station.take?.(
      [
        {
          device: 'plc',
          point: 'level',
          value,
          unit: 'm',
          at: seconds * 1000 + jumpedMs,
          clock: jumpedMs === 0 ? 'unsynced' : 'edge',
          observedAt: seconds * 1000 + jumpedMs,
          quality: 'good',
          flags: [],
          origin: 'live',
        },
      ],
      (given) => {
        drafts.push(...given);
      },
    );
  give(0, 5);
  give(1, 5);
  jumpedMs = NOW;
  give(2, 5);
  give(3, 50);
  give(4, 5);
  for (const seconds of [5, 64, 65]) give(seconds, 5);
  assert.deepEqual(drafts.map((draft) => draft.flags?.[0] ?? ''), ['', '', '', 'spike', '', '', 'stuck', 'stuck']);
});
