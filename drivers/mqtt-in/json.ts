/** Plain JSON: the profile whose shape the installer describes. Pure. */
import type { Decoded, PointValue } from '../../core/driver.ts';
import './faults.ts';
import type { MqttInFrame, Plan } from './frame.ts';
import { valueAt, valuesAt } from './expression.ts';
import type { MqttInPointOf } from './settings.ts';
import { matches } from './topics.ts';
import { leavesOf, positionValue, qualityFrom, shown, timeFrom, valuesFrom } from './value.ts';

/** A list (`[*]`) gives a value for each element; the times and qualities of the same list go with them one by one. */
export function decodeJson(frame: MqttInFrame, json: unknown, plan: Plan | null): Decoded {
  if (!plan) return { ok: true, values: leavesOf(json), isPartial: true };
  const values = plan.points.flatMap((point): PointValue[] => {
    if (point.topic !== undefined && !matches(point.topic, frame.topic)) return [];
    const times = plan.time === undefined ? [] : valuesAt(json, plan.time).values;
    const qualities = point.quality === undefined ? [] : valuesAt(json, point.quality).values;
    return ownValues(point, json).map((value, index) => standing(frame, plan, {
      value, quality: point.quality === undefined ? undefined : { raw: paired(qualities, index) }, time: plan.time === undefined ? undefined : { raw: paired(times, index) },
    }));
  });
  // One message of several: of points that it does not hold it says nothing.
  return { ok: true, values, isPartial: true };
}

function ownValues(point: MqttInPointOf, json: unknown): PointValue[] {
  if (point.gives !== 'position') return valuesFrom(point, json);
  const place = point.path === undefined ? json : valueAt(json, point.path);
  return place === undefined ? [] : [positionValue(point.id, place)];
}

const paired = (all: readonly unknown[], index: number): unknown => (all.length === 1 ? all[0] : all[index]);

interface Said {
  value: PointValue;
  quality: { raw: unknown } | undefined;
  time: { raw: unknown } | undefined;
}

function standing({ retain, observedAt, topic }: MqttInFrame, { historyAfterMs }: Plan, { value, quality, time }: Said): PointValue {
  const own = quality && value.value !== null ? qualityFrom(quality.raw) : undefined;
  const deviceAt = time ? timeFrom(time.raw) : null;
  const isTimeless = time !== undefined && deviceAt === null;
  // A retained message is the last word of any age: without a time of its own nobody knows how old it is.
  const isOld = retain && deviceAt === null;
  const fault = value.fault ?? (isTimeless ? { code: 'CV_MQTT_IN_TIME' as const, params: { topic: topic.slice(0, 128), said: shown(time?.raw) } } : undefined);
  return {
    ...value,
    ...(own === undefined ? {} : { quality: own }),
    ...(isOld && value.value !== null && own !== 'bad' ? { quality: 'uncertain' as const } : {}),
    ...(retain || own === 'bad' ? { flags: [...(value.flags ?? []), ...(own === 'bad' ? ['device' as const] : []), ...(retain ? ['initial' as const] : [])] } : {}),
    ...(fault ? { fault } : {}),
    ...(deviceAt === null ? {} : { deviceAt }),
    ...(deviceAt !== null && !retain && observedAt - deviceAt > historyAfterMs ? { origin: 'backfill' as const } : {}),
  };
}
