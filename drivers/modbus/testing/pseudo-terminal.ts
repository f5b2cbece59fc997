/** A pseudo-terminal connected to a socket by socat: bytes of the socket come out of a serial port. */
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface PseudoTerminal {
  /** Path of the terminal. */
  path: string;
  /** Removes the terminal, as when an adapter is unplugged. */
  close(): Promise<void>;
}

/** The reason to skip tests without socat; false when it is installed. */
export const NO_SOCAT = spawnSync('socat', ['-V'], { stdio: 'ignore' }).status === 0 ? false : 'socat is not installed';

const READY_MS = 5000;

/** @param port on loopback that the terminal is connected to */
export async function openPseudoTerminal(port: number): Promise<PseudoTerminal> {
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
