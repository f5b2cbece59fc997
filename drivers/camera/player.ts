/** The ffmpeg child: decodes, picks pictures at the wanted rate, scales, and writes them to a pipe. */
import { spawn } from 'node:child_process';
import type { Readable } from 'node:stream';
import { killOnExit } from '../../core/child-processes.ts';
import { FaultError } from '../../core/faults.ts';
import type { Clock } from '../../core/world.ts';
import './faults.ts';
import { ffmpegArguments, isStamped, TIMES_FD, type PlayOptions } from './ffmpeg.ts';
import { openPictureInput, type PictureInput } from './picture-input.ts';
import { VideoSegments, SEGMENTS_FD } from './video-segments.ts';
import { FfmpegLog } from './ffmpeg-log.ts';
import { concatListOf, withoutSecrets, type CameraSource } from './source.ts';
import { FrameTimestamps } from './frame-timestamps.ts';
import type { Y4mFrame } from './y4m.ts';

export interface FfmpegExit {
  /** ENOENT and its like when it could not even be started. */
  startError?: NodeJS.ErrnoException;
  code: number | null;
  signal: NodeJS.Signals | null;
}

/** `streamMs`: the live stream's own time. */
export type TimedFrame = Y4mFrame & { streamMs?: number };

/** Came, and was as the one before. */
export interface UnchangedFrame {
  isStill: true;
  streamMs: number;
}

export interface FfmpegPlayer {
  pid: number | undefined;
  /** Ends when the child does, whatever the reason. @throws FaultError CV_VIDEO_STOPPED when what it writes are no pictures, CV_CAMERA_CHANGED */
  frames: AsyncGenerator<TimedFrame | UnchangedFrame, void>;
  exit: Promise<FfmpegExit>;
  log: FfmpegLog;
  /** null: what comes is not kept. */
  pieces: VideoSegments | null;
  /** Resolves when the child is gone. */
  kill(): Promise<void>;
}

/** A camera with few sessions wants to be told that one is over; who has not said so by then never will. */
const FAREWELL_MS = 1000;

export async function startFfmpeg(options: PlayOptions, clock: Clock): Promise<FfmpegPlayer> {
  const inlet = await openPictureInput();
  const { source, ring } = options;
  const isLive = source.kind !== 'file';
  // A group of its own: Ctrl-C in a terminal reaches us alone, and we end it in order. It ends by itself when nobody reads.
  const child = spawn('ffmpeg', ffmpegArguments(options), {
    stdio: [isLive ? 'pipe' : 'ignore', inlet.end, 'pipe', isStamped(options) ? 'pipe' : 'ignore', ...(ring ? ['pipe' as const] : [])],
    shell: false,
    detached: true,
  });
  killOnExit(child);
  inlet.end.destroy();
  const [stderr, times] = [child.stderr as Readable, (child.stdio[TIMES_FD] ?? null) as Readable | null];
  const said = new FfmpegLog((text) => withoutSecrets(text, source));
  stderr.setEncoding('utf8').on('data', (text: string) => said.receive(text)).on('error', () => {});
  const pieces = ring ? new VideoSegments(ring, !isLive) : null;
  if (pieces) said.onSegmentError = (message) => pieces.trouble(message);
  // Lines that are still in it are read to the end, also of a child that is killed.
  (child.stdio[SEGMENTS_FD] as Readable | undefined)
    ?.setEncoding('utf8')
    .on('data', (text: string) => pieces?.receive(text))
    .on('error', () => {});
  const stamps = times ? new FrameTimestamps() : null;
  times?.setEncoding('utf8').on('data', (text: string) => stamps?.receive(text)).on('error', () => {});
  // It may be gone before it has read where from; its exit says why.
  child.stdin?.on('error', () => {}).end(concatListOf(source, options.isUntimed ?? false));
  let isOver = false;
  const exit = new Promise<FfmpegExit>((resolve) => {
    child.once('error', (startError) => resolve({ startError, code: null, signal: null }));
    child.once('close', (code, signal) => resolve({ code, signal }));
  }).then((how) => {
    isOver = true;
    said.end();
    stamps?.end();
    return how;
  });
  let killing: Promise<void> | null = null;
  async function end(): Promise<void> {
    // Unread bytes would keep the pipe, and with it the `close` event, waiting.
    inlet.close();
    for (const stream of [stderr, times]) stream?.destroy();
    stamps?.end();
    child.kill(isLive ? 'SIGTERM' : 'SIGKILL');
    const late = isLive && !isOver ? clock.after(FAREWELL_MS, () => { child.kill('SIGKILL'); }) : null;
    await exit;
    late?.cancel();
  }
  return {
    pid: child.pid,
    frames: cut(inlet, stamps, source),
    exit,
    log: said,
    pieces,
    kill: () => killing ??= end(),
  };
}

/**
 * A last picture that is not whole is left out. Reading pauses while nobody asks. A live stream that changes its pictures is
 * opened anew; a clip, which would begin again, goes on: ffmpeg makes them as large as the first.
 */
async function* cut(
  inlet: PictureInput,
  stamps: FrameTimestamps | null,
  { kind, redactedUrl: address }: CameraSource,
): AsyncGenerator<TimedFrame | UnchangedFrame, void> {
  try {
    for (;;) {
      const stamp = await stamps?.next();
      if (stamp === null) return;
      if (stamp?.isChange && kind !== 'file') throw new FaultError('CV_CAMERA_CHANGED', { address });
      const shot = stamp?.isStill ? null : await inlet.next();
      if (stamp?.isStill) yield { isStill: true, streamMs: stamp.streamMs };
      else if (!shot) return;
      else yield stamp ? { ...shot, streamMs: stamp.streamMs } : shot;
    }
  } catch (error) {
    if (error instanceof RangeError) throw new FaultError('CV_VIDEO_STOPPED', { path: address, detail: error.message });
    throw error;
  } finally {
    inlet.close();
  }
}
