/** Settings of a device behind an MQTT broker and of its points. */
import { z } from 'zod';
import { settingIssue, durationMs } from '../../core/setting.ts';
import { isTopicFilter } from './topics.ts';
import { expressionProblem } from './expression.ts';

export const MQTT_PROFILES = ['json', 'sparkplug', 'chirpstack', 'dji'] as const;
export type MqttProfile = (typeof MQTT_PROFILES)[number];

function isBroker(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { protocol, hostname, port, pathname, username } = new URL(text);
  return (
    (protocol === 'mqtt:' || protocol === 'mqtts:') &&
    hostname !== '' &&
    port !== '0' &&
    username === '' &&
    (pathname === '' || pathname === '/')
  );
}

const filter = () =>
  z
    .string()
    .refine(
      isTopicFilter,
      settingIssue(
        'not a topic filter: + is a whole level, # is all following levels and must be last',
        '不是主题过滤器：+ 代表一整级，# 代表其后全部且须在最后',
      ),
    );
const path = () =>
  z.string().superRefine((text, context) => {
    const refused = expressionProblem(text);
    if (refused)
      context.addIssue({
        code: 'custom',
        ...settingIssue(
          `neither a path such as data.temperature, list[0].value or list[*].value, nor a JSONata expression: ${refused.en}`,
          `既不是路径（如 data.temperature、list[0].value、list[*].value），也不是可用的 JSONata 表达式：${refused.zh}`,
        ),
      });
  });
const level = () => z.string().regex(/^[^+#/]{1,128}$/);

const tls = z.object({
  ca: z
    .string()
    .min(1)
    .optional()
    .meta({
      zh: 'CA 证书文件（PEM）；省略则用系统信任的 CA',
      en: 'File with the CA certificates (PEM); left out: those of the system',
      path: true,
      examples: ['broker-ca.pem'],
    }),
  cert: z
    .string()
    .min(1)
    .optional()
    .meta({ zh: '本机的客户端证书（PEM）', en: 'Client certificate of this machine (PEM)', path: true, examples: ['edge.pem'] }),
  key: z
    .string()
    .min(1)
    .optional()
    .meta({ zh: '客户端证书的私钥（PEM）', en: 'Key of the client certificate (PEM)', path: true, examples: ['edge-key.pem'] }),
  verify: z
    .boolean()
    .default(true)
    .meta({
      zh: '是否校验服务器证书；关闭时每次连接都会提示',
      en: "Whether the broker's certificate is verified; when off, each connection reports a fault",
    }),
});

export const settings = z
  .object({
    url: z
      .string()
      .refine(
        isBroker,
        settingIssue(
          'not a broker address such as mqtt://10.0.0.5:1883 or mqtts://broker:8883',
          '不是消息服务器地址，应如 mqtt://10.0.0.5:1883 或 mqtts://broker:8883',
        ),
      )
      .meta({
        zh: '消息服务器地址；设置相同的设备共用一个连接',
        en: 'The broker; devices with the same settings share one connection',
        examples: ['mqtt://10.0.0.5:1883'],
      }),
    version: z.enum(['3.1.1', '5']).default('3.1.1').meta({ zh: 'MQTT 版本', en: 'MQTT version' }),
    user: z.string().min(1).optional().meta({ zh: '用户名', en: 'User name' }),
    password: z
      .string()
      .min(1)
      .optional()
      .meta({ zh: '密码', en: 'Password', secret: true, examples: ['${env:MQTT_PASSWORD}'] }),
    tls: tls.optional().meta({ zh: 'mqtts 的证书设置', en: 'Certificates for mqtts' }),
    clientId: z
      .string()
      .regex(/^[0-9A-Za-z_.:-]{1,64}$/)
      .optional()
      .meta({
        zh: '客户端编号，须在服务器上唯一；省略则随机',
        en: 'Client id, unique at the broker; left out: random',
        examples: ['cityvitals-pump-07'],
      }),
    session: z
      .enum(['clean', 'kept'])
      .default('clean')
      .meta({
        zh: 'kept：断开期间服务器为本机保留 QoS 1 消息（需要 clientId）',
        en: 'kept: the broker keeps QoS 1 messages while the edge is disconnected (needs clientId)',
      }),
    qos: z
      .union([z.literal(0), z.literal(1)])
      .default(1)
      .meta({
        zh: '订阅的 QoS；为 1 时落盘后才确认',
        en: 'QoS of the subscription; with 1 a message is acknowledged once its values are on disk',
      }),
    profile: z
      .enum(MQTT_PROFILES)
      .default('json')
      .meta({
        zh: '消息格式：普通 JSON、Sparkplug B、ChirpStack v4、大疆上云 API',
        en: 'Message format: plain JSON, Sparkplug B, ChirpStack v4, DJI Cloud API',
      }),
    topic: filter()
      .optional()
      .meta({
        zh: 'json：该设备的主题（可含 + 与 #）',
        en: 'json: topic of this device, + and # allowed',
        examples: ['plant/line1/meter7/#'],
      }),
    time: path()
      .optional()
      .meta({
        zh: 'json：设备时间的路径（秒、毫秒或 ISO 8601）',
        en: "json: path of the device's time (s, ms or ISO 8601)",
        examples: ['ts'],
      }),
    group: level()
      .optional()
      .meta({ zh: 'sparkplug：组', en: 'sparkplug: group', examples: ['plant'] }),
    node: level()
      .optional()
      .meta({ zh: 'sparkplug：边缘节点', en: 'sparkplug: edge node', examples: ['line1'] }),
    device: level()
      .optional()
      .meta({
        zh: 'sparkplug：节点下的设备；省略则为节点自身',
        en: 'sparkplug: device of the node; left out: the node itself',
        examples: ['press3'],
      }),
    rebirth: z
      .boolean()
      .default(true)
      .meta({
        zh: 'sparkplug：缺少上线消息或序号中断时是否请求重新上线（NCMD）',
        en: 'sparkplug: whether a new birth is requested (NCMD) when it is missing or messages were lost',
      }),
    devEui: z
      .string()
      .regex(/^[0-9A-Fa-f]{16}$/)
      .optional()
      .meta({ zh: 'chirpstack：设备的 DevEUI', en: 'chirpstack: DevEUI', examples: ['0101010101010101'] }),
    application: z
      .string()
      .regex(/^[^+#/]{0,128}$/)
      .default('')
      .meta({ zh: 'chirpstack：应用编号；空为任意', en: 'chirpstack: application id; empty: any' }),
    sn: level().optional().meta({ zh: 'dji：飞机或机场的序列号', en: 'dji: serial number of the aircraft or the dock' }),
    gateway: level()
      .optional()
      .meta({
        zh: 'dji：飞机所属机场或遥控器的序列号；用于事件和上下线',
        en: "dji: serial number of the aircraft's dock or controller, for events and online status",
      }),
    historyAfter: durationMs()
      .refine((ms) => ms >= 1000 && ms <= 86_400_000, settingIssue('must be from 1s to 1d', '必须在 1s 到 1d 之间'))
      .prefault('5m')
      .meta({ zh: '延迟超过此时长即视为补传的历史数据', en: 'Data that arrives later than this after its time is backfill, not live' }),
  })
  .check((context) => {
    const { value } = context;
    const refuse = (key: string, problem: ReturnType<typeof settingIssue>) =>
      context.issues.push({ code: 'custom', path: [key], input: context.value, ...problem });
    const needed = { json: ['topic'], sparkplug: ['group', 'node'], chirpstack: ['devEui'], dji: ['sn'] } as const;
    for (const key of needed[value.profile])
      if (value[key] === undefined) refuse(key, settingIssue(`profile ${value.profile} needs ${key}`, `格式 ${value.profile} 需要 ${key}`));
    if (value.session === 'kept' && value.clientId === undefined)
      refuse('clientId', settingIssue('a kept session needs a clientId', 'session 为 kept 时需要 clientId'));
    if (value.session === 'kept' && value.qos === 0)
      refuse('qos', settingIssue('a kept session needs qos 1', 'session 为 kept 时 qos 须为 1'));
    if (value.tls !== undefined && !value.url.startsWith('mqtts:'))
      refuse('tls', settingIssue('tls needs mqtts://', '写了 tls 时地址须为 mqtts://'));
    if ((value.tls?.cert === undefined) !== (value.tls?.key === undefined))
      refuse('tls', settingIssue('cert and key go together', 'cert 与 key 须同时给出'));
    if (value.password !== undefined && value.user === undefined)
      refuse('user', settingIssue('a password needs a user', '写了密码就需要用户名'));
  });
export type MqttInSettings = z.infer<typeof settings>;

export const BYTE_TYPES = ['u8', 'i8', 'u16', 'i16', 'u24', 'u32', 'i32', 'f32', 'f64', 'bit'] as const;

export const byteField = z.object({
  at: z.int().min(0).max(255).meta({ zh: '起始字节，从 0 起', en: 'First byte, from 0' }),
  type: z.enum(BYTE_TYPES).default('u8').meta({ zh: '类型', en: 'Type' }),
  order: z.enum(['big', 'little']).default('big').meta({ zh: '字节序', en: 'Byte order' }),
  bit: z.int().min(0).max(7).default(0).meta({ zh: 'type 为 bit 时的位，0 为最低位', en: 'For type bit: which one, 0 is the lowest' }),
  fPort: z.int().min(1).max(255).optional().meta({ zh: '仅此端口的上行', en: 'Only from uplinks on this port' }),
});
export type ByteField = z.infer<typeof byteField>;

export const point = z
  .object({
    path: path()
      .optional()
      .meta({
        zh: 'JSON 中的路径，或只作计算的 JSONata 表达式。json：消息；chirpstack：事件（如 object.temperature）；dji：data（如 height）',
        en: 'Path into JSON, or a JSONata expression that only computes. json: the message; chirpstack: the event (object.temperature); dji: data (height)',
        examples: ['data.temperature', "readings[kind = 'flow'].value"],
      }),
    topic: filter()
      .optional()
      .meta({ zh: 'json：仅这些主题', en: 'json: only of these topics', examples: ['plant/line1/meter7/power'] }),
    quality: path()
      .optional()
      .meta({
        zh: 'json：质量的路径（good/uncertain/bad、布尔或 OPC 质量码）',
        en: 'json: path of the quality (good, uncertain, bad; a boolean; an OPC quality number)',
      }),
    metric: z
      .string()
      .min(1)
      .max(256)
      .optional()
      .meta({ zh: 'sparkplug：指标名', en: 'sparkplug: name of the metric', examples: ['Inputs/Pressure'] }),
    event: z
      .string()
      .regex(/^[a-z_]{1,64}$/)
      .optional()
      .meta({
        zh: 'chirpstack：事件（默认 up，battery 与 margin 默认 status）；dji：事件方法（如 hms），省略则为 osd 与 state',
        en: 'chirpstack: event (up; status for battery and margin); dji: method of an event (hms), left out: osd and state',
      }),
    gives: z
      .enum(['value', 'rssi', 'snr', 'battery', 'margin', 'position'])
      .default('value')
      .meta({
        zh: 'value 为 path 处的值；rssi、snr、battery、margin 由格式规定；position 为经纬度，值为高度',
        en: 'value: the value at path; rssi, snr, battery, margin: from the profile; position: latitude and longitude, the value is the height',
      }),
    bytes: byteField
      .optional()
      .meta({ zh: 'chirpstack：没有编解码器时，取自载荷字节', en: 'chirpstack: from bytes of the payload, without a codec' }),
    type: z.enum(['number', 'bool', 'text']).default('number').meta({ zh: '数值、布尔或文本', en: 'A number, a boolean or text' }),
  })
  .check((context) => {
    const { path: at, metric, gives, bytes: raw } = context.value;
    if (gives !== 'value' ? !metric && !raw : [at, metric, raw].filter((one) => one !== undefined).length === 1) return;
    context.issues.push({
      code: 'custom',
      path: ['path'],
      input: at,
      ...settingIssue(
        'one of path, metric (sparkplug) or bytes (chirpstack)',
        'path、metric（sparkplug）、bytes（chirpstack）须有且只有一个',
      ),
    });
  });
export type MqttInPoint = z.infer<typeof point>;
export type ConfiguredMqttPoint = { id: string } & MqttInPoint;
