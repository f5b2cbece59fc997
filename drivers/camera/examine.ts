/** What can be known before a camera starts: its clip, ffmpeg, and the detector it names. */
import { spawn } from 'node:child_process';
import type { Finding } from '../../core/driver.ts';
import { FaultError, faultOf, type Fault } from '../../core/faults.ts';
import type { World } from '../../core/world.ts';
import { MODELS } from '../../models/index.ts';
import { findModel } from '../../models/manifest.ts';
import { verifyModel } from '../../models/verify.ts';
import { lookAt, open } from './link.ts';
import { clipPath, type CameraSettings } from './settings.ts';

/** Every fault at once. */
export async function examine(settings: CameraSettings, _points: unknown, world: World): Promise<Fault[]> {
  const faults = await Promise.all([
    lookAt(clipPath(settings)).then(() => null, (error: unknown) => faultOf(error, 'CV_VIDEO_UNREADABLE', { path: clipPath(settings) })),
    findFfmpeg().then((found) => (found ? null : new FaultError('CV_FFMPEG_MISSING').fault)),
    findModel(settings.model, MODELS, world.files).then((spec) => verifyModel(spec, world.files)).catch((error: unknown) => faultOf(error, 'CV_MODEL_GRAPH')),
  ]);
  return faults.filter((fault) => fault !== null);
}

/** Reads one picture. */
export async function probe(settings: CameraSettings, points: unknown, world: World, signal: AbortSignal): Promise<Finding[]> {
  const path = clipPath(settings);
  const link = await open({ ...settings, speed: 'max' }, points, world, signal);
  try {
    for await (const { width, height } of link.frames(signal)) {
      return [{ en: `a picture of ${width} × ${height} was read from ${path}`, zh: `已从 ${path} 读取一幅 ${width} × ${height} 的图像` }];
    }
    return [];
  } finally {
    await link.close();
  }
}

function findFfmpeg(): Promise<boolean> {
  return new Promise((resolve) => {
    const child = spawn('ffmpeg', ['-version'], { stdio: 'ignore', shell: false });
    child.once('error', () => resolve(false));
    child.once('exit', () => resolve(true));
  });
}
