/** Reads a picture of a camera and describes its stream, for `check`. */
import type { ProbeFinding } from '../../core/driver.ts';
import type { World } from '../../core/world.ts';
import type { StreamFacts } from './ffmpeg-log.ts';
import { open } from './link.ts';
import type { CameraSettings } from './settings.ts';
import { cameraSourceOf, redactCameraUrl } from './source.ts';
import { still } from './still.ts';

/** Reads one picture, and one of the main stream where there is one. */
export async function probe(settings: CameraSettings, points: unknown, world: World, signal: AbortSignal): Promise<ProbeFinding[]> {
  const findings: ProbeFinding[] = [];
  const link = await open({ ...settings, fps: Math.max(1, settings.fps), speed: 'max' }, points, world, signal);
  const { redactedUrl, kind } = cameraSourceOf(settings);
  try {
    let pictures = 0;
    for await (const { width, height } of link.frames(signal)) {
      pictures += 1;
      // A snapshot address gives one picture.
      if (kind === 'http' && pictures === 1) continue;
      findings.push({
        en: `a picture of ${width} × ${height} was read from ${redactedUrl}`,
        zh: `已从 ${redactedUrl} 读取一幅 ${width} × ${height} 的图像`,
      });
      break;
    }
  } finally {
    await link.close();
  }
  if (link.stream) findings.push(streamFinding(link.stream));
  if (link.stream && kind !== 'file') findings.push(...advice(link.stream, settings));
  if (settings.mainUrl === undefined) return findings;
  const main = await still(settings, world, signal);
  return [
    ...findings,
    {
      en: `the main stream ${redactCameraUrl(settings.mainUrl)} gives ${main.width} × ${main.height}`,
      zh: `主码流 ${redactCameraUrl(settings.mainUrl)} 的画面为 ${main.width} × ${main.height}`,
    },
  ];
}

function streamFinding({ codec, width, height, fps }: StreamFacts): ProbeFinding {
  const rate = fps > 0 ? fps : '?';
  return { en: `it sends ${codec}, ${width} × ${height}, ${rate} pictures a second`, zh: `码流：${codec}，${width} × ${height}，每秒 ${rate} 幅` };
}

/** Size of a usual sub-stream: a larger picture costs more decoding without better detection. */
const SUB_PIXELS = 640 * 360;
const LARGE_PIXELS = 1024 * 768;
const FAST_TIMES = 3;

function advice({ width, height, fps }: StreamFacts, settings: CameraSettings): ProbeFinding[] {
  const times = Math.round((width * height) / SUB_PIXELS);
  return [
    ...(width * height > LARGE_PIXELS
      ? [
          {
            en: `a sub-stream of about 640 × 360 would cost about 1/${times} to decode: put it at \`url\`, and this one at \`mainUrl\``,
            zh: `约 640 × 360 的子码流解码开销约为其 1/${times}：建议把子码流写到 \`url\`，本码流写到 \`mainUrl\``,
          },
        ]
      : []),
    ...(fps > settings.fps * FAST_TIMES && settings.decode === 'all'
      ? [
          {
            en: `it sends ${fps} pictures a second and ${settings.fps} are looked at: every one has to be decoded; a lower rate in the camera saves that`,
            zh: `码流每秒 ${fps} 幅，只用到 ${settings.fps} 幅，但每幅都要解码：在摄像机中降低帧率可节省开销`,
          },
        ]
      : []),
  ];
}
