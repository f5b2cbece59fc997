/**
 * The format of a case: a folder with `case.yaml`, `traffic.jsonl` (bytes) or `frames.jsonl` (frames), and
 * `expected.jsonl`. Declared once: what is read, what is written and what the docs say follow from here.
 */
import { z } from 'zod';
import { IDS, ORIGINS } from '../core/event.ts';
import { settingIssue } from '../core/setting.ts';

/** Format version; a case without one has the first. */
export const CASE_VERSION = 1;

const settings = z
  .record(z.string(), z.unknown())
  .default({})
  .meta({ zh: '录制时的驱动设置', en: "the driver's settings it was recorded with" });
const points = z
  .array(z.looseObject({ id: z.string() }))
  .default([])
  .meta({ zh: '测点，写法与配置相同', en: 'points, as in a configuration' });
const driver = z
  .string()
  .min(1)
  .meta({ zh: '驱动', en: 'its driver', examples: ['modbus'] });
const deviceId = z
  .string()
  .regex(IDS.device)
  .meta({ zh: '设备编号，出现在样本中', en: 'id of the device, as in the samples', examples: ['pump-07-plc'] });
const timeout = z
  .string()
  .regex(/^\d+(\.\d+)?(ms|s|m|h)$/)
  .default('2s')
  .meta({ zh: '一次应答的最长等待', en: 'longest wait for one answer' });

const startsAt = z.union([
  z.number().int(),
  z.string().transform((text, context) => {
    const atMs = Date.parse(text);
    if (!Number.isNaN(atMs)) return atMs;
    context.addIssue({
      code: 'custom',
      input: text,
      ...settingIssue('not a time such as 2026-01-01T00:00:00Z', '不是时间，应如 2026-01-01T00:00:00Z'),
    });
    return z.NEVER;
  }),
]);

/** `case.yaml`. One device stands at the top; several stand in `devices`, on one clock. */
export const CASE_SCHEMA = z
  .object({
    version: z.number().int().default(CASE_VERSION).meta({ zh: '格式版本', en: 'format version' }),
    title: z
      .string()
      .min(1)
      .meta({ zh: '录制内容', en: 'title', examples: ['a meter that is silent once'] }),
    source: z
      .string()
      .min(1)
      .meta({
        zh: '来源：设备、厂家文档或手工构造',
        en: 'source: a device, a vendor document, or built by hand',
        examples: ['recorded from a meter in pump station 7'],
      }),
    licence: z
      .string()
      .min(1)
      .meta({ zh: '许可', en: 'licence', examples: ['Apache-2.0'] }),
    level: z.enum(['bytes', 'frames']).meta({ zh: 'bytes 为字节，frames 为驱动的帧', en: "bytes, or the driver's frames" }),
    secrets: z
      .enum(['none', 'masked', 'above'])
      .default('none')
      .meta({
        zh: 'masked：密钥已用 0 掩码；above：录制点在加密或认证之上',
        en: 'masked: secrets are zeros; above: recorded above encryption or authentication',
      }),
    asker: z
      .enum(['driver', 'other'])
      .default('driver')
      .meta({
        zh: '录制时由谁提问：本驱动，或其他程序（如抓包）；后者时驱动自己的提问按同类问题的录制应答作答',
        en: "whose questions were recorded: this driver's or another program's, as in a capture; the latter answers our driver with recorded answers to similar questions",
      }),
    startsAt: startsAt.meta({
      zh: '开始时间；各行的 afterUs 从此计',
      en: 'start; `afterUs` of each line counts from here',
      examples: ['2026-01-01T00:00:00Z'],
    }),
    driver: driver.optional(),
    device: deviceId.default('device'),
    settings,
    points,
    timeout,
    devices: z
      .array(z.object({ id: deviceId, driver, settings, points, timeout }))
      .min(1)
      .optional()
      .meta({
        zh: '多台设备时，代替顶层的 driver、device、settings、points',
        en: 'several devices, in place of driver, device, settings and points at the top',
      }),
  })
  .check((context) => {
    const { driver: one, devices } = context.value;
    if ((one === undefined) !== (devices === undefined)) return;
    context.issues.push({
      code: 'custom',
      path: ['driver'],
      input: one,
      ...settingIssue('either `driver` at the top or `devices`', '顶层 `driver` 与 `devices` 须有且只有一个'),
    });
  });

const place = {
  /** µs since `startsAt`; never less than in the line before. */
  afterUs: z.number().min(0),
  /** A number for each connection of the case; a new one for each that was opened. */
  conn: z.number().int().min(1),
  /** The first device on this link; default: the case's only or first device. */
  device: z.string().optional(),
};

const hex = z.string().refine((text) => text.length % 2 === 0 && /^[0-9a-f]*$/i.test(text), 'bytes are pairs of hexadecimal digits');

/** A line of `traffic.jsonl`: bytes, or what became of their connection. */
export const TRAFFIC_LINE = z.union([
  z.strictObject({ ...place, dir: z.enum(['in', 'out']), bytes: hex, peer: z.string().optional() }),
  /** Default: a connection opens with its first bytes, over TCP and from our side. */
  z.strictObject({
    ...place,
    event: z.literal('open'),
    via: z.enum(['tcp', 'udp', 'serial']),
    by: z.enum(['edge', 'device']),
    peer: z.string().optional(),
  }),
  z.strictObject({ ...place, event: z.literal('close'), by: z.enum(['edge', 'device']), reset: z.boolean().optional() }),
  /** Bytes on the wire that are missing in the recording. */
  z.strictObject({ ...place, event: z.literal('lost'), dir: z.enum(['in', 'out']), count: z.number().int().min(1) }),
]);

/** A line of `frames.jsonl`: the driver's own fields beside these. */
export const FRAME_LINE = z.looseObject({ afterUs: z.number().min(0).default(0), device: z.string().optional() });

const position = z.strictObject({ lon: z.number(), lat: z.number(), heightM: z.number().optional() });
const window = z.strictObject({
  fromAt: z.number(),
  toAt: z.number(),
  count: z.number(),
  min: z.number().optional(),
  max: z.number().optional(),
});
/** Only `decode` gives it: antenna, signal, times. */
const tag = z.looseObject({ kind: z.literal('tag'), epc: z.string() });

/** A line of `expected.jsonl`: a sample or a fault in the form of `--json`. */
export const EXPECTED_LINE = z.union([
  z.strictObject({
    device: z.string(),
    point: z.string(),
    value: z.union([z.number(), z.string(), z.boolean(), z.null()]),
    unit: z.string(),
    at: z.number(),
    quality: z.enum(['good', 'uncertain', 'bad']),
    flags: z.array(z.string()),
    origin: z.enum(ORIGINS).optional(),
    position: position.optional(),
    window: window.optional(),
    tag: tag.optional(),
    bytes: z.strictObject({ at: z.number(), hex: z.string() }).optional(),
    question: z.string().optional(),
    answer: z.string().optional(),
  }),
  z.strictObject({
    fault: z.string(),
    stage: z.string(),
    message: z.string(),
    remedy: z.string(),
    at: z.number(),
    device: z.string().optional(),
  }),
]);

export type CaseHead = z.infer<typeof CASE_SCHEMA>;
export type TrafficLine = z.infer<typeof TRAFFIC_LINE>;
export type BytesLine = Extract<TrafficLine, { bytes: string }>;
export type FrameLine = z.infer<typeof FRAME_LINE>;
