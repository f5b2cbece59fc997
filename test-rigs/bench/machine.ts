/** The machine that figures come from, and how much of it others had. */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { cpus, release, totalmem } from 'node:os';
import { benchPauseMs } from './rig.ts';
import { peerVersion } from './peers/packages.ts';
import { machineBusy } from './usage.ts';

const LOOK_MS = 1500;

export function machine(): string {
  const [{ model = 'unknown' } = {}] = cpus();
  const system = /^PRETTY_NAME="?([^"\n]+)/m.exec(read('/etc/os-release'))?.[1] ?? 'Linux';
  return `${cpus().length} × ${model.trim()}, ${Math.round(totalmem() / 2 ** 30)} GB, ${system}, kernel ${release().split('-')[0]}, Node ${process.versions.node}`;
}

/** Percent of the processors that are busy while we do nothing. */
export async function othersBusyPercent(): Promise<number> {
  const before = machineBusy();
  await benchPauseMs(LOOK_MS);
  const after = machineBusy();
  return Math.round(100 * (1 - (after.idle - before.idle) / (after.total - before.total)));
}

/** Name → version of what took part; what is not there is left out. */
export function versions(debian: readonly string[] = [], npm: readonly string[] = []): Record<string, string> {
  const found: Record<string, string> = {};
  for (const name of debian) {
    const { status, stdout } = spawnSync('dpkg-query', ['-W', '-f=${Version}', name], { encoding: 'utf8' });
    if (status === 0 && stdout) found[name] = stdout;
  }
  for (const name of npm) {
    const version = peerVersion(name);
    if (version) found[name] = version;
  }
  return found;
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return '';
    throw error;
  }
}
