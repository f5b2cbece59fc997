/** What a description of a protocol may say: one zod schema, from which come its checks, its JSON Schema and its reference. */
import { z } from 'zod';
import { CHECKSUMS, type ChecksumType } from './checksum.ts';
import { settingIssue, durationMs } from '../../core/setting.ts';

export const FIELD_TYPES = ['u8', 'u16', 'u24', 'u32', 'u64', 'i8', 'i16', 'i24', 'i32', 'i64', 'f32', 'f64', 'bcd', 'ascii', 'gbk', 'hex', 'number-text', 'degrees-minutes', 'unix', 'unix-ms', 'bcd-time', 'bytes-time'] as const;
export type FieldType = (typeof FIELD_TYPES)[number];

const name = () => z.string().regex(/^[A-Za-z][A-Za-z0-9_]{0,63}$/);
const hex = () => z.string().regex(/^\s*([0-9A-Fa-f]{2}\s*)+$/);
const order = () => z.enum(['big', 'little']);
const comparable = z.union([z.number(), z.string(), z.boolean()]);
const condition = () => z.record(name(), z.union([comparable, z.array(comparable).min(1)]));
const template = () => z.string().min(1).max(2000);

const bits = z.record(name(), z.union([z.int().min(0).max(63), z.string().regex(/^\d{1,2}-\d{1,2}$/)]));

/** What an earlier field says: its value × times + plus, as a length. */
const counted = z.object({
  field: name().meta({ zh: '前面某个字段的名字', en: 'name of an earlier field' }),
  times: z.int().min(1).max(256).default(1).meta({ zh: '字段的单位', en: 'what it counts as one' }),
  plus: z.int().min(-65_535).max(65_535).default(0).meta({ zh: '个数 = 字段 × times + plus', en: 'the number is field × times + plus' }),
});
export type Counted = z.infer<typeof counted>;

const fieldShape = {
  name: name().optional().meta({ zh: '字段名；测点按“报文.字段”引用', en: 'its name; a point reads it as message.field' }),
  type: z.enum(FIELD_TYPES).optional().meta({ zh: '类型；默认 u8，有分隔符时为 ascii', en: 'its type; default u8, between separators ascii' }),
  size: z.union([z.int().min(1).max(65_535), z.string(), counted]).optional().meta({ zh: '字节数；也可为前面某个字段的名字，{ field, times, plus }，或 rest（到正文结尾）', en: 'bytes; or the name of an earlier field that has it, { field, times, plus }, or rest: up to the end of the body' }),
  at: z.int().optional().meta({ zh: '位置，从帧首数起；负数从帧尾数起；省略则紧接上一字段。有分隔符时为字段序号，从 0 起', en: 'where it stands from the start of the frame; negative: from its end; left out: after the one before. Between separators: its number, from 0' }),
  skip: z.int().min(1).max(65_535).optional().meta({ zh: '跳过这么多字节（代替 name）', en: 'passes over so many bytes, instead of a name' }),
  order: order().optional().meta({ zh: '字节序；默认同全局', en: 'order of its bytes; default: that of the whole' }),
  scale: z.number().default(1).meta({ zh: '协议规定的比例：原值 × scale + offset', en: 'fixed by the protocol: raw × scale + offset' }),
  offset: z.number().default(0).meta({ zh: '协议规定的偏移', en: 'fixed by the protocol, added after scale' }),
  sign: z.union([z.enum(['bit', 'nibble', 'byte']), condition()]).optional().meta({ zh: 'bcd 的符号：bit 最高位为 1、nibble 最高半字节为 F、byte 首字节为 FF 时为负；或条件：成立时取负', en: 'bcd is below zero by its top bit (bit), its top half byte F (nibble) or a byte FF before it (byte); or a condition: below zero when it holds', examples: ['bit', { direction: 1 }] }),
  enum: z.record(z.string(), z.string()).optional().meta({ zh: '枚举：原值 → 文字', en: 'raw value → word' }),
  bits: bits.optional().meta({ zh: '位：名字 → 位号（布尔）或 "4-6"（数）；0 为最低位', en: 'name → number of a bit (a bool) or "4-6" (a number); 0 is the lowest' }),
  invalid: z.array(comparable).default([]).meta({ zh: '表示无效的原始值：给出坏质量', en: 'raw values that mean there is none: bad quality' }),
  when: condition().optional().meta({ zh: '仅当条件成立时存在', en: 'it is there only when this holds' }),
  unit: z.string().optional().meta({ zh: '单位（UCUM）', en: 'its unit, UCUM' }),
  kind: z.enum(['measurement', 'state', 'occurrence']).optional().meta({ zh: '事件种类', en: 'kind of its events' }),
  indicator: z.string().optional().meta({ zh: '默认体征指标', en: 'default indicator' }),
};

/** Fields that make the evidence of a tag, by what they are; each names a field of the repeat. */
const tag = z.object({
  epc: name().meta({ zh: '标签号字段（hex）', en: 'field with the EPC, of type hex' }),
  antenna: name().optional().meta({ zh: '天线字段', en: 'field with the antenna' }),
  rssiDbm: name().optional().meta({ zh: '信号强度字段（dBm）', en: 'field with the signal, dBm' }),
  count: name().optional().meta({ zh: '读取次数字段', en: 'field with the number of reads' }),
});

const field = z.object(fieldShape);
/** How deep repeats nest. */
const MOST_DEEP = 3;

const deepest = z.object({ ...fieldShape, repeat: z.string().optional().refine((repeat) => repeat === undefined, settingIssue(`repeats nest ${MOST_DEEP} deep at most`, `重复组最多嵌套 ${MOST_DEEP} 层`)).meta({ zh: '此处不允许再有重复组', en: 'not allowed here: no more repeats within this one' }) });

const items = <F extends z.ZodType<ItemSpec>>(inner: F) => z.object({
  ...fieldShape,
  repeat: name().optional().meta({ zh: '重复组的名字（代替 name）：其字段为“报文.组.字段”', en: 'name of a group that repeats, instead of name: its fields are message.group.field' }),
  count: z.union([z.int().min(1).max(65_535), z.string(), counted]).optional().meta({ zh: '重复次数：数、前面字段的名字、{ field, times, plus }，或 rest', en: 'how often: a number, the name of an earlier field, { field, times, plus }, or rest' }),
  fields: z.array(inner).min(1).optional().meta({ zh: '每次重复的字段，其中可再有 repeat', en: 'fields of each repetition, in which there may be another repeat' }),
  tag: tag.optional().meta({ zh: '每次重复是一次标签读取：作为证据', en: 'each repetition is a read of a tag: goes along as evidence' }),
}).check((context) => {
  const { name: named, repeat, skip, fields, count } = context.value;
  const refuse = (problem: ReturnType<typeof settingIssue>) => context.issues.push({ code: 'custom', path: [], input: context.value, ...problem });
  if ([named, repeat, skip].filter((one) => one !== undefined).length !== 1) refuse(settingIssue('needs exactly one of name, skip and repeat', '须有且只有 name、skip、repeat 之一'));
  if (repeat !== undefined && (!fields || count === undefined)) refuse(settingIssue('a repeat needs count and fields', 'repeat 需要 count 和 fields'));
});
const item = items(items(items(deepest)));

const message = z.object({
  name: name().meta({ zh: '报文名', en: 'its name' }),
  when: condition().default({}).meta({ zh: '哪些字段等于什么时是此报文；从上到下第一个成立者', en: 'a frame is this message when these fields are so; the first that fits' }),
  fields: z.array(item).default([]).meta({ zh: 'head 之后的字段', en: 'fields after those of head' }),
  time: name().optional().meta({ zh: '哪个字段是值的时间', en: 'the field that has the time of its values' }),
  window: durationMs().optional().meta({ zh: '值是截至 time 的这一段时间的统计', en: 'its values are over this stretch that ends at time' }),
  history: condition().optional().meta({ zh: '成立时为补传的历史数据', en: 'history (backfill) when this holds' }),
  confirms: z.boolean().default(false).meta({ zh: '此报文说明一切如旧（心跳）', en: 'says that nothing has changed since (a heartbeat)' }),
  answer: template().optional().meta({ zh: '应答模板；有测点取值的报文落盘后才应答', en: 'template of the answer; where points read the message, it goes out once they are on disk' }),
}).meta({ zh: '报文', en: 'a message' });

const poll = z.object({
  send: template().meta({ zh: '查询模板', en: 'template of the question' }),
  every: durationMs().refine((ms) => ms >= 50 && ms <= 86_400_000, settingIssue('must be from 50ms to 1d', '必须在 50ms 到 1d 之间')).prefault('10s').meta({ zh: '间隔', en: 'how often' }),
  timeout: durationMs().refine((ms) => ms >= 10 && ms <= 60_000, settingIssue('must be from 10ms to 1m', '必须在 10ms 到 1m 之间')).prefault('1s').meta({ zh: '等待应答的时间', en: 'how long its answer is waited for' }),
  wants: z.array(name()).min(1).optional().meta({ zh: '哪些报文是其应答；默认任意', en: 'messages that answer it; default: any' }),
});

const checksum = z.object({
  type: z.enum(Object.keys(CHECKSUMS) as [ChecksumType, ...ChecksumType[]]).meta({ zh: '算法', en: 'how it is counted' }),
  from: z.int().min(0).default(0).meta({ zh: '从哪个字节起计算', en: 'from this byte of the frame on' }),
  to: z.int().optional().meta({ zh: '算到哪个字节之前；负数从帧尾数起；默认到校验本身', en: 'up to, not including, this byte; negative: from the end; default: the check value itself' }),
  at: z.int().max(-1).optional().meta({ zh: '校验所在，从帧尾数的负数；默认在结束符之前', en: 'where it stands, negative from the end; default: before the terminator' }),
  order: order().optional().meta({ zh: '校验的字节序', en: 'order of its bytes' }),
  form: z.enum(['binary', 'hex']).default('binary').meta({ zh: '二进制，或十六进制文本', en: 'as bytes, or as hexadecimal digits' }),
});

const byte = () => z.int().min(1).max(255).optional();
const transform = z.object({
  from: z.int().min(0).max(65_535).meta({ zh: '从帧的哪个字节起', en: 'from this byte of the frame on' }),
  to: z.int().optional().meta({ zh: '到哪个字节之前；负数从帧尾数起；默认到正文结尾', en: 'up to, not including, this byte; negative: from the end; default: the end of the body' }),
  add: byte().meta({ zh: '收到的每个字节加上它（模 256）', en: 'added to each byte that comes, modulo 256' }),
  subtract: byte().meta({ zh: '收到的每个字节减去它（模 256）', en: 'subtracted from each byte that comes, modulo 256', examples: [0x33] }),
  xor: byte().meta({ zh: '收到的每个字节与它异或', en: 'XORed with each byte that comes' }),
}).check((context) => {
  const { add, subtract, xor } = context.value;
  if ([add, subtract, xor].filter((one) => one !== undefined).length !== 1) context.issues.push({ code: 'custom', path: [], input: context.value, ...settingIssue('needs exactly one of add, subtract and xor', '须有且只有 add、subtract、xor 之一') });
});

const length = z.object({
  at: z.int().min(0).max(64).meta({ zh: '长度字段的位置', en: 'where it stands' }),
  type: z.enum(['u8', 'u16', 'u24', 'u32', 'bcd', 'digits', 'hex-digits']).default('u8').meta({ zh: '类型；digits、hex-digits 为文本数字', en: 'its type; digits and hex-digits are text' }),
  size: z.int().min(1).max(8).optional().meta({ zh: 'bcd、digits 的字节数', en: 'bytes of bcd and digits' }),
  order: order().optional().meta({ zh: '字节序', en: 'order of its bytes' }),
  mask: z.int().min(1).optional().meta({ zh: '只取这些位', en: 'only these bits of it' }),
  times: z.int().min(1).max(16).default(1).meta({ zh: '长度字段的单位（字节）', en: 'bytes that it counts as one' }),
  plus: z.int().min(-64).max(64).default(0).meta({ zh: '整帧字节数 = 长度 × times + plus', en: 'bytes of the whole frame = length × times + plus' }),
});

export const DESCRIPTION = z.strictObject({
  version: z.literal(1).meta({ zh: '描述格式的版本', en: 'version of this form' }),
  title: z.object({ zh: z.string().min(1).meta({ zh: '中文', en: 'in Chinese' }), en: z.string().min(1).meta({ zh: '英文', en: 'in English' }) }).meta({ zh: '设备名称', en: 'what the device is' }),
  order: order().default('big').meta({ zh: '多字节数的字节序', en: 'order of the bytes of numbers' }),
  header: hex().optional().meta({ zh: '帧头（十六进制）', en: 'first bytes of a frame, hexadecimal', examples: ['AA 55'] }),
  terminator: hex().optional().meta({ zh: '帧尾（十六进制）', en: 'last bytes of a frame', examples: ['0D 0A'] }),
  length: length.optional().meta({ zh: '长度字段', en: 'the field with its length' }),
  fixed: z.int().min(1).max(65_535).optional().meta({ zh: '固定长度', en: 'bytes of a frame that is always as long' }),
  max: z.int().min(1).max(65_535).default(1024).meta({ zh: '最长的帧', en: 'longest frame' }),
  idle: hex().optional().meta({ zh: '帧之间可出现的填充字节', en: 'bytes that may stand between frames and mean nothing', examples: ['FE'] }),
  escape: z.record(hex(), hex()).optional().meta({ zh: '转义：帧内的字节 → 原字节', en: 'byte stuffing: as sent within a frame → as meant', examples: [{ '7D 02': '7E', '7D 01': '7D' }] }),
  separator: hex().optional().meta({ zh: '正文以此分隔为文本字段；空字段表示无值', en: 'parts the body into fields of text; an empty one has no value', examples: ['2C'] }),
  tail: z.int().min(0).max(64).default(0).meta({ zh: '校验（没有校验时为帧尾）之前、正文之后的字节数，如结束符', en: 'bytes behind the body that are none of it, before the checksum (without one: before the terminator), such as an end mark' }),
  checksum: checksum.optional().meta({ zh: '校验', en: 'its checksum' }),
  transform: transform.optional().meta({ zh: '逐字节变换：读字段之前还原，发送时加上；校验按线上字节计算', en: 'what the protocol does to bytes one by one: undone before fields are read, done to what we send; a checksum counts the bytes as sent' }),
  head: z.array(field).default([]).meta({ zh: '每帧都有的字段，从帧头之后起', en: 'fields that every frame has, from the header on' }),
  identity: name().optional().meta({ zh: '哪个 head 字段是设备标识', en: 'field of head by which a device says who it is' }),
  sequence: name().optional().meta({ zh: '哪个 head 字段是流水号；重发按它识别', en: 'field of head with the number of the frame; by it a repetition is known' }),
  when: condition().default({}).meta({ zh: '哪些帧属于本描述：head 字段满足条件者；用于几个描述共用一个端口', en: 'which frames are of this description, by fields of head: where several descriptions share a port' }),
  messages: z.array(message).min(1).meta({ zh: '报文', en: 'messages' }),
  polls: z.array(poll).default([]).meta({ zh: '我方按间隔发出的查询', en: 'questions that we ask again and again' }),
});
export type Description = z.infer<typeof DESCRIPTION>;
export type FieldSpec = z.infer<typeof field>;
export interface ItemSpec extends FieldSpec {
  repeat?: string | undefined;
  count?: number | string | Counted | undefined;
  fields?: ItemSpec[] | undefined;
  tag?: z.infer<typeof tag> | undefined;
}
