/** The edge's configuration file, declared once: type, defaults, checks and, by the notes, its documentation. */
import { z } from 'zod';
import { brokerUrl, host } from '../../core/config/address.ts';
import { IDS, MAX_NUMBER } from '../../core/event.ts';
import { settingIssue, durationMs, rate, sizeBytes, timeZone } from '../../core/setting.ts';
import { CHINA } from '../../core/time-zone.ts';
import { AT_REST_SCHEMA } from '../../log/at-rest/setting.ts';
import { CONDITION_SCHEMA } from '../../core/wire/commands.ts';
import { TIME_SOURCES } from '../clock/edge-clock.ts';
import { WINDOW_VALUES } from '../reduce/point-window.ts';
import { EVIDENCE_SCHEMA } from '../infer/evidence/setup.ts';

const DAY_MS = 86_400_000;
const number = () => z.number().min(-MAX_NUMBER).max(MAX_NUMBER);
/** A duration that ends: neither 0 nor `forever`. */
const finite = (leastMs: number, mostMs: number, words: { message: string; params: { zh: string } }) =>
  durationMs().refine((ms) => ms >= leastMs && ms <= mostMs, words);

const id = (pattern: RegExp, words: { zh: string; en: string; examples: string[] }) => z.string().regex(pattern).meta(words);

const range = z
  .tuple([number(), number()])
  .refine(([low, high]) => low < high, settingIssue('the first number must be below the second', '第一个数必须小于第二个'));
const deadband = z.union([
  number().min(0),
  z.strictObject({
    percent: z
      .number()
      .min(0)
      .max(100)
      .meta({ zh: '占上次上报值的百分比', en: 'percent of the last value sent', examples: [1] }),
  }),
]);

const windowLength = () => finite(1000, DAY_MS, settingIssue('must be from 1s to 1d', '必须在 1s 到 1d 之间'));
const window = z.union([
  windowLength(),
  z.strictObject({
    every: windowLength().meta({ zh: '窗口长度', en: 'length of a window', examples: ['1m'] }),
    value: z
      .enum(WINDOW_VALUES)
      .default('mean')
      .meta({ zh: '事件的值：平均、最后、最大、最小或合计', en: 'value of the event: mean, last, max, min or sum of the window' }),
  }),
]);

const WRITE_SCHEMA = z.strictObject({
  allow: z.boolean().meta({ zh: '是否允许从中心写入', en: 'whether the centre may write the point', examples: [true] }),
  range: range
    .optional()
    .meta({
      zh: '允许写入的范围 [低, 高]，以 unit 为单位；默认为测点的 range',
      en: 'values that may be written, [low, high] in unit; default: the range of the point',
      examples: [[0, 50]],
    }),
  interlock: z
    .union([CONDITION_SCHEMA, z.array(CONDITION_SCHEMA)])
    .optional()
    .meta({
      zh: '联锁：写入时必须全部满足，其测点须有可信的新值',
      en: 'interlocks: all must be met at the time of writing, by good and recent values',
      examples: [{ point: 'running', is: false }],
    }),
});

export const POINT_SCHEMA = z.strictObject({
  id: id(IDS.point, { zh: '测点编号，在设备内唯一', en: 'name of the point, its own within the device', examples: ['level'] }),
  indicator: id(IDS.indicator, {
    zh: '体征指标代码；驱动有默认值时可省略',
    en: 'code of the indicator; may be left out where the driver has a default',
    examples: ['YJ-FLD-001'],
  }),
  unit: z
    .string()
    .optional()
    .meta({
      zh: '数据源的单位（UCUM）；布尔和文本没有单位：写 ""，驱动已知没有单位时可省略',
      en: 'unit of the source (UCUM); a bool or text has none: write "", or omit it where the driver knows',
      examples: ['m'],
    }),
  kind: z
    .enum(['measurement', 'state', 'occurrence'])
    .optional()
    .meta({
      zh: '事件种类；默认：有单位为 measurement（测量），无单位为 state（状态）；occurrence 为一次发生，不会过期',
      en: 'kind of event; default: measurement with a unit, state without one; an occurrence happens once and never becomes stale',
    }),
  scale: number()
    .refine((value) => value !== 0, settingIssue('0 would make every value 0', '0 会使所有值变为 0'))
    .default(1)
    .meta({ zh: '比例：值 × scale + offset', en: 'value × scale + offset' }),
  offset: number().default(0).meta({ zh: '偏移，以 unit 为单位', en: 'added after scale, in unit' }),
  range: range
    .optional()
    .meta({
      zh: '换算后的可信范围 [低, 高]；超出者标记 out-of-range',
      en: 'plausible values [low, high] after scale; outside: flag out-of-range',
      examples: [[0, 12]],
    }),
  maxRate: rate()
    .refine((value) => value.amount > 0, settingIssue('must be above 0', '必须大于 0'))
    .optional()
    .meta({ zh: '可信的最快变化，如 2/1m；更快者标记 spike', en: 'fastest plausible change, e.g. 2/1m; faster: flag spike' }),
  stuckFor: finite(1, Number.MAX_SAFE_INTEGER, settingIssue('must be a finite time above 0', '必须是大于 0 的有限时长'))
    .optional()
    .meta({ zh: '数值完全不变超过此时长则标记 stuck', en: 'no change at all for this long: flag stuck', examples: ['1h'] }),
  faultCodes: z
    .array(z.union([number(), z.string(), z.boolean()]))
    .default([])
    .meta({ zh: '表示故障的原始值，如 -9999、65535', en: 'raw values that mean a fault, such as -9999 or 65535', examples: [[-9999]] }),
  deadband: deadband
    .optional()
    .meta({
      zh: '死区：变化不超过它时不上报（心跳除外）；数值或 { percent: 5 }；写了 heartbeat 时默认为 0，否则每个值都上报',
      en: 'changes up to this are not sent, except by heartbeat; a number or { percent: 5 }; default 0 with a heartbeat, otherwise every value is sent',
      examples: [0.01],
    }),
  heartbeat: finite(1, 365 * DAY_MS, settingIssue('must be above 0 and at most 365d', '必须大于 0 且不超过 365d'))
    .optional()
    .meta({ zh: '即使不变，最长多久上报一次', en: 'longest time between two events without a change', examples: ['60s'] }),
  window: window
    .optional()
    .meta({
      zh: '窗口聚合：按对齐的时间窗口合并上报，给出条数、最小和最大值；越限和质量变化仍立即上报；不与 deadband、heartbeat 同用',
      en: 'aggregation by aligned time windows, with count, minimum and maximum; limit crossings and quality changes are still sent at once; not together with deadband or heartbeat',
      examples: ['1m', { every: '5m', value: 'max' }],
    }),
  write: WRITE_SCHEMA.optional().meta({
    zh: '能否从中心写入（默认不能），范围和联锁；需要可写的驱动',
    en: 'whether the centre may write the point (default: no), its range and interlocks; needs a driver that can write',
    examples: [{ allow: true, range: [0, 50], interlock: { point: 'running', is: false } }],
  }),
  limits: z
    .array(number())
    .default([])
    .meta({ zh: '界限值：越过时必定上报', en: 'limits whose crossing is always sent', examples: [[3.0, 3.5]] }),
});

export const DEVICE_CONFIG_SCHEMA = z.strictObject({
  id: id(IDS.device, { zh: '设备编号，在边缘节点内唯一', en: 'name of the device, its own within the edge', examples: ['pump-07-plc'] }),
  driver: z
    .string()
    .min(1)
    .meta({ zh: '驱动；cityvitals drivers 列出全部', en: 'driver; `cityvitals drivers` lists all', examples: ['modbus'] }),
  subject: id(/^[^\s|/#+]{1,64}$/, {
    zh: '数据所描述的对象；默认为设备编号',
    en: "what the values are about; default: the device's id",
    examples: ['pump-07'],
  }).optional(),
  position: z
    .strictObject({
      lon: z
        .number()
        .min(-180)
        .max(180)
        .meta({ zh: '经度（WGS-84）', en: 'degrees east, WGS-84', examples: [106.577] }),
      lat: z
        .number()
        .min(-90)
        .max(90)
        .meta({ zh: '纬度（WGS-84）', en: 'degrees north, WGS-84', examples: [29.557] }),
    })
    .optional()
    .meta({ zh: '设备位置', en: 'position of the device', examples: [{ lon: 106.577, lat: 29.557 }] }),
  settings: z
    .record(z.string(), z.unknown())
    .default({})
    .meta({ zh: '驱动的设置，见各驱动的文档', en: 'settings of the driver: see its page' }),
  every: finite(10, DAY_MS, settingIssue('must be from 10ms to 1d', '必须在 10ms 到 1d 之间'))
    .prefault('10s')
    .meta({
      zh: '轮询周期；主动上报的设备为预期间隔（三个周期没有数据即为过期）',
      en: 'polling period; for devices that report by themselves, the expected interval (stale after three)',
    }),
  timeout: finite(10, 600_000, settingIssue('must be from 10ms to 10m', '必须在 10ms 到 10m 之间'))
    .prefault('2s')
    .meta({ zh: '一次应答的最长等待', en: 'longest wait for an answer' }),
  points: z
    .array(POINT_SCHEMA)
    .optional()
    .meta({
      zh: '测点：通用字段加驱动自己的字段；测点固定的驱动只写要改的',
      en: 'points: common fields and those of the driver; for a driver with fixed points, only what differs',
    }),
});

const timeSource = z.enum(TIME_SOURCES);

export const EDGE_SCHEMA = z.strictObject({
  edge: id(IDS.edge, { zh: '边缘节点编号', en: 'name of this edge', examples: ['pump-07'] }),
  centre: id(IDS.centre, {
    zh: '所属中心：镇街 9 位、区县 6 位行政区划代码，或自定的 6–12 位大写字母数字',
    en: 'its centre: 9 digits for a town, 6 for a county, or 6 to 12 capitals and digits of your own',
    examples: ['500112001'],
  }),
  gateway: z
    .strictObject({
      url: z
        .union([brokerUrl(), z.array(brokerUrl()).min(1)])
        .meta({
          zh: '网关的消息服务器；可写列表，首个优先',
          en: 'broker of the gateway; of a list, the first is preferred',
          examples: ['mqtt://127.0.0.1:1883'],
        }),
      token: z
        .string()
        .min(1)
        .optional()
        .meta({ zh: '接入令牌', en: 'access token of this edge', secret: true, examples: ['${env:CITYVITALS_TOKEN}'] }),
      identity: z
        .string()
        .min(1)
        .optional()
        .meta({
          zh: '身份目录：私钥、证书和 CA，由 cityvitals enrol 写入；用于 mqtts 和 wss',
          en: 'identity folder with key, certificate and CAs, written by `cityvitals enrol`; for mqtts and wss',
          examples: ['./identity'],
        }),
      ca: z
        .string()
        .min(1)
        .optional()
        .meta({
          zh: '网关证书的 CA 文件（PEM）；有身份目录时可省略，两者皆无则用系统自带的 CA',
          en: 'file (PEM) with the CAs of the gateway\'s certificate, beside those of the identity folder; with neither, the CAs of Node.js',
          examples: ['./ca.pem'],
        }),
    })
    .refine(
      ({ url, identity, ca }) => (identity === undefined && ca === undefined) || [url].flat().some((one) => /^(mqtts|wss):/.test(one)),
      settingIssue('identity and ca need an address with TLS: mqtts:// or wss://', 'identity 和 ca 需要使用 TLS 的地址：mqtts:// 或 wss://'),
    )
    .meta({ zh: '上送到哪里', en: 'where events are sent' }),
  commands: z
    .strictObject({
      key: z
        .string()
        .min(1)
        .optional()
        .meta({
          zh: '网关的命令公钥文件（PEM，取自网关的 command-key.pub.pem），优先于身份目录中的公钥；有公钥时只执行由其签名的命令',
          en: 'file (PEM) with the public key of the gateway for commands, its command-key.pub.pem; goes before that of the identity folder. With a key only commands that it signed are executed',
          examples: ['./command-key.pub.pem'],
        }),
    })
    .prefault({})
    .meta({ zh: '来自中心的命令', en: 'commands from the centre' }),
  log: z
    .strictObject({
      dir: z
        .string()
        .min(1)
        .optional()
        .meta({ zh: '日志目录；默认 ./data/<edge>', en: 'folder of the log; default ./data/<edge>', examples: ['./data/pump-07'] }),
      maxBytes: sizeBytes()
        .refine((bytes) => bytes >= 1024 ** 2, settingIssue('must be at least 1MB', '不能小于 1MB'))
        .prefault('1GB')
        .meta({ zh: '日志最多占用的磁盘', en: 'maximum disk space of the log' }),
    })
    .prefault({})
    .meta({ zh: '断网缓存：网络中断期间保存事件的日志', en: 'durable log that keeps events while the network is down' }),
  clock: z
    .strictObject({
      trust: z
        .union([timeSource, z.array(timeSource).min(1)])
        .default(['ntp', 'hardware', 'gateway'])
        .meta({
          zh: '谁可以校准时钟：system 为系统时钟本身（例如在容器中），ntp 为已由 NTP（或其后的卫星授时）同步的系统时钟，hardware 为带电池的硬件时钟，gateway 为网关；在此之前的事件标记 unsynced，时间已知后统一改正',
          en: 'time sources that may set the clock: system is the system clock as it is (in a container, say), ntp the system clock once NTP (or GNSS behind it) has set it, hardware a hardware clock with a battery, gateway the gateway; earlier events are unsynced, and corrected once the time is known',
          examples: ['system', ['ntp', 'gateway']],
        }),
    })
    .prefault({})
    .meta({ zh: '本机时钟的来源', en: 'time source of this machine' }),
  timeZone: timeZone()
    .default(CHINA)
    .meta({
      zh: '本地时区（IANA 名称），用于摄像机的布防时段，含夏令时；设备报文中的时间不受影响',
      en: 'local time zone (IANA name), with daylight saving time, for schedules of cameras; times in device messages are not affected',
      examples: ['Asia/Urumqi'],
    }),
  catalogue: z
    .array(z.string().min(1))
    .default([])
    .meta({ zh: '指标目录文件；缺省时由网关换算单位', en: 'catalogue files; without them the gateway converts units' }),
  rules: z
    .array(z.string().min(1))
    .default([])
    .meta({ zh: '规则文件；标记 edge: true 的在本机运行', en: 'rule files; those marked edge: true run here' }),
  http: z
    .strictObject({
      host: host().default('127.0.0.1').meta({ zh: '监听地址；默认只对本机', en: 'listen address; by default only this machine' }),
      port: z.int().min(0).max(65535).default(0).meta({ zh: '端口；0 为任选', en: 'port; 0: any free port' }),
      hosts: z
        .array(host())
        .max(64)
        .optional()
        .meta({
          zh: '除 IP 地址、localhost 和 host 外，还允许以哪些主机名访问（不带端口）；其他名称以 421 拒绝，防止 DNS 重绑定',
          en: 'host names allowed besides IP addresses, localhost and `host`, without a port; others are refused with 421, against DNS rebinding',
          examples: [['pump-07.example']],
        }),
      token: z
        .string()
        .min(16, settingIssue('must have at least 16 characters', '至少 16 个字符'))
        .optional()
        .meta({
          zh: '从其他机器读取所需的令牌（Bearer，或浏览器中的密码），至少 16 个字符；host 只对本机时不需要；网关自有密钥，无需此令牌',
          en: 'for reading from other machines, as a bearer token or as the password in a browser, at least 16 characters; not needed where `host` is of this machine alone; the gateway has a key of its own',
          secret: true,
          examples: ['${env:PUMP_07_HTTP_TOKEN}'],
        }),
    })
    .prefault({})
    .meta({ zh: '健康、指标和本地页面', en: 'health, metrics and local page' }),
  vision: z
    .strictObject({
      processes: z
        .int()
        .min(1)
        .max(64)
        .default(1)
        .meta({ zh: '检测进程数；所有摄像机共用', en: 'detector processes, shared by all cameras' }),
      threads: z.int().min(1).max(64).default(1).meta({ zh: '每次推理使用的线程数', en: 'threads of one inference' }),
      batch: z
        .int()
        .min(1)
        .max(64)
        .optional()
        .meta({
          zh: '一次推理最多合并几幅图像；默认 cpu 为 1，其他为 8',
          en: 'maximum pictures in one inference; default 1 on cpu, otherwise 8',
        }),
      provider: z
        .enum(['cpu', 'cuda', 'tensorrt'])
        .optional()
        .meta({ zh: '推理后端；默认按模型说明', en: 'inference backend; default: as the model states', examples: ['cpu'] }),
    })
    .prefault({})
    .meta({ zh: '图像检测', en: 'object detection' }),
  evidence: EVIDENCE_SCHEMA,
  atRest: AT_REST_SCHEMA.optional().meta({
    zh: '画面、短视频和身份私钥在磁盘上的加密；省略即不加密',
    en: 'encryption of pictures, clips and the key of the identity on disk; left out: none',
  }),
  live: z
    .strictObject({
      maxStreams: z
        .int()
        .min(0)
        .max(64)
        .default(4)
        .meta({ zh: '最多同时实时观看几路摄像机；0 为不允许', en: 'maximum cameras in live view at the same time; 0: none' }),
    })
    .prefault({})
    .meta({ zh: '供本机网关转给有权人员的实时观看', en: 'live view, relayed by a gateway on this machine to authorised people' }),
  devices: z.array(DEVICE_CONFIG_SCHEMA).min(1).meta({ zh: '设备', en: 'devices' }),
});
