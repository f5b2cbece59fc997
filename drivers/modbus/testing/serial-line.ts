/** A pseudo-terminal whose other end is a socket: what a test or a rig writes there comes out of a serial port. By socat. */
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface SerialLine {
  /** Path of the terminal. */
  path: string;
  /** Pulls the adapter out. */
  close(): Promise<void>;
}

/** Whether socat is here; without it these tests are left out with this word. */
export const NO_SOCAT = spawnSync('socat', ['-V'], { stdio: 'ignore' }).status === 0 ? false : 'socat is not installed';

const READY_MS = 5000;

/** @param port on loopback; the terminal is connected to it as soon as it is there */
export async function serialLine(port: number): Promise<SerialLine> {
  const folder = mkdtempSync(join(tmpdir(), 'cityvitals-tty-'));
  const path = join(folder, 'tty');
  const child = spawn('socat', ['-d0', `pty,raw,echo=0,link=${path}`, `tcp:127.0.0.1:${port},nodelay`], { stdio: 'ignore' });
  const ended = new Promise<void>((resolve) => { child.once('close', () => resolve()); });
  for (let waitedMs = 0; !existsSync(path); waitedMs += 10) {
    if (waitedMs > READY_MS || child.exitCode !== null) throw new Error('socat made no terminal');
    await new Promise((resolve) => { setTimeout(resolve, 10); });
  }
  return {
    path,
    async close() {
      child.kill('SIGTERM');
      await ended;
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
