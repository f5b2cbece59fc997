/** Converts registers to values and back: types, word and byte order. Pure. */
import type { Fault } from '../../core/faults.ts';
import { MAX_NUMBER } from '../../core/event.ts';
import { shortest32 } from '../../core/shortest32.ts';
import './faults.ts';

export const VALUE_TYPES = [
  'bool', 'int16', 'uint16', 'int32', 'uint32', 'int64', 'uint64', 'float32', 'float64', 'bcd16', 'bcd32', 'string',
] as const;
export type ValueType = (typeof VALUE_TYPES)[number];
export type ByteOrder = 'big' | 'little';

/** Registers per value; for a string from its length. */
const REGISTERS: Readonly<Record<Exclude<ValueType, 'string'>, number>> = {
  bool: 1, int16: 1, uint16: 1, int32: 2, uint32: 2, int64: 4, uint64: 4, float32: 2, float64: 4, bcd16: 1, bcd32: 2,
};

export function registerCount(type: ValueType, length: number | undefined): number {
  return type === 'string' ? Math.ceil((length ?? 2) / 2) : REGISTERS[type];
}

/** How the registers of a point are read. */
export interface ValueFormat {
  point: string;
  type: ValueType;
  wordOrder: ByteOrder;
  byteOrder: ByteOrder;
  /** Bytes of a string. */
  length?: number;
  /** Bit of a register, for bool. */
  bit?: number;
  /** Raw values by which the device reports "no sensor". */
  invalid?: readonly number[];
}

/** A value, or an object when the registers hold none, with the reason. */
export type ReadResult = number | boolean | string | { fault?: Fault };

/**
 * Reads one value from its registers in wire order.
 *
 * @param wire two bytes per register
 * @param from byte of `wire` at which the value begins
 * @returns an object where there is none: without a fault when the raw value is one of `invalid`, else with
 *   CV_VALUE_UNSAFE or CV_MODBUS_VALUE_FORM
 */
export function readValue(wire: DataView, form: ValueFormat, from = 0): ReadResult {
  if (form.type === 'string' || form.type === 'bcd16' || form.type === 'bcd32') return digitsOrText(wire, form, from);
  // Both big or both little is the order of a DataView; otherwise the words are swapped first.
  const isMixed = form.wordOrder !== form.byteOrder;
  const view = isMixed ? wordsReversed(wire, form.type, from) : wire;
  const at = isMixed ? 0 : from;
  const little = form.byteOrder === 'little';
  switch (form.type) {
    case 'bool': return (view.getUint16(at, little) & (form.bit === undefined ? 0xffff : 1 << form.bit)) !== 0;
    case 'int16': return number(view.getInt16(at, little), form, view.getUint16(at, little));
    case 'uint16': return number(view.getUint16(at, little), form);
    case 'int32': return number(view.getInt32(at, little), form, view.getUint32(at, little));
    case 'uint32': return number(view.getUint32(at, little), form);
    case 'int64': return long(view.getBigInt64(at, little), form);
    case 'uint64': return long(view.getBigUint64(at, little), form);
    case 'float32': return number(shortest32(view.getFloat32(at, little)), form);
    case 'float64': return number(view.getFloat64(at, little), form);
  }
}

/** Scratch space for a number's registers (at most four); allocating it for each read took half of the time. */
const WORDS = new DataView(new ArrayBuffer(8));

/** The registers of a number in reverse order; good until the next call. */
function wordsReversed(wire: DataView, type: Exclude<ValueType, 'string'>, from: number): DataView {
  const last = (REGISTERS[type] - 1) * 2;
  for (let at = 0; at <= last; at += 2) WORDS.setUint16(last - at, wire.getUint16(from + at));
  return WORDS;
}

function digitsOrText(wire: DataView, form: ValueFormat, from: number): ReadResult {
  const bytes = new Uint8Array(wire.buffer, wire.byteOffset + from, registerCount(form.type, form.length) * 2);
  const ordered = inOrder(bytes, form.wordOrder, form.byteOrder);
  return form.type === 'string' ? text(ordered, form) : bcd(ordered, form);
}

/** A copy of the bytes with the most significant first. */
function inOrder(wire: Uint8Array, wordOrder: ByteOrder, byteOrder: ByteOrder): Uint8Array {
  const bytes = new Uint8Array(wire.length);
  const swapped = byteOrder === 'big' ? 0 : 1;
  for (let at = 0; at < wire.length; at += 2) {
    const from = wordOrder === 'big' ? at : wire.length - 2 - at;
    bytes[at] = wire[from + swapped] as number;
    bytes[at + 1] = wire[from + 1 - swapped] as number;
  }
  return bytes;
}

/** `raw` is the same bits without a sign: a manual writes 0x8000 for an int16 too. */
function number(value: number, form: ValueFormat, raw = value): ReadResult {
  if (form.invalid && isInvalid(form.invalid, value, raw, form.type)) return {};
  // Not written as Math.abs(value) > MAX_NUMBER: NaN is unsafe too.
  if (!(Math.abs(value) <= MAX_NUMBER))
    return {
      fault: {
        code: 'CV_VALUE_UNSAFE',
        params: { point: form.point, hint: 'check the type and the word order of the point', hintZh: '检查测点的类型和字序' },
      },
    };
  return value;
}

function long(exact: bigint, form: ValueFormat): ReadResult {
  const value = Number(exact);
  if (form.invalid && isInvalid(form.invalid, value, Number(BigInt.asUintN(64, exact)), form.type)) return {};
  return number(BigInt(value) === exact ? value : Number.NaN, form);
}

function isInvalid(invalid: readonly number[], value: number, raw: number, type: ValueType): boolean {
  return invalid.some((one) => value === one || raw === one || (type === 'float32' && Math.fround(one) === Math.fround(value)));
}

function bcd(bytes: Uint8Array, form: ValueFormat): ReadResult {
  const digits = Buffer.from(bytes).toString('hex');
  if (form.invalid?.includes(Number.parseInt(digits, 16))) return {};
  if (/^\d+$/.test(digits)) return number(Number(digits), form);
  return { fault: { code: 'CV_MODBUS_VALUE_FORM', params: { point: form.point, type: form.type, detail: `0x${digits}` } } };
}

/** Up to the first NUL, without trailing blanks. */
function text(bytes: Uint8Array, form: ValueFormat): ReadResult {
  const whole = bytes.subarray(0, form.length ?? bytes.length);
  const end = whole.indexOf(0);
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(end < 0 ? whole : whole.subarray(0, end)).trimEnd();
  } catch (cause) {
    const detail = `0x${Buffer.from(whole).toString('hex')} (${cause instanceof Error ? cause.name : 'not UTF-8'})`;
    return { fault: { code: 'CV_MODBUS_VALUE_FORM', params: { point: form.point, type: 'string', detail } } };
  }
}

const INTEGERS: Partial<Record<ValueType, [bytes: number, isSigned: boolean]>> = {
  int16: [2, true],
  uint16: [2, false],
  int32: [4, true],
  uint32: [4, false],
  int64: [8, true],
  uint64: [8, false],
};

/**
 * The registers for a value, the inverse of `readValue`. Numbers are neither rounded nor clamped.
 *
 * @returns null when the type cannot hold the value
 */
export function encodeValue(value: number | boolean | string, form: ValueFormat): number[] | null {
  const bytes = bytesOf(value, form);
  if (!bytes) return null;
  const wire = inOrder(bytes, form.wordOrder, form.byteOrder);
  return Array.from({ length: wire.length / 2 }, (_, at) => ((wire[at * 2] as number) << 8) | (wire[at * 2 + 1] as number));
}

function bytesOf(value: number | boolean | string, form: ValueFormat): Buffer | null {
  const bytes = Buffer.alloc(registerCount(form.type, form.length) * 2);
  if (form.type === 'string') {
    if (typeof value !== 'string' || Buffer.byteLength(value) > (form.length ?? bytes.length)) return null;
    bytes.write(value);
    return bytes;
  }
  if (form.type === 'bool') {
    if (typeof value !== 'boolean') return null;
    bytes.writeUInt16BE(Number(value));
    return bytes;
  }
  if (typeof value !== 'number' || !Number.isFinite(value) || Math.abs(value) > MAX_NUMBER) return null;
  const integer = INTEGERS[form.type];
  if (integer) return integerBytes(value, bytes, ...integer);
  if (form.type === 'bcd16' || form.type === 'bcd32') {
    const digits = String(value).padStart(bytes.length * 2, '0');
    return /^\d+$/.test(digits) && digits.length === bytes.length * 2 ? Buffer.from(digits, 'hex') : null;
  }
  if (form.type === 'float64') bytes.writeDoubleBE(value);
  else if (Number.isFinite(Math.fround(value))) bytes.writeFloatBE(value);
  else return null;
  return bytes;
}

function integerBytes(value: number, bytes: Buffer, length: number, isSigned: boolean): Buffer | null {
  const [min, max] = isSigned ? [-(2 ** (length * 8 - 1)), 2 ** (length * 8 - 1) - 1] : [0, 2 ** (length * 8) - 1];
  if (!Number.isInteger(value) || value < min || value > max) return null;
  if (length === 8) bytes.writeBigInt64BE(BigInt(value));
  else bytes.writeUIntBE(value < 0 ? value + 2 ** (length * 8) : value, 0, length);
  return bytes;
}
