/** A clip through the camera's own link and the edge's infer station, gate and all: what zones and lines said, and in which picture. */
import type { z } from 'zod';
import { fixedPoints } from '../../core/driver.ts';
import { FaultError } from '../../core/faults.ts';
import type { SCENE_FIELDS } from '../../scene/settings.ts';
import { realWorld } from '../../core/world.ts';
import driver from '../../drivers/camera/driver.ts';
import { open } from '../../drivers/camera/link.ts';
import { settings as cameraSettings } from '../../drivers/camera/settings.ts';
import { infer } from '../../edge/infer/line.ts';
import { cameraPipeline } from '../../edge/infer/camera-pipeline.ts';
import type { Detector } from '../../models/load.ts';
import { recordDeliveries } from '../replay/delivered.ts';
import { findBlobs } from './blobs.ts';

export interface ClipEvent {
  point: string;
  value: number;
  picture: number;
  second: number;
}

/** For rendered clips. */
export const BLOBS: Detector = {
  model: 'blobs',
  provider: 'none',
  detect: async (next) => ({ boxes: findBlobs(typeof next === 'function' ? next() : next), durationMs: 0 }),
  close: async () => {},
};

/** Occurrences, and other values where they change. @param sureScore from which a box of the detector is believed */
export async function eventsOfClip(
  path: string,
  fps: number,
  scene: z.input<z.ZodObject<typeof SCENE_FIELDS>>,
  detector = BLOBS,
  sureScore = 0.4,
): Promise<ClipEvent[]> {
  const settings = cameraSettings.parse({ url: `file:${path}`, fps, speed: 'max', ...scene });
  const world = realWorld(() => {});
  const points = fixedPoints(driver, settings);
  const station = infer(new Map([['cam', { detector, pipeline: cameraPipeline(settings, sureScore) }]]), world);
  const link = await open(settings, [], world);
  const last = new Map<string, unknown>();
  const events: ClipEvent[] = [];
  try {
    for await (const picture of link.frames(new AbortController().signal)) {
      const { index, ptsMs } = picture;
      const samples: { point: string; value: unknown }[] = [];
      const handed = recordDeliveries(picture);
      station.take?.([{ device: 'cam', picture: handed.picture, at: ptsMs, observedAt: ptsMs, points }], (given) => {
        samples.push(...given);
      });
      await handed.done;
      for (const { point, value } of samples) {
        if (driver.points && point in driver.points) continue;
        if (points[point]?.kind !== 'occurrence' && last.get(point) === value) continue;
        last.set(point, value);
        events.push({ point, value: value as number, picture: index, second: ptsMs / 1000 });
      }
    }
  } catch (error) {
    if (!(error instanceof FaultError) || error.fault.code !== 'CV_VIDEO_ENDED') throw error;
  } finally {
    await link.close();
    await station.close?.();
  }
  return events;
}
