/** Messages of the DJI Cloud API: osd and state of aircraft and docks, events, who is online. Pure. */
import { lostFrame, type Decoded, type PointValue } from '../../core/driver.ts';
import './faults.ts';
import type { MqttInFrame, Plan } from './frame.ts';
import { valueAt } from './expression.ts';
import { at } from './path.ts';
import type { MqttInPointOf } from './settings.ts';
import { leavesOf, positionValue, timeFrom, valueFor, valuesFrom } from './value.ts';

type Envelope = Record<string, unknown>;

/** `mode_code` of an aircraft that its dock or controller does not hear. */
const NOT_CONNECTED = 14;
/** Of `position_state`. */
const FIXED = 2;
const GOOD_QUALITY = 3;
/** A time further ahead of its arrival is no time of this device. */
const AHEAD_MS = 60_000;

export function decodeDji(frame: MqttInFrame, envelope: Envelope): Decoded {
  const { plan, topic } = frame;
  if (!plan) return { ok: true, values: leavesOf(envelope.data), isPartial: true };
  if (topic.startsWith('sys/')) return topology(envelope, plan);
  const isEvent = topic.endsWith('/events');
  const { data } = envelope;
  const standing = isEvent ? {} : standingOf(data);
  const said = timeFrom(envelope.timestamp);
  const deviceAt = said !== null && said - frame.observedAt <= AHEAD_MS ? said : null;
  const values = plan.points
    .filter(({ event }) => (isEvent ? event !== undefined && event === envelope.method : event === undefined))
    .flatMap((point) => valuesOf(point, data))
    .map((value): PointValue => ({
      ...value,
      ...(value.value === null ? {} : standing),
      ...(value.position && standing.quality === undefined ? fixOf(data) : {}),
      ...(deviceAt === null ? {} : { deviceAt }),
      ...(deviceAt !== null && frame.observedAt - deviceAt > plan.historyAfterMs ? { origin: 'backfill' as const } : {}),
    }));
  // As with any device whose clock is ahead: the value has our time, and says so.
  if (said !== deviceAt) for (const value of values) value.flags = [...(value.flags ?? []), 'skewed'];
  // Docks send their fields in several messages of different subsets.
  return { ok: true, values, isPartial: true };
}

function valuesOf(point: MqttInPointOf, data: unknown): PointValue[] {
  if (point.gives === 'position') {
    const place = point.path === undefined ? data : valueAt(data, point.path);
    const isSaid = typeof place === 'object' && place !== null && Object.hasOwn(place, 'latitude') && Object.hasOwn(place, 'longitude');
    return isSaid ? [positionValue(point.id, place)] : [];
  }
  if (point.gives === 'battery') {
    // An aircraft's own, or that of the aircraft in a dock.
    const level = at(data, 'battery.capacity_percent') ?? at(data, 'drone_charge_state.capacity_percent');
    return level === undefined ? [] : [valueFor(point, level)];
  }
  return point.path === undefined ? [] : valuesFrom(point, data);
}

function standingOf(data: unknown): Pick<PointValue, 'quality' | 'flags'> {
  return at(data, 'mode_code') === NOT_CONNECTED ? { quality: 'bad', flags: ['comm'] } : {};
}

/** Whether a place is to be believed: by its fix, or a dock's word on its own. */
function fixOf(data: unknown): Pick<PointValue, 'quality'> {
  const [isFixed, quality, isHomeValid] = [at(data, 'position_state.is_fixed'), at(data, 'position_state.quality'), at(data, 'home_position_is_valid')];
  if (isFixed === FIXED || (typeof quality === 'number' && quality >= GOOD_QUALITY)) return {};
  if (isHomeValid === 1) return {};
  return isFixed === undefined && quality === undefined && isHomeValid === undefined ? {} : { quality: 'uncertain' };
}

/** `update_topo` lists the sub-devices that are online: an aircraft that is not among them is off, not its dock. */
function topology(envelope: Envelope, { sn, gateway }: Plan): Decoded {
  const online = at(envelope, 'data.sub_devices');
  if (envelope.method !== 'update_topo' || gateway === undefined || gateway === sn || !Array.isArray(online)) return { ok: true, values: [], isPartial: true };
  const isThere = online.some((one) => at(one, 'sn') === sn);
  return isThere ? { ok: true, values: [], isPartial: true } : { ...lostFrame('CV_MQTT_IN_DEAD', { device: sn ?? '' }), isAway: true };
}

/** Units of fields as the API has them, by the path's last part. */
export const UNITS: Readonly<Record<string, string>> = {
  height: 'm', elevation: 'm', home_distance: 'm', horizontal_speed: 'm/s', vertical_speed: 'm/s', attitude_pitch: 'deg', attitude_roll: 'deg', attitude_head: 'deg',
  latitude: 'deg', longitude: 'deg', capacity_percent: '%', return_home_power: '%', landing_power: '%', remain_flight_time: 's', environment_temperature: 'Cel', temperature: 'Cel', humidity: '%',
};
