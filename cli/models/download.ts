/** Fetches a file: goes on where an earlier try stopped, and puts it in its place only when it is whole and right. */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, open, rename, rm, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { FaultError } from '../../core/faults.ts';
import '../../models/faults.ts';

export interface Wanted {
  model: string;
  url: string;
  /** Where it goes; what has come so far lies beside it, as `.part`. */
  path: string;
  sha256: string;
  /** Of the whole, where that is known. */
  bytes?: number | undefined;
}

/** Tries in a row in which not one byte came. */
const MAX_EMPTY_TRIES = 3;
/** No ONNX file can be larger; where its length is known, nothing beyond that is taken. */
const MAX_BYTES = 2 ** 31;

const MAX_REDIRECTS = 5;
const REDIRECTS = new Set([301, 302, 303, 307, 308]);

/** Inside only: it cannot be the graph. */
class TooLong extends Error {}

/** @throws FaultError CV_PULL_REFUSED, CV_PULL_BROKEN, CV_PULL_OTHER, CV_PULL_NOT_WRITTEN */
export async function download(wanted: Wanted, tell: (bytes: number, of: number | null) => void): Promise<void> {
  const part = `${wanted.path}.part`;
  await written(wanted.path, () => mkdir(dirname(wanted.path), { recursive: true }));
  for (let emptyTries = 0; ;) {
    const most = wanted.bytes ?? MAX_BYTES;
    if (await lengthOf(part) > most) await rm(part);
    const before = await lengthOf(part);
    try {
      await fetchRest(wanted.url, part, { from: before, most }, tell);
      break;
    } catch (error) {
      if (error instanceof FaultError) throw error;
      if (error instanceof TooLong) {
        await rm(part, { force: true });
        throw new FaultError('CV_PULL_REFUSED', { url: wanted.url, detail: `it sends more than ${most} bytes`, detailZh: `发送超过 ${most} 字节` });
      }
      const bytes = await lengthOf(part);
      emptyTries = bytes > before ? 0 : emptyTries + 1;
      if (emptyTries === MAX_EMPTY_TRIES) throw new FaultError('CV_PULL_BROKEN', { url: wanted.url, bytes, detail: reasonOf(error) });
    }
  }
  const got = await hashOf(part);
  if (got !== wanted.sha256) {
    await rm(part, { force: true });
    throw new FaultError('CV_PULL_OTHER', { model: wanted.model, url: wanted.url, got, want: wanted.sha256 });
  }
  await written(wanted.path, () => rename(part, wanted.path));
}

/** From byte `from` on, where the server can; else from the beginning. @param range.most bytes of the whole at most */
async function fetchRest(url: string, part: string, { from, most }: { from: number; most: number }, tell: (bytes: number, of: number | null) => void): Promise<void> {
  const response = await follow(url, { 'accept-encoding': 'identity', ...(from > 0 && { range: `bytes=${from}-` }) });
  // Nothing is left to send: the part is whole, or not ours; its hash tells.
  if (response.status === 416) return void await response.body?.cancel();
  if (!response.ok || !response.body) throw new FaultError('CV_PULL_REFUSED', { url, detail: `HTTP ${response.status} ${response.statusText}`.trim() });
  const goesOn = response.status === 206 && response.headers.get('content-range')?.startsWith(`bytes ${from}-`) === true;
  let bytes = goesOn ? from : 0;
  const rest = Number(response.headers.get('content-length'));
  const all = rest > 0 ? bytes + rest : null;
  const file = await written(part, () => open(part, goesOn ? 'a' : 'w'));
  try {
    for await (const piece of response.body) {
      bytes += piece.length;
      if (bytes > most) throw new TooLong();
      await written(part, () => file.writeFile(piece));
      tell(bytes, all);
    }
    if (all !== null && bytes < all) throw new Error(`${bytes} of ${all} bytes`);
  } finally {
    await file.close();
  }
}

/** On the same host a server may send us on, as far as it stays encrypted; whoever trusts another host names it. */
async function follow(start: string, headers: Record<string, string>): Promise<Response> {
  let at = new URL(start);
  for (let turns = 0; turns <= MAX_REDIRECTS; turns += 1) {
    const response = await fetch(at, { headers, redirect: 'manual' }).catch((error: unknown) => {
      throw new FaultError('CV_PULL_REFUSED', { url: start, detail: reasonOf(error) });
    });
    const location = response.headers.get('location');
    if (!REDIRECTS.has(response.status) || location === null) return response;
    await response.body?.cancel();
    const next = URL.canParse(location, at) ? new URL(location, at) : null;
    const isSame = next !== null && next.hostname === at.hostname && (next.protocol === 'https:' || (next.origin === at.origin && next.protocol === 'http:'));
    if (!isSame) {
      const shown = (next?.origin ?? location).slice(0, 200);
      throw new FaultError('CV_PULL_REFUSED', { url: start, detail: `it sends on to ${shown}, which is not followed; name that address with --from if you trust it`, detailZh: `被转向 ${shown}，未跟随；如信任该地址，请用 --from 指定` });
    }
    at = next;
  }
  throw new FaultError('CV_PULL_REFUSED', { url: start, detail: `more than ${MAX_REDIRECTS} redirects`, detailZh: `重定向超过 ${MAX_REDIRECTS} 次` });
}

/** What goes wrong with the disk is told as that. */
export async function written<T>(path: string, action: () => Promise<T>): Promise<T> {
  return action().catch((error: unknown) => { throw new FaultError('CV_PULL_NOT_WRITTEN', { path, detail: reasonOf(error) }); });
}

function reasonOf(error: unknown): string {
  const { cause, message } = error as { cause?: NodeJS.ErrnoException } & NodeJS.ErrnoException;
  return (error as NodeJS.ErrnoException).code ?? cause?.code ?? cause?.message ?? message;
}

async function lengthOf(path: string): Promise<number> {
  return stat(path).then(({ size }) => size, () => 0);
}

export async function hashOf(path: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const piece of createReadStream(path)) hash.update(piece as Buffer);
  return hash.digest('hex');
}
