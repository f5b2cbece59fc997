/**
 * The messages between an edge and its gateway as schemas, the one source of what is checked and of what the documents
 * publish. Commands and their answers are in commands.ts, the event in ../event.ts.
 */
import { z } from 'zod';
import { SENT_KINDS } from './mime.ts';
import { EVENT_SCHEMA, IDS, MAX_TIME_MS, ORIGIN_FIELDS, STREAMS } from '../event.ts';
import type { JsonSchema } from '../json-schema.ts';
import { bilingualDescription } from '../typed-schema.ts';
import { MAX_BATCH_EVENTS } from './batch.ts';
import { MAX_DEVICES, MAX_EVIDENCE_BYTES, MAX_EVIDENCE_PART_BYTES, MAX_HAVE_RANGES, MAX_UNKNOWN_UP } from './limits.ts';
import { WIRE_VERSION } from './topics.ts';

const v = z.literal(WIRE_VERSION).meta({ en: 'version of the wire', zh: '协议版本' });
const time = z.number().min(0).max(MAX_TIME_MS);
const count = z.number().min(0);
const whole = z.int().min(0);
const stream = z.enum(STREAMS);
const code = z.string().regex(/^CV_[A-Z0-9_]{1,60}$/).meta({ en: 'a code of docs/faults.md', zh: '代码见 docs/faults.md' });

export const DEVICE_SCHEMA = z.object({
  id: z.string().regex(IDS.device),
  driver: z.string().max(64),
  title: z.string().max(200).exactOptional(),
  subject: z.string().max(128).exactOptional(),
  position: z.object({ lon: z.number().min(-180).max(180), lat: z.number().min(-90).max(90) }).exactOptional(),
  online: z.boolean(),
  reason: z
    .string()
    .max(500)
    .meta({
      en: 'a code of docs/faults.md while it does not answer; empty or `ok` when all is well',
      zh: '不应答时为 docs/faults.md 中的代码；正常时为空或 ok',
    }),
  lastAt: time.nullable().meta({ en: 'its newest good value, ms UTC', zh: '最近一个有效值的时间，UTC 毫秒' }),
  periodMs: z.number().positive().exactOptional().meta({ en: 'how often it is read', zh: '采集周期' }),
  pictures: z.boolean().exactOptional().meta({ en: "the edge's HTTP has its newest picture", zh: '边缘节点的 HTTP 提供其最新画面' }),
});

export const UNKNOWN_DEVICE_SCHEMA = z.object({
  driver: z.string().max(64),
  address: z
    .string()
    .max(300)
    .meta({ en: "where it was heard: a listening address, or a broker's", zh: '收到数据的地址：监听地址或代理地址' }),
  id: z
    .string()
    .max(64)
    .meta({ en: 'MN, registration packet, EPC, topic; empty when it says nothing', zh: 'MN、注册包、EPC、主题；未发送任何内容时为空' }),
  peer: z.string().max(64),
  said: z
    .object({ hex: z.string().max(96), text: z.string().max(48) })
    .meta({ en: 'its first bytes; what is not printable is a dot in the text', zh: '最初的字节；文本中不可打印的字符以点表示' }),
  yaml: z.string().max(1500).meta({ en: 'to be pasted under `devices:`', zh: '可粘贴到 devices: 之下' }),
  count: whole.meta({ en: 'how often it spoke', zh: '发来数据的次数' }),
  firstAt: time,
  lastAt: time,
});

/** Unknown fields are let be by who reads it, so that a newer edge is understood. */
export const STATE_SCHEMA = z.object({
  v,
  edge: z.string().regex(IDS.edge),
  centre: z.string().regex(IDS.centre),
  online: z
    .boolean()
    .meta({
      en: 'the last will is this message with false, and nothing beside v, edge, centre',
      zh: '遗嘱即此消息取 false，且只含 v、edge、centre',
    }),
  sentAt: time
    .exactOptional()
    .meta({ en: "by the edge's clock; the gateway answers it on `ack`", zh: '边缘时钟的时间；网关在 ack 上应答' }),
  version: z.string().max(64).exactOptional(),
  startedAt: time.exactOptional(),
  clockOffsetMs: z
    .number()
    .nullable()
    .exactOptional()
    .meta({ en: "the gateway's clock minus the edge's; null before the first answer", zh: '网关时钟减边缘时钟；首次应答前为 null' }),
  log: z
    .object({
      depth: count.meta({ en: 'events that are not settled yet', zh: '尚未确认的事件数' }),
      bytes: count,
      byStream: z.partialRecord(stream, count),
    })
    .exactOptional(),
  http: z
    .url({ protocol: /^https?$/ })
    .max(200)
    .exactOptional()
    .meta({ en: "base of the edge's own HTTP, where it listens", zh: '边缘节点自身 HTTP 的地址（若开启）' }),
  httpKey: z
    .string()
    .regex(/^[\w-]{16,128}$/)
    .exactOptional()
    .meta({
      en: 'by which the gateway asks there (`Authorization: Bearer`); new at each start of the edge',
      zh: '网关访问该地址所用的密钥（Authorization: Bearer），边缘节点每次启动都会更换',
    }),
  commandKey: z
    .string()
    .regex(/^[0-9a-f]{64}$/)
    .exactOptional()
    .meta({
      en: 'SHA-256 of the public key (SPKI, DER) by which it verifies commands; absent: it takes unsigned ones',
      zh: '校验命令所用公钥（SPKI，DER）的 SHA-256；缺省表示接受未签名的命令',
    }),
  devices: z.array(DEVICE_SCHEMA).max(MAX_DEVICES).exactOptional(),
  unknown: z
    .array(UNKNOWN_DEVICE_SCHEMA)
    .max(MAX_UNKNOWN_UP)
    .exactOptional()
    .meta({ en: 'devices that spoke and that nobody configured, newest first', zh: '发来数据但未配置的设备，最新在前' }),
});

export const ACK_SCHEMA = z.object({
  v, stream, epoch: whole,
  upTo: whole.meta({ en: 'everything up to here is settled: durable, or refused', zh: '至此全部了结：已落盘或已拒收' }),
  have: z.array(z.tuple([whole, whole])).max(MAX_HAVE_RANGES).meta({ en: 'ranges above it that are settled too', zh: '其上已了结的区间' }),
  refused: z.array(z.object({ from: whole, to: whole, code })).meta({ en: 'refused by this batch, and quarantined', zh: '本批被拒收并隔离的区间' }),
  gateway: z.string(), at: time,
});

export const REFUSAL_SCHEMA = z.object({
  v, error: code,
  sha256: z.string().regex(/^[0-9a-f]{64}$/).meta({ en: 'of the payload that could not be read', zh: '无法解析的载荷的 SHA-256' }),
  detail: z.string().exactOptional(),
});

export const CLOCK_SCHEMA = z.object({
  v,
  clock: z.object({
    echo: time.meta({ en: '`sentAt` of the state that this answers', zh: '所应答状态的 sentAt' }),
    at: time.meta({ en: "the gateway's clock", zh: '网关时钟' }),
  }),
  takes: z
    .array(z.enum(['evidence', 'clips']))
    .exactOptional()
    .meta({ en: 'what else the gateway takes of this edge', zh: '网关还接收本边缘节点的哪些内容' }),
});

const fileHash = z.string().regex(/^[0-9a-f]{64}$/).meta({ en: 'of the whole file', zh: '整个文件的 SHA-256' });
export const EVIDENCE_PART_SCHEMA = z.object({
  v, sha256: fileHash, mime: z.enum(SENT_KINDS),
  bytes: z.int().min(1).max(MAX_EVIDENCE_BYTES).meta({ en: 'of the whole file', zh: '整个文件的字节数' }),
  at: time.meta({ en: 'when it was taken, ms UTC', zh: '拍摄时间，UTC 毫秒' }),
  offset: z.int().min(0).max(MAX_EVIDENCE_BYTES).meta({ en: 'where this part begins', zh: '本段的起始位置' }),
  data: z.base64().max(Math.ceil(MAX_EVIDENCE_PART_BYTES / 3) * 4).meta({ en: 'empty: asks how much of it is there', zh: '为空则询问已收到多少' }),
});

export const EVIDENCE_ANSWER_SCHEMA = z.object({
  v,
  evidence: z.object({
    sha256: fileHash,
    have: whole.meta({
      en: 'bytes that are there; all of them: whole, checked and on disk',
      zh: '已收到的字节数；等于总数即完整、已校验并落盘',
    }),
    refused: code.exactOptional().meta({ en: 'it will not be taken', zh: '不予接收的原因' }),
  }),
});

const integer = (minimum: number): JsonSchema => ({ type: 'integer', minimum, maximum: Number.MAX_SAFE_INTEGER });
const BATCH_NAME: Record<string, JsonSchema> = {
  v: { const: WIRE_VERSION, ...bilingualDescription('version of the wire', '协议版本') },
  from: { type: 'string', minLength: 1, maxLength: 64, ...bilingualDescription('the sender of this hop', '本跳的发送者') },
  stream: { enum: STREAMS },
  epoch: { ...integer(0), ...bilingualDescription('an opening of the sender\'s log; grows', '发送者日志的一次开启；只增不减') },
  seq: { ...integer(1), ...bilingualDescription('number of the first event; the others follow without a hole', '首个事件的序号，其后连续') },
};
const ORIGIN: readonly string[] = ORIGIN_FIELDS;

/** Easy for anyone to send. */
export const BATCH_ROWS_SCHEMA: JsonSchema = {
  type: 'object',
  required: ['v', 'from', 'stream', 'epoch', 'seq', 'events'],
  ...bilingualDescription(
    'a batch as rows: the run [seq, seq + length) of one stream and epoch; JSON, alone or in one zstd frame',
    '批次（行式）：同一流、同一 epoch 内连续的一段；JSON，可用单个 zstd 帧压缩',
  ),
  properties: {
    ...BATCH_NAME,
    events: {
      type: 'array',
      minItems: 1,
      maxItems: MAX_BATCH_EVENTS,
      // An event whose own origin is this hop carries none.
      items: {
        ...EVENT_SCHEMA,
        required: EVENT_SCHEMA.required.filter((field) => !ORIGIN.includes(field)),
        ...bilingualDescription(
          "an event; edge, stream, epoch and seq are the batch's unless it says others",
          '事件；edge、stream、epoch、seq 省略时取自批次',
        ),
      },
    },
  },
};

const COLUMN: JsonSchema = {
  anyOf: [
    {
      type: 'array',
      ...bilingualDescription(
        'a value for each event; null: it has none (in `value`: null)',
        '逐个事件的值；null 表示没有（value 列为 null 值）',
      ),
    },
    {
      type: 'object',
      required: ['all'],
      additionalProperties: false,
      properties: { all: bilingualDescription('the same for all', '全部相同') },
    },
    {
      type: 'object',
      required: ['of', 'at'],
      additionalProperties: false,
      properties: {
        of: { type: 'array', ...bilingualDescription('the different values', '不同的值') },
        at: { type: 'array', items: integer(0), ...bilingualDescription('for each event its place in `of`', '各事件在 of 中的下标') },
      },
    },
    {
      type: 'object',
      required: ['delta'],
      additionalProperties: false,
      properties: {
        delta: {
          type: 'array',
          items: { type: 'number' },
          ...bilingualDescription('the first value, then differences', '首值，其后为差值'),
        },
      },
    },
  ],
};

/** What edges send and logs store. */
export const BATCH_COLUMNS_SCHEMA: JsonSchema = {
  type: 'object',
  required: ['v', 'from', 'stream', 'epoch', 'seq', 'count', 'columns'],
  ...bilingualDescription(
    'a batch as columns, what edges send: the run [seq, seq + count); JSON, alone or in one zstd frame',
    '批次（列式，边缘节点所用）：连续的一段；JSON，可用单个 zstd 帧压缩',
  ),
  properties: {
    ...BATCH_NAME,
    count: { ...integer(1), maximum: MAX_BATCH_EVENTS, ...bilingualDescription('how many events', '事件数') },
    columns: {
      type: 'object',
      propertyNames: { enum: Object.keys(EVENT_SCHEMA.properties) },
      additionalProperties: COLUMN,
      ...bilingualDescription('a column for each field that any event has', '任一事件具有的字段各占一列'),
    },
  },
};
