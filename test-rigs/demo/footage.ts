/** The demo's clip: where it is, and fetching what the camera needs in the background. */
import { spawn } from 'node:child_process';
import { accessSync, constants, existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { faultOf, type Fault } from '../../core/faults.ts';
import { realWorld } from '../../core/world.ts';
import { driverById } from '../../drivers/index.ts';

const ROOT = join(import.meta.dirname, '..', '..');
const SETUP = join(ROOT, 'setup.mjs');
const CLIP_WITHIN_MS = 10_000;
const CLIP = join(ROOT, '.cache', 'footage', 'vtest.avi');

/** The clip that set-up fetched, if camera pictures can be had from it. */
export function presentClip(): string | null {
  return existsSync(CLIP) && hasFfmpeg() ? CLIP : null;
}

export function hasFfmpeg(): boolean {
  return (process.env.PATH ?? '').split(delimiter).some((folder) => {
    try {
      accessSync(join(folder, 'ffmpeg'), constants.X_OK);
      return true;
    } catch (error) {
      // Whatever the reason, this folder gives no ffmpeg that we may run.
      return error === undefined;
    }
  });
}

/** Why a clip of the user's own cannot be shown, known by reading a picture from it; null when it can. */
export async function clipFault(path: string): Promise<Fault | null> {
  const camera = await driverById('camera');
  const settings = camera?.settings.parse({ url: `file:${path}` });
  const world = realWorld(() => {});
  const [fault] = (await camera?.examine?.(settings, [], world)) ?? [];
  if (fault) return fault;
  try {
    const findings = await camera?.probe?.(settings, [], world, AbortSignal.timeout(CLIP_WITHIN_MS));
    return findings && findings.length > 0 ? null : { code: 'CV_VIDEO_UNREADABLE', params: { path, detail: 'no picture' } };
  } catch (error) {
    return faultOf(error, 'CV_VIDEO_UNREADABLE', { path });
  }
}

export interface Fetching {
  /** The clip, or null when it could not be had. */
  done: Promise<string | null>;
  stop(): void;
}

/** Installs ffmpeg and fetches the clip beside the running demo; its lines go to `say`. */
export function fetchCamera(say: (line: string) => void): Fetching {
  if (!existsSync(SETUP)) return { done: Promise.resolve(null), stop: () => {} };
  const child = spawn(process.execPath, [SETUP, 'camera'], { stdio: ['ignore', 'pipe', 'pipe'], detached: true });
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      for (const line of text.split('\n')) if (line.startsWith('set-up:')) say(line);
    });
  }
  return {
    done: new Promise((resolve) => { child.once('close', () => resolve(presentClip())); }),
    // Its own group, so that apt goes with it.
    stop: () => { if (child.exitCode === null && child.pid) process.kill(-child.pid, 'SIGTERM'); },
  };
}
