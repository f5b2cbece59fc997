/** Settings of a Modbus device and of its points. */
import { z } from 'zod';
import { settingIssue, type SettingFormat } from '../../core/setting.ts';
import { isRegister, MAX_BITS, MAX_REGISTERS, parseAddress, type ModbusAddress } from './address.ts';
import { registerCount, VALUE_TYPES, type ValueType } from './values.ts';

const TRANSPORTS = ['tcp', 'rtu-tcp', 'rtu', 'dtu'] as const;

const bytes = z.object({
  ascii: z
    .string()
    .min(1)
    .optional()
    .meta({ zh: '文本形式', en: 'As text', examples: ['DTU-0017'] }),
  hex: z
    .string()
    .refine(
      (text) => /^([0-9A-Fa-f]{2}\s?)+$/.test(text),
      settingIssue('not hexadecimal bytes such as "FE FE 01"', '不是十六进制字节，应如 "FE FE 01"'),
    )
    .optional()
    .meta({ zh: '十六进制形式', en: 'As hexadecimal bytes', examples: ['FE FE 01'] }),
});

const registration = bytes.extend({
  imei: z
    .string()
    .refine((text) => /^\d{15}$/.test(text), settingIssue('an IMEI has 15 digits', 'IMEI 为 15 位数字'))
    .optional()
    .meta({ zh: '15 位 IMEI，出现在注册包任意位置即可', en: 'IMEI, 15 digits, anywhere in the packet', examples: ['861234567890123'] }),
  unit: z
    .int()
    .min(1)
    .max(247)
    .optional()
    .meta({
      zh: '不发注册包的终端：以该站号的应答识别',
      en: 'For a DTU without registration packet: the unit number that answers behind it',
    }),
});

function isListen(text: string): boolean {
  const [, port] = /^(?:\[[0-9a-fA-F:]+\]|[^\s:[\]]+):(\d{1,5})$/.exec(text) ?? [];
  return Number(port) >= 1 && Number(port) <= 65_535;
}

/** Settings that do not belong to the transport are ignored. */
export const settings = z
  .object({
    transport: z
      .enum(TRANSPORTS)
      .default('tcp')
      .meta({
        zh: '传输方式：tcp 为 Modbus TCP；rtu 为本机串口；rtu-tcp 为透传串口服务器；dtu 为等待 4G 数传终端（DTU）拨入',
        en: 'Transport: tcp is Modbus TCP; rtu a serial port of this machine; rtu-tcp a transparent serial server; dtu waits for a 4G DTU to dial in',
      }),
    host: z
      .string()
      .min(1)
      .optional()
      .meta({
        zh: '设备、Modbus 网关或串口服务器的地址（tcp、rtu-tcp 必填）',
        en: 'Address of the device, gateway or serial server; needed with tcp and rtu-tcp',
        examples: ['192.168.1.20'],
      }),
    port: z
      .union([z.int().min(1).max(65_535), z.string().min(1)])
      .default(502)
      .meta({
        zh: 'TCP 端口；rtu 时为串口，建议用 /dev/serial/by-id/ 下的固定名称',
        en: 'TCP port; with rtu the serial port, preferably by its stable name under /dev/serial/by-id/',
        examples: [502, '/dev/serial/by-id/usb-FTDI_FT232R-if00-port0'],
      }),
    listen: z
      .string()
      .refine(isListen, settingIssue('not an address and port such as 0.0.0.0:6000', '不是地址加端口，应如 0.0.0.0:6000'))
      .optional()
      .meta({ zh: 'dtu：监听的本机地址和端口', en: 'dtu: address and port of this machine that DTUs dial', examples: ['0.0.0.0:6000'] }),
    registration: registration
      .optional()
      .meta({
        zh: 'dtu：终端拨入后发送的注册包，用来区分终端；省略则以本设备站号的应答识别',
        en: 'dtu: the packet that identifies the DTU; left out: the DTU behind which this unit number answers',
      }),
    heartbeat: bytes
      .optional()
      .meta({
        zh: 'dtu：终端定时发送的心跳包，会从应答中剔除',
        en: 'dtu: the packet that the DTU sends at intervals; removed from answers',
      }),
    framing: z
      .enum(['rtu', 'tcp'])
      .default('rtu')
      .meta({ zh: 'dtu：报文格式，透传终端为 rtu', en: 'dtu: format of the ADUs; a transparent DTU has rtu' }),
    unit: z
      .int()
      .min(0)
      .max(255)
      .default(1)
      .meta({
        zh: '站号：串口或 Modbus 网关后面的设备为 1–247，独立的 TCP 设备通常为 1 或 255',
        en: 'Unit number: 1 to 247 on a serial line or behind a gateway; a device with its own TCP port mostly uses 1 or 255',
      }),
    baudRate: z.int().min(50).max(4_000_000).default(9600).meta({ zh: 'rtu：波特率', en: 'rtu: baud rate' }),
    parity: z.enum(['none', 'even', 'odd']).default('none').meta({ zh: 'rtu：校验位', en: 'rtu: parity' }),
    dataBits: z
      .union([z.literal(7), z.literal(8)])
      .default(8)
      .meta({ zh: 'rtu：数据位', en: 'rtu: data bits' }),
    stopBits: z
      .union([z.literal(1), z.literal(2)])
      .default(1)
      .meta({ zh: 'rtu：停止位', en: 'rtu: stop bits' }),
    localEcho: z
      .boolean()
      .default(false)
      .meta({ zh: 'rtu：转换器会把发出的字节送回，剔除之', en: 'rtu: the adapter gives back what is sent; it is taken out' }),
    settleMs: z
      .int()
      .min(0)
      .max(10_000)
      .optional()
      .meta({
        zh: '超时后线路保持安静的毫秒数，其间延迟的应答被舍弃；默认 rtu 200，rtu-tcp 和 dtu 300',
        en: 'ms of quiet after a time-out, in which a late answer is dropped; left out: 200 with rtu, 300 with rtu-tcp and dtu',
      }),
    writeMany: z
      .boolean()
      .default(false)
      .meta({
        zh: '写单个寄存器或线圈也用功能码 16、15（少数设备只支持这两个）',
        en: 'Writes one register or coil by functions 16 and 15 too, for devices that support only those',
      }),
    maxRead: z
      .int()
      .min(1)
      .max(MAX_REGISTERS)
      .default(MAX_REGISTERS)
      .meta({
        zh: '单次最多读取的寄存器数；不少仪表只允许 64、32 或 16',
        en: 'Most registers per read; many instruments allow only 64, 32 or 16',
      }),
    maxGap: z
      .int()
      .min(0)
      .max(MAX_REGISTERS)
      .default(8)
      .meta({
        zh: '合并读取时允许跨越的空闲寄存器数；0 表示只合并相邻地址',
        en: 'Unused registers that a joint read may include; 0 joins only adjacent ones',
      }),
    maxReadBits: z
      .int()
      .min(1)
      .max(MAX_BITS)
      .default(MAX_BITS)
      .meta({ zh: '单次最多读取的线圈或离散输入数', en: 'Most coils or discrete inputs per read' }),
    maxGapBits: z
      .int()
      .min(0)
      .max(MAX_BITS)
      .default(64)
      .meta({ zh: '合并读取时允许跨越的空闲线圈或离散输入数', en: 'Unused coils or discrete inputs that a joint read may include' }),
  })
  .check((context) => {
    const problem = mismatchedSetting(context.value);
    if (problem) context.issues.push({ code: 'custom', path: problem.path, input: context.value, ...settingIssue(problem.en, problem.zh) });
  });
export type ModbusSettings = z.infer<typeof settings>;

const SETTLE_MS = { tcp: 0, rtu: 200, 'rtu-tcp': 300, dtu: 300 } as const;

export function settleMsOf({ transport, settleMs }: Pick<ModbusSettings, 'transport' | 'settleMs'>): number {
  return settleMs ?? SETTLE_MS[transport];
}

/** Devices with the same key share a link: the address, the serial line, or the DTU. */
export function busOf({ transport, host, port, listen, registration, unit }: ModbusSettings): string {
  if (transport === 'rtu') return `rtu:${port}`;
  return transport === 'dtu' ? `dtu://${listen}/${dtuName(registration, unit)}` : `${transport}://${host}:${port}`;
}

/** The name of a DTU, which tells it from the others of its port. */
export function dtuName(registration: ModbusSettings['registration'], unit: number): string {
  const { ascii, hex, imei, unit: identifyingUnit } = registration ?? {};
  return imei ?? ascii ?? (hex === undefined ? `unit-${identifyingUnit ?? unit}` : `0x${hex.replaceAll(/\s/g, '').toLowerCase()}`);
}

interface TransportProblem {
  path: string[];
  en: string;
  zh: string;
}

/** Settings that the transport needs or cannot have. */
function mismatchedSetting({
  transport,
  host,
  port,
  listen,
  registration = {},
  heartbeat,
  unit,
  framing,
}: Omit<ModbusSettings, 'settleMs'>): TransportProblem | null {
  const isSocket = transport === 'tcp' || transport === 'rtu-tcp';
  if (isSocket && host === undefined)
    return { path: ['host'], en: `${transport} needs the address of the device`, zh: `${transport} 需要设备地址` };
  if (isSocket && typeof port !== 'number')
    return { path: ['port'], en: `"${port}" is a text; expected a number`, zh: `“${port}”是文本，应为数字` };
  if (transport === 'rtu' && typeof port !== 'string')
    return { path: ['port'], en: 'rtu needs a serial port such as /dev/ttyUSB0', zh: 'rtu 需要串口，如 /dev/ttyUSB0' };
  if (transport === 'dtu' && listen === undefined)
    return { path: ['listen'], en: 'dtu needs an address to listen on such as 0.0.0.0:6000', zh: 'dtu 需要监听地址，如 0.0.0.0:6000' };
  if (transport === 'dtu' && Object.keys(registration).length > 1)
    return { path: ['registration'], en: 'one of ascii, hex, imei and unit', zh: 'ascii、hex、imei、unit 只能写一个' };
  if (heartbeat && Object.keys(heartbeat).length !== 1)
    return { path: ['heartbeat'], en: 'one of ascii and hex', zh: 'ascii、hex 须写且只写一个' };
  const isSerial = transport === 'rtu' || transport === 'rtu-tcp' || (transport === 'dtu' && framing === 'rtu');
  if (isSerial && (unit < 1 || unit > 247))
    return { path: ['unit'], en: `unit ${unit}: on a serial line units are 1 to 247`, zh: `站号 ${unit}：串行线路上的站号为 1–247` };
  return null;
}

const FORM: SettingFormat = {
  en: 'a Modbus address such as holding:100, holding:100.3, coil:3 or 40101',
  zh: 'Modbus 地址（如 holding:100、holding:100.3、coil:3、40101）',
  example: 'holding:100',
};

const address = z
  .string()
  .meta({ form: FORM })
  .transform((text, context): ModbusAddress => {
    const parsed = parseAddress(text);
    if (parsed) return parsed;
    context.addIssue({ code: 'custom', input: text, ...settingIssue(`"${text}" is not ${FORM.en}`, `“${text}”不是${FORM.zh}`) });
    return z.NEVER;
  });

const order = z.enum(['big', 'little']).default('big');

export const point = z
  .object({
    address: address.meta({
      zh: '地址：holding、input、coil、discrete 加从 0 起的编号，寄存器的位写作 holding:100.3；也可用 PLC 地址 40101',
      en: 'Address: holding, input, coil or discrete and a number from 0; a bit of a register is holding:100.3; PLC addresses such as 40101 are accepted too',
      examples: ['holding:100', 'coil:3', '40101'],
    }),
    type: z
      .enum(VALUE_TYPES)
      .optional()
      .meta({ zh: '数据类型；省略时位为 bool，寄存器为 uint16', en: 'Type; left out: bool for a bit, uint16 for a register' }),
    wordOrder: order.meta({
      zh: '多寄存器数值的字序：big 高字在前；CDAB 为 little',
      en: 'Order of the registers of one value: big is high word first; CDAB is little',
    }),
    byteOrder: order.meta({
      zh: '寄存器内的字节序：规范为 big；BADC、DCBA 为 little',
      en: 'Order of the bytes in a register: big by the standard; BADC and DCBA are little',
    }),
    length: z
      .int()
      .min(1)
      .max(MAX_REGISTERS * 2)
      .optional()
      .meta({ zh: '字符串的字节数（类型为 string 时必填）', en: 'Bytes of a string; needed with type string' }),
    invalid: z
      .array(z.number())
      .optional()
      .meta({
        zh: '表示传感器故障的原始值，如 0x7FFF、-9999',
        en: 'Raw values that mean the sensor is at fault, such as 0x7FFF or -9999',
        examples: [[32767, -9999]],
      }),
  })
  .check((context) => {
    const problem = contradiction(context.value);
    if (problem)
      context.issues.push({ code: 'custom', path: [problem.key], input: context.value, ...settingIssue(problem.en, problem.zh) });
  });
export type ModbusPoint = z.infer<typeof point>;

/** An address and a type that do not fit together. */
function contradiction({
  address: { area, index: at, bit },
  type,
  length,
}: {
  address: ModbusAddress;
  type?: ValueType | undefined;
  length?: number | undefined;
}): { key: string; en: string; zh: string } | null {
  const bitAt = !isRegister(area) ? `${area}:${at}` : bit === undefined ? null : `${area}:${at}.${bit}`;
  if (bitAt !== null && type !== undefined && type !== 'bool')
    return {
      key: 'type',
      en: `${bitAt} is one bit: its type is bool, not ${type}`,
      zh: `${bitAt} 是一个位：类型应为 bool，而不是 ${type}`,
    };
  if (type === 'string' && length === undefined)
    return { key: 'length', en: 'a string needs its length in bytes', zh: '字符串需要给出字节数' };
  if (type !== 'string' && length !== undefined)
    return { key: 'length', en: 'only a string has a length', zh: '只有 string 类型才有 length' };
  if (type !== undefined && isRegister(area) && at + registerCount(type, length) > 0x10000) {
    return { key: 'address', en: `${type} at ${area}:${at} would end beyond 65535`, zh: `${area}:${at} 处的 ${type} 会超出 65535` };
  }
  return null;
}
