import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CHINA } from '../core/time-zone.ts';
import { isWithin, minutesOf, type ScheduleSpan } from './schedule.ts';

const HOUR_MS = 3_600_000;
const utc = (text: string) => Date.parse(`${text}Z`);
const span = (from: string, to: string, days: ScheduleSpan['days'] = []): ScheduleSpan => ({
  from: minutesOf(from) ?? NaN,
  to: minutesOf(to) ?? NaN,
  days,
});
/** Minutes of a day around this moment in which it holds, as `from-to` in UTC. */
const held = (spans: ScheduleSpan[], zone: string, from: string, hours = 24): string[] => {
  const found: [number, number][] = [];
  for (let at = utc(from); at < utc(from) + hours * HOUR_MS; at += 60_000) {
    const last = found.at(-1);
    if (!isWithin(spans, at, zone)) continue;
    if (last?.[1] === at) last[1] += 60_000;
    else found.push([at, at + 60_000]);
  }
  return found.map((ends) => ends.map((at) => new Date(at).toISOString().slice(11, 16)).join('-'));
};

test('a schedule goes by the clocks of its place, in summer and in winter', () => {
  const night = [span('22:00', '06:00')];
  assert.deepEqual(held(night, CHINA, '2026-07-01T12:00'), ['14:00-22:00']);
  assert.deepEqual(held(night, 'Asia/Urumqi', '2026-07-01T12:00'), ['16:00-00:00']);
  assert.deepEqual(held(night, 'Europe/Berlin', '2026-07-01T12:00'), ['20:00-04:00']);
  assert.deepEqual(held(night, 'Europe/Berlin', '2026-12-01T12:00'), ['21:00-05:00']);
  assert.deepEqual(held([span('22:00', '06:00', ['fri'])], 'America/New_York', '2026-07-03T12:00', 72), ['02:00-10:00'], 'its Friday');
});

test('on days on which clocks are set a night is an hour shorter or longer, without a hole', () => {
  const night = [span('22:00', '06:00')];
  assert.deepEqual(held(night, 'Europe/Berlin', '2026-03-28T12:00'), ['21:00-04:00']);
  assert.deepEqual(held(night, 'Europe/Berlin', '2026-10-24T12:00'), ['20:00-05:00']);
  assert.deepEqual(held([span('02:30', '04:00')], 'Europe/Berlin', '2026-10-24T12:00'), ['00:30-03:00'], 'from the first 02:30 on');
  assert.deepEqual(held([span('22:00', '02:30')], 'Europe/Berlin', '2026-10-24T12:00'), ['20:00-01:30'], 'to the last 02:30');
  assert.deepEqual(held([span('02:30', '04:00')], 'Europe/Berlin', '2026-03-28T12:00'), ['01:00-02:00']);
  assert.deepEqual(held([span('02:15', '02:45')], 'Europe/Berlin', '2026-03-28T12:00'), [], 'clocks never show it');
  // Cuba sets its clocks at midnight: forward over 00:00, and back over it into the day before.
  assert.deepEqual(held([span('00:30', '02:00')], 'America/Havana', '2026-03-07T18:00'), ['05:00-06:00']);
  assert.deepEqual(held([span('00:30', '02:00')], 'America/Havana', '2026-10-31T18:00'), ['04:30-07:00']);
  assert.deepEqual(held([span('00:00', '24:00')], 'America/Havana', '2026-10-31T18:00', 48), ['18:00-18:00']);
});

test('times beyond all calendars are within no schedule, and throw nothing', () => {
  for (const odd of [NaN, Infinity, -Infinity, 8.64e15, -8.64e15, 1e300])
    assert.doesNotThrow(() => isWithin([span('22:00', '06:00', ['mon'])], odd, 'Europe/Berlin'), String(odd));
});
