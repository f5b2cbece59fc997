/** Settings of an RFID reader and of its points. */
import { z } from 'zod';
import { host } from '../../core/config/address.ts';
import { settingIssue, durationMs } from '../../core/setting.ts';

const durationBetween = (minMs: number, maxMs: number, issue: ReturnType<typeof settingIssue>) =>
  durationMs().refine((ms) => ms >= minMs && ms <= maxMs, issue);
const antennas = () => z.array(z.int().min(1).max(255));

export const settings = z
  .object({
    host: host()
      .optional()
      .meta({
        zh: '读写器地址（由本机主动连接，通常如此）',
        en: 'Address of the reader, where the edge connects to it, the usual case',
        examples: ['192.168.1.70'],
      }),
    port: z.int().min(1).max(65535).default(5084).meta({ zh: '读写器端口', en: 'Port of the reader' }),
    listen: z
      .string()
      .regex(/^(\[[0-9a-fA-F:]+\]|[^\s:[\]]+):\d{1,5}$/)
      .optional()
      .meta({
        zh: '读写器主动连接本机时的监听地址（代替 host）；一个端口对应一台读写器',
        en: 'Address to listen on, where the reader connects to the edge; instead of `host`, one reader per port',
        examples: ['0.0.0.0:5084'],
      }),
    antennas: antennas()
      .default([])
      .meta({ zh: '使用的天线，从 1 起；空为全部', en: 'Antennas to use, from 1; empty: all', examples: [[1, 2]] }),
    powerDbm: z
      .number()
      .min(0)
      .max(40)
      .optional()
      .meta({
        zh: '发射功率；取不超过它的最高一档；省略则不改读写器的设置',
        en: "Transmit power: the reader's highest step that does not exceed it; default: as set in the reader",
        examples: [27],
      }),
    session: z
      .int()
      .min(0)
      .max(3)
      .optional()
      .meta({
        zh: 'C1G2 会话：0 反复读同一标签，1 至 3 读过的标签一段时间内不再应答；省略则不改',
        en: 'C1G2 session: with 0 a tag is read repeatedly; with 1 to 3 a tag that was read does not answer for a while; default: as set in the reader',
      }),
    report: z
      .union([
        z
          .int()
          .min(1)
          .max(10_000)
          .transform((everyTags) => ({ everyTags })),
        durationBetween(100, 3_600_000, settingIssue('must be from 100ms to 1h', '必须在 100ms 到 1h 之间'))
          .transform((everyMs) => ({ everyMs })),
      ])
      .prefault(1)
      .meta({
        zh: '上报：每 N 次读到标签，或每隔一段时间',
        en: 'When the reader reports: after this many tag reads, or at this interval',
        examples: [1, '1s'],
      }),
    dedupe: durationBetween(0, 3_600_000, settingIssue('must be at most 1h', '不能超过 1h'))
      .prefault('1s')
      .meta({ zh: '同一天线在此时间内重复读到同一标签只计一次', en: 'Reads of one tag at one antenna within this time count once' }),
    minReads: z.int().min(1).max(100).default(2).meta({ zh: '2 秒内至少读到几次才判为到达', en: 'Reads within 2 s that count as an arrival' }),
    rssiFloor: z
      .number()
      .min(-128)
      .max(0)
      .default(-128)
      .meta({ zh: '低于此信号强度（dBm）的读取不计入到达、离开和通过', en: 'Reads weaker than this (dBm) do not count for arrivals, departures and passages' }),
    departAfter: durationBetween(100, 86_400_000, settingIssue('must be from 100ms to 1d', '必须在 100ms 到 1d 之间'))
      .prefault('5s')
      .meta({ zh: '多久读不到即判为离开：通道 5s，货架 60s', en: 'A tag has left after this time without a read: 5s at a gate, 60s at a shelf' }),
    keepalive: durationBetween(1000, 300_000, settingIssue('must be from 1s to 5m', '必须在 1s 到 5m 之间'))
      .prefault('10s')
      .meta({
        zh: '读写器心跳间隔；连续三个间隔没有消息即重新连接',
        en: 'Keep-alive interval of the reader; the edge reconnects after three intervals without a message',
      }),
  })
  .check((context) => {
    const { host: address, listen } = context.value;
    if ((address === undefined) !== (listen === undefined)) return;
    context.issues.push({
      code: 'custom',
      path: ['host'],
      input: address,
      ...settingIssue(
        'set either `host` (the edge connects to the reader) or `listen` (the reader connects to the edge)',
        'host（本机连接读写器）与 listen（读写器连接本机）须有且只有一个',
      ),
    });
  });
export type LlrpSettings = z.infer<typeof settings>;

const GIVES = ['read', 'arrived', 'left', 'passed', 'present', 'antennas-down', 'gpi'] as const;

export const point = z
  .object({
    gives: z
      .enum(GIVES)
      .meta({
        zh: 'read 每次读取、arrived 到达、left 离开、passed 从 from 走到 to（值均为 EPC）；present 在场数量；antennas-down 断开的天线数；gpi 输入端口',
        en: 'read, arrived, left, passed (from `from` to `to`): the value is the EPC; present: number of tags present; antennas-down: number of disconnected antennas; gpi: an input of the reader',
      }),
    antennas: antennas().default([]).meta({ zh: '只看这些天线；空为全部', en: 'Only these antennas; empty: all' }),
    epc: z
      .string()
      .regex(/^[0-9A-Fa-f]*$/)
      .default('')
      .meta({ zh: '只看以此开头的 EPC（十六进制）', en: 'Only EPCs with this prefix, hexadecimal', examples: ['3034257BF'] }),
    from: antennas().default([]).meta({ zh: 'passed：先经过的天线', en: 'passed: antennas that read it first' }),
    to: antennas().default([]).meta({ zh: 'passed：后经过的天线', en: 'passed: antennas that read it second' }),
    within: durationBetween(100, 600_000, settingIssue('must be from 100ms to 10m', '必须在 100ms 到 10m 之间'))
      .prefault('10s')
      .meta({ zh: 'passed：两者之间的最长时间', en: 'passed: longest time between the two' }),
    input: z.int().min(1).max(64).default(1).meta({ zh: 'gpi：端口号', en: 'gpi: number of the input' }),
  })
  .check((context) => {
    const { gives, from, to } = context.value;
    if (gives !== 'passed' || (from.length > 0 && to.length > 0 && !from.some((antenna) => to.includes(antenna)))) return;
    context.issues.push({
      code: 'custom',
      path: ['from'],
      input: from,
      ...settingIssue('passed needs `from` and `to` with different antennas', 'passed 需要 from 与 to，且二者不能有相同的天线'),
    });
  });
export type LlrpPoint = z.infer<typeof point>;
export type ConfiguredLlrpPoint = { id: string } & LlrpPoint;
