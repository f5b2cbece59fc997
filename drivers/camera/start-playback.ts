/** Begins to play a source: one ffmpeg child with its first picture in hand, or the fault that says why there is none. */
import { FaultError, type Fault } from '../../core/faults.ts';
import { pause, type World } from '../../core/world.ts';
import { exitFault } from './ffmpeg-exit.ts';
import './faults.ts';
import type { PlayOptions } from './ffmpeg.ts';
import { startFfmpeg, type FfmpegPlayer, type TimedFrame } from './player.ts';
import { recordLogin, assertLoginAllowed, recordRefusedLogin, cameraStateOf, type CameraState } from './camera-state.ts';
import type { FfmpegLog } from './ffmpeg-log.ts';
import type { CameraSource } from './source.ts';

export interface StartedPlayback {
  player: FfmpegPlayer;
  first: TimedFrame;
  state: CameraState;
  /** CV_CAMERA_SOFTWARE where the wanted decoder does not do it. */
  standingFault?: Fault;
}

/**
 * @param silenceMs longest wait for a live source's first picture
 * @returns rejects with a FaultError or the signal's reason; then no child is left
 */
export async function startPlayback(options: PlayOptions, silenceMs: number, world: World, signal?: AbortSignal): Promise<StartedPlayback> {
  const { source, hardware } = options;
  const state = cameraStateOf(world.clock, source);
  assertLoginAllowed(state, world.clock);
  const start = (how: PlayOptions['hardware']) =>
    attempt({ ...options, hardware: how, codec: state.codec, isUntimed: state.isUntimed }, silenceMs, world, state, signal);
  if (hardware === 'none') return start('none');
  try {
    const playing = await start(hardware);
    // ffmpeg itself goes on in software where a decoder that it has refuses these very pictures.
    const refused = playing.player.log.hardware;
    return refused ? { ...playing, standingFault: inSoftware(options, refused) } : playing;
  } catch (error) {
    if (!(error instanceof NoHardware)) throw error;
    return { ...(await start('none')), standingFault: inSoftware(options, error.message) };
  }
}

/** Inside only: the decoder could not be had, the source may be well. */
class NoHardware extends Error {}

async function attempt(
  options: PlayOptions,
  silenceMs: number,
  { clock }: Pick<World, 'clock'>,
  state: CameraState,
  signal?: AbortSignal,
): Promise<StartedPlayback> {
  const { source } = options;
  signal?.throwIfAborted();
  const player = await startFfmpeg(options, clock);
  const abort = () => { void player.kill(); };
  signal?.addEventListener('abort', abort, { once: true });
  if (signal?.aborted) abort();
  try {
    const first = await (source.kind === 'file'
      ? player.frames.next()
      : withTimeout(player.frames.next(), silenceMs, source.redactedUrl, clock));
    if (player.log.stream) state.codec = player.log.stream.codec;
    // Nothing came before the first that it could be like.
    if (!first.done && !('isStill' in first.value)) {
      recordLogin(state);
      const isUntimed = sendsNoTimes(source, player.log);
      // Which pictures are taken hangs on their times: opened once more, and from then on so at once.
      if (isUntimed !== (options.isUntimed ?? false) && options.fps !== null) {
        state.isUntimed = isUntimed;
        await player.kill();
        return await attempt({ ...options, isUntimed }, silenceMs, { clock }, state, signal);
      }
      return { player, first: first.value, state };
    }
    const exit = await player.exit;
    if (signal?.aborted) throw signal.reason;
    if (options.hardware !== 'none' && player.log.hardware) throw new NoHardware(player.log.hardware);
    const fault = exitFault({ source, exit, log: player.log, pictures: 0 });
    throw fault.fault.code === 'CV_CAMERA_LOGIN' ? recordRefusedLogin(state, fault.fault, clock) : fault;
  } catch (error) {
    await player.kill();
    throw error;
  } finally {
    signal?.removeEventListener('abort', abort);
  }
}

/** Pictures that come one by one over HTTP. */
export function sendsNoTimes({ kind }: Pick<CameraSource, 'kind'>, { stream }: Pick<FfmpegLog, 'stream'>): boolean {
  return kind === 'http' && stream?.codec === 'mjpeg';
}

/** What comes in time. @returns rejects with CV_CAMERA_SILENT; whoever asked ends the source */
export async function withTimeout<T>(coming: Promise<T>, silenceMs: number, address: string, clock: World['clock']): Promise<T> {
  const came = new AbortController();
  const silent = pause(clock, silenceMs, came.signal).then((isOver): Promise<T> =>
    isOver ? Promise.reject(new FaultError('CV_CAMERA_SILENT', { address, silenceMs: Math.round(silenceMs) })) : coming,
  );
  try {
    return await Promise.race([coming, silent]);
  } finally {
    came.abort();
    // What is said after all has no listener any more.
    coming.catch(() => {});
    silent.catch(() => {});
  }
}

function inSoftware({ source, hardware }: PlayOptions, detail: string): Fault {
  return { code: 'CV_CAMERA_SOFTWARE', params: { address: source.redactedUrl, hardware, detail } };
}
