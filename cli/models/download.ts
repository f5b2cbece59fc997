/** Downloads a file: resumes an earlier attempt, and renames it only when complete and verified. */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, open, rename, rm, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { FaultError } from '../../core/faults.ts';
import '../../models/faults.ts';

export interface DownloadRequest {
  model: string;
  url: string;
  /** Target; a partial download is beside it, as `.part`. */
  path: string;
  sha256: string;
  /** Total, if known. */
  bytes?: number | undefined;
}

/** Consecutive attempts without any data. */
const MAX_EMPTY_TRIES = 3;
/** The limit of ONNX files; a known length takes precedence. */
const MAX_BYTES = 2 ** 31;

const MAX_REDIRECTS = 5;
const REDIRECTS = new Set([301, 302, 303, 307, 308]);

/** Inside only: it cannot be the graph. */
class TooLongError extends Error {}

/** @throws FaultError CV_PULL_REFUSED, CV_PULL_BROKEN, CV_PULL_OTHER, CV_PULL_NOT_WRITTEN */
export async function downloadFile(wanted: DownloadRequest, tell: (bytes: number, of: number | null) => void): Promise<void> {
  const part = `${wanted.path}.part`;
  await reportWriteError(wanted.path, () => mkdir(dirname(wanted.path), { recursive: true }));
  for (let emptyTries = 0; ;) {
    const most = wanted.bytes ?? MAX_BYTES;
    if (await lengthOf(part) > most) await rm(part);
    const before = await lengthOf(part);
    try {
      await fetchRest(wanted.url, part, { from: before, most }, tell);
      break;
    } catch (error) {
      if (error instanceof FaultError) throw error;
      if (error instanceof TooLongError) {
        await rm(part, { force: true });
        throw new FaultError('CV_PULL_REFUSED', { url: wanted.url, detail: `response exceeds ${most} bytes`, detailZh: `发送超过 ${most} 字节` });
      }
      const bytes = await lengthOf(part);
      emptyTries = bytes > before ? 0 : emptyTries + 1;
      if (emptyTries === MAX_EMPTY_TRIES) throw new FaultError('CV_PULL_BROKEN', { url: wanted.url, bytes, detail: reasonOf(error) });
    }
  }
  const got = await sha256OfFile(part);
  if (got !== wanted.sha256) {
    await rm(part, { force: true });
    throw new FaultError('CV_PULL_OTHER', { model: wanted.model, url: wanted.url, got, want: wanted.sha256 });
  }
  await reportWriteError(wanted.path, () => rename(part, wanted.path));
}

/** Resumes at byte `from` if the server supports it. @param range.most limit of the total */
async function fetchRest(
  url: string,
  part: string,
  { from, most }: { from: number; most: number },
  tell: (bytes: number, of: number | null) => void,
): Promise<void> {
  const response = await follow(url, { 'accept-encoding': 'identity', ...(from > 0 && { range: `bytes=${from}-` }) });
  // Nothing left to send: the hash decides whether the part is complete.
  if (response.status === 416) return void (await response.body?.cancel());
  if (!response.ok || !response.body)
    throw new FaultError('CV_PULL_REFUSED', { url, detail: `HTTP ${response.status} ${response.statusText}`.trim() });
  const isResumed = response.status === 206 && response.headers.get('content-range')?.startsWith(`bytes ${from}-`) === true;
  let bytes = isResumed ? from : 0;
  const rest = Number(response.headers.get('content-length'));
  const all = rest > 0 ? bytes + rest : null;
  const file = await reportWriteError(part, () => open(part, isResumed ? 'a' : 'w'));
  try {
    for await (const piece of response.body) {
      bytes += piece.length;
      if (bytes > most) throw new TooLongError();
      await reportWriteError(part, () => file.writeFile(piece));
      tell(bytes, all);
    }
    if (all !== null && bytes < all) throw new Error(`${bytes} of ${all} bytes`);
  } finally {
    await file.close();
  }
}

/** Follows redirects on the same host that stay encrypted. */
async function follow(start: string, headers: Record<string, string>): Promise<Response> {
  let address = new URL(start);
  for (let turns = 0; turns <= MAX_REDIRECTS; turns += 1) {
    const response = await fetch(address, { headers, redirect: 'manual' }).catch((error: unknown) => {
      throw new FaultError('CV_PULL_REFUSED', { url: start, detail: reasonOf(error) });
    });
    const location = response.headers.get('location');
    if (!REDIRECTS.has(response.status) || location === null) return response;
    await response.body?.cancel();
    const next = URL.canParse(location, address.href) ? new URL(location, address) : null;
    const isSame =
      next !== null &&
      next.hostname === address.hostname &&
      (next.protocol === 'https:' || (next.origin === address.origin && next.protocol === 'http:'));
    if (!isSame) {
      const shown = (next?.origin ?? location).slice(0, 200);
      throw new FaultError('CV_PULL_REFUSED', {
        url: start,
        detail: `redirect to ${shown} not followed; use --from if you trust that address`,
        detailZh: `被转向 ${shown}，未跟随；如信任该地址，请用 --from 指定`,
      });
    }
    address = next;
  }
  throw new FaultError('CV_PULL_REFUSED', {
    url: start,
    detail: `more than ${MAX_REDIRECTS} redirects`,
    detailZh: `重定向超过 ${MAX_REDIRECTS} 次`,
  });
}

/** Maps write errors to CV_PULL_NOT_WRITTEN. */
export async function reportWriteError<T>(path: string, action: () => Promise<T>): Promise<T> {
  return action().catch((error: unknown) => { throw new FaultError('CV_PULL_NOT_WRITTEN', { path, detail: reasonOf(error) }); });
}

function reasonOf(error: unknown): string {
  const { cause, message } = error as { cause?: NodeJS.ErrnoException } & NodeJS.ErrnoException;
  return (error as NodeJS.ErrnoException).code ?? cause?.code ?? cause?.message ?? message;
}

async function lengthOf(path: string): Promise<number> {
  return stat(path).then(({ size }) => size, () => 0);
}

export async function sha256OfFile(path: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const piece of createReadStream(path)) hash.update(piece as Buffer);
  return hash.digest('hex');
}
