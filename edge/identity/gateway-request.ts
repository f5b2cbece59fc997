/** One request to the gateway's API over a TLS connection that was judged, and its answer: bounded in size and time. */
import { request, type IncomingMessage } from 'node:http';
import type { TLSSocket } from 'node:tls';
import { z } from 'zod';
import { FaultError } from '../../core/faults.ts';
import type { World } from '../../core/world.ts';
import { addressOf, connectTls, hostPortOf, type TlsOptions } from './tls-connect.ts';
import './faults.ts';

const MAX_ANSWER_BYTES = 128 * 1024;
const MAX_REQUEST_MS = 20_000;

export interface GatewayAnswer {
  status: number;
  /** JSON; null where it is none. */
  body: unknown;
  /** ms UTC by the gateway's clock, to the second; null where it does not say. */
  dateAt: number | null;
}

/**
 * @param base URL of the gateway; its path is not used
 * @throws what `connectTls` throws; CV_TLS_FAILED, CV_ENROLMENT_ANSWER
 */
export async function postToGateway(
  base: URL,
  path: string,
  body: object,
  tls: TlsOptions,
  clock: World['clock'],
  signal?: AbortSignal,
): Promise<GatewayAnswer> {
  const limit = new AbortController();
  const timer = clock.after(MAX_REQUEST_MS, () => limit.abort());
  const either = signal ? AbortSignal.any([signal, limit.signal]) : limit.signal;
  const target = hostPortOf(base, 443);
  let socket: TLSSocket | null = null;
  try {
    socket = await connectTls(target, tls, clock, either);
    return await exchange(socket, base, path, JSON.stringify(body), either);
  } catch (error) {
    if (error instanceof FaultError) throw error;
    const { code, message } = error as NodeJS.ErrnoException;
    const detail = either.aborted ? 'ETIMEDOUT' : (code ?? message);
    throw new FaultError('CV_TLS_FAILED', { address: addressOf(target), detail }, { cause: error });
  } finally {
    timer.cancel();
    socket?.destroy();
  }
}

function exchange(socket: TLSSocket, base: URL, path: string, body: string, signal: AbortSignal): Promise<GatewayAnswer> {
  return new Promise((resolve, reject) => {
    const sent = request({
      createConnection: () => socket,
      host: base.hostname, path, method: 'POST', signal,
      headers: { host: base.host, 'content-type': 'application/json', 'content-length': Buffer.byteLength(body), connection: 'close' },
    });
    sent.once('error', reject);
    sent.once('response', (answer) => { readAnswer(answer, base).then(resolve, reject); });
    sent.end(body);
  });
}

async function readAnswer(answer: IncomingMessage, { host }: URL): Promise<GatewayAnswer> {
  const parts: Buffer[] = [];
  let bytes = 0;
  for await (const part of answer as AsyncIterable<Buffer>) {
    bytes += part.length;
    if (bytes > MAX_ANSWER_BYTES)
      throw new FaultError('CV_ENROLMENT_ANSWER', {
        address: host, detail: `more than ${MAX_ANSWER_BYTES} bytes`, detailZh: `超过 ${MAX_ANSWER_BYTES} 字节`,
      });
    parts.push(part);
  }
  const dateAt = Date.parse(answer.headers.date ?? '');
  return {
    status: answer.statusCode ?? 0,
    body: jsonOf(Buffer.concat(parts).toString('utf8')),
    dateAt: Number.isFinite(dateAt) ? dateAt : null,
  };
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

const PROBLEM = z.object({ code: z.string().max(100), detail: z.string().max(2000).default(''), remedy: z.string().max(2000).default('') });

/** How the gateway said no, in its own words where they are such. */
export function refusalOf({ status, body }: GatewayAnswer): { code: string; detail: string; advice: string } {
  const { data } = PROBLEM.safeParse(body);
  // Printed on a terminal: no control characters of a stranger.
  const plain = (text: string) => text.replaceAll(/[\p{Cc}\p{Cf}]+/gu, ' ');
  return data
    ? { code: plain(data.code), detail: plain(`${data.code} ${data.detail}`.trim()), advice: plain(data.remedy) }
    : { code: '', detail: `HTTP ${status}`, advice: '' };
}
