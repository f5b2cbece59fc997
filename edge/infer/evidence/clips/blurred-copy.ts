/**
 * The copy of a clip that may leave: each of its pictures decoded, looked at for faces as any picture that leaves is, wiped out
 * and encoded anew, smaller. Fail closed: if one picture cannot be looked at there is no copy. Slow on purpose: one at a time,
 * behind everything else, and as long idle as it works.
 */
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import type { Picture } from '../../../../core/driver.ts';
import type { Box } from '../../../../core/event.ts';
import type { EvidenceFolder } from '../../../../log/evidence/evidence-folder.ts';
import { FaultError, faultOf } from '../../../../core/faults.ts';
import { pause, type World } from '../../../../core/world.ts';
import { SilenceWatchdog } from '../../../../drivers/camera/silence-watchdog.ts';
import { Y4mCutter, type Y4mFrame } from '../../../../drivers/camera/y4m.ts';
import type { Detector } from '../../../../models/detector.ts';
import type { BlurFinder } from '../blur-finder.ts';
import { redact } from '../redact.ts';
import type { RecordedClip } from './event-clips.ts';
import { runFfmpeg } from './ffmpeg-run.ts';
import type { ClipSetup } from './setup.ts';
import '../../../../log/evidence/faults.ts';

export interface ClipCopyParts {
  settings: Pick<ClipSetup, 'copy'>;
  /** Where a copy is made. */
  workDir: string;
  blurFinder: BlurFinder;
  /** Finds the people on whose heads is looked for faces; undefined: the camera is gone. */
  detectorOf(device: string): Pick<Detector, 'detect'> | undefined;
  /** Of clips, and of what goes to the gateway. */
  clips(): Pick<EvidenceFolder, 'pathOf' | 'find'> | null;
  outgoing(): Pick<EvidenceFolder, 'put'> | null;
  onWaiting(): void;
}

/** Longest that a copy may take, all idling in it. */
const LIMIT_MS = 1_800_000;
/** An ffmpeg that gives or takes no picture for so long hangs, though it stands behind everything else: other copies wait. */
const SILENCE_MS = 120_000;
/** A face that is found in a picture is wiped out in so many before and after it, too: between two that show it may be one in which it is missed. */
const AROUND = 2;
const MOST_BITS_A_SECOND = 1_200_000;

/** A picture, and what of it nobody may recognise. */
interface PictureWithFaces {
  shot: Y4mFrame;
  places: readonly Box[];
}

export function blurredClipCopier(parts: ClipCopyParts, world: World): (made: RecordedClip, signal: AbortSignal) => Promise<RecordedClip> {
  return async (made, signal) => {
    const { device, clip } = made;
    const ending = new AbortController();
    const silence = new SilenceWatchdog(SILENCE_MS, world.clock, () => ending.abort(new Error(`ffmpeg hung for ${SILENCE_MS} ms`)));
    const out = join(parts.workDir, `coming-copy-${clip.sha256}`);
    try {
      const { width, height, pictures } = await encoded(made, out, parts, world, silence, AbortSignal.any([signal, ending.signal]));
      const content = await readFile(out);
      const { fps, size } = parts.settings.copy;
      if (content.length > size) throw unmade(device, `${content.length} bytes, larger than ${size}`, `${content.length} 字节，超过 ${size}`);
      const folder = parts.outgoing();
      if (!folder) throw unmade(device, 'no folder', '没有目录');
      const sha256 = createHash('sha256').update(content).digest('hex');
      await folder.put({ sha256, mime: 'video/mp4', atMs: clip.fromAt }, content, 'waiting');
      world.tell({ kind: 'evidence_kept', count: 1, bytes: content.length, device });
      parts.onWaiting();
      return {
        device,
        clip: {
          ...clip,
          sha256,
          mime: 'video/mp4',
          bytes: content.length,
          durationMs: Math.round((pictures * 1000) / fps),
          codec: 'h264',
          width,
          height,
          blurred: true,
        },
      };
    } catch (error) {
      ending.abort();
      if (signal.aborted) throw error;
      const { code, params } = faultOf(error, 'CV_CLIP_UNMADE', { device, detail: (error as Error).message });
      throw new FaultError(
        'CV_CLIP_UNBLURRED',
        { device, cause: code, detail: String(params.detail ?? ''), ...(params.detailZh !== undefined && { detailZh: params.detailZh }) },
        { cause: error },
      );
    } finally {
      silence.end();
      await rm(out, { force: true });
    }
  };
}

async function encoded(
  { device, clip }: RecordedClip,
  out: string,
  parts: ClipCopyParts,
  { clock }: World,
  silence: SilenceWatchdog,
  signal: AbortSignal,
): Promise<{ width: number; height: number; pictures: number }> {
  const {
    copy: { width, fps, size },
  } = parts.settings;
  const path = parts.clips()?.pathOf(clip.sha256);
  const content = parts.clips()?.find(clip.sha256);
  if (!path || !content) throw unmade(device, 'the clip is gone', '短视频已不在');
  // Pixels as wide as high: the copy needs to know nothing of the camera's.
  const scaled = `fps=${fps},scale=w='2*max(8,trunc(min(${width},iw*sar)/2))':h='2*max(8,trunc(ow/dar/2))':flags=bilinear:out_range=tv,setsar=1`;
  const source = runFfmpeg(
    [
      '-protocol_whitelist',
      'file,pipe',
      '-i',
      // Its index stands first in an MP4 of ours, so that it can be read from a pipe: what is encrypted is never plain on the disk.
      content.isEncrypted ? 'pipe:0' : `file:${path}`,
      '-map',
      '0:v:0',
      '-vf',
      scaled,
      '-pix_fmt',
      'yuv420p',
      '-f',
      'yuv4mpegpipe',
      'pipe:1',
    ],
    LIMIT_MS,
    clock,
    signal,
  );
  const given = content.isEncrypted ? pipeline(content.stream(), source.stdin) : Promise.resolve(source.stdin.end());
  // A damaged clip ends here with its fault; ffmpeg, cut short, would only say that something is missing.
  let unread: unknown = null;
  given.catch((error: unknown) => { unread = error; });
  let sink: ReturnType<typeof runFfmpeg> | null = null;
  let pictures = 0;
  let sides = { width: 0, height: 0 };
  const write = async ({ yuv, width: wide, height: high }: Pick<Picture, 'yuv' | 'width' | 'height'>) => {
    if (!sink) {
      sides = { width: wide, height: high };
      const bits = Math.round(Math.min(MOST_BITS_A_SECOND, (size * 8 * 0.9) / (clip.durationMs / 1000 + 2)));
      sink = runFfmpeg(
        [
          '-f',
          'rawvideo',
          '-pix_fmt',
          'yuv420p',
          '-s',
          `${wide}x${high}`,
          '-r',
          String(fps),
          '-i',
          'pipe:0',
          '-c:v',
          'libx264',
          '-preset',
          'veryfast',
          '-crf',
          '27',
          '-maxrate',
          String(bits),
          '-bufsize',
          String(bits),
          '-pix_fmt',
          'yuv420p',
          '-movflags',
          '+faststart',
          '-f',
          'mp4',
          '-y',
          `file:${out}`,
        ],
        LIMIT_MS,
        clock,
        signal,
      );
      sink.stdout.resume();
    }
    if (wide !== sides.width || high !== sides.height) throw unmade(device, 'its pictures change their size', '图像尺寸中途变化');
    pictures += 1;
    if (!sink.stdin.write(yuv)) await silence.until(Promise.race([once(sink.stdin, 'drain', { signal }), sink.done]));
  };
  const near: PictureWithFaces[] = [];
  const detector = parts.detectorOf(device);
  if (!detector) throw unmade(device, 'its camera is gone', '摄像机已移除');
  let index = 0;
  /** The picture that has seen all its neighbours, or all that there are. */
  const release = async (at: number) => {
    const { shot } = near[at] as PictureWithFaces;
    await write(redact(shot, near.slice(Math.max(0, at - AROUND), at + AROUND + 1).flatMap(({ places }) => places)));
  };
  const shots = shotsOf(source.stdout);
  for (let next = await silence.until(shots.next()); !next.done; next = await silence.until(shots.next())) {
    const shot = next.value;
    const startedMs = clock.monotonicMs();
    const { width: wide, height: high, yuv } = shot;
    // Without its `keep`: its memory is ours until it is written.
    const picture: Picture = { index, ptsMs: (index * 1000) / fps, width: wide, height: high, yuv };
    const { boxes } = await detector.detect(picture, signal);
    near.push({ shot, places: await parts.blurFinder.find(picture, boxes, signal) });
    index += 1;
    if (near.length > AROUND) await release(near.length - 1 - AROUND);
    if (near.length > 2 * AROUND) near.shift();
    // Others have their turn at the detectors and the processor.
    if (!(await pause(clock, clock.monotonicMs() - startedMs, signal))) throw signal.reason;
  }
  await source.done.catch((error: unknown) => { throw unread instanceof FaultError ? unread : error; });
  if (unread instanceof FaultError) throw unread;
  for (let at = Math.max(0, near.length - AROUND); at < near.length; at += 1) await release(at);
  const finished = sink as ReturnType<typeof runFfmpeg> | null;
  if (!finished || pictures !== index) throw unmade(device, 'there is no picture in it', '其中没有图像');
  finished.stdin.end();
  await silence.until(finished.done);
  return { ...sides, pictures };
}

async function* shotsOf(stream: AsyncIterable<unknown>): AsyncGenerator<Y4mFrame, void> {
  const cutter = new Y4mCutter();
  for await (const chunk of stream) {
    for (let bytes = chunk as Uint8Array; bytes.length > 0;) {
      const room = cutter.room();
      const part = bytes.subarray(0, room.length);
      room.set(part);
      bytes = bytes.subarray(part.length);
      const shot = cutter.took(part.length);
      if (shot) yield shot;
    }
  }
}

const unmade = (device: string, detail: string, detailZh: string) => new FaultError('CV_CLIP_UNMADE', { device, detail, detailZh });
