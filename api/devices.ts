/** A device with its state and newest values. */
import { z } from 'zod';
import { KINDS } from '../core/event.ts';
import { component } from './component.ts';
import { EXAMPLE_AT, EXAMPLE_NAME, EXAMPLE_POSITION, EXAMPLE_SERIES } from './example-values.ts';
import { flags, level, POSITION, quality, time, value, WORDS } from './fields.ts';

/** fresh: newest value younger than 3 periods; late: older; lost: the device does not answer; unobserved: its edge is away. */
export const FRESHNESS = ['fresh', 'late', 'lost', 'unobserved'] as const;
export type Freshness = (typeof FRESHNESS)[number];

export const LastValue = component(
  'LastValue',
  'newest value of a point',
  '测点的最新值',
  z.object({
    indicator: z.string(),
    point: z.string(),
    name: WORDS,
    kind: z.enum(KINDS).meta({
      en: 'what a measurement or state says holds; an occurrence was at `at` and is over: an event of the town, or a record such as a clip or a command',
      zh: 'measurement 和 state 为当前值；occurrence 发生于 at，已经结束：城市事件，或短视频、命令等记录',
    }),
    value,
    unit: z.string().meta({ en: 'UCUM', zh: 'UCUM 单位' }),
    at: time,
    quality,
    flags,
    /** Of the indicator's rules, worst last, for drawing. */
    limits: z.array(z.object({ level, value: z.number(), direction: z.enum(['high', 'low']) })),
  }),
);
export type LastValue = z.infer<typeof LastValue>;

export const DeviceView = component(
  'Device',
  'a device with its state and newest values',
  '设备、状态及最新值',
  z.object({
    id: z.string(),
    edge: z.string(),
    centre: z.string(),
    driver: z.string(),
    subject: z.string(),
    position: POSITION.nullable(),
    freshness: z.enum(FRESHNESS),
    since: z.exactOptional(time).meta({
      en: 'since when it is so, as far as the gateway has seen it; ms UTC',
      zh: '处于此状态的起始时刻（网关所见），UTC 毫秒',
    }),
    reason: z.string().meta({
      en: 'a code of docs/faults.md while it does not answer, or answers and something is wrong all the same; `ok` or empty when all is well',
      zh: '不应答，或虽应答但仍有异常时，为 docs/faults.md 中的代码；正常时为空或 ok',
    }),
    remedy: z.exactOptional(WORDS).meta({ en: 'what to do about it, where `reason` is a fault', zh: 'reason 为故障时的处理办法' }),
    lastAt: time.nullable(),
    picture: z.string().nullable().meta({ en: 'path of its newest picture', zh: '最新画面的路径' }),
    live: z.exactOptional(z.string()).meta({
      en: 'where to ask (POST) to watch it live, where that can be had',
      zh: '申请（POST）实时观看的路径，仅可观看的摄像机有',
    }),
    values: z.array(LastValue),
  }),
);
export type DeviceView = z.infer<typeof DeviceView>;

export const DEVICE_EXAMPLE: DeviceView = {
  id: 'pump-07-plc',
  edge: 'pump-07',
  centre: '500112001',
  driver: 'modbus',
  subject: 'pump-07',
  position: EXAMPLE_POSITION,
  freshness: 'fresh',
  since: EXAMPLE_AT - 86_400_000,
  reason: 'answers',
  lastAt: EXAMPLE_AT,
  picture: null,
  values: [
    {
      indicator: EXAMPLE_SERIES.indicator,
      point: EXAMPLE_SERIES.point,
      name: EXAMPLE_NAME,
      kind: 'measurement',
      value: 3.2,
      unit: 'm',
      at: EXAMPLE_AT,
      quality: 'good',
      flags: [],
      limits: [
        { level: 3, value: 2.5, direction: 'high' },
        { level: 2, value: 3, direction: 'high' },
      ],
    },
  ],
};
