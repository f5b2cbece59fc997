/** Writes the value of a node and reads it back. */
import { AttributeIds, DataType, DataValue, Variant, VariantArrayType } from 'node-opcua-client';
import type { PointOf, Request, WritableValue } from '../../core/driver.ts';
import { FaultError } from '../../core/faults.ts';
import './faults.ts';
import type { OpcuaFrame, OpcuaWritten } from './frame.ts';
import type { MonitoredPoint } from './monitored-items.ts';
import type { RawSession } from './raw-session.ts';
import type { OpcuaPoint } from './settings.ts';
import { valueFrame, missingValueFrame } from './value.ts';

/** Writes one value (with `write`) or reads one. */
export interface OpcuaRequest extends Request {
  point: PointOf<OpcuaPoint>;
  write?: WritableValue;
}

/** The write and the read of its result. Pure. @throws CV_OPCUA_WRITE for an element of an array */
export function write(point: PointOf<OpcuaPoint>, value: WritableValue): OpcuaRequest[] {
  // Writing a single element needs IndexRange, which few servers support.
  if (point.index !== undefined) throw new FaultError('CV_OPCUA_WRITE', { node: point.node, status: 'BadIndexRangeInvalid' });
  return [{ points: [], point, write: value }, { points: [point.id], point }];
}

export async function exchangeValue(
  session: RawSession,
  targets: readonly MonitoredPoint[],
  request: OpcuaRequest,
): Promise<OpcuaFrame | OpcuaWritten> {
  const { point } = request;
  const nodeId = targets.find((target) => target.point.id === point.id)?.nodeId;
  if (request.write !== undefined)
    return {
      written: {
        point: point.id,
        node: point.node,
        status: nodeId === undefined ? 'BadNodeIdUnknown' : await set(session, nodeId, request.write),
      },
    };
  return nodeId === undefined
    ? missingValueFrame(point)
    : valueFrame(point, await session.read({ nodeId, attributeId: AttributeIds.Value }));
}

async function set(session: RawSession, nodeId: string, value: WritableValue): Promise<string> {
  const before = await session.read({ nodeId, attributeId: AttributeIds.Value });
  const type = before.value?.dataType ?? DataType.Null;
  if (type === DataType.Null) return before.statusCode.isGood() ? 'BadTypeMismatch' : before.statusCode.name;
  if (before.value?.arrayType !== VariantArrayType.Scalar) return 'BadTypeMismatch';
  const fitted = fitToType(type, value);
  if ('status' in fitted) return fitted.status;
  // Only the value: many servers refuse times and status from a client.
  return (
    await session.write({
      nodeId,
      attributeId: AttributeIds.Value,
      value: new DataValue({ value: new Variant({ dataType: type, value: fitted.value }) }),
    })
  ).name;
}

const INTEGERS: Partial<Record<DataType, readonly [number, number]>> = {
  [DataType.SByte]: [-128, 127], [DataType.Byte]: [0, 255], [DataType.Int16]: [-32_768, 32_767], [DataType.UInt16]: [0, 65_535],
  [DataType.Int32]: [-2_147_483_648, 2_147_483_647], [DataType.UInt32]: [0, 4_294_967_295],
  // Beyond this a number is not exact.
  [DataType.Int64]: [Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER], [DataType.UInt64]: [0, Number.MAX_SAFE_INTEGER],
};

/** Converts the value to the node's type; nothing is rounded or truncated. */
export function fitToType(type: DataType, value: WritableValue): { value: WritableValue | [number, number] } | { status: string } {
  if (type === DataType.Boolean) return typeof value === 'boolean' ? { value } : { status: 'BadTypeMismatch' };
  if (type === DataType.String) return typeof value === 'string' ? { value } : { status: 'BadTypeMismatch' };
  if (typeof value !== 'number' || !Number.isFinite(value)) return { status: 'BadTypeMismatch' };
  if (type === DataType.Double) return { value };
  if (type === DataType.Float) return Number.isFinite(Math.fround(value)) ? { value } : { status: 'BadOutOfRange' };
  const range = INTEGERS[type];
  if (!range || !Number.isInteger(value)) return { status: 'BadTypeMismatch' };
  if (value < range[0] || value > range[1]) return { status: 'BadOutOfRange' };
  if (type !== DataType.Int64 && type !== DataType.UInt64) return { value };
  const bits = BigInt.asUintN(64, BigInt(value));
  return { value: [Number(bits >> 32n), Number(bits & 0xffffffffn)] };
}
