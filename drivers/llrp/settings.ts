/** Settings of an RFID reader and of its points. */
import { z } from 'zod';
import { host } from '../../core/config/address.ts';
import { settingIssue, durationMs } from '../../core/setting.ts';

const finite = (leastMs: number, mostMs: number, words: ReturnType<typeof settingIssue>) =>
  durationMs().refine((ms) => ms >= leastMs && ms <= mostMs, words);
const antennas = () => z.array(z.int().min(1).max(255));

export const settings = z
  .object({
    host: host()
      .optional()
      .meta({
        zh: '读写器地址（由本机主动连接，通常如此）',
        en: 'Address of the reader, where we dial it, as usual',
        examples: ['192.168.1.70'],
      }),
    port: z.int().min(1).max(65535).default(5084).meta({ zh: '读写器端口', en: 'Its port' }),
    listen: z
      .string()
      .regex(/^(\[[0-9a-fA-F:]+\]|[^\s:[\]]+):\d{1,5}$/)
      .optional()
      .meta({
        zh: '读写器主动连接本机时的监听地址（代替 host）；一个端口对应一台读写器',
        en: 'Where the reader dials us instead of host; one reader a port',
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
        en: "Power to send with: the reader's highest step that is not above it; left out: as the reader is set",
        examples: [27],
      }),
    session: z
      .int()
      .min(0)
      .max(3)
      .optional()
      .meta({
        zh: 'C1G2 会话：0 反复读同一标签，1 至 3 读过的标签一段时间内不再应答；省略则不改',
        en: 'C1G2 session: 0 reads a tag again and again, with 1 to 3 a tag that was read is quiet for a while; left out: as the reader is set',
      }),
    report: z
      .union([
        z
          .int()
          .min(1)
          .max(10_000)
          .transform((everyTags) => ({ everyTags })),
        finite(100, 3_600_000, settingIssue('must be from 100ms to 1h', '必须在 100ms 到 1h 之间')).transform((everyMs) => ({ everyMs })),
      ])
      .prefault(1)
      .meta({
        zh: '上报：每 N 次读到标签，或每隔一段时间',
        en: 'When the reader reports: after so many tags, or once in such a time',
        examples: [1, '1s'],
      }),
    dedupe: finite(0, 3_600_000, settingIssue('must be at most 1h', '不能超过 1h'))
      .prefault('1s')
      .meta({ zh: '同一天线上同一标签在此时间内只算一次', en: 'Reads of one tag at one antenna within this time are one' }),
    minReads: z.int().min(1).max(100).default(2).meta({ zh: '2 秒内至少读到几次才算到达', en: 'Reads within 2 s that make an arrival' }),
    rssiFloor: z
      .number()
      .min(-128)
      .max(0)
      .default(-128)
      .meta({ zh: '低于此信号强度（dBm）的读取不计入到达、离开和通过', en: 'Weaker reads (dBm) make no arrival and no passing' }),
    departAfter: finite(100, 86_400_000, settingIssue('must be from 100ms to 1d', '必须在 100ms 到 1d 之间'))
      .prefault('5s')
      .meta({ zh: '多久没读到算离开：通道 5s，货架 60s', en: 'Gone after so long without a read: 5s at a gate, 60s at a shelf' }),
    keepalive: finite(1000, 300_000, settingIssue('must be from 1s to 5m', '必须在 1s 到 5m 之间'))
      .prefault('10s')
      .meta({
        zh: '读写器心跳间隔；三次没有即重新连接',
        en: 'How often the reader shows that it is alive; after three without a word it is dialled anew',
      }),
  })
  .check((context) => {
    const { host: dialled, listen } = context.value;
    if ((dialled === undefined) !== (listen === undefined)) return;
    context.issues.push({
      code: 'custom',
      path: ['host'],
      input: dialled,
      ...settingIssue(
        'either `host` (we dial the reader) or `listen` (it dials us)',
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
        en: 'read, arrived, left, passed (from `from` to `to`): the value is the EPC; present: how many are there; antennas-down: how many antennas are off; gpi: an input of the reader',
      }),
    antennas: antennas().default([]).meta({ zh: '只看这些天线；空为全部', en: 'Only these antennas; empty: all' }),
    epc: z
      .string()
      .regex(/^[0-9A-Fa-f]*$/)
      .default('')
      .meta({ zh: '只看以此开头的 EPC（十六进制）', en: 'Only EPCs that begin so, hexadecimal', examples: ['3034257BF'] }),
    from: antennas().default([]).meta({ zh: 'passed：先经过的天线', en: 'passed: antennas that see it first' }),
    to: antennas().default([]).meta({ zh: 'passed：后经过的天线', en: 'passed: antennas that see it then' }),
    within: finite(100, 600_000, settingIssue('must be from 100ms to 10m', '必须在 100ms 到 10m 之间'))
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
      ...settingIssue('passed needs antennas `from` and others `to`', 'passed 需要 from 与 to，且二者不能有相同的天线'),
    });
  });
export type LlrpPoint = z.infer<typeof point>;
export type ConfiguredLlrpPoint = { id: string } & LlrpPoint;
