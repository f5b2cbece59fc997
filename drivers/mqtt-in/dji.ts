/** Messages of the DJI Cloud API: osd and state of aircraft and docks, events, online devices. Pure. */
import { lostFrame, type Decoded, type PointValue } from '../../core/driver.ts';
import './faults.ts';
import type { MqttInFrame, MqttDecodeSettings } from './frame.ts';
import { evaluateFirst } from './expression.ts';
import { valueAtJsonPath } from './path.ts';
import type { ConfiguredMqttPoint } from './settings.ts';
import { leafValues, positionValue, parseTime, toPointValue, evaluatePoint } from './value.ts';

type Envelope = Record<string, unknown>;

/** `mode_code` of an aircraft without connection to its dock or controller. */
const NOT_CONNECTED = 14;
/** Values of `position_state`. */
const FIXED = 2;
const GOOD_QUALITY = 3;
/** A time further ahead of its arrival is invalid. */
const AHEAD_MS = 60_000;

export function decodeDji(frame: MqttInFrame, envelope: Envelope): Decoded {
  const { decodeSettings: plan, topic } = frame;
  if (!plan) return { ok: true, values: leafValues(envelope.data), isPartial: true };
  if (topic.startsWith('sys/')) return topology(envelope, plan);
  const isEvent = topic.endsWith('/events');
  const { data } = envelope;
  const connectionQuality = isEvent ? {} : connectionQualityOf(data);
  const messageAt = parseTime(envelope.timestamp);
  const deviceAt = messageAt !== null && messageAt - frame.observedAt <= AHEAD_MS ? messageAt : null;
  const values = plan.points
    .filter(({ event }) => (isEvent ? event !== undefined && event === envelope.method : event === undefined))
    .flatMap((point) => valuesOf(point, data))
    .map((value): PointValue => ({
      ...value,
      ...(value.value === null ? {} : connectionQuality),
      ...(value.position && connectionQuality.quality === undefined ? fixQuality(data) : {}),
      ...(deviceAt === null ? {} : { deviceAt }),
      ...(deviceAt !== null && frame.observedAt - deviceAt > plan.historyAfterMs ? { origin: 'backfill' as const } : {}),
    }));
  // As for any device whose clock is ahead: the value gets our time and a flag.
  if (messageAt !== deviceAt) for (const value of values) value.flags = [...(value.flags ?? []), 'skewed'];
  // Docks send their fields in several messages of different subsets.
  return { ok: true, values, isPartial: true };
}

function valuesOf(point: ConfiguredMqttPoint, data: unknown): PointValue[] {
  if (point.gives === 'position') {
    const position = point.path === undefined ? data : evaluateFirst(data, point.path);
    const hasPosition =
      typeof position === 'object' && position !== null && Object.hasOwn(position, 'latitude') && Object.hasOwn(position, 'longitude');
    return hasPosition ? [positionValue(point.id, position)] : [];
  }
  if (point.gives === 'battery') {
    // The aircraft's battery, or that of the aircraft in a dock.
    const level = valueAtJsonPath(data, 'battery.capacity_percent') ?? valueAtJsonPath(data, 'drone_charge_state.capacity_percent');
    return level === undefined ? [] : [toPointValue(point, level)];
  }
  return point.path === undefined ? [] : evaluatePoint(point, data);
}

function connectionQualityOf(data: unknown): Pick<PointValue, 'quality' | 'flags'> {
  return valueAtJsonPath(data, 'mode_code') === NOT_CONNECTED ? { quality: 'bad', flags: ['comm'] } : {};
}

/** Quality of a position: by its fix, or the dock's validity flag. */
function fixQuality(data: unknown): Pick<PointValue, 'quality'> {
  const [isFixed, quality, isHomeValid] = [
    valueAtJsonPath(data, 'position_state.is_fixed'),
    valueAtJsonPath(data, 'position_state.quality'),
    valueAtJsonPath(data, 'home_position_is_valid'),
  ];
  if (isFixed === FIXED || (typeof quality === 'number' && quality >= GOOD_QUALITY)) return {};
  if (isHomeValid === 1) return {};
  return isFixed === undefined && quality === undefined && isHomeValid === undefined ? {} : { quality: 'uncertain' };
}

/** `update_topo` lists the online sub-devices: an aircraft that is missing is offline; its dock is not. */
function topology(envelope: Envelope, { sn, gateway }: MqttDecodeSettings): Decoded {
  const online = valueAtJsonPath(envelope, 'data.sub_devices');
  if (envelope.method !== 'update_topo' || gateway === undefined || gateway === sn || !Array.isArray(online))
    return { ok: true, values: [], isPartial: true };
  const isThere = online.some((one) => valueAtJsonPath(one, 'sn') === sn);
  return isThere ? { ok: true, values: [], isPartial: true } : { ...lostFrame('CV_MQTT_IN_DEAD', { device: sn ?? '' }), isAway: true };
}

/** Units of the API by the last part of the path. */
export const DJI_UNITS: Readonly<Record<string, string>> = {
  height: 'm',
  elevation: 'm',
  home_distance: 'm',
  horizontal_speed: 'm/s',
  vertical_speed: 'm/s',
  attitude_pitch: 'deg',
  attitude_roll: 'deg',
  attitude_head: 'deg',
  latitude: 'deg',
  longitude: 'deg',
  capacity_percent: '%',
  return_home_power: '%',
  landing_power: '%',
  remain_flight_time: 's',
  environment_temperature: 'Cel',
  temperature: 'Cel',
  humidity: '%',
};
