/** What a value is worth: quality and flags by each profile's own signs. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Decoded } from '../../core/driver.ts';
import { decode } from './decode.ts';
import { decodeSettingsOf, type MqttInFrame } from './frame.ts';
import { point, settings } from './settings.ts';
import { varintBytes } from './testing/sparkplug.ts';

const NOW = Date.UTC(2026, 0, 1);

function decoded(
  how: Record<string, unknown>,
  of: Record<string, unknown>,
  topic: string,
  payload: Uint8Array | object,
  more: Partial<MqttInFrame> = {},
): Decoded {
  const points = [{ ...point.parse(of), id: 'p' }];
  const set = settings.parse({ url: 'mqtt://h', ...how });
  const bytes = payload instanceof Uint8Array ? payload : Buffer.from(JSON.stringify(payload));
  return decode({
    topic,
    payload: bytes,
    retain: false,
    observedAt: NOW,
    profile: set.profile,
    decodeSettings: decodeSettingsOf(points, set),
    ...more,
  });
}

const worth = (result: Decoded) => {
  assert.ok(result.ok);
  return (result.values ?? []).map(({ value, quality, flags }) => [value, quality ?? 'good', ...(flags ?? [])]);
};

test('json: a retained message without a time is uncertain, with one it is the first word; a plain one is neither', () => {
  const said = (json: object, retain: boolean) => worth(decoded({ topic: 'x', time: 't' }, { path: 'v' }, 'x', json, { retain }));
  assert.deepEqual(said({ v: 1, t: NOW }, false), [[1, 'good']]);
  assert.deepEqual(said({ v: 1, t: NOW }, true), [[1, 'good', 'initial']]);
  assert.deepEqual(said({ v: 1 }, true), [[1, 'uncertain', 'initial']]);
  assert.deepEqual(worth(decoded({ topic: 'x' }, { path: 'v' }, 'x', { v: 1 })), [[1, 'good']]);
});

const CHIRPSTACK = { profile: 'chirpstack', devEui: '0101010101010101' };
const chirpstack = (of: Record<string, unknown>, event: string, said: object, more = {}) =>
  decoded(CHIRPSTACK, of, `application/a/device/0101010101010101/event/${event}`, { deviceInfo: {}, ...said }, more);

test('chirpstack: the best gateway counts, mains is no level, an unknown level is bad', () => {
  const rxInfo = [{ rssi: -90, snr: 5 }, { rssi: -70 }, { snr: -3 }, {}];
  assert.deepEqual(worth(chirpstack({ gives: 'rssi' }, 'up', { rxInfo: rxInfo.slice(0, 2) })), [[-70, 'good']]);
  assert.deepEqual(worth(chirpstack({ gives: 'snr' }, 'up', { rxInfo })), [[5, 'good']]);
  assert.deepEqual(worth(chirpstack({ gives: 'snr' }, 'up', { rxInfo: [{}] })), []);
  const battery = (said: object) => worth(chirpstack({ gives: 'battery' }, 'status', said));
  assert.deepEqual(battery({ batteryLevel: 55 }), [[55, 'good']]);
  assert.deepEqual(battery({ externalPowerSource: false, batteryLevel: 1 }), [[1, 'good']]);
  assert.deepEqual(battery({ externalPowerSource: true, batteryLevel: 55 }), []);
  for (const said of [{ batteryLevel: -1 }, { batteryLevelUnavailable: true }]) assert.deepEqual(battery(said), [[null, 'bad', 'sensor']]);
  const next = chirpstack({ path: 'object.v' }, 'up', { fCnt: 5, object: { v: 1 } }, { before: { fCnt: 4, at: 1 } });
  assert.ok(next.ok && next.missed === undefined);
});

test('dji: what its dock does not receive is bad, a place is as good as its fix', () => {
  const osd = (of: Record<string, unknown>, data: object) =>
    worth(decoded({ profile: 'dji', sn: 's' }, of, 'thing/product/s/osd', { timestamp: NOW, data }));
  assert.deepEqual(osd({ path: 'height' }, { height: 1, mode_code: 14 }), [[1, 'bad', 'comm']]);
  assert.deepEqual(osd({ path: 'height' }, { height: 1, mode_code: 3 }), [[1, 'good']]);
  const place = (more: object) => osd({ gives: 'position' }, { latitude: 29.5, longitude: 106.5, ...more }).map(([, quality]) => quality);
  for (const good of [{}, { position_state: { is_fixed: 2 } }, { position_state: { quality: 3 } }, { home_position_is_valid: 1 }])
    assert.deepEqual(place(good), ['good'], JSON.stringify(good));
  for (const doubtful of [{ position_state: { is_fixed: 1 } }, { position_state: { quality: 2 } }, { home_position_is_valid: 0 }])
    assert.deepEqual(place(doubtful), ['uncertain'], JSON.stringify(doubtful));
});

test('dji: an aircraft that its dock no longer lists is away; the dock itself is not', () => {
  const update = (sn: string, online: string[]) =>
    decoded({ profile: 'dji', sn, gateway: 'dock' }, { path: 'height' }, 'sys/product/dock/status', {
      method: 'update_topo',
      timestamp: NOW,
      data: { sub_devices: online.map((one) => ({ sn: one })) },
    });
  assert.equal(update('s', ['s']).ok, true);
  assert.equal(update('s', []).ok, false);
  assert.equal(update('s', ['other']).ok, false);
  assert.equal(update('dock', []).ok, true);
});

test('chirpstack: an uplink whose time is later than when the server had it from every gateway is uncertain and skewed', () => {
  const received = (...agesMs: number[]) => agesMs.map((age) => ({ rssi: -70, nsTime: new Date(NOW - age).toISOString() }));
  const said = (rxInfo: unknown, time: unknown = new Date(NOW).toISOString()) =>
    worth(chirpstack({ path: 'object.v' }, 'up', { object: { v: 1 }, time, rxInfo }))[0]?.slice(1);
  assert.deepEqual(
    [0, 4999, 5000, 3_600_000].map((age) => said(received(age))),
    [['good'], ['good'], ['uncertain', 'skewed'], ['uncertain', 'skewed']],
  );
  assert.deepEqual(said(received(-3_600_000)), ['good'], 'sent after it was measured');
  assert.deepEqual(said(received(3_600_000, 0)), ['good'], 'a gateway that was late');
  for (const rxInfo of [undefined, 'x', [], [{}], [null]]) assert.deepEqual(said(rxInfo), ['good'], JSON.stringify(rxInfo));
  assert.deepEqual(said(received(3_600_000), 'x'), ['good']);
  assert.deepEqual(
    worth(chirpstack({ path: 'object.v' }, 'up', { object: { v: 'x' }, time: new Date(NOW).toISOString(), rxInfo: received(5000) })),
    [[null, 'bad', 'sensor', 'skewed']],
  );
});

test('dji: a time ahead of its arrival gives way to ours, and the value says so', () => {
  const osd = (timestamp: number | undefined, data: object) => {
    const result = decoded({ profile: 'dji', sn: 's' }, { path: 'height' }, 'thing/product/s/osd', { timestamp, data });
    return [...worth(result), result.ok ? result.values?.[0]?.deviceAt : null];
  };
  assert.deepEqual(osd(NOW + 60_000, { height: 1 }), [[1, 'good'], NOW + 60_000]);
  assert.deepEqual(osd(NOW + 60_001, { height: 1 }), [[1, 'good', 'skewed'], undefined]);
  assert.deepEqual(osd(NOW + 60_001, { height: 1, mode_code: 14 }), [[1, 'bad', 'comm', 'skewed'], undefined]);
  assert.deepEqual(osd(undefined, { height: 1 }), [[1, 'good'], undefined]);
});

test('sparkplug: a metric whose time is later than that of its payload is uncertain and skewed, whatever our clock says', () => {
  const said = (metricAt: number | null, payloadAt: number | null, more: number[] = [0x50, 7]) => {
    const metric = [0x0a, 1, 0x50, ...(metricAt === null ? [] : [0x18, ...varintBytes(metricAt)]), 0x20, 3, ...more];
    const payload = Uint8Array.from([
      ...(payloadAt === null ? [] : [8, ...varintBytes(payloadAt)]),
      0x12,
      metric.length,
      ...metric,
      0x18,
      1,
    ]);
    return worth(decoded({ profile: 'sparkplug', group: 'g', node: 'n' }, { metric: 'P' }, 'spBv1.0/g/NDATA/n', payload))[0];
  };
  for (const sentAt of [NOW, NOW - 86_400_000, NOW + 86_400_000]) {
    assert.deepEqual(
      [-3_600_000, 0, 999, 1000, 3_600_000].map((ahead) => said(sentAt + ahead, sentAt)),
      [
        [7, 'good'],
        [7, 'good'],
        [7, 'good'],
        [7, 'uncertain', 'skewed'],
        [7, 'uncertain', 'skewed'],
      ],
    );
  }
  for (const [metricAt, payloadAt] of [
    [NOW + 3_600_000, null],
    [null, NOW],
  ] as const)
    assert.deepEqual(said(metricAt, payloadAt), [7, 'good'], 'one time says nothing');
  assert.deepEqual(said(NOW + 1000, NOW, [0x38, 1]), [null, 'bad', 'sensor', 'skewed']);
  assert.deepEqual(said(2 ** 60, NOW), [7, 'uncertain', 'skewed'], 'a invalid time');
});
