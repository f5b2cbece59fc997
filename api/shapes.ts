/**
 * The shapes of api/views.ts as schemas: the one source of the OpenAPI document, held to the types by the compiler
 * (`satisfies`) and to the real answers by a test.
 */
import { WARNING_STATES } from '../city/warning/state.ts';
import { z } from 'zod';
import type * as api from './views.ts';

import { addDescriptions } from '../core/json-schema.ts';
import { bilingualDescription } from '../core/typed-schema.ts';
import { EVENT_SCHEMA, FLAGS, KINDS, QUALITIES, type Clip, type Snapshot } from '../core/event.ts';
import { PUBLISHED_PROPERTIES, UNKNOWN_DEVICE_SCHEMA } from '../core/wire/schemas.ts';
import { COMMAND_KINDS, COMMAND_STATUSES, WRITABLE_SCHEMA } from '../core/wire/commands.ts';

/** What stands under `components.schemas` of the document. */
const NAMED = new Map<z.ZodType, string>();
function named<T extends z.ZodType>(id: string, en: string, zh: string, schema: T): T {
  const noted = schema.meta({ en, zh });
  NAMED.set(noted, id);
  return noted;
}

const time = z.int().min(0).meta({ en: 'ms UTC', zh: 'UTC 毫秒' });
const count = z.int().min(0);
const ms = z.number().meta({ en: 'milliseconds', zh: '毫秒' });
const value = z.union([z.number(), z.boolean(), z.string(), z.null()]).meta({ en: 'null only when quality is bad', zh: '仅当质量为 bad 时可为 null' });
const level = z.union([z.literal(1), z.literal(2), z.literal(3), z.literal(4)]).meta({ en: '1 red, 2 orange, 3 yellow, 4 blue: smaller is worse', zh: '1 红、2 橙、3 黄、4 蓝，越小越严重' });
const quality = z.enum(QUALITIES);
const flags = z.array(z.enum(FLAGS));

export const Words = named('Words', 'one text in both languages', '一段双语文本', z.object({ zh: z.string(), en: z.string() })) satisfies z.ZodType<api.BilingualText>;
const Position = named('Position', 'WGS-84', 'WGS-84 坐标', z.object({ lon: z.number(), lat: z.number(), heightM: z.exactOptional(z.number()) }));

const LastValue = named('LastValue', 'newest value of a point', '测点的最新值', z.object({
  indicator: z.string(), point: z.string(), name: Words,
  kind: z.enum(KINDS).meta({ en: 'what a measurement or state says holds; an occurrence was at `at` and is over: an event of the town, or a record such as a clip or a command', zh: 'measurement 和 state 为当前值；occurrence 发生于 at，已经结束：城市事件，或短视频、命令等记录' }),
  value, unit: z.string().meta({ en: 'UCUM', zh: 'UCUM 单位' }), at: time, quality, flags,
  limits: z.array(z.object({ level, value: z.number(), direction: z.enum(['high', 'low']) })),
})) satisfies z.ZodType<api.LastValue>;

export const DeviceView = named('Device', 'a device with its state and newest values', '设备、状态及最新值', z.object({
  id: z.string(), edge: z.string(), centre: z.string(), driver: z.string(), subject: z.string(), position: Position.nullable(),
  freshness: z.enum(['fresh', 'late', 'lost', 'unobserved']), since: z.exactOptional(time).meta({ en: 'since when it is so, as far as the gateway has seen it; ms UTC', zh: '处于此状态的起始时刻（网关所见），UTC 毫秒' }), reason: z.string(), remedy: z.exactOptional(Words), lastAt: time.nullable(),
  picture: z.string().nullable().meta({ en: 'path of its newest picture', zh: '最新画面的路径' }), live: z.exactOptional(z.string()).meta({ en: 'where to ask (POST) to watch it live, where that can be had', zh: '申请（POST）实时观看的路径，仅可观看的摄像机有' }), values: z.array(LastValue),
})) satisfies z.ZodType<api.DeviceView>;

export const BindingView = named('Binding', 'which edges have a device', '设备所属的边缘节点', z.object({
  device: z.string(), edges: z.array(z.string()).meta({ en: 'of several the one that last had it live is asked', zh: '多个时，命令发往最近与其通信的节点' }),
  configured: z.boolean().meta({ en: 'by the configuration; else the first edge seen with it, or an operator', zh: '由配置指定；否则为首个上送的节点，或由操作员绑定' }),
  foreign: z.array(z.object({ edge: z.string(), count })).meta({ en: 'edges that spoke for it all the same, with the number of their events held back', zh: '仍上送其数据的其他节点，及暂存的事件数' }),
})) satisfies z.ZodType<api.BindingView>;

export const BindResult = named('BindResult', 'a device that was given to an edge, or an edge that was moved to a centre', '设备绑定或中心变更的结果', z.object({
  edge: z.string(), device: z.exactOptional(z.string()), centre: z.exactOptional(z.string()), before: z.array(z.string()), taken: count.meta({ en: 'events that were held back and came in now', zh: '随之入库的暂存事件数' }),
})) satisfies z.ZodType<api.BindResultView>;

export const UnknownDeviceView = named('UnknownDevice', 'a device that spoke to an edge and that nobody configured; times by its edge\'s clock', '向边缘节点发来数据但未配置的设备；时间以边缘时钟计', z.object({
  edge: z.string(), centre: z.string(), ...UNKNOWN_DEVICE_SCHEMA.shape,
})) satisfies z.ZodType<api.UnknownDeviceView>;

export const PictureView = named('Picture', 'newest picture of a camera; boxes in fractions of it', '摄像机最新画面；检测框按画面比例', z.object({
  device: z.string(), at: time, index: count, width: count, height: count, jpegBase64: z.string(),
  boxes: z.array(z.object({ class: z.string(), score: z.number(), x: z.number(), y: z.number(), width: z.number(), height: z.number() })),
})) satisfies z.ZodType<api.PictureView>;

export const Session = named('Session', 'who is signed in', '登录者', z.object({
  name: z.string().nullable().meta({ en: 'of the configuration; null when nobody is', zh: '配置中的名称；未登录为 null' }),
  role: z.enum(['reader', 'operator']).nullable().meta({ en: 'an operator\'s session reads only: commands need the token itself', zh: '操作员的会话也只能读取；下达命令须使用令牌' }),
})) satisfies z.ZodType<api.SessionView>;
export const LiveTicket = named('LiveTicket', 'leave to watch a camera', '实时观看凭证', z.object({
  path: z.string().meta({ en: 'open it as a web socket, once', zh: '以 WebSocket 打开，一次有效' }), expiresAt: time,
})) satisfies z.ZodType<api.LiveTicketView>;

export const SeriesView = named('Series', 'one indicator of one point of one device', '某设备某测点的某项指标', z.object({
  indicator: z.string(), device: z.string(), point: z.string(), unit: z.string(), centre: z.string(), edge: z.string(),
  known: z.boolean().meta({ en: 'false when the catalogue does not know the indicator', zh: '目录外的指标为 false' }), name: Words, lastAt: time,
})) satisfies z.ZodType<api.SeriesView>;

const PointView = named('Point', 'one stored value, or a bucket of them', '一个存储值，或一桶的汇总', z.object({
  at: time, value, quality, flags, min: z.exactOptional(z.number()), max: z.exactOptional(z.number()), count: z.exactOptional(count),
})) satisfies z.ZodType<api.PointView>;

const next = z.string().nullable().meta({ en: 'give it as `after` for the next page; null at the end', zh: '作为下一页的 after；末页为 null' });
export const SeriesRange = named('SeriesRange', 'values of one series, by time', '单个序列的数值，按时间', z.object({
  series: SeriesView, from: time, to: time, downsampled: z.boolean(), items: z.array(PointView), next,
  gaps: z.exactOptional(z.array(z.object({ from: time, to: time, count: count.nullable() }))).meta({ en: 'damaged on disk and left out', zh: '磁盘上已损坏、未列出的部分' }),
})) satisfies z.ZodType<api.SeriesRange>;

const Reason = named('Reason', 'one sentence of why, and the value it rests on', '一句理由及其依据的值', z.object({
  zh: z.string(), en: z.string(),
  cites: z.object({ indicator: z.string(), device: z.string(), point: z.string(), at: time, value, unit: z.string() }),
})) satisfies z.ZodType<api.Reason>;

const ClipShape = named('Clip', 'what came around an event, named by its hash', '事件前后的短视频，以哈希命名', z.object({
  kind: z.literal('clip'), sha256: z.string().regex(/^[0-9a-f]{64}$/), mime: z.enum(['video/mp4', 'video/x-matroska']), bytes: count, durationMs: count, codec: z.string(), width: count, height: count,
  fromAt: time, toAt: time, short: z.boolean(), blurred: z.boolean(), of: z.array(z.object({ point: z.string(), at: time })),
})) satisfies z.ZodType<Clip>;
const SnapshotShape = named('Snapshot', 'a picture that goes with an event, named by its hash', '随事件的画面，以哈希命名', z.object({
  kind: z.literal('snapshot'), sha256: z.string().regex(/^[0-9a-f]{64}$/), mime: z.enum(['image/jpeg', 'image/webp']), bytes: count, width: count, height: count,
  variant: z.enum(['clean', 'annotated']), frame: count, model: z.string(), blurred: z.boolean().meta({ en: 'faces are made unrecognisable', zh: '人脸已抹去' }),
  stream: z.exactOptional(z.literal('main')).meta({ en: 'of the main stream, sharper and taken later, at `at`', zh: '取自主码流，更清晰，在 `at` 时刻拍摄，晚于事件' }), at: z.exactOptional(time), of: z.exactOptional(z.array(z.object({ point: z.string(), at: time }))),
})) satisfies z.ZodType<Snapshot>;
export const WarningView = named('Warning', 'something a centre must act on', '须由中心处置的风险提示', z.object({
  id: z.string(), cursor: z.string().exactOptional().meta({ en: 'place of its last change among those of all warnings', zh: '其最近一次变化在全部风险提示变化中的位置' }), rule: z.string(), version: z.int(), type: z.enum(['threshold', 'absence']),
  indicator: z.string(), device: z.string(), point: z.string(), subject: z.string(), centre: z.string(), level,
  state: z.enum(WARNING_STATES),
  condition: z.enum(['active', 'cleared']), exercise: z.boolean(), late: z.boolean(), raisedBy: z.string(),
  onsetAt: time, raisedAt: time, publishedAt: time, changedAt: time, clearedAt: time.nullable(), previousId: z.string().nullable(),
  title: Words, place: z.object({ zh: z.string(), en: z.string(), position: Position.nullable() }), reasons: z.array(Reason), snapshots: z.array(SnapshotShape).exactOptional().meta({ en: 'pictures of what it was raised for; each is at /api/v1/evidence/{sha256} once it has come', zh: '触发时的画面；到达后可从 /api/v1/evidence/{sha256} 取得' }), clips: z.array(ClipShape).exactOptional().meta({ en: 'what came around it; a blurred copy is at /api/v1/evidence/{sha256} once it has come, any other stays on its edge', zh: '前后的短视频；blurred 的副本到达后可从 /api/v1/evidence/{sha256} 取得，其余只留在边缘节点' }), suggestion: Words,
  incomplete: z.array(z.string()).meta({ en: 'parts that are missing; empty = complete', zh: '缺失的部分；空表示完整' }),
})) satisfies z.ZodType<api.WarningView>;

/** As it is published: `revision` and `id` together name this state of it. */
export const PublishedWarning = WarningView.extend({ revision: count.meta({ en: 'grows with each change of this warning', zh: '每次变化递增' }), previous: z.string().nullable().meta({ en: 'cursor of the change before it, of any warning; null: unknown, ask the API', zh: '此前一次变化的游标（任一风险提示）；null 表示未知，请向接口查询' }) });

const EdgeView = named('Edge', 'an edge as the gateway knows it', '网关所知的边缘节点', z.object({
  id: z.string(), centre: z.string(), online: z.boolean(), version: z.string().nullable(), logDepth: count.nullable(), clockOffsetMs: ms.nullable(),
  seenAt: time.meta({ en: 'when it last spoke of itself, ms UTC; 0: never, it is known by the configuration or by its events', zh: '最近一次自报状态的时刻，UTC 毫秒；0 表示从未自报，仅见于配置或其事件' }),
})) satisfies z.ZodType<api.EdgeView>;

const SinkView = named('Sink', 'another place events go: how far behind it is, and what keeps it', '另一去向：落后多少、因何受阻', z.object({
  id: z.string(), kind: z.string(), lag: count, written: count, setAside: count, missed: count, problem: z.object({ code: z.string(), zh: z.string(), en: z.string() }).nullable(),
})) satisfies z.ZodType<api.SinkView>;

const ConfigView = named('Config', 'what became of a changed configuration file', '配置文件改动的处理结果', z.object({
  loadedAt: time, refused: z.object({ at: time, problems: z.array(z.object({ place: z.string(), code: z.string(), zh: z.string(), en: z.string() })) }).nullable(), restartNeeded: z.array(z.string()),
}));

export const StatusView = named('Status', 'the path of a sample with live counts', '样本全程的实时计数', z.object({
  gateway: z.string(), centre: z.string(), name: z.exactOptional(Words), exercise: z.boolean(), now: time, startedAt: time, evaluatedTo: time.nullable(),
  devices: z.object({ total: count, fresh: count, lost: count.meta({ en: 'do not answer', zh: '设备无应答' }), unobserved: count.meta({ en: 'their edge is away', zh: '所属边缘节点离线' }) }), edges: z.array(EdgeView),
  path: z.object({
    edgeDepth: count, accepted: count, duplicates: count, refused: count, stored: count, storeLag: count, rulesLag: count,
    warningsOpen: count, acceptMs: ms.nullable(), storeMs: ms.nullable(), warnMs: ms.nullable(),
  }),
  sinks: z.exactOptional(z.array(SinkView)), config: z.exactOptional(ConfigView),
})) satisfies z.ZodType<api.StatusView>;

export const StoreCheckView = named('StoreCheck', 'reading the whole store back: how far it is, and what it found', '时序库全量回读校验：进度与结果', z.object({
  state: z.enum(['never', 'running', 'done', 'failed']), startedAt: time.nullable(), endedAt: time.nullable(),
  done: count.meta({ en: 'chunks and blocks that were read', zh: '已读数据块' }), of: count.meta({ en: 'of so many', zh: '总数' }),
  chunks: count, blocks: count, points: count.meta({ en: 'in chunks that are sound', zh: '完好压缩块中的点' }), rows: count.meta({ en: 'not in chunks yet', zh: '尚未压缩的点' }),
  damages: count.meta({ en: 'how many are damaged; the first thousand are named', zh: '损坏块数；最多列出一千个' }),
  damaged: z.array(z.object({ series: z.string().nullable(), from: time, to: time, count: count.nullable() })), problems: z.array(Words),
  fault: z.object({ code: z.string(), zh: z.string(), en: z.string() }).nullable(),
})) satisfies z.ZodType<api.StoreCheckView>;

export const IndicatorView = named('Indicator', 'an entry of the catalogue, or a code it does not know yet', '目录条目，或目录外的代码', z.object({
  code: z.string(), known: z.boolean(), version: z.int().nullable(), name: Words, unit: z.string(), board: z.string().nullable(), runway: z.string().nullable(), seriesCount: count,
})) satisfies z.ZodType<api.IndicatorView>;

export const QuarantineItem = named('QuarantineItem', 'what was refused, and why', '被拒收的内容及原因', z.object({
  id: z.int(), at: time, sender: z.string(), code: z.string(), detail: z.string(), sha256: z.string(), bytes: count, excerpt: z.string(),
})) satisfies z.ZodType<api.QuarantineItem>;

export const CommandView = named('Command', 'a command to an edge and what became of it; values are in the point\'s own unit', '发往边缘节点的命令及其结果；值以测点自身单位', z.object({
  id: z.string(), kind: z.enum(COMMAND_KINDS), device: z.string(), edge: z.string(), centre: z.string(),
  points: z.exactOptional(z.array(z.string())), point: z.exactOptional(z.string()), value: z.exactOptional(WRITABLE_SCHEMA),
  by: z.string(), reason: z.string(), issuedAt: time, expiresAt: time,
  status: z.enum(['pending', ...COMMAND_STATUSES]).meta({ en: 'pending: not answered yet · done: as asked, and read back · refused: not begun · failed: begun, and surely not as asked · expired: not begun in time · unknown: it may have been carried out', zh: 'pending：尚未应答 · done：已完成并回读 · refused：未开始 · failed：已开始，但未达要求 · expired：过期未开始 · unknown：可能已执行' }),
  sentAt: time.nullable(), answeredAt: time.nullable(), fault: z.object({ code: z.string(), message: Words, remedy: Words }).nullable(),
  values: z.array(z.object({ point: z.string(), value, unit: z.string(), at: time, quality, flags })).nullable(),
  readBack: WRITABLE_SCHEMA.nullable(), picture: PictureView.nullable(),
})) satisfies z.ZodType<api.CommandView>;

/** By its name alone in the document of the API. @public */
export const Problem = named('Problem', 'RFC 9457; `code` is of docs/faults.md, `remedy` says what to do', 'RFC 9457；code 见 docs/faults.md，remedy 说明如何处理', z.looseObject({
  type: z.string(), title: z.string(), status: z.int(), detail: z.string(), code: z.string(), remedy: z.string(),
})) satisfies z.ZodType<api.Problem>;

export const DemoView = named('Demo', 'only inside `cityvitals demo`', '仅在 cityvitals demo 中', z.object({
  seconds: z.number(), act: Words, canCut: z.boolean(), canKill: z.boolean(), networkCut: z.boolean(), edgeDown: z.boolean(),
  witnessed: count, missing: count, twice: count, checkedAt: time.nullable(),
})) satisfies z.ZodType<api.DemoView>;

export const LiveMessage = named('LiveMessage', 'what /live sends: `event:` is the kind, `data:` this', '/live 推送的内容：event 为种类，data 为此对象', z.union([
  z.object({ kind: z.literal('status'), status: StatusView }),
  z.object({ kind: z.literal('value'), indicator: z.string(), device: z.string(), point: z.string(), at: time, value, unit: z.string(), quality, flags }),
  z.object({ kind: z.literal('warning'), warning: WarningView }),
  z.object({ kind: z.literal('device'), device: DeviceView }),
  z.object({ kind: z.literal('demo'), demo: DemoView }),
])) satisfies z.ZodType<api.LiveMessage>;

export const Health = named('Health', 'ok, or what keeps the gateway from its work', '正常，或网关受阻的原因', z.object({
  status: z.enum(['ok', 'impaired']), gateway: z.string(), version: z.string(), problems: z.array(z.object({ code: z.string(), detail: z.string(), detailZh: z.string() })),
}));

/** A page of a list. */
export const pageOf = <T extends z.ZodType>(item: T) => z.object({ items: z.array(item), next });

/** An event as followers get it: the border's schema and the fields that this gateway adds. */
const FOLLOWED_EVENT = {
  ...EVENT_SCHEMA,
  ...bilingualDescription('an event with its place in this gateway\'s log', '事件及其在本网关日志中的位置'),
  required: [...EVENT_SCHEMA.required, 'cursor', 'receivedAt'],
  properties: {
    ...EVENT_SCHEMA.properties, ...PUBLISHED_PROPERTIES,
    cursor: { type: 'string', ...bilingualDescription('opaque; give it as `after`', '不透明；用作 after') },
    receivedAt: { type: 'integer', ...bilingualDescription('ms UTC when this gateway had it', '本网关收到的时间，UTC 毫秒') },
  },
};
const EVENT_PAGE = {
  type: 'object', additionalProperties: false, required: ['items', 'next'],
  properties: { items: { type: 'array', items: { $ref: '#/components/schemas/FollowedEvent' } }, next: { type: 'string', ...bilingualDescription('never null: go on from here, also at the end', '不为空：末尾也由此继续') } },
};

/** A schema of an answer: a reference when it is a named shape, else written out with references to those inside it. */
export function answerSchema(answer: z.ZodType): Record<string, unknown> {
  const id = NAMED.get(answer);
  return id === undefined ? (withReferences([answer, 'Answer']).Answer ?? {}) : { $ref: `#/components/schemas/${id}` };
}

/** `components.schemas`: the shapes above, the event, and the page of events. */
export function componentSchemas(): Record<string, unknown> {
  return { ...withReferences(), FollowedEvent: FOLLOWED_EVENT, EventPage: EVENT_PAGE, Document: { type: 'object', ...bilingualDescription('a JSON document', 'JSON 文档') } };
}

function withReferences(...more: [z.ZodType, string][]): Record<string, Record<string, unknown>> {
  const registry = z.registry<{ id: string }>();
  for (const [shape, id] of [...NAMED, ...more]) registry.add(shape, { id });
  const { schemas } = z.toJSONSchema(registry, { uri: (id) => `#/components/schemas/${id}`, override: ({ jsonSchema }) => addDescriptions(jsonSchema) });
  return Object.fromEntries(Object.entries(schemas).map(([id, { $schema: _dialect, $id: _id, ...schema }]) => [id, schema]));
}
