/** One picture of the main stream at full resolution: the stream is opened only on request. */
import type { Picture } from '../../core/driver.ts';
import type { World } from '../../core/world.ts';
import { startPlayback } from './start-playback.ts';
import type { StreamFacts } from './ffmpeg-log.ts';
import { mainUrlOf, type CameraSettings } from './settings.ts';
import { cameraSourceOf } from './source.ts';

/** @returns rejects with the fault that explains why there is none, or the signal's reason */
export async function still(
  settings: CameraSettings,
  world: World,
  signal: AbortSignal,
): Promise<Picture & { stream: StreamFacts | null }> {
  const source = cameraSourceOf({ ...settings, url: mainUrlOf(settings) });
  const { player, first } = await startPlayback(
    { source, fps: null, size: 'own', loop: false, decode: 'all', hardware: 'none' },
    settings.silence,
    world,
    signal,
  );
  await player.kill();
  const { streamMs: _streamMs, ...frame } = first;
  return { index: 0, ptsMs: 0, ...frame, takenAt: world.clock.nowMs(), stream: player.log.stream };
}
