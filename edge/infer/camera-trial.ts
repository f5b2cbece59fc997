/** Looks once at a camera's picture, for `check`: with the detectors that the edge would open, by the station that it has. */
import type { Box } from '../../core/event.ts';
import type { Fault } from '../../core/faults.ts';
import type { ModelSpec } from '../../core/model.ts';
import type { Sample } from '../../core/sample.ts';
import type { World } from '../../core/world.ts';
import type { DetectorPool } from '../../models/pool.ts';
import type { InferCamera } from './camera.ts';
import { infer } from './line.ts';
import type { PictureItem } from '../item.ts';
import { openDetectors } from './detect/open-detectors.ts';

export interface CameraTrial {
  /** What the points have to say of this picture; some need more than one. */
  samples: Sample[];
  /** What was seen, and with what; null when nothing could be looked at. */
  detection: { model: InferCamera['model']; provider: string; boxes: readonly Box[]; tookMs: number } | null;
  /** What is wrong with the model. */
  faults: Fault[];
}

export interface CameraTrials {
  /** @param item null: no picture came, and only the opening is told of. Never rejects. */
  run(device: string, item: PictureItem | null, signal: AbortSignal): Promise<CameraTrial>;
  close(): Promise<void>;
}

/**
 * Each model is opened once, whatever the number of cameras.
 *
 * @param cameras those whose settings name no model are passed over
 * @param pool its processes end with `close`
 */
export async function openCameraTrials(
  cameras: readonly { id: string; settings: unknown }[],
  models: readonly ModelSpec[],
  world: World,
  pool: DetectorPool,
): Promise<CameraTrials> {
  const detectors = await openDetectors(cameras, models, { ...world, tell: () => {} }, pool);
  return {
    async run(device, item, signal) {
      const camera = detectors.byDevice.get(device);
      const told = detectors.faults.get(device);
      if (told || !camera || !item) return { samples: [], detection: null, faults: told ? [told] : [] };
      return look(device, camera, item, world, signal);
    },
    close: () => detectors.close(),
  };
}

async function look(device: string, camera: InferCamera, item: PictureItem, world: World, signal: AbortSignal): Promise<CameraTrial> {
  const looked: CameraTrial = { samples: [], detection: null, faults: [] };
  const { detector, model } = camera;
  let tookMs = 0;
  const quiet: World = {
    ...world,
    tell: (event) => {
      if (event.kind === 'fault') looked.faults.push(event.fault);
      if (event.kind === 'inference') tookMs = event.durationMs;
    },
  };
  const station = infer(new Map([[device, camera]]), quiet, undefined, undefined, {
    tellViewers: ({ boxes }) => {
      looked.detection = { model, provider: detector.provider, boxes, tookMs };
    },
  });
  const end = () => {
    void station.close?.();
  };
  signal.addEventListener('abort', end);
  // Whoever holds a picture lets go of it when all is said of it.
  await new Promise<void>((resolve) => {
    station.take?.([{ ...item, picture: { ...item.picture, hold: () => resolve } }], (samples) => { looked.samples.push(...samples); });
  });
  signal.removeEventListener('abort', end);
  await station.close?.();
  return looked;
}
