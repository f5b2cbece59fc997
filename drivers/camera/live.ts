/** A live stream's pictures: their times, their number a second, and what is said when the stream misbehaves. */
import type { Picture } from '../../core/driver.ts';
import type { World } from '../../core/world.ts';
import { sendsNoTimes, withTimeout, type StartedPlayback } from './start-playback.ts';
import { exitFault } from './ffmpeg-exit.ts';
import './faults.ts';
import type { UnchangedFrame, TimedFrame } from './player.ts';
import { AdaptiveFrameRate } from './adaptive-frame-rate.ts';
import { silenceMsOf, type CameraSettings } from './settings.ts';
import type { CameraSource } from './source.ts';
import { StreamTimes } from './stream-times.ts';
import type { Y4mFrame } from './y4m.ts';

export interface LiveStream {
  playing: StartedPlayback;
  source: CameraSource;
  settings: CameraSettings;
  /** Told each picture that is left out because those before it were too many. */
  late(picture: Picture): void;
}

/** A clock that leaps again and again is not told each time. */
const LEAP_TOLD_EVERY_MS = 60_000;
/** Longest time in which pictures that are as the one before are not given. */
const STILL_MOST_MS = 1000;

/** @throws FaultError CV_CAMERA_SILENT, CV_CAMERA_CHANGED, CV_CAMERA_CLOSED, CV_VIDEO_STOPPED */
export async function* livePictures(
  { playing: { player, first, remembered }, source, settings, late }: LiveStream,
  world: World,
  closing: AbortSignal,
): AsyncGenerator<Picture, void> {
  const { clock } = world;
  const address = source.redactedUrl;
  const silenceMs = silenceMsOf(settings);
  // The clock that ffmpeg takes theirs from may be set.
  const isUntimed = sendsNoTimes(source, player.log);
  remembered.startedMs ??= clock.monotonicMs();
  const times = new StreamTimes(Math.max(remembered.ptsMs + 1, Math.round(clock.monotonicMs() - remembered.startedMs)));
  const { fps, minFps } = settings;
  const rate = new AdaptiveFrameRate(fps, minFps ?? fps);
  let pictures = 0;
  let isSlowTold = false;
  /** The one that was given last, and when. */
  let shot: Y4mFrame = first;
  let release: (() => void) | undefined;
  let gaveMs = -Infinity;
  try {
    for (
      let timed: TimedFrame | UnchangedFrame | void = first;
      timed;
      timed = (await withTimeout(player.frames.next(), silenceMs, address, clock)).value
    ) {
      const { streamMs = 0, ...came } = timed;
      const cameMs = clock.monotonicMs();
      const { ptsMs, agoMs, leaptMs } = times.take({ streamMs: isUntimed ? null : streamMs, cameMs });
      player.pieces?.place(streamMs, ptsMs);
      if (leaptMs !== undefined && cameMs - remembered.leapToldMs >= LEAP_TOLD_EVERY_MS) {
        remembered.leapToldMs = cameMs;
        world.tell({ kind: 'fault', fault: { code: 'CV_CAMERA_TIME', params: { address, leaptMs } } });
      }
      if (player.log.damaged()) world.tell({ kind: 'picture_damaged' });
      remembered.pictures += 1;
      remembered.ptsMs = ptsMs;
      pictures += 1;
      if ('isStill' in came) {
        world.tell({ kind: 'picture_still' });
        // Of a camera that gives few, the picture that still holds is a sign of life.
        if (cameMs - gaveMs < STILL_MOST_MS) continue;
      } else {
        release?.();
        release = came.keep?.();
        shot = came;
      }
      gaveMs = cameMs;
      const picture: Picture = { index: remembered.pictures - 1, ptsMs, ...shot, takenAt: clock.nowMs() - agoMs, late: () => rate.late() };
      if (rate.wants(ptsMs)) yield picture;
      else late({ ...picture, late: () => {} });
      if (minFps !== undefined && rate.isSlow !== isSlowTold) {
        isSlowTold = rate.isSlow;
        world.tell(
          isSlowTold
            ? { kind: 'fault', fault: { code: 'CV_CAMERA_SLOW', params: { address, minFps } } }
            : { kind: 'fault_cleared', code: 'CV_CAMERA_SLOW' },
        );
      }
    }
    if (!closing.aborted) throw exitFault({ source, exit: await player.exit, log: player.log, pictures });
  } finally {
    release?.();
    if (isSlowTold) world.tell({ kind: 'fault_cleared', code: 'CV_CAMERA_SLOW' });
  }
}
