/** A small disk that nobody else sees: a process in mounts of its own, with a tmpfs that goes with it. */
import { execFile, spawn } from 'node:child_process';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { PartResult } from './result.ts';

export const DISK_BYTES = 20 << 20;

/** Runs `inside.ts` with a disk of 20 MB; where this user may not mount, the result says that nothing was tried. */
export async function runOnSmallDisk(say: (line: string) => void): Promise<PartResult[]> {
  const dir = await mkdtemp(join(tmpdir(), 'cityvitals-small-disk-'));
  try {
    if (!(await mayMount())) {
      say('full disk: NOT TRIED, it needs mounts of its own (run as root, with unshare of util-linux)');
      return [{ name: 'full disk', figures: { tried: 'no, this user may not mount' }, failures: [] }];
    }
    return await inOwnMounts(dir, say);
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}

const mayMount = () =>
  promisify(execFile)('unshare', ['-m', 'sh', '-c', 'mount -t tmpfs -o size=64k none /mnt']).then(
    () => true,
    () => false,
  );

function inOwnMounts(dir: string, say: (line: string) => void): Promise<PartResult[]> {
  return new Promise((resolve, reject) => {
    const child = spawn('unshare', ['-m', process.execPath, join(import.meta.dirname, 'inside.ts'), dir], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let answer = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => { answer += text; });
    child.stderr.setEncoding('utf8').on('data', (text: string) => say(text.trimEnd()));
    child.once('close', (code) => {
      if (code === 0) resolve(JSON.parse(answer) as PartResult[]);
      else reject(new Error(`the process on the small disk ended with ${code}`));
    });
  });
}

/** In such a process: a disk of its own. */
export async function mountDisk(at: string, bytes: number): Promise<void> {
  await mkdir(at, { recursive: true });
  await promisify(execFile)('mount', ['-t', 'tmpfs', '-o', `size=${bytes}`, 'none', at]);
}
