/** A command of the CLI that runs until it is told to stop, with what it printed. */
import { spawn } from 'node:child_process';
import { createWriteStream } from 'node:fs';
import { extname, join } from 'node:path';
import { createInterface } from 'node:readline';

export interface RunningCommand {
  readonly pid: number;
  /** Lines of its standard output so far. */
  readonly lines: readonly string[];
  /** SIGTERM. @returns its exit code */
  stop(): Promise<number | null>;
}

const MAIN = join(import.meta.dirname, '..', '..', 'cli', `main${extname(import.meta.url)}`);

/** @param logFile takes its standard error @returns rejects when it ends before its first line */
export async function startCommand(args: readonly string[], logFile: string): Promise<RunningCommand> {
  const child = spawn(process.execPath, [MAIN, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  child.stderr.pipe(createWriteStream(logFile, { flags: 'a' }));
  const lines: string[] = [];
  const exited = new Promise<number | null>((resolve) => { child.once('close', resolve); });
  const output = createInterface({ input: child.stdout });
  output.on('line', (line) => { lines.push(line); });
  await new Promise<void>((resolve, reject) => {
    output.once('line', () => resolve());
    child.once('error', reject);
    child.once('exit', (code) => reject(new Error(`cityvitals ${args[0]} ended with ${code} (log: ${logFile})`)));
  });
  return {
    pid: child.pid as number,
    lines,
    stop() {
      child.kill('SIGTERM');
      return exited;
    },
  };
}
