/** A child process of a rig: started, ready when it says so, killed or stopped by its pid, its last words kept. */
import { fork, type ChildProcess } from 'node:child_process';
import { createWriteStream, mkdirSync, writeSync, type WriteStream } from 'node:fs';
import { dirname } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';

export interface ChildOptions {
  name: string;
  module: string;
  args?: string[];
  env?: Record<string, string>;
  /** stdout and stderr go here, appended. */
  logFile: string;
  /** Ms until a child that says nothing counts as failed. */
  readyMs?: number;
  /** Ends the child, and the waiting for it, while it is not ready yet. */
  signal?: AbortSignal;
  /** Gives each line that the child writes to its descriptor 4 (see `writeLine`). */
  onLine?(line: string): void;
}

/** A message of a child over its channel: a kind and what belongs to it. */
export type ChildMessage = { kind: string } & Record<string, unknown>;

export interface ChildProcessHandle {
  readonly name: string;
  readonly pid: number;
  readonly running: boolean;
  /** What the child sent with its `ready`. */
  readonly ready: ChildMessage;
  send(message: ChildMessage): void;
  onMessage(listener: (message: ChildMessage) => void): void;
  /** Resolves with code or signal when the process is gone and its channel is read to the end. */
  readonly exited: Promise<{ code: number | null; signal: string | null }>;
  /** SIGKILL: no goodbye. */
  kill(): Promise<void>;
  /** SIGTERM, and SIGKILL when it does not end within the grace. */
  stop(graceMs?: number): Promise<void>;
}

/** Starts a module of ours; resolves when it has sent `{ kind: 'ready' }`. */
export async function startChild(options: ChildOptions): Promise<ChildProcessHandle> {
  mkdirSync(dirname(options.logFile), { recursive: true });
  const log = createWriteStream(options.logFile, { flags: 'a' });
  const child = fork(options.module, options.args ?? [], {
    stdio: ['ignore', 'pipe', 'pipe', 'ipc', ...(options.onLine ? ['pipe' as const] : [])],
    env: { ...process.env, ...options.env },
  });
  const tail = keepTail(child, log);
  if (options.onLine) createInterface({ input: child.stdio[4] as Readable }).on('line', options.onLine);
  const listeners: ((message: ChildMessage) => void)[] = [];
  let running = true;
  const exited = new Promise<{ code: number | null; signal: string | null }>((resolve) => {
    // `close` comes after the channel and the pipes are read to the end, so no word of a killed child is missed.
    child.once('close', (code, signal) => {
      running = false;
      log.end();
      resolve({ code, signal });
    });
  });
  const ready = await new Promise<ChildMessage>((resolve, reject) => {
    const timer = setTimeout(() => fail(`was not ready within ${options.readyMs ?? 30_000} ms`), options.readyMs ?? 30_000);
    const fail = (what: string) => {
      clearTimeout(timer);
      child.kill('SIGKILL');
      reject(new Error(`${options.name} ${what}\n${tail()}\n(whole log: ${options.logFile})`));
    };
    const stop = () => fail('was stopped before it was ready');
    if (options.signal?.aborted) return stop();
    options.signal?.addEventListener('abort', stop, { once: true });
    child.once('exit', (code, signal) => fail(`ended with ${code ?? signal} before it was ready`));
    child.on('message', (message: ChildMessage) => {
      if (message.kind === 'ready') {
        clearTimeout(timer);
        child.removeAllListeners('exit');
        options.signal?.removeEventListener('abort', stop);
        resolve(message);
      }
      for (const listener of listeners) listener(message);
    });
  });
  return {
    name: options.name,
    pid: child.pid as number,
    get running() { return running; },
    ready,
    send: (message) => { if (child.connected) child.send(message); },
    onMessage: (listener) => { listeners.push(listener); },
    exited,
    async kill() {
      child.kill('SIGKILL');
      await exited;
    },
    async stop(graceMs = 4000) {
      if (!running) return;
      child.kill('SIGTERM');
      const timer = setTimeout(() => child.kill('SIGKILL'), graceMs);
      await exited;
      clearTimeout(timer);
    },
  };
}

/** The last lines a child wrote, for the error that says why it did not start. */
function keepTail(child: ChildProcess, log: WriteStream): () => string {
  const lines: string[] = [];
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding('utf8').on('data', (text: string) => {
      log.write(text);
      lines.push(...text.split('\n').filter(Boolean));
      lines.splice(0, Math.max(0, lines.length - 20));
    });
  }
  return () => lines.join('\n');
}

/** In a child: ends well on SIGTERM, and when the parent is gone, so that nothing is left behind. */
export function endWithParent(close: () => Promise<void>): void {
  let ending = false;
  const end = async () => {
    if (ending) return;
    ending = true;
    await close();
    process.exit(0);
  };
  process.once('SIGTERM', () => { void end(); });
  process.once('disconnect', () => { void end(); });
  // It may have gone while we started.
  if (process.channel === undefined || !process.connected) void end();
  // Ctrl-C reaches the whole group; the parent listens to it for all.
  process.on('SIGINT', () => {});
}

/** In a child: tells the parent. */
export function tellParent(message: ChildMessage): void {
  process.send?.(message);
}

/** In a child: a line to the parent on descriptor 4 that is in the pipe when this returns, so that a kill cannot lose it. */
export function writeLine(line: string): void {
  const bytes = Buffer.from(`${line}\n`);
  for (let offset = 0; offset < bytes.length;) {
    try {
      offset += writeSync(4, bytes, offset);
    } catch (error) {
      // The pipe is full for a moment: the parent reads it.
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error;
    }
  }
}
