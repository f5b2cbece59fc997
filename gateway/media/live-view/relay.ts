/**
 * Pictures of one live view to one viewer: from the edge's socket on this machine to the viewer's. A viewer that does not
 * keep up loses pieces, which are whole packets; it never holds up anybody. A view that breaks off is sought again.
 */
import { WebSocket, type RawData } from 'ws';
import { FaultError, type FaultCode } from '../../../core/faults.ts';
import { everyMs, pause, type World } from '../../../core/world.ts';
import type { LivePlace } from './near.ts';

export interface Relayed {
  bytes: number;
  /** Pieces that the viewer was too slow for. */
  dropped: number;
  /** `left`, or the code of what ended it. */
  reason: string;
}

const MAX_WAITING_BYTES = 512 << 10;
const PING_MS = 15_000;
/** Pings without an answer: whoever has gone without a word. */
const MAX_SILENT_PINGS = 2;
const FIRST_RETRY_MS = 250;
const LONGEST_RETRY_MS = 4000;
/** A camera that cannot be had for so long is given up; the page shows single pictures then. */
const GIVE_UP_MS = 30_000;
/** A viewer whose right to watch has ended sees pictures no longer than this. */
const RIGHT_CHECK_MS = 10_000;
/** Of the range that is free for applications (RFC 6455, 7.4.2); the reason is the fault's code. */
export const CLOSED_BY_FAULT = 4000;

/** What an edge says beside its pictures is left out for a viewer this far behind, and where it is larger than anything it has to say. */
const MAX_WAITING_NOTES = 128 << 10;
const MAX_NOTE_BYTES = 64 << 10;

/** @param place the one the viewer was let in for. @param find it again, when it broke off. @param hasNotes whether the viewer asked for what is said beside the pictures. @param refusal why the viewer may watch no more; null while it may. Resolves when the viewer is gone */
export async function relay(
  viewer: WebSocket,
  place: LivePlace,
  find: (signal: AbortSignal) => Promise<LivePlace>,
  hasNotes: boolean,
  { clock, tell }: Pick<World, 'clock' | 'tell'>,
  refusal: () => FaultCode | null = () => null,
): Promise<Relayed> {
  const relayed: Relayed = { bytes: 0, dropped: 0, reason: 'left' };
  const gone = new AbortController();
  viewer.once('close', () => gone.abort());
  // It went while the viewing was being recorded.
  if (viewer.readyState !== WebSocket.OPEN) gone.abort();
  viewer.on('error', () => viewer.terminate());
  const pinging = keepAsking(viewer, clock);
  const checking = everyMs(clock, RIGHT_CHECK_MS, () => {
    const code = refusal();
    if (code === null || gone.signal.aborted) return;
    relayed.reason = code;
    viewer.close(CLOSED_BY_FAULT, code);
    gone.abort();
  });

  function pass(data: RawData, isPicture: boolean): void {
    if (viewer.readyState !== WebSocket.OPEN) return;
    const piece = data as Buffer;
    if (!isPicture) {
      if (!hasNotes || piece.length > MAX_NOTE_BYTES || viewer.bufferedAmount > MAX_WAITING_NOTES) return;
      relayed.bytes += piece.length;
      return viewer.send(piece, { binary: false });
    }
    if (viewer.bufferedAmount > MAX_WAITING_BYTES) {
      relayed.dropped += 1;
      return tell({ kind: 'live_dropped', count: 1 });
    }
    relayed.bytes += piece.length;
    viewer.send(piece, { binary: true });
  }

  let next: LivePlace | null = place;
  let lastAtMs = clock.monotonicMs();
  for (let waitMs = FIRST_RETRY_MS; !gone.signal.aborted; waitMs = Math.min(LONGEST_RETRY_MS, waitMs * 2)) {
    const before = relayed.bytes + relayed.dropped;
    if (next) await follow(next, pass, gone.signal);
    if (relayed.bytes + relayed.dropped > before) {
      lastAtMs = clock.monotonicMs();
      waitMs = FIRST_RETRY_MS;
    }
    if (!(await pause(clock, waitMs, gone.signal))) break;
    try {
      next = await find(gone.signal);
    } catch (error) {
      next = null;
      if (!(error instanceof FaultError)) throw error;
      if (clock.monotonicMs() - lastAtMs < GIVE_UP_MS) continue;
      relayed.reason = error.fault.code;
      viewer.close(CLOSED_BY_FAULT, error.fault.code);
      break;
    }
  }
  pinging.cancel();
  checking.cancel();
  return relayed;
}

/** Resolves when the edge's socket is closed, by it or because the viewer has gone. */
function follow({ port, key }: LivePlace, take: (data: RawData, isBinary: boolean) => void, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const source = new WebSocket(`ws://127.0.0.1:${port}/${key}`, {
      perMessageDeflate: false,
      maxPayload: 4 << 20,
      handshakeTimeout: 5000,
    });
    const stop = () => source.terminate();
    signal.addEventListener('abort', stop, { once: true });
    source.on('message', take);
    source.on('error', () => {}); // `close` follows
    source.once('close', () => {
      signal.removeEventListener('abort', stop);
      resolve();
    });
  });
}

function keepAsking(viewer: WebSocket, clock: World['clock']): { cancel(): void } {
  let silent = 0;
  viewer.on('pong', () => { silent = 0; });
  return everyMs(clock, PING_MS, () => {
    if (silent >= MAX_SILENT_PINGS) return viewer.terminate();
    silent += 1;
    if (viewer.readyState === WebSocket.OPEN) viewer.ping();
  });
}
