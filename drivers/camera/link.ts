/** The way to a camera's pictures: one ffmpeg child, started by open and gone after close. I/O only. */
import { stat } from 'node:fs/promises';
import type { Link, Picture } from '../../core/driver.ts';
import { FaultError } from '../../core/faults.ts';
import type { World } from '../../core/world.ts';
import { exitFault, startFfmpeg } from './ffmpeg.ts';
import { inItsOwnTime, withoutLoss } from './play.ts';
import { clipPath, type CameraSettings } from './settings.ts';
import type { Shot } from './y4m.ts';

export interface CameraLink extends Link<Picture> {
  frames(signal: AbortSignal): AsyncIterable<Picture>;
  /** Of the ffmpeg child. */
  pid: number | undefined;
}

/**
 * Resolves with the first picture in hand, so a clip that cannot be played is known here.
 *
 * @returns rejects with CV_VIDEO_MISSING, CV_VIDEO_UNREADABLE, CV_VIDEO_STOPPED, CV_FFMPEG_MISSING, or the
 *   signal's reason
 */
export async function open(settings: CameraSettings, _points: unknown, world: World, signal?: AbortSignal): Promise<CameraLink> {
  const path = clipPath(settings);
  await lookAt(path);
  signal?.throwIfAborted();
  const player = startFfmpeg({ path, fps: settings.fps, width: settings.width, height: settings.height, loop: settings.loop });
  const closing = new AbortController();
  const close = () => {
    closing.abort();
    return player.kill();
  };
  const abort = () => { void close(); };
  signal?.addEventListener('abort', abort, { once: true });
  const first = await player.frames.next().catch(async (error: unknown) => {
    await close();
    throw error;
  });
  signal?.removeEventListener('abort', abort);
  if (first.done) {
    const exit = await player.exit;
    await close();
    if (signal?.aborted) throw signal.reason;
    throw exitFault(path, exit, 0);
  }

  async function* pictures(firstShot: Shot): AsyncGenerator<Picture, void> {
    const jumpedMs = () => world.clock.trust?.jumpedMs() ?? 0;
    const startedAt = world.clock.nowMs() - jumpedMs();
    let index = 0;
    for (let shot: Shot | void = firstShot; shot; index += 1) {
      const ptsMs = (index * 1000) / settings.fps;
      yield { index, ptsMs, ...shot, takenAt: startedAt + jumpedMs() + ptsMs };
      shot = (await player.frames.next()).value;
    }
    if (!closing.signal.aborted) throw exitFault(path, await player.exit, index);
  }

  return {
    pid: player.pid,
    async* frames(signal) {
      const stop = () => { void close(); };
      signal.addEventListener('abort', stop, { once: true });
      if (signal.aborted) stop();
      try {
        const source = pictures(first.value);
        const late = () => world.tell({ kind: 'samples_lost', count: SAMPLES_A_PICTURE, reason: 'picture_late', intended: false });
        yield* settings.speed === 'max' ? withoutLoss(source, closing.signal) : inItsOwnTime(source, world.clock, closing.signal, late);
      } finally {
        signal.removeEventListener('abort', stop);
        await close();
      }
    },
    close,
  };
}

/** persons, vehicles, occupancy: what one picture would have given. */
const SAMPLES_A_PICTURE = 3;

/** A pipe is let through: somebody may write a video into it. @throws FaultError CV_VIDEO_MISSING, CV_VIDEO_UNREADABLE */
export async function lookAt(path: string): Promise<void> {
  const found = await stat(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT' || error.code === 'ENOTDIR') throw new FaultError('CV_VIDEO_MISSING', { path });
    throw new FaultError('CV_VIDEO_UNREADABLE', { path, detail: error.code ?? error.message });
  });
  if (!found.isFile() && !found.isFIFO()) throw new FaultError('CV_VIDEO_UNREADABLE', { path, detail: 'it is no file' });
  if (found.isFile() && found.size === 0) throw new FaultError('CV_VIDEO_UNREADABLE', { path, detail: '0 bytes' });
}
