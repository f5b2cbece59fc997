/** The schema of a protocol description: its checks, JSON Schema and reference come from it. */
import { z } from 'zod';
import { CHECKSUMS, type ChecksumType } from './checksum.ts';
import { settingIssue, durationMs } from '../../core/setting.ts';

export const FIELD_TYPES = [
  'u8',
  'u16',
  'u24',
  'u32',
  'u64',
  'i8',
  'i16',
  'i24',
  'i32',
  'i64',
  'f32',
  'f64',
  'bcd',
  'ascii',
  'gbk',
  'hex',
  'number-text',
  'degrees-minutes',
  'unix',
  'unix-ms',
  'bcd-time',
  'bytes-time',
] as const;
export type ProtocolFieldType = (typeof FIELD_TYPES)[number];

const name = () => z.string().regex(/^[A-Za-z][A-Za-z0-9_]{0,63}$/);
const hex = () => z.string().regex(/^\s*([0-9A-Fa-f]{2}\s*)+$/);
const order = () => z.enum(['big', 'little']);
const comparable = z.union([z.number(), z.string(), z.boolean()]);
const condition = () => z.record(name(), z.union([comparable, z.array(comparable).min(1)]));
const template = () => z.string().min(1).max(2000);

const bits = z.record(name(), z.union([z.int().min(0).max(63), z.string().regex(/^\d{1,2}-\d{1,2}$/)]));

/** A size or count from an earlier field: its value × times + plus. */
const countedSize = z.object({
  field: name().meta({ zh: '前面某个字段的名字', en: 'name of an earlier field' }),
  times: z.int().min(1).max(256).default(1).meta({ zh: '字段的单位', en: 'multiplier of the field' }),
  plus: z.int().min(-65_535).max(65_535).default(0).meta({ zh: '个数 = 字段 × times + plus', en: 'size or count = field × times + plus' }),
});
export type CountedSize = z.infer<typeof countedSize>;

const fieldShape = {
  name: name().optional().meta({ zh: '字段名；测点按“报文.字段”引用', en: 'name; a point reads it as message.field' }),
  type: z.enum(FIELD_TYPES).optional().meta({ zh: '类型；默认 u8，有分隔符时为 ascii', en: 'type; default u8, with a separator ascii' }),
  size: z
    .union([z.int().min(1).max(65_535), z.string(), countedSize])
    .optional()
    .meta({
      zh: '字节数；也可为前面某个字段的名字，{ field, times, plus }，或 rest（到正文结尾）',
      en: 'bytes; or the name of an earlier field that has the size, { field, times, plus }, or rest: up to the end of the body',
    }),
  at: z
    .int()
    .optional()
    .meta({
      zh: '位置，从帧首数起；负数从帧尾数起；省略则紧接上一字段。有分隔符时为字段序号，从 0 起',
      en: 'offset from the start of the frame; negative: from its end; left out: after the previous field. With a separator: index of the field, from 0',
    }),
  skip: z.int().min(1).max(65_535).optional().meta({ zh: '跳过这么多字节（代替 name）', en: 'bytes to skip, instead of a name' }),
  order: order().optional().meta({ zh: '字节序；默认同全局', en: 'byte order; default: that of the description' }),
  scale: z.number().default(1).meta({ zh: '协议规定的比例：原值 × scale + offset', en: 'fixed by the protocol: raw × scale + offset' }),
  offset: z.number().default(0).meta({ zh: '协议规定的偏移', en: 'fixed by the protocol, added after scale' }),
  sign: z
    .union([z.enum(['bit', 'nibble', 'byte']), condition()])
    .optional()
    .meta({
      zh: 'bcd 的符号：bit 最高位为 1、nibble 最高半字节为 F、byte 首字节为 FF 时为负；或条件：成立时取负',
      en: 'bcd is negative by its top bit (bit), its top nibble F (nibble) or a leading byte FF (byte); or a condition: negative when it holds',
      examples: ['bit', { direction: 1 }],
    }),
  enum: z.record(z.string(), z.string()).optional().meta({ zh: '枚举：原值 → 文字', en: 'raw value → text' }),
  bits: bits
    .optional()
    .meta({
      zh: '位：名字 → 位号（布尔）或 "4-6"（数）；0 为最低位',
      en: 'name → bit number (a bool) or range "4-6" (a number); 0 is the lowest bit',
    }),
  invalid: z.array(comparable).default([]).meta({ zh: '表示无效的原始值：给出坏质量', en: 'raw values that mean no value: bad quality' }),
  when: condition().optional().meta({ zh: '仅当条件成立时存在', en: 'present only when this holds' }),
  unit: z.string().optional().meta({ zh: '单位（UCUM）', en: 'unit, UCUM' }),
  kind: z.enum(['measurement', 'state', 'occurrence']).optional().meta({ zh: '事件种类', en: 'kind of events' }),
  indicator: z.string().optional().meta({ zh: '默认体征指标', en: 'default indicator' }),
};

/** Fields of a repetition that make the evidence of a tag read. */
const tag = z.object({
  epc: name().meta({ zh: '标签号字段（hex）', en: 'field with the EPC, of type hex' }),
  antenna: name().optional().meta({ zh: '天线字段', en: 'field with the antenna' }),
  rssiDbm: name().optional().meta({ zh: '信号强度字段（dBm）', en: 'field with the signal, dBm' }),
  count: name().optional().meta({ zh: '读取次数字段', en: 'field with the number of reads' }),
});

const field = z.object(fieldShape);
/** Depth of nested repeats. */
const MAX_DEPTH = 3;

const deepest = z.object({
  ...fieldShape,
  repeat: z
    .string()
    .optional()
    .refine((repeat) => repeat === undefined, settingIssue(`repeats nest at most ${MAX_DEPTH} deep`, `重复组最多嵌套 ${MAX_DEPTH} 层`))
    .meta({ zh: '此处不允许再有重复组', en: 'not allowed here: no further nesting' }),
});

const items = <F extends z.ZodType<ItemSpec>>(inner: F) =>
  z
    .object({
      ...fieldShape,
      repeat: name()
        .optional()
        .meta({
          zh: '重复组的名字（代替 name）：其字段为“报文.组.字段”',
          en: 'name of a repeated group, instead of name: its fields are message.group.field',
        }),
      count: z
        .union([z.int().min(1).max(65_535), z.string(), countedSize])
        .optional()
        .meta({
          zh: '重复次数：数、前面字段的名字、{ field, times, plus }，或 rest',
          en: 'repetitions: a number, the name of an earlier field, { field, times, plus }, or rest',
        }),
      fields: z
        .array(inner)
        .min(1)
        .optional()
        .meta({ zh: '每次重复的字段，其中可再有 repeat', en: 'fields of each repetition, which may contain another repeat' }),
      tag: tag.optional().meta({ zh: '每次重复是一次标签读取：作为证据', en: 'each repetition is a tag read, attached as evidence' }),
    })
    .check((context) => {
      const { name: named, repeat, skip, fields, count } = context.value;
      const refuse = (problem: ReturnType<typeof settingIssue>) =>
        context.issues.push({ code: 'custom', path: [], input: context.value, ...problem });
      if ([named, repeat, skip].filter((one) => one !== undefined).length !== 1)
        refuse(settingIssue('needs exactly one of name, skip and repeat', '须有且只有 name、skip、repeat 之一'));
      if (repeat !== undefined && (!fields || count === undefined))
        refuse(settingIssue('a repeat needs count and fields', 'repeat 需要 count 和 fields'));
    });
const item = items(items(items(deepest)));

const message = z
  .object({
    name: name().meta({ zh: '报文名', en: 'name' }),
    when: condition()
      .default({})
      .meta({
        zh: '哪些字段等于什么时是此报文；从上到下第一个成立者',
        en: 'a frame is this message when these fields have these values; the first match counts',
      }),
    fields: z.array(item).default([]).meta({ zh: 'head 之后的字段', en: 'fields after those of head' }),
    time: name().optional().meta({ zh: '哪个字段是值的时间', en: 'the field with the time of the values' }),
    window: durationMs()
      .optional()
      .meta({ zh: '值是截至 time 的这一段时间的统计', en: 'the values are statistics of this duration, ending at time' }),
    history: condition().optional().meta({ zh: '成立时为补传的历史数据', en: 'backfill when this holds' }),
    confirms: z
      .boolean()
      .default(false)
      .meta({ zh: '此报文说明一切如旧（心跳）', en: 'the message confirms that nothing has changed (a heartbeat)' }),
    answer: template()
      .optional()
      .meta({
        zh: '应答模板；有测点取值的报文落盘后才应答',
        en: 'template of the answer; where points read the message, it is sent once their values are on disk',
      }),
  })
  .meta({ zh: '报文', en: 'a message' });

const poll = z.object({
  send: template().meta({ zh: '查询模板', en: 'template of the poll' }),
  every: durationMs()
    .refine((ms) => ms >= 50 && ms <= 86_400_000, settingIssue('must be from 50ms to 1d', '必须在 50ms 到 1d 之间'))
    .prefault('10s')
    .meta({ zh: '间隔', en: 'interval' }),
  timeout: durationMs()
    .refine((ms) => ms >= 10 && ms <= 60_000, settingIssue('must be from 10ms to 1m', '必须在 10ms 到 1m 之间'))
    .prefault('1s')
    .meta({ zh: '等待应答的时间', en: 'how long to wait for the answer' }),
  wants: z.array(name()).min(1).optional().meta({ zh: '哪些报文是其应答；默认任意', en: 'messages that are an answer; default: any' }),
});

const checksum = z.object({
  type: z.enum(Object.keys(CHECKSUMS) as [ChecksumType, ...ChecksumType[]]).meta({ zh: '算法', en: 'algorithm' }),
  from: z.int().min(0).default(0).meta({ zh: '从哪个字节起计算', en: 'from this byte of the frame on' }),
  to: z
    .int()
    .optional()
    .meta({
      zh: '算到哪个字节之前；负数从帧尾数起；默认到校验本身',
      en: 'up to, not including, this byte; negative: from the end; default: the check value itself',
    }),
  at: z
    .int()
    .max(-1)
    .optional()
    .meta({ zh: '校验所在，从帧尾数的负数；默认在结束符之前', en: 'offset from the end, negative; default: before the terminator' }),
  order: order().optional().meta({ zh: '校验的字节序', en: 'byte order' }),
  form: z.enum(['binary', 'hex']).default('binary').meta({ zh: '二进制，或十六进制文本', en: 'as bytes, or as hexadecimal digits' }),
});

const byte = () => z.int().min(1).max(255).optional();
const transform = z
  .object({
    from: z.int().min(0).max(65_535).meta({ zh: '从帧的哪个字节起', en: 'from this byte of the frame on' }),
    to: z
      .int()
      .optional()
      .meta({
        zh: '到哪个字节之前；负数从帧尾数起；默认到正文结尾',
        en: 'up to, not including, this byte; negative: from the end; default: the end of the body',
      }),
    add: byte().meta({ zh: '收到的每个字节加上它（模 256）', en: 'added to each received byte, modulo 256' }),
    subtract: byte().meta({ zh: '收到的每个字节减去它（模 256）', en: 'subtracted from each received byte, modulo 256', examples: [0x33] }),
    xor: byte().meta({ zh: '收到的每个字节与它异或', en: 'XORed with each received byte' }),
  })
  .check((context) => {
    const { add, subtract, xor } = context.value;
    if ([add, subtract, xor].filter((one) => one !== undefined).length !== 1)
      context.issues.push({
        code: 'custom',
        path: [],
        input: context.value,
        ...settingIssue('needs exactly one of add, subtract and xor', '须有且只有 add、subtract、xor 之一'),
      });
  });

const length = z.object({
  at: z.int().min(0).max(64).meta({ zh: '长度字段的位置', en: 'offset of the length field' }),
  type: z
    .enum(['u8', 'u16', 'u24', 'u32', 'bcd', 'digits', 'hex-digits'])
    .default('u8')
    .meta({ zh: '类型；digits、hex-digits 为文本数字', en: 'type; digits and hex-digits are text' }),
  size: z.int().min(1).max(8).optional().meta({ zh: 'bcd、digits 的字节数', en: 'bytes of bcd and digits' }),
  order: order().optional().meta({ zh: '字节序', en: 'order of its bytes' }),
  mask: z.int().min(1).optional().meta({ zh: '只取这些位', en: 'mask: only these bits count' }),
  times: z.int().min(1).max(16).default(1).meta({ zh: '长度字段的单位（字节）', en: 'unit of the length field, in bytes' }),
  plus: z
    .int()
    .min(-64)
    .max(64)
    .default(0)
    .meta({ zh: '整帧字节数 = 长度 × times + plus', en: 'bytes of the whole frame = length × times + plus' }),
});

export const PROTOCOL_DESCRIPTION = z.strictObject({
  version: z.literal(1).meta({ zh: '描述格式的版本', en: 'version of this format' }),
  title: z
    .object({ zh: z.string().min(1).meta({ zh: '中文', en: 'in Chinese' }), en: z.string().min(1).meta({ zh: '英文', en: 'in English' }) })
    .meta({ zh: '设备名称', en: 'name of the device' }),
  order: order().default('big').meta({ zh: '多字节数的字节序', en: 'byte order of numbers' }),
  header: hex()
    .optional()
    .meta({ zh: '帧头（十六进制）', en: 'first bytes of a frame, hexadecimal', examples: ['AA 55'] }),
  terminator: hex()
    .optional()
    .meta({ zh: '帧尾（十六进制）', en: 'last bytes of a frame', examples: ['0D 0A'] }),
  length: length.optional().meta({ zh: '长度字段', en: 'the length field' }),
  fixed: z.int().min(1).max(65_535).optional().meta({ zh: '固定长度', en: 'length of frames of a fixed size' }),
  max: z.int().min(1).max(65_535).default(1024).meta({ zh: '最长的帧', en: 'longest frame' }),
  idle: hex()
    .optional()
    .meta({ zh: '帧之间可出现的填充字节', en: 'fill bytes that may appear between frames', examples: ['FE'] }),
  escape: z
    .record(hex(), hex())
    .optional()
    .meta({
      zh: '转义：帧内的字节 → 原字节',
      en: 'byte stuffing: bytes on the wire → original byte',
      examples: [{ '7D 02': '7E', '7D 01': '7D' }],
    }),
  separator: hex()
    .optional()
    .meta({
      zh: '正文以此分隔为文本字段；空字段表示无值',
      en: 'splits the body into text fields; an empty one has no value',
      examples: ['2C'],
    }),
  tail: z
    .int()
    .min(0)
    .max(64)
    .default(0)
    .meta({
      zh: '校验（没有校验时为帧尾）之前、正文之后的字节数，如结束符',
      en: 'bytes between the body and the checksum (without one: the terminator), such as an end mark',
    }),
  checksum: checksum.optional().meta({ zh: '校验', en: 'the checksum' }),
  transform: transform
    .optional()
    .meta({
      zh: '逐字节变换：读字段之前还原，发送时加上；校验按线上字节计算',
      en: 'byte-wise transform: undone before fields are read, applied to what we send; a checksum covers the bytes on the wire',
    }),
  head: z.array(field).default([]).meta({ zh: '每帧都有的字段，从帧头之后起', en: 'fields that every frame has, after the header' }),
  identity: name().optional().meta({ zh: '哪个 head 字段是设备标识', en: 'field of head that identifies the device' }),
  sequence: name()
    .optional()
    .meta({ zh: '哪个 head 字段是流水号；重发按它识别', en: 'field of head with the sequence number; a repetition is recognized by it' }),
  when: condition()
    .default({})
    .meta({
      zh: '哪些帧属于本描述：head 字段满足条件者；用于几个描述共用一个端口',
      en: 'which frames belong to this description, by fields of head: where several descriptions share a port',
    }),
  messages: z.array(message).min(1).meta({ zh: '报文', en: 'messages' }),
  polls: z.array(poll).default([]).meta({ zh: '我方按间隔发出的查询', en: 'polls that we send at an interval' }),
});
export type ProtocolDescription = z.infer<typeof PROTOCOL_DESCRIPTION>;
export type FieldSpec = z.infer<typeof field>;
export interface ItemSpec extends FieldSpec {
  repeat?: string | undefined;
  count?: number | string | CountedSize | undefined;
  fields?: ItemSpec[] | undefined;
  tag?: z.infer<typeof tag> | undefined;
}
