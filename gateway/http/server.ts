/** The gateway's HTTP server: the table of routes, the live stream, the console's files, and one way for errors. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Socket } from 'node:net';
import fastifyStatic from '@fastify/static';
import { fastify, type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import { FaultError, faultOf, type Fault } from '../../core/faults.ts';
import { limitConnections } from '../../core/http-connections.ts';
import { isHostAllowed } from '../../core/http-host.ts';
import { isTooDeep, MAX_JSON_DEPTH } from '../../core/wire/json.ts';
import type { World } from '../../core/world.ts';
import { DEMO_ROUTES } from './demo.ts';
import { serveLiveSockets } from './live-view.ts';
import { LIVE_ROUTE, openLive, type LiveHub } from './live.ts';
import { faultOfRequest, languageOf, parseParams, problemOf, sendProblem } from './problem.ts';
import { requestOf, type Route } from './route.ts';
import { routesOf } from './routes.ts';
import { leadToTls, serveTls, tlsNeed, type HttpTls } from './tls.ts';
import type { Admission } from '../people/access.ts';
import type { ApiSources } from './sources.ts';
import '../people/faults.ts';
import '../tls/faults.ts';

export interface ApiOptions {
  /** Default 127.0.0.1: nothing listens beyond loopback unless asked to. */
  host?: string;
  /** 0 takes a free one. */
  port: number;
  /** Names that it answers to, beside addresses, localhost and `host`. */
  hosts?: readonly string[] | undefined;
  /** Addresses and ranges of proxies whose X-Forwarded-For is believed. */
  trustProxy?: readonly string[] | undefined;
  /** Absent: plaintext. */
  tls?: HttpTls | undefined;
  version: string;
  /** Where `vite build` put the console; without it the API stands alone. */
  consoleDir?: string;
  maxViewers?: number;
  maxViewersOfAddress?: number | undefined;
}

export interface ApiServer {
  host: string;
  port: number;
  /** `http(s)://host:port/` as a browser takes it. */
  url: string;
  routes: readonly Route[];
  viewers(): number;
  /** Lets viewers go, answers what is under way, closes; twice is fine. */
  close(): Promise<void>;
}

const DEFAULT_MAX_VIEWERS = 500;
const MAX_CONNECTIONS = 2000;

const HEADERS = {
  // Nothing that is shown may come from, or be sent to, anywhere but this gateway.
  'content-security-policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; media-src 'self'; connect-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cross-origin-resource-policy': 'same-origin',
};

/** Opens the server. @throws CV_API_LISTEN */
export async function serveApi(sources: ApiSources, options: ApiOptions, world: World): Promise<ApiServer> {
  const host = options.host ?? '127.0.0.1';
  const app = fastify({
    forceCloseConnections: true,
    requestTimeout: 30_000,
    bodyLimit: 64 * 1024,
    exposeHeadRoutes: true,
    trustProxy: options.trustProxy?.length ? [...options.trustProxy] : false,
    routerOptions: { maxParamLength: 256 },
    frameworkErrors: (error, request, reply) => answer(error, request, reply),
    clientErrorHandler: refuseUnreadable,
  });
  const parse = app.getDefaultJsonParser('error', 'error');
  app.addContentTypeParser('application/json', { parseAs: 'string' }, (request, body, done) => {
    if (isTooDeep(String(body))) done(Object.assign(new SyntaxError(`JSON nested more than ${MAX_JSON_DEPTH} deep`), { statusCode: 400 }));
    else parse(request, String(body), done);
  });
  limitConnections(app.server, MAX_CONNECTIONS);
  const live = openLive(sources, world, options.maxViewers ?? DEFAULT_MAX_VIEWERS, options.maxViewersOfAddress);
  const checkHost = ({ host: header }: { host?: string | undefined }): void => {
    if (!isHostAllowed(host, options.hosts ?? [], header)) throw new FaultError('CV_API_HOST', { host: (header ?? '').slice(0, 200) });
  };
  const needsTls = options.tls ? tlsNeed(options.tls, options.trustProxy ?? []) : () => false;
  const endLiveViews = serveLiveSockets(app.server, sources, (request) => {
    checkHost(request.headers);
    if (needsTls(request))
      throw new FaultError('CV_TLS_REQUIRED', { client: 'WebSocket', address: request.socket.remoteAddress ?? '?' });
  });
  const routes = routesOf(options.version, sources.demo ? DEMO_ROUTES : []);

  app.addHook('onRequest', async (request, reply) => {
    reply.headers(HEADERS);
    checkHost(request.headers);
    if (needsTls(request.raw)) {
      leadToTls(request, reply);
      return reply;
    }
    refuseForeignPages(request);
    return undefined;
  });
  for (const route of routes) register(app, route, sources, world, live.join);
  app.setErrorHandler((error, request, reply) => answer(error, request, reply, tellInternal));
  app.setNotFoundHandler((request, reply) => answer(notFound(request, routes), request, reply));
  await serveConsole(app, options.consoleDir);

  function tellInternal(fault: Fault): void {
    if (fault.code === 'CV_API_INTERNAL') world.tell({ kind: 'fault', fault });
  }

  await app.ready();
  if (options.tls) serveTls(app.server, options.tls);
  try {
    await app.listen({ host, port: options.port });
  } catch (error) {
    live.close();
    await app.close();
    throw new FaultError(
      'CV_API_LISTEN',
      { address: `${host}:${options.port}`, detail: faultOf(error, 'CV_API_INTERNAL').params.detail ?? '' },
      { cause: error },
    );
  }
  // Too many open files, say: without a listener it would end the process.
  app.server.on('error', (error) => world.tell({ kind: 'fault', fault: faultOf(error, 'CV_API_INTERNAL', { path: host }) }));
  const address = app.server.address();
  const port = typeof address === 'object' && address !== null ? address.port : options.port;
  let closing: Promise<void> | undefined;
  return {
    host, port, routes,
    url: `${options.tls ? 'https' : 'http'}://${urlHost(host)}:${port}/`,
    viewers: live.viewers,
    close() {
      live.close();
      endLiveViews();
      options.tls?.port.close();
      closing ??= app.close();
      return closing;
    },
  };
}

const admissions = new WeakMap<FastifyRequest, Admission>();

function register(app: FastifyInstance, route: Route, sources: ApiSources, world: World, join: LiveHub['join']): void {
  app.route({
    method: route.method, url: route.path,
    // Before anything of the request is read: the only place where it is decided who may come here.
    onRequest: async (request) => { admissions.set(request, sources.access.admit(route, requestOf(request))); },
    // HEAD of a stream would never end.
    exposeHeadRoute: route !== LIVE_ROUTE,
    handler: async (request, reply) => {
      // Without one nothing is answered: it has not come through the hook.
      const admitted = admissions.get(request);
      if (!admitted) throw new FaultError('CV_API_READ_TOKEN');
      const query = parseParams(route.query, request.query, route.path);
      const params = parseParams(route.params, request.params, route.path);
      if (route === LIVE_ROUTE)
        return follow(
          reply,
          { ...admitted, address: request.ip, refusal: sources.access.following(route, requestOf(request)) },
          join,
        );
      const asked = route.body ? parseParams(route.body, request.body, route.path) : undefined;
      const body: unknown = await route.handle({ ...admitted, sources, world, query, params, body: asked, request, reply });
      reply.header('cache-control', 'no-store');
      if ('mediaType' in route.answer) {
        // A range of kinds: the handler has said which one it is.
        if (!route.answer.mediaType.endsWith('/*')) reply.type(route.answer.mediaType);
        return reply.send(body);
      }
      return reply.type('application/json; charset=utf-8').send(JSON.stringify(body));
    },
  });
}

async function follow(reply: FastifyReply, who: Parameters<LiveHub['join']>[1], join: LiveHub['join']): Promise<void> {
  for (const [header, value] of Object.entries(HEADERS)) reply.raw.setHeader(header, value);
  try {
    await join(reply.raw, who);
  } catch (error) {
    if (!reply.raw.headersSent) throw error;
    reply.raw.destroy();
  }
  reply.hijack();
}

function answer(error: unknown, request: FastifyRequest, reply: FastifyReply, tell: (fault: Fault) => void = () => {}): FastifyReply {
  const { fault, extra, status } = faultOfRequest(error, request.url.split('?', 1)[0] ?? '');
  tell(fault);
  if (fault.code === 'CV_API_METHOD') reply.header('allow', String(fault.params.allowed));
  if (fault.code === 'CV_API_UNAUTHORISED' || fault.code === 'CV_API_READ_TOKEN') reply.header('www-authenticate', 'Bearer');
  if (fault.code === 'CV_COMMAND_TOO_MANY' || fault.code === 'CV_SIGN_IN_LOCKED')
    reply.header('retry-after', String(fault.params.waitSeconds));
  return sendProblem(reply.headers(HEADERS).header('cache-control', 'no-store'), problemOf(fault, languageOf(request), extra, status));
}

/** Unknown path, or a known one with another method. */
function notFound(request: FastifyRequest, routes: readonly Route[]): FaultError {
  const path = request.url.split('?', 1)[0] ?? '';
  if (path === '/') return new FaultError('CV_CONSOLE_MISSING');
  const here = routes.filter((route) => new RegExp(`^${route.path.replaceAll('.', '\\.').replaceAll(/:\w+/g, '[^/]+')}$`).test(path));
  if (here.length === 0) return new FaultError('CV_API_UNKNOWN_ROUTE', { path });
  const allowed = [
    ...new Set(here.flatMap((route) => (route.method === 'GET' && route !== LIVE_ROUTE ? ['GET', 'HEAD'] : [route.method]))),
  ].join(', ');
  return new FaultError('CV_API_METHOD', { method: request.method, path, allowed });
}

/** A page of somewhere else can send a POST here without asking; browsers name its origin. */
function refuseForeignPages(request: FastifyRequest): void {
  const { origin, host } = request.headers;
  if (request.method === 'GET' || request.method === 'HEAD' || origin === undefined) return;
  if (origin !== `http://${host}` && origin !== `https://${host}`) throw new FaultError('CV_API_ORIGIN', { origin });
}

async function serveConsole(app: FastifyInstance, consoleDir: string | undefined): Promise<void> {
  if (consoleDir === undefined || !existsSync(join(consoleDir, 'index.html'))) return;
  await app.register(fastifyStatic, {
    root: consoleDir,
    wildcard: false,
    preCompressed: true,
    cacheControl: false,
    setHeaders: (reply, path) => {
      reply.header('cache-control', path.includes('/assets/') ? 'public, max-age=31536000, immutable' : 'no-cache');
    },
  });
}

/** Bytes that are no HTTP: answered where the socket still takes it. */
function refuseUnreadable(error: NodeJS.ErrnoException, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) return void socket.destroy();
  const status = error.code === 'HPE_HEADER_OVERFLOW' ? 431 : 400;
  const body = JSON.stringify(problemOf({ code: 'CV_API_REQUEST', params: { detail: error.code ?? error.message } }, 'en', {}, status));
  socket.end(
    `HTTP/1.1 ${status} ${status === 431 ? 'Request Header Fields Too Large' : 'Bad Request'}\r\nContent-Type: application/problem+json; charset=utf-8\r\nContent-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`,
  );
}

/** Listening on every address is reached by the loopback one; IPv6 goes in brackets. */
function urlHost(host: string): string {
  if (host === '0.0.0.0') return '127.0.0.1';
  if (host === '::') return '[::1]';
  return host.includes(':') ? `[${host}]` : host;
}
