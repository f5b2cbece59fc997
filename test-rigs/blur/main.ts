/**
 * `npm run rig -- blur [--json]`: are faces gone from what leaves? The clips in `footage` go through what makes pictures for
 * events, and detectors of two other families judge the files that come out, at their normal thresholds: none may be left
 * where they saw thirty and more before. Ends with 1 when one is.
 */
import type { Picture } from '../../core/driver.ts';
import { FaultError } from '../../core/faults.ts';
import { realWorld } from '../../core/world.ts';
import { open } from '../../drivers/camera/link.ts';
import { settings as cameraSettings } from '../../drivers/camera/settings.ts';
import { encodePicture } from '../../edge/infer/evidence/encode.ts';
import { blurFinderOf } from '../../edge/infer/evidence/blur-models.ts';
import type { BlurFinder } from '../../edge/infer/evidence/blur-finder.ts';
import { redact } from '../../edge/infer/evidence/redact.ts';
import { rgbToI420 } from '../../models/colours.ts';
import type { Detector } from '../../models/detector.ts';
import blazeface512 from '../../models/blazeface-512/model.ts';
import centernet320 from '../../models/centernet-320/model.ts';
import { DetectorPool } from '../../models/pool.ts';
import { sharedModels } from '../../models/testing/shared-models.ts';
import { scenarioClipPath } from '../vision-clips/follow.ts';

const CLIPS = [
  { clip: 'one-by-one-person-detection.mp4', fps: 5 },
  { clip: 'vtest.avi', fps: 0.5 },
  { clip: 'person-bicycle-car-detection.mp4', fps: 1 },
  { clip: 'car-detection.mp4', fps: 1 },
];
/** Fewer faces than this before, and none after would say little. */
const ENOUGH = 30;

type Faces = Record<string, number>;
interface Result {
  clip: string;
  pictures: number;
  before: Faces;
  after: Faces;
  blurred: number;
}

const world = realWorld((event) => { if (event.kind === 'fault') process.stderr.write(`${JSON.stringify(event.fault)}\n`); });

async function judgeClip(
  clip: string,
  fps: number,
  judges: ReadonlyMap<string, Detector>,
  people: Detector,
  pool: DetectorPool,
): Promise<Result> {
  const blurFinder = blurFinderOf({ faces: true }, (_model, scoreThreshold) => pool.open(blazeface512, scoreThreshold)) as BlurFinder;
  const none = () => Object.fromEntries([...judges.keys()].map((id) => [id, 0]));
  const result: Result = { clip, pictures: 0, before: none(), after: none(), blurred: 0 };
  const count = async (picture: Picture, into: Faces) => {
    for (const [id, judge] of judges) into[id] = (into[id] ?? 0) + (await judge.detect(picture)).boxes.length;
  };
  const link = await open(cameraSettings.parse({ url: `file:${scenarioClipPath(clip)}`, fps, speed: 'max', motion: 'off' }), [], world);
  try {
    for await (const picture of link.frames(new AbortController().signal)) {
      result.pictures += 1;
      // The same way out for both, so that only the blur is between them.
      await count(await exported(picture), result.before);
      const persons = (await people.detect(picture)).boxes.filter((box) => box.class === 'person');
      const faces = await blurFinder.find(picture, persons);
      result.blurred += faces.length;
      await count(await exported(redact(picture, faces)), result.after);
    }
  } catch (error) {
    if (!(error instanceof FaultError) || error.fault.code !== 'CV_VIDEO_ENDED') throw error;
  } finally {
    await link.close();
    await blurFinder.close();
  }
  return result;
}

/** Through the file that leaves, and back. */
async function exported(picture: Picture): Promise<Picture> {
  const { bytes } = await encodePicture(picture, { format: 'jpeg', maxWidth: 1280, maxBytes: 200_000 });
  const { default: sharp } = await import('sharp');
  const { data, info } = await sharp(bytes).removeAlpha().toColourspace('srgb').raw().toBuffer({ resolveWithObject: true });
  const { width, height } = info;
  return { ...picture, width, height, yuv: rgbToI420(new Uint8Array(data), { width, height }) };
}

export async function run(argv: string[]): Promise<number> {
  const families = sharedModels().filter(({ spec }) => spec.task === 'face-detection');
  if (families.length < 2 || CLIPS.some(({ clip }) => !scenarioClipPath(clip))) {
    process.stdout.write('the clips and the two detectors of others are not here\n');
    return 3;
  }
  const pool = new DetectorPool({}, world);
  const judges = new Map(
    await Promise.all(families.map(async ({ spec, graph }) => [spec.id, await pool.open({ ...spec, file: graph })] as const)),
  );
  const people = await pool.open(centernet320);
  const results: Result[] = [];
  for (const { clip, fps } of CLIPS) {
    const result = await judgeClip(clip, fps, judges, people, pool);
    results.push(result);
    if (!argv.includes('--json'))
      process.stdout.write(
        `${clip}: ${result.pictures} pictures, faces ${JSON.stringify(result.before)} before, ${JSON.stringify(result.after)} after; ${result.blurred} places blurred\n`,
      );
  }
  await Promise.all([...judges.values(), people].map((detector) => detector.close()));
  const sum = (of: 'before' | 'after') => results.flatMap((result) => Object.values(result[of])).reduce((all, count) => all + count, 0);
  const verdict = { results, before: sum('before'), after: sum('after') };
  process.stdout.write(
    argv.includes('--json') ? `${JSON.stringify(verdict)}\n` : `${verdict.before} faces before, ${verdict.after} after\n`,
  );
  return verdict.before >= ENOUGH && verdict.after === 0 ? 0 : 1;
}
