/**
 * The event: the one record that goes from an edge to a gateway and on to every consumer, declared once: its schema
 * gives the type, what the border checks, what the documents publish, the fields on the wire and the limits.
 *
 * An event is named for ever by (edge, stream, epoch, seq); nothing on its way rewrites these four.
 * All times are ms UTC. Numbers are finite and within ±2^53.
 */
import type { OwnIndicator } from './own-indicators.ts';
import {
  anyOf, boolean, constant, integer, list, matching, nothing, numeric, oneOf, record, recordSchema, text,
  type Accepted,
  type RecordOf,
} from './typed-schema.ts';

export const STREAMS = ['warning', 'state', 'measurement', 'diagnostic'] as const;
export type Stream = (typeof STREAMS)[number];

export const KINDS = ['measurement', 'state', 'occurrence', 'diagnostic', 'gap'] as const;
export type Kind = (typeof KINDS)[number];

export const QUALITIES = ['good', 'uncertain', 'bad'] as const;
export type Quality = (typeof QUALITIES)[number];

export const ORIGINS = ['live', 'backfill', 'replay', 'simulated'] as const;
export type Origin = (typeof ORIGINS)[number];

const CLOCKS = ['device', 'edge', 'unsynced'] as const;
export type ClockSource = (typeof CLOCKS)[number];

/** Why a value is not simply good. Closed: a flag that is not here is refused at the border. */
export const FLAGS = [
  'stale', 'clamped', 'out-of-range', 'spike', 'stuck', 'skewed', 'fault-code', 'rolled-over', 'substituted', 'initial',
  'override', 'sensor', 'comm', 'config', 'device', 'calibration', 'maintenance', 'unit', 'unknown-indicator', 'simulated', 'other',
] as const;
export type Flag = (typeof FLAGS)[number];

export const LEVELS = [1, 2, 3, 4] as const;
export type Level = (typeof LEVELS)[number];

export const IDS = {
  edge: /^[a-z0-9-]{1,64}$/,
  centre: /^[0-9A-Z]{6,12}$/,
  indicator: /^[A-Za-z0-9._-]{1,64}$/,
  device: /^[A-Za-z0-9._:-]{1,64}$/,
  point: /^[A-Za-z0-9._:-]{1,64}$/,
} as const;

/** Largest magnitude a number may have on the way: above it, JSON readers elsewhere round. */
export const MAX_NUMBER = 2 ** 53;
/** The last time that a `Date` can tell. */
export const MAX_TIME_MS = 8.64e15;
/** Of a value that is a text, in characters. */
export const MAX_TEXT_LENGTH = 4096;

const finite = numeric(-MAX_NUMBER, MAX_NUMBER);
const count = integer(0, MAX_NUMBER);
const time = integer(0, MAX_TIME_MS).note('ms UTC', 'UTC 毫秒');
const fraction = numeric(0, 1);
const sha256 = matching(/^[0-9a-f]{64}$/);
const ofPicture = fraction.note('in fractions of the picture, from its upper left corner', '占画面的比例，自左上角起');

const BOX = record({
  class: text(64),
  score: fraction,
  x: ofPicture,
  y: ofPicture,
  width: ofPicture,
  height: ofPicture,
  track: count.note('number of the thing that was followed, the same through the pictures of one camera', '目标编号，同一摄像机的各幅图像中保持不变').optional(),
});
/** A detection in a picture. */
export interface Box extends Accepted<typeof BOX> {}

/** From a detector; `frame` names the picture it looked at. */
const BOXES = record({ kind: constant('boxes'), model: text(64), frame: count, boxes: list(BOX, { maxItems: 500 }) });

/** From an RFID reader: a tag, and how it was read. */
const TAG_READ = record({
  kind: constant('tag'),
  /** As it is on the tag. */
  epc: matching(/^[0-9A-F]{2,256}$/),
  /** `urn:epc:…`, where its scheme is known. */
  uri: text(256).optional(),
  antenna: count.optional(),
  rssiDbm: finite.optional(),
  /** At the reader. */
  phaseDeg: finite.optional(),
  /** How often it was read. */
  count: count.optional(),
  firstAt: time.optional(),
  lastAt: time.optional(),
});
export interface TagRead extends Accepted<typeof TAG_READ> {}

/** How much of a finding a picture shows, and from where on it is one. */
const PICTURE_SCORE = record({ kind: constant('picture'), frame: count, score: fraction, threshold: fraction });

const ofEvents = list(record({ point: matching(IDS.point), at: time }), { minItems: 1, maxItems: 16 }).note(
  'the events that it is of, all of this device',
  '所属事件，均为本设备',
);

export const SNAPSHOT_SCHEMA = record({
  kind: constant('snapshot'),
  sha256: sha256.note(
    'of the file, which is at /api/v1/evidence/{sha256} once it has come',
    '文件的 SHA-256；到达后可从 /api/v1/evidence/{sha256} 取得',
  ),
  mime: oneOf(['image/jpeg', 'image/webp']),
  bytes: count,
  width: count,
  height: count,
  /** annotated: with boxes, time and place drawn into it. */
  variant: oneOf(['clean', 'annotated']),
  /** Of the picture that it is made of: the best one of what the event is about, so it may be an earlier one. */
  frame: count,
  /** What found the boxes. */
  model: text(64),
  blurred: boolean().note('faces, and plates where that is set, are made unrecognisable', '人脸（及按设置的车牌）已遮挡，无法辨认'),
  /** Of a picture of the main stream, `frame` and `model` are those of the first event that it is of. */
  stream: constant('main')
    .note(
      'of the main stream, sharper, fetched after the event; left out: of the pictures in which it was seen',
      '取自主码流，更清晰，在事件之后；省略则为看到事件的画面',
    )
    .optional(),
  at: time.note('when that was taken, ms UTC', '该画面的时刻，UTC 毫秒').optional(),
  of: ofEvents.optional(),
});
/** A picture as a file of its own, named by what it holds; it follows the event and may come later. */
export interface Snapshot extends Accepted<typeof SNAPSHOT_SCHEMA> {}

export const CLIP_SCHEMA = record({
  kind: constant('clip'),
  sha256: sha256.note(
    'of the file; that of a blurred copy is at /api/v1/evidence/{sha256} once it has come, any other stays on its edge',
    '文件的 SHA-256；blurred 的副本到达后可从 /api/v1/evidence/{sha256} 取得，其余只留在边缘节点',
  ),
  mime: oneOf(['video/mp4', 'video/x-matroska']),
  bytes: count,
  durationMs: count,
  codec: text(32),
  width: count,
  height: count,
  /** Of its first picture, and where the last ends. */
  fromAt: time,
  toAt: time,
  /** Or something is missing between. */
  short: boolean().note('it does not reach as far as it was to', '未达到应有的时长'),
  blurred: boolean().note(
    'a copy with faces made unrecognisable, encoded anew, which goes to the gateway',
    '人脸已遮挡、重新编码的副本，上送网关',
  ),
  of: ofEvents,
});
/** What came around events, as a file of its own: in an event of point `clip` that follows them. It stays on its edge, but for its blurred copy. */
export interface Clip extends Accepted<typeof CLIP_SCHEMA> {}

const EVIDENCE = anyOf(BOXES, TAG_READ, PICTURE_SCORE, SNAPSHOT_SCHEMA, CLIP_SCHEMA);
/** What a value rests on. */
export type Evidence = Accepted<typeof EVIDENCE>;

/** Of events that bring a picture of the main stream, point `snapshot`, after those that it is of. */
export const SNAPSHOT_INDICATOR: OwnIndicator = 'CV-SNAPSHOT';

/** Of events that bring one. */
export const CLIP_INDICATOR: OwnIndicator = 'CV-CLIP';

export const POSITION_SCHEMA = record({ lon: numeric(-180, 180), lat: numeric(-90, 90), heightM: finite.optional() });
export interface Position extends Accepted<typeof POSITION_SCHEMA> {}

const WINDOW = record({ fromAt: time, toAt: time, count, min: finite.optional(), max: finite.optional() });
/** The values that were merged into one event, by the edge's reduce station or by the device itself (`count` 0: it does not say how many). */
export interface Window extends Accepted<typeof WINDOW> {}

const EDGE_WARNING = record({
  id: text(64),
  rule: text(128),
  version: count,
  subject: text(128),
  level: oneOf(LEVELS).note('1 red, 2 orange, 3 yellow, 4 blue: smaller is worse', '1 红、2 橙、3 黄、4 蓝，越小越严重'),
  change: oneOf(['raised', 'level', 'cleared']),
  onsetAt: time,
});

const GAP = record({
  stream: oneOf(STREAMS),
  epoch: count,
  fromSeq: count,
  toSeq: count,
  fromAt: time,
  toAt: time,
  count,
  reason: text(64).note('of docs/losses.md', '见 docs/losses.md'),
});
/** Says: `count` events of this stream are not coming. fromSeq = toSeq = 0 when they never had numbers. */
export interface Gap extends Accepted<typeof GAP> {}

const ORIGIN = {
  edge: matching(IDS.edge).note('the edge it is from; with stream, epoch and seq its name for ever', '来源边缘节点；与 stream、epoch、seq 一起永久标识事件'),
  stream: oneOf(STREAMS).note('which of the edge\'s ordered streams it belongs to', '所属的有序流'),
  epoch: count.note('an opening of the edge\'s log; grows', '边缘缓存的一次开启；只增不减'),
  seq: integer(1, MAX_NUMBER).note('its number within stream and epoch, from 1 without holes', '在流与 epoch 内的序号，从 1 起连续'),
};

export const VALUE_SCHEMA = anyOf(finite, boolean(), text(MAX_TEXT_LENGTH), nothing()).note(
  'null only when quality is bad',
  '仅当质量为 bad 时可为 null',
);
export type Value = Accepted<typeof VALUE_SCHEMA>;

const DRAFT = {
  device: matching(IDS.device).note('the device', '设备'),
  point: matching(IDS.point).note('the point of the device', '测点'),
  indicator: matching(IDS.indicator).note(
    'code of the indicator; any is carried, also one that the catalogue does not know',
    '体征指标代码；目录外的代码同样接收',
  ),
  subject: text(128).note('what the value is about; left out: the device', '所描述的对象；省略即设备').optional(),
  centre: matching(IDS.centre).note('the centre it belongs to', '所属中心'),
  kind: oneOf(KINDS).note('gap: says that events are not coming', '种类；gap 表示有事件不会到来'),
  value: VALUE_SCHEMA,
  unit: text(64).note('UCUM; empty where the value has none', 'UCUM 单位；无单位时为空'),
  occurredAt: time.note('event time, ms UTC', '事件时间，UTC 毫秒'),
  clock: oneOf(CLOCKS).note('whose clock said so', '时间来自谁的时钟'),
  deviceAt: time
    .note("the device's own time, ms UTC, kept where the edge restamped the event", '设备自身时间，UTC 毫秒，边缘改用自己的时间时保留')
    .optional(),
  observedAt: time.note('when the edge had it, ms UTC', '边缘节点得到的时间，UTC 毫秒'),
  window: WINDOW.note('the values that were merged into this one', '合并为此值的原始值').optional(),
  quality: oneOf(QUALITIES).note('how far to trust the value', '质量'),
  flags: list(oneOf(FLAGS), { maxItems: FLAGS.length, uniqueItems: true })
    .note('why it is not simply good; a closed list', '质量原因，封闭列表')
    .optional(),
  origin: oneOf(ORIGINS).note(
    "backfill: from a device's history; replay and simulated are not the real world",
    '来源；backfill 为设备历史，replay、simulated 非真实',
  ),
  position: POSITION_SCHEMA.note('WGS-84, of things that move', 'WGS-84 坐标，用于移动目标').optional(),
  evidence: list(EVIDENCE, { maxItems: 16 }).note('what the value rests on', '依据').optional(),
  warning: EDGE_WARNING.note('a warning that the edge raised by itself', '边缘节点自行发出的风险提示').optional(),
  gap: GAP.note(
    'how many events are not coming, between which times, and why; numbers are 0 where there never were any',
    '不会到来的事件的数量、时间与原因；从未编号时序号为 0',
  ).optional(),
};

/** An event before the log has given it its name: what the edge's stations pass on. */
export interface Draft extends RecordOf<typeof DRAFT> {}
export interface Event extends Draft, RecordOf<typeof ORIGIN> {}

export const EVENT_SCHEMA = recordSchema({ ...ORIGIN, ...DRAFT });
/** In the order of the wire. */
export const ORIGIN_FIELDS = Object.keys(ORIGIN) as (keyof typeof ORIGIN)[];
export const DRAFT_FIELDS = Object.keys(DRAFT) as (keyof Draft)[];
export const EVENT_FIELDS: readonly (keyof Event)[] = [...ORIGIN_FIELDS, ...DRAFT_FIELDS];

/** Which stream of a log an event belongs to. */
export function streamOf(draft: Pick<Draft, 'kind' | 'warning' | 'gap'>): Stream {
  if (draft.gap) return draft.gap.stream;
  if (draft.warning) return 'warning';
  if (draft.kind === 'measurement' || draft.kind === 'diagnostic') return draft.kind;
  return 'state';
}

/** The name of an event, `edge:stream:epoch:seq`. */
export function eventId(event: Pick<Event, 'edge' | 'stream' | 'epoch' | 'seq'>): string {
  return `${event.edge}:${event.stream}:${event.epoch}:${event.seq}`;
}

/** The key of the series an event belongs to. */
export function seriesKey(event: Pick<Draft, 'indicator' | 'device' | 'point'>): string {
  return `${event.indicator}|${event.device}|${event.point}`;
}
