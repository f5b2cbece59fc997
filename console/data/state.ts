/** What the console knows, and how each message changes it: pure, so that the page is a function of it. */
import type { DemoView } from '../../api/demo.ts';
import type { DeviceView, LastValue } from '../../api/devices.ts';
import type { LiveMessage } from '../../api/live.ts';
import type { StatusView } from '../../api/status.ts';
import type { WarningView } from '../../api/warnings.ts';

/** joining: never had anything yet; live: messages come; gone: they stopped; signed-out: the gateway wants a token. */
type Link = { is: 'joining' } | { is: 'live' } | { is: 'signed-out' } | { is: 'gone'; since: number; retryAt: number; tries: number };

export interface ConsoleState {
  link: Link;
  status: StatusView | null;
  /** The gateway's clock minus this browser's, ms. */
  clockOffsetMs: number;
  /** Browser time of the newest message, null before the first. */
  heardAt: number | null;
  devices: DeviceView[];
  warnings: WarningView[];
  demo: DemoView | null;
  /** A value came of a device or point that is not here yet: ask for all anew. */
  incomplete: boolean;
}

export const EMPTY_STATE: ConsoleState = {
  link: { is: 'joining' },
  status: null,
  clockOffsetMs: 0,
  heardAt: null,
  devices: [],
  warnings: [],
  demo: null,
  incomplete: false,
};

export type StateChange =
  | { is: 'message'; message: LiveMessage; now: number }
  /** Everything anew, after each connect: what vanished meanwhile goes. */
  | { is: 'snapshot'; devices: DeviceView[]; warnings: WarningView[] }
  | { is: 'signed-out' }
  | { is: 'gone'; now: number; retryAt: number; tries: number };

export function reduceState(state: ConsoleState, input: StateChange): ConsoleState {
  if (input.is === 'message') return heard(take(state, input.message, input.now), input.now);
  if (input.is === 'snapshot') return { ...state, devices: sorted(input.devices), warnings: input.warnings, incomplete: false };
  // Whoever may not read keeps nothing of what was read before.
  if (input.is === 'signed-out') return { ...EMPTY_STATE, link: { is: 'signed-out' } };
  const since = state.link.is === 'gone' ? state.link.since : (state.heardAt ?? input.now);
  return { ...state, link: { is: 'gone', since, retryAt: input.retryAt, tries: input.tries } };
}

const heard = (state: ConsoleState, now: number): ConsoleState => ({
  ...state,
  heardAt: now,
  link: state.link.is === 'live' ? state.link : { is: 'live' },
});

function take(state: ConsoleState, message: LiveMessage, now: number): ConsoleState {
  switch (message.kind) {
    case 'status': return { ...state, status: message.status, clockOffsetMs: message.status.now - now };
    case 'demo': return { ...state, demo: message.demo };
    case 'device': return { ...state, devices: sorted([...state.devices.filter(({ id }) => id !== message.device.id), message.device]) };
    case 'warning': return { ...state, warnings: [...state.warnings.filter(({ id }) => id !== message.warning.id), message.warning] };
    case 'value': return withValue(state, message);
    default: return state; // a newer gateway may say more
  }
}

function withValue(state: ConsoleState, message: Extract<LiveMessage, { kind: 'value' }>): ConsoleState {
  const device = state.devices.find(({ id }) => id === message.device);
  const last = device?.values.find(({ point, indicator }) => point === message.point && indicator === message.indicator);
  if (!device || !last) return { ...state, incomplete: true };
  if (message.at < last.at) return state;
  const { value, unit, at, quality, flags } = message;
  const changed: DeviceView = {
    ...device,
    values: device.values.map((other) => (other === last ? { ...last, value, unit, at, quality, flags } : other)),
    lastAt: Math.max(device.lastAt ?? 0, at),
  };
  return { ...state, devices: state.devices.map((other) => (other === device ? changed : other)) };
}

const sorted = (devices: DeviceView[]): DeviceView[] => devices.toSorted((a, b) => (a.id < b.id ? -1 : 1));

/** Open warnings, worst first, then newest. */
export function listOpenWarnings(state: ConsoleState): WarningView[] {
  return state.warnings.filter((warning) => warning.condition === 'active').toSorted((a, b) => a.level - b.level || b.onsetAt - a.onsetAt);
}

export function listClearedWarnings(state: ConsoleState): WarningView[] {
  return state.warnings.filter((warning) => warning.condition === 'cleared').toSorted((a, b) => (b.clearedAt ?? 0) - (a.clearedAt ?? 0));
}

export interface Focus {
  indicator: string;
  device: string;
  point: string;
}

/** The series worth drawing: of the worst open warning; else of the value with the gravest limits, emergencies (YJ) first. */
export function focusOf(state: ConsoleState): Focus | null {
  const numbers = state.devices.flatMap((device) =>
    device.values.filter(({ value }) => typeof value === 'number').map((value) => ({ device: device.id, value })),
  );
  const [worst] = listOpenWarnings(state);
  const found =
    numbers.find(({ device, value }) => worst && device === worst.device && value.point === worst.point && value.limits.length > 0) ??
    numbers.toSorted((a, b) => graveness(a.value) - graveness(b.value))[0];
  return found ? { indicator: found.value.indicator, device: found.device, point: found.value.point } : null;
}

function graveness({ indicator, limits }: LastValue): number {
  if (limits.length === 0) return 100;
  return Math.min(...limits.map(({ level }) => level)) + (indicator.startsWith('YJ-') ? 0 : 10);
}
