/** A live stream's pictures: their times, their number a second, and what is said when the stream misbehaves. */
import type { Picture } from '../../core/driver.ts';
import type { World } from '../../core/world.ts';
import { within, type Playing } from './begin.ts';
import { exitFault } from './exits.ts';
import type { Timed } from './player.ts';
import { Rate } from './rate.ts';
import { silenceMsOf, type CameraSettings } from './settings.ts';
import type { Source } from './source.ts';
import { StreamTimes } from './times.ts';

export interface LiveStream {
  playing: Playing;
  source: Source;
  settings: CameraSettings;
  /** Told each picture that is left out because those before it were too many. */
  late(picture: Picture): void;
}

/** A clock that leaps again and again is not told each time. */
const LEAP_TOLD_EVERY_MS = 60_000;

/** @throws FaultError CV_CAMERA_SILENT, CV_CAMERA_CHANGED, CV_CAMERA_CLOSED, CV_VIDEO_STOPPED */
export async function* livePictures({ playing: { player, first, remembered }, source, settings, late }: LiveStream, world: World, closing: AbortSignal): AsyncGenerator<Picture, void> {
  const { clock } = world;
  const address = source.shown;
  const silenceMs = silenceMsOf(settings);
  // Pictures that come one by one over HTTP have no times; ffmpeg makes some up.
  const isUntimed = source.kind === 'http' && player.said.stream?.codec === 'mjpeg';
  remembered.startedMs ??= clock.monotonicMs();
  const times = new StreamTimes(Math.max(remembered.ptsMs + 1, Math.round(clock.monotonicMs() - remembered.startedMs)));
  const { fps, minFps } = settings;
  const rate = new Rate(fps, minFps ?? fps);
  let pictures = 0;
  let isSlowTold = false;
  try {
    for (let timed: Timed | void = first; timed; timed = (await within(player.frames.next(), silenceMs, address, clock)).value) {
      const { streamMs = 0, ...shot } = timed;
      const cameMs = clock.monotonicMs();
      const { ptsMs, agoMs, leaptMs } = times.take({ streamMs: isUntimed ? null : streamMs, cameMs });
      player.pieces?.place(streamMs, ptsMs);
      if (leaptMs !== undefined && cameMs - remembered.leapToldMs >= LEAP_TOLD_EVERY_MS) {
        remembered.leapToldMs = cameMs;
        world.tell({ kind: 'fault', fault: { code: 'CV_CAMERA_TIME', params: { address, leaptMs } } });
      }
      if (player.said.damaged()) world.tell({ kind: 'picture_damaged' });
      const picture: Picture = { index: remembered.pictures, ptsMs, ...shot, takenAt: clock.nowMs() - agoMs, late: () => rate.late() };
      remembered.pictures += 1;
      remembered.ptsMs = ptsMs;
      pictures += 1;
      if (rate.wants(ptsMs)) yield picture;
      else late({ ...picture, late: () => {} });
      if (minFps !== undefined && rate.isSlow !== isSlowTold) {
        isSlowTold = rate.isSlow;
        world.tell(isSlowTold ? { kind: 'fault', fault: { code: 'CV_CAMERA_SLOW', params: { address, minFps } } } : { kind: 'fault_cleared', code: 'CV_CAMERA_SLOW' });
      }
    }
    if (!closing.aborted) throw exitFault({ source, exit: await player.exit, said: player.said, pictures });
  } finally {
    if (isSlowTold) world.tell({ kind: 'fault_cleared', code: 'CV_CAMERA_SLOW' });
  }
}
