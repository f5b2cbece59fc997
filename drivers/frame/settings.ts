/** Settings of a device with a described protocol and of its points. */
import { z } from 'zod';
import { host } from '../../core/config/address.ts';
import { settingIssue, durationMs } from '../../core/setting.ts';

export const settings = z
  .object({
    description: z
      .string()
      .min(1)
      .meta({
        zh: '协议描述文件，或自带的描述：shipped:compound-terminal',
        en: 'File that describes the protocol, or a shipped one: shipped:compound-terminal',
        path: true,
        examples: ['shipped:compound-terminal', './weighbridge.yaml'],
      }),
    transport: z.enum(['tcp', 'udp', 'serial']).default('tcp').meta({ zh: '传输方式', en: 'Transport' }),
    listen: z
      .string()
      .regex(/^(\[[0-9a-fA-F:]+\]|[^\s:[\]]+):\d{1,5}$/)
      .optional()
      .meta({
        zh: 'tcp、udp：在此监听，等待设备接入；多台设备可共用，按标识区分',
        en: 'tcp, udp: where devices connect to us; many may share it and are told apart by their identity',
        examples: ['0.0.0.0:7600'],
      }),
    host: host()
      .optional()
      .meta({
        zh: 'tcp、udp：主动连接时的设备地址',
        en: 'tcp, udp: address of the device, where we connect to it',
        examples: ['192.168.1.80'],
      }),
    port: z
      .union([z.int().min(1).max(65_535), z.string().min(1)])
      .optional()
      .meta({
        zh: 'tcp、udp：设备端口号；serial：串口',
        en: 'tcp, udp: its port; serial: the serial port',
        examples: [4001, '/dev/ttyUSB0'],
      }),
    baudRate: z.int().min(300).max(4_000_000).default(9600).meta({ zh: 'serial：波特率', en: 'serial: bits a second' }),
    dataBits: z
      .union([z.literal(7), z.literal(8)])
      .default(8)
      .meta({ zh: 'serial：数据位', en: 'serial: data bits' }),
    stopBits: z
      .union([z.literal(1), z.literal(2)])
      .default(1)
      .meta({ zh: 'serial：停止位', en: 'serial: stop bits' }),
    parity: z.enum(['none', 'even', 'odd']).default('none').meta({ zh: 'serial：校验位', en: 'serial: parity' }),
    identity: z
      .string()
      .regex(/^[\x21-\x7e]{1,64}$/)
      .optional()
      .meta({
        zh: '设备标识，写法与描述中 identity 字段读出的一致；省略则取该地址上的任何设备',
        en: "Identity of the device, as the description's identity field reads; left out: any device at that address",
        examples: ['500112000017'],
      }),
    pollEvery: durationMs()
      .refine((ms) => ms >= 50 && ms <= 86_400_000, settingIssue('must be from 50ms to 1d', '必须在 50ms 到 1d 之间'))
      .optional()
      .meta({ zh: '查询间隔，代替描述中的 every', en: "Polling interval, instead of the description's", examples: ['5s'] }),
  })
  .check((context) => {
    const { transport, listen, host: dialled, port } = context.value;
    const refuse = (key: string, problem: ReturnType<typeof settingIssue>) =>
      context.issues.push({ code: 'custom', path: [key], input: context.value, ...problem });
    if (transport === 'serial') {
      if (typeof port !== 'string')
        refuse('port', settingIssue('serial needs a port such as /dev/ttyUSB0', 'serial 需要串口，如 /dev/ttyUSB0'));
      return;
    }
    if ((listen === undefined) === (dialled === undefined))
      refuse(
        'listen',
        settingIssue(
          'either `listen` (devices connect to us) or `host` and `port` (we connect to the device)',
          'listen（设备接入）与 host 加 port（主动连接）须有且只有一种',
        ),
      );
    if (dialled !== undefined && typeof port !== 'number')
      refuse('port', settingIssue('a host needs a port number', '写了 host 就需要端口号'));
  });
export type FrameSettings = z.infer<typeof settings>;

export const point = z.object({
  read: z
    .string()
    .regex(/^[A-Za-z]\w*(\.[A-Za-z]\w*){1,4}$/)
    .meta({
      zh: '读哪个字段：报文.字段，或 报文.组.字段',
      en: 'Which field: message.field, or message.group.field',
      examples: ['state.temperature', 'tags.reads.epc'],
    }),
  where: z
    .record(z.string(), z.union([z.number(), z.string(), z.boolean()]))
    .default({})
    .meta({
      zh: '只取同一报文或重复组中其他字段为此值者，如 { antenna: 1 }',
      en: 'Only where other fields of the same message or repetition have these values, such as { antenna: 1 }',
      examples: [{ antenna: 1 }],
    }),
});
export type FramePoint = z.infer<typeof point>;
export type ConfiguredFramePoint = { id: string } & FramePoint;
