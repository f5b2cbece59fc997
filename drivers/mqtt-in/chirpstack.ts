/** Events of ChirpStack v4 (JSON): uplinks, their link quality, battery, and what never came. Pure. */
import { markSkewed, type Decoded, type MissedValues, type PointValue } from '../../core/driver.ts';
import { readBytes } from './bytes.ts';
import type { MqttInFrame, Plan } from './frame.ts';
import { valueAt } from './expression.ts';
import { at } from './path.ts';
import type { MqttInPointOf } from './settings.ts';
import { leavesOf, positionValue, timeFrom, valueFor, valuesFrom } from './value.ts';

type Event = Record<string, unknown>;

/** Gateways and the server have a clock each. */
const AHEAD_MS = 5000;

export const eventOf = (topic: string): string => topic.slice(topic.lastIndexOf('/') + 1);

/** What a point's values come with, where it does not say. */
export function eventFor({ gives, event }: Pick<MqttInPointOf, 'gives' | 'event'>): string {
  if (event !== undefined) return event;
  if (gives === 'battery' || gives === 'margin') return 'status';
  return gives === 'position' ? 'location' : 'up';
}

/** `fCnt` of an uplink; 0 is left out by proto3, some marshalers write it as text. */
export function fCntOf(event: Event): number | null {
  const fCnt = Number(event.fCnt ?? 0);
  return Number.isSafeInteger(fCnt) && fCnt >= 0 ? fCnt : null;
}

export function decodeChirpstack(frame: MqttInFrame, event: Event): Decoded {
  const { plan, observedAt } = frame;
  if (!plan) return { ok: true, values: leavesOf(event), isPartial: true };
  const type = eventOf(frame.topic);
  const deviceAt = timeFrom(event.time) ?? timeFrom(at(event, 'rxInfo[0].nsTime'));
  const values = plan.points
    .filter((point) => eventFor(point) === type)
    .flatMap((point) => valuesOf(point, event))
    .map((value): PointValue => ({
      ...value,
      ...(deviceAt === null ? {} : { deviceAt }),
      ...(deviceAt !== null && observedAt - deviceAt > plan.historyAfterMs ? { origin: 'backfill' as const } : {}),
    }));
  if (isAheadOfSending(event)) values.forEach(markSkewed);
  const missed = type === 'up' ? missedOf(frame, event, plan, deviceAt ?? observedAt) : [];
  return { ok: true, values, isPartial: true, ...(missed.length > 0 ? { missed } : {}) };
}

/** By its own time it came after the server had it from every gateway. */
function isAheadOfSending(event: Event): boolean {
  const said = timeFrom(event.time);
  const received = Array.isArray(event.rxInfo) ? event.rxInfo.map((one) => timeFrom(at(one, 'nsTime'))).filter((one) => one !== null) : [];
  return said !== null && received.length > 0 && received.every((one) => said - one >= AHEAD_MS);
}

function valuesOf(point: MqttInPointOf, event: Event): PointValue[] {
  switch (point.gives) {
    case 'rssi': case 'snr': return bestOf(event, point);
    case 'battery': return batteryOf(event, point);
    case 'margin': return event.margin === undefined ? [] : [valueFor(point, event.margin)];
    case 'position': {
      const place = valueAt(event, point.path ?? 'location');
      return place === undefined ? [] : [positionValue(point.id, place)];
    }
    case 'value': {
      if (!point.bytes) return valuesFrom(point, event);
      if (point.bytes.fPort !== undefined && point.bytes.fPort !== Number(event.fPort ?? 0)) return [];
      const read = readBytes(event.data, point.bytes);
      return read === null ? [] : [valueFor(point, read ?? { data: event.data })];
    }
  }
}

/** Of the gateway that heard it best. proto3 leaves 0 out: where a gateway says one of the two, the other is 0. */
function bestOf(event: Event, point: MqttInPointOf): PointValue[] {
  const heard = (Array.isArray(event.rxInfo) ? event.rxInfo : []) as unknown[];
  const strengths = heard.flatMap((one) => {
    if (typeof one !== 'object' || one === null) return [];
    const { rssi, snr } = one as Record<string, unknown>;
    if (rssi === undefined && snr === undefined) return [];
    const value = Number((point.gives === 'rssi' ? rssi : snr) ?? 0);
    return Number.isFinite(value) ? [value] : [];
  });
  return strengths.length === 0 ? [] : [valueFor(point, Math.max(...strengths))];
}

/** Mains or unknown is no level. */
function batteryOf({ batteryLevel, externalPowerSource, batteryLevelUnavailable }: Event, point: MqttInPointOf): PointValue[] {
  if (externalPowerSource === true) return [];
  if (batteryLevelUnavailable === true || batteryLevel === -1) return [{ point: point.id, value: null, quality: 'bad', flags: ['sensor'] }];
  return [valueFor(point, batteryLevel ?? 0)];
}

/** Uplinks between this one and the one before, by their counter: nobody has them. */
function missedOf({ before }: MqttInFrame, event: Event, plan: Plan, toAt: number): MissedValues[] {
  const fCnt = fCntOf(event);
  if (!before || fCnt === null || !Number.isFinite(before.fCnt) || !Number.isFinite(before.at)) return [];
  const count = fCnt - before.fCnt - 1;
  if (count < 1) return [];
  return plan.points
    .filter((point) => eventFor(point) === 'up')
    .map(({ id }): MissedValues => ({ point: id, fromAt: before.at, toAt: Math.max(toAt, before.at), count, reason: 'device_away' }));
}
