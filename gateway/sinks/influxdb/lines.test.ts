import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { FLAGS, ORIGINS, QUALITIES, STREAMS, type Event } from '../../../core/event.ts';
import { eventProblem } from '../../../core/event-check.ts';
import { eventLine, eventNs, foldTag, foldText, missedLine, probeLine } from './lines.ts';
import { parseLine, type Field } from './testing/strict-lines.ts';

const base: Event = {
  edge: 'pump-07',
  stream: 'measurement',
  epoch: 1_764_000_000_123,
  seq: 41,
  device: 'pump-07-plc',
  point: 'level',
  indicator: 'YJ-FLD-001',
  subject: '泵站 7,东=侧',
  centre: '500112001',
  kind: 'measurement',
  value: 3.25,
  unit: 'm',
  occurredAt: 1_764_000_000_000,
  clock: 'device',
  observedAt: 1_764_000_000_010,
  quality: 'good',
  origin: 'live',
};
const value = (field: Field | undefined) => field?.value;

test('a level reads as one line: sorted tags, a float, ns that name the event', () => {
  assert.equal(
    eventLine(base, 'cityvitals'),
    String.raw`cityvitals,centre=500112001,device=pump-07-plc,edge=pump-07,indicator=YJ-FLD-001,point=level,quality=good,stream=measurement,subject=泵站\ 7\,东\=侧,unit=m value=3.25 1764000000000000164`,
  );
});

test('every number is a float, so that a series never changes its type', () => {
  for (const number of [0, 7, -3, 1.5, 1e21, 5e-324, -0, 2 ** 53, 1e-7]) {
    const field = parseLine(eventLine({ ...base, value: number }, 'm')).fields.value;
    assert.deepEqual([field?.type, Number(field?.value) === number], ['float', true], String(number));
  }
});

test('a value that is not there leaves quality and flags', () => {
  const bad = parseLine(eventLine({ ...base, value: null, quality: 'bad', flags: ['comm', 'stale'] }, 'm'));
  assert.deepEqual([bad.tags.quality, Object.keys(bad.fields), value(bad.fields.flags)], ['bad', ['flags'], 'comm,stale']);
  assert.equal(value(parseLine(eventLine({ ...base, value: null, quality: 'bad' }, 'm')).fields.flags), '');
});

test('warnings, gaps, windows and positions keep their own fields', () => {
  const warning = parseLine(
    eventLine(
      {
        ...base,
        kind: 'occurrence',
        stream: 'warning',
        value: true,
        warning: { id: 'a1', rule: 'flood "x"', version: 1, subject: 's', level: 2, change: 'raised', onsetAt: 1 },
      },
      'm',
    ),
  );
  assert.deepEqual(
    [value(warning.fields.value_bool), value(warning.fields.warning_rule), value(warning.fields.warning_level)],
    [true, 'flood "x"', 2],
  );
  const gap = parseLine(
    eventLine(
      {
        ...base,
        kind: 'gap',
        value: 9,
        gap: { stream: 'measurement', epoch: 1, fromSeq: 2, toSeq: 10, fromAt: 3, toAt: 4, count: 9, reason: 'log_full_oldest' },
      },
      'm',
    ),
  );
  assert.deepEqual([value(gap.fields.value), value(gap.fields.gap_reason), value(gap.fields.gap_to_seq)], [9, 'log_full_oldest', 10]);
  const window = parseLine(
    eventLine({ ...base, window: { fromAt: 1000, toAt: 61_000, count: 60, min: 1, max: 4 }, position: { lon: 106.5, lat: 29.5 } }, 'm'),
  );
  assert.deepEqual([window.fields.window_ms, window.fields.window_max, window.fields.lon, window.fields.height_m].map(value), [
    60_000,
    4,
    106.5,
    undefined,
  ]);
});

test('every field stands under its own name, in one order', () => {
  const full: Event = {
    ...base,
    value: 'a "b"',
    origin: 'backfill',
    quality: 'uncertain',
    flags: ['stale', 'comm'],
    position: { lon: 106.5, lat: 29.5, heightM: 240 },
    window: { fromAt: 1000, toAt: 61_000, count: 60, min: 1, max: 4 },
    warning: { id: 'a1', rule: 'flood', version: 1, subject: 's', level: 2, change: 'cleared', onsetAt: 1 },
    gap: { stream: 'measurement', epoch: 1, fromSeq: 2, toSeq: 10, fromAt: 3, toAt: 4, count: 9, reason: 'log_full_oldest' },
  };
  assert.equal(
    eventLine(full, 'c v,x'),
    [
      String.raw`c\ v\,x,centre=500112001,device=pump-07-plc,edge=pump-07,indicator=YJ-FLD-001,origin=backfill,point=level,quality=uncertain,stream=measurement,subject=泵站\ 7\,东\=侧,unit=m`,
      String.raw`value_text="a \"b\"",flags="stale,comm",window_ms=60000,window_count=60,window_min=1,window_max=4,lon=106.5,lat=29.5,height_m=240,warning_id="a1",warning_rule="flood",warning_level=2,warning_change="cleared",gap_reason="log_full_oldest",gap_from_seq=2,gap_to_seq=10,gap_from_at=3,gap_to_at=4`,
      '1764000000000000164',
    ].join(' '),
  );
  assert.equal(
    eventLine({ ...base, subject: undefined as unknown as string, value: false, flags: [], unit: '' }, 'c').replace(
      /^.*stream=measurement/,
      '',
    ),
    ' value_bool=false 1764000000000000164',
  );
});

test('what a sink says of itself reads as it is documented', () => {
  const identity = { gateway: 'town', sink: 'influxdb' };
  assert.equal(
    missedLine({ from: '7-3', to: '7-9', count: 5, fromAt: 1000, toAt: 2000 }, identity),
    'cityvitals_sink,after=7-3,gateway=town,sink=influxdb missing=5,reason="sink_overrun",before="7-9",from_at=1000,to_at=2000 1000000000',
  );
  assert.equal(probeLine(identity, 5), 'cityvitals_sink,gateway=town,sink=influxdb alive=1 5000000');
});

test('the digits below the millisecond go round with epoch and number, and stay below it', () => {
  const ns = (epoch: number, seq: number) => eventNs({ occurredAt: 7, epoch, seq });
  assert.deepEqual(
    [ns(0, 1), ns(2_000_000, 1_000_003), ns(999_999, 1), ns(600_000, 600_000)],
    ['7000001', '7000003', '7000000', '7200000'],
  );
});

test('a measurement by template', () => {
  assert.equal(parseLine(eventLine(base, '{indicator}')).measurement, 'YJ-FLD-001');
  assert.equal(parseLine(eventLine(base, 'cv.{stream}:{centre}')).measurement, 'cv.measurement:500112001');
});

test('equal times of one series stay apart and in order, and round down to the ms they had', () => {
  const times = Array.from({ length: 1000 }, (_, at) => BigInt(eventNs({ ...base, seq: base.seq + at })));
  assert.equal(new Set(times).size, 1000);
  assert.deepEqual(times.toSorted((a, b) => Number(a - b)), times);
  assert.ok(times.every((ns) => Number(ns / 1_000_000n) === base.occurredAt));
  assert.notEqual(eventNs(base), eventNs({ ...base, epoch: base.epoch + 1 }));
});

const text = (maxLength: number) =>
  fc.oneof(
    fc.string({ unit: 'binary', maxLength }),
    fc.string({
      unit: fc.constantFrom('\\', '"', ',', ' ', '=', '\n', '\r', 'i', 't', '#', '\ud800', '数'),
      maxLength: Math.min(maxLength, 12),
    }),
  );
const name = fc.stringMatching(/^[A-Za-z0-9._:-]{1,64}$/);
const number = fc.oneof(fc.double({ min: -(2 ** 53), max: 2 ** 53, noNaN: true }), fc.integer(), fc.constantFrom(0, -0, 2 ** 53));
const count = fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER });
const time = fc.integer({ min: 0, max: 9_223_372_036_853 });
const events: fc.Arbitrary<Event> = fc
  .record(
    {
      edge: fc.stringMatching(/^[a-z0-9-]{1,64}$/),
      stream: fc.constantFrom(...STREAMS),
      epoch: count,
      seq: fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }),
      device: name,
      point: name,
      indicator: fc.stringMatching(/^[A-Za-z0-9._-]{1,64}$/),
      centre: fc.stringMatching(/^[0-9A-Z]{6,12}$/),
      kind: fc.constantFrom('measurement', 'state', 'occurrence', 'diagnostic'),
      value: fc.oneof(number, fc.boolean(), text(200), fc.constant(null)),
      unit: text(64),
      occurredAt: time,
      clock: fc.constant('device'),
      observedAt: time,
      quality: fc.constantFrom(...QUALITIES),
      origin: fc.constantFrom(...ORIGINS),
      subject: text(128),
      flags: fc.uniqueArray(fc.constantFrom(...FLAGS)),
      position: fc.record(
        { lon: fc.double({ min: -180, max: 180, noNaN: true }), lat: fc.double({ min: -90, max: 90, noNaN: true }), heightM: number },
        { requiredKeys: ['lon', 'lat'] },
      ),
      warning: fc.record({
        id: text(64),
        rule: text(128),
        version: count,
        subject: text(128),
        level: fc.constantFrom(1, 2, 3, 4),
        change: fc.constantFrom('raised', 'level', 'cleared'),
        onsetAt: time,
      }),
    },
    {
      requiredKeys: [
        'edge',
        'stream',
        'epoch',
        'seq',
        'device',
        'point',
        'indicator',
        'centre',
        'kind',
        'value',
        'unit',
        'occurredAt',
        'clock',
        'observedAt',
        'quality',
        'origin',
      ],
    },
  )
  .map((event) => (event.value === null ? { ...event, quality: 'bad' } : event) as Event);

test('any event is a line that a strict reader takes, and reads back as it was', () => {
  fc.assert(
    fc.property(events, (event) => {
      assert.equal(eventProblem(event), null);
      const { measurement, tags, fields, ns } = parseLine(eventLine(event, 'm.{indicator}'));
      assert.equal(measurement, `m.${event.indicator}`);
      for (const key of ['centre', 'device', 'edge', 'indicator', 'point', 'quality', 'stream'] as const)
        assert.equal(tags[key], event[key]);
      assert.deepEqual(
        [tags.subject ?? '', tags.unit ?? '', tags.origin ?? 'live'],
        [foldTag(event.subject ?? ''), foldTag(event.unit), event.origin],
      );
      assert.equal(Number((ns ?? 0n) / 1_000_000n), event.occurredAt);
      const held = [fields.value, fields.value_bool, fields.value_text].filter((field) => field !== undefined);
      if (event.value === null) assert.equal(held.length, 0);
      else
        assert.ok(
          held.length === 1 &&
            (typeof event.value === 'string'
              ? held[0]?.value === foldText(event.value)
              : held[0]?.value === event.value || (event.value === 0 && held[0]?.value === 0)),
        );
      assert.equal(value(fields.flags), event.flags?.length || event.value === null ? (event.flags?.join(',') ?? '') : undefined);
      assert.ok(
        Object.entries(fields).every(
          ([key, { type }]) =>
            type ===
            (key === 'value_bool'
              ? 'boolean'
              : ['value_text', 'flags', 'warning_id', 'warning_rule', 'warning_change'].includes(key)
                ? 'string'
                : 'float'),
        ),
      );
      if (event.warning)
        assert.deepEqual([value(fields.warning_id), value(fields.warning_level)], [foldText(event.warning.id), event.warning.level]);
      if (event.position) assert.ok(fields.lon?.value === event.position.lon || event.position.lon === 0);
    }),
    { numRuns: 2000 },
  );
});

test('what is folded is only what the protocol cannot carry', () => {
  assert.deepEqual(['泵站 a,b=c"d', 'a\\b\nc'].map(foldTag), ['泵站 a,b=c"d', 'a/b c']);
  assert.deepEqual(['a "b" \\c, d=e', 'x\r\ny'].map(foldText), ['a "b" \\c, d=e', 'x\\r\\ny']);
});

test('what a sink says of itself is a line too, and the same hole is always the same point', () => {
  const identity = { gateway: 'town', sink: 'influxdb' };
  const one = parseLine(missedLine({ from: '7-3', to: '7-9', count: 5, fromAt: 1000, toAt: 2000 }, identity));
  const longer = parseLine(missedLine({ from: '7-3', to: '9-1', count: 50, fromAt: 1000, toAt: 5000 }, identity));
  assert.deepEqual([one.measurement, one.tags, one.ns], [longer.measurement, longer.tags, longer.ns]);
  assert.deepEqual([one.fields.missing?.value, one.fields.reason?.value, one.ns], [5, 'sink_overrun', 1_000_000_000n]);
  assert.deepEqual(parseLine(probeLine(identity, 5)).fields.alive, { type: 'float', value: 1 });
});
