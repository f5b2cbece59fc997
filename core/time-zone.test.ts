import assert from 'node:assert/strict';
import { test } from 'node:test';
import { aheadMs, CHINA, isTimeZone, momentOf } from './time-zone.ts';

const HOUR_MS = 3_600_000;
const utc = (text: string) => Date.parse(`${text}Z`);

test('zones are those of the IANA database; an offset is none', () => {
  assert.deepEqual(
    ['Asia/Shanghai', 'Asia/Urumqi', 'America/St_Johns', 'UTC', 'Asia/Beijing', '+08:00', '', 'UTC+8', 'x\u0000'].map(isTimeZone),
    [true, true, true, true, false, false, false, false, false],
  );
  const at = utc('2026-07-01T00:00');
  assert.deepEqual(
    [CHINA, 'Asia/Urumqi', 'America/St_Johns', 'UTC', 'Australia/Lord_Howe', 'Asia/Kathmandu'].map((zone) => aheadMs(zone, at) / HOUR_MS),
    [8, 6, -2.5, 0, 10.5, 5.75],
  );
});

test('a moment that clocks show twice is the first or the last, one that they never show is when they are set', () => {
  const spring = utc('2026-03-29T02:30');
  assert.deepEqual(
    ['first', 'last'].map((which) => momentOf('Europe/Berlin', spring, which as 'first')),
    [utc('2026-03-29T01:00'), utc('2026-03-29T01:00')],
  );
  const autumn = utc('2026-10-25T02:30');
  assert.deepEqual(
    ['first', 'last'].map((which) => momentOf('Europe/Berlin', autumn, which as 'first')),
    [utc('2026-10-25T00:30'), utc('2026-10-25T01:30')],
  );
  assert.equal(momentOf('America/New_York', utc('2026-03-08T02:30'), 'first'), utc('2026-03-08T07:00'));
  assert.equal(momentOf('Australia/Lord_Howe', utc('2026-10-04T02:10'), 'last'), utc('2026-10-03T15:30'));
});
