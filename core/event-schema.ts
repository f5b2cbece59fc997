/**
 * The border check of an event, as one JSON Schema compiled once.
 *
 * Used where events come from outside (the gateway's accept station) and published in the API document.
 */
import { Ajv, type ErrorObject } from 'ajv';
import { bilingualDescription } from './json-schema.ts';
import { CLOCKS, FLAGS, IDS, KINDS, MAX_NUMBER, ORIGINS, QUALITIES, STREAMS, type Event } from './event.ts';

const number = { type: 'number', minimum: -MAX_NUMBER, maximum: MAX_NUMBER };
const time = { type: 'integer', minimum: 0, maximum: 8.64e15 };
const count = { type: 'integer', minimum: 0, maximum: MAX_NUMBER };
const fraction = { type: 'number', minimum: 0, maximum: 1 };
const text = (maxLength: number) => ({ type: 'string', maxLength });
const record = (required: string[], properties: Record<string, unknown>) => ({ type: 'object', additionalProperties: false, required, properties });

const said = <S extends object>(schema: S, en: string, zh: string) => ({ ...schema, ...bilingualDescription(en, zh) });
const name = (pattern: RegExp) => ({ type: 'string', pattern: pattern.source });

const box = record(['class', 'score', 'x', 'y', 'width', 'height'], {
  class: text(64), score: fraction,
  ...Object.fromEntries(['x', 'y', 'width', 'height'].map((side) => [side, said(fraction, 'in fractions of the picture, from its upper left corner', '占画面的比例，自左上角起')])),
  track: said(count, 'number of the thing that was followed, the same through the pictures of one camera', '目标编号，同一摄像机的各幅图像中保持不变'),
});

const boxes = record(['kind', 'model', 'frame', 'boxes'], { kind: { const: 'boxes' }, model: text(64), frame: count, boxes: { type: 'array', maxItems: 500, items: box } });
const tagRead = record(['kind', 'epc'], {
  kind: { const: 'tag' }, epc: { type: 'string', pattern: '^[0-9A-F]{2,256}$' }, uri: text(256), antenna: count, rssiDbm: number, phaseDeg: number, count, firstAt: time, lastAt: time,
});
const pictureScore = record(['kind', 'frame', 'score', 'threshold'], { kind: { const: 'picture' }, frame: count, score: fraction, threshold: fraction });
const ofEvents = said({ type: 'array', minItems: 1, maxItems: 16, items: record(['point', 'at'], { point: name(IDS.point), at: time }) }, 'the events that it is of, all of this device', '所属事件，均为本设备');
const snapshot = record(['kind', 'sha256', 'mime', 'bytes', 'width', 'height', 'variant', 'frame', 'model', 'blurred'], {
  kind: { const: 'snapshot' }, sha256: said({ type: 'string', pattern: '^[0-9a-f]{64}$' }, 'of the file, which is at /api/v1/evidence/{sha256} once it has come', '文件的 SHA-256；到达后可从 /api/v1/evidence/{sha256} 取得'),
  mime: { enum: ['image/jpeg', 'image/webp'] }, bytes: count, width: count, height: count, variant: { enum: ['clean', 'annotated'] }, frame: count, model: text(64), blurred: { type: 'boolean' },
  stream: said({ const: 'main' }, 'of the main stream, fetched after the event; left out: of the pictures in which it was seen', '取自主码流，在事件之后；省略则为看到事件的画面'), at: said(time, 'when that was taken', '该画面的时刻'), of: ofEvents,
});
const clip = record(['kind', 'sha256', 'mime', 'bytes', 'durationMs', 'codec', 'width', 'height', 'fromAt', 'toAt', 'short', 'blurred', 'of'], {
  kind: { const: 'clip' }, sha256: said({ type: 'string', pattern: '^[0-9a-f]{64}$' }, 'of the file; that of a blurred copy is at /api/v1/evidence/{sha256} once it has come, any other stays on its edge', '文件的 SHA-256；blurred 的副本到达后可从 /api/v1/evidence/{sha256} 取得，其余只留在边缘节点'),
  mime: { enum: ['video/mp4', 'video/x-matroska'] }, bytes: count, durationMs: count, codec: text(32), width: count, height: count, fromAt: time, toAt: time,
  short: said({ type: 'boolean' }, 'it does not reach as far as it was to', '未达到应有的时长'), blurred: { type: 'boolean' },
  of: ofEvents,
});

export const EVENT_SCHEMA = record(
  ['edge', 'stream', 'epoch', 'seq', 'device', 'point', 'indicator', 'centre', 'kind', 'value', 'unit', 'occurredAt', 'clock', 'observedAt', 'quality', 'origin'],
  {
    edge: said(name(IDS.edge), 'the edge it is from; with stream, epoch and seq its name for ever', '来源边缘节点；与 stream、epoch、seq 一起永久标识事件'),
    stream: said({ enum: STREAMS }, 'which of the edge\'s ordered streams it belongs to', '所属的有序流'),
    epoch: said(count, 'an opening of the edge\'s log; grows', '边缘日志的一次开启；只增不减'),
    seq: said({ ...count, minimum: 1 }, 'its number within stream and epoch, from 1 without holes', '在流与 epoch 内的序号，从 1 起连续'),
    device: said(name(IDS.device), 'the device', '设备'),
    point: said(name(IDS.point), 'the point of the device', '测点'),
    indicator: said(name(IDS.indicator), 'code of the indicator; any is carried, also one that the catalogue does not know', '体征指标代码；目录外的代码同样接收'),
    subject: said(text(128), 'what the value is about; left out: the device', '所描述的对象；省略即设备'),
    centre: said(name(IDS.centre), 'the centre it belongs to', '所属中心'),
    kind: said({ enum: KINDS }, 'gap: says that events are not coming', '种类；gap 表示有事件不会到来'),
    value: said({ anyOf: [number, { type: 'boolean' }, text(4096), { type: 'null' }] }, 'null only when quality is bad', '仅当质量为 bad 时可为 null'),
    unit: said(text(64), 'UCUM; empty where the value has none', 'UCUM 单位；无单位时为空'),
    occurredAt: said(time, 'event time, ms UTC', '事件时间，UTC 毫秒'),
    clock: said({ enum: CLOCKS }, 'whose clock said so', '时间来自谁的时钟'),
    deviceAt: said(time, 'the device\'s own time, kept where the edge restamped the event', '设备自身时间，边缘改用自己的时间时保留'),
    observedAt: said(time, 'when the edge had it, ms UTC', '边缘节点得到的时间，UTC 毫秒'),
    window: said(record(['fromAt', 'toAt', 'count'], { fromAt: time, toAt: time, count, min: number, max: number }), 'the values that were merged into this one', '合并为此值的原始值'),
    quality: said({ enum: QUALITIES }, 'how far to trust the value', '质量'),
    flags: said({ type: 'array', maxItems: FLAGS.length, uniqueItems: true, items: { enum: FLAGS } }, 'why it is not simply good; a closed list', '质量原因，封闭列表'),
    origin: said({ enum: ORIGINS }, 'backfill: from a device\'s history; replay and simulated are not the real world', '来源；backfill 为设备历史，replay、simulated 非真实'),
    position: said(record(['lon', 'lat'], { lon: { type: 'number', minimum: -180, maximum: 180 }, lat: { type: 'number', minimum: -90, maximum: 90 }, heightM: number }), 'WGS-84, of things that move', 'WGS-84 坐标，用于移动目标'),
    evidence: said({ type: 'array', maxItems: 16, items: { anyOf: [boxes, tagRead, pictureScore, snapshot, clip] } }, 'what the value rests on', '依据'),
    warning: said(record(['id', 'rule', 'version', 'subject', 'level', 'change', 'onsetAt'], {
      id: text(64), rule: text(128), version: count, subject: text(128), level: said({ enum: [1, 2, 3, 4] }, '1 red, 2 orange, 3 yellow, 4 blue: smaller is worse', '1 红、2 橙、3 黄、4 蓝，越小越严重'), change: { enum: ['raised', 'level', 'cleared'] }, onsetAt: time,
    }), 'a warning that the edge raised by itself', '边缘节点自行发出的风险提示'),
    gap: said(record(['stream', 'epoch', 'fromSeq', 'toSeq', 'fromAt', 'toAt', 'count', 'reason'], {
      stream: { enum: STREAMS }, epoch: count, fromSeq: count, toSeq: count, fromAt: time, toAt: time, count, reason: said(text(64), 'of docs/losses.md', '见 docs/losses.md'),
    }), 'how many events are not coming, between which times, and why; numbers are 0 where there never were any', '不会到来的事件的数量、时间与原因；从未编号时序号为 0'),
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
