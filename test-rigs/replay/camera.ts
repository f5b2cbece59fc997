/** A camera's case: its clip through the camera's own link and detector, picture by picture, on a virtual clock. */
import { join } from 'node:path';
import type { Case } from '../../cases/case.ts';
import { fixedPoints, type Driver, type Picture } from '../../core/driver.ts';
import { FaultError } from '../../core/faults.ts';
import { faultLine, type ResultLine } from '../../cases/result-lines.ts';
import { sampleLine } from '../../core/sample.ts';
import { VirtualClock } from '../../core/virtual-clock.ts';
import { realFiles, realNet, seededRandom, type World } from '../../core/world.ts';
import { infer } from '../../edge/infer/line.ts';
import { openDetectors } from '../../edge/infer/detect/open-detectors.ts';
import { MODELS } from '../../models/index.ts';
import { recordDeliveries } from './delivered.ts';

export interface CameraReplay {
  lines: ResultLine[];
  /** What was looked at, as lines of `frames.jsonl`. */
  frames: { afterUs: number; file: string; index: number; ptsMs: number }[];
}

/** @throws what a detector that cannot be opened tells, as a FaultError */
export async function replayCamera(
  recorded: Case,
  driver: Driver,
  signal: AbortSignal = new AbortController().signal,
): Promise<CameraReplay> {
  const [device] = recorded.devices;
  const clock = new VirtualClock(recorded.startsAt);
  const world: World = { clock, random: seededRandom(1), files: realFiles, net: realNet, tell: () => {} };
  const file = String(device.settings.url).replace('file:', '');
  const settings = driver.settings.parse({ ...device.settings, url: `file:${join(recorded.folder, file)}` });
  const detectors = await openDetectors([{ id: device.id, settings }], MODELS, world);
  const [fault] = detectors.faults.values();
  if (fault) throw new FaultError(fault.code, fault.params);
  const station = infer(detectors.byDevice, world);
  const replay: CameraReplay = { lines: [], frames: [] };
  try {
    const link = await driver.open(settings, [], world, signal);
    try {
      for await (const picture of (link.frames?.(signal) ?? []) as AsyncIterable<Picture>) {
        const { index, ptsMs, takenAt = recorded.startsAt } = picture;
        replay.frames.push({ afterUs: Math.round(ptsMs * 1000), file, index, ptsMs });
        const handed = recordDeliveries(picture);
        station.take?.(
          [{ device: device.id, picture: handed.picture, at: takenAt, observedAt: takenAt, points: fixedPoints(driver, settings) }],
          (samples) => {
            replay.lines.push(...samples.map(sampleLine));
          },
        );
        await handed.done;
      }
    } finally {
      await link.close();
    }
  } catch (error) {
    if (!(error instanceof FaultError)) throw error;
    // Where the case lies is no part of what it gives.
    const { code, params } = error.fault;
    const { fps } = settings as { fps: number };
    replay.lines.push(faultLine({ code, params: { ...params, path: file } }, recorded.startsAt + (replay.frames.length * 1000) / fps));
  } finally {
    await station.close?.();
    await detectors.close();
  }
  return replay;
}
