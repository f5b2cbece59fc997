/** What the console knows, and how each message changes it: pure, so that the page is a function of it. */
import type { DemoView, DeviceView, LiveMessage, StatusView, WarningView } from '../core/api.ts';

/** joining: never had anything yet; live: messages come; gone: they stopped. */
export type Link = { is: 'joining' } | { is: 'live' } | { is: 'gone'; since: number; retryAt: number; tries: number };

export interface State {
  link: Link;
  status: StatusView | null;
  /** The gateway's clock minus this browser's, ms. */
  clockOffsetMs: number;
  /** Browser time of the newest message, null before the first. */
  heardAt: number | null;
  devices: DeviceView[];
  warnings: WarningView[];
  demo: DemoView | null;
}

export const NOTHING: State = { link: { is: 'joining' }, status: null, clockOffsetMs: 0, heardAt: null, devices: [], warnings: [], demo: null };

export type Input =
  | { is: 'message'; message: LiveMessage; now: number }
  /** Everything anew, after each connect: what vanished meanwhile goes. */
  | { is: 'snapshot'; devices: DeviceView[]; warnings: WarningView[] }
  | { is: 'gone'; now: number; retryAt: number; tries: number };

export function step(state: State, input: Input): State {
  if (input.is === 'message') return heard(take(state, input.message, input.now), input.now);
  if (input.is === 'snapshot') return { ...state, devices: sorted(input.devices), warnings: input.warnings };
  const since = state.link.is === 'gone' ? state.link.since : (state.heardAt ?? input.now);
  return { ...state, link: { is: 'gone', since, retryAt: input.retryAt, tries: input.tries } };
}

const heard = (state: State, now: number): State => ({ ...state, heardAt: now, link: state.link.is === 'live' ? state.link : { is: 'live' } });

function take(state: State, message: LiveMessage, now: number): State {
  switch (message.kind) {
    case 'status': return { ...state, status: message.status, clockOffsetMs: message.status.now - now };
    case 'demo': return { ...state, demo: message.demo };
    case 'device': return { ...state, devices: sorted([...state.devices.filter(({ id }) => id !== message.device.id), message.device]) };
    case 'warning': return { ...state, warnings: [...state.warnings.filter(({ id }) => id !== message.warning.id), message.warning] };
    case 'value': return { ...state, devices: state.devices.map((device) => (device.id === message.device ? withValue(device, message) : device)) };
    default: return state; // a newer gateway may say more
  }
}

function withValue(device: DeviceView, message: Extract<LiveMessage, { kind: 'value' }>): DeviceView {
  const values = device.values.map((last) => (last.point === message.point && last.indicator === message.indicator && last.at <= message.at
    ? { ...last, value: message.value, unit: message.unit, at: message.at, quality: message.quality, flags: message.flags } : last));
  return { ...device, values, lastAt: Math.max(device.lastAt ?? 0, message.at) };
}

const sorted = (devices: DeviceView[]): DeviceView[] => devices.toSorted((a, b) => (a.id < b.id ? -1 : 1));

/** Open warnings, worst first, then newest. */
export function openWarnings(state: State): WarningView[] {
  return state.warnings.filter((warning) => warning.condition === 'active').toSorted((a, b) => a.level - b.level || b.onsetAt - a.onsetAt);
}

export function clearedWarnings(state: State): WarningView[] {
  return state.warnings.filter((warning) => warning.condition === 'cleared').toSorted((a, b) => (b.clearedAt ?? 0) - (a.clearedAt ?? 0));
}

export interface Focus {
  indicator: string;
  device: string;
  point: string;
}

/** The series worth drawing: of the worst open warning when it has limits, else the first value that has, else any number. */
export function focusOf(state: State): Focus | null {
  const all = state.devices.flatMap((device) => device.values.map((value) => ({ device: device.id, value })));
  const [worst] = openWarnings(state);
  const found = all.find(({ device, value }) => worst && device === worst.device && value.point === worst.point && value.limits.length > 0)
    ?? all.find(({ value }) => value.limits.length > 0 && typeof value.value === 'number')
    ?? all.find(({ value }) => typeof value.value === 'number');
  return found ? { indicator: found.value.indicator, device: found.device, point: found.value.point } : null;
}
