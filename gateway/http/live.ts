/**
 * `live`: what changes, as server-sent events, to any number of viewers.
 *
 * A message is written out once and sent to all. Values and devices are coalesced (the newest of each counts), warnings
 * never are. A viewer that does not read is let go with a reason as soon as more than `MAX_WAITING_BYTES` wait for it.
 */
import type { ServerResponse } from 'node:http';
import { LIVE_EXAMPLE, type LiveMessage } from '../../api/live.ts';
import { FaultError, faultOf, type FaultCode } from '../../core/faults.ts';
import { networkOf } from '../../core/net.ts';
import { everyMs, type Timer, type World } from '../../core/world.ts';
import type { Admission } from '../people/access.ts';
import { NO_PARAMS, query, route } from './route.ts';
import type { ApiSources } from './sources.ts';
import { STATUS_EXAMPLE } from '../../api/status.ts';
import { WARNING_EXAMPLE } from '../../api/warnings.ts';

/** The server gives its response to the hub; the row is here for the document. */
export const LIVE_ROUTE = route({
  method: 'GET',
  path: '/api/v1/live',
  needs: 'read',
  summary: {
    zh: '实时变化（服务器推送事件）：status 每秒一次，value、warning、device',
    en: 'changes as server-sent events: status each second, value, warning, device; data is a LiveMessage',
  },
  query: query({}),
  params: NO_PARAMS,
  answer: { mediaType: 'text/event-stream; charset=utf-8', data: '#/components/schemas/LiveMessage' },
  example: `retry: 1000\n\nevent: status\ndata: ${JSON.stringify({ kind: 'status', status: STATUS_EXAMPLE })}\n\nevent: value\ndata: ${JSON.stringify(LIVE_EXAMPLE)}\n\nevent: warning\ndata: ${JSON.stringify({ kind: 'warning', warning: WARNING_EXAMPLE })}\n\n: still here\n\n`,
  faults: ['CV_API_TOO_MANY_VIEWERS'], handle: () => undefined,
});

const FLUSH_MS = 250;
const STATUS_MS = 1000;
const HEARTBEAT_MS = 10_000;
const MAX_WAITING_BYTES = 1 << 20;
/** One address cannot take the places of all others. */
const MAX_OF_ADDRESS = 125;

interface Viewer extends Pick<Admission, 'principal' | 'sees' | 'seesAll'> {
  address: string;
  /** Why it may follow no more; null while it may. */
  refusal(): FaultCode | null;
}

/** A message, and the centre that it is of; null: of the gateway as a whole. */
interface Addressed {
  message: LiveMessage;
  centre: string | null;
}

export interface LiveHub {
  /** Takes over the response until the viewer leaves. @param who what it sees, and for how long. @throws CV_API_TOO_MANY_VIEWERS */
  join(response: ServerResponse, who: Viewer): Promise<void>;
  viewers(): number;
  /** Tells every viewer that the gateway stops, and ends their responses. */
  close(): void;
}

export function openLive(sources: ApiSources, world: World, maxViewers: number, maxOfAddress = MAX_OF_ADDRESS): LiveHub {
  const viewers = new Map<ServerResponse, Viewer>();
  const newest = new Map<string, Addressed>();
  /** Without viewers nobody listens: what changes is then not even put together. */
  let stopListening: (() => void) | null = null;
  const timers: Timer[] = [
    everyMs(world.clock, FLUSH_MS, told(flush)),
    everyMs(world.clock, STATUS_MS, told(sendStatus)),
    everyMs(world.clock, HEARTBEAT_MS, told(() => {
      // Its token has been taken out, or its session has ended.
      for (const [viewer, { refusal }] of viewers) if (refusal() !== null) end(viewer, 'signed out');
      for (const viewer of viewers.keys()) write(viewer, ': still here\n\n');
    })),
  ];

  function take(message: LiveMessage, centre: string): void {
    if (message.kind === 'warning') return send([{ message, centre }]);
    const key =
      message.kind === 'value'
        ? `${message.indicator}|${message.device}|${message.point}`
        : message.kind === 'device'
          ? message.device.id
          : message.kind;
    const waiting = newest.get(key);
    // A drained backlog brings old values after new ones: the newest in event time stays.
    if (message.kind === 'value' && waiting?.message.kind === 'value' && waiting.message.at > message.at) return;
    newest.set(key, { message, centre });
  }

  function flush(): void {
    if (newest.size === 0) return;
    const messages = [...newest.values()];
    newest.clear();
    send(messages);
  }

  /** In a timer nobody is there to be answered: what fails is told, and the next turn comes. */
  function told(run: () => void): () => void {
    return () => {
      try {
        run();
      } catch (error) {
        world.tell({ kind: 'fault', fault: faultOf(error, 'CV_API_INTERNAL', { path: LIVE_ROUTE.path }) });
      }
    };
  }

  function statusText({ sees, seesAll }: Viewer): string {
    const demo = sources.demo && seesAll ? textOf({ kind: 'demo', demo: sources.demo.view() }) : '';
    return textOf({ kind: 'status', status: seesAll ? sources.status() : sources.status(sees) }) + demo;
  }

  function sendStatus(): void {
    const texts = new Map<string, string>();
    for (const [response, viewer] of viewers) write(response, once(texts, scopeOf(viewer), () => statusText(viewer)));
  }

  /** Written out once for all that see everything, and once for each other scope that somebody watches with. */
  function send(messages: readonly Addressed[]): void {
    const texts = new Map<string, string>();
    for (const [response, viewer] of viewers) {
      const text = once(texts, scopeOf(viewer), () => {
        const seen = viewer.seesAll ? messages : messages.filter(({ centre }) => centre !== null && viewer.sees(centre));
        return seen.map(({ message }) => textOf(message)).join('');
      });
      if (text !== '') write(response, text);
    }
  }

  function write(viewer: ServerResponse, text: string): void {
    if (viewer.writableLength > MAX_WAITING_BYTES) return release(viewer);
    viewer.write(text);
  }

  /** What is waiting for it could never be read in time: the connection ends, the viewer's page comes back by itself. */
  function release(viewer: ServerResponse): void {
    const address = viewers.get(viewer)?.address ?? '';
    leave(viewer);
    world.tell({ kind: 'client_dropped', client: `viewer ${address}`, reason: 'reads too slowly' });
    viewer.destroy();
  }

  function end(viewer: ServerResponse, reason: string): void {
    viewer.end(`event: bye\ndata: ${JSON.stringify({ reason })}\n\n`);
    leave(viewer);
  }

  function leave(viewer: ServerResponse): void {
    viewers.delete(viewer);
    if (viewers.size > 0) return;
    stopListening?.();
    stopListening = null;
    newest.clear();
  }

  return {
    async join(response, who) {
      if (viewers.size >= maxViewers) throw new FaultError('CV_API_TOO_MANY_VIEWERS', { count: viewers.size });
      const count = [...viewers.values()].filter(({ address }) => networkOf(address) === networkOf(who.address)).length;
      if (count >= maxOfAddress) throw new FaultError('CV_API_TOO_MANY_VIEWERS', { count });
      response.on('close', () => leave(response));
      response.on('error', () => leave(response));
      // Joined first, told what stands second: a change in between comes twice rather than never.
      viewers.set(response, who);
      stopListening ??= sources.onLive(take);
      response.writeHead(200, HEADERS);
      const open = (await sources.warnings()).filter(({ condition, centre }) => condition === 'active' && who.sees(centre));
      const standing: LiveMessage[] = [
        ...sources.devices().filter(({ centre }) => who.sees(centre)).map((device): LiveMessage => ({ kind: 'device', device })),
        ...open.map((warning): LiveMessage => ({ kind: 'warning', warning })),
      ];
      response.write(`retry: 1000\n\n${statusText(who)}${standing.map(textOf).join('')}`);
    },
    viewers: () => viewers.size,
    close() {
      for (const timer of timers) timer.cancel();
      for (const viewer of viewers.keys()) end(viewer, 'the gateway stops');
    },
  };
}

/** Viewers with the same grants see the same. */
function scopeOf({ principal: { grants, limit }, seesAll }: Viewer): string {
  return seesAll ? '' : JSON.stringify([grants, limit]);
}

function once(texts: Map<string, string>, key: string, make: () => string): string {
  const text = texts.get(key) ?? make();
  texts.set(key, text);
  return text;
}

const HEADERS = {
  'content-type': 'text/event-stream; charset=utf-8',
  'cache-control': 'no-store',
  'x-accel-buffering': 'no', // a proxy between must not hold messages back
} as const;

function textOf(message: LiveMessage): string {
  return `event: ${message.kind}\ndata: ${JSON.stringify(message)}\n\n`;
}
