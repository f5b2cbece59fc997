/** The edge's configuration file, declared once: type, defaults, checks and, by the notes, its documentation. */
import { z } from 'zod';
import { brokerUrl, host } from '../../core/config/address.ts';
import { IDS, MAX_NUMBER } from '../../core/event.ts';
import { complaint, durationMs, rate, sizeBytes, timeZone } from '../../core/setting.ts';
import { CHINA } from '../../core/time-zone.ts';
import { CONDITION_SCHEMA } from '../../core/wire/commands.ts';
import { TIME_SOURCES } from '../clock/edge-clock.ts';
import { WINDOW_VALUES } from '../reduce/point-window.ts';
import { EVIDENCE_SCHEMA } from '../infer/evidence/setup.ts';

const DAY_MS = 86_400_000;
const number = () => z.number().min(-MAX_NUMBER).max(MAX_NUMBER);
/** A duration that ends: neither 0 nor `forever`. */
const finite = (leastMs: number, mostMs: number, words: { message: string; params: { zh: string } }) => durationMs().refine((ms) => ms >= leastMs && ms <= mostMs, words);

const id = (pattern: RegExp, words: { zh: string; en: string; examples: string[] }) => z.string().regex(pattern).meta(words);

const range = z.tuple([number(), number()]).refine(([low, high]) => low < high, complaint('the first number must be below the second', '第一个数必须小于第二个'));
const deadband = z.union([number().min(0), z.strictObject({ percent: z.number().min(0).max(100).meta({ zh: '占上次上报值的百分比', en: 'percent of the value sent last', examples: [1] }) })]);

const windowLength = () => finite(1000, DAY_MS, complaint('must be from 1s to 1d', '必须在 1s 到 1d 之间'));
const window = z.union([windowLength(), z.strictObject({
  every: windowLength().meta({ zh: '窗口长度', en: 'length of a window', examples: ['1m'] }),
  value: z.enum(WINDOW_VALUES).default('mean').meta({ zh: '事件的值：平均、最后、最大、最小或合计', en: 'what the event\'s value is' }),
})]);

const WRITE_SCHEMA = z.strictObject({
  allow: z.boolean().meta({ zh: '是否允许从中心写入', en: 'whether the centre may write it', examples: [true] }),
  range: range.optional().meta({ zh: '允许写入的范围 [低, 高]，以 unit 为单位；默认为测点的 range', en: 'what may be written, [low, high] in unit; default: the range of the point', examples: [[0, 50]] }),
  interlock: z.union([CONDITION_SCHEMA, z.array(CONDITION_SCHEMA)]).optional().meta({ zh: '联锁：写入时必须全部满足，其测点须有可信的新值', en: 'interlock: all must hold when it is written, by good and fresh values', examples: [{ point: 'running', is: false }] }),
});

export const POINT_SCHEMA = z.strictObject({
  id: id(IDS.point, { zh: '测点编号，在设备内唯一', en: 'name of the point, its own within the device', examples: ['level'] }),
  indicator: id(IDS.indicator, { zh: '体征指标代码；驱动有默认值时可省略', en: 'code of the indicator; may be left out where the driver has a default', examples: ['YJ-FLD-001'] }),
  unit: z.string().optional().meta({ zh: '数据源的单位（UCUM）；布尔和文本没有单位：写 ""，驱动已知没有单位时可省略', en: 'the source\'s unit in UCUM; a bool or text has none: write "", or leave it out where the driver knows that', examples: ['m'] }),
  kind: z.enum(['measurement', 'state', 'occurrence']).optional().meta({ zh: '事件种类；默认：有单位为 measurement（测量），无单位为 state（状态）；occurrence 为一次发生，不会陈旧', en: 'kind of its events; default: measurement with a unit, state without one; an occurrence happens once and never becomes stale' }),
  scale: number().refine((value) => value !== 0, complaint('0 would make every value 0', '0 会使所有值变为 0')).default(1).meta({ zh: '比例：值 × scale + offset', en: 'value × scale + offset' }),
  offset: number().default(0).meta({ zh: '偏移，以 unit 为单位', en: 'added after scale, in unit' }),
  range: range.optional().meta({ zh: '换算后的可信范围 [低, 高]；超出者标记 out-of-range', en: 'believable values [low, high], after scale; beyond: flag out-of-range', examples: [[0, 12]] }),
  maxRate: rate().refine((value) => value.amount > 0, complaint('must be above 0', '必须大于 0')).optional().meta({ zh: '可信的最快变化，如 2/1m；更快者标记 spike', en: 'fastest believable change, e.g. 2/1m; faster: flag spike' }),
  stuckFor: finite(1, Number.MAX_SAFE_INTEGER, complaint('must be a finite time above 0', '必须是大于 0 的有限时长')).optional().meta({ zh: '数值完全不变超过此时长则标记 stuck', en: 'a value that has not moved at all for this long: flag stuck', examples: ['1h'] }),
  faultCodes: z.array(z.union([number(), z.string(), z.boolean()])).default([]).meta({ zh: '表示故障的原始值，如 -9999、65535', en: 'raw values that mean a fault, such as -9999 or 65535', examples: [[-9999]] }),
  deadband: deadband.optional().meta({ zh: '死区：变化不超过它时不上报（心跳除外）；数值或 { percent: 5 }；写了 heartbeat 时默认为 0，否则每个值都上报', en: 'changes up to this are left out between heartbeats; a number or { percent: 5 }; default 0 with a heartbeat, else every value is sent', examples: [0.01] }),
  heartbeat: finite(1, 365 * DAY_MS, complaint('must be above 0 and at most 365d', '必须大于 0 且不超过 365d')).optional().meta({ zh: '即使不变，最长多久上报一次', en: 'longest time between two events even if nothing changes', examples: ['60s'] }),
  window: window.optional().meta({ zh: '窗口聚合：按对齐的时间窗口合并上报，给出条数、最小和最大值；越限和质量变化仍立即上报；不与 deadband、heartbeat 同用', en: 'values are put together by aligned windows of time, with count, minimum and maximum; a crossing of a limit and a change of quality are still sent at once; without deadband and heartbeat', examples: ['1m', { every: '5m', value: 'max' }] }),
  write: WRITE_SCHEMA.optional().meta({ zh: '能否从中心写入（默认不能），范围和联锁；需要可写的驱动', en: 'whether the centre may write it (default: no), within what, and under which interlocks; needs a driver that writes', examples: [{ allow: true, range: [0, 50], interlock: { point: 'running', is: false } }] }),
  limits: z.array(number()).default([]).meta({ zh: '界限值：越过时必定上报', en: 'levels whose crossing is always sent', examples: [[3.0, 3.5]] }),
});

export const DEVICE_SCHEMA = z.strictObject({
  id: id(IDS.device, { zh: '设备编号，在边缘节点内唯一', en: 'name of the device, its own within the edge', examples: ['pump-07-plc'] }),
  driver: z.string().min(1).meta({ zh: '驱动；cityvitals drivers 列出全部', en: 'its driver; `cityvitals drivers` lists them', examples: ['modbus'] }),
  subject: id(/^[^\s|/#+]{1,64}$/, { zh: '数据所描述的对象；默认为设备编号', en: 'what the values are about; default: the device\'s id', examples: ['pump-07'] }).optional(),
  position: z.strictObject({
    lon: z.number().min(-180).max(180).meta({ zh: '经度（WGS-84）', en: 'degrees east, WGS-84', examples: [106.577] }),
    lat: z.number().min(-90).max(90).meta({ zh: '纬度（WGS-84）', en: 'degrees north, WGS-84', examples: [29.557] }),
  }).optional().meta({ zh: '设备位置', en: 'where it stands', examples: [{ lon: 106.577, lat: 29.557 }] }),
  settings: z.record(z.string(), z.unknown()).default({}).meta({ zh: '驱动的设置，见各驱动的文档', en: 'the driver\'s settings: see its page' }),
  every: finite(10, DAY_MS, complaint('must be from 10ms to 1d', '必须在 10ms 到 1d 之间')).prefault('10s').meta({ zh: '轮询周期；主动上报的设备为预期间隔（三个周期没有数据即为陈旧）', en: 'time between two polls; for devices that speak by themselves, how often something is expected (stale after three)' }),
  timeout: finite(10, 600_000, complaint('must be from 10ms to 10m', '必须在 10ms 到 10m 之间')).prefault('2s').meta({ zh: '一次应答的最长等待', en: 'longest wait for one answer' }),
  points: z.array(POINT_SCHEMA).optional().meta({ zh: '测点：通用字段加驱动自己的字段；测点固定的驱动只写要改的', en: 'points: these fields and the driver\'s own; a driver with fixed points takes only what is to differ' }),
});

const timeSource = z.enum(TIME_SOURCES);

export const EDGE_SCHEMA = z.strictObject({
  edge: id(IDS.edge, { zh: '边缘节点编号', en: 'name of this edge', examples: ['pump-07'] }),
  centre: id(IDS.centre, { zh: '所属中心：镇街 9 位、区县 6 位行政区划代码，或自定的 6–12 位大写字母数字', en: 'its centre: 9 digits for a town, 6 for a county, or 6 to 12 capitals and digits of your own', examples: ['500112001'] }),
  gateway: z.strictObject({
    url: z.union([brokerUrl(), z.array(brokerUrl()).min(1)]).meta({ zh: '网关的消息服务器；可写列表，首个优先', en: 'the gateway\'s broker; a list is tried from the first on', examples: ['mqtt://127.0.0.1:1883'] }),
    token: z.string().min(1).optional().meta({ zh: '接入令牌', en: 'token of this edge', secret: true, examples: ['${env:CITYVITALS_TOKEN}'] }),
  }).meta({ zh: '上送到哪里', en: 'where events go' }),
  log: z.strictObject({
    dir: z.string().min(1).optional().meta({ zh: '日志目录；默认 ./data/<edge>', en: 'folder of the log; default ./data/<edge>', examples: ['./data/pump-07'] }),
    maxBytes: sizeBytes().refine((bytes) => bytes >= 1024 ** 2, complaint('must be at least 1MB', '不能小于 1MB')).prefault('1GB').meta({ zh: '日志最多占用的磁盘', en: 'most that the log takes on disk' }),
  }).prefault({}).meta({ zh: '断网时保存数据的日志', en: 'the log that holds events while the network is away' }),
  clock: z.strictObject({
    trust: z.union([timeSource, z.array(timeSource).min(1)]).default(['ntp', 'hardware', 'gateway']).meta({ zh: '谁可以校准时钟：system 为系统时钟本身（例如在容器中），ntp 为已由 NTP（或其后的卫星授时）同步的系统时钟，hardware 为带电池的硬件时钟，gateway 为网关；在此之前的事件标记 unsynced，时间已知后统一改正', en: 'whose word sets the clock: system takes the machine\'s as it is (in a container, say), ntp once NTP (or a GNSS receiver behind it) has set it, hardware where a hardware clock with a battery did, gateway the gateway\'s; events from before are unsynced, and get their time once it is known', examples: ['system', ['ntp', 'gateway']] }),
  }).prefault({}).meta({ zh: '本机时钟的来源', en: 'where this machine\'s time comes from' }),
  timeZone: timeZone().default(CHINA).meta({ zh: '本地时区（IANA 名称），用于摄像机的布防时段，含夏令时；设备报文中的时间不受影响', en: 'time zone of this place, by its IANA name, with its summer time: for schedules of cameras; times in messages of devices are not touched by it', examples: ['Asia/Urumqi'] }),
  catalogue: z.array(z.string().min(1)).default([]).meta({ zh: '指标目录文件；缺省时由网关换算单位', en: 'catalogue files; without them the gateway converts units' }),
  rules: z.array(z.string().min(1)).default([]).meta({ zh: '规则文件；标记 edge: true 的在本机运行', en: 'rule files; those marked edge: true run here' }),
  http: z.strictObject({
    host: host().default('127.0.0.1').meta({ zh: '监听地址；默认只对本机', en: 'address to listen on; by default this machine alone' }),
    port: z.int().min(0).max(65535).default(0).meta({ zh: '端口；0 为任选', en: 'port; 0 takes any that is free' }),
    hosts: z.array(host()).max(64).optional().meta({ zh: '除 IP 地址、localhost 和 host 外，还允许以哪些主机名访问（不带端口）；其他名称以 421 拒绝，防止 DNS 重绑定', en: 'names by which it may be asked, without a port, beside IP addresses, localhost and `host`; any other is refused with 421, against DNS rebinding', examples: [['pump-07.example']] }),
    token: z.string().min(16, complaint('must have at least 16 characters', '至少 16 个字符')).optional().meta({ zh: '从其他机器读取所需的令牌（Bearer，或浏览器中的密码），至少 16 个字符；host 只对本机时不需要；网关自有密钥，无需此令牌', en: 'for reading from other machines, as a bearer token or as the password in a browser, at least 16 characters; not needed where `host` is of this machine alone; the gateway has a key of its own', secret: true, examples: ['${env:PUMP_07_HTTP_TOKEN}'] }),
  }).prefault({}).meta({ zh: '健康、指标和本地页面', en: 'health, metrics and local page' }),
  vision: z.strictObject({
    processes: z.int().min(1).max(64).default(1).meta({ zh: '检测进程数；所有摄像机共用', en: 'detector processes, shared by all cameras' }),
    threads: z.int().min(1).max(64).default(1).meta({ zh: '每次推理使用的线程数', en: 'threads that one run may use' }),
    batch: z.int().min(1).max(64).optional().meta({ zh: '一次推理最多合并几幅图像；默认 cpu 为 1，其他为 8', en: 'most pictures in one run; default 1 on cpu, 8 elsewhere' }),
    provider: z.enum(['cpu', 'cuda', 'tensorrt']).optional().meta({ zh: '推理后端；默认按模型说明', en: 'what models run on; default: as their descriptions say', examples: ['cpu'] }),
  }).prefault({}).meta({ zh: '图像检测', en: 'how pictures are looked at' }),
  evidence: EVIDENCE_SCHEMA,
  live: z.strictObject({
    maxStreams: z.int().min(0).max(64).default(4).meta({ zh: '最多同时实时观看几路摄像机；0 为不允许', en: 'most cameras that are watched at one time; 0: none' }),
  }).prefault({}).meta({ zh: '供本机网关转给有权人员的实时观看', en: 'live view, for a gateway on this machine to pass on to those who may' }),
  devices: z.array(DEVICE_SCHEMA).min(1).meta({ zh: '设备', en: 'devices' }),
});
