/** What a link hands to `decode`: a packet as it came, with what is needed to read it; or word of a device that is away. */
import type { Request } from '../../core/driver.ts';
import { modernCode } from './factors.ts';
import { PARAMETERS, PERIODS, periodOf, type Hj212Point, type Hj212Settings, type Parameter } from './settings.ts';

export type Hj212Frame = UploadFrame | AnswerFrame | AwayFrame;

export interface UploadFrame {
  is: 'upload';
  /** From `##` to the check value. */
  packet: Uint8Array;
  /** ms UTC when it came. */
  observedAt: number;
  /** null: everything is shown, under names of its own. */
  plan: Plan | null;
  /** Of an earlier packet of the same upload, where this one has none. */
  dataTime?: string;
}

/** What came of a request of ours: all packets, in order. */
export interface AnswerFrame {
  is: 'answer';
  packets: readonly Uint8Array[];
}

/** Nobody with this MN is connected. */
interface AwayFrame {
  is: 'away';
  mn: string;
  at: string;
  /** It was there before. */
  left: boolean;
}

export interface Target {
  id: string;
  type: 'number' | 'text';
}

/** Which points a kind of upload gives, and how its times are meant. */
export interface Plan {
  /** CN → `code-suffix` with the modern code → points. */
  targets: ReadonlyMap<string, ReadonlyMap<string, readonly Target[]>>;
  minuteMs: number;
  isEndLabelled: boolean;
  historyAfterMs: number;
}

export function planOf(points: readonly ({ id: string } & Hj212Point)[], settings: Hj212Settings): Plan {
  const targets = new Map<string, Map<string, Target[]>>();
  for (const { id, factor, type, ...rest } of points) {
    if (factor === undefined) continue;
    const cn = PERIODS[periodOf(rest)];
    const byKey = targets.get(cn) ?? new Map<string, Target[]>();
    const key = `${modernCode(factor)}-${rest.value}`;
    byKey.set(key, [...(byKey.get(key) ?? []), { id, type }]);
    targets.set(cn, byKey);
  }
  return { targets, minuteMs: settings.minuteEvery, isEndLabelled: settings.periodLabel === 'end', historyAfterMs: settings.historyAfter };
}

/** A request to the data logger: sets a parameter (`points` empty) or reads it. */
export interface Hj212Request extends Request {
  cn: string;
  content: string;
  parameter: Parameter;
  /** Whether the answer brings data before its result. */
  wantsData: boolean;
}

export function writeRequest(parameter: Parameter, value: number): Hj212Request {
  const { write, field } = PARAMETERS[parameter];
  return { points: [], cn: write, content: `${field}=${value}`, parameter, wantsData: false };
}

export function readRequest(point: string, parameter: Parameter): Hj212Request {
  return { points: [point], cn: PARAMETERS[parameter].read, content: '', parameter, wantsData: true };
}
