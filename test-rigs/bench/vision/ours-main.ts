/** `node ours-main.ts PLAN`: cameras, from the driver to samples, as an edge does it. */
import { readdirSync, readFileSync } from 'node:fs';
import { DetectorPool } from '../../../models/pool.ts';
import type { TelemetryEvent } from '../../../core/telemetry.ts';
import { realWorld } from '../../../core/world.ts';
import driver from '../../../drivers/camera/driver.ts';
import { open } from '../../../drivers/camera/link.ts';
import { settings } from '../../../drivers/camera/settings.ts';
import { openDetectors } from '../../../edge/infer/detect/open-detectors.ts';
import { infer } from '../../../edge/infer/line.ts';
import { MODELS } from '../../../models/index.ts';
import { cpuMsOf, residentBytesOf } from '../usage.ts';
import type { VisionBenchPlan, VisionRun } from './plan.ts';

const plan = JSON.parse(process.argv[2] as string) as VisionBenchPlan;
const told = { looks: 0, late: 0 };
function tell(event: TelemetryEvent): void {
  if (event.kind === 'inference') told.looks += 1;
  if (event.kind === 'samples_lost' && event.reason === 'picture_late') told.late += event.count / 3;
  if (event.kind === 'fault') process.stderr.write(`${JSON.stringify(event.fault)}\n`);
}
const world = realWorld(tell);
/** A camera tells of pictures that are as the one before and need not come further: they have been looked at all the same. */
const cameraWorld = realWorld((event) => {
  tell(event);
  if (event.kind !== 'picture_still') return;
  came += 1;
  done();
});

/** Ours are the edge, its ffmpegs, and what else it started: detectors. */
function processes(): Record<keyof VisionRun['cpuMs'], number[]> {
  const children = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      try {
        const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
        const [name, parent] = [
          stat.slice(stat.indexOf('(') + 1, stat.lastIndexOf(')')),
          Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]),
        ];
        return parent === process.pid ? [{ pid: Number(pid), name }] : [];
      } catch {
        return []; // gone meanwhile
      }
    });
  const of = (isOurs: (name: string) => boolean) => children.filter(({ name }) => isOurs(name)).map(({ pid }) => pid);
  return { edge: [process.pid], ffmpeg: of((name) => name === 'ffmpeg'), detector: of((name) => name !== 'ffmpeg') };
}
const each = (of: (pids: readonly number[]) => number) =>
  Object.fromEntries(Object.entries(processes()).map(([name, pids]) => [name, of(pids)])) as VisionRun['cpuMs'];

const devices = Array.from({ length: plan.cameras }, (_, at) => ({
  id: `cam-${at}`,
  settings: settings.parse({
    url: `file:${plan.clip}`,
    fps: plan.fps,
    speed: plan.speed,
    loop: true,
    ...(plan.motion === 'off' && { motion: 'off' }),
  }),
}));
const detectors = await openDetectors(devices, MODELS, world, new DetectorPool({}, world));
const station = infer(detectors.byDevice, world);
const stopping = new AbortController();
const finished = Promise.withResolvers<void>();
const compiled = Promise.withResolvers<void>();
const started = Promise.withResolvers<void>();
let isCompiled = false;
let came = 0;
let gave = 0;
let mostWaiting = 0;
let latencyMs: number[] = [];
const toWarm = plan.warm * plan.cameras;
/** Faster than they are measured, by the same ways: what the compiler does in an edge's first minutes is over by then. */
const WARM_FPS = 20;

function done(): void {
  gave += 1;
  if (!isCompiled) return gave === plan.compiled ? compiled.resolve() : undefined;
  if (gave === toWarm) started.resolve();
  if (gave === toWarm + plan.pictures) finished.resolve();
}

async function watch({ id, settings: own }: (typeof devices)[number], afterMs: number, until: AbortSignal): Promise<void> {
  // Cameras do not all begin at once.
  await new Promise((resolve) => { setTimeout(resolve, afterMs); });
  const link = await open(own, [], cameraWorld);
  try {
    for await (const picture of link.frames(until)) {
      came += 1;
      const at = picture.takenAt ?? 0;
      mostWaiting = Math.max(mostWaiting, came - gave - told.late);
      station.take?.([{ device: id, picture, at, observedAt: Date.now(), points: driver.points ?? {} }], (samples) => {
        const [first] = samples;
        if (!first) return;
        latencyMs.push(Date.now() - first.at);
        done();
      });
    }
  } finally {
    await link.close();
  }
}

const [first] = devices as [(typeof devices)[number]];
const quick = { ...first, settings: { ...first.settings, fps: WARM_FPS, speed: 1 as const } };
const warm = new AbortController();
void compiled.promise.then(() => warm.abort());
await watch(quick, 0, warm.signal);
isCompiled = true;
[came, gave] = [0, 0];
const watching = devices.map((device, at) => watch(device, (at * 1000) / plan.fps / plan.cameras, stopping.signal));
await started.promise;
const [before, lookedBefore, lateBefore, cameBefore] = [each(cpuMsOf), told.looks, told.late, gave];
latencyMs = [];
mostWaiting = 0;
await finished.promise;
const after = each(cpuMsOf);
const pictures = gave - cameBefore;
const ran: VisionRun = {
  cpuMs: {
    edge: (after.edge - before.edge) / pictures,
    ffmpeg: (after.ffmpeg - before.ffmpeg) / pictures,
    detector: (after.detector - before.detector) / pictures,
  },
  pictures,
  looks: told.looks - lookedBefore,
  late: told.late - lateBefore,
  mostWaiting,
  latencyMs,
  residentBytes: each(residentBytesOf),
};
stopping.abort();
await Promise.allSettled(watching);
await station.close?.();
await detectors.close();
process.stdout.write(`${JSON.stringify(ran)}\n`);
