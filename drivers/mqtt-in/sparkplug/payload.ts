/** Sparkplug B payloads (Eclipse Sparkplug 3.0, 6.4): bytes to metrics, and the one command that we send. Pure. */
import type { Value } from '../../../core/event.ts';
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
const MOST_TEXT = 4096;

/** @returns null when it is no such payload */
export function readPayload(bytes: Uint8Array): Payload | null {
  try {
    const reader = new Reader(bytes);
    const payload: Payload = { at: null, seq: null, metrics: [] };
    while (!reader.isDone) {
      const { field, wire } = reader.tag();
      if (field === 1 && wire === 0) payload.at = reader.number();
      else if (field === 2 && wire === 2) {
        if (payload.metrics.length >= MOST_METRICS) return null;
        payload.metrics.push(readMetric(reader.bytes()));
      } else if (field === 3 && wire === 0) payload.seq = reader.number();
      else reader.pass(wire);
    }
    return payload;
  } catch (error) {
    if (error instanceof Malformed) return null;
    throw error;
  }
}

function readMetric(bytes: Uint8Array): Metric {
  const reader = new Reader(bytes);
  const metric: Metric = { name: null, alias: null, at: null, datatype: 0, isHistorical: false, isNull: false, raw: { is: 'none' }, quality: null };
  while (!reader.isDone) {
    const { field, wire } = reader.tag();
    const key = field * 8 + wire;
    switch (key) {
      case 10: metric.name = reader.text(); break;
      case 16: metric.alias = String(reader.varint()); break;
      case 24: metric.at = reader.number(); break;
      case 32: metric.datatype = reader.number(); break;
      case 40: metric.isHistorical = reader.number() !== 0; break;
      case 56: metric.isNull = reader.number() !== 0; break;
      case 74: metric.quality = qualityOf(reader.bytes()); break;
      case 80: metric.raw = { is: 'integer', value: reader.varint() }; break;
      case 88: metric.raw = { is: 'integer', value: reader.varint() }; break;
      case 101: metric.raw = { is: 'scalar', value: reader.float() }; break;
      case 105: metric.raw = { is: 'scalar', value: reader.double() }; break;
      case 112: metric.raw = { is: 'scalar', value: reader.number() !== 0 }; break;
      case 122: metric.raw = { is: 'scalar', value: reader.text().slice(0, MOST_TEXT) }; break;
      default:
        if (wire === 2 && field >= 16 && field <= 19) metric.raw = { is: 'other', what: ['bytes', 'DataSet', 'Template', 'extension'][field - 16] as string };
        reader.pass(wire);
    }
  }
  return metric;
}

/** A PropertySet: keys and values by position. */
function qualityOf(bytes: Uint8Array): number | null {
  const reader = new Reader(bytes);
  const keys: string[] = [];
  const values: (number | null)[] = [];
  while (!reader.isDone) {
    const { field, wire } = reader.tag();
    if (field === 1 && wire === 2) keys.push(reader.text());
    else if (field === 2 && wire === 2) values.push(integerProperty(reader.bytes()));
    else reader.pass(wire);
  }
  return values[keys.findIndex((key) => key.toLowerCase() === 'quality')] ?? null;
}

function integerProperty(bytes: Uint8Array): number | null {
  const reader = new Reader(bytes);
  let value: number | null = null;
  while (!reader.isDone) {
    const { field, wire } = reader.tag();
    if ((field === 3 || field === 4) && wire === 0) value = reader.number();
    else reader.pass(wire);
  }
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
  const unsigned = UNSIGNED_BITS[datatype];
  const wide = BigInt(raw.value);
  const value = Number(signed ? BigInt.asIntN(signed, wide) : unsigned ? BigInt.asUintN(unsigned, wide) : wide);
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
