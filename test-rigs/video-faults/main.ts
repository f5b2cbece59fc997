/**
 * `npm run rig -- video-faults [--fps N,…] [--json]`: each clip in `footage` sound and with each of the eleven faults, through
 * the camera's own link and the edge's infer station: every fault gives its own finding and no other, a sound clip gives none,
 * however many pictures a second there are.
 */
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fixedPoints, type Picture } from '../../core/driver.ts';
import { FaultError } from '../../core/faults.ts';
import { GOOD_PICTURE, PICTURE_FINDINGS } from '../../scene/picture-findings.ts';
import type { Sample } from '../../core/sample.ts';
import { sharedFolder } from '../../core/testing/shared.ts';
import { realWorld } from '../../core/world.ts';
import camera from '../../drivers/camera/driver.ts';
import { infer } from '../../edge/infer/line.ts';
import { cameraPipeline } from '../../edge/infer/camera-pipeline.ts';
import type { Detector } from '../../models/detector.ts';
import { changeClip, filterClip, FILTERS, stopClip } from './clips.ts';

interface Outcome {
  fps: number;
  clip: string;
  wanted: string;
  filter: string;
  found: string[];
  ok: boolean;
}

/** Pictures a second, unless others are asked for. */
const RATES = '1,5';
/** Nobody has to know what is in the pictures. */
const BLIND: Detector = {
  model: 'none',
  provider: 'cpu',
  detect: () => Promise.resolve({ boxes: [], durationMs: 0 }),
  close: async () => {},
};

export async function run(argv: string[]): Promise<number> {
  const footage = sharedFolder('footage');
  const rates = (argv.includes('--fps') ? (argv[argv.indexOf('--fps') + 1] ?? '') : RATES).split(',').map(Number);
  if (!rates.every((fps) => fps > 0)) {
    process.stderr.write('--fps wants pictures a second, or several with commas between: 1,2,12.5\n');
    return 2;
  }
  if (!footage) {
    process.stderr.write('footage not found (set CITYVITALS_SHARED)\n');
    return 3;
  }
  const clips = (await readdir(footage)).filter((name) => /\.(avi|mp4)$/.test(name)).map((name) => join(footage, name));
  const folder = await mkdtemp(join(tmpdir(), 'cv-video-faults-'));
  const outcomes: Outcome[] = [];
  const judge = async (fps: number, clip: string, wanted: string, filter: string, path: string, speed: 1 | 'max' = 'max') => {
    const found = (await findingsOf(path, fps, speed)).filter((finding) => finding !== GOOD_PICTURE);
    const outcome = {
      fps,
      clip: clip.split('/').at(-1) as string,
      wanted,
      filter,
      found,
      ok: found.every((one) => one === wanted) && (wanted === GOOD_PICTURE || found.length > 0),
    };
    outcomes.push(outcome);
    if (!argv.includes('--json'))
      process.stdout.write(
        `${outcome.ok ? 'ok ' : 'NOT'} ${fps}/s ${outcome.clip} ${wanted} ${filter} → ${[...new Set(found)].join(', ') || GOOD_PICTURE}\n`,
      );
  };
  try {
    for (const [index, clip] of clips.entries()) {
      const each = async (wanted: string, filter: string, path: string) => {
        for (const fps of rates) await judge(fps, clip, wanted, filter, path);
      };
      await each(GOOD_PICTURE, '', clip);
      for (const { id } of PICTURE_FINDINGS) {
        for (const filter of FILTERS[id] ?? []) await each(id, filter, await filterClip(clip, filter, folder, 'fault'));
      }
      await each('wrong-scene', 'another clip', await changeClip(clip, clips[(index + 1) % clips.length] as string, folder));
      for (const fps of rates) {
        const { path, child } = await stopClip(clip, folder);
        await judge(fps, clip, 'stalled', 'the source stops', path, 1);
        child.kill();
        await rm(path);
      }
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
  if (argv.includes('--json')) process.stdout.write(`${JSON.stringify({ outcomes })}\n`);
  else process.stdout.write(`${outcomes.filter(({ ok }) => ok).length} of ${outcomes.length} as they should be\n`);
  return outcomes.every(({ ok }) => ok) ? 0 : 1;
}

const STALL_MS = 25_000;

/** What the camera said of its pictures, in order. */
async function findingsOf(path: string, fps: number, speed: 1 | 'max'): Promise<string[]> {
  const world = realWorld(() => {});
  const settings = camera.settings.parse({ url: `file:${path}`, fps, speed });
  const station = infer(new Map([['cam', { detector: BLIND, pipeline: cameraPipeline(settings) }]]), world);
  const said: string[] = [];
  const ending = new AbortController();
  const give = (samples: readonly Sample[]) => {
    said.push(...samples.filter(({ point }) => point === 'video').map(({ value }) => String(value)));
  };
  const link = await camera.open(settings, [], world);
  const timer = speed === 1 ? world.clock.after(STALL_MS, () => ending.abort()) : null;
  try {
    for await (const picture of (link.frames?.(ending.signal) ?? []) as AsyncIterable<Picture>) {
      station.take?.(
        [{ device: 'cam', picture, at: picture.ptsMs, observedAt: picture.ptsMs, points: fixedPoints(camera, settings) }],
        give,
      );
    }
  } catch (error) {
    if (!(error instanceof FaultError) || error.fault.code !== 'CV_VIDEO_ENDED') throw error;
  } finally {
    timer?.cancel();
    await link.close();
    await station.close?.();
  }
  return said;
}
