/** The ffmpeg child: decodes, picks pictures at the wanted rate, scales, and writes raw rgb24 to a pipe. */
import { spawn } from 'node:child_process';
import type { Readable } from 'node:stream';
import { FaultError } from '../../core/faults.ts';

export interface PlayOptions {
  path: string;
  fps: number;
  width: number;
  height: number;
  loop: boolean;
}

/**
 * The picture at time t is the newest that is not later than t: `round=up`. The path goes in as `file:`, so that no
 * name is taken for an option or a protocol, and nothing that the file names is fetched from elsewhere.
 */
export function ffmpegArguments({ path, fps, width, height, loop }: PlayOptions): string[] {
  return [
    '-nostdin', '-hide_banner', '-loglevel', 'error', '-threads', '1', '-protocol_whitelist', 'file,pipe',
    ...(loop ? ['-stream_loop', '-1'] : []), '-i', `file:${path}`,
    '-map', '0:v:0', '-vf', `fps=fps=${fps}:round=up,scale=${width}:${height}`, '-f', 'rawvideo', '-pix_fmt', 'rgb24', 'pipe:1',
  ];
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
  /** Pictures' bytes, width × height × 3 each; ends when the child does, whatever the reason. */
  frames: AsyncGenerator<Uint8Array, void>;
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
    frames: cut(child.stdout, options.width * options.height * 3),
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

/** Cuts the stream into pictures; a last part that is not whole is left out. Reading pauses while nobody asks. */
async function* cut(stream: Readable, frameBytes: number): AsyncGenerator<Uint8Array, void> {
  let frame = new Uint8Array(frameBytes);
  let filled = 0;
  try {
    for await (const chunk of stream as AsyncIterable<Buffer>) {
      for (let at = 0; at < chunk.length;) {
        const part = chunk.subarray(at, at + frameBytes - filled);
        frame.set(part, filled);
        filled += part.length;
        at += part.length;
        if (filled < frameBytes) continue;
        yield frame;
        frame = new Uint8Array(frameBytes);
        filled = 0;
      }
    }
  } catch (error) {
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
