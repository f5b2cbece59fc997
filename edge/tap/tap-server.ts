/**
 * The way in for whoever records: a file in the edge's own folder that names its address and a key. Only who may read
 * that file may listen in, and only from this machine.
 */
import { randomBytes, timingSafeEqual } from 'node:crypto';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { dirname } from 'node:path';
import { isLoopback } from '../../core/net.ts';
import { decodePathPart } from '../http/decode-path-part.ts';
import { pause, type Clock } from '../../core/world.ts';
import type { EdgeAuditLog } from '../../log/audit/edge-entry.ts';
import type { DeviceTaps } from './device-taps.ts';

export const LOCAL_ACCESS_FILE = 'local.json';
const LONGEST_MS = 3_600_000;
/** Whoever reads slower than a device speaks is let go, so that it costs the edge no memory. */
const MAX_BEHIND_BYTES = 16 << 20;

export interface TapServer {
  /** Serves `/tap/DEVICE?forMs=N` as JSON lines. @returns false when the request is for something else */
  serve(request: IncomingMessage, response: ServerResponse): boolean;
  /** Writes the file, once the address is known. */
  open(path: string, httpUrl: string): Promise<void>;
  close(): Promise<void>;
}

export function tapServer(taps: DeviceTaps, audit: EdgeAuditLog, clock: Clock, pid: number): TapServer {
  const key = randomBytes(24).toString('base64url');
  let file: string | null = null;
  return {
    serve(request, response) {
      // Not by `new URL`: a request line may hold what is none (`GET //:`).
      const [path = '', search = ''] = (request.url ?? '/').split('?', 2);
      const device = /^\/tap\/([^/]+)$/.exec(path)?.[1];
      if (device === undefined) return false;
      const from = request.socket.remoteAddress ?? '';
      const isAllowed = isLoopback(from) && isKey(request.headers.authorization, key);
      audit.append({ kind: 'tap', who: isAllowed ? 'local' : '', from, what: device, outcome: isAllowed ? 'done' : 'refused' });
      if (!isAllowed) {
        response.writeHead(403, { 'content-type': 'text/plain' }).end('not allowed');
        return true;
      }
      const forMs = Number(new URLSearchParams(search).get('forMs')) || 0;
      serveTap(taps, decodePathPart(device), Math.max(0, Math.min(LONGEST_MS, forMs)), clock, response).catch(() => response.destroy());
      return true;
    },
    async open(path, httpUrl) {
      await mkdir(dirname(path), { recursive: true });
      await writeFile(path, JSON.stringify({ url: httpUrl, key, pid }), { mode: 0o600 });
      file = path;
    },
    async close() {
      if (file) await rm(file, { force: true });
    },
  };
}

async function serveTap(taps: DeviceTaps, device: string, forMs: number, clock: Clock, response: ServerResponse): Promise<void> {
  if (!taps.has(device)) {
    response.writeHead(404, { 'content-type': 'text/plain' }).end('no such device');
    return;
  }
  const gone = new AbortController();
  response.on('close', () => gone.abort());
  response.on('error', () => gone.abort());
  response.writeHead(200, { 'content-type': 'application/x-ndjson', 'cache-control': 'no-store' });
  response.flushHeaders();
  const stop = taps.listen(device, (line) => {
    response.write(`${JSON.stringify(line)}\n`);
    if (response.writableLength > MAX_BEHIND_BYTES) response.destroy();
  });
  try {
    await pause(clock, forMs, gone.signal);
  } finally {
    stop?.();
    response.end();
  }
}

function isKey(given: string | undefined, key: string): boolean {
  const [a, b] = [Buffer.from(given ?? ''), Buffer.from(`Bearer ${key}`)];
  return a.length === b.length && timingSafeEqual(a, b);
}
