/** Plain JSON, whose structure is described by the settings. Pure. */
import type { Decoded, PointValue } from '../../core/driver.ts';
import './faults.ts';
import type { MqttInFrame, MqttDecodeSettings } from './frame.ts';
import { evaluateFirst, evaluateAll } from './expression.ts';
import type { ConfiguredMqttPoint } from './settings.ts';
import { topicMatches } from './topics.ts';
import { leafValues, positionValue, parseQuality, jsonExcerpt, parseTime, evaluatePoint } from './value.ts';

/** A list (`[*]`) gives a value per element; times and qualities of the same list belong to them one by one. */
export function decodeJson(frame: MqttInFrame, json: unknown, decodeSettings: MqttDecodeSettings | null): Decoded {
  if (!decodeSettings) return { ok: true, values: leafValues(json), isPartial: true };
  const values = decodeSettings.points.flatMap((point): PointValue[] => {
    if (point.topic !== undefined && !topicMatches(point.topic, frame.topic)) return [];
    const times = decodeSettings.time === undefined ? [] : evaluateAll(json, decodeSettings.time).values;
    const qualities = point.quality === undefined ? [] : evaluateAll(json, point.quality).values;
    return ownValues(point, json).map((value, index) =>
      withTimeAndQuality(frame, decodeSettings, {
        value,
        quality: point.quality === undefined ? undefined : { raw: paired(qualities, index) },
        time: decodeSettings.time === undefined ? undefined : { raw: paired(times, index) },
      }),
    );
  });
  // Other points come in other messages.
  return { ok: true, values, isPartial: true };
}

function ownValues(point: ConfiguredMqttPoint, json: unknown): PointValue[] {
  if (point.gives !== 'position') return evaluatePoint(point, json);
  const place = point.path === undefined ? json : evaluateFirst(json, point.path);
  return place === undefined ? [] : [positionValue(point.id, place)];
}

const paired = (all: readonly unknown[], index: number): unknown => (all.length === 1 ? all[0] : all[index]);

interface RawPointValue {
  value: PointValue;
  quality: { raw: unknown } | undefined;
  time: { raw: unknown } | undefined;
}

function withTimeAndQuality(
  { retain, observedAt, topic }: MqttInFrame,
  { historyAfterMs }: MqttDecodeSettings,
  { value, quality, time }: RawPointValue,
): PointValue {
  const own = quality && value.value !== null ? parseQuality(quality.raw) : undefined;
  const deviceAt = time ? parseTime(time.raw) : null;
  const isTimeless = time !== undefined && deviceAt === null;
  // A retained message without its own time is of unknown age.
  const isOld = retain && deviceAt === null;
  const fault =
    value.fault ??
    (isTimeless ? { code: 'CV_MQTT_IN_TIME' as const, params: { topic: topic.slice(0, 128), said: jsonExcerpt(time?.raw) } } : undefined);
  return {
    ...value,
    ...(own === undefined ? {} : { quality: own }),
    ...(isOld && value.value !== null && own !== 'bad' ? { quality: 'uncertain' as const } : {}),
    ...(retain || own === 'bad'
      ? { flags: [...(value.flags ?? []), ...(own === 'bad' ? ['device' as const] : []), ...(retain ? ['initial' as const] : [])] }
      : {}),
    ...(fault ? { fault } : {}),
    ...(deviceAt === null ? {} : { deviceAt }),
    ...(deviceAt !== null && !retain && observedAt - deviceAt > historyAfterMs ? { origin: 'backfill' as const } : {}),
  };
}
