/**
 * `npm run rig -- precision [--model ID] [--json]`: how often a detector is right, on pictures that somebody labelled.
 *
 * The clips are others' and lie in the folder `footage` of CITYVITALS_SHARED; only the labels (`labels.json`: file, time,
 * boxes) are ours. A clip that is not there is named and left out. Precision: of the boxes at the model's own score, how
 * many are what they are said to be; recall: of the labelled, how many were found.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { sharedFolder } from '../../core/testing/shared.ts';
import { modelById } from '../../models/index.ts';
import { sha256 } from '../../models/verify.ts';
import { detectClip } from '../vision-clips/follow.ts';
import { scorePictures, sumScores, within95, type LabelledPicture, type Score } from './score.ts';

interface LabelledClip {
  everyMs: number;
  sha256: string;
  pictures: LabelledPicture[];
}

const LABELS = JSON.parse(readFileSync(join(import.meta.dirname, 'labels.json'), 'utf8')) as Record<string, LabelledClip>;
const PERSON = new Set(['person']);
const VEHICLE = new Set(['car', 'truck', 'bus']);

export interface PrecisionMeasurement {
  pictures: number;
  skipped: string[];
  persons: Score;
  vehicles: Score;
}

/** @throws FaultError as `openDetector` */
export async function measurePrecision(model: string): Promise<PrecisionMeasurement> {
  const spec = modelById(model);
  if (!spec) throw new Error(`no model ${model}`);
  const skipped: string[] = [];
  const persons: Score[] = [];
  const vehicles: Score[] = [];
  for (const [name, { everyMs, pictures, sha256: wanted }] of Object.entries(LABELS)) {
    const path = sharedFolder('footage', name);
    if (path === null || sha256(readFileSync(path)) !== wanted) {
      skipped.push(name);
      continue;
    }
    const looks = await detectClip(path, spec, 1000 / everyMs);
    for (const picture of pictures) {
      const boxes = looks.find(({ ptsMs }) => Math.abs(ptsMs - picture.ms) < 1)?.boxes;
      if (!boxes) throw new Error(`${name} has no picture at ${picture.ms} ms`);
      persons.push(scorePictures(boxes.filter((box) => PERSON.has(box.class)), picture.persons, picture.cut));
      if (picture.vehicles) vehicles.push(scorePictures(boxes.filter((box) => VEHICLE.has(box.class)), picture.vehicles, picture.cut));
    }
  }
  return { pictures: persons.length, skipped, persons: sumScores(persons), vehicles: sumScores(vehicles) };
}

export async function run(argv: string[]): Promise<number> {
  const index = argv.indexOf('--model');
  const model = index < 0 ? 'centernet-320' : argv[index + 1] ?? '';
  const measured = await measurePrecision(model);
  for (const name of measured.skipped) process.stderr.write(`${name}: not here, left out (set CITYVITALS_SHARED)\n`);
  if (argv.includes('--json')) process.stdout.write(`${JSON.stringify({ model, ...measured })}\n`);
  else
    for (const what of ['persons', 'vehicles'] as const)
      process.stdout.write(`${model}, ${measured.pictures} pictures, ${what}: ${words(measured[what])}\n`);
  return measured.pictures === 0 ? 1 : 0;
}

function words({ labelled, found, right }: Score): string {
  const share = (part: number, whole: number) => {
    const [low, high] = within95(part, whole).map((one) => Math.round(one * 100));
    return `${Math.round((part / whole) * 100)} % (${part} of ${whole}; 95 %: ${low} to ${high})`;
  };
  return `precision ${share(right, found)}, recall ${share(right, labelled)}`;
}
