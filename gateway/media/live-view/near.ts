/** Asks an edge on this machine for a live view. What it answers is checked: it names a port of this machine and a key, nothing else. */
import { z } from 'zod';
import { FAULTS, FaultError, type FaultCode } from '../../../core/faults.ts';
import { isLoopback } from '../../../core/net.ts';
import { parseJson } from '../../../core/wire/json.ts';
import { bearer, readBounded } from '../edge-http.ts';

export interface LivePlace {
  port: number;
  /** Path of its socket. */
  key: string;
}

/** An edge that is not there, or another program in its place, must not hold up whoever asks; a camera takes its time. */
const TIMEOUT_MS = 30_000;
const MAX_BYTES = 64 << 10;
const HERE = new Set(['0.0.0.0', '[::]', '[::1]', 'localhost']);

const Place = z.object({ port: z.int().min(1).max(65535), key: z.string().regex(/^[\w-]{16,128}$/) });
const Refusal = z.object({
  fault: z.object({ code: z.string(), params: z.record(z.string().max(64), z.union([z.string().max(2000), z.number()])) }),
});

/** Whether an edge that says this of its HTTP runs on this machine, as far as the address tells. */
export function isNear(http: string): boolean {
  if (!URL.canParse(http)) return false;
  const { hostname } = new URL(http);
  return HERE.has(hostname) || isLoopback(hostname);
}

/** @returns rejects with what the edge says, or CV_LIVE_ELSEWHERE when it is not this edge that answers there */
export async function askEdge(
  http: string,
  device: string,
  edge: string,
  { signal, key = null }: { signal?: AbortSignal | undefined; key?: string | null } = {},
): Promise<LivePlace> {
  const elsewhere = () => new FaultError('CV_LIVE_ELSEWHERE', { device, edge });
  if (!isNear(http)) throw elsewhere();
  let said: unknown;
  try {
    const response = await fetch(`${http}/live/${encodeURIComponent(device)}`, {
      method: 'POST',
      headers: bearer(key),
      redirect: 'error',
      signal: AbortSignal.any([AbortSignal.timeout(TIMEOUT_MS), ...(signal ? [signal] : [])]),
    });
    const text = await readBounded(response, MAX_BYTES);
    if (text === null) throw elsewhere();
    said = parseJson(text);
  } catch (error) {
    // Nobody there, something else than an edge, or one that is not ours: for whoever asks it is all the same.
    throw error instanceof FaultError ? error : elsewhere();
  }
  const place = Place.safeParse(said);
  if (place.success) return place.data;
  const refusal = Refusal.safeParse(said);
  const { code, params } = refusal.data?.fault ?? { code: '', params: {} };
  if (code === 'CV_LIVE_DEVICE' || !Object.hasOwn(FAULTS, code)) throw elsewhere();
  throw new FaultError(code as FaultCode, params);
}
