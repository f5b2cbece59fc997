/** What an installer writes for a Modbus device and for each of its points. */
import { z } from 'zod';
import { complaint, type SettingForm } from '../../core/setting.ts';
import { isRegister, MAX_BITS, MAX_REGISTERS, parseAddress, type Address } from './address.ts';
import { registersOf, TYPES, type ValueType } from './values.ts';

export const settings = z.object({
  transport: z.enum(['tcp']).default('tcp').meta({ zh: '传输方式:tcp 为 Modbus TCP', en: 'How it is reached: tcp is Modbus TCP' }),
  host: z.string().min(1).meta({ zh: '设备或网关的地址', en: 'Address of the device or of the gateway before it', examples: ['192.168.1.20'] }),
  port: z.int().min(1).max(65535).default(502).meta({ zh: 'TCP 端口', en: 'TCP port' }),
  unit: z.int().min(0).max(255).default(1).meta({ zh: '站号:网关后面的设备为 1–247,独立的 TCP 设备通常为 1 或 255', en: 'Unit number: 1 to 247 behind a gateway; a device with its own TCP port mostly takes 1 or 255' }),
  maxRead: z.int().min(1).max(MAX_REGISTERS).default(MAX_REGISTERS).meta({ zh: '单次最多读取的寄存器数;不少仪表只允许 64、32 或 16', en: 'Registers read at once at most; many instruments stop at 64, 32 or 16' }),
  maxGap: z.int().min(0).max(MAX_REGISTERS).default(8).meta({ zh: '合并读取时允许跨越的空闲寄存器数;0 表示只合并相邻地址', en: 'Unused registers that a joint read may pass over; 0 joins neighbours only' }),
  maxReadBits: z.int().min(1).max(MAX_BITS).default(MAX_BITS).meta({ zh: '单次最多读取的线圈或离散输入数', en: 'Coils or discrete inputs read at once at most' }),
  maxGapBits: z.int().min(0).max(MAX_BITS).default(64).meta({ zh: '合并读取时允许跨越的空闲线圈或离散输入数', en: 'Unused coils or discrete inputs that a joint read may pass over' }),
});
export type ModbusSettings = z.infer<typeof settings>;

const FORM: SettingForm = {
  en: 'a Modbus address such as holding:100, holding:100.3, coil:3 or 40101', zh: 'Modbus 地址(如 holding:100、holding:100.3、coil:3、40101)', example: 'holding:100',
};

const address = z.string().meta({ form: FORM }).transform((text, context): Address => {
  const parsed = parseAddress(text);
  if (parsed) return parsed;
  context.addIssue({ code: 'custom', input: text, ...complaint(`"${text}" is not ${FORM.en}`, `“${text}”不是${FORM.zh}`) });
  return z.NEVER;
});

const order = z.enum(['big', 'little']).default('big');

export const point = z.object({
  address: address.meta({ zh: '地址:holding、input、coil、discrete 加从 0 起的编号,寄存器的位写作 holding:100.3;也可用资料编号 40101', en: 'Address: holding, input, coil or discrete and a number from 0; a bit of a register is holding:100.3; paper numbers such as 40101 are taken too', examples: ['holding:100', 'coil:3', '40101'] }),
  type: z.enum(TYPES).optional().meta({ zh: '数据类型;省略时位为 bool,寄存器为 uint16', en: 'Type; left out: bool for a bit, uint16 for a register' }),
  wordOrder: order.meta({ zh: '多寄存器数值的字序:big 高字在前;CDAB 为 little', en: 'Order of the registers of one value: big is high word first; CDAB is little' }),
  byteOrder: order.meta({ zh: '寄存器内的字节序:规范为 big;BADC、DCBA 为 little', en: 'Order of the bytes in a register: big by rule; BADC and DCBA are little' }),
  length: z.int().min(1).max(MAX_REGISTERS * 2).optional().meta({ zh: '字符串的字节数(类型为 string 时必填)', en: 'Bytes of a string; needed with type string' }),
  invalid: z.array(z.number()).optional().meta({ zh: '表示传感器故障的原始值,如 0x7FFF、-9999', en: 'Raw values that mean the sensor is at fault, such as 0x7FFF or -9999', examples: [[32767, -9999]] }),
}).check((context) => {
  const problem = contradiction(context.value);
  if (problem) context.issues.push({ code: 'custom', path: [problem.key], input: context.value, ...complaint(problem.en, problem.zh) });
});
export type ModbusPoint = z.infer<typeof point>;

/** What no single field shows: an address and a type that do not go together. */
function contradiction({ address: { area, at, bit }, type, length }: { address: Address; type?: ValueType | undefined; length?: number | undefined }): { key: string; en: string; zh: string } | null {
  const bitAt = !isRegister(area) ? `${area}:${at}` : bit === undefined ? null : `${area}:${at}.${bit}`;
  if (bitAt !== null && type !== undefined && type !== 'bool') return { key: 'type', en: `${bitAt} is one bit: its type is bool, not ${type}`, zh: `${bitAt} 是一个位:类型应为 bool,而不是 ${type}` };
  if (type === 'string' && length === undefined) return { key: 'length', en: 'a string needs its length in bytes', zh: '字符串需要给出字节数' };
  if (type !== 'string' && length !== undefined) return { key: 'length', en: 'only a string has a length', zh: '只有 string 类型才有 length' };
  if (type !== undefined && isRegister(area) && at + registersOf(type, length) > 0x10000) {
    return { key: 'address', en: `${type} at ${area}:${at} would end beyond 65535`, zh: `${area}:${at} 处的 ${type} 会超出 65535` };
  }
  return null;
}
