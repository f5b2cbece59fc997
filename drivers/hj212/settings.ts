/** Settings of an HJ 212 station and of its points. */
import { z } from 'zod';
import { host } from '../../core/config/address.ts';
import { settingIssue, durationMs } from '../../core/setting.ts';

const durationBetween = (minMs: number, maxMs: number, words: ReturnType<typeof settingIssue>) =>
  durationMs().refine((ms) => ms >= minMs && ms <= maxMs, words);

export const settings = z
  .object({
    listen: z
      .string()
      .regex(/^(\[[0-9a-fA-F:]+\]|[^\s:[\]]+):\d{1,5}$/)
      .optional()
      .meta({
        zh: '在此地址和端口监听，等待数采仪拨入（通常如此）；多台设备可共用一个端口，按 MN 区分',
        en: 'Address and port where data loggers dial in, as they usually do; many devices share one port and are told apart by MN',
        examples: ['0.0.0.0:8212'],
      }),
    host: host()
      .optional()
      .meta({ zh: '主动连接数采仪时的地址', en: 'Address of the data logger, where we dial it', examples: ['192.168.1.60'] }),
    port: z
      .int()
      .min(1)
      .max(65535)
      .optional()
      .meta({ zh: '主动连接时的端口；标准没有规定', en: 'Its port; the standard names none', examples: [5002] }),
    mn: z
      .string()
      .regex(/^[0-9A-Za-z_-]{1,32}$/)
      .meta({
        zh: '设备唯一标识 MN，须与数采仪中的一致',
        en: "MN, the device's identity, as it stands in the data logger",
        examples: ['010000A8900016F000169DC0'],
      }),
    password: z
      .string()
      .min(1)
      .max(32)
      .optional()
      .meta({
        zh: '访问密码 PW；写明后密码不符的数据不予接收；省略则不校验',
        en: 'PW; data with another one is refused; left out: not checked',
        secret: true,
        examples: ['${env:HJ212_PW}'],
      }),
    edition: z
      .enum(['auto', '2005', '2017', '2025'])
      .default('auto')
      .meta({ zh: '标准版本；auto 为按设备报文的 Flag 判断', en: "Edition of the standard; auto: from the Flag of the device's packets" }),
    answer: z
      .enum(['asked', 'always', 'never'])
      .default('asked')
      .meta({
        zh: '何时应答上传数据（9014）：设备要求时、总是、从不；数据落盘后才应答',
        en: 'When uploads are answered (9014): when the device asks for it, always, never; answered only when stored on disk',
      }),
    minuteEvery: durationBetween(60_000, 3_600_000, settingIssue('must be from 1m to 1h', '必须在 1m 到 1h 之间'))
      .prefault('10m')
      .meta({ zh: '分钟数据（2051）的统计周期', en: 'Period of minute data (2051)' }),
    periodLabel: z
      .enum(['start', 'end'])
      .default('start')
      .meta({
        zh: '统计数据的 DataTime 是周期的开始还是结束',
        en: 'Whether DataTime of statistics is the start of their period or its end',
      }),
    historyAfter: durationBetween(60_000, 86_400_000, settingIssue('must be from 1m to 1d', '必须在 1m 到 1d 之间'))
      .prefault('10m')
      .meta({ zh: '数据晚到超过此时长即视为补传的历史数据', en: 'Data that arrives later than this after its time is backfill, not live' }),
    history: z
      .array(z.enum(['minute', 'hour', 'day']))
      .default([])
      .meta({
        zh: '断线恢复后向数采仪索取哪些缺失的历史数据（2051、2061、2031）；仅索取本次运行中断线期间的',
        en: 'Which missing data is requested after a reconnect (2051, 2061, 2031); only data missed since the edge started',
        examples: [['minute']],
      }),
    historyReach: durationBetween(3_600_000, 30 * 86_400_000, settingIssue('must be from 1h to 30d', '必须在 1h 到 30d 之间'))
      .prefault('1d')
      .meta({ zh: '最多追溯多久', en: 'How far back it is requested' }),
    setClock: z
      .enum(['never', 'asked', 'skewed'])
      .default('asked')
      .meta({
        zh: '校时（1012）：从不、设备请求（1013）时、还包括其时钟偏差超过 5 分钟时',
        en: 'Setting its clock (1012): never, when it asks (1013), or also when it is more than 5 min off',
      }),
  })
  .check((context) => {
    const { listen, host: dialled, port } = context.value;
    const refuse = (key: string, problem: ReturnType<typeof settingIssue>) =>
      context.issues.push({ code: 'custom', path: [key], input: context.value, ...problem });
    if (listen === undefined && dialled === undefined)
      refuse(
        'listen',
        settingIssue('give `listen` (the logger dials in) or `host` and `port`', '请写 listen（数采仪拨入），或 host 和 port'),
      );
    if (listen !== undefined && dialled !== undefined)
      refuse('host', settingIssue('either `listen` or `host`, not both', 'listen 与 host 只能写一个'));
    if (dialled !== undefined && port === undefined) refuse('port', settingIssue('a host needs a port', '写了 host 就需要 port'));
  });
export type Hj212Settings = z.infer<typeof settings>;

/** The uploads that points are read from, with their command code. */
export const UPLOAD_COMMANDS = { realtime: '2011', status: '2021', day: '2031', running: '2041', minute: '2051', hour: '2061' } as const;
export type UploadKind = keyof typeof UPLOAD_COMMANDS;

/** The history that a logger can be asked for; the period of minute data is a setting. */
export const HISTORY_COMMANDS: Readonly<Record<Hj212Settings['history'][number], { cn: string; everyMs: number | null }>> = {
  minute: { cn: UPLOAD_COMMANDS.minute, everyMs: null },
  hour: { cn: UPLOAD_COMMANDS.hour, everyMs: 3_600_000 },
  day: { cn: UPLOAD_COMMANDS.day, everyMs: 86_400_000 },
};

/** Parameters of the data logger: the commands that read and write each, and its field. */
export const LOGGER_PARAMETERS = {
  realtimeInterval: { read: '1061', write: '1062', field: 'RtdInterval', unit: 's', min: 1, max: 3600 },
  minuteInterval: { read: '1063', write: '1064', field: 'MinInterval', unit: 'min', min: 1, max: 60 },
} as const;
export type LoggerParameter = keyof typeof LOGGER_PARAMETERS;

export const point = z
  .object({
    factor: z
      .string()
      .regex(/^[A-Za-z0-9]{1,16}$/)
      .optional()
      .meta({
        zh: '监测因子代码：a34004（PM2.5）、w01018（COD）、SB1（设备）…；2005 版代码（011）也可',
        en: 'Code of the factor: a34004 (PM2.5), w01018 (COD), SB1 (a machine) …; codes of 2005 (011) work too',
        examples: ['a34004'],
      }),
    value: z
      .string()
      .regex(/^[A-Za-z]{1,16}$/)
      .default('Rtd')
      .meta({
        zh: '取哪个值：Rtd、Avg、Min、Max、Cou、ZsRtd、ZsAvg…；设备状态 RS、运行时间 RT；其他后缀也可',
        en: 'Which of its values: Rtd, Avg, Min, Max, Cou, ZsRtd, ZsAvg …; RS (state) and RT (running hours) of a machine; any other suffix works too',
      }),
    period: z
      .enum(Object.keys(UPLOAD_COMMANDS) as [UploadKind, ...UploadKind[]])
      .optional()
      .meta({
        zh: '取自哪种上传：默认 Rtd 为实时，RS 为状态，RT 为运行时间，其余为分钟',
        en: 'From which upload: by default Rtd from realtime, RS from status, RT from running, others from minute',
      }),
    type: z.enum(['number', 'text']).default('number').meta({ zh: '数值或文本', en: 'A number, or text' }),
    parameter: z
      .enum(Object.keys(LOGGER_PARAMETERS) as [LoggerParameter, ...LoggerParameter[]])
      .optional()
      .meta({
        zh: '数采仪的参数（代替 factor）：实时数据间隔（秒）、分钟数据间隔（分），可写',
        en: 'A setting of the logger instead of a factor, which can be written: interval of realtime data (s), of minute data (min)',
      }),
  })
  .check((context) => {
    const { factor, parameter } = context.value;
    const refuse = (key: string, problem: ReturnType<typeof settingIssue>) =>
      context.issues.push({ code: 'custom', path: [key], input: context.value, ...problem });
    if (factor === undefined && parameter === undefined)
      refuse('factor', settingIssue('give the code of a factor, such as a34004', '请写监测因子代码，如 a34004'));
    if (factor !== undefined && parameter !== undefined)
      refuse('parameter', settingIssue('a point is a factor or a parameter, not both', 'factor 与 parameter 只能写一个'));
  });
export type Hj212Point = z.infer<typeof point>;

/** The upload that a point is read from. */
export function uploadKindOf({ value, period }: Pick<Hj212Point, 'value' | 'period'>): UploadKind {
  if (period) return period;
  if (value.endsWith('Rtd')) return 'realtime';
  if (value === 'RS') return 'status';
  return value === 'RT' ? 'running' : 'minute';
}
