/** Joins pieces of a camera's stream into one file, as they came: nothing is decoded, nothing encoded. */
import type { EvidenceMime } from '../../../../core/wire/mime.ts';
import type { Clock } from '../../../../core/world.ts';
import type { StreamSegment } from './ring-session.ts';
import { runFfmpeg } from './ffmpeg-run.ts';

/** What MP4 has a place for and players know to find there; other codecs go into Matroska, which takes all. */
const IN_MP4: ReadonlySet<string> = new Set(['h264', 'hevc', 'av1', 'vp9', 'mpeg4']);
const LIMIT_MS = 60_000;

export const containerOf = (codec: string): Extract<EvidenceMime, `video/${string}`> =>
  IN_MP4.has(codec) ? 'video/mp4' : 'video/x-matroska';

export interface SegmentJoin {
  segments: readonly Pick<StreamSegment, 'path' | 'durationMs'>[];
  codec: string;
  /** Absolute. */
  out: string;
  /** Written inside. */
  title: string;
  comment: string;
  createdAt: number;
}

export async function joinSegments(
  { segments, codec, out, title, comment, createdAt }: SegmentJoin,
  clock: Clock,
  signal: AbortSignal,
): Promise<void> {
  const isMp4 = containerOf(codec) === 'video/mp4';
  const { stdin, stdout, done } = runFfmpeg([
    '-protocol_whitelist', 'file,pipe', '-f', 'concat', '-safe', '0', '-auto_convert', '0', '-i', 'pipe:0', '-map', '0:v:0', '-c', 'copy',
    ...(codec === 'hevc' ? ['-tag:v', 'hvc1'] : []),
    '-metadata', `title=${title}`, '-metadata', `comment=${comment}`, '-metadata', `creation_time=${new Date(createdAt).toISOString()}`,
    ...(isMp4 ? ['-movflags', '+faststart', '-f', 'mp4'] : ['-f', 'matroska']), '-y', `file:${out}`,
  ], LIMIT_MS, clock, signal);
  stdout.resume();
  // How long each is it need not find out: the last picture of a piece lasts until the first of the next.
  const list = segments.map(
    ({ path, durationMs }) => `file 'file:${path.replaceAll("'", "'\\''")}'\nduration ${(durationMs / 1000).toFixed(6)}`,
  );
  stdin.end(['ffconcat version 1.0', ...list, ''].join('\n'));
  await done;
}
