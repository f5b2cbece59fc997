/** ffmpeg for what nobody waits for: behind everything else on this machine, and ended when it takes too long. */
import { spawn, type ChildProcess } from 'node:child_process';
import { constants, setPriority } from 'node:os';
import type { Readable, Writable } from 'node:stream';
import { killOnExit } from '../../../../core/child-processes.ts';
import { FaultError } from '../../../../core/faults.ts';
import type { Clock } from '../../../../core/world.ts';

export interface FfmpegRun {
  stdin: Writable;
  stdout: Readable;
  /** Rejects with what it said last, or the signal's reason. */
  done: Promise<void>;
}

const MAX_SAID_CHARACTERS = 2000;
const COMMON = ['-hide_banner', '-nostats', '-loglevel', 'error', '-threads', '1'];

/** @param limitMs longest that it may take */
export function runFfmpeg(args: readonly string[], limitMs: number, clock: Clock, signal: AbortSignal): FfmpegRun {
  const child = spawn('ffmpeg', [...COMMON, ...args], { stdio: ['pipe', 'pipe', 'pipe'], shell: false, detached: true });
  let said = '';
  let isLate = false;
  behindAll(child);
  killOnExit(child);
  child.stderr
    .setEncoding('utf8')
    .on('data', (text: string) => {
      said = (said + text).slice(-MAX_SAID_CHARACTERS);
    })
    .on('error', () => {});
  child.stdin.on('error', () => {});
  child.stdout.on('error', () => {});
  const kill = (reason: Error) => {
    child.kill('SIGKILL');
    // What it still held back for a reader who has turned away would keep it from being over for good.
    child.stdout.destroy(reason);
  };
  const abort = () => kill(signal.reason as Error);
  signal.addEventListener('abort', abort, { once: true });
  if (signal.aborted) abort();
  const late = clock.after(limitMs, () => {
    isLate = true;
    kill(new Error(`not done within ${limitMs} ms`));
  });
  const done = new Promise<void>((resolve, reject) => {
    child.once('error', (error: NodeJS.ErrnoException) => reject(error.code === 'ENOENT' ? new FaultError('CV_FFMPEG_MISSING') : error));
    child.once('close', (code, by) => {
      if (code === 0) return resolve();
      reject(
        signal.aborted
          ? (signal.reason as Error)
          : new Error(isLate ? `not done within ${limitMs} ms` : said.trim().split('\n').at(-1) || `ffmpeg ended with ${by ?? code}`),
      );
    });
  }).finally(() => {
    late.cancel();
    signal.removeEventListener('abort', abort);
  });
  done.catch(() => {});
  return { stdin: child.stdin, stdout: child.stdout, done };
}

function behindAll({ pid }: ChildProcess): void {
  if (pid === undefined) return;
  try {
    setPriority(pid, constants.priority.PRIORITY_LOW);
  } catch {
    // It is gone already, or may not be set: then it is done sooner.
  }
}
