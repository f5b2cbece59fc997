/** The ffmpeg child: decodes, picks pictures at the wanted rate, scales, and writes them to a pipe. */
import { spawn } from 'node:child_process';
import type { Readable } from 'node:stream';
import { FaultError } from '../../core/faults.ts';
import { Cutter, type Shot } from './y4m.ts';

export interface PlayOptions {
  path: string;
  fps: number;
  /** Pixels; with one of them the other follows, with none see MAX_SIDE. */
  width?: number | undefined;
  height?: number | undefined;
  loop: boolean;
}

/** What sub-streams have: up to here pictures stay as they are, which costs nothing. */
const MAX_SIDE = 768;
/** The longer side of what is larger. */
const SCALED_SIDE = 640;

/**
 * The picture at time t is the newest that is not later than t: `round=up`. The path goes in as `file:`, so that no
 * name is taken for an option or a protocol, and nothing that the file names is fetched from elsewhere.
 */
export function ffmpegArguments({ path, fps, width, height, loop }: PlayOptions): string[] {
  return [
    '-nostdin', '-hide_banner', '-loglevel', 'error', '-threads', '1', '-protocol_whitelist', 'file,pipe',
    ...(loop ? ['-stream_loop', '-1'] : []), '-i', `file:${path}`,
    '-map', '0:v:0', '-vf', `fps=fps=${fps}:round=up,scale=${scaled(width, height)}:flags=bilinear:out_range=tv`, '-pix_fmt', 'yuv420p', '-f', 'yuv4mpegpipe', 'pipe:1',
  ];
}

/** Both sides even, as planes of colour need it; ffmpeg knows the picture's own (iw, ih). */
function scaled(width: number | undefined, height: number | undefined): string {
  if (width !== undefined || height !== undefined) return `w=${width ?? -2}:h=${height ?? -2}`;
  const even = (side: string) => `'2*max(1,round(if(gt(max(iw,ih),${MAX_SIDE}),${side}*${SCALED_SIDE}/max(iw,ih),${side})/2-0.25))'`;
  return `w=${even('iw')}:h=${even('ih')}`;
}

export interface Exit {
  /** ENOENT and its like when it could not even be started. */
  startError?: NodeJS.ErrnoException;
  code: number | null;
  signal: NodeJS.Signals | null;
  /** What it said first, which mostly says why it could not begin, and last. */
  words: { first: string; last: string };
}

export interface Player {
  pid: number | undefined;
  /** Ends when the child does, whatever the reason. @throws FaultError CV_VIDEO_STOPPED when what it writes are no pictures */
  frames: AsyncGenerator<Shot, void>;
  exit: Promise<Exit>;
  /** Resolves when the child is gone; it has nothing to save, so it is not asked twice. */
  kill(): Promise<void>;
}

const MAX_STDERR_CHARACTERS = 2000;

export function startFfmpeg(options: PlayOptions): Player {
  // A group of its own: Ctrl-C in a terminal reaches us alone, and we end it in order. It ends by itself when nobody reads.
  const child = spawn('ffmpeg', ffmpegArguments(options), { stdio: ['ignore', 'pipe', 'pipe'], shell: false, detached: true });
  const words = { first: '', last: '' };
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    said = (said + text).slice(-MAX_STDERR_CHARACTERS);
    const lines = said.trim().split('\n');
    words.first ||= plain(lines[0]);
    words.last = plain(lines.at(-1));
  });
  const exit = new Promise<Exit>((resolve) => {
    child.once('error', (startError) => resolve({ startError, code: null, signal: null, words: { first: startError.message, last: startError.message } }));
    child.once('close', (code, signal) => resolve({ code, signal, words }));
  });
  return {
    pid: child.pid,
    frames: cut(child.stdout, options.path),
    exit,
    async kill() {
      child.kill('SIGKILL');
      // Unread bytes would keep the pipe, and with it the `close` event, waiting.
      child.stdout.destroy();
      child.stderr.destroy();
      await exit;
    },
  };
}

/** Without the `[part @ 0x55…]` that ffmpeg puts before. */
function plain(line = ''): string {
  return line.replace(/^(\[[^\]]*\] ?)+/, '');
}

/** A last picture that is not whole is left out. Reading pauses while nobody asks. */
async function* cut(stream: Readable, path: string): AsyncGenerator<Shot, void> {
  const cutter = new Cutter();
  try {
    for await (const chunk of stream as AsyncIterable<Buffer>) yield* cutter.push(chunk);
  } catch (error) {
    if (error instanceof RangeError) throw new FaultError('CV_VIDEO_STOPPED', { path, detail: error.message });
    // The pipe was taken away: by kill(), or because the child could not be started. `exit` says which.
    if ((error as NodeJS.ErrnoException).code !== 'ERR_STREAM_PREMATURE_CLOSE') throw error;
  }
}

/** What the end of the child means to the camera. @param pictures how many it had given */
export function exitFault(path: string, exit: Exit, pictures: number): FaultError {
  if (exit.startError?.code === 'ENOENT') return new FaultError('CV_FFMPEG_MISSING');
  const detail = (pictures === 0 ? exit.words.first : exit.words.last) || (exit.signal ?? `exit code ${exit.code}`);
  if (exit.startError) return new FaultError('CV_VIDEO_STOPPED', { path, detail });
  if (exit.signal) return new FaultError('CV_VIDEO_STOPPED', { path, detail: exit.signal });
  if (pictures === 0) return new FaultError('CV_VIDEO_UNREADABLE', { path, detail: exit.code === 0 ? 'there is no picture in it' : detail });
  return exit.code === 0 ? new FaultError('CV_VIDEO_ENDED', { path, pictures }) : new FaultError('CV_VIDEO_STOPPED', { path, detail });
}
