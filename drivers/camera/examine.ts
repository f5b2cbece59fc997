/** Checks a camera's clip, ffmpeg and detector without the camera. */
import { execFile } from 'node:child_process';
import { FaultError, faultOf, type Fault } from '../../core/faults.ts';
import type { World } from '../../core/world.ts';
import { MODELS } from '../../models/index.ts';
import { findModel } from '../../models/manifest.ts';
import { verifyModel } from '../../models/verify.ts';
import './faults.ts';
import { checkClipFile } from './link.ts';
import { mainUrlOf, type CameraSettings } from './settings.ts';
import { sourceKindOf, cameraSourceOf } from './source.ts';

/** @returns all faults at once */
export async function examine(settings: CameraSettings, _points: unknown, world: World): Promise<Fault[]> {
  const { input } = cameraSourceOf(settings);
  const faults = await Promise.all([
    'path' in input
      ? checkClipFile(input.path).then(
          () => null,
          (error: unknown) => faultOf(error, 'CV_VIDEO_UNREADABLE', { path: input.path }),
        )
      : null,
    checkFfmpeg(isLive(settings.url) || isLive(mainUrlOf(settings))),
    findModel(settings.model, MODELS, world.files)
      .then((spec) => verifyModel(spec, world.files))
      .catch((error: unknown) => faultOf(error, 'CV_MODEL_GRAPH')),
  ]);
  return faults.filter((fault) => fault !== null);
}

/** The first version that reads a list with input options, and supports `-fps_mode`. */
const OLDEST_FOR_LIVE = [5, 1] as const;

async function checkFfmpeg(forLive: boolean): Promise<Fault | null> {
  const output = await new Promise<string | null>((resolve) => {
    execFile('ffmpeg', ['-hide_banner', '-version'], (error, stdout) => resolve(error?.code === 'ENOENT' ? null : stdout));
  });
  if (output === null) return new FaultError('CV_FFMPEG_MISSING').fault;
  // A development build has no version number.
  const [, version, major, minor] = /^ffmpeg version n?((\d+)\.(\d+)\S*)/.exec(output) ?? [];
  const [oldestMajor, oldestMinor] = OLDEST_FOR_LIVE;
  const isOld = version !== undefined && (Number(major) < oldestMajor || (Number(major) === oldestMajor && Number(minor) < oldestMinor));
  return forLive && isOld ? new FaultError('CV_FFMPEG_OLD', { detail: `version ${version}`, detailZh: `版本 ${version}` }).fault : null;
}

function isLive(url: string): boolean {
  return sourceKindOf(url) !== 'file';
}
