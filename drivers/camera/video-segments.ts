/**
 * Writes the camera's stream to disk in segments, unchanged: a further output of the same ffmpeg, so that the stream is
 * read once and never re-encoded. It has its own queue, so that a slow, full or missing disk delays no picture: writing is
 * retried, and what could not be written is missing only in the clip.
 */
import type { RingOpening } from '../../core/ring.ts';

/** Descriptor on which ffmpeg lists complete segments, one line each: name, from, to. */
export const SEGMENTS_FD = 4;
/** Packets that wait for the disk, some 10 s of them; those beyond are dropped up to the next picture that needs no other. */
const QUEUE_PACKETS = 300;
const RETRY_S = 2;

/** Matroska takes every codec, and is readable up to where a writer was killed. */
export function segmentsOutput({ dir, pieceMs }: Pick<RingOpening, 'dir' | 'pieceMs'>): string[] {
  const segment = `segment_format=matroska:segment_time=${pieceMs / 1000}:reset_timestamps=1:segment_list=pipe\\:${SEGMENTS_FD}:segment_list_type=csv`;
  return [
    '-map',
    '0:v:0',
    '-c',
    'copy',
    '-f',
    'fifo',
    '-fifo_format',
    'segment',
    '-queue_size',
    String(QUEUE_PACKETS),
    '-drop_pkts_on_overflow',
    '1',
    '-attempt_recovery',
    '1',
    '-recover_any_error',
    '1',
    '-recovery_wait_time',
    String(RETRY_S),
    '-restart_with_keyframe',
    '1',
    '-format_opts',
    segment,
    `${dir.replaceAll('%', '%%')}/%d.mkv`,
  ];
}

const LINE = /^([^,/]+),(-?[\d.]+),(-?[\d.]+)$/;
const MAX_REST_CHARACTERS = 1000;

/** Puts what ffmpeg says of pieces into the time of the pictures. */
export class VideoSegments {
  readonly #opening: Pick<RingOpening, 'took' | 'trouble'>;
  #rest = '';
  /** ms: what is to be added to the stream's time; null before the first picture. */
  #shiftMs: number | null;
  #last: { streamMs: number; toMs: number } | null = null;

  /** @param isFile its time is that of its pictures */
  constructor(opening: Pick<RingOpening, 'took' | 'trouble'>, isFile: boolean) {
    this.#opening = opening;
    this.#shiftMs = isFile ? 0 : null;
  }

  /** A live picture of this time of the stream has that time among the pictures. */
  place(streamMs: number, ptsMs: number): void {
    this.#shiftMs = ptsMs - streamMs;
  }

  receive(text: string): void {
    const lines = (this.#rest + text).split('\n');
    this.#rest = (lines.pop() ?? '').slice(-MAX_REST_CHARACTERS);
    for (const line of lines) {
      const [, name, from, to] = LINE.exec(line.trim()) ?? [];
      if (name !== undefined) this.#whole(name, Number(from) * 1000, Number(to) * 1000);
    }
  }

  trouble(words: string): void {
    this.#opening.trouble(words);
  }

  /** The first after a failure says that it began at 0, and after a leap of the stream's clock two cover the same time: such a piece is left out. */
  #whole(name: string, streamFromMs: number, streamToMs: number): void {
    const last = this.#last;
    const toMs = this.#shiftMs === null ? null : streamToMs + this.#shiftMs;
    this.#last = toMs === null ? null : { streamMs: streamToMs, toMs };
    const durationMs = streamToMs - streamFromMs;
    if (toMs === null || durationMs <= 0 || (last && streamFromMs < last.streamMs - 1)) return;
    // Where the stream has no times of its own, ours have gone on otherwise.
    const fromMs = last && streamFromMs - last.streamMs <= 1 ? last.toMs : toMs - durationMs;
    this.#opening.took({ name, fromMs, toMs, durationMs });
  }
}
