/** Decodes Sparkplug B messages. Pure: the state of earlier messages is in the frame. */
import { lostFrame, markSkewed, type Decoded, type PointValue } from '../../../core/driver.ts';
import '../faults.ts';
import type { MqttInFrame, MqttDecodeSettings } from '../frame.ts';
import type { ConfiguredMqttPoint } from '../settings.ts';
import { toPointValue } from '../value.ts';
import { metricValue, type SparkplugMetric, type SparkplugPayload } from './payload.ts';
import { parseSparkplugTopic } from './session.ts';

/** A payload may get its timestamp before those of its metrics. */
const AHEAD_MS = 1000;
const DEATHS = new Set(['NDEATH', 'DDEATH']);
const DATA = new Set(['NBIRTH', 'DBIRTH', 'NDATA', 'DDATA']);

export function decodeSparkplug(frame: MqttInFrame, payload: SparkplugPayload): Decoded {
  const of = parseSparkplugTopic(frame.topic);
  if (!of || frame.isOther) return { ok: true, values: [], isPartial: true };
  const device = of.device === null ? of.node : `${of.node}/${of.device}`;
  if (DEATHS.has(of.type)) return { ...lostFrame('CV_MQTT_IN_DEAD', { device }), isAway: true };
  if (!DATA.has(of.type)) return { ok: true, values: [], isPartial: true };
  const { decodeSettings } = frame;
  const byName = decodeSettings && pointsOf(decodeSettings);
  const values: PointValue[] = [];
  const timing = { observedAt: frame.observedAt, historyAfterMs: decodeSettings?.historyAfterMs ?? Infinity };
  let unknown: string | null = null;
  for (const metric of payload.metrics) {
    const known = frame.aliases?.[metric.name === null ? metric.alias ?? '' : `=${metric.name}`];
    const name = metric.name ?? known?.name;
    if (name === undefined) {
      if (metric.alias !== null) unknown ??= metric.alias;
      continue;
    }
    const datatype = metric.datatype || (known?.datatype ?? 0);
    const points: readonly Pick<ConfiguredMqttPoint, 'id' | 'type'>[] = byName
      ? (byName.get(name) ?? [])
      : [{ id: name, type: typeFor(metric, datatype) }];
    for (const point of points) values.push(pointValue(point, metric, datatype, payload.at, timing));
  }
  // Only unknown aliases.
  if (values.length === 0 && unknown !== null) return { ...lostFrame('CV_MQTT_IN_UNBORN', { device, alias: unknown }), points: [] };
  return { ok: true, values, isPartial: true };
}

const known = new WeakMap<MqttDecodeSettings, ReadonlyMap<string, readonly ConfiguredMqttPoint[]>>();

/** Points by the name of their metric. */
function pointsOf(decodeSettings: MqttDecodeSettings): ReadonlyMap<string, readonly ConfiguredMqttPoint[]> {
  let byName = known.get(decodeSettings);
  if (!byName) {
    byName = Map.groupBy(decodeSettings.points, ({ metric }) => metric ?? '');
    known.set(decodeSettings, byName);
  }
  return byName;
}

function typeFor(metric: SparkplugMetric, datatype: number): ConfiguredMqttPoint['type'] {
  const read = metricValue(metric, datatype);
  const value = 'value' in read ? read.value : null;
  return typeof value === 'boolean' ? 'bool' : typeof value === 'string' ? 'text' : 'number';
}

function pointValue(
  point: Pick<ConfiguredMqttPoint, 'id' | 'type'>,
  metric: SparkplugMetric,
  datatype: number,
  payloadAt: number | null,
  { observedAt, historyAfterMs }: { observedAt: number; historyAfterMs: number },
): PointValue {
  const read = metricValue(metric, datatype);
  const value: PointValue =
    'what' in read
      ? {
          ...toPointValue(point, undefined),
          fault: { code: 'CV_MQTT_IN_VALUE', params: { point: point.id, type: point.type, said: read.what } },
        }
      : // The node reports no value: its own fault, not one of the configuration.
        read.value === null
        ? { point: point.id, value: null, quality: 'bad', flags: ['sensor'] }
        : toPointValue(point, read.value);
  const at = metric.at ?? payloadAt;
  const deviceAt = at !== null && Number.isSafeInteger(at) && at > 0 ? at : null;
  const isHistory =
    metric.isHistorical ||
    (deviceAt !== null &&
      observedAt - deviceAt > historyAfterMs &&
      metric.at !== null &&
      payloadAt !== null &&
      payloadAt - deviceAt < historyAfterMs);
  // In place, as a copy per field would cost more than reading the metric.
  if (metric.quality !== null) Object.assign(value, qualityOf(metric.quality, value));
  if (deviceAt !== null) value.deviceAt = deviceAt;
  // Nothing is measured after it was sent.
  if (metric.at !== null && payloadAt !== null && metric.at - payloadAt >= AHEAD_MS) markSkewed(value);
  if (isHistory) value.origin = 'backfill';
  return value;
}

const STALE = 500;

/** The property `Quality` (6.4.19): 192 good, 0 bad, 500 stale. */
function qualityOf(said: number, value: PointValue): Pick<PointValue, 'quality' | 'flags'> {
  if (said === 192 || value.value === null) return {};
  return said === STALE ? { quality: 'uncertain', flags: ['stale'] } : { quality: 'bad', flags: ['device'] };
}
