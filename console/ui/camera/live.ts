/** Watching a camera: asks for a ticket, opens its stream in JSMpeg, and tries again while somebody wants to see it. */
import { useEffect, useRef, useState } from 'preact/hooks';
import type { LiveNote, LiveTicketView } from '../../../api/live-view.ts';
import type { Problem } from '../../../api/problem.ts';
import { requestApi, RefusedError } from '../../shell/gateway-link.ts';
import { addNote, EMPTY_LIVE_NOTES, type LiveNotes } from './live-notes.ts';
import { asOperator, signInOperator, signOutOperator } from '../../shell/operator.ts';

/** off; waiting for the first picture; showing; a token is needed; or why it cannot be seen (null: the gateway does not answer). */
type LiveState = { is: 'off' | 'waiting' | 'showing' | 'token' } | { is: 'failed'; problem: Problem | null; again: boolean };

const FIRST_RETRY_MS = 2000;
const LONGEST_RETRY_MS = 30_000;
/** Trying again would not help. */
const FINAL_STATUSES = new Set([403, 404, 409]);
/** A page that nobody looks at lets go of the stream. */
const HIDDEN_MS = 15_000;

export interface LiveView {
  state: LiveState;
  /** What is said beside its pictures. */
  notes: LiveNotes;
  /** The place for its picture. */
  place: { current: HTMLDivElement | null };
  /** Tries with another token. */
  give(token: string): void;
}

export function useLive(device: string, isWanted: boolean): LiveView {
  const place = useRef<HTMLDivElement | null>(null);
  const [state, setState] = useState<LiveState>({ is: 'off' });
  const [notes, setNotes] = useState(EMPTY_LIVE_NOTES);
  const [turn, setTurn] = useState(0);
  const isSeen = useSeen();
  const wanted = isWanted && isSeen;
  useEffect(() => {
    if (!wanted || !place.current) return setState({ is: 'off' });
    setState({ is: 'waiting' });
    setNotes(EMPTY_LIVE_NOTES);
    return watch(device, place.current, setState, (note) => setNotes((before) => addNote(before, note)));
  }, [device, wanted, turn]);
  return {
    state, notes, place,
    give(given) {
      signInOperator(given);
      setTurn((now) => now + 1);
    },
  };
}

/** @returns ends it */
function watch(device: string, place: HTMLElement, tell: (state: LiveState) => void, receive: (note: LiveNote) => void): () => void {
  const stop = new AbortController();
  let retry: ReturnType<typeof setTimeout>;
  let waitMs = FIRST_RETRY_MS;
  let player: { destroy(): void } | null = null;

  async function begin(): Promise<void> {
    try {
      const { path } = await requestApi<LiveTicketView>(`devices/${encodeURIComponent(device)}/live-view`, {
        method: 'POST',
        headers: asOperator(),
        signal: stop.signal,
      });
      // Only who watches loads the decoder.
      const { default: JSMpeg } = await import('@cycjimmy/jsmpeg-player');
      if (!stop.signal.aborted) play(JSMpeg, path);
    } catch (error) {
      if (!stop.signal.aborted) fail(error);
    }
  }

  function play({ Player }: typeof import('@cycjimmy/jsmpeg-player').default, path: string): void {
    // A new one each time: what drew on the last has taken its context with it.
    const canvas = document.createElement('canvas');
    place.replaceChildren(canvas);
    const own = new Player(new URL(`${path}&notes`, location.href).href.replace(/^http/, 'ws'), {
      canvas, audio: false, disableWebAssembly: true, pauseWhenHidden: false, reconnectInterval: 0,
      onSourceEstablished() {
        waitMs = FIRST_RETRY_MS;
        tell({ is: 'showing' });
      },
    });
    player = own;
    const { socket } = own.source;
    // Before JSMpeg, which would take text for pictures.
    socket.addEventListener('message', (event: MessageEvent<unknown>) => {
      if (typeof event.data !== 'string') return;
      event.stopImmediatePropagation();
      receive(JSON.parse(event.data) as LiveNote);
    }, { capture: true });
    socket.addEventListener('close', () => {
      if (player === own) again(null);
    });
  }

  function fail(error: unknown): void {
    const problem = error instanceof RefusedError ? error.problem : null;
    if (problem?.status === 401) {
      signOutOperator();
      return tell({ is: 'token' });
    }
    if (problem && FINAL_STATUSES.has(problem.status)) return tell({ is: 'failed', problem, again: false });
    again(problem);
  }

  function again(problem: Problem | null): void {
    end();
    tell({ is: 'failed', problem, again: true });
    retry = setTimeout(() => void begin(), waitMs);
    waitMs = Math.min(LONGEST_RETRY_MS, waitMs * 2);
  }

  function end(): void {
    const own = player;
    player = null;
    own?.destroy();
  }

  void begin();
  return () => {
    stop.abort();
    clearTimeout(retry);
    end();
  };
}

/** False when the page has been hidden for a while. */
function useSeen(): boolean {
  const [isSeen, setSeen] = useState(!document.hidden);
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout>;
    const look = (): void => {
      clearTimeout(timer);
      if (document.hidden) timer = setTimeout(() => setSeen(false), HIDDEN_MS);
      else setSeen(true);
    };
    document.addEventListener('visibilitychange', look);
    return () => {
      clearTimeout(timer);
      document.removeEventListener('visibilitychange', look);
    };
  }, []);
  return isSeen;
}
