/** `vision`: what looking at pictures costs, from a camera's stream to samples, beside its floor and Python doing the same. */
import { execFile, spawnSync } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Box } from '../../../core/event.ts';
import { sharedFolder } from '../../../core/testing/shared.ts';
import centernet320 from '../../../models/centernet-320/model.ts';
import { graphPath } from '../../../models/verify.ts';
import { installPrograms } from '../peers/packages.ts';
import { result, type BenchResult } from '../result.ts';
import { printBench, withRig } from '../rig.ts';
import { cpuMsOfChildren } from '../usage.ts';
import { agreementOf } from './agreement.ts';
import type { VisionBenchPlan, VisionRun } from './plan.ts';

export const VISION_NOTES = [
  'Cameras are clips in a loop: vtest.avi (768 × 576, people in every picture) and, still, the first five seconds of one-by-one-person-detection.mp4 (768 × 432, an empty room). A figure is processor time a picture of the edge with its camera driver and infer station, its ffmpegs and its detector, after a warm-up of 600 pictures; nothing is sent or kept. With the gate, pictures that ffmpeg leaves out because nothing has changed count as pictures: they have been decoded and looked at by it.',
  'In each row all contenders go at one pace. That of a camera, a picture and a look every 200 ms (1fps: each second), finds caches cold and threads that have to be woken, which nobody escapes who looks at live pictures; in the rows named max all go as fast as they can, as with a recording. floor-max, python-max and decode-max beside a figure at the pace of a camera are those peers as fast as they can, which is another work.',
  "floor: the same ffmpeg decoding to nothing, and bare runs of onnxruntime on a ready tensor in our Node, with the same threads. decode: the first of the two alone. floor-tuned: as floor, with the graph that a detector's process makes of the model's file when it loads it (docs/decisions/0045). python: OpenCV and onnxruntime of Debian, one thread each, which decode the clip, look at the same pictures and read the same boxes; Debian's onnxruntime is an older one.",
  'latency-frame-event: from the time a picture is due until its samples are there, 16 cameras at one picture a second. box-agreement: boxes of Python (0.3 or better) that are found again among ours with an overlap (IoU) of at least 0.98, and the other way about; a box near the threshold may stand a little below it on the other side (0.25). Python gets the same I420 pictures from ffmpeg and makes colours of them by the formula of BT.601; box-agreement-opencv is the same with pictures that OpenCV decoded and converted, whose colours are a level or more off.',
];

const FPS = 5;
/** What costs little is measured for longer: a tick of the processor's clock is 10 ms. */
const STILL_TIMES = 6;
const CLIP_FPS = 10;
const WARM_SECONDS = 4;
/** An edge runs for weeks: what its just-in-time compiler does in the first two minutes is over by then. */
const COMPILED_PICTURES = 600;
const OURS_WARM_SECONDS = 10;
/** Of all cameras. */
const OURS_WARM_PICTURES = 50;
const STILL_SECONDS = 5;
const AGREEMENT_PICTURES = 100;
/** Long enough that ffmpeg's start counts for nothing. */
const DECODED_SECONDS = 200;
const run = promisify(execFile);

export async function benchVision({ seconds }: { seconds: number }): Promise<BenchResult[]> {
  installPrograms('bench-vision');
  const [moving, room] = ['vtest.avi', 'one-by-one-person-detection.mp4'].map((name) => sharedFolder('footage', name));
  if (!moving || !room) throw new Error('the clips are not here: set CITYVITALS_SHARED');
  return withRig(async (rig) => {
    const still = join(rig.dir, 'still.mp4');
    await run('ffmpeg', ['-v', 'error', '-t', String(STILL_SECONDS), '-i', room, '-c', 'copy', still]);
    const ours = async (
      asked: Pick<VisionBenchPlan, 'clip' | 'motion'> & Partial<Pick<VisionBenchPlan, 'fps' | 'speed' | 'cameras' | 'pictures'>>,
    ): Promise<VisionRun> => {
      const { fps, cameras } = { fps: FPS, cameras: 1, ...asked };
      const plan: VisionBenchPlan = {
        speed: 1,
        compiled: COMPILED_PICTURES,
        warm: Math.ceil(Math.min(OURS_WARM_SECONDS * fps, OURS_WARM_PICTURES / cameras)),
        pictures: Math.ceil(seconds * fps * cameras),
        ...asked,
        fps,
        cameras,
      };
      const ran = await ourRun(plan);
      printBench(
        `${cameras} × ${fps}/s${plan.speed === 'max' ? ' as fast as it can' : ''}, gate ${plan.motion}: ${sum(ran).toFixed(2)} ms a picture (${JSON.stringify(ran.cpuMs)}), ${ran.looks} looks in ${ran.pictures} pictures, ${ran.late} late, at most ${ran.mostWaiting} waiting`,
      );
      return ran;
    };
    const pictures = Math.ceil(seconds * FPS);
    const stillPictures = pictures * STILL_TIMES;
    const pauseMs = 1000 / FPS;
    // In turn, so that who else uses the machine meets all of them.
    const python = await pythonRun(moving, pictures, pauseMs);
    const off = await ours({ clip: moving, motion: 'off' });
    const [bare, tuned] = [await floorRun(pictures, pauseMs), await floorRun(pictures, pauseMs, 'tuned')];
    const [decode, decodeSlow, decodeStill] = [
      decodeInItsTime(moving, FPS, pictures),
      decodeInItsTime(moving, 1, pictures / FPS),
      decodeInItsTime(still, FPS, stillPictures),
    ];
    const on = await ours({ clip: moving, motion: 'on' });
    const gated = await ours({ clip: still, motion: 'on', pictures: stillPictures });
    const slow = await ours({ clip: moving, fps: 1, motion: 'off' });
    const slowGated = await ours({ clip: still, fps: 1, motion: 'on' });
    const bareSlow = await floorRun(Math.ceil(seconds), 1000);
    const many = new Map<number, VisionRun>();
    for (const cameras of [4, 8, 16]) many.set(cameras, await ours({ clip: moving, fps: 1, motion: 'off', cameras }));
    const sixteen = many.get(16) as VisionRun;
    const pythonMax = await pythonRun(moving, stillPictures);
    const offMax = await ours({ clip: moving, motion: 'off', speed: 'max', pictures: stillPictures });
    const [bareMax, tunedMax] = [await floorRun(stillPictures), await floorRun(stillPictures, 0, 'tuned')];
    const [decodeMax, decodeStillMax] = [decodeOnly(moving), decodeOnly(still)];
    const gatedMax = await ours({ clip: still, motion: 'on', speed: 'max', pictures: DECODED_SECONDS * FPS });
    const boxes = await ourBoxes(moving, AGREEMENT_PICTURES);
    const agreement = agreementOf(await pythonBoxes(rig.dir, moving), boxes);
    const loose = agreementOf(pythonMax.boxes.slice(0, AGREEMENT_PICTURES), boxes.slice(0, pythonMax.boxes.length));
    printBench(
      `bare run ${bare.toFixed(2)} ms, of the tuned graph ${tuned.toFixed(2)}; as fast as it can ${bareMax.toFixed(2)}, ${tunedMax.toFixed(2)}`,
    );
    return [
      result('cpu-per-frame', sum(off), 'ms', {
        floor: bare + decode,
        python: python.cpuMs,
        'floor-tuned': tuned + decode,
        'floor-max': bareMax + decodeMax,
        'python-max': pythonMax.cpuMs,
      }),
      result('cpu-per-frame-max', sum(offMax), 'ms', {
        floor: bareMax + decodeMax,
        python: pythonMax.cpuMs,
        'floor-tuned': tunedMax + decodeMax,
      }),
      result('cpu-per-frame-gate', sum(on), 'ms', { floor: bare + decode, python: python.cpuMs }),
      result('cpu-per-frame-1fps', sum(slow), 'ms', { floor: bareSlow + decodeSlow }),
      ...[...many].map(([cameras, ran]) => result(`cpu-per-frame-1fps-${cameras}`, sum(ran), 'ms', { floor: bareSlow + decodeSlow })),
      result('cpu-still-gated', sum(gated), 'ms', {
        floor: bare + decodeStill,
        python: python.cpuMs,
        decode: decodeStill,
        'decode-max': decodeStillMax,
      }),
      result('cpu-still-gated-max', sum(gatedMax), 'ms', {
        floor: bareMax + decodeStillMax,
        python: pythonMax.cpuMs,
        decode: decodeStillMax,
      }),
      result('cpu-still-gated-1fps', sum(slowGated), 'ms'),
      result('latency-frame-event', at(sixteen.latencyMs, 0.99), 'ms (p99)'),
      result('latency-frame-event-p50', at(sixteen.latencyMs, 0.5), 'ms'),
      result('frames-dropped-16', sixteen.late, `of ${sixteen.pictures + sixteen.late} pictures`),
      result('memory-per-camera', (resident(sixteen) - resident(slow)) / 15 / 1e6, 'MB'),
      result('box-agreement', agreement.share * 100, `% of ${agreement.boxes} boxes`),
      result('box-agreement-opencv', loose.share * 100, `% of ${loose.boxes} boxes`),
    ];
  });
}

const sum = ({ cpuMs }: VisionRun) => cpuMs.edge + cpuMs.ffmpeg + cpuMs.detector;
const resident = ({ residentBytes }: VisionRun) => residentBytes.edge + residentBytes.ffmpeg + residentBytes.detector;

function at(values: readonly number[], share: number): number {
  return values.toSorted((a, b) => a - b)[Math.min(values.length - 1, Math.floor(values.length * share))] ?? NaN;
}

async function json<T>(file: string, args: readonly string[]): Promise<T> {
  const { stdout } = await run(file, args, { maxBuffer: 2 ** 28 });
  return JSON.parse(stdout) as T;
}

const ourRun = (plan: VisionBenchPlan) =>
  json<VisionRun>(process.execPath, [join(import.meta.dirname, 'ours-main.ts'), JSON.stringify(plan)]);
const ourBoxes = (clip: string, pictures: number) =>
  json<Box[][]>(process.execPath, [join(import.meta.dirname, 'boxes-main.ts'), clip, String(FPS), String(pictures)]);
const floorRun = async (runs: number, pauseMs = 0, ...graph: 'tuned'[]) =>
  (
    await json<{ cpuMs: number }>(process.execPath, [
      join(import.meta.dirname, 'floor-main.ts'),
      String(runs),
      '20',
      String(pauseMs),
      ...graph,
    ])
  ).cpuMs;

async function pythonRun(clip: string, pictures: number, pauseMs = 0): Promise<{ cpuMs: number; boxes: Box[][] }> {
  const warm = WARM_SECONDS * FPS;
  const said = await json<Said>('/usr/bin/python3', [
    ...PYTHON,
    clip,
    String(CLIP_FPS / FPS),
    String(pictures + warm),
    String(warm),
    String(pauseMs),
  ]);
  printBench(`python, ${pauseMs} ms before each: ${said.cpuMs.toFixed(2)} ms a picture`);
  return { cpuMs: said.cpuMs, boxes: boxesOf(said) };
}

/** Of the pictures that ffmpeg gives, as we get them. */
async function pythonBoxes(dir: string, clip: string): Promise<Box[][]> {
  const file = join(dir, 'pictures.yuv');
  await run('ffmpeg', [
    '-v',
    'error',
    '-i',
    clip,
    '-vf',
    `fps=fps=${FPS}:round=up`,
    '-frames:v',
    String(AGREEMENT_PICTURES),
    '-pix_fmt',
    'yuv420p',
    '-f',
    'rawvideo',
    file,
  ]);
  const pictures = openSync(file, 'r');
  const done = spawnSync('/usr/bin/python3', [...PYTHON, '-', '768x576', String(AGREEMENT_PICTURES), '0', '0'], {
    stdio: [pictures, 'pipe', 'ignore'],
    encoding: 'utf8',
    maxBuffer: 2 ** 28,
  });
  closeSync(pictures);
  return boxesOf(JSON.parse(done.stdout) as Said);
}

interface Said {
  cpuMs: number;
  boxes: [label: number, score: number, left: number, top: number, right: number, bottom: number][][];
}

const PYTHON = [join(import.meta.dirname, 'python-main.py'), graphPath(centernet320)];
const boxesOf = ({ boxes }: Said) =>
  boxes.map((picture) =>
    picture.map(([label, score, left, top, right, bottom]): Box => ({
      class: centernet320.classes[label] ?? '',
      score,
      x: left,
      y: top,
      width: right - left,
      height: bottom - top,
    })),
  );

/** Processor time a picture of ffmpeg that hands nobody anything. */
function decodeOnly(clip: string): number {
  const pictures = DECODED_SECONDS * FPS;
  const ms = decodedMs(clip, FPS, pictures) / pictures;
  printBench(`decode alone, as fast as it can: ${ms.toFixed(2)} ms a picture`);
  return ms;
}

/** The same in the clip's own time, without ffmpeg's start. */
function decodeInItsTime(clip: string, fps: number, pictures: number): number {
  const [few, all] = [fps, pictures + fps].map((count) => decodedMs(clip, fps, count, ['-re'])) as [number, number];
  const ms = (all - few) / pictures;
  printBench(`decode alone, ${fps}/s: ${ms.toFixed(2)} ms a picture`);
  return ms;
}

function decodedMs(clip: string, fps: number, pictures: number, pace: readonly string[] = []): number {
  const before = cpuMsOfChildren();
  const done = spawnSync(
    'ffmpeg',
    [
      '-nostdin',
      '-v',
      'error',
      '-threads',
      '1',
      ...pace,
      '-stream_loop',
      '-1',
      '-i',
      clip,
      '-vf',
      `fps=fps=${fps}:round=up`,
      '-frames:v',
      String(pictures),
      '-f',
      'null',
      '-',
    ],
    { stdio: ['ignore', 'ignore', 'inherit'] },
  );
  if (done.status !== 0) throw new Error('ffmpeg failed; see above');
  return cpuMsOfChildren() - before;
}
