/** What a bench starts and leaves nothing of: programs in a folder of their own, ended by their pids, on Ctrl-C too. */
import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export const PEERS_FOLDER = join(import.meta.dirname, '..', '..', '.cache', 'peers');

export interface Program {
  readonly name: string;
  readonly pid: number;
  /** SIGTERM, and SIGKILL when it does not end within five seconds. */
  stop(): Promise<void>;
}

export interface Rig {
  /** A private folder, removed at the end. */
  readonly dir: string;
  /** Starts a program and waits until `ready` says so. @throws with the program's last words when it ends before */
  start(name: string, command: readonly string[], ready: () => Promise<boolean>, env?: Record<string, string>): Promise<Program>;
  /** To be done at the end, the last one first. */
  undo(step: () => Promise<unknown> | void): void;
  /** Does what is to be undone now. */
  clear(): Promise<void>;
}

const READY_MS = 30_000;
const STOP_MS = 5000;

/** Runs with a rig, and clears it whatever happens. */
export async function withRig<T>(run: (rig: Rig) => Promise<T>): Promise<T> {
  const dir = await mkdtemp(join(tmpdir(), 'cityvitals-bench-'));
  const steps: (() => Promise<unknown> | void)[] = [];
  const clear = async () => { for (let step = steps.pop(); step; step = steps.pop()) await step(); };
  let ending: Promise<void> | null = null;
  let isInterrupted = false;
  const end = () => (ending ??= (async () => {
    await clear();
    await rm(dir, { recursive: true, force: true, maxRetries: 5 });
  })());
  const interrupted = () => {
    isInterrupted = true;
    void end().finally(() => process.exit(130));
  };
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, interrupted);
  try {
    return await run({
      dir, clear,
      undo: (step) => { steps.push(step); },
      async start(name, command, ready, env = {}) {
        const program = launch(name, command, join(dir, `${name}.log`), env);
        steps.push(() => program.stop());
        await program.until(ready);
        return program;
      },
    });
  } finally {
    await end();
    // What breaks because its programs are being ended is no finding: the process is about to exit.
    if (isInterrupted) await new Promise<never>(() => {});
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.off(signal, interrupted);
  }
}

function launch(name: string, [file = '', ...args]: readonly string[], logFile: string, env: Record<string, string>) {
  const log = openSync(logFile, 'a');
  // A group of its own: Ctrl-C is for the bench, which then ends its programs in order.
  const child: ChildProcess = spawn(file, args, { stdio: ['ignore', log, log], env: { ...process.env, ...env }, detached: true });
  closeSync(log);
  let ended = false;
  const gone = new Promise<void>((resolve) => {
    const end = () => { ended = true; resolve(); };
    child.once('exit', end);
    child.once('error', end);
  });
  return {
    name, pid: child.pid ?? 0,
    async stop() {
      if (ended) return;
      child.kill('SIGTERM');
      const hard = setTimeout(() => child.kill('SIGKILL'), STOP_MS);
      await gone;
      clearTimeout(hard);
    },
    async until(ready: () => Promise<boolean>) {
      for (const untilMs = Date.now() + READY_MS; Date.now() < untilMs && !ended;) {
        if (await ready()) return;
        await benchPauseMs(20);
      }
      throw new Error(`${name} ${ended ? 'ended before it was' : 'did not become'} ready\n${readFileSync(logFile, 'utf8').slice(-2000)}`);
    },
  };
}

export async function portOpen(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => { socket.destroy(); resolve(true); });
    socket.once('error', () => resolve(false));
  });
}

/** Whether the URL answers with a 2xx. */
export async function isAnswering(url: string): Promise<boolean> {
  return fetch(url).then(async (answer) => { await answer.arrayBuffer(); return answer.ok; }, () => false);
}

export const benchPauseMs = (durationMs: number): Promise<void> => new Promise((resolve) => { setTimeout(resolve, durationMs); });

/** A word for whoever waits; stdout is for results. */
export function printBench(line: string): void {
  process.stderr.write(`${line}\n`);
}
