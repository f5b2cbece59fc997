/** Settings of an OPC UA server and of its points. */
import { z } from 'zod';
import { settingIssue, durationMs } from '../../core/setting.ts';

export const POLICIES = ['Basic256Sha256', 'Aes128_Sha256_RsaOaep', 'Aes256_Sha256_RsaPss'] as const;

const MAX_INTERVAL_MS = 86_400_000;
/** Servers do not accept unlimited intervals. */
const interval = () => durationMs().refine((ms) => ms <= MAX_INTERVAL_MS, settingIssue('must be at most 1d', '不能超过 1d'));

const secured = z.strictObject({
  policy: z.enum(POLICIES).meta({ zh: '安全策略', en: 'Security policy' }),
  mode: z
    .enum(['Sign', 'SignAndEncrypt'])
    .default('SignAndEncrypt')
    .meta({ zh: '只签名，或签名并加密', en: 'Signed only, or signed and encrypted' }),
});

export const settings = z
  .object({
    endpoint: z
      .string()
      .regex(/^opc\.tcp:\/\/[^\s/]+(:\d{1,5})?(\/\S*)?$/)
      .meta({ zh: '服务器地址', en: 'Address of the server', examples: ['opc.tcp://192.168.1.30:4840'] }),
    // Has no default on purpose: running without security must be written explicitly.
    security: z
      .union([z.literal('none'), secured])
      .meta({
        zh: '安全策略与方式；none 表示不签名、不加密，必须明确写出',
        en: 'Policy and mode; none means neither signed nor encrypted and must be written explicitly',
        examples: [{ policy: 'Basic256Sha256', mode: 'SignAndEncrypt' }, 'none'],
      }),
    user: z.string().min(1).optional().meta({ zh: '用户名；省略为匿名', en: 'User; left out: anonymous' }),
    password: z
      .string()
      .optional()
      .meta({ zh: '密码', en: 'Password', secret: true, examples: ['${env:PLC_PASSWORD}'] }),
    certificates: z
      .strictObject({
        dir: z
          .string()
          .min(1)
          .default('./data/opcua-certificates')
          .meta({
            zh: '证书目录：own 为本机证书，trusted 为信任的服务器证书，rejected 为首次遇到、待确认的',
            en: 'Folder of certificates: own is this machine, trusted contains trusted servers, rejected those seen for the first time',
            path: true,
          }),
        checkHost: z
          .boolean()
          .default(true)
          .meta({ zh: '服务器证书须写明所连接的主机名或地址', en: "The server's certificate must name the host that we connect to" }),
      })
      .prefault({})
      .meta({ zh: '签名或加密所用的证书', en: 'Certificates for signing and encryption' }),
    mode: z
      .enum(['subscribe', 'poll'])
      .default('subscribe')
      .meta({
        zh: '订阅变化，或按 sampleEvery 读取；服务器不支持订阅时自动改为读取',
        en: 'Subscribe to changes, or poll at sampleEvery; a server without subscriptions is polled automatically',
      }),
    publishEvery: interval().prefault('1s').meta({ zh: '服务器发送变化的间隔', en: 'How often the server sends changes' }),
    sampleEvery: interval()
      .prefault('1s')
      .meta({
        zh: '服务器采样（或读取）的间隔；0ms 为每次变化；可在测点上单独设置',
        en: 'How often the server samples, or is polled; 0ms: at every change; can be set per point',
      }),
    queueSize: z
      .int()
      .min(1)
      .max(10_000)
      .default(10)
      .meta({ zh: '服务器为每个测点缓存的值数', en: 'Values that the server queues for each point' }),
    holdFor: durationMs()
      .prefault('60s')
      .meta({
        zh: '断线后服务器为本机保留会话、订阅和缓存的时间',
        en: 'How long the server keeps session, subscription and queues while the edge is disconnected',
      }),
  })
  .check((context) => {
    const { user, password, security } = context.value;
    const refuse = (key: string, problem: ReturnType<typeof settingIssue>) =>
      context.issues.push({ code: 'custom', path: [key], input: context.value, ...problem });
    if (user !== undefined && security === 'none')
      refuse(
        'user',
        settingIssue(
          'a password is never sent with security none: give security a policy and a mode',
          '不在 security: none 上传送密码：请为 security 写明策略与方式',
        ),
      );
    if (user !== undefined && password === undefined) refuse('user', settingIssue('a user needs a password', '有用户名时需要密码'));
    if (user === undefined && password !== undefined) refuse('password', settingIssue('a password needs a user', '有密码时需要用户名'));
  });
export type OpcuaSettings = z.infer<typeof settings>;

const NODE = /^(nsu=[^;]+;|ns=\d+;)?[sigb]=.+$/;

export const point = z.object({
  node: z
    .string()
    .regex(NODE)
    .meta({
      zh: '节点：推荐 `nsu=命名空间URI;s=名称`（索引可能变化），也可用 `ns=2;s=名称` 或 `i=编号`',
      en: 'Node: preferably `nsu=NAMESPACE-URI;s=NAME`, since an index may change; `ns=2;s=NAME` and `i=NUMBER` are accepted too',
      examples: ['nsu=urn:maker:device;s=Tank.Level', 'ns=2;s=Tank.Level', 'i=2258'],
    }),
  index: z.int().min(0).optional().meta({ zh: '数组节点中取第几个元素，从 0 起', en: 'Which element of an array, from 0' }),
  sampleEvery: interval().optional().meta({ zh: '该测点的采样间隔', en: 'Sampling interval of this point' }),
  queueSize: z.int().min(1).max(10_000).optional().meta({ zh: '该测点的缓存数', en: 'Queue size of this point' }),
  serverDeadband: z
    .union([
      z.number().positive(),
      z.strictObject({ percent: z.number().positive().max(100).meta({ zh: '量程的百分比', en: 'Percent of its range' }) }),
    ])
    .optional()
    .meta({
      zh: '服务器端死区：绝对值，或量程（EURange）的百分比；状态变化不受死区影响',
      en: 'Deadband at the server: absolute, or percent of the range (EURange); a change of status is always sent',
      examples: [0.5, { percent: 2 }],
    }),
});
export type OpcuaPoint = z.infer<typeof point>;
