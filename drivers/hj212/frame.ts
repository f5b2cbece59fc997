/** What a link hands to `decode`: a packet with what is needed to read it, or the report that the device is disconnected. */
import type { Request } from '../../core/driver.ts';
import { currentFactorCode } from './factors.ts';
import { LOGGER_PARAMETERS, UPLOAD_COMMANDS, uploadKindOf, type Hj212Point, type Hj212Settings, type LoggerParameter } from './settings.ts';

export type Hj212Frame = Hj212UploadFrame | Hj212AnswerFrame | AwayFrame;

export interface Hj212UploadFrame {
  is: 'upload';
  /** From `##` to the check value. */
  packet: Uint8Array;
  /** ms UTC when it arrived. */
  observedAt: number;
  /** null: all values are given, under their own keys. */
  pointMap: UploadPointMap | null;
  /** DataTime of an earlier packet of the same upload, where this one has none. */
  dataTime?: string;
}

/** The answer to a request of ours: all packets, in order. */
export interface Hj212AnswerFrame {
  is: 'answer';
  packets: readonly Uint8Array[];
}

/** No data logger with this MN is connected. */
interface AwayFrame {
  is: 'away';
  mn: string;
  address: string;
  /** It was connected before. */
  wasConnected: boolean;
}

export interface UploadPoint {
  id: string;
  type: 'number' | 'text';
}

/** Which points an upload gives, and how its times are read. */
export interface UploadPointMap {
  /** CN → `code-suffix` with the current factor code → points. */
  byCommand: ReadonlyMap<string, ReadonlyMap<string, readonly UploadPoint[]>>;
  minuteMs: number;
  isEndLabelled: boolean;
  historyAfterMs: number;
}

export function uploadPointMap(points: readonly ({ id: string } & Hj212Point)[], settings: Hj212Settings): UploadPointMap {
  const byCommand = new Map<string, Map<string, UploadPoint[]>>();
  for (const { id, factor, type, ...rest } of points) {
    if (factor === undefined) continue;
    const cn = UPLOAD_COMMANDS[uploadKindOf(rest)];
    const byKey = byCommand.get(cn) ?? new Map<string, UploadPoint[]>();
    const key = `${currentFactorCode(factor)}-${rest.value}`;
    byKey.set(key, [...(byKey.get(key) ?? []), { id, type }]);
    byCommand.set(cn, byKey);
  }
  return {
    byCommand,
    minuteMs: settings.minuteEvery,
    isEndLabelled: settings.periodLabel === 'end',
    historyAfterMs: settings.historyAfter,
  };
}

/** A request to the data logger: sets a parameter (`points` empty) or reads it. */
export interface Hj212Request extends Request {
  cn: string;
  content: string;
  parameter: LoggerParameter;
  /** Whether data comes before the result. */
  wantsData: boolean;
}

export function parameterWriteRequest(parameter: LoggerParameter, value: number): Hj212Request {
  const { write, field } = LOGGER_PARAMETERS[parameter];
  return { points: [], cn: write, content: `${field}=${value}`, parameter, wantsData: false };
}

export function parameterReadRequest(point: string, parameter: LoggerParameter): Hj212Request {
  return { points: [point], cn: LOGGER_PARAMETERS[parameter].read, content: '', parameter, wantsData: true };
}
