/**
 * `live`: what changes, as server-sent events, to any number of viewers.
 *
 * A message is written out once and sent to all. Values and devices are coalesced (the newest of each counts), warnings
 * never are. A viewer that does not read is let go with a reason as soon as more than `MAX_WAITING_BYTES` wait for it.
 */
import type { ServerResponse } from 'node:http';
import { LIVE_EXAMPLE, type LiveMessage } from '../../api/live.ts';
import { FaultError, faultOf } from '../../core/faults.ts';
import { networkOf } from '../../core/net.ts';
import { everyMs, type Timer, type World } from '../../core/world.ts';
import { NO_PARAMS, query, route } from './route.ts';
import type { ApiSources } from './sources.ts';
import { STATUS_EXAMPLE } from '../../api/status.ts';
import { WARNING_EXAMPLE } from '../../api/warnings.ts';

/** The server gives its response to the hub; the row is here for the document. */
export const LIVE_ROUTE = route({
  method: 'GET',
  path: '/api/v1/live',
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

interface Viewer {
  address: string;
  mayRead(): boolean;
}

export interface LiveHub {
  /** Takes over the response until the viewer leaves. @param who its address, and whether it may still read. @throws CV_API_TOO_MANY_VIEWERS */
  join(response: ServerResponse, who: Viewer): Promise<void>;
  viewers(): number;
  /** Tells every viewer that the gateway stops, and ends their responses. */
  close(): void;
}

export function openLive(sources: ApiSources, world: World, maxViewers: number, maxOfAddress = MAX_OF_ADDRESS): LiveHub {
  const viewers = new Map<ServerResponse, Viewer>();
  const newest = new Map<string, LiveMessage>();
  /** Without viewers nobody listens: what changes is then not even put together. */
  let stopListening: (() => void) | null = null;
  const timers: Timer[] = [
    everyMs(world.clock, FLUSH_MS, told(flush)),
    everyMs(world.clock, STATUS_MS, told(() => { if (viewers.size > 0) send(statusText()); })),
    everyMs(world.clock, HEARTBEAT_MS, told(() => {
      // Its token has been taken out of the configuration.
      for (const [viewer, { mayRead }] of viewers) if (!mayRead()) end(viewer, 'signed out');
      send(': still here\n\n');
    })),
  ];

  function take(message: LiveMessage): void {
    if (message.kind === 'warning') return send(textOf(message));
    const key =
      message.kind === 'value'
        ? `${message.indicator}|${message.device}|${message.point}`
        : message.kind === 'device'
          ? message.device.id
          : message.kind;
    const waiting = newest.get(key);
    // A drained backlog brings old values after new ones: the newest in event time stays.
    if (message.kind === 'value' && waiting?.kind === 'value' && waiting.at > message.at) return;
    newest.set(key, message);
  }

  function flush(): void {
    if (newest.size === 0) return;
    const text = [...newest.values()].map(textOf).join('');
    newest.clear();
    send(text);
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

  function statusText(): string {
    const demo = sources.demo ? textOf({ kind: 'demo', demo: sources.demo.view() }) : '';
    return textOf({ kind: 'status', status: sources.status() }) + demo;
  }

  function send(text: string): void {
    for (const viewer of viewers.keys()) write(viewer, text);
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
      const open = (await sources.warnings()).filter((warning) => warning.condition === 'active');
      const standing: LiveMessage[] = [
        ...sources.devices().map((device): LiveMessage => ({ kind: 'device', device })),
        ...open.map((warning): LiveMessage => ({ kind: 'warning', warning })),
      ];
      response.write(`retry: 1000\n\n${statusText()}${standing.map(textOf).join('')}`);
    },
    viewers: () => viewers.size,
    close() {
      for (const timer of timers) timer.cancel();
      for (const viewer of viewers.keys()) end(viewer, 'the gateway stops');
    },
  };
}

const HEADERS = {
  'content-type': 'text/event-stream; charset=utf-8',
  'cache-control': 'no-store',
  'x-accel-buffering': 'no', // a proxy between must not hold messages back
} as const;

function textOf(message: LiveMessage): string {
  return `event: ${message.kind}\ndata: ${JSON.stringify(message)}\n\n`;
}
