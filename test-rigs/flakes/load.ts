/** Processes that do nothing but keep a core busy. They end with this process, however it ends. */
import { spawn, type ChildProcess } from 'node:child_process';

/** One that has lost its parent without a word (kill −9) sees it by itself. */
const BUSY = 'const parent = Number(process.argv[1]); while (process.ppid === parent) for (let i = 0; i < 1e7; i += 1);';

export interface CpuLoad {
  pids: readonly number[];
  /** Resolves when they have ended. */
  stop(): Promise<void>;
}

export function startCpuLoad(count: number): CpuLoad {
  const children = Array.from({ length: count }, () => spawn(process.execPath, ['-e', BUSY, String(process.pid)], { stdio: 'ignore' }));
  const ended = Promise.all(children.map(untilEnded));
  const kill = () => { for (const child of children) child.kill('SIGKILL'); };
  process.once('exit', kill);
  return {
    pids: children.flatMap(({ pid }) => pid ?? []),
    async stop() {
      kill();
      await ended;
      process.off('exit', kill);
    },
  };
}

const untilEnded = (child: ChildProcess) => new Promise<void>((resolve) => {
  child.once('exit', () => resolve());
  // It was never started.
  child.once('error', () => resolve());
});
