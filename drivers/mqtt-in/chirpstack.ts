/** Events of ChirpStack v4 (JSON): uplinks, link quality, battery and lost uplinks. Pure. */
import { markSkewed, type Decoded, type MissedValues, type PointValue } from '../../core/driver.ts';
import { readByteField } from './byte-field.ts';
import type { MqttInFrame, MqttDecodeSettings } from './frame.ts';
import { evaluateFirst } from './expression.ts';
import { valueAtJsonPath } from './path.ts';
import type { ConfiguredMqttPoint } from './settings.ts';
import { leafValues, positionValue, parseTime, toPointValue, evaluatePoint } from './value.ts';

type Event = Record<string, unknown>;

/** LoRaWAN gateways and the server have separate clocks. */
const AHEAD_MS = 5000;

export const eventType = (topic: string): string => topic.slice(topic.lastIndexOf('/') + 1);

/** The event that a point is read from by default. */
export function eventOfPoint({ gives, event }: Pick<ConfiguredMqttPoint, 'gives' | 'event'>): string {
  if (event !== undefined) return event;
  if (gives === 'battery' || gives === 'margin') return 'status';
  return gives === 'position' ? 'location' : 'up';
}

/** `fCnt` of an uplink; 0 is left out by proto3, some marshalers write it as text. */
export function frameCounter(event: Event): number | null {
  const fCnt = Number(event.fCnt ?? 0);
  return Number.isSafeInteger(fCnt) && fCnt >= 0 ? fCnt : null;
}

export function decodeChirpstack(frame: MqttInFrame, event: Event): Decoded {
  const { decodeSettings, observedAt } = frame;
  if (!decodeSettings) return { ok: true, values: leafValues(event), isPartial: true };
  const type = eventType(frame.topic);
  const deviceAt = parseTime(event.time) ?? parseTime(valueAtJsonPath(event, 'rxInfo[0].nsTime'));
  const values = decodeSettings.points
    .filter((point) => eventOfPoint(point) === type)
    .flatMap((point) => valuesOf(point, event))
    .map((value): PointValue => ({
      ...value,
      ...(deviceAt === null ? {} : { deviceAt }),
      ...(deviceAt !== null && observedAt - deviceAt > decodeSettings.historyAfterMs ? { origin: 'backfill' as const } : {}),
    }));
  if (isAheadOfSending(event)) values.forEach(markSkewed);
  const missed = type === 'up' ? missedOf(frame, event, decodeSettings, deviceAt ?? observedAt) : [];
  return { ok: true, values, isPartial: true, ...(missed.length > 0 ? { missed } : {}) };
}

/** Its time is later than its reception by every LoRaWAN gateway. */
function isAheadOfSending(event: Event): boolean {
  const eventAt = parseTime(event.time);
  const received = Array.isArray(event.rxInfo)
    ? event.rxInfo.map((one) => parseTime(valueAtJsonPath(one, 'nsTime'))).filter((one) => one !== null)
    : [];
  return eventAt !== null && received.length > 0 && received.every((one) => eventAt - one >= AHEAD_MS);
}

function valuesOf(point: ConfiguredMqttPoint, event: Event): PointValue[] {
  switch (point.gives) {
    case 'rssi': case 'snr': return bestOf(event, point);
    case 'battery': return batteryOf(event, point);
    case 'margin': return event.margin === undefined ? [] : [toPointValue(point, event.margin)];
    case 'position': {
      const position = evaluateFirst(event, point.path ?? 'location');
      return position === undefined ? [] : [positionValue(point.id, position)];
    }
    case 'value': {
      if (!point.bytes) return evaluatePoint(point, event);
      if (point.bytes.fPort !== undefined && point.bytes.fPort !== Number(event.fPort ?? 0)) return [];
      const read = readByteField(event.data, point.bytes);
      return read === null ? [] : [toPointValue(point, read ?? { data: event.data })];
    }
  }
}

/** Of the LoRaWAN gateway with the best reception. proto3 omits 0: where a gateway has one of the two, the other is 0. */
function bestOf(event: Event, point: ConfiguredMqttPoint): PointValue[] {
  const receptions = (Array.isArray(event.rxInfo) ? event.rxInfo : []) as unknown[];
  const strengths = receptions.flatMap((one) => {
    if (typeof one !== 'object' || one === null) return [];
    const { rssi, snr } = one as Record<string, unknown>;
    if (rssi === undefined && snr === undefined) return [];
    const value = Number((point.gives === 'rssi' ? rssi : snr) ?? 0);
    return Number.isFinite(value) ? [value] : [];
  });
  return strengths.length === 0 ? [] : [toPointValue(point, Math.max(...strengths))];
}

/** No value on mains power. */
function batteryOf({ batteryLevel, externalPowerSource, batteryLevelUnavailable }: Event, point: ConfiguredMqttPoint): PointValue[] {
  if (externalPowerSource === true) return [];
  if (batteryLevelUnavailable === true || batteryLevel === -1) return [{ point: point.id, value: null, quality: 'bad', flags: ['sensor'] }];
  return [toPointValue(point, batteryLevel ?? 0)];
}

/** Lost uplinks between this one and the previous one, by their counter. */
function missedOf({ before }: MqttInFrame, event: Event, decodeSettings: MqttDecodeSettings, toAt: number): MissedValues[] {
  const fCnt = frameCounter(event);
  if (!before || fCnt === null || !Number.isFinite(before.fCnt) || !Number.isFinite(before.at)) return [];
  const count = fCnt - before.fCnt - 1;
  if (count < 1) return [];
  return decodeSettings.points
    .filter((point) => eventOfPoint(point) === 'up')
    .map(({ id }): MissedValues => ({ point: id, fromAt: before.at, toAt: Math.max(toAt, before.at), count, reason: 'device_away' }));
}
