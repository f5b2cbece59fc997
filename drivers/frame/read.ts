/** Fields out of a frame, by a protocol. Pure: bytes in, slots filled. */
import { NUMBER_DIGITS } from './digits.ts';
import { plainOf } from './transform.ts';
import type { Condition, Field, Group, MessagePlan, Protocol, Size, Step } from './protocol-types.ts';

export type Raw = number | bigint | string;
export type Slot = { value: number | string | boolean | null; at: number; length: number } | undefined;

/** Where a frame's reading stands: values by slot, and the place of the next field. */
export interface Reading {
  /** As it was meant. */
  frame: Buffer;
  slots: Slot[];
  /** The next byte, or between separators the number of the next field; and up to where they go. */
  at: number;
  end: number;
  /** Where fields stand between separators. */
  parts: readonly { at: number; length: number }[] | null;
}

/** Another frame than the description says: it ends before its fields do. */
export class ShortFrame extends Error {
  readonly field: string;
  constructor(field: string) {
    super(field);
    this.field = field;
  }
}

/** Head fields of a frame as it was sent. @returns null where it is too short for them */
export function readHead(frame: Buffer, protocol: Protocol): Reading | null {
  const end = Math.max(protocol.bodyAt, frame.length - protocol.trailerBytes);
  const plain = plainOf(frame, protocol);
  const parts = protocol.separator && partsOf(plain, protocol.bodyAt, end, protocol.separator);
  const reading: Reading = { frame: plain, slots: [], at: parts ? 0 : protocol.bodyAt, end: parts ? parts.length : end, parts };
  try {
    for (const field of protocol.head) readField(reading, field);
    return reading;
  } catch (error) {
    if (error instanceof ShortFrame) return null;
    throw error;
  }
}

function partsOf(frame: Buffer, from: number, end: number, separator: Buffer): NonNullable<Reading['parts']> {
  const body = frame.subarray(0, end);
  const parts: { at: number; length: number }[] = [];
  for (let at = from; ;) {
    const next = body.indexOf(separator, at);
    parts.push({ at, length: (next < 0 ? end : next) - at });
    if (next < 0) return parts;
    at = next + separator.length;
  }
}

/** The first message whose conditions hold; none of a frame that is of another description. */
export function messageOf({ slots }: Reading, protocol: Protocol): MessagePlan | null {
  if (!holds(protocol.when, slots)) return null;
  return protocol.messages.find(({ when }) => holds(when, slots)) ?? null;
}

export function holds(conditions: readonly Condition[], slots: readonly Slot[]): boolean {
  for (const condition of conditions) {
    const value = slots[condition.slot]?.value;
    if (value === undefined || value === null) return false;
    if ('values' in condition) {
      if (condition.values.includes(String(value)) !== (condition.is === 'in')) return false;
    } else if (!compares(Number(value), condition.is, condition.than)) return false;
  }
  return true;
}

function compares(value: number, is: '>=' | '<=' | '>' | '<', than: number): boolean {
  if (is === '>=') return value >= than;
  if (is === '<=') return value <= than;
  return is === '>' ? value > than : value < than;
}

/**
 * Reads one field into its slot and those of its bits. @returns what it gave; null where it is not there
 * @throws ShortFrame
 */
export function readField(reading: Reading, field: Field): { raw: Raw; slot: NonNullable<Slot>; isInvalid: boolean } | null {
  const { frame, slots } = reading;
  if (field.when && !holds(field.when, slots)) {
    slots[field.slot] = undefined;
    for (const { slot } of field.bits) slots[slot] = undefined;
    return null;
  }
  const { at, length } = placeOf(reading, field);
  if (field.key === null) return null;
  const bare = rawOf(frame, field, at, length);
  const raw = typeof field.sign === 'object' && field.sign ? signed(bare, field.sign, slots) : bare;
  // Meters send FF for what they do not measure: no digits, but said to mean none.
  const isNone = (reading.parts !== null && length === 0) || field.invalid.length > 0 && saysNone(field, raw ?? ordered(frame, at, length, field.isLittle).toString('hex'));
  const isInvalid = raw === null || isNone;
  const slot = { value: isInvalid || raw === null ? null : valueOf(raw, field), at, length };
  slots[field.slot] = slot;
  for (const bit of field.bits) {
    const bits = typeof raw === 'bigint' || typeof raw === 'number' ? Number((BigInt(raw) >> BigInt(bit.low)) & ((1n << BigInt(bit.count)) - 1n)) : 0;
    slots[bit.slot] = { value: isInvalid ? null : bit.isBool ? bits === 1 : bits, at, length };
  }
  return { raw: raw ?? '', slot, isInvalid: isNone };
}

/** Its bytes; the next in sequence stands behind it. @throws ShortFrame */
function placeOf(reading: Reading, field: Field): { at: number; length: number } {
  const { slots, end, parts } = reading;
  const total = totalOf(reading);
  const from = field.at === null ? reading.at : field.at < 0 ? total + field.at : field.at;
  const count = sizeOf(field.size, slots, end - from);
  // A field by its place may stand in the header or behind the body; one in sequence may not.
  if (from < 0 || count < 0 || from + count > (field.at === null ? end : total)) throw new ShortFrame(field.key ?? 'skip');
  if (field.at === null) reading.at = from + count;
  return parts?.[from] ?? { at: from, length: count };
}

const totalOf = ({ parts, frame }: Reading) => (parts ?? frame).length;

function saysNone({ type, invalid }: Field, raw: Raw): boolean {
  const text = String(raw);
  if (invalid.includes(text)) return true;
  return type === 'bcd' && (/^-?\d+$/.test(text) ? invalid.includes(String(Number(text))) : invalid.some((one) => one.toLowerCase() === text));
}

/** All fields of a message after its head; of repetitions the last. @throws ShortFrame */
export function readWhole(head: Reading, { steps }: MessagePlan): Reading {
  const reading: Reading = { ...head, slots: [...head.slots] };
  readSteps(reading, steps);
  return reading;
}

function readSteps(reading: Reading, steps: readonly Step[]): void {
  for (const step of steps) {
    if ('group' in step) eachTurn(reading, step, () => readSteps(reading, step.steps));
    else readField(reading, step);
  }
}

/** Runs for each repetition of a group, of which `read` reads the fields. @throws ShortFrame */
export function eachTurn(reading: Reading, { group, count, when, at }: Group, read: () => void): void {
  if (when && !holds(when, reading.slots)) return;
  if (at !== null) reading.at = at < 0 ? totalOf(reading) + at : at;
  const most = count === 'rest' ? Infinity : sizeOf(count, reading.slots, 0);
  if (most < 0 || reading.at < 0 || reading.at > reading.end) throw new ShortFrame(group);
  for (let turn = 0; turn < most; turn += 1) {
    if (count === 'rest' && reading.at >= reading.end) break;
    const from = reading.at;
    read();
    // Nothing more can come of repetitions that take no bytes.
    if (reading.at === from) break;
  }
}

/** @returns -1 where the field that has the size has none */
function sizeOf(size: Size, slots: readonly Slot[], rest: number): number {
  if (typeof size === 'number') return size;
  if (size === 'rest') return Math.max(0, rest);
  const value = slots[size.slot]?.value;
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 ? value * size.times + size.plus : -1;
}

/** null where the bytes are none of this type. */
function rawOf(frame: Buffer, { type, isLittle, sign }: Field, at: number, length: number): Raw | null {
  switch (type) {
    case 'u8': case 'u16': case 'u24': case 'u32': return isLittle ? frame.readUIntLE(at, length) : frame.readUIntBE(at, length);
    case 'i8': case 'i16': case 'i24': case 'i32': return isLittle ? frame.readIntLE(at, length) : frame.readIntBE(at, length);
    case 'u64': return small(isLittle ? frame.readBigUInt64LE(at) : frame.readBigUInt64BE(at));
    case 'i64': return small(isLittle ? frame.readBigInt64LE(at) : frame.readBigInt64BE(at));
    case 'f32': return finite(isLittle ? frame.readFloatLE(at) : frame.readFloatBE(at));
    case 'f64': return finite(isLittle ? frame.readDoubleLE(at) : frame.readDoubleBE(at));
    case 'bcd': return digits(ordered(frame, at, length, isLittle).toString('hex'), sign);
    case 'hex': return ordered(frame, at, length, isLittle).toString('hex').toUpperCase();
    case 'ascii': return trimmed(frame.toString('latin1', at, at + length));
    case 'gbk': return trimmed(GBK.decode(frame.subarray(at, at + length)));
    case 'number-text': return textNumber(frame.toString('latin1', at, at + length));
    case 'degrees-minutes': return degrees(frame.toString('latin1', at, at + length));
    case 'unix': return (isLittle ? frame.readUInt32LE(at) : frame.readUInt32BE(at)) * 1000;
    case 'unix-ms': return small(isLittle ? frame.readBigUInt64LE(at) : frame.readBigUInt64BE(at));
    case 'bcd-time': return timeOf(ordered(frame, at, length, isLittle).toString('hex'));
    case 'bytes-time': return timeOf([...ordered(frame, at, length, isLittle)].map((part) => String(part).padStart(2, '0')).join(''));
  }
}

const GBK = new TextDecoder('gb18030');
const small = (value: bigint): number | bigint => (value >= -MAX && value <= MAX ? Number(value) : value);
const MAX = BigInt(Number.MAX_SAFE_INTEGER);
const finite = (value: number) => (Number.isFinite(value) ? value : null);
// oxlint-disable-next-line no-control-regex -- what pads a text of fixed size
const trimmed = (text: string) => text.replace(/[\0\s]+$/, '').trimStart();

function ordered(frame: Buffer, at: number, length: number, isLittle: boolean): Buffer {
  const bytes = frame.subarray(at, at + length);
  return isLittle ? Buffer.from(bytes.toReversed()) : bytes;
}

/** As text: an identity of twelve digits keeps its zeros; `valueOf` makes a number of it where it is one. @param hex high digit first */
function digits(hex: string, sign: Field['sign']): string | null {
  const [isMinus, text] = sign === 'bit' ? [hex >= '8', (Number.parseInt(hex.slice(0, 1), 16) & 7) + hex.slice(1)]
    : sign === 'nibble' ? [hex.startsWith('f'), hex.replace(/^f/, '')]
    : sign === 'byte' ? [hex.startsWith('ff'), hex.replace(/^ff/, '')] : [false, hex];
  if (!/^\d*$/.test(text) || (isMinus && text === '')) return null;
  return isMinus ? `-${text}` : text;
}

/** A sign that stands in a field of its own. Where that has no value, neither has the number: null. */
function signed(raw: Raw | null, conditions: readonly Condition[], slots: readonly Slot[]): Raw | null {
  if (raw === null || conditions.some(({ slot }) => (slots[slot]?.value ?? null) === null)) return null;
  if (!holds(conditions, slots)) return raw;
  return typeof raw === 'string' ? `-${raw}` : -raw;
}

function textNumber(text: string): number | null {
  const written = text.trim();
  return /^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/.test(written) ? finite(Number(written)) : null;
}

/** `ddmm.mmmm`, `dddmm.mmmm` of NMEA 0183 → degrees. Receivers that round send 60 minutes. */
function degrees(text: string): number | null {
  const [, whole, minutes] = /^(\d{1,3})(\d\d(?:\.\d+)?)$/.exec(text.trim()) ?? [];
  if (whole === undefined || Number(minutes) > 60) return null;
  return Math.round((Number(whole) + Number(minutes) / 60) * 1e9) / 1e9;
}

const CHINA_MS = 8 * 3_600_000;

/** `YYMMDDhhmm`, `YYMMDDhhmmss` or `YYYYMMDDhhmmss` in UTC+8 → ms UTC. */
function timeOf(text: string): number | null {
  const full = text.length === 14 ? text : `20${text.padEnd(12, '0')}`;
  const match = /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)$/.exec(full);
  if (!match) return null;
  const [year, month, day, hour, minute, second] = match.slice(1).map(Number) as [number, number, number, number, number, number];
  const at = Date.UTC(year, month - 1, day, hour, minute, second);
  const back = new Date(at);
  const isReal = back.getUTCMonth() === month - 1 && back.getUTCDate() === day && back.getUTCHours() === hour && back.getUTCMinutes() === minute && second < 60;
  return isReal ? at - CHINA_MS : null;
}

function valueOf(raw: Raw, { words, scale, offset, decimals, type, bits }: Field): number | string | null {
  if (words) return words.get(typeof raw === 'string' && type === 'bcd' ? String(Number(raw)) : String(raw)) ?? null;
  const number = typeof raw === 'bigint' ? Number(raw) : typeof raw === 'number' ? raw : type === 'bcd' && raw.length <= NUMBER_DIGITS + Number(raw.startsWith('-')) ? Number(raw) : null;
  if (number === null || bits.length > 0) return typeof raw === 'bigint' ? number : raw as number | string;
  if (scale === 1 && offset === 0) return number + 0;
  const scaled = number * scale + offset;
  const rounded = Math.round(scaled * 10 ** decimals) / 10 ** decimals;
  return type.startsWith('f') || !Number.isSafeInteger(Math.round(scaled * 10 ** decimals)) ? scaled : rounded + 0;
}
