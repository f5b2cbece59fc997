/** Sparkplug B messages to values. Pure: what of earlier messages matters stands in the frame. */
import { lostFrame, markSkewed, type Decoded, type PointValue } from '../../../core/driver.ts';
import '../faults.ts';
import type { MqttInFrame, Plan } from '../frame.ts';
import type { MqttInPointOf } from '../settings.ts';
import { valueFor } from '../value.ts';
import { valueOf, type Metric, type Payload } from './payload.ts';
import { topicOf } from './session.ts';

/** A payload may take its time first and then those of its metrics. */
const AHEAD_MS = 1000;
const DEATHS = new Set(['NDEATH', 'DDEATH']);
const DATA = new Set(['NBIRTH', 'DBIRTH', 'NDATA', 'DDATA']);

export function decodeSparkplug(frame: MqttInFrame, payload: Payload): Decoded {
  const of = topicOf(frame.topic);
  if (!of || frame.isOther) return { ok: true, values: [], isPartial: true };
  const device = of.device === null ? of.node : `${of.node}/${of.device}`;
  if (DEATHS.has(of.type)) return { ...lostFrame('CV_MQTT_IN_DEAD', { device }), isAway: true };
  if (!DATA.has(of.type)) return { ok: true, values: [], isPartial: true };
  const { plan } = frame;
  const byName = plan && pointsOf(plan);
  const values: PointValue[] = [];
  const timing = { observedAt: frame.observedAt, historyAfterMs: plan?.historyAfterMs ?? Infinity };
  let unknown: string | null = null;
  for (const metric of payload.metrics) {
    const known = frame.aliases?.[metric.name === null ? metric.alias ?? '' : `=${metric.name}`];
    const name = metric.name ?? known?.name;
    if (name === undefined) {
      if (metric.alias !== null) unknown ??= metric.alias;
      continue;
    }
    const datatype = metric.datatype || (known?.datatype ?? 0);
    const points: readonly Pick<MqttInPointOf, 'id' | 'type'>[] = byName ? byName.get(name) ?? [] : [{ id: name, type: typeFor(metric, datatype) }];
    for (const point of points) values.push(pointValue(point, metric, datatype, payload.at, timing));
  }
  // Nothing but aliases that nobody has named.
  if (values.length === 0 && unknown !== null) return { ...lostFrame('CV_MQTT_IN_UNBORN', { device, alias: unknown }), points: [] };
  return { ok: true, values, isPartial: true };
}

const known = new WeakMap<Plan, ReadonlyMap<string, readonly MqttInPointOf[]>>();

/** Points by the name of their metric. */
function pointsOf(plan: Plan): ReadonlyMap<string, readonly MqttInPointOf[]> {
  let byName = known.get(plan);
  if (!byName) {
    byName = Map.groupBy(plan.points, ({ metric }) => metric ?? '');
    known.set(plan, byName);
  }
  return byName;
}

function typeFor(metric: Metric, datatype: number): MqttInPointOf['type'] {
  const read = valueOf(metric, datatype);
  const value = 'value' in read ? read.value : null;
  return typeof value === 'boolean' ? 'bool' : typeof value === 'string' ? 'text' : 'number';
}

function pointValue(point: Pick<MqttInPointOf, 'id' | 'type'>, metric: Metric, datatype: number, payloadAt: number | null, { observedAt, historyAfterMs }: { observedAt: number; historyAfterMs: number }): PointValue {
  const read = valueOf(metric, datatype);
  const value: PointValue = 'what' in read
    ? { ...valueFor(point, undefined), fault: { code: 'CV_MQTT_IN_VALUE', params: { point: point.id, type: point.type, said: read.what } } }
    // The node says that it has none: its own fault, and nobody's mistake here.
    : read.value === null ? { point: point.id, value: null, quality: 'bad', flags: ['sensor'] } : valueFor(point, read.value);
  const at = metric.at ?? payloadAt;
  const deviceAt = at !== null && Number.isSafeInteger(at) && at > 0 ? at : null;
  const isHistory = metric.isHistorical || (deviceAt !== null && observedAt - deviceAt > historyAfterMs && metric.at !== null && payloadAt !== null && payloadAt - deviceAt < historyAfterMs);
  // In place: a copy for each field would cost more than reading the metric.
  if (metric.quality !== null) Object.assign(value, qualityOf(metric.quality, value));
  if (deviceAt !== null) value.deviceAt = deviceAt;
  // Nothing was measured after it was sent.
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
