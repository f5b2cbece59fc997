/** Converts the library's values to typed frames, and node names to node ids of this session. Pure. */
import { DataType, VariantArrayType, type DataValue } from 'node-opcua-client';
import type { PointOf } from '../../core/driver.ts';
import type { OpcuaFrame } from './frame.ts';
import type { OpcuaPoint } from './settings.ts';

const BAD_NODE_ID_UNKNOWN = 0x80340000;
const BAD_INDEX_RANGE_NO_DATA = 0x80370000;
/** Many servers send 1601-01-01 or 0001-01-01 for "no time". */
const EARLIEST_AT = Date.UTC(1990, 0, 1);

/** `nsu=URI;…` with the index of the URI in this session; null when the server does not have it. */
export function resolveNode(node: string, namespaces: readonly string[]): string | null {
  const match = /^nsu=([^;]+);(.+)$/.exec(node);
  if (!match) return node;
  const index = namespaces.indexOf(match[1] as string);
  return index < 0 ? null : `ns=${index};${match[2]}`;
}

/** A frame without value, with the reason. */
export function missingValueFrame(point: PointOf<OpcuaPoint>, status = BAD_NODE_ID_UNKNOWN): OpcuaFrame {
  return { point: point.id, node: point.node, type: 'Null', value: null, shape: 'scalar', status, sourceAt: null, serverAt: null };
}

export function valueFrame(
  point: PointOf<OpcuaPoint>,
  { value: variant, statusCode, sourceTimestamp, serverTimestamp }: DataValue,
): OpcuaFrame {
  const times = { sourceAt: validTimeMs(sourceTimestamp), serverAt: validTimeMs(serverTimestamp) };
  const type = DataType[variant?.dataType ?? DataType.Null];
  const isScalar = variant?.arrayType === undefined || variant.arrayType === VariantArrayType.Scalar;
  const whole: unknown = variant?.value;
  let one = isScalar ? whole : undefined;
  if (!isScalar && point.index !== undefined && whole !== null && typeof whole === 'object') {
    const elements = whole as ArrayLike<unknown>;
    if (point.index >= elements.length) return { ...missingValueFrame(point, BAD_INDEX_RANGE_NO_DATA), ...times };
    one = elements[point.index];
  }
  const hasOne = isScalar || point.index !== undefined;
  const value = hasOne ? toPlainValue(variant?.dataType, one) : undefined;
  return {
    point: point.id, node: point.node, type, value: value ?? null, shape: !hasOne ? 'array' : value === undefined ? 'other' : 'scalar',
    status: statusCode.value >>> 0, ...times,
  };
}

export function toPlainValue(type: DataType | undefined, value: unknown): number | boolean | string | null | undefined {
  if (value === null || value === undefined) return null;
  // Int64 is an array of [high, low] words.
  if (type === DataType.Int64 || type === DataType.UInt64) {
    const [high = 0, low = 0] = value as number[];
    const bits = (BigInt(high >>> 0) << 32n) | BigInt(low >>> 0);
    return String(type === DataType.Int64 ? BigInt.asIntN(64, bits) : bits);
  }
  if (type === DataType.DateTime && value instanceof Date) return value.toISOString();
  if (type === DataType.LocalizedText) return (value as { text?: string }).text ?? '';
  if (typeof value === 'number' || typeof value === 'boolean' || typeof value === 'string') return value;
  return undefined;
}

export function validTimeMs(date: Date | null | undefined): number | null {
  const at = date?.getTime() ?? 0;
  return at >= EARLIEST_AT ? at : null;
}
