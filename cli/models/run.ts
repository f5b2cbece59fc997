/** `cityvitals models run`: runs a model on a picture or a video. */
import { resolve } from 'node:path';
import type { Picture } from '../../core/driver.ts';
import type { Box } from '../../core/event.ts';
import { FaultError } from '../../core/faults.ts';
import { classNameIn, inputSize, type ModelSpec } from '../../core/model.ts';
import type { World } from '../../core/world.ts';
import camera from '../../drivers/camera/driver.ts';
import { rgbToI420 } from '../../models/colours.ts';
import { openDetector } from '../../models/load.ts';
import { EXIT, type CommandTerminal } from '../terminal.ts';
import '../faults.ts';

export interface ModelRunOptions {
  threshold?: string;
  fps?: string;
}

const VIDEO = /\.(mp4|m4v|mov|avi|mkv|webm|ts|flv|mpe?g|mjpe?g|h26[45])$/i;

export async function runModel(
  spec: ModelSpec,
  path: string,
  { threshold, fps = '1' }: ModelRunOptions,
  terminal: CommandTerminal,
  world: World,
): Promise<number> {
  const scoreThreshold = threshold === undefined ? spec.scoreThreshold : Number(threshold);
  if (!(scoreThreshold >= 0 && scoreThreshold <= 1)) throw new FaultError('CV_SCORE_INVALID', { got: threshold ?? '' });
  if (!(Number(fps) >= 0.01 && Number(fps) <= 60)) throw new FaultError('CV_INPUT_INVALID', { key: '--fps', given: fps });
  const isVideo = VIDEO.test(path);
  const pictures = isVideo ? picturesOf(path, Number(fps), world) : [await readImage(path, spec)];
  const detector = await openDetector(spec, { scoreThreshold }, world);
  try {
    for await (const picture of pictures) {
      const { boxes, durationMs } = await detector.detect(picture);
      const place = isVideo ? { index: picture.index, ptsMs: picture.ptsMs } : {};
      if (terminal.json) for (const box of boxes) terminal.record({ model: spec.id, ...place, ...box });
      else {
        if (isVideo) terminal.print(`${(picture.ptsMs / 1000).toFixed(2)} s`);
        for (const line of describe(boxes, durationMs, spec, terminal)) terminal.print(isVideo ? `  ${line}` : line);
      }
    }
    return EXIT.ok;
  } finally {
    await detector.close();
  }
}

/** As a camera gives them that plays the file as fast as they are looked at. */
async function* picturesOf(path: string, fps: number, world: World): AsyncGenerator<Picture> {
  const { signal } = new AbortController();
  const settings = camera.settings.parse({ url: `file:${resolve(path)}`, fps, speed: 'max', motion: 'off' });
  const link = await camera.open(settings, [], world, signal);
  try {
    for await (const picture of (link.frames?.(signal) ?? []) as AsyncIterable<Picture>) yield picture;
  } catch (error) {
    // The end of a clip is not an error here.
    if (!(error instanceof FaultError && error.fault.code === 'CV_VIDEO_ENDED')) throw error;
  } finally {
    await link.close();
  }
}

function describe(boxes: readonly Box[], durationMs: number, spec: ModelSpec, terminal: CommandTerminal): string[] {
  const percent = (share: number) => `${Math.round(share * 100)} %`;
  const named = boxes.map((box) => ({ ...box, class: classNameIn(terminal.language, box.class, spec) }));
  const counts = [...Map.groupBy(named, (box) => box.class)].map(([label, { length }]) => `${length} × ${label}`);
  return [
    ...named.map(
      ({ class: label, score, x, y, width, height }) =>
        `${label} ${score.toFixed(2)}  ${percent(x)} ${percent(y)}, ${percent(width)} × ${percent(height)}`,
    ),
    terminal.text({
      en: `${counts.join(', ') || 'no detections'} in ${Math.round(durationMs)} ms`,
      zh: `${counts.join('、') || '未检测到目标'}，用时 ${Math.round(durationMs)} 毫秒`,
    }),
  ];
}

/** Turned upright, stretched to about the model's input by sharp, whose scaling is better than the worker's. */
async function readImage(path: string, spec: ModelSpec): Promise<Picture> {
  const { default: sharp } = await import('sharp');
  const input = inputSize(spec.input);
  const [width, height] = [even(input.width), even(input.height)];
  try {
    const { autoOrient } = await sharp(path).metadata();
    const rgb = await sharp(path)
      .rotate()
      .flatten({ background: 'white' })
      .toColourspace('srgb')
      .resize(width, height, { fit: 'fill' })
      .raw()
      .toBuffer();
    return { index: 0, ptsMs: 0, width, height, yuv: rgbToI420(rgb, { width, height }), aspect: autoOrient.width / autoOrient.height };
  } catch (error) {
    throw new FaultError('CV_IMAGE_UNREADABLE', { path, detail: (error as Error).message });
  }
}

function even(pixels: number): number {
  return pixels + (pixels % 2);
}
