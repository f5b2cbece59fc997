/** What registers mean: types, and the order of words and bytes. Pure. */
import type { Fault } from '../../core/faults.ts';
import { MAX_NUMBER } from '../../core/event.ts';
import { shortest32 } from '../../core/shortest32.ts';

export const TYPES = [
  'bool', 'int16', 'uint16', 'int32', 'uint32', 'int64', 'uint64', 'float32', 'float64', 'bcd16', 'bcd32', 'string',
] as const;
export type ValueType = (typeof TYPES)[number];
export type Order = 'big' | 'little';

/** Registers a value takes; a string's come from its length. */
const REGISTERS: Readonly<Record<Exclude<ValueType, 'string'>, number>> = {
  bool: 1, int16: 1, uint16: 1, int32: 2, uint32: 2, int64: 4, uint64: 4, float32: 2, float64: 4, bcd16: 1, bcd32: 2,
};

export function registersOf(type: ValueType, length: number | undefined): number {
  return type === 'string' ? Math.ceil((length ?? 2) / 2) : REGISTERS[type];
}

/** How one point's registers are to be read. */
export interface Form {
  point: string;
  type: ValueType;
  wordOrder: Order;
  byteOrder: Order;
  /** Bytes of a string. */
  length?: number;
  /** Bit of a register, for bool. */
  bit?: number;
  /** Raw values by which the device says "no sensor". */
  invalid?: readonly number[];
}

/** A value, or why the registers hold none. */
export type Read = { value: number | boolean | string } | { fault?: Fault };

/**
 * Reads one value from its registers as they came on the wire.
 *
 * @param wire two bytes a register
 * @param from byte of `wire` at which the value begins
 * @returns no value and no fault when the raw value is one of `invalid`; CV_VALUE_UNSAFE or CV_MODBUS_VALUE_FORM as fault
 */
export function readValue(wire: Uint8Array, form: Form, from = 0): Read {
  switch (form.type) {
    case 'bool': return { value: form.bit === undefined ? numberAt(wire, from, 2, form).getUint16(0) !== 0 : ((numberAt(wire, from, 2, form).getUint16(0) >>> form.bit) & 1) === 1 };
    case 'int16': return number(numberAt(wire, from, 2, form).getInt16(0), form, NUMBER.getUint16(0));
    case 'uint16': return number(numberAt(wire, from, 2, form).getUint16(0), form);
    case 'int32': return number(numberAt(wire, from, 4, form).getInt32(0), form, NUMBER.getUint32(0));
    case 'uint32': return number(numberAt(wire, from, 4, form).getUint32(0), form);
    case 'int64': return long(numberAt(wire, from, 8, form).getBigInt64(0), form);
    case 'uint64': return long(numberAt(wire, from, 8, form).getBigUint64(0), form);
    case 'float32': return number(shortest32(numberAt(wire, from, 4, form).getFloat32(0)), form);
    case 'float64': return number(numberAt(wire, from, 8, form).getFloat64(0), form);
    case 'bcd16': case 'bcd32': case 'string': {
      const bytes = inOrder(wire.subarray(from, from + registersOf(form.type, form.length) * 2), form.wordOrder, form.byteOrder);
      return form.type === 'string' ? text(bytes, form) : bcd(bytes, form);
    }
  }
}

/** A number's bytes while it is read: no number has more than eight, and making room for each took half of the time. */
const NUMBER_BYTES = new Uint8Array(8);
const NUMBER = new DataView(NUMBER_BYTES.buffer);

/** A number's bytes, the most significant first; good until the next call. */
function numberAt(wire: Uint8Array, from: number, length: number, { wordOrder, byteOrder }: Form): DataView {
  putInOrder(wire, from, length, wordOrder, byteOrder, NUMBER_BYTES);
  return NUMBER;
}

/** The bytes with the most significant first; the input is left as it is. */
function inOrder(wire: Uint8Array, wordOrder: Order, byteOrder: Order): Uint8Array {
  const bytes = new Uint8Array(wire.length);
  putInOrder(wire, 0, wire.length, wordOrder, byteOrder, bytes);
  return bytes;
}

function putInOrder(wire: Uint8Array, from: number, length: number, wordOrder: Order, byteOrder: Order, bytes: Uint8Array): void {
  const swapped = byteOrder === 'big' ? 0 : 1;
  for (let at = 0; at < length; at += 2) {
    const word = from + (wordOrder === 'big' ? at : length - 2 - at);
    bytes[at] = wire[word + swapped] as number;
    bytes[at + 1] = wire[word + 1 - swapped] as number;
  }
}

/** `raw` is the same bits without a sign: a manual writes 0x8000 for an int16 too. */
function number(value: number, form: Form, raw = value): Read {
  if (form.invalid && isInvalid(form.invalid, value, raw, form.type)) return {};
  // Not written as Math.abs(value) > MAX_NUMBER: NaN is unsafe too.
  if (!(Math.abs(value) <= MAX_NUMBER)) return { fault: { code: 'CV_VALUE_UNSAFE', params: { point: form.point } } };
  return { value };
}

function long(exact: bigint, form: Form): Read {
  const value = Number(exact);
  if (form.invalid && isInvalid(form.invalid, value, Number(BigInt.asUintN(64, exact)), form.type)) return {};
  return number(BigInt(value) === exact ? value : Number.NaN, form);
}

function isInvalid(invalid: readonly number[], value: number, raw: number, type: ValueType): boolean {
  return invalid.some((one) => value === one || raw === one || (type === 'float32' && Math.fround(one) === Math.fround(value)));
}

function bcd(bytes: Uint8Array, form: Form): Read {
  const digits = Buffer.from(bytes).toString('hex');
  if (form.invalid?.includes(Number.parseInt(digits, 16))) return {};
  if (/^\d+$/.test(digits)) return number(Number(digits), form);
  return { fault: { code: 'CV_MODBUS_VALUE_FORM', params: { point: form.point, type: form.type, detail: `0x${digits}` } } };
}

/** Up to the first NUL, without blanks at the end. */
function text(bytes: Uint8Array, form: Form): Read {
  const whole = bytes.subarray(0, form.length ?? bytes.length);
  const end = whole.indexOf(0);
  try {
    return { value: new TextDecoder('utf-8', { fatal: true }).decode(end < 0 ? whole : whole.subarray(0, end)).trimEnd() };
  } catch (cause) {
    const detail = `0x${Buffer.from(whole).toString('hex')} (${cause instanceof Error ? cause.name : 'not UTF-8'})`;
    return { fault: { code: 'CV_MODBUS_VALUE_FORM', params: { point: form.point, type: 'string', detail } } };
  }
}

const INTEGERS: Partial<Record<ValueType, [bytes: number, isSigned: boolean]>> = { int16: [2, true], uint16: [2, false], int32: [4, true], uint32: [4, false], int64: [8, true], uint64: [8, false] };

/**
 * The registers that hold a value: what `readValue` would read as it. Numbers are not rounded and not clamped.
 *
 * @returns null when the type cannot hold the value
 */
export function wordsOf(value: number | boolean | string, form: Form): number[] | null {
  const bytes = bytesOf(value, form);
  if (!bytes) return null;
  const wire = inOrder(bytes, form.wordOrder, form.byteOrder);
  return Array.from({ length: wire.length / 2 }, (_, at) => ((wire[at * 2] as number) << 8) | (wire[at * 2 + 1] as number));
}

function bytesOf(value: number | boolean | string, form: Form): Buffer | null {
  const bytes = Buffer.alloc(registersOf(form.type, form.length) * 2);
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
  const [least, most] = isSigned ? [-(2 ** (length * 8 - 1)), 2 ** (length * 8 - 1) - 1] : [0, 2 ** (length * 8) - 1];
  if (!Number.isInteger(value) || value < least || value > most) return null;
  if (length === 8) bytes.writeBigInt64BE(BigInt(value));
  else bytes.writeUIntBE(value < 0 ? value + 2 ** (length * 8) : value, 0, length);
  return bytes;
}
