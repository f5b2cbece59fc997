/** Fetches the newest picture of a camera from its edge's own HTTP. The address comes from the edge: what it answers is checked. */
import { PictureView } from '../../api/pictures.ts';
import { parseJson } from '../../core/wire/json.ts';
import { bearer } from './edge-http.ts';

const TIMEOUT_MS = 2000;
const MAX_BYTES = 4 << 20;

/** @returns null when the edge does not answer in time, has no picture, or answers with something else */
export async function fetchPicture(url: string, key: string | null = null): Promise<PictureView | null> {
  try {
    const response = await fetch(url, { headers: bearer(key), signal: AbortSignal.timeout(TIMEOUT_MS), redirect: 'error' });
    if (!response.ok || !response.body) return null;
    const pieces: Uint8Array[] = [];
    let bytes = 0;
    for await (const piece of response.body) {
      bytes += piece.length;
      if (bytes > MAX_BYTES) return null;
      pieces.push(piece);
    }
    const parsed = PictureView.safeParse(parseJson(Buffer.concat(pieces).toString('utf8')));
    return parsed.success ? parsed.data : null;
  } catch {
    // Not reachable, too slow, no JSON: for whoever asked there is no picture; the device's own state says why.
    return null;
  }
}
