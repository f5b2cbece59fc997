/** Sparkplug B payloads (Eclipse Sparkplug 3.0, 6.4): bytes to metrics, and the one command that we send. Pure. */
import { MAX_TEXT_LENGTH, type Value } from '../../../core/event.ts';
import { Malformed, Reader, varint } from './protobuf.ts';

export interface Metric {
  name: string | null;
  /** Decimal; null: named by its name. */
  alias: string | null;
  /** ms UTC; null: as the payload's. */
  at: number | null;
  /** 0: not said, as the birth said. */
  datatype: number;
  isHistorical: boolean;
  isNull: boolean;
  raw: Raw;
  /** Of its property `Quality`, where it has one: 0 bad, 192 good, 500 stale. */
  quality: number | null;
}

type Raw =
  | { is: 'none' }
  /** int_value and long_value, as they stand: unsigned. */
  | { is: 'integer'; value: bigint | number }
  | { is: 'scalar'; value: number | boolean | string }
  /** Bytes, a data set, a template: nothing that a point could hold. */
  | { is: 'other'; what: string };

export interface Payload {
  at: number | null;
  seq: number | null;
  metrics: Metric[];
}

const MOST_METRICS = 20_000;
/** More is not a length of text that a value may have. */

/** @returns null when it is no such payload */
export function readPayload(bytes: Uint8Array): Payload | null {
  try {
    const reader = new Reader(bytes);
    const payload: Payload = { at: null, seq: null, metrics: [] };
    while (!reader.isDone) {
      const key = reader.key();
      if (key === 8) payload.at = reader.number();
      else if (key === 18) {
        if (payload.metrics.length >= MOST_METRICS) return null;
        const outer = reader.enter();
        payload.metrics.push(readMetric(reader));
        reader.leave(outer);
      } else if (key === 24) payload.seq = reader.number();
      else reader.pass(key % 8);
    }
    return payload;
  } catch (error) {
    if (error instanceof Malformed) return null;
    throw error;
  }
}

const OTHERS: Readonly<Record<number, string>> = { 130: 'bytes', 138: 'DataSet', 146: 'Template', 154: 'extension' };

/** Cases are field number × 8 + wire type. */
function readMetric(reader: Reader): Metric {
  const metric: Metric = { name: null, alias: null, at: null, datatype: 0, isHistorical: false, isNull: false, raw: { is: 'none' }, quality: null };
  while (!reader.isDone) {
    const key = reader.key();
    switch (key) {
      case 10: metric.name = reader.text(); break;
      case 16: metric.alias = String(reader.integer()); break;
      case 24: metric.at = reader.number(); break;
      case 32: metric.datatype = reader.number(); break;
      case 40: metric.isHistorical = reader.number() !== 0; break;
      case 56: metric.isNull = reader.number() !== 0; break;
      case 74: metric.quality = qualityOf(reader); break;
      case 80: metric.raw = { is: 'integer', value: reader.integer() }; break;
      case 88: metric.raw = { is: 'integer', value: reader.integer() }; break;
      case 101: metric.raw = { is: 'scalar', value: reader.float() }; break;
      case 105: metric.raw = { is: 'scalar', value: reader.double() }; break;
      case 112: metric.raw = { is: 'scalar', value: reader.number() !== 0 }; break;
      case 122: metric.raw = { is: 'scalar', value: reader.text().slice(0, MAX_TEXT_LENGTH) }; break;
      default:
        if (OTHERS[key]) metric.raw = { is: 'other', what: OTHERS[key] };
        reader.pass(key % 8);
    }
  }
  return metric;
}

/** A PropertySet: keys and values by position. */
function qualityOf(reader: Reader): number | null {
  const outer = reader.enter();
  const keys: string[] = [];
  const values: (number | null)[] = [];
  while (!reader.isDone) {
    const key = reader.key();
    if (key === 10) keys.push(reader.text());
    else if (key === 18) values.push(integerProperty(reader));
    else reader.pass(key % 8);
  }
  reader.leave(outer);
  return values[keys.findIndex((key) => key.toLowerCase() === 'quality')] ?? null;
}

function integerProperty(reader: Reader): number | null {
  const outer = reader.enter();
  let value: number | null = null;
  while (!reader.isDone) {
    const key = reader.key();
    if (key === 24 || key === 32) value = reader.number();
    else reader.pass(key % 8);
  }
  reader.leave(outer);
  return value;
}

/** By datatype: how wide a signed integer is. They travel as unsigned. */
const SIGNED_BITS: Readonly<Record<number, number>> = { 1: 8, 2: 16, 3: 32, 4: 64 };
const UNSIGNED_BITS: Readonly<Record<number, number>> = { 5: 8, 6: 16, 7: 32, 8: 64, 13: 64 };
const BOOLEAN = 11;

/** A metric's value, or what it is instead of one. `null` stands for a value that the node says it does not have. */
export function valueOf({ raw, isNull }: Metric, datatype: number): { value: Value } | { what: string } {
  if (isNull) return { value: null };
  if (raw.is === 'other') return { what: raw.what };
  if (raw.is === 'none') return { what: 'nothing' };
  if (raw.is === 'scalar') return { value: raw.value };
  if (datatype === BOOLEAN) return { value: Number(raw.value) !== 0 };
  const signed = SIGNED_BITS[datatype];
  const bits = signed ?? UNSIGNED_BITS[datatype] ?? 64;
  const small = typeof raw.value === 'number' && raw.value < 2 ** bits ? raw.value : null;
  // The usual case, without BigInt.
  if (small !== null && (signed === undefined || small < 2 ** (bits - 1))) return { value: small };
  const wide = BigInt(raw.value);
  const value = Number(signed ? BigInt.asIntN(bits, wide) : BigInt.asUintN(bits, wide));
  return Number.isSafeInteger(value) ? { value } : { what: `a number beyond 2^53 (${wide})` };
}

const text = (field: number, value: string): number[] => {
  const bytes = new TextEncoder().encode(value);
  return [...varint(field * 8 + 2), ...varint(bytes.length), ...bytes];
};

/** NCMD with `Node Control/Rebirth` = true (6.4.20): the node says all its births again. */
export function rebirthCommand(nowMs: number): Uint8Array {
  const metric = [...text(1, 'Node Control/Rebirth'), 24, ...varint(nowMs), 32, ...varint(BOOLEAN), 112, 1];
  return Uint8Array.from([8, ...varint(nowMs), 18, ...varint(metric.length), ...metric]);
}
