/** Live or history: each profile at the bound of `historyAfter` and on either side of it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decode } from './decode.ts';
import { decodeSettingsOf, type MqttInFrame } from './frame.ts';
import { point, settings } from './settings.ts';
import { varintBytes } from './testing/sparkplug.ts';

const NOW = Date.UTC(2026, 0, 1);
const LIMIT_MS = 60_000;
const AGES = [0, LIMIT_MS - 1, LIMIT_MS, LIMIT_MS + 1, 86_400_000];
const BY_AGE = [undefined, undefined, undefined, 'backfill', 'backfill'];

function originOf(
  how: Record<string, unknown>,
  of: Record<string, unknown>,
  topic: string,
  payload: Uint8Array | object,
  more: Partial<MqttInFrame> = {},
): string | undefined {
  const points = [{ ...point.parse(of), id: 'p' }];
  const set = settings.parse({ url: 'mqtt://h', historyAfter: '1m', ...how });
  const bytes = payload instanceof Uint8Array ? payload : Buffer.from(JSON.stringify(payload));
  const decoded = decode({
    topic,
    payload: bytes,
    retain: false,
    observedAt: NOW,
    profile: set.profile,
    decodeSettings: decodeSettingsOf(points, set),
    ...more,
  });
  assert.ok(decoded.ok);
  assert.equal(decoded.values?.length, 1);
  return decoded.values?.[0]?.origin;
}

test('json: what came later than the bound is history; a retained message is not, nor one without a time', () => {
  const said = (age: number, more = {}) => originOf({ topic: 'x', time: 't' }, { path: 'v' }, 'x', { v: 1, t: NOW - age }, more);
  assert.deepEqual(AGES.map((age) => said(age)), BY_AGE);
  assert.equal(said(86_400_000, { retain: true }), undefined);
  assert.equal(originOf({ topic: 'x' }, { path: 'v' }, 'x', { v: 1, t: 1 }), undefined);
});

test('chirpstack: an uplink that a gateway kept is history', () => {
  const said = (event: object) =>
    originOf(
      { profile: 'chirpstack', devEui: '0101010101010101' },
      { path: 'object.v' },
      'application/a/device/0101010101010101/event/up',
      { fCnt: 1, deviceInfo: {}, object: { v: 1 }, ...event },
    );
  assert.deepEqual(
    AGES.map((age) => said({ time: new Date(NOW - age).toISOString() })),
    BY_AGE,
  );
  assert.deepEqual(
    AGES.map((age) => said({ rxInfo: [{ nsTime: new Date(NOW - age).toISOString() }] })),
    BY_AGE,
  );
  assert.equal(said({}), undefined);
});

test('dji: a message that waited in the aircraft is history; a time ahead of its arrival is none', () => {
  const said = (timestamp?: number) =>
    originOf({ profile: 'dji', sn: 's' }, { path: 'height' }, 'thing/product/s/osd', { timestamp, data: { height: 1 } });
  assert.deepEqual(
    AGES.map((age) => said(NOW - age)),
    BY_AGE,
  );
  assert.equal(said(), undefined);
  assert.equal(said(NOW + 86_400_000), undefined);
});

test('sparkplug: by its flag, or where metric and payload are both old; an old metric in a new payload is the last value', () => {
  const said = (age: number, { flag, payloadAge }: { flag?: number; payloadAge?: number } = {}) => {
    const metric = [
      0x0a,
      1,
      0x50,
      ...(age < 0 ? [] : [0x18, ...varintBytes(NOW - age)]),
      0x20,
      3,
      ...(flag === undefined ? [] : [0x28, flag]),
      0x50,
      7,
    ];
    const payload = Uint8Array.from([
      ...(payloadAge === undefined ? [] : [8, ...varintBytes(NOW - payloadAge)]),
      0x12,
      metric.length,
      ...metric,
      0x18,
      1,
    ]);
    return originOf({ profile: 'sparkplug', group: 'g', node: 'n' }, { metric: 'P' }, 'spBv1.0/g/NDATA/n', payload);
  };
  assert.deepEqual(
    [said(0, { flag: 1, payloadAge: 0 }), said(0, { flag: 0, payloadAge: 0 }), said(0, { payloadAge: 0 }), said(-1, { flag: 1 })],
    ['backfill', undefined, undefined, 'backfill'],
  );
  assert.deepEqual(
    AGES.map((age) => said(age, { payloadAge: age })),
    BY_AGE,
  );
  const DAY_MS = 86_400_000;
  assert.deepEqual(
    [LIMIT_MS - 1, LIMIT_MS, LIMIT_MS + 1].map((between) => said(DAY_MS, { payloadAge: DAY_MS - between })),
    ['backfill', undefined, undefined],
  );
  assert.equal(said(DAY_MS, { payloadAge: 0 }), undefined);
  assert.equal(said(DAY_MS), undefined);
  assert.equal(said(-1, { payloadAge: DAY_MS }), undefined);
});
