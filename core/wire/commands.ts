/**
 * Commands from a centre to an edge (`…/cmd`) and their answers (`…/rsp`), checked at both ends by the same schemas.
 * A command is repeated until it is answered: an edge that has seen its id answers again and does nothing.
 */
import { z } from 'zod';
import { FLAGS, IDS, MAX_NUMBER, MAX_TEXT_LENGTH, MAX_TIME_MS, QUALITIES } from '../event.ts';
import { settingIssue } from '../setting.ts';
import { WIRE_VERSION } from './topics.ts';
import { parseJson } from './json.ts';

export const COMMAND_KINDS = ['read', 'write', 'snapshot'] as const;

/** done: as asked, and read back · refused: not begun · failed: begun, and surely not as asked · expired: not begun in time · unknown: it may have been carried out. */
export const COMMAND_STATUSES = ['done', 'refused', 'failed', 'expired', 'unknown'] as const;
export type CommandStatus = (typeof COMMAND_STATUSES)[number];

/** Longest life of a command. The memory of ids outlives it. */
export const MAX_LIFE_MS = 3_600_000;
/** A picture in an answer, as its JSON; larger ones are refused. */
export const MAX_PICTURE_BYTES = 512 << 10;
/** The values of a read, as their JSON. */
export const MAX_VALUES_BYTES = 512 << 10;
export const MAX_COMMAND_BYTES = 32 << 10;
export const MAX_POINTS = 256;

const number = z.number().min(-MAX_NUMBER).max(MAX_NUMBER);
const time = z.int().min(0).max(MAX_TIME_MS).meta({ en: 'ms UTC', zh: 'UTC 毫秒' });
const device = z.string().regex(IDS.device);
const point = z.string().regex(IDS.point);
export const WRITABLE_SCHEMA = z.union([number, z.boolean(), z.string().max(MAX_TEXT_LENGTH)]);

/** What must hold for a point's newest value, in the unit that its events have. Exactly one of is, above, below. */
export const CONDITION_SCHEMA = z
  .strictObject({
    device: device
      .optional()
      .meta({ zh: '设备；默认为被写的设备', en: 'its device; default: the one that is written to', examples: ['pump-07-plc'] }),
    point: point.meta({ zh: '测点', en: 'the point', examples: ['running'] }),
    is: WRITABLE_SCHEMA.optional().meta({ zh: '等于', en: 'equals', examples: [false] }),
    above: number.optional().meta({ zh: '大于', en: 'is above', examples: [0.5] }),
    below: number.optional().meta({ zh: '小于', en: 'is below', examples: [3.0] }),
  })
  .refine(
    ({ is, above, below }) => [is, above, below].filter((one) => one !== undefined).length === 1,
    settingIssue('give exactly one of is, above, below', 'is、above、below 三者只能且必须写一个'),
  );
export type Condition = z.infer<typeof CONDITION_SCHEMA>;

export const COMMAND_ID = /^[A-Za-z0-9_-]{8,64}$/;
const common = {
  v: z.literal(WIRE_VERSION),
  id: z.string().regex(COMMAND_ID),
  device,
  by: z.string().min(1).max(64),
  reason: z.string().min(1).max(500),
  issuedAt: time,
  expiresAt: time,
  over: z
    .literal(true)
    .exactOptional()
    .meta({
      en: "by the gateway's clock it has expired: say what became of it, and never carry it out now",
      zh: '按网关时钟已过期：只回答其结果，不再执行',
    }),
  counter: z.int().min(1).exactOptional().meta({
    en: 'of a signed command: grows with each message of the gateway, repeats included',
    zh: '签名命令的计数器：网关每发一条消息（含重发）即增大',
  }),
  signature: z.string().regex(/^[\w-]{86}$/).exactOptional().meta({
    en: 'Ed25519, base64url: only for edges that verify commands; what is signed: docs/commands.md',
    zh: 'Ed25519 签名，base64url：仅发给校验命令的边缘节点；签名内容见 docs/commands.zh-CN.md',
  }),
};
const points = z.array(point).min(1).max(MAX_POINTS);

export const COMMAND_SCHEMA = z.discriminatedUnion('kind', [
  z.strictObject({
    ...common,
    kind: z.literal('read'),
    points: points.exactOptional().meta({ en: 'left out: all of the device', zh: '省略则为设备的全部测点' }),
  }),
  z.strictObject({
    ...common,
    kind: z.literal('write'),
    point,
    value: WRITABLE_SCHEMA,
    unit: z.string().max(64).exactOptional().meta({ en: 'refused when the point is in another one', zh: '与测点单位不符则拒绝' }),
    ifState: CONDITION_SCHEMA.exactOptional(),
  }),
  z.strictObject({ ...common, kind: z.literal('snapshot') }),
]);
export type Command = z.infer<typeof COMMAND_SCHEMA>;

const fault = z.strictObject({
  code: z.string().regex(/^CV_[A-Z0-9_]{1,60}$/),
  params: z.record(z.string().max(64), z.union([z.string().max(2000), z.number()])),
});
export const READING_SCHEMA = z.strictObject({
  point,
  value: z.union([WRITABLE_SCHEMA, z.null()]).meta({ en: 'null only when quality is bad', zh: '仅当质量为 bad 时可为 null' }),
  unit: z.string().max(64),
  at: time,
  quality: z.enum(QUALITIES),
  flags: z.array(z.enum(FLAGS)),
});
const fraction = z.number().min(0).max(1);
export const PICTURE_SCHEMA = z.strictObject({
  device,
  at: time,
  index: z.int().min(0),
  width: z.int().min(0),
  height: z.int().min(0),
  jpegBase64: z.string(),
  boxes: z
    .array(z.strictObject({ class: z.string().max(64), score: z.number(), x: fraction, y: fraction, width: fraction, height: fraction }))
    .max(500),
});

export const ANSWER_SCHEMA = z.strictObject({
  v: z.literal(WIRE_VERSION), id: z.string().regex(COMMAND_ID), status: z.enum(COMMAND_STATUSES),
  fault: fault.exactOptional().meta({ en: 'why it is not done; a code of docs/faults.md', zh: '未完成的原因，代码见 docs/faults.md' }),
  values: z.array(READING_SCHEMA).max(MAX_POINTS).exactOptional().meta({ en: 'of a read', zh: '读取的结果' }),
  readBack: WRITABLE_SCHEMA.exactOptional().meta({ en: 'of a write: what the point reads behind it', zh: '写入后的回读值' }),
  picture: PICTURE_SCHEMA.exactOptional().meta({ en: 'of a snapshot', zh: '抓拍的画面' }),
  at: time.meta({ en: 'when the edge settled it, ms UTC by the edge', zh: '边缘节点了结的时间，UTC 毫秒，按其时钟' }),
});
export type Answer = z.infer<typeof ANSWER_SCHEMA>;
export type CommandReading = z.infer<typeof READING_SCHEMA>;

/** A payload as what it should be, or what is wrong with it in a few words; never throws. */
export function readMessage<S extends z.ZodType>(
  schema: S,
  payload: Uint8Array,
  maxBytes: number,
): { ok: true; message: z.output<S> } | { ok: false; detail: string; id: string | null } {
  if (payload.length > maxBytes) return { ok: false, detail: `${payload.length} bytes`, id: null };
  let body: unknown;
  try {
    body = parseJson(new TextDecoder('utf-8', { fatal: true }).decode(payload));
  } catch (error) {
    return { ok: false, detail: (error as Error).message.slice(0, 200), id: null };
  }
  const parsed = schema.safeParse(body);
  if (parsed.success) return { ok: true, message: parsed.data };
  const { path, message } = parsed.error.issues[0] ?? { path: [], message: '' };
  const id = (body as { id?: unknown } | null)?.id;
  return {
    ok: false,
    detail: `${path.join('.')}: ${message}`.slice(0, 300),
    id: typeof id === 'string' && COMMAND_ID.test(id) ? id : null,
  };
}

/** A condition in words that need no language: `pump-07-plc/running = false`. */
export function conditionText({ device: of, point: name, is, above, below }: Condition, written: string): string {
  const sign = is !== undefined ? `= ${String(is)}` : above !== undefined ? `> ${above}` : `< ${below}`;
  return `${of ?? written}/${name} ${sign}`;
}
