/** Sparkplug B payloads (Eclipse Sparkplug 3.0, 6.4): parses metrics, and encodes the rebirth command. Pure. */
import { MAX_TEXT_LENGTH, type Value } from '../../../core/event.ts';
import { MalformedProtobuf, ProtobufReader, encodeVarint } from './protobuf.ts';

export interface SparkplugMetric {
  name: string | null;
  /** Decimal; null: identified by name. */
  alias: string | null;
  /** ms UTC; null: that of the payload. */
  at: number | null;
  /** 0: as in the birth. */
  datatype: number;
  isHistorical: boolean;
  isNull: boolean;
  raw: RawMetricValue;
  /** Its property `Quality`, if any: 0 bad, 192 good, 500 stale. */
  quality: number | null;
}

type RawMetricValue =
  | { is: 'none' }
  /** int_value and long_value, unsigned. */
  | { is: 'integer'; value: bigint | number }
  | { is: 'scalar'; value: number | boolean | string }
  /** Bytes, a data set, a template: not a value of a point. */
  | { is: 'other'; what: string };

export interface SparkplugPayload {
  at: number | null;
  seq: number | null;
  metrics: SparkplugMetric[];
}

const MAX_METRICS = 20_000;

/** @returns null when it is not a Sparkplug payload */
export function parseSparkplugPayload(bytes: Uint8Array): SparkplugPayload | null {
  try {
    const reader = new ProtobufReader(bytes);
    const payload: SparkplugPayload = { at: null, seq: null, metrics: [] };
    while (!reader.isDone) {
      const key = reader.key();
      if (key === 8) payload.at = reader.number();
      else if (key === 18) {
        if (payload.metrics.length >= MAX_METRICS) return null;
        const outer = reader.enterMessage();
        payload.metrics.push(readMetric(reader));
        reader.leaveMessage(outer);
      } else if (key === 24) payload.seq = reader.number();
      else reader.skipField(key % 8);
    }
    return payload;
  } catch (error) {
    if (error instanceof MalformedProtobuf) return null;
    throw error;
  }
}

const OTHERS: Readonly<Record<number, string>> = { 130: 'bytes', 138: 'DataSet', 146: 'Template', 154: 'extension' };

/** The keys are field number × 8 + wire type. */
function readMetric(reader: ProtobufReader): SparkplugMetric {
  const metric: SparkplugMetric = {
    name: null,
    alias: null,
    at: null,
    datatype: 0,
    isHistorical: false,
    isNull: false,
    raw: { is: 'none' },
    quality: null,
  };
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
        reader.skipField(key % 8);
    }
  }
  return metric;
}

/** Reads a PropertySet: keys and values by position. */
function qualityOf(reader: ProtobufReader): number | null {
  const outer = reader.enterMessage();
  const keys: string[] = [];
  const values: (number | null)[] = [];
  while (!reader.isDone) {
    const key = reader.key();
    if (key === 10) keys.push(reader.text());
    else if (key === 18) values.push(integerProperty(reader));
    else reader.skipField(key % 8);
  }
  reader.leaveMessage(outer);
  return values[keys.findIndex((key) => key.toLowerCase() === 'quality')] ?? null;
}

function integerProperty(reader: ProtobufReader): number | null {
  const outer = reader.enterMessage();
  let value: number | null = null;
  while (!reader.isDone) {
    const key = reader.key();
    if (key === 24 || key === 32) value = reader.number();
    else reader.skipField(key % 8);
  }
  reader.leaveMessage(outer);
  return value;
}

/** Width of signed integers by datatype; they are sent as unsigned. */
const SIGNED_BITS: Readonly<Record<number, number>> = { 1: 8, 2: 16, 3: 32, 4: 64 };
const UNSIGNED_BITS: Readonly<Record<number, number>> = { 5: 8, 6: 16, 7: 32, 8: 64, 13: 64 };
const BOOLEAN = 11;

/** A metric's value, or what it contains instead. `null` means that the node has no value. */
export function metricValue({ raw, isNull }: SparkplugMetric, datatype: number): { value: Value } | { what: string } {
  if (isNull) return { value: null };
  if (raw.is === 'other') return { what: raw.what };
  if (raw.is === 'none') return { what: 'nothing' };
  if (raw.is === 'scalar') return { value: raw.value };
  if (datatype === BOOLEAN) return { value: Number(raw.value) !== 0 };
  const signed = SIGNED_BITS[datatype];
  const bits = signed ?? UNSIGNED_BITS[datatype] ?? 64;
  const small = typeof raw.value === 'number' && raw.value < 2 ** bits ? raw.value : null;
  // The common case, without BigInt.
  if (small !== null && (signed === undefined || small < 2 ** (bits - 1))) return { value: small };
  const wide = BigInt(raw.value);
  const value = Number(signed ? BigInt.asIntN(bits, wide) : BigInt.asUintN(bits, wide));
  return Number.isSafeInteger(value) ? { value } : { what: `a number beyond 2^53 (${wide})` };
}

const text = (field: number, value: string): number[] => {
  const bytes = new TextEncoder().encode(value);
  return [...encodeVarint(field * 8 + 2), ...encodeVarint(bytes.length), ...bytes];
};

/** NCMD with `Node Control/Rebirth` = true (6.4.20): the node sends all its births again. */
export function rebirthCommand(nowMs: number): Uint8Array {
  const metric = [...text(1, 'Node Control/Rebirth'), 24, ...encodeVarint(nowMs), 32, ...encodeVarint(BOOLEAN), 112, 1];
  return Uint8Array.from([8, ...encodeVarint(nowMs), 18, ...encodeVarint(metric.length), ...metric]);
}
