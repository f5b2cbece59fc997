/** The connection to the gateway: live messages, a snapshot after each connect, and trying again with backoff. */
import type { DeviceView } from '../../api/devices.ts';
import type { Page } from '../../api/fields.ts';
import type { LiveMessage } from '../../api/live.ts';
import type { Problem } from '../../api/problem.ts';
import type { SessionView } from '../../api/session.ts';
import type { WarningView } from '../../api/warnings.ts';
import type { StateChange } from '../data/state.ts';

/** `status` comes each second: silence for longer means that the gateway, or the way to it, is gone. */
const SILENCE_MS = 4000;
const FIRST_RETRY_MS = 500;
const LONGEST_RETRY_MS = 10_000;
const REFRESH_MS = 1000;
/** Of a large town hundreds of messages come each second: the page is drawn once for all that came within this time. */
const GATHER_MS = 100;
/** A page that nobody sees lets its stream go: browsers open six connections to a place, for all their pages together. */
const HIDDEN_MS = 30_000;
const KINDS = ['status', 'value', 'warning', 'device', 'demo'] as const;

export interface GatewayLink {
  /** Asks for everything anew, soon; calls in between are one. */
  refresh(): void;
  retryNow(): void;
  close(): void;
}

export function followGateway(give: (input: StateChange) => void): GatewayLink {
  let source: EventSource | null = null;
  let tries = 0;
  let retry: ReturnType<typeof setTimeout> | undefined;
  let watch: ReturnType<typeof setTimeout> | undefined;
  let refresh: ReturnType<typeof setTimeout> | undefined;
  let hide: ReturnType<typeof setTimeout> | undefined;
  let hand: ReturnType<typeof setTimeout> | undefined;
  let gathered: StateChange[] = [];

  function handOver(): void {
    clearTimeout(hand);
    hand = undefined;
    const inputs = gathered;
    gathered = [];
    for (const input of inputs) give(input);
  }

  function open(): void {
    clearTimeout(retry);
    source?.close();
    const own = new EventSource('./api/v1/live');
    source = own;
    own.addEventListener('open', () => readAll(own));
    own.addEventListener('error', () => whyNot(own));
    own.addEventListener('bye', lose);
    for (const kind of KINDS) {
      own.addEventListener(kind, (event: MessageEvent<string>) => {
        tries = 0;
        rewatch();
        gathered.push({ is: 'message', message: JSON.parse(event.data) as LiveMessage, now: Date.now() });
        hand ??= setTimeout(handOver, GATHER_MS);
      });
    }
    rewatch();
  }

  function readAll(own: EventSource): void {
    snapshot().then((input) => {
      if (source !== own) return;
      handOver(); // it is newer than what came before it
      give(input);
    }, () => whyNot(own));
  }

  /** An EventSource does not say what it was refused for. */
  function whyNot(own: EventSource): void {
    if (source !== own) return;
    own.close();
    session().then(() => null, (error: unknown) => error).then((error) => {
      if (source !== own) return;
      if (!isSignedOut(error)) return lose();
      rest();
      gathered = [];
      give({ is: 'signed-out' });
    }, () => undefined);
  }

  function rewatch(): void {
    clearTimeout(watch);
    watch = setTimeout(lose, SILENCE_MS);
  }

  function lose(): void {
    clearTimeout(watch);
    clearTimeout(retry);
    source?.close();
    source = null;
    tries += 1;
    // With jitter: all consoles of a town must not come back in the same moment.
    const waitMs = Math.min(LONGEST_RETRY_MS, FIRST_RETRY_MS * 2 ** (tries - 1)) * (0.75 + Math.random() / 2);
    retry = setTimeout(open, waitMs);
    const now = Date.now();
    handOver();
    give({ is: 'gone', now, retryAt: now + waitMs, tries });
  }

  function rest(): void {
    clearTimeout(watch);
    clearTimeout(retry);
    source?.close();
    source = null;
  }

  function attend(): void {
    clearTimeout(hide);
    if (document.hidden) hide = setTimeout(rest, HIDDEN_MS);
    else if (!source) open();
  }

  document.addEventListener('visibilitychange', attend);
  open();
  return {
    retryNow: open,
    refresh() {
      refresh ??= setTimeout(() => {
        refresh = undefined;
        if (source) readAll(source);
      }, REFRESH_MS);
    },
    close() {
      document.removeEventListener('visibilitychange', attend);
      for (const timer of [refresh, hide, hand]) clearTimeout(timer);
      rest();
    },
  };
}

async function snapshot(): Promise<StateChange> {
  const [devices, open, cleared] = await Promise.all([
    requestApi<Page<DeviceView>>('devices?limit=1000'),
    requestApi<Page<WarningView>>('warnings?condition=active&limit=200'),
    requestApi<Page<WarningView>>('warnings?condition=cleared&limit=10'),
  ]);
  return { is: 'snapshot', devices: devices.items, warnings: [...open.items, ...cleared.items] };
}

/** A refusal of the gateway, with its own words. */
export class RefusedError extends Error {
  readonly problem: Problem;
  constructor(problem: Problem) {
    super(problem.detail);
    this.problem = problem;
  }
}

/** Asks the API. @throws Refused for a problem of the gateway, TypeError when it does not answer */
export async function requestApi<T>(path: string, init?: RequestInit): Promise<T> {
  const response = await fetch(`./api/v1/${path}`, {
    ...init,
    // The header says that a page of this gateway asks: no other page can send it along with our cookie.
    headers: {
      'accept-language': document.documentElement.lang,
      ...(init?.headers as Record<string, string> | undefined),
      'x-cityvitals': '1',
    },
  });
  const body: unknown = await response.json();
  if (!response.ok) throw new RefusedError(body as Problem);
  return body as T;
}

/** Asks for a change. @throws as `requestApi` */
export const requestChange = <T,>(method: 'POST' | 'DELETE', path: string, body?: object): Promise<T> =>
  requestApi<T>(path, { method, ...(body && { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }) });

/** The gateway has answered, and wants to know who reads. */
export const isSignedOut = (error: unknown): boolean => error instanceof RefusedError && error.problem.code === 'CV_API_READ_TOKEN';

/** Who is signed in. @throws as `ask` */
export const session = (): Promise<SessionView> => requestApi<SessionView>('session');
