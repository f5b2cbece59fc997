/** The demo's clip: where it is, and fetching what the camera needs in the background. */
import { spawn } from 'node:child_process';
import { accessSync, constants, existsSync } from 'node:fs';
import { basename, delimiter, join } from 'node:path';
import type { z } from 'zod';
import { faultOf, type Fault } from '../../core/faults.ts';
import type { SCENE_FIELDS } from '../../scene/settings.ts';
import { realWorld } from '../../core/world.ts';
import { driverById } from '../../drivers/index.ts';

const ROOT = join(import.meta.dirname, '..', '..');
const SETUP = join(ROOT, 'setup.mjs');
const CLIP_WITHIN_MS = 10_000;
const CLIP = join(ROOT, '.cache', 'footage', 'vtest.avi');

/** Zones and a line for that clip: the road, the van's bay, a lawn that nobody may step on, and where people come in. */
const SCENE: z.input<z.ZodObject<typeof SCENE_FIELDS>> = {
  zones: [
    {
      id: 'road',
      zh: '道路',
      en: 'road',
      polygon: [
        [0, 0.3],
        [0.55, 0.26],
        [0.82, 0.17],
        [1, 0.17],
        [1, 0.85],
        [0.6, 0.68],
        [0.4, 0.56],
        [0.2, 0.45],
        [0, 0.42],
      ],
      count: ['person'],
    },
    {
      id: 'bay',
      zh: '停车位',
      en: 'bay',
      polygon: [
        [0.82, 0],
        [0.93, 0],
        [0.93, 0.2],
        [0.82, 0.2],
      ],
      count: ['vehicle'],
    },
    {
      id: 'lawn',
      zh: '草坪',
      en: 'lawn',
      polygon: [
        [0, 0.45],
        [0.2, 0.48],
        [0.4, 0.6],
        [0.6, 0.73],
        [1, 0.9],
        [1, 1],
        [0, 1],
      ],
      intrusion: { after: '1s' },
    },
  ],
  lines: [{ id: 'entry', zh: '入口', en: 'entry', from: [0.88, 0.42], to: [0.88, 0.8], inside: [0.5, 0.6] }],
};

/** What a camera on this clip is told to look for; of a clip of the user's own we know nothing. */
export function sceneOf(clip: string): typeof SCENE {
  return hasScene(clip) ? SCENE : {};
}

export const hasScene = (clip: string): boolean => basename(clip) === basename(CLIP);

/** The clip that set-up fetched, if camera pictures can be had from it. */
export function presentClip(): string | null {
  return existsSync(CLIP) && hasFfmpeg() ? CLIP : null;
}

function hasFfmpeg(): boolean {
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
