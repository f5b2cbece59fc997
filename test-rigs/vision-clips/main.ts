/**
 * `npm run rig -- vision-clips [--json] [--model ID]`: each detector that is here on the clips in `footage` whose contents
 * somebody counted by eye: visits and changes of number, people picture by picture, totals. Ends with 1 when the best of
 * them does not keep what the project promises.
 */
import type { ModelSpec } from '../../core/model.ts';
import { realWorld } from '../../core/world.ts';
import { LOW_SCORE_SHARE } from '../../edge/infer/detect/open-detectors.ts';
import { MODELS } from '../../models/index.ts';
import { openDetector } from '../../models/load.ts';
import { sharedModels } from '../../models/testing/shared-models.ts';
import { graphPath } from '../../models/verify.ts';
import { eventsOfClip } from './events.ts';
import { scenarioClipPath, trackClip, judgeVisits, detectClip, truthOf, visitWindows, type DetectedClip, type Visits } from './follow.ts';

const ONE_BY_ONE = { clip: 'one-by-one-person-detection.mp4', fps: 10 };
const MANY = { clip: 'vtest.avi', fps: 10 };
const CAR_PARK = { clip: 'person-bicycle-car-detection.mp4', fps: 12 };
/** Every n-th picture: 10, 5, 2 and 1 a second. */
const STRIDES = [1, 2, 5, 10];

interface Result {
  model: string;
  /** By pictures a second. */
  visits: Record<string, Visits>;
  /** The same clip at 2 a second through the whole edge, gate and zone: how often somebody came, and how many were there at most. */
  whole: { came: number; most: number };
  counts: { truth: number[]; boxes: number[]; tracks: number[]; within1: number };
  totals: Totals;
  /** The same clip through the gate, looked at once more from nearer where something small moves (`motion.closer`). */
  closer: Totals;
}

interface Totals {
  cars: number;
  cyclists: number;
  people: number;
  within1: boolean;
}

/** Two cars, two cyclists, one who walks; a cyclist is a person on a bicycle, so three people. */
const TOTALS = { cars: 2, cyclists: 2, people: 3 };

async function judge(spec: ModelSpec): Promise<Result> {
  const look = ({ clip, fps }: { clip: string; fps: number }, motion?: { closer: true }) =>
    detectClip(scenarioClipPath(clip) as string, spec, fps, Infinity, motion);
  const visitors = await look(ONE_BY_ONE);
  const windows = visitWindows(ONE_BY_ONE.clip, ONE_BY_ONE.fps);
  const crowd = await look(MANY);
  return {
    model: spec.id,
    visits: Object.fromEntries(STRIDES.map((stride) => [ONE_BY_ONE.fps / stride, judgeVisits(trackClip(visitors, stride), windows)])),
    whole: await throughTheEdge(spec),
    counts: countsOf(crowd),
    totals: totalsOf(await look(CAR_PARK)),
    closer: totalsOf(await look(CAR_PARK, { closer: true })),
  };
}

function totalsOf(looks: readonly DetectedClip[]): Totals {
  const groups = trackClip(looks).map(({ group }) => group);
  const count = (group: string) => groups.filter((one) => one === group).length;
  const totals = { cars: count('vehicle'), cyclists: count('two-wheeler'), people: count('person') };
  return {
    ...totals,
    within1: (Object.keys(TOTALS) as (keyof typeof TOTALS)[]).every((kind) => Math.abs(totals[kind] - TOTALS[kind]) <= 1),
  };
}

const EVERYWHERE: [number, number][] = [[0, 0], [1, 0], [1, 1], [0, 1]];

async function throughTheEdge(spec: ModelSpec): Promise<Result['whole']> {
  const detector = await openDetector(spec, { scoreThreshold: spec.scoreThreshold * LOW_SCORE_SHARE }, realWorld(() => {}));
  try {
    const people = (
      await eventsOfClip(
        scenarioClipPath(ONE_BY_ONE.clip) as string,
        2,
        { zones: [{ id: 'all', polygon: EVERYWHERE, count: ['person'] }] },
        detector,
        spec.scoreThreshold,
      )
    ).map(({ value }) => value);
    return { came: people.filter((value, index) => index > 0 && value > (people[index - 1] as number)).length, most: Math.max(...people) };
  } finally {
    await detector.close();
  }
}

function countsOf(crowd: readonly DetectedClip[]): Result['counts'] {
  const truth = [...truthOf(MANY.clip).matchAll(/\b(\d+)=(\d+)\b/g)].map(([, picture, people]) => ({
    picture: Number(picture),
    people: Number(people),
  }));
  const followed = trackClip(crowd).filter(({ group }) => group === 'person');
  const boxes = truth.map(({ picture }) => crowd[picture]?.boxes.filter((box) => box.class === 'person').length ?? NaN);
  const tracks = truth.map(({ picture }) => followed.filter(({ seenMs }) => seenMs.includes(crowd[picture]?.ptsMs ?? NaN)).length);
  return {
    truth: truth.map(({ people }) => people),
    boxes,
    tracks,
    within1: truth.filter(({ people }, index) => Math.abs(people - (boxes[index] as number)) <= 1).length,
  };
}

const keepsVisits = ({ visits, whole }: Result) =>
  whole.came === 6 &&
  whole.most === 1 &&
  Object.values(visits).every(({ visits: all, tracks, found, switches }) => tracks === all && found === all && switches === 0);

export async function run(argv: string[]): Promise<number> {
  const only = argv.includes('--model') ? argv[argv.indexOf('--model') + 1] : undefined;
  const shipped = MODELS.filter(({ id }) => id === 'centernet-320').map((spec) => ({ spec, graph: graphPath(spec) }));
  const models = [...shipped, ...sharedModels()].filter(
    ({ spec }) => spec.task === 'object-detection' && (only === undefined || spec.id === only),
  );
  if (!scenarioClipPath(MANY.clip) || models.length === 0) {
    process.stderr.write('vision-clips: no footage or no such model here (set CITYVITALS_SHARED)\n');
    return 3;
  }
  const results: Result[] = [];
  for (const { spec, graph } of models) {
    const result = await judge({ ...spec, file: graph });
    results.push(result);
    if (!argv.includes('--json')) print(result);
  }
  if (argv.includes('--json')) process.stdout.write(`${JSON.stringify(results)}\n`);
  return results.some((result) => keepsVisits(result) && result.counts.within1 >= 6 && result.totals.within1) ? 0 : 1;
}

function print({ model, visits, whole, counts, totals, closer }: Result): void {
  const say = (text: string) => process.stdout.write(`${text}\n`);
  say(`${model}`);
  for (const [fps, { visits: all, tracks, found, switches }] of Object.entries(visits))
    say(`  one by one, ${fps} a second: ${found} of ${all} visits, ${tracks} tracks, ${switches} changes of number`);
  say(`  the same through the whole edge, 2 a second: somebody came ${whole.came} times, ${whole.most} at most`);
  say(
    `  vtest, people by eye ${counts.truth.join()}; boxes ${counts.boxes.join()} (${counts.within1} of ${counts.truth.length} within 1); tracks ${counts.tracks.join()}`,
  );
  for (const [how, { cars, cyclists, people, within1 }] of [
    ['', totals],
    [', from nearer', closer],
  ] as const)
    say(
      `  car park${how}, ${cars} cars (${TOTALS.cars}), ${cyclists} two-wheelers (${TOTALS.cyclists}), ${people} people (${TOTALS.people}): ${within1 ? 'within 1' : 'not within 1'}`,
    );
}
