/** The way to an InfluxDB (2, 3, cloud) or VictoriaMetrics: writes lines through InfluxDB's own client, I/O only. */
import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import { HttpError, InfluxDB } from '@influxdata/influxdb-client';
import { FaultError, type FaultCode } from '../../../core/faults.ts';
import type { World } from '../../../core/world.ts';
import '../faults.ts';

export interface InfluxTarget {
  url: string;
  org: string;
  bucket: string;
  token: string | undefined;
  timeoutMs: number;
}

export interface LineLink {
  /**
   * Resolves when the target has answered that it has them all.
   * @throws CV_SINK_REFUSED, CV_SINK_DENIED, CV_SINK_TARGET_MISSING, CV_SINK_BUSY, CV_SINK_TIMEOUT, CV_SINK_UNREACHABLE
   */
  send(lines: readonly string[]): Promise<void>;
  /** Breaks off what is under way. */
  close(): void;
}

/** What every target answers to a write. Others that say "well" (a portal's page, a proxy) have not stored anything. */
const STORED = 204;
const GZIP_FROM_BYTES = 1000;
const MAX_DETAIL = 300;

export function openLineLink({ url, org, bucket, token, timeoutMs }: InfluxTarget, sink: string, world: Pick<World, 'clock'>): LineLink {
  const agent = url.startsWith('https:')
    ? new HttpsAgent({ keepAlive: true, maxSockets: 1 })
    : new HttpAgent({ keepAlive: true, maxSockets: 1 });
  // The library's own time-out is that of a silent socket; ours is that of the whole answer.
  const { transport } = new InfluxDB({
    url,
    ...(token === undefined ? {} : { token }),
    timeout: timeoutMs + 1000,
    transportOptions: { agent },
  });
  const path = `/api/v2/write?${new URLSearchParams({ ...(org === '' ? {} : { org }), bucket, precision: 'ns' }).toString()}`;
  const underWay = new Set<(error: FaultError) => void>();
  let closed = false;

  const fault = (code: FaultCode, params: Record<string, string | number>) => new FaultError(code, { sink, url, ...params });
  const clean = (text: string) => (token ? text.replaceAll(token, '(secret)') : text).replaceAll(/\s+/g, ' ').trim().slice(0, MAX_DETAIL);

  function failure(error: unknown): FaultError {
    if (error instanceof FaultError) return error;
    if (error instanceof HttpError)
      return fault(faultOfStatus(error.statusCode), { status: error.statusCode, detail: clean(said(error)), ...retryAfter(error) });
    const { code, message } = error as NodeJS.ErrnoException;
    return fault('CV_SINK_UNREACHABLE', {
      detail: clean(code && !message.includes(code) ? `${code} ${message}` : message || String(error)),
    });
  }

  return {
    async send(lines) {
      if (closed) throw fault('CV_SINK_UNREACHABLE', { detail: 'closed' });
      const stop = new AbortController();
      let timer = { cancel() {} };
      let giveUp: (error: FaultError) => void = () => {};
      try {
        await new Promise<void>((resolve, reject) => {
          giveUp = (error) => {
            reject(error);
            stop.abort();
          };
          underWay.add(giveUp);
          timer = world.clock.after(timeoutMs, () => giveUp(fault('CV_SINK_TIMEOUT', { timeoutMs })));
          let status = 0;
          transport.send(
            path,
            lines.join('\n'),
            {
              method: 'POST',
              headers: { 'content-type': 'text/plain; charset=utf-8' },
              gzipThreshold: GZIP_FROM_BYTES,
              signal: stop.signal,
            },
            {
              responseStarted: (_headers, code) => {
                status = code ?? 0;
              },
              complete: () =>
                status === STORED ? resolve() : reject(fault('CV_SINK_TARGET_MISSING', { status, detail: `${STORED} was expected` })),
              error: (error) => reject(failure(error)),
            },
          );
        });
      } catch (error) {
        throw failure(error);
      } finally {
        timer.cancel();
        underWay.delete(giveUp);
      }
    },
    close() {
      closed = true;
      for (const giveUp of underWay) giveUp(fault('CV_SINK_UNREACHABLE', { detail: 'closed' }));
      agent.destroy();
    },
  };
}

/** Which fault an answer is: only what is said of the content itself is a refusal. */
export function faultOfStatus(status: number): FaultCode {
  if (status === 401 || status === 403) return 'CV_SINK_DENIED';
  if (status === 404 || status < 400) return 'CV_SINK_TARGET_MISSING';
  if (status === 408 || status === 425 || status === 429 || status >= 500) return 'CV_SINK_BUSY';
  return 'CV_SINK_REFUSED';
}

/** InfluxDB answers `{ code, message }`, VictoriaMetrics a line of text. */
function said({ json, body, statusMessage, message }: HttpError): string {
  const inner = (json as { message?: unknown } | undefined)?.message;
  return typeof inner === 'string' ? inner : body || statusMessage || message;
}

/** A target that limits how often it is asked says for how many seconds it wants to be left alone. */
function retryAfter({ headers }: HttpError): { retryAfterMs?: number } {
  const seconds = Number(headers?.['retry-after']);
  return Number.isFinite(seconds) && seconds > 0 ? { retryAfterMs: seconds * 1000 } : {};
}
