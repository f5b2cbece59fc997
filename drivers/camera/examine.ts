/** What can be known before a camera starts: its clip, ffmpeg, and the detector it names; and what it sends. */
import { execFile } from 'node:child_process';
import type { Finding } from '../../core/driver.ts';
import { FaultError, faultOf, type Fault } from '../../core/faults.ts';
import type { World } from '../../core/world.ts';
import { MODELS } from '../../models/index.ts';
import { findModel } from '../../models/manifest.ts';
import { verifyModel } from '../../models/verify.ts';
import './faults.ts';
import { checkClipFile, open } from './link.ts';
import type { StreamFacts } from './ffmpeg-log.ts';
import { mainUrlOf, type CameraSettings } from './settings.ts';
import { sourceKindOf, redactUrl, cameraSourceOf } from './source.ts';
import { still } from './still.ts';

/** Every fault at once. */
export async function examine(settings: CameraSettings, _points: unknown, world: World): Promise<Fault[]> {
  const { input } = cameraSourceOf(settings);
  const faults = await Promise.all([
    'path' in input ? checkClipFile(input.path).then(() => null, (error: unknown) => faultOf(error, 'CV_VIDEO_UNREADABLE', { path: input.path })) : null,
    lookAtFfmpeg(isLive(settings.url) || isLive(mainUrlOf(settings))),
    findModel(settings.model, MODELS, world.files).then((spec) => verifyModel(spec, world.files)).catch((error: unknown) => faultOf(error, 'CV_MODEL_GRAPH')),
  ]);
  return faults.filter((fault) => fault !== null);
}

/** Reads one picture, and one of the main stream where that is another. */
export async function probe(settings: CameraSettings, points: unknown, world: World, signal: AbortSignal): Promise<Finding[]> {
  const findings: Finding[] = [];
  const link = await open({ ...settings, fps: Math.max(1, settings.fps), speed: 'max' }, points, world, signal);
  const { shown, kind } = cameraSourceOf(settings);
  try {
    let pictures = 0;
    for await (const { width, height } of link.frames(signal)) {
      pictures += 1;
      // The address of a single picture gives one.
      if (kind === 'http' && pictures === 1) continue;
      findings.push({ en: `a picture of ${width} × ${height} was read from ${shown}`, zh: `已从 ${shown} 读取一幅 ${width} × ${height} 的图像` });
      break;
    }
  } finally {
    await link.close();
  }
  if (link.stream) findings.push(described(link.stream));
  if (link.stream && kind !== 'file') findings.push(...advice(link.stream, settings));
  if (settings.mainUrl === undefined) return findings;
  const main = await still(settings, world, signal);
  return [...findings, { en: `the main stream ${redactUrl(settings.mainUrl)} gives ${main.width} × ${main.height}`, zh: `主码流 ${redactUrl(settings.mainUrl)} 的画面为 ${main.width} × ${main.height}` }];
}

function described({ codec, width, height, fps }: StreamFacts): Finding {
  const rate = fps > 0 ? fps : '?';
  return { en: `it sends ${codec}, ${width} × ${height}, ${rate} pictures a second`, zh: `码流：${codec}，${width} × ${height}，每秒 ${rate} 幅` };
}

/** What a usual sub-stream has: detectors see no more in a larger picture, which costs decoding in proportion. */
const SUB_PIXELS = 640 * 360;
const LARGE_PIXELS = 1024 * 768;
const FAST_TIMES = 3;

function advice({ width, height, fps }: StreamFacts, settings: CameraSettings): Finding[] {
  const times = Math.round((width * height) / SUB_PIXELS);
  return [
    ...(width * height > LARGE_PIXELS ? [{ en: `a sub-stream of about 640 × 360 would cost about 1/${times} to decode: put it at \`url\`, and this one at \`mainUrl\``, zh: `约 640 × 360 的子码流解码开销约为其 1/${times}：建议把子码流写到 \`url\`，本码流写到 \`mainUrl\`` }] : []),
    ...(fps > settings.fps * FAST_TIMES && settings.decode === 'all' ? [{ en: `it sends ${fps} pictures a second and ${settings.fps} are looked at: every one has to be decoded; a lower rate in the camera saves that`, zh: `码流每秒 ${fps} 幅，只用到 ${settings.fps} 幅，但每幅都要解码：在摄像机中降低帧率可节省开销` }] : []),
  ];
}

/** The first that reads a list with options of its inputs, and takes `-fps_mode`. */
const OLDEST_FOR_LIVE = [5, 1] as const;

async function lookAtFfmpeg(forLive: boolean): Promise<Fault | null> {
  const said = await new Promise<string | null>((resolve) => {
    execFile('ffmpeg', ['-hide_banner', '-version'], (error, stdout) => resolve(error?.code === 'ENOENT' ? null : stdout));
  });
  if (said === null) return new FaultError('CV_FFMPEG_MISSING').fault;
  // One that was built from its sources of some day has no such number.
  const [, version, major, minor] = /^ffmpeg version n?((\d+)\.(\d+)\S*)/.exec(said) ?? [];
  const [oldestMajor, oldestMinor] = OLDEST_FOR_LIVE;
  const isOld = version !== undefined && (Number(major) < oldestMajor || (Number(major) === oldestMajor && Number(minor) < oldestMinor));
  return forLive && isOld ? new FaultError('CV_FFMPEG_OLD', { detail: `version ${version}`, detailZh: `版本 ${version}` }).fault : null;
}

function isLive(url: string): boolean {
  return sourceKindOf(url) !== 'file';
}
