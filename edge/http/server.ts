/**
 * The edge's local HTTP: health, metrics, the newest picture of a camera, and a small page. Read only, but that a gateway
 * on this machine may ask for a live view; it listens where the configuration says, which is loopback unless someone
 * chose otherwise. Beyond loopback it wants the token of the configuration, or the key that the gateway knows.
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { PictureView } from '../../api/pictures.ts';
import { explain, FaultError, faultOf, type Fault, type FaultCode } from '../../core/faults.ts';
import { limitConnections } from '../../core/http-connections.ts';
import { isHostAllowed, isLocalHost } from '../../core/http-host.ts';
import { isLoopback, networkOf } from '../../core/net.ts';
import { RateLimit } from '../../core/rate-limit.ts';
import type { Tell } from '../../core/telemetry.ts';
import type { Clock } from '../../core/world.ts';
import type { EdgeAuditLog } from '../../log/audit/edge-entry.ts';
import { decodePathPart } from './decode-path-part.ts';
import type { EdgeHealth } from './health.ts';
import { LocalAudit, type LocalReader } from './local-audit.ts';
import { PAGE_POLICY, statusPage } from './page.ts';

export interface LocalHttpParts {
  health(): EdgeHealth;
  /** Prometheus text; absent when nobody counts. */
  metrics?: (() => Promise<string>) | undefined;
  metricsType?: string | undefined;
  picture(device: string): Promise<PictureView | null>;
  /** Begins a live view, or finds it; rejects with a FaultError. */
  live(device: string): Promise<{ port: number; key: string }>;
  /** For whoever records a device: answers such a request itself and says so. */
  tap?(request: IncomingMessage, response: ServerResponse): boolean;
  /** Of what failed here. */
  tell?: Tell;
  /** Who asked for what. */
  audit?: EdgeAuditLog;
}

/** With what the server itself needs for its answers. */
interface Serving extends LocalHttpParts {
  wrong: RateLimit;
  told: LocalAudit;
}

export interface LocalHttp {
  /** Base URL, without a slash at its end. */
  url: string;
  close(): Promise<void>;
}

const MAX_CONNECTIONS = 64;
/** Wrong tokens from one address, a minute, as at a gateway; a right one always passes. */
const MAX_WRONG = 30;

export interface LocalHttpSetup {
  host: string;
  port: number;
  /** Names that it answers to, beside addresses, localhost and `host`. */
  hosts?: readonly string[] | undefined;
  /** For reading from other machines. */
  token?: string | undefined;
  /** The gateway's, for the same and for live views; nobody watches when absent. */
  key?: string | undefined;
}

interface Answer {
  status: number;
  type: string;
  body: string;
  headers?: Record<string, string>;
}

/** @throws CV_API_LISTEN */
export async function openLocalHttp(at: LocalHttpSetup, parts: LocalHttpParts, clock: Pick<Clock, 'monotonicMs'>): Promise<LocalHttp> {
  const told = new LocalAudit(parts.audit ?? { append: () => {} }, clock);
  const serving: Serving = { ...parts, wrong: new RateLimit(MAX_WRONG, clock), told };
  const server = createServer({ requestTimeout: 10_000, headersTimeout: 5000, connectionsCheckingInterval: 1000 }, (request, response) => {
    serve(at, serving, request, response).catch(() => response.destroy());
  });
  limitConnections(server, MAX_CONNECTIONS);
  await listen(server, at);
  // Too many open files, say: without a listener it would end the process.
  server.on('error', (error) => parts.tell?.({ kind: 'fault', fault: faultOf(error, 'CV_API_INTERNAL', { path: at.host }) }));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://${at.host.includes(':') ? `[${at.host}]` : at.host}:${port}`,
    close: () => new Promise((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    }),
  };
}

function listen(server: Server, { host, port }: { host: string; port: number }): Promise<void> {
  return new Promise((resolve, reject) => {
    const failed = (error: Error) =>
      reject(new FaultError('CV_API_LISTEN', { address: `${host}:${port}`, detail: error.message }, { cause: error }));
    server.once('error', failed);
    server.listen(port, host, () => {
      server.removeListener('error', failed);
      resolve();
    });
  });
}

async function serve(at: LocalHttpSetup, parts: Serving, request: IncomingMessage, response: ServerResponse): Promise<void> {
  let answer: Answer;
  try {
    if (!isHostAllowed(at.host, at.hosts ?? [], request.headers.host))
      return send(
        request,
        response,
        problem(421, 'CV_API_HOST', { host: (request.headers.host ?? '').slice(0, 200) }, wantsChinese(request)),
      );
    if (parts.tap?.(request, response)) return;
    const watched = request.method === 'POST' ? /^\/live\/([^/?]+)$/.exec(request.url ?? '')?.[1] : undefined;
    const reader = readerOf(at, request);
    if (watched !== undefined) answer = await beginLive(at, parts, request, decodePathPart(watched));
    else if (reader === null) answer = refusedReading(parts, request);
    else {
      parts.told.admitted(reader, request);
      answer =
        request.method === 'GET' || request.method === 'HEAD'
          ? await answerTo(parts, reader, request)
          : { ...text(405, 'only GET'), headers: { allow: 'GET, HEAD' } };
    }
  } catch (error) {
    const fault = faultOf(error, 'CV_API_INTERNAL', { path: (request.url ?? '/').slice(0, 200) });
    parts.tell?.({ kind: 'fault', fault });
    if (response.headersSent) return void response.destroy();
    answer = text(500, (error as Error).message);
  }
  send(request, response, answer);
}

function send({ method }: Pick<IncomingMessage, 'method'>, response: ServerResponse, { status, type, headers, body }: Answer): void {
  response.writeHead(status, { 'content-type': type, 'cache-control': 'no-store', 'x-content-type-options': 'nosniff', ...headers });
  response.end(method === 'HEAD' ? undefined : body);
}

async function answerTo(parts: Serving, reader: LocalReader, request: IncomingMessage): Promise<Answer> {
  const path = (request.url ?? '/').split('?')[0] as string;
  if (path === '/')
    return {
      status: 200,
      type: 'text/html; charset=utf-8',
      body: statusPage(wantsChinese(request)),
      headers: { 'content-security-policy': PAGE_POLICY },
    };
  if (path === '/healthz') {
    const health = parts.health();
    return json(health.ok ? 200 : 503, health);
  }
  if (path === '/metrics' && parts.metrics) return { status: 200, type: parts.metricsType ?? 'text/plain', body: await parts.metrics() };
  const device = /^\/frames\/([^/]+)$/.exec(path)?.[1];
  const picture = device === undefined ? null : await parts.picture(decodePathPart(device));
  if (!picture) return text(404, 'not found');
  parts.told.picture(picture.device, reader, request);
  return json(200, picture);
}

/** For the gateway alone, and only on this machine; a browser that some page told to ask names that page. */
async function beginLive({ key }: LocalHttpSetup, parts: Serving, request: IncomingMessage, device: string): Promise<Answer> {
  if (!isLoopback(request.socket.remoteAddress ?? '') || request.headers.origin !== undefined || !isOneOf([key], request)) {
    parts.told.refused('live view', request);
    return text(403, 'only for a gateway on this machine');
  }
  try {
    const place = await parts.live(device);
    parts.told.live(device, 'done', request);
    return json(200, place);
  } catch (error) {
    parts.told.live(device, 'refused', request);
    return json(503, { fault: faultOf(error, 'CV_LIVE_FAILED', { device }) });
  }
}

/** On this machine alone whoever is there reads. null: nobody who may. */
function readerOf({ host, token, key }: LocalHttpSetup, request: IncomingMessage): LocalReader | null {
  const [isToken, isGateway] = [isOneOf([token], request), isOneOf([key], request)];
  if (isGateway) return 'gateway';
  if (isToken) return 'token';
  return isLocalHost(host) ? 'local' : null;
}

/** Whether it is well may be asked by anybody, as a supervisor does; a browser asks for the token as for a password. */
function refusedReading(parts: Serving, request: IncomingMessage): Answer {
  if ((request.url ?? '/').split('?', 1)[0] === '/healthz') {
    const { ok } = parts.health();
    return json(ok ? 200 : 503, { ok });
  }
  try {
    // A browser asks without one first.
    if (secretOf(request) !== '') {
      parts.told.refused('read', request);
      parts.wrong.count(networkOf(request.socket.remoteAddress ?? ''));
    }
  } catch (error) {
    const { code, params } = faultOf(error, 'CV_COMMAND_TOO_MANY');
    return { ...problem(429, code, params, wantsChinese(request)), headers: { 'retry-after': String(params.waitSeconds) } };
  }
  return {
    ...problem(401, 'CV_EDGE_READ_TOKEN', {}, wantsChinese(request)),
    headers: { 'www-authenticate': 'Basic realm="cityvitals", charset="UTF-8"' },
  };
}

/** As a bearer token, or as the password of Basic under any name; empty where there is none. */
function secretOf({ headers: { authorization = '' } }: IncomingMessage): string {
  const [, scheme = '', credentials = ''] = /^(Bearer|Basic) +(\S+)$/i.exec(authorization) ?? [];
  return scheme.toLowerCase() === 'basic' ? Buffer.from(credentials, 'base64').toString('utf8').replace(/^[^:]*:/, '') : credentials;
}

function isOneOf(secrets: readonly (string | undefined)[], request: IncomingMessage): boolean {
  const given = secretOf(request);
  // All are compared, by digest: the time it takes tells nothing.
  const found = secrets.filter((secret) => secret !== undefined && timingSafeEqual(digest(secret), digest(given)));
  return found.length > 0;
}

const digest = (text: string) => createHash('sha256').update(text).digest();

function problem(status: number, code: FaultCode, params: Fault['params'], chinese: boolean): Answer {
  const { message, remedy } = explain({ code, params }, chinese ? 'zh-CN' : 'en');
  return {
    ...json(status, { type: `urn:cityvitals:fault:${code}`, status, code, detail: message, remedy }),
    type: 'application/problem+json; charset=utf-8',
  };
}

const json = (status: number, body: object): Answer => ({ status, type: 'application/json; charset=utf-8', body: JSON.stringify(body) });
const text = (status: number, body: string): Answer => ({ status, type: 'text/plain; charset=utf-8', body });
const wantsChinese = (request: IncomingMessage) => /^\s*zh\b/i.test(request.headers['accept-language'] ?? '');
