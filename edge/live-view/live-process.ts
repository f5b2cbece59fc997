/** The life of one live view's process: started, and ended. It never starts another; `live-streams.ts` does. */
import { fork } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { killOnExit } from '../../core/child-processes.ts';
import type { LiveSource } from '../../core/driver.ts';
import type { Tell } from '../../core/telemetry.ts';
import type { Clock } from '../../core/world.ts';
import type { LiveWorkerMessage, LiveEnd, ViewerMessage, LiveStart } from './worker-messages.ts';

export interface LiveEndpoint {
  port: number;
  /** The path that its socket wants. */
  key: string;
}

export interface LiveProcess {
  readonly pid: number | undefined;
  /** When its first pictures are out; null: it ended before. */
  ready: Promise<LiveEndpoint | null>;
  ended: Promise<LiveEnd>;
  /** Says it to whoever watches. */
  sendToViewers(text: string): void;
  /** Resolves when the process and both its ffmpegs are gone. */
  close(): Promise<void>;
}

export interface LiveProcessOptions {
  clock: Clock;
  /** Nobody has watched for so long: it ends. */
  lingerMs: number;
  /** No picture for so long, from its start on: it hangs, or what it reads from does, and is killed. */
  silenceMs: number;
  tell: Tell;
}

const WORKER = new URL(import.meta.url.endsWith('.ts') ? './worker.ts' : './worker.js', import.meta.url);
const CLOSE_DEADLINE_MS = 2000;

export function startLiveProcess(
  { input, filters, stdin, mask }: LiveSource,
  scene: string,
  { clock, tell, lingerMs, silenceMs }: LiveProcessOptions,
): LiveProcess {
  const key = randomBytes(24).toString('base64url');
  // A group of its own: Ctrl-C in a terminal reaches us alone, and its ffmpegs can be ended with it.
  const child = fork(WORKER, { execArgv: [], detached: true, stdio: ['ignore', 'ignore', 'ignore', 'ipc'] });
  killOnExit(child, () => killGroup(child.pid));
  const start: LiveStart = { kind: 'start', input: [...input], filters: [...filters], stdin, mask, scene, key, lingerMs };
  let last: LiveEnd | null = null;
  let silentMs: number | undefined;
  const ended = new Promise<LiveEnd>((resolve) => {
    const gone = (code: number | null, signal: NodeJS.Signals | null, startError?: string) =>
      resolve(
        last ?? {
          kind: 'end',
          isIdle: false,
          code,
          signal,
          said: '',
          ...(startError !== undefined && { startError }),
          ...(silentMs !== undefined && { silentMs }),
        },
      );
    child.once('error', ({ code, message }: NodeJS.ErrnoException) => gone(null, null, code ?? message));
    child.once('exit', (code, signal) => {
      killGroup(child.pid);
      gone(code, signal);
    });
  });
  const ready = new Promise<LiveEndpoint | null>((resolve) => {
    const watch = () => clock.after(silenceMs, () => {
      silentMs = silenceMs;
      killGroup(child.pid);
    });
    let deadline = watch();
    child.on('message', (message: LiveWorkerMessage) => {
      if (message.kind === 'end') last = message;
      else if (message.kind === 'dropped') tell({ kind: 'live_dropped', count: 1 });
      else {
        deadline.cancel();
        deadline = watch();
        if (message.kind === 'ready') resolve({ port: message.port, key });
      }
    });
    void ended.then(() => {
      deadline.cancel();
      resolve(null);
    });
  });
  child.send(start, () => {}); // that it is gone already is said by its end
  return {
    pid: child.pid, ready, ended,
    sendToViewers(text) {
      const message: ViewerMessage = { kind: 'note', text };
      if (child.connected) child.send(message, () => {});
    },
    async close() {
      if (child.connected) child.disconnect();
      const deadline = clock.after(CLOSE_DEADLINE_MS, () => killGroup(child.pid));
      await ended;
      deadline.cancel();
    },
  };
}

function killGroup(pid: number | undefined): void {
  try {
    if (pid !== undefined) process.kill(-pid, 'SIGKILL');
  } catch (error) {
    // Nobody of it is left.
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}
