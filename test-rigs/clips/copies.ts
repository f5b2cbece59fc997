/** Are faces gone from every picture of the copies that leave? Judged as the pictures of `rig -- blur` are. */
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import type { Box, Clip } from '../../core/event.ts';
import { EvidenceFolder } from '../../log/evidence/evidence-folder.ts';
import { realWorld } from '../../core/world.ts';
import { blurredClipCopier } from '../../edge/infer/evidence/clips/blurred-copy.ts';
import { blurFinderOf } from '../../edge/infer/evidence/blur-models.ts';
import type { BlurFinder } from '../../edge/infer/evidence/blur-finder.ts';
import blazeface512 from '../../models/blazeface-512/model.ts';
import centernet320 from '../../models/centernet-320/model.ts';
import type { Detector } from '../../models/detector.ts';
import { DetectorPool } from '../../models/pool.ts';
import { sharedModels } from '../../models/testing/shared-models.ts';
import { open } from '../../drivers/camera/link.ts';
import { settings as cameraSettings } from '../../drivers/camera/settings.ts';
import { scenarioClipPath } from '../vision-clips/follow.ts';
import { clipCamera } from './camera.ts';
import type { ClipCheckFinding } from './check-finding.ts';

interface Face {
  index: number;
  box: Box;
}

const SECONDS = 30;
const CLIPS = ['one-by-one-person-detection.mp4', 'person-bicycle-car-detection.mp4', 'vtest.avi'];
const COPY = { width: 640, fps: 8, size: 4 << 20 };
/** Fewer than this before, and none after would say little. */
const ENOUGH = 30;

export async function judgeCopies(): Promise<ClipCheckFinding> {
  const families = sharedModels().filter(({ spec }) => spec.task === 'face-detection');
  if (families.length < 2 || !scenarioClipPath(CLIPS[0] as string))
    return { ok: null, why: 'the clips and the two detectors of others are not here' };
  const camera = await clipCamera({});
  const { world, kept } = camera;
  const outgoing = await EvidenceFolder.open({ dir: join(camera.dir, 'out'), maxBytes: 1e9, keepMs: Infinity }, world.clock);
  const pool = new DetectorPool({}, world);
  const judges = await Promise.all(families.map(({ spec, graph }) => pool.open({ ...spec, file: graph })));
  const people = await pool.open(centernet320);
  const blurFinder = blurFinderOf({ faces: true }, (_model, scoreThreshold) => pool.open(blazeface512, scoreThreshold)) as BlurFinder;
  const copy = blurredClipCopier(
    {
      settings: { copy: COPY },
      workDir: join(camera.dir, 'evidence', 'clips', 'kept'),
      blurFinder,
      detectorOf: () => people,
      clips: () => kept,
      outgoing: () => outgoing,
      onWaiting: () => {},
    },
    world,
  );
  try {
    const results: { name: string; before: number; left: number; elsewhere: number; bytes: number }[] = [];
    for (const name of CLIPS) {
      const part = join(camera.dir, 'part.mp4');
      execFileSync('ffmpeg', [
        '-v',
        'error',
        '-t',
        String(SECONDS),
        '-i',
        scenarioClipPath(name) as string,
        '-an',
        '-c:v',
        'libx264',
        '-preset',
        'veryfast',
        '-y',
        part,
      ]);
      const file = await kept.addFile(part, { mime: 'video/mp4', atMs: Date.now() }, 'kept');
      const clip: Clip = {
        kind: 'clip',
        ...file,
        mime: 'video/mp4',
        durationMs: SECONDS * 1000,
        codec: 'h264',
        width: 2,
        height: 2,
        fromAt: Date.now(),
        toAt: Date.now(),
        short: false,
        blurred: false,
        of: [],
      };
      const { clip: made } = await copy({ device: 'cam', clip }, new AbortController().signal);
      const [before, after] = [
        await facesIn(kept.pathOf(file.sha256) as string, judges),
        await facesIn(outgoing.pathOf(made.sha256) as string, judges),
      ];
      const left = after.filter((face) => isLeft(face, before)).length;
      results.push({ name, before: before.length, left, elsewhere: after.length - left, bytes: made.bytes });
    }
    const sum = (of: 'before' | 'left') => results.reduce((all, result) => all + result[of], 0);
    return { ok: sum('before') >= ENOUGH && sum('left') === 0, before: sum('before'), left: sum('left'), results };
  } finally {
    await Promise.all([...judges, people, blurFinder].map((one) => one.close()));
    await outgoing.close();
    await camera.close();
  }
}

/** As many pictures of both, of the same size. */
async function facesIn(path: string, judges: readonly Detector[]): Promise<Face[]> {
  const link = await open(
    cameraSettings.parse({ url: `file:${path}`, fps: COPY.fps, speed: 'max', motion: 'off', width: COPY.width }),
    [],
    realWorld(() => {}),
  );
  const faces: Face[] = [];
  try {
    for await (const picture of link.frames(new AbortController().signal))
      for (const judge of judges) faces.push(...(await judge.detect(picture)).boxes.map((box) => ({ index: picture.index, box })));
  } catch (error) {
    if ((error as Error).name !== 'CV_VIDEO_ENDED') throw error;
  } finally {
    await link.close();
  }
  return faces;
}

/** A judge may take a patch on a pair of shoulders for a face: none is left where nobody saw one before, at about that time. */
function isLeft({ index, box }: Face, before: readonly Face[]): boolean {
  const [x, y] = [box.x + box.width / 2, box.y + box.height / 2];
  const covers = (other: Box) =>
    Math.abs(other.x + other.width / 2 - x) < other.width + box.width / 2 &&
    Math.abs(other.y + other.height / 2 - y) < other.height + box.height / 2;
  return before.some((other) => Math.abs(other.index - index) <= COPY.fps && covers(other.box));
}
