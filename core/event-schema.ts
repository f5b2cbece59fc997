/**
 * The border check of an event, as one JSON Schema compiled once.
 *
 * Used where events come from outside (the gateway's accept station) and published in the API document.
 */
import { Ajv, type ErrorObject } from 'ajv';
import { CLOCKS, FLAGS, IDS, KINDS, MAX_NUMBER, ORIGINS, QUALITIES, STREAMS, type Event } from './event.ts';

const number = { type: 'number', minimum: -MAX_NUMBER, maximum: MAX_NUMBER };
const time = { type: 'integer', minimum: 0, maximum: 8.64e15 };
const count = { type: 'integer', minimum: 0, maximum: MAX_NUMBER };
const fraction = { type: 'number', minimum: 0, maximum: 1 };
const text = (maxLength: number) => ({ type: 'string', maxLength });
const record = (required: string[], properties: Record<string, unknown>) => ({ type: 'object', additionalProperties: false, required, properties });

const box = record(['class', 'score', 'x', 'y', 'width', 'height'], { class: text(64), score: fraction, x: fraction, y: fraction, width: fraction, height: fraction });

export const EVENT_SCHEMA = record(
  ['edge', 'stream', 'epoch', 'seq', 'device', 'point', 'indicator', 'centre', 'kind', 'value', 'unit', 'occurredAt', 'clock', 'observedAt', 'quality', 'origin'],
  {
    edge: { type: 'string', pattern: IDS.edge.source },
    stream: { enum: STREAMS },
    epoch: count,
    seq: { ...count, minimum: 1 },
    device: { type: 'string', pattern: IDS.device.source },
    point: { type: 'string', pattern: IDS.point.source },
    indicator: { type: 'string', pattern: IDS.indicator.source },
    subject: text(128),
    centre: { type: 'string', pattern: IDS.centre.source },
    kind: { enum: KINDS },
    value: { anyOf: [number, { type: 'boolean' }, text(4096), { type: 'null' }] },
    unit: text(64),
    occurredAt: time,
    clock: { enum: CLOCKS },
    deviceAt: time,
    observedAt: time,
    window: record(['fromAt', 'toAt', 'count'], { fromAt: time, toAt: time, count, min: number, max: number }),
    quality: { enum: QUALITIES },
    flags: { type: 'array', maxItems: FLAGS.length, uniqueItems: true, items: { enum: FLAGS } },
    origin: { enum: ORIGINS },
    position: record(['lon', 'lat'], { lon: { type: 'number', minimum: -180, maximum: 180 }, lat: { type: 'number', minimum: -90, maximum: 90 }, heightM: number }),
    evidence: { type: 'array', maxItems: 16, items: record(['kind', 'model', 'frame', 'boxes'], { kind: { const: 'boxes' }, model: text(64), frame: count, boxes: { type: 'array', maxItems: 500, items: box } }) },
    warning: record(['id', 'rule', 'version', 'subject', 'level', 'change', 'onsetAt'], {
      id: text(64), rule: text(128), version: count, subject: text(128), level: { enum: [1, 2, 3, 4] }, change: { enum: ['raised', 'level', 'cleared'] }, onsetAt: time,
    }),
    gap: record(['stream', 'epoch', 'fromSeq', 'toSeq', 'fromAt', 'toAt', 'count', 'reason'], {
      stream: { enum: STREAMS }, epoch: count, fromSeq: count, toSeq: count, fromAt: time, toAt: time, count, reason: text(64),
    }),
  },
);

const validate = new Ajv({ allowUnionTypes: true }).compile(EVENT_SCHEMA);

/** What is wrong with an event, in one line, or null when it keeps every rule of the schema and of DESIGN 3. */
export function eventProblem(event: unknown): string | null {
  if (!validate(event)) return describe(validate.errors?.[0]);
  const checked = event as unknown as Event;
  if (checked.value === null && checked.quality !== 'bad') return 'value: null, which only bad quality allows';
  if ((checked.kind === 'gap') !== (checked.gap !== undefined)) return 'gap: belongs to kind gap, and to that alone';
  return null;
}

function describe(error: ErrorObject | undefined): string {
  if (!error) return 'not an event';
  const where = error.instancePath.slice(1).replaceAll('/', '.') || 'event';
  if (error.keyword === 'additionalProperties') return `${where}: unknown field ${String(error.params.additionalProperty)}`;
  return `${where}: ${error.message ?? error.keyword}`;
}
