/** What a message says → what a point may hold: types, qualities, times, places, each at the ends of its range. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { leafValues, parsePosition, positionValue, parseQuality, jsonExcerpt, parseTime, toPointValue, evaluatePoint } from './value.ts';
import { point } from './settings.ts';

const said = (type: 'number' | 'bool' | 'text', raw: unknown) => toPointValue({ id: 'p', type }, raw).value;

test('numbers: also as text and from booleans, never beyond what is exact', () => {
  for (const [raw, wanted] of [
    [1.5, 1.5],
    [0, 0],
    [-3, -3],
    [true, 1],
    [false, 0],
    ['12.5', 12.5],
    [' -1e3 ', -1000],
    ['.5', 0.5],
    ['5.', 5],
    ['+2', 2],
    ['1E+2', 100],
    [2 ** 53 - 1, 2 ** 53 - 1],
    [-(2 ** 53 - 1), -(2 ** 53 - 1)],
    [2 ** 53, null],
    [-(2 ** 53), null],
    [NaN, null],
    [Infinity, null],
    ['', null],
    [' ', null],
    ['1 2', null],
    ['0x10', null],
    ['Infinity', null],
    ['on', null],
    [null, null],
    [undefined, null],
    [{}, null],
    [[1], null],
  ] as const)
    assert.equal(said('number', raw), wanted, String(raw));
});

test('booleans: words and numbers that mean one', () => {
  for (const raw of [true, 'true', 'ON', ' yes ', '1', 1]) assert.equal(said('bool', raw), true, String(raw));
  for (const raw of [false, 'false', 'Off', 'no', '0', 0]) assert.equal(said('bool', raw), false, String(raw));
  for (const raw of ['', 2, 'open', null, undefined, {}, [true]]) assert.equal(said('bool', raw), null, String(raw));
});

test('texts: of anything that is one, cut at 4,096', () => {
  assert.deepEqual(['x', 5, true, ''].map((raw) => said('text', raw)), ['x', '5', 'true', '']);
  assert.deepEqual([null, undefined, {}, []].map((raw) => said('text', raw)), [null, null, null, null]);
  assert.equal(said('text', 'x'.repeat(5000)), 'x'.repeat(4096));
});

test('what does not fit is bad, and said', () => {
  assert.deepEqual(toPointValue({ id: 'p', type: 'number' }, 'open'), {
    point: 'p',
    value: null,
    quality: 'bad',
    flags: ['sensor'],
    fault: { code: 'CV_MQTT_IN_VALUE', params: { point: 'p', type: 'number', said: '"open"' } },
  });
  assert.deepEqual(toPointValue({ id: 'p', type: 'number' }, 5), { point: 'p', value: 5 });
  const failing = { ...point.parse({ path: 'a + 1' }), id: 'p' };
  const [bad] = evaluatePoint(failing, { a: 'x' });
  assert.deepEqual(
    [bad?.value, bad?.quality, bad?.flags, bad?.fault?.code, bad?.fault?.params.point],
    [null, 'bad', ['config'], 'CV_MQTT_IN_EXPRESSION', 'p'],
  );
  assert.match(String(bad?.fault?.params.detailZh), /^T2001（/);
  assert.deepEqual(evaluatePoint(failing, { a: 1 }), [{ point: 'p', value: 2 }]);
  assert.deepEqual(evaluatePoint({ ...point.parse({ gives: 'rssi' }), id: 'p' }, { a: 1 }), [
    {
      point: 'p',
      value: null,
      quality: 'bad',
      flags: ['config'],
      fault: {
        code: 'CV_MQTT_IN_EXPRESSION',
        params: { point: 'p', detail: 'it must have 1 to 1000 characters', detailZh: '长度应为 1 到 1000 个字符' },
      },
    },
  ]);
});

test('what was said is shown as JSON, cut at 48', () => {
  assert.deepEqual([undefined, null, 5, 'x', { a: 1 }].map(jsonExcerpt), ['undefined', 'null', '5', '"x"', '{"a":1}']);
  assert.equal(jsonExcerpt('x'.repeat(46)), `"${'x'.repeat(46)}"`);
  assert.equal(jsonExcerpt('x'.repeat(47)), `"${'x'.repeat(47)}…`);
  assert.equal(jsonExcerpt(() => 1), 'function');
});

test('places: by any of their names, on the globe, and not of a receiver without a fix', () => {
  assert.deepEqual(parsePosition({ latitude: 1, longitude: 2, height: 3 }), { lat: 1, lon: 2, heightM: 3 });
  assert.deepEqual(parsePosition({ lat: 1, lon: 2, altitude: 3 }), { lat: 1, lon: 2, heightM: 3 });
  assert.deepEqual(parsePosition({ lat: 1, lng: 2, alt: 3 }), { lat: 1, lon: 2, heightM: 3 });
  assert.deepEqual(parsePosition({ latitude: 'x', lat: 1, lng: 2 }), { lat: 1, lon: 2 });
  for (const corner of [
    { lat: 90, lon: 180 },
    { lat: -90, lon: -180 },
    { lat: 0, lon: 1 },
    { lat: 1, lon: 0 },
  ])
    assert.deepEqual(parsePosition(corner), corner);
  for (const none of [
    { lat: 90.1, lon: 0 },
    { lat: -90.1, lon: 0 },
    { lat: 1, lon: 180.1 },
    { lat: 1, lon: -180.1 },
    { lat: 0, lon: 0 },
    { lat: 1 },
    { lon: 1 },
    { lat: NaN, lon: 1 },
    {},
    null,
    undefined,
    5,
    'x',
  ])
    assert.equal(parsePosition(none), null, JSON.stringify(none));
  assert.deepEqual(positionValue('p', { lat: 1, lon: 2, alt: 3 }), { point: 'p', value: 3, position: { lat: 1, lon: 2, heightM: 3 } });
  assert.deepEqual(positionValue('p', { lat: 1, lon: 2 }), { point: 'p', value: 0, position: { lat: 1, lon: 2 } });
  for (const [raw, text] of [
    [{ latitude: 0, longitude: 0, more: 1 }, '{"latitude":0,"longitude":0}'],
    [null, 'null'],
    ['x', '"x"'],
  ] as const) {
    assert.deepEqual(positionValue('p', raw), {
      point: 'p',
      value: null,
      quality: 'bad',
      flags: ['sensor'],
      fault: { code: 'CV_MQTT_IN_VALUE', params: { point: 'p', type: 'position', said: text } },
    });
  }
});

test('qualities: words, booleans, OPC numbers', () => {
  const all = (...raw: unknown[]) => [...new Set(raw.map(parseQuality))];
  assert.deepEqual(all(true, 192, 216, 255, 'good', ' OK ', 'Valid'), ['good']);
  assert.deepEqual(all(64, 191, 'uncertain', 'odd', '', null, undefined, {}), ['uncertain']);
  assert.deepEqual(all(false, 0, 63, -1, 256, 500, NaN, 'bad', 'Invalid', 'error '), ['bad']);
});

test('times from 1980 to 2200, in s, ms or ISO 8601', () => {
  const [first, last] = [Date.UTC(1980, 0, 1), Date.UTC(2200, 0, 1)];
  for (const [raw, wanted] of [
    [first / 1000, first],
    [first / 1000 - 1, null],
    [last / 1000 - 1, last - 1000],
    [last / 1000, null],
    [first, first],
    [first - 1, null],
    [last - 1, last - 1],
    [last, null],
    [1_767_225_600.25, 1_767_225_600_250],
    [1_767_225_600_000.4, 1_767_225_600_000],
    ['1767225600', 1_767_225_600_000],
    [true, null],
    [[1_767_225_600], null],
    ['1980-01-01T00:00:00Z', first],
    ['1979-12-31T23:59:59Z', null],
    ['2199-12-31T23:59:59.999Z', last - 1],
    ['2200-01-01T00:00:00Z', null],
    ['2026-01-01 00:00', 1_767_225_600_000],
    ['2026-01-01T08:00:00.5+0800', 1_767_225_600_500],
    [' 2026-01-01T00:00:00z ', 1_767_225_600_000],
    ['2026-01-01', null],
    ['2026-01-01T00:00:00 UTC', null],
  ] as const)
    assert.equal(parseTime(raw), wanted, String(raw));
});

test('without points every leaf is shown by its path, in its type, at most 200', () => {
  const shownOf = (json: unknown) => leafValues(json).map(({ point: id, value }) => [id, value]);
  assert.deepEqual(shownOf({ a: { b: [1, { c: true }] }, 'odd name': 'x', nothing: null, list: [] }), [
    ['a.b[0]', 1],
    ['a.b[1].c', true],
    ['`odd name`', 'x'],
  ]);
  assert.deepEqual(shownOf({ n: '5', t: 5, f: false }), [
    ['n', '5'],
    ['t', 5],
    ['f', false],
  ]);
  assert.deepEqual(shownOf(5), []);
  assert.deepEqual(shownOf([1]), [['[0]', 1]]);
  assert.equal(leafValues(Array.from({ length: 300 }, (_, at) => at)).length, 200);
});
