/**
 * An InfluxDB for tests: the version 2 write path over real HTTP, strict about every line, with fields that keep their
 * type for ever. Can be told to refuse, to fail, to hang, to be slow and to break off.
 */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gunzipSync } from 'node:zlib';
import { freePort } from '../../../../core/free-port.ts';
import { BadLine, parseLine, type FieldType, type Point } from './strict-lines.ts';

/** What it does with a write instead of taking it. */
export type ServerBehaviour =
  | { kind: 'status'; status: number; body?: string; headers?: Record<string, string> }
  /** Never answers. */
  | { kind: 'hang' }
  /** Answers one byte after the other and is never done. */
  | { kind: 'trickle' }
  /** Breaks off before anything is stored. */
  | { kind: 'close' }
  /** Stores, and breaks off before it has said so. */
  | { kind: 'store-and-close' };

export interface StrictServerOptions {
  token?: string;
  bucket?: string;
  /** As VictoriaMetrics does: one bad line and none is taken. Else the good ones are (InfluxDB's partial write). */
  allOrNothing?: boolean;
  /** A line it refuses although it is well-formed. */
  refuse?: (line: string, point: Point) => string | null;
}

export interface StrictServer {
  readonly url: string;
  /** The same series and time once, its fields merged, in order of time. */
  points(): Point[];
  /** Every line that was taken, repeats included. */
  readonly lines: string[];
  /** Lines that were refused, and why. */
  readonly refused: { line: string; why: string }[];
  readonly requests: number;
  /** The next writes meet these moods, one after the other. */
  plan(...moods: ServerBehaviour[]): void;
  /** What all writes meet that no plan is for; null takes them. */
  setMood(mood: ServerBehaviour | null): void;
  /** Resolves when this holds, looked at after each request. */
  until(holds: () => boolean): Promise<void>;
  close(): Promise<void>;
}

/** @param port absent: any that one can come back to later */
export async function startStrictServer(options: StrictServerOptions = {}, port?: number): Promise<StrictServer> {
  const stored = new Map<string, Point>();
  const types = new Map<string, FieldType>();
  const lines: string[] = [];
  const refused: { line: string; why: string }[] = [];
  const planned: ServerBehaviour[] = [];
  const waiting = new Set<() => void>();
  let mood: ServerBehaviour | null = null;
  let requests = 0;

  function judge(line: string): Point | string {
    try {
      const point = parseLine(line);
      if (point.ns === null) return 'no time';
      for (const [key, { type }] of Object.entries(point.fields)) {
        const known = types.get(`${point.measurement} ${key}`);
        if (known && known !== type) return `field type conflict: input field "${key}" is type ${type}, already exists as type ${known}`;
      }
      return options.refuse?.(line, point) ?? point;
    } catch (error) {
      if (error instanceof BadLine) return `unable to parse '${line.slice(0, 80)}': ${error.message}`;
      throw error;
    }
  }

  function store(line: string, point: Point): void {
    for (const [key, { type }] of Object.entries(point.fields)) types.set(`${point.measurement} ${key}`, type);
    const key = JSON.stringify([point.measurement, Object.entries(point.tags).toSorted(([a], [b]) => (a < b ? -1 : 1)), String(point.ns)]);
    stored.set(key, { ...point, fields: { ...stored.get(key)?.fields, ...point.fields } });
    lines.push(line);
  }

  function write(text: string): { status: number; body: string } {
    const judged = text.split('\n').filter((line) => line !== '').map((line) => ({ line, judged: judge(line) }));
    const bad = judged.filter((one): one is { line: string; judged: string } => typeof one.judged === 'string');
    refused.push(...bad.map(({ line, judged: why }) => ({ line, why })));
    if (bad.length === 0 || !options.allOrNothing)
      for (const one of judged) if (typeof one.judged !== 'string') store(one.line, one.judged);
    if (bad.length === 0) return { status: 204, body: '' };
    const status = bad.some(({ judged: why }) => why.startsWith('field type')) ? 422 : 400;
    return {
      status,
      body: JSON.stringify({
        code: status === 422 ? 'unprocessable entity' : 'invalid',
        message: `partial write: ${bad[0]?.judged} dropped=${bad.length}`,
      }),
    };
  }

  function answer(request: IncomingMessage, response: ServerResponse, body: Buffer): void {
    const say = (status: number, text = '') => {
      response.writeHead(status, { 'content-type': text.startsWith('{') ? 'application/json' : 'text/plain' });
      response.end(text);
    };
    const url = new URL(request.url ?? '', 'http://x');
    const met = planned.shift() ?? mood;
    if (met?.kind === 'hang') return;
    if (met?.kind === 'close') return void request.socket.destroy();
    if (met?.kind === 'status') {
      // Some servers and proxies repeat what they were sent.
      response.writeHead(met.status, { 'content-type': 'text/plain', ...met.headers });
      return void response.end(met.body ?? `no: ${request.headers.authorization ?? ''}`);
    }
    if (met?.kind === 'trickle') {
      response.writeHead(500);
      const drip = setInterval(() => response.write('.'), 20);
      return void response.on('close', () => clearInterval(drip));
    }
    if (request.method !== 'POST' || url.pathname !== '/api/v2/write') return say(404, '{"code":"not found","message":"path not found"}');
    if (options.token && request.headers.authorization !== `Token ${options.token}`)
      return say(401, `{"code":"unauthorized","message":"unauthorized: ${request.headers.authorization ?? 'nobody'}"}`);
    if (options.bucket && url.searchParams.get('bucket') !== options.bucket)
      return say(404, '{"code":"not found","message":"bucket not found"}');
    if (url.searchParams.get('precision') !== 'ns') return say(400, '{"code":"invalid","message":"precision"}');
    const { status, body: text } = write((request.headers['content-encoding'] === 'gzip' ? gunzipSync(body) : body).toString());
    if (met?.kind === 'store-and-close') return void request.socket.destroy();
    say(status, text);
  }

  const server: Server = createServer((request, response) => {
    const parts: Buffer[] = [];
    request.on('data', (part: Buffer) => parts.push(part));
    request.on('error', () => request.destroy());
    request.on('end', () => {
      requests += 1;
      answer(request, response, Buffer.concat(parts));
      for (const look of waiting) look();
    });
  });
  server.listen(port ?? await freePort(), '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    points: () => [...stored.values()].toSorted((a, b) => Number((a.ns ?? 0n) - (b.ns ?? 0n))),
    lines, refused,
    get requests() { return requests; },
    plan: (...moods) => { planned.push(...moods); },
    setMood: (next) => { mood = next; },
    until: (holds) => new Promise((resolve) => {
      const look = () => {
        if (!holds()) return;
        waiting.delete(look);
        resolve();
      };
      waiting.add(look);
      look();
    }),
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => { server.close(resolve); });
    },
  };
}
