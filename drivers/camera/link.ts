/** The link to a camera: one ffmpeg child, started by open and ended by close. I/O only. */
import { stat } from 'node:fs/promises';
import type { Link, Picture } from '../../core/driver.ts';
import { FaultError } from '../../core/faults.ts';
import type { World } from '../../core/world.ts';
import { startPlayback, type StartedPlayback } from './start-playback.ts';
import { exitFault } from './ffmpeg-exit.ts';
import { livePictures } from './live.ts';
import { playOnArrival, playInRealTime, playWithoutLoss } from './play.ts';
import type { UnchangedFrame, TimedFrame } from './player.ts';
import type { StreamFacts } from './ffmpeg-log.ts';
import { mainUrlOf, silenceMsOf, stillBelowOf, type CameraSettings } from './settings.ts';
import { SilenceWatchdog } from './silence-watchdog.ts';
import { cameraSourceOf, type CameraSource } from './source.ts';
import { still } from './still.ts';

export interface CameraLink extends Link<Picture> {
  frames(signal: AbortSignal): AsyncIterable<Picture>;
  /** PID of the ffmpeg child. */
  pid: number | undefined;
  /** Format of the stream, where ffmpeg reported it. */
  stream: StreamFacts | null;
}

/**
 * Resolves once the first picture was read, so a source that cannot be played fails here.
 *
 * @returns rejects with the fault that explains why there is none, or the signal's reason
 */
export async function open(settings: CameraSettings, _points: unknown, world: World, signal?: AbortSignal): Promise<CameraLink> {
  const source = cameraSourceOf(settings);
  const isPipe = 'path' in source.input && await checkClipFile(source.input.path);
  signal?.throwIfAborted();
  const { fps, width, height, loop, decode, hardware } = settings;
  const ring = (await world.ring?.begin()) ?? undefined;
  const playing = await startPlayback(
    { source, fps, size: { width, height }, loop, decode, hardware, ring, stillBelow: stillBelowOf(settings) },
    silenceMsOf(settings),
    world,
    signal,
  ).catch((error: unknown) => {
    ring?.end();
    throw error;
  });
  const { player } = playing;
  if (player.log.stream) ring?.is(player.log.stream);
  void player.exit.then(() => ring?.end());
  const closing = new AbortController();
  const close = () => {
    closing.abort();
    return player.kill();
  };
  const onDropped = (picture: Picture) => {
    picture.late?.();
    world.tell({ kind: 'samples_lost', count: SAMPLES_PER_PICTURE, reason: 'picture_late', intended: false });
  };

  function pictures(): AsyncGenerator<Picture, void> {
    if (source.kind !== 'file')
      return playOnArrival(livePictures({ playing, source, settings, onDropped }, world, closing.signal), world.clock, closing.signal, onDropped);
    // The writer of a pipe may pause.
    const silenceMs = isPipe ? Infinity : Math.max(settings.silence, (MAX_DECODE_SLOWDOWN * 1000) / fps);
    const clip = clipPictures({ playing, source, fps, silenceMs }, world, closing.signal);
    return settings.speed === 'max' ? playWithoutLoss(clip, closing.signal) : playInRealTime(clip, world.clock, closing.signal, onDropped);
  }

  return {
    pid: player.pid,
    ...(playing.standingFault ? { standingFault: playing.standingFault } : {}),
    stream: player.log.stream,
    async* frames(signal) {
      const stop = () => { void close(); };
      signal.addEventListener('abort', stop, { once: true });
      if (signal.aborted) stop();
      try {
        yield* pictures();
      } finally {
        signal.removeEventListener('abort', stop);
        await close();
      }
    },
    // A clip without a main stream has no current picture.
    ...(cameraSourceOf({ ...settings, url: mainUrlOf(settings) }).kind === 'file'
      ? {}
      : { still: (stillSignal: AbortSignal) => still(settings, world, AbortSignal.any([stillSignal, closing.signal])) }),
    close,
  };
}

/** persons, vehicles, occupancy: the samples that one picture gives. */
const SAMPLES_PER_PICTURE = 3;

/** Every frame between two pictures of a clip is decoded: on a slow machine, for a large clip, at most this much slower than real time. */
const MAX_DECODE_SLOWDOWN = 20;

interface Clip {
  playing: StartedPlayback;
  source: CameraSource;
  fps: number;
  /** Longest wait for a picture. */
  silenceMs: number;
}

/** A clip's frame is (file, index, presentation time); ffmpeg gives them at a constant rate. */
async function* clipPictures(
  { playing: { player, first }, source, fps, silenceMs }: Clip,
  { clock, tell }: World,
  closing: AbortSignal,
): AsyncGenerator<Picture, void> {
  const jumpedMs = () => clock.trust?.jumpedMs() ?? 0;
  const startedAt = clock.nowMs() - jumpedMs();
  const silence = new SilenceWatchdog(silenceMs, clock, () => { void player.kill(); });
  let index = 0;
  try {
    for (let frame: TimedFrame | UnchangedFrame | void = first; frame; index += 1) {
      const ptsMs = (index * 1000) / fps;
      if (player.log.damaged()) tell({ kind: 'picture_damaged' });
      const { streamMs: _streamMs, ...picture } = frame;
      if ('isStill' in picture) tell({ kind: 'picture_still' });
      else yield { index, ptsMs, ...picture, takenAt: startedAt + jumpedMs() + ptsMs };
      frame = (await silence.until(player.frames.next())).value;
    }
  } finally {
    silence.end();
  }
  if (silence.isOver)
    throw new FaultError('CV_VIDEO_STOPPED', {
      path: source.redactedUrl,
      detail: `no picture for ${silenceMs} ms`,
      detailZh: `${silenceMs} 毫秒没有图像`,
    });
  if (!closing.aborted)
    throw exitFault({ source, exit: await player.exit, log: player.log, pictures: index, playedMs: (index * 1000) / fps });
}

/** Named pipes are allowed. @returns whether it is one. @throws FaultError CV_VIDEO_MISSING, CV_VIDEO_UNREADABLE */
export async function checkClipFile(path: string): Promise<boolean> {
  const found = await stat(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT' || error.code === 'ENOTDIR') throw new FaultError('CV_VIDEO_MISSING', { path });
    throw new FaultError('CV_VIDEO_UNREADABLE', { path, detail: error.code ?? error.message });
  });
  if (!found.isFile() && !found.isFIFO()) throw new FaultError('CV_VIDEO_UNREADABLE', { path, detail: 'not a file', detailZh: '不是文件' });
  if (found.isFile() && found.size === 0) throw new FaultError('CV_VIDEO_UNREADABLE', { path, detail: '0 bytes', detailZh: '0 字节' });
  return found.isFIFO();
}
