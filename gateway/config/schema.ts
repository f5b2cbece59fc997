/** The gateway's configuration file, declared once: type, defaults, checks and, by the notes, its documentation. */
import { z } from 'zod';
import { brokerUrl, host, isAddressOrRange } from '../../core/config/address.ts';
import { IDS, ORIGINS } from '../../core/event.ts';
import { SIGN_IN_SCHEMA } from './sign-in.ts';
import { TLS_SCHEMA } from './tls.ts';
import { originOf } from '../media/edge-http.ts';
import { settingIssue, durationMs, sizeBytes } from '../../core/setting.ts';
import { AT_REST_SCHEMA } from '../../log/at-rest/setting.ts';

const MINUTE_MS = 60_000;
const port = (preset: number, words: { zh: string; en: string }) => z.int().min(0).max(65535).default(preset).meta(words);
const files = (words: { zh: string; en: string; examples: string[][] }) => z.array(z.string().min(1)).default([]).meta(words);
const positive = (text: string) =>
  durationMs()
    .refine((ms) => ms >= MINUTE_MS, settingIssue('must be at least 1m', '不能小于 1m'))
    .prefault(text);

const EDGE_CREDENTIAL_SCHEMA = z.strictObject({
  id: z
    .string()
    .regex(IDS.edge)
    .meta({ zh: '边缘节点编号', en: 'id of the edge', examples: ['pump-07'] }),
  token: z
    .string()
    .min(1)
    .optional()
    .meta({
      zh: '接入令牌；缺省时该节点只能从本机接入',
      en: 'its token; without one it is let in from this machine alone',
      secret: true,
      examples: ['${env:PUMP_07_TOKEN}'],
    }),
  centres: z
    .array(z.string().regex(IDS.centre))
    .min(1)
    .optional()
    .meta({
      zh: '该节点可代表的治理中心；缺省为其首次上送时的中心',
      en: 'centres that it speaks for; by default the one that it speaks for first',
      examples: [['500112001']],
    }),
});

const CONSUMER_SCHEMA = z.strictObject({
  user: z
    .string()
    .regex(/^[^\s/+#]{1,64}$/)
    .meta({ zh: '用户名', en: 'user name', examples: ['dashboard'] }),
  password: z
    .string()
    .min(1)
    .meta({ zh: '密码', en: 'password', secret: true, examples: ['${env:DASHBOARD_PASSWORD}'] }),
  centres: z
    .array(z.string().regex(IDS.centre))
    .min(1)
    .optional()
    .meta({
      zh: '只可订阅这些治理中心（含下级）的输出；默认全部。外部代理（--mosquitto）无法按前缀授权，须逐个列出下级中心',
      en: 'centres, with all below them, whose output it may read; by default every one. Another broker (--mosquitto) knows no centres below one: list them there',
      examples: [['500112001']],
    }),
});

const EMBEDDED_SCHEMA = z.strictObject({
  host: host()
    .default('127.0.0.1')
    .meta({
      zh: '监听地址；默认只对本机，接入边缘节点时写局域网地址',
      en: 'address to listen on; by default this machine alone, edges elsewhere need an address of the network',
    }),
  port: port(1883, { zh: '端口；0 为任选', en: 'port; 0 takes any that is free' }),
  edges: z
    .array(EDGE_CREDENTIAL_SCHEMA)
    .default([])
    .meta({ zh: '允许接入的边缘节点', en: 'edges that are let in', examples: [[{ id: 'pump-07', token: '${env:PUMP_07_TOKEN}' }]] }),
  consumers: z
    .array(CONSUMER_SCHEMA)
    .default([])
    .meta({
      zh: '可订阅输出（cv/v1/out/#）的用户',
      en: 'users who may read what goes out (cv/v1/out/#)',
      examples: [[{ user: 'dashboard', password: '${env:DASHBOARD_PASSWORD}' }]],
    }),
  anonymous: z
    .enum(['loopback', 'none'])
    .default('loopback')
    .meta({
      zh: '无用户名的只读订阅：仅限本机（loopback），或不允许（none）',
      en: 'reading without a name: from this machine (loopback), or not at all (none)',
    }),
  maxConnections: z.int().min(1).max(65535).default(2000).meta({ zh: '最多同时连接数', en: 'most clients at one time' }),
});

const BROKER_SCHEMA = z
  .strictObject({
    embedded: EMBEDDED_SCHEMA.optional().meta({
      zh: '内置代理（MQTT 3.1.1）',
      en: 'the built-in broker (MQTT 3.1.1)',
      examples: [{ port: 1883 }],
    }),
    url: brokerUrl()
      .optional()
      .meta({ zh: '外部代理地址', en: 'address of another broker', examples: ['mqtt://127.0.0.1:1883'] }),
    edgeUrl: brokerUrl()
      .optional()
      .meta({
        zh: '边缘节点访问该代理的地址，入网时告知；默认与 url 相同',
        en: 'address by which edges reach it, told to them when they are enrolled; default: url',
        examples: ['mqtts://10.0.0.5:8883'],
      }),
    ca: z
      .string()
      .min(1)
      .optional()
      .meta({
        zh: '签发外部代理证书的 CA 文件（PEM），用于 mqtts 和 wss；网关自身的 CA 和公共 CA 始终受信任',
        en: "file with the CA of that broker's certificate (PEM), for mqtts and wss; the gateway's own CA and the public ones are trusted anyway",
        examples: ['/etc/cityvitals/broker-ca.pem'],
      }),
    user: z
      .string()
      .min(1)
      .optional()
      .meta({ zh: '外部代理的用户名', en: 'user on that broker', examples: ['gateway'] }),
    password: z.string().min(1).optional().meta({ zh: '外部代理的密码', en: 'password on that broker', secret: true }),
    edges: z
      .array(EDGE_CREDENTIAL_SCHEMA)
      .optional()
      .meta({
        zh: '外部代理上的边缘节点，`--mosquitto` 据此生成权限',
        en: 'edges on that broker, for whom `--mosquitto` writes rights',
        examples: [[{ id: 'pump-07', token: '${env:PUMP_07_TOKEN}' }]],
      }),
    consumers: z
      .array(CONSUMER_SCHEMA)
      .optional()
      .meta({
        zh: '外部代理上可订阅输出的用户，同上',
        en: 'users on that broker who may read what goes out, likewise',
        examples: [[{ user: 'dashboard', password: '${env:DASHBOARD_PASSWORD}' }]],
      }),
  })
  .refine(
    (broker) => (broker.embedded === undefined) !== (broker.url === undefined),
    settingIssue('give either embedded (the built-in broker) or url (another one)', '内置代理 embedded 与外部代理 url 二选一'),
  )
  .refine(
    (broker) =>
      broker.embedded === undefined || [broker.edgeUrl, broker.ca, broker.user, broker.password, broker.edges, broker.consumers].every((one) => one === undefined),
    settingIssue(
      'edgeUrl, ca, user, password, edges and consumers beside it belong to url; who is let in by the built-in broker stands in embedded.edges and embedded.consumers',
      '同级的 edgeUrl、ca、user、password、edges 和 consumers 用于 url；内置代理的接入者写在 embedded.edges 和 embedded.consumers',
    ),
  );

/** Kinds come with later versions; a name that is not there must not be passed over in silence. */
const plugs = (words: { zh: string; en: string }) =>
  z
    .array(
      z.strictObject({
        kind: z
          .string()
          .refine(() => false, settingIssue('there is none of this kind in this version', '当前版本没有此类型'))
          .meta({ zh: '类型', en: 'its kind' }),
        settings: z.record(z.string(), z.unknown()).default({}).meta({ zh: '其设置', en: 'its settings' }),
      }),
    )
    .default([])
    .meta(words);

const AUDIT_SCHEMA = z.strictObject({
  keep: durationMs()
    .refine((ms) => ms >= 180 * 24 * 60 * MINUTE_MS, settingIssue('must be at least 180d', '不能小于 180d'))
    .prefault('400d')
    .meta({
      zh: '审计记录保留多久；位于 <log.dir>/audit，过期的按整个文件删除',
      en: 'how long the record is kept; it lies in <log.dir>/audit, and whole files go when they are older',
    }),
});

const SINK_SCHEMA = z.strictObject({
  kind: z.string().meta({ zh: '类型', en: 'its kind', examples: ['influxdb'] }),
  id: z
    .string()
    .regex(/^[a-z0-9-]{1,32}$/)
    .optional()
    .meta({
      zh: '编号，进度以此为名；默认同 kind',
      en: 'its name, under which its place is kept; by default that of its kind',
      examples: ['city-influx'],
    }),
  settings: z.record(z.string(), z.unknown()).default({}).meta({ zh: '该类型的设置，见下', en: 'settings of its kind, see below' }),
});

export const GATEWAY_SCHEMA = z.strictObject({
  gateway: z
    .string()
    .regex(IDS.edge)
    .meta({ zh: '网关编号', en: 'name of this gateway', examples: ['town-gateway'] }),
  centre: z
    .string()
    .regex(IDS.centre)
    .meta({
      zh: '所属中心：镇街 9 位、区县 6 位行政区划代码，或自定的 6–12 位大写字母数字',
      en: 'its centre: 9 digits for a town, 6 for a county, or 6 to 12 capitals and digits of your own',
      examples: ['500112001'],
    }),
  name: z
    .strictObject({
      zh: z.string().min(1).max(64).meta({ zh: '中文名', en: 'in Chinese' }),
      en: z.string().min(1).max(64).meta({ zh: '英文名', en: 'in English' }),
    })
    .optional()
    .meta({
      zh: '本中心的名称，显示在控制台上',
      en: 'what people call this centre; the console shows it',
      examples: [{ zh: '龙溪镇', en: 'Longxi town' }],
    }),
  broker: BROKER_SCHEMA.meta({
    zh: '边缘节点接入的消息代理',
    en: 'the broker that edges connect to',
    examples: [{ embedded: { port: 1883 } }],
  }),
  log: z
    .strictObject({
      dir: z
        .string()
        .min(1)
        .optional()
        .meta({ zh: '日志目录；默认 ./data/<gateway>/log', en: 'folder of the log; default ./data/<gateway>/log' }),
      maxBytes: sizeBytes()
        .refine((bytes) => bytes >= 16 * 1024 ** 2, settingIssue('must be at least 16MB', '不能小于 16MB'))
        .prefault('10GB')
        .meta({ zh: '日志最多占用的磁盘', en: 'most that the log takes on disk' }),
      keep: positive('24h').meta({
        zh: '已处理的事件为补取者保留多久',
        en: 'how long events that were dealt with are kept for followers of `events`',
      }),
    })
    .prefault({})
    .meta({ zh: '接收到的一切先落盘于此', en: 'where all that comes in is on disk first' }),
  store: z
    .strictObject({
      dir: z
        .string()
        .min(1)
        .optional()
        .meta({ zh: '时序库目录；默认 ./data/<gateway>/store', en: 'folder of the time series; default ./data/<gateway>/store' }),
      retention: positive('2y').meta({ zh: '历史保留多久', en: 'how long history is kept' }),
      maxBytes: sizeBytes()
        .refine((bytes) => bytes >= 16 * 1024 ** 2, settingIssue('must be at least 16MB', '不能小于 16MB'))
        .prefault('20GB')
        .meta({ zh: '时序库最多占用的磁盘，超出时最旧的先删', en: 'most that history takes on disk; the oldest goes first' }),
      compaction: z
        .strictObject({
          every: durationMs()
            .refine((ms) => ms >= 100 && ms <= 7 * 24 * 60 * MINUTE_MS, settingIssue('must be from 100ms to 7d', '必须在 100ms 到 7d 之间'))
            .prefault('6h')
            .meta({ zh: '多久压缩一次；越频繁磁盘写入越多', en: 'how often; the more often, the more the disk is written' }),
          settle: durationMs()
            .refine((ms) => ms <= 30 * 24 * 60 * MINUTE_MS, settingIssue('must be at most 30d', '不能超过 30d'))
            .prefault('1h')
            .meta({
              zh: '早于此时长的数据才压缩；更新的数据常被查询且仍有延迟者',
              en: 'values must be older than this; newer ones are asked for most, and more may come late',
            }),
        })
        .prefault({})
        .meta({ zh: '将逐行数据压缩为数据块', en: 'how rows are moved into compressed chunks' }),
    })
    .prefault({})
    .meta({ zh: '时序库', en: 'the time series' }),
  evidence: z
    .strictObject({
      dir: z
        .string()
        .min(1)
        .optional()
        .meta({ zh: '保存目录；默认 ./data/<gateway>/evidence', en: 'their folder; default ./data/<gateway>/evidence' }),
      keep: positive('30d').meta({ zh: '保留多久', en: 'how long they are kept' }),
      maxBytes: sizeBytes()
        .refine((bytes) => bytes >= 16 * 1024 ** 2, settingIssue('must be at least 16MB', '不能小于 16MB'))
        .prefault('20GB')
        .meta({ zh: '最多占用的磁盘，超出时最旧的先删', en: 'most that they take on disk; the oldest go first' }),
    })
    .prefault({})
    .meta({ zh: '随事件到来的画面', en: 'pictures that come with events' }),
  atRest: AT_REST_SCHEMA.optional().meta({
    zh: '画面、短视频及网关私钥在磁盘上的加密；省略即不加密',
    en: 'encryption of pictures, clips and keys of the gateway on disk; left out: none',
  }),
  streams: z
    .strictObject({
      events: z
        .enum(['all', 'none'])
        .default('all')
        .meta({
          zh: '是否把已接收的事件逐条发布到 cv/v1/out；预警不受影响',
          en: 'whether accepted events are published, one a message, on cv/v1/out; warnings always are',
        }),
      indicators: z
        .array(z.string().regex(IDS.indicator))
        .default([])
        .meta({ zh: '只发布这些指标；为空则发布全部', en: 'only of these indicators; of all when empty', examples: [['YJ-FLD-001']] }),
    })
    .prefault({})
    .meta({ zh: '供其他系统订阅的事件流', en: 'events for other consumers' }),
  http: z
    .strictObject({
      host: host().default('127.0.0.1').meta({ zh: '监听地址；默认只对本机', en: 'address to listen on; by default this machine alone' }),
      port: port(8080, { zh: '端口；0 为任选', en: 'port; 0 takes any that is free' }),
      hosts: z
        .array(host())
        .max(64)
        .optional()
        .meta({
          zh: '除 IP 地址、localhost 和 host 外，还允许以哪些主机名访问（不带端口）；其他名称以 421 拒绝，防止 DNS 重绑定',
          en: 'names by which it may be asked, without a port, beside IP addresses, localhost and `host`; any other is refused with 421, against DNS rebinding',
          examples: [['city.example']],
        }),
      readers: z
        .array(
          z.strictObject({
            name: z
              .string()
              .regex(/^[^\s/+#]{1,64}$/)
              .meta({ zh: '读取者名称', en: 'who it is', examples: ['duty-room'] }),
            token: z
              .string()
              .min(16, settingIssue('must have at least 16 characters', '至少 16 个字符'))
              .meta({
                zh: '令牌，至少 16 个字符',
                en: 'token, at least 16 characters',
                secret: true,
                examples: ['${env:DUTY_ROOM_TOKEN}'],
              }),
          }),
        )
        .max(1000)
        .optional()
        .meta({
          zh: '谁可读取接口与控制台；operators 的令牌同样有效；host 只对本机且无 trustProxy 时不需要令牌',
          en: 'who may read API and console, beside operators; no token is needed where `host` is of this machine alone and there is no `trustProxy`',
          examples: [[{ name: 'duty-room', token: '${env:DUTY_ROOM_TOKEN}' }]],
        }),
      anonymous: z
        .enum(['loopback', 'none'])
        .optional()
        .meta({
          zh: '只监听本机时，未登录可否读取：始终可以（loopback）或从不（none）；不写则在有管理员之前可以',
          en: 'reading without signing in, where HTTP is of this machine alone: always (loopback) or never (none); left out: until there is an administrator',
          examples: ['loopback'],
        }),
      trustProxy: z
        .array(
          z
            .string()
            .refine(
              isAddressOrRange,
              settingIssue('not an IP address or range such as 10.0.0.0/24', '不是 IP 地址或网段（如 10.0.0.0/24）'),
            ),
        )
        .max(64)
        .optional()
        .meta({
          zh: '反向代理的地址或网段；只有它们的 X-Forwarded-For 和 X-Forwarded-Proto 可信',
          en: 'addresses or ranges of reverse proxies: from them alone X-Forwarded-For and X-Forwarded-Proto are believed',
          examples: [['127.0.0.1']],
        }),
    })
    .prefault({})
    .meta({ zh: '接口与控制台', en: 'API and console' }),
  accepts: z
    .array(z.enum(ORIGINS))
    .min(1)
    .default(['live', 'backfill'])
    .meta({ zh: '接收哪些来源的事件；演练模式接收全部', en: 'origins of events that come in; in exercise mode all do' }),
  edgeHttp: z
    .array(
      z.strictObject({
        edge: z
          .string()
          .regex(IDS.edge)
          .meta({ zh: '边缘节点编号', en: 'id of the edge', examples: ['pump-07'] }),
        origin: z
          .string()
          .max(200)
          .refine((text) => originOf(text) !== null, settingIssue('must be http(s)://host:port and nothing more', '只能写协议、主机和端口'))
          .meta({
            zh: '其 HTTP 地址，仅协议、主机和端口',
            en: 'its HTTP: scheme, host and port alone',
            examples: ['http://10.0.0.7:8090'],
          }),
      }),
    )
    .default([])
    .meta({
      zh: '边缘节点自身 HTTP 的地址，用于取画面；未列出的节点只在其连接内置代理所用的地址上访问',
      en: 'where edges have their own HTTP, for pictures; one that is not listed is asked only on the address from which it is connected to the built-in broker',
      examples: [[{ edge: 'pump-07', origin: 'http://10.0.0.7:8090' }]],
    }),
  bindings: z
    .array(
      z.strictObject({
        device: z
          .string()
          .regex(IDS.device)
          .meta({ zh: '设备编号', en: 'id of the device', examples: ['bus-17-gps'] }),
        edges: z
          .array(z.string().regex(IDS.edge))
          .min(1)
          .meta({
            zh: '可上送其数据的边缘节点；车载设备或主备节点可列多个，命令发往最近与其通信的节点',
            en: 'edges that may speak for it; several for a vehicle or a standby pair, and commands go to the one that last had it live',
            examples: [['bus-17-a', 'bus-17-b']],
          }),
      }),
    )
    .default([])
    .meta({
      zh: '设备与边缘节点的绑定；未列出的设备归首个上送其数据的节点，可用 cityvitals devices bind 改绑',
      en: 'which edge a device belongs to; one that is not listed belongs to the first edge seen with it, until cityvitals devices bind',
      examples: [[{ device: 'bus-17-gps', edges: ['bus-17-a', 'bus-17-b'] }]],
    }),
  exercise: z
    .boolean()
    .default(false)
    .meta({ zh: '演练模式：一切照常运行并加标记，不对外通知', en: 'exercise: all works and is marked, nothing leaves for real people' }),
  relays: z
    .array(z.string().regex(IDS.edge))
    .default([])
    .meta({
      zh: '可转发他方事件的发送者（下级网关）',
      en: 'senders that pass on events of others: gateways below this one',
      examples: [['town-gateway']],
    }),
  audit: AUDIT_SCHEMA.prefault({}).meta({ zh: '审计记录', en: 'the audit record' }),
  tls: TLS_SCHEMA.prefault({}).meta({
    zh: '加密传输与证书；监听本机以外的地址时启用',
    en: 'TLS and certificates, in use where the gateway listens beyond this machine',
  }),
  signIn: SIGN_IN_SCHEMA.prefault({}).meta({ zh: '用户登录', en: 'how users sign in' }),
  operators: z
    .array(
      z.strictObject({
        name: z
          .string()
          .regex(/^[^\s/+#]{1,64}$/)
          .meta({ zh: '操作员姓名或工号，写入审计记录', en: 'who it is; stands in the record of commands', examples: ['duty-1'] }),
        token: z
          .string()
          .min(16, settingIssue('must have at least 16 characters', '至少 16 个字符'))
          .meta({ zh: '令牌，至少 16 个字符', en: 'token, at least 16 characters', secret: true, examples: ['${env:DUTY_1_TOKEN}'] }),
      }),
    )
    .default([])
    .meta({
      zh: '可向边缘节点下达命令的操作员；为空则不接受命令',
      en: 'who may give commands to edges; nobody when empty',
      examples: [[{ name: 'duty-1', token: '${env:DUTY_1_TOKEN}' }]],
    }),
  live: z
    .strictObject({
      anonymous: z
        .enum(['loopback', 'none'])
        .default('none')
        .meta({
          zh: '无令牌可否观看：仅限本机（loopback），或不允许（none）；经代理访问的不算本机',
          en: 'watching without a token: from this machine (loopback), or not at all (none); whoever comes through a proxy is not on this machine',
        }),
      maxViewers: z
        .int()
        .min(1)
        .max(256)
        .default(8)
        .meta({ zh: '每路摄像机最多同时观看人数', en: 'most people who watch one camera at one time' }),
    })
    .prefault({})
    .meta({ zh: '实时观看摄像机；凭 operators 的令牌', en: 'watching cameras live; by the tokens of operators' }),
  sinks: z
    .array(SINK_SCHEMA)
    .default([])
    .meta({
      zh: '数据转发，各自按进度读取日志，互不影响',
      en: 'other places events go; each reads the log at its own pace and holds up nobody',
      examples: [[{ kind: 'influxdb', settings: { url: 'http://10.0.0.9:8086', bucket: 'city' } }]],
    }),
  notifiers: plugs({ zh: '通知方式', en: 'ways to reach people' }),
  rules: files({
    zh: '规则文件，或含 *.yaml 的目录；只运行此处列出的',
    en: 'rule files, or folders of *.yaml; only these are evaluated',
    examples: [['./rules']],
  }),
  catalogue: files({ zh: '指标目录文件，或含 *.yaml 的目录', en: 'catalogue files, or folders of *.yaml', examples: [['./catalogue']] }),
});
