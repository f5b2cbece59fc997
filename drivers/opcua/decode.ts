/** Decodes typed frames into values; no clock, no I/O. */
import type { Value } from '../../core/event.ts';
import { lostFrame, markSkewed, type Decoded, type PointValue } from '../../core/driver.ts';
import './faults.ts';
import { isAheadOfSending, type OpcuaAlive, type OpcuaFrame, type OpcuaMessage, type OpcuaMissed, type OpcuaWritten } from './frame.ts';
import { hasOverflow, qualityOfStatus, statusText } from './status.ts';

/**
 * Decodes one notification; a keep-alive gives no values, a report of missing values gives only that.
 *
 * @returns the value with quality and flags from its StatusCode and the source time; a bad one has value null, one whose
 *   source time is later than the server's is uncertain and `skewed`. Arrays, structures and broken frames give
 *   CV_OPCUA_TYPE or CV_FRAME_INVALID, never a value.
 * @see OPC 10000-4, 7.11 DataValue
 */
export function decode(message: OpcuaMessage): Decoded {
  if (isAlive(message)) return { ok: true, values: [] };
  if (isMissed(message)) return decodeMissed(message);
  if (isWritten(message)) return decodeWritten(message);
  const frame = message;
  const problem = problemOf(frame);
  if (problem) return { ...lostFrame('CV_FRAME_INVALID', problem), ...(typeof frame?.point === 'string' ? { points: [frame.point] } : {}) };
  const { quality, flags } = qualityOfStatus(frame.status);
  const base: PointValue = {
    point: frame.point,
    value: null,
    quality,
    flags: [...flags],
    ...deviceTime(frame),
    ...(frame.history === true ? { origin: 'backfill' } : {}),
  };
  if (isAheadOfSending(frame)) markSkewed(base);
  if (quality === 'bad')
    return {
      ok: true,
      values: [{ ...base, fault: { code: 'CV_OPCUA_STATUS', params: { node: frame.node, status: statusText(frame.status) } } }],
    };
  const value = valueOf(frame);
  if (value === undefined) {
    return {
      ok: false,
      fault: {
        code: 'CV_OPCUA_TYPE',
        params: { node: frame.node, type: frame.shape === 'scalar' ? frame.type : `${frame.type} (${frame.shape})` },
      },
      points: [frame.point],
    };
  }
  if (hasOverflow(frame.status)) base.flags?.push('other');
  return { ok: true, values: [{ ...base, value }] };
}

const isAlive = (message: OpcuaMessage): message is OpcuaAlive =>
  typeof message === 'object' && message !== null && (message as Partial<OpcuaAlive>).alive === true;
const isMissed = (message: Exclude<OpcuaMessage, OpcuaAlive>): message is OpcuaMissed =>
  typeof message === 'object' && message !== null && 'missed' in message;
const isWritten = (message: OpcuaFrame | OpcuaWritten): message is OpcuaWritten =>
  typeof message === 'object' && message !== null && 'written' in message;

function decodeWritten({ written }: OpcuaWritten): Decoded {
  const { point, node, status } = written ?? {};
  if (typeof point !== 'string' || typeof node !== 'string' || typeof status !== 'string')
    return lostFrame('CV_FRAME_INVALID', 'written names a point, a node and a status');
  return status.startsWith('Bad') ? { ...lostFrame('CV_OPCUA_WRITE', { node, status }), points: [point] } : { ok: true, values: [] };
}

function decodeMissed({ missed }: OpcuaMissed): Decoded {
  const { point, fromAt, toAt, count, reason } = missed ?? {};
  const isTime = (at: number) => Number.isSafeInteger(at) && at >= 0;
  if (
    typeof point !== 'string' ||
    !isTime(fromAt) ||
    !isTime(toAt) ||
    !(Number.isSafeInteger(count) && count > 0) ||
    (reason !== 'device_overflow' && reason !== 'device_away')
  )
    return lostFrame('CV_FRAME_INVALID', 'missed names a point, two times, a count and a reason');
  return { ok: true, values: [], missed: [{ point, fromAt, toAt, count, reason }] };
}

const NUMBERS = new Set(['SByte', 'Byte', 'Int16', 'UInt16', 'Int32', 'UInt32', 'Float', 'Double']);
const LONG = new Set(['Int64', 'UInt64']);
const TEXTS = new Set(['String', 'LocalizedText', 'DateTime', 'Guid', 'XmlElement']);

function valueOf({ type, shape, value }: OpcuaFrame): Value | undefined {
  if (shape !== 'scalar') return undefined;
  if (type === 'Boolean') return typeof value === 'boolean' ? value : undefined;
  if (NUMBERS.has(type)) return typeof value === 'number' ? value : undefined;
  // Beyond 2^53 the number is not exact; qualify reports it.
  if (LONG.has(type)) return typeof value === 'string' && /^-?\d{1,20}$/.test(value) ? Number(value) : undefined;
  if (TEXTS.has(type)) return typeof value === 'string' ? value : undefined;
  return undefined;
}

function deviceTime({ sourceAt, serverAt }: OpcuaFrame): { deviceAt?: number } {
  const at = sourceAt ?? serverAt;
  return at === null ? {} : { deviceAt: at };
}

function problemOf(frame: OpcuaFrame): string | null {
  if (typeof frame !== 'object' || frame === null) return 'not an object';
  if (typeof frame.point !== 'string' || typeof frame.node !== 'string' || typeof frame.type !== 'string')
    return 'point, node and type are texts';
  if (!Number.isInteger(frame.status) || frame.status < 0 || frame.status > 0xffffffff) return 'status is a 32-bit number';
  for (const at of [frame.sourceAt, frame.serverAt])
    if (at !== null && !(Number.isSafeInteger(at) && at >= 0)) return 'times are ms UTC or null';
  if (!['scalar', 'array', 'other'].includes(frame.shape)) return 'shape is scalar, array or other';
  return null;
}
