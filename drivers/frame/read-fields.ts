/** Reads the fields of a frame into slots. Pure. */
import { MAX_NUMBER_DIGITS } from './digits.ts';
import { undoTransform } from './transform.ts';
import type { FieldCondition, ProtocolField, RepeatGroup, ProtocolMessage, FrameProtocol, FieldSize, ProtocolItem } from './protocol.ts';

export type RawFieldValue = number | bigint | string;
export type FieldSlot = { value: number | string | boolean | null; at: number; length: number } | undefined;

/** Reads a frame field by field: values by slot, and the position of the next field. */
export interface FrameCursor {
  /** With the transform undone. */
  frame: Buffer;
  slots: FieldSlot[];
  /** The next byte, or with a separator the index of the next field; and the end of them. */
  at: number;
  end: number;
  /** Positions of separated fields. */
  separated: readonly { at: number; length: number }[] | null;
}

/** The frame ends before its fields do. */
export class ShortFrameError extends Error {
  readonly field: string;
  constructor(field: string) {
    super(field);
    this.field = field;
  }
}

/** Reads the head fields of a frame as received. @returns null when it is too short for them */
export function readHeadFields(frame: Buffer, protocol: FrameProtocol): FrameCursor | null {
  const end = Math.max(protocol.bodyAt, frame.length - protocol.trailerBytes);
  const plain = undoTransform(frame, protocol);
  const separated = protocol.separator && splitFields(plain, protocol.bodyAt, end, protocol.separator);
  const cursor: FrameCursor = {
    frame: plain,
    slots: [],
    at: separated ? 0 : protocol.bodyAt,
    end: separated ? separated.length : end,
    separated,
  };
  try {
    for (const field of protocol.head) readField(cursor, field);
    return cursor;
  } catch (error) {
    if (error instanceof ShortFrameError) return null;
    throw error;
  }
}

function splitFields(frame: Buffer, from: number, end: number, separator: Buffer): NonNullable<FrameCursor['separated']> {
  const body = frame.subarray(0, end);
  const separated: { at: number; length: number }[] = [];
  for (let at = from; ;) {
    const next = body.indexOf(separator, at);
    separated.push({ at, length: (next < 0 ? end : next) - at });
    if (next < 0) return separated;
    at = next + separator.length;
  }
}

/** The first message whose conditions hold; null for a frame of another description. */
export function matchMessage({ slots }: FrameCursor, protocol: FrameProtocol): ProtocolMessage | null {
  if (!conditionsHold(protocol.when, slots)) return null;
  return protocol.messages.find(({ when }) => conditionsHold(when, slots)) ?? null;
}

export function conditionsHold(conditions: readonly FieldCondition[], slots: readonly FieldSlot[]): boolean {
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
 * Reads one field into its slot and those of its bits. @returns its value; null where the field is absent
 * @throws ShortFrameError
 */
export function readField(
  cursor: FrameCursor,
  field: ProtocolField,
): { raw: RawFieldValue; slot: NonNullable<FieldSlot>; isInvalid: boolean } | null {
  const { frame, slots } = cursor;
  if (field.when && !conditionsHold(field.when, slots)) {
    slots[field.slot] = undefined;
    for (const { slot } of field.bits) slots[slot] = undefined;
    return null;
  }
  const { at, length } = locate(cursor, field);
  if (field.key === null) return null;
  const bare = rawOf(frame, field, at, length);
  const raw = typeof field.sign === 'object' && field.sign ? signed(bare, field.sign, slots) : bare;
  // Meters send FF for what they do not measure: not digits, but declared as invalid.
  const isDeclaredInvalid =
    (cursor.separated !== null && length === 0) ||
    (field.invalid.length > 0 && meansNoValue(field, raw ?? ordered(frame, at, length, field.isLittle).toString('hex')));
  const isInvalid = raw === null || isDeclaredInvalid;
  const slot = { value: isInvalid || raw === null ? null : valueOf(raw, field), at, length };
  slots[field.slot] = slot;
  for (const bit of field.bits) {
    const bits =
      typeof raw === 'bigint' || typeof raw === 'number' ? Number((BigInt(raw) >> BigInt(bit.low)) & ((1n << BigInt(bit.count)) - 1n)) : 0;
    slots[bit.slot] = { value: isInvalid ? null : bit.isBool ? bits === 1 : bits, at, length };
  }
  return { raw: raw ?? '', slot, isInvalid: isDeclaredInvalid };
}

/** Position of the field; the cursor moves behind it. @throws ShortFrameError */
function locate(cursor: FrameCursor, field: ProtocolField): { at: number; length: number } {
  const { slots, end, separated } = cursor;
  const total = totalOf(cursor);
  const from = field.at === null ? cursor.at : field.at < 0 ? total + field.at : field.at;
  const count = sizeOf(field.size, slots, end - from);
  // A field with `at` may be in the header or behind the body; one in sequence may not.
  if (from < 0 || count < 0 || from + count > (field.at === null ? end : total)) throw new ShortFrameError(field.key ?? 'skip');
  if (field.at === null) cursor.at = from + count;
  return separated?.[from] ?? { at: from, length: count };
}

const totalOf = ({ separated, frame }: FrameCursor) => (separated ?? frame).length;

function meansNoValue({ type, invalid }: ProtocolField, raw: RawFieldValue): boolean {
  const text = String(raw);
  if (invalid.includes(text)) return true;
  return (
    type === 'bcd' && (/^-?\d+$/.test(text) ? invalid.includes(String(Number(text))) : invalid.some((one) => one.toLowerCase() === text))
  );
}

/** Reads all fields of a message; of repetitions the last one counts. @throws ShortFrameError */
export function readAllFields(head: FrameCursor, { items }: ProtocolMessage): FrameCursor {
  const cursor: FrameCursor = { ...head, slots: [...head.slots] };
  readItems(cursor, items);
  return cursor;
}

function readItems(cursor: FrameCursor, items: readonly ProtocolItem[]): void {
  for (const item of items) {
    if ('group' in item) forEachRepetition(cursor, item, () => readItems(cursor, item.items));
    else readField(cursor, item);
  }
}

/** Calls `read` for each repetition of a group. @throws ShortFrameError */
export function forEachRepetition(cursor: FrameCursor, { group, count, when, at }: RepeatGroup, read: () => void): void {
  if (when && !conditionsHold(when, cursor.slots)) return;
  if (at !== null) cursor.at = at < 0 ? totalOf(cursor) + at : at;
  const most = count === 'rest' ? Infinity : sizeOf(count, cursor.slots, 0);
  if (most < 0 || cursor.at < 0 || cursor.at > cursor.end) throw new ShortFrameError(group);
  for (let turn = 0; turn < most; turn += 1) {
    if (count === 'rest' && cursor.at >= cursor.end) break;
    const from = cursor.at;
    read();
    // Repetitions without bytes would never end.
    if (cursor.at === from) break;
  }
}

/** @returns -1 when the field with the size has no valid value */
function sizeOf(size: FieldSize, slots: readonly FieldSlot[], rest: number): number {
  if (typeof size === 'number') return size;
  if (size === 'rest') return Math.max(0, rest);
  const value = slots[size.slot]?.value;
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 ? value * size.times + size.plus : -1;
}

/** @returns null when the bytes are not of this type */
function rawOf(frame: Buffer, { type, isLittle, sign }: ProtocolField, at: number, length: number): RawFieldValue | null {
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

/** As text, so that an identity keeps its leading zeros; `valueOf` converts it to a number. @param hex high digit first */
function digits(hex: string, sign: ProtocolField['sign']): string | null {
  const [isMinus, text] = sign === 'bit' ? [hex >= '8', (Number.parseInt(hex.slice(0, 1), 16) & 7) + hex.slice(1)]
    : sign === 'nibble' ? [hex.startsWith('f'), hex.replace(/^f/, '')]
    : sign === 'byte' ? [hex.startsWith('ff'), hex.replace(/^ff/, '')] : [false, hex];
  if (!/^\d*$/.test(text) || (isMinus && text === '')) return null;
  return isMinus ? `-${text}` : text;
}

/** Applies a sign from another field; null when that field has no value. */
function signed(raw: RawFieldValue | null, conditions: readonly FieldCondition[], slots: readonly FieldSlot[]): RawFieldValue | null {
  if (raw === null || conditions.some(({ slot }) => (slots[slot]?.value ?? null) === null)) return null;
  if (!conditionsHold(conditions, slots)) return raw;
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
  const isReal =
    back.getUTCMonth() === month - 1 &&
    back.getUTCDate() === day &&
    back.getUTCHours() === hour &&
    back.getUTCMinutes() === minute &&
    second < 60;
  return isReal ? at - CHINA_MS : null;
}

function valueOf(raw: RawFieldValue, { words, scale, offset, decimals, type, bits }: ProtocolField): number | string | null {
  if (words) return words.get(typeof raw === 'string' && type === 'bcd' ? String(Number(raw)) : String(raw)) ?? null;
  const number =
    typeof raw === 'bigint'
      ? Number(raw)
      : typeof raw === 'number'
        ? raw
        : type === 'bcd' && raw.length <= MAX_NUMBER_DIGITS + Number(raw.startsWith('-'))
          ? Number(raw)
          : null;
  if (number === null || bits.length > 0) return typeof raw === 'bigint' ? number : (raw as number | string);
  if (scale === 1 && offset === 0) return number + 0;
  const scaled = number * scale + offset;
  const rounded = Math.round(scaled * 10 ** decimals) / 10 ** decimals;
  return type.startsWith('f') || !Number.isSafeInteger(Math.round(scaled * 10 ** decimals)) ? scaled : rounded + 0;
}
