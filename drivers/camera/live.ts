/** Pictures of a live stream: times, rate, and faults of the stream. */
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
  /** Called with each picture that is left out under overload. */
  onDropped(picture: Picture): void;
}

/** Repeated jumps of a camera's clock are reported at most this often. */
const MIN_LEAP_REPORT_MS = 60_000;
/** Unchanged pictures are passed on at least this often. */
const MAX_STILL_MS = 1000;

/** @throws FaultError CV_CAMERA_SILENT, CV_CAMERA_CHANGED, CV_CAMERA_CLOSED, CV_VIDEO_STOPPED */
export async function* livePictures(
  { playing: { player, first, state }, source, settings, onDropped }: LiveStream,
  world: World,
  closing: AbortSignal,
): AsyncGenerator<Picture, void> {
  const { clock } = world;
  const address = source.redactedUrl;
  const silenceMs = silenceMsOf(settings);
  // ffmpeg would use the system clock, which may be set.
  const isUntimed = sendsNoTimes(source, player.log);
  state.startedMs ??= clock.monotonicMs();
  const times = new StreamTimes(Math.max(state.ptsMs + 1, Math.round(clock.monotonicMs() - state.startedMs)));
  const { fps, minFps } = settings;
  const rate = new AdaptiveFrameRate(fps, minFps ?? fps);
  let pictures = 0;
  let isSlowReported = false;
  /** The picture passed on last, and when. */
  let latest: Y4mFrame = first;
  let release: (() => void) | undefined;
  let passedAtMs = -Infinity;
  try {
    for (
      let timed: TimedFrame | UnchangedFrame | void = first;
      timed;
      timed = (await withTimeout(player.frames.next(), silenceMs, address, clock)).value
    ) {
      const { streamMs = 0, ...frame } = timed;
      const arrivedMs = clock.monotonicMs();
      const { ptsMs, agoMs, leaptMs } = times.take({ streamMs: isUntimed ? null : streamMs, arrivedMs });
      player.pieces?.place(streamMs, ptsMs);
      if (leaptMs !== undefined && arrivedMs - state.leapReportedMs >= MIN_LEAP_REPORT_MS) {
        state.leapReportedMs = arrivedMs;
        world.tell({ kind: 'fault', fault: { code: 'CV_CAMERA_TIME', params: { address, leaptMs } } });
      }
      if (player.log.damaged()) world.tell({ kind: 'picture_damaged' });
      state.pictures += 1;
      state.ptsMs = ptsMs;
      pictures += 1;
      if ('isStill' in frame) {
        world.tell({ kind: 'picture_still' });
        // With a low rate the unchanged picture is passed on as a sign of life.
        if (arrivedMs - passedAtMs < MAX_STILL_MS) continue;
      } else {
        release?.();
        release = frame.keep?.();
        latest = frame;
      }
      passedAtMs = arrivedMs;
      const picture: Picture = { index: state.pictures - 1, ptsMs, ...latest, takenAt: clock.nowMs() - agoMs, late: () => rate.recordDropped() };
      if (rate.accepts(ptsMs)) yield picture;
      else onDropped({ ...picture, late: () => {} });
      if (minFps !== undefined && rate.isSlow !== isSlowReported) {
        isSlowReported = rate.isSlow;
        world.tell(
          isSlowReported
            ? { kind: 'fault', fault: { code: 'CV_CAMERA_SLOW', params: { address, minFps } } }
            : { kind: 'fault_cleared', code: 'CV_CAMERA_SLOW' },
        );
      }
    }
    if (!closing.aborted) throw exitFault({ source, exit: await player.exit, log: player.log, pictures });
  } finally {
    release?.();
    if (isSlowReported) world.tell({ kind: 'fault_cleared', code: 'CV_CAMERA_SLOW' });
  }
}
