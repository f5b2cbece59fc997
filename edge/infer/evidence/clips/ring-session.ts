/** One opening of a camera: the pieces of its stream that are there, and who waits for more. */
import { renameSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Fault } from '../../../../core/faults.ts';
import type { RingOpening, RingPiece, RingStream } from '../../../../core/ring.ts';
import '../../../../log/evidence/faults.ts';

export interface StreamSegment extends Pick<RingPiece, 'fromMs' | 'toMs' | 'durationMs'> {
  path: string;
  bytes: number;
  /** Something went wrong while it was written: it may not be whole. */
  isSuspect: boolean;
}

/** Told what becomes of it. */
export interface SegmentListener {
  /** @param longMs how long the piece was, where it was too long */
  segmentWritten(longMs: number | null): void;
  segmentFailed(fault: Fault): void;
}

/** Cut at the first picture after so long that needs no other. */
const PIECE_MS = 2000;
/** Pictures that are shown before the key frame that they come after (B-frames): a piece lasts until the next begins. */
const REORDER_MS = 1000;
/** A piece that is longer makes clips begin long before their event. */
const LONG_PIECE_MS = 15_000;
const OF_THE_DISK = /No space|Read-only|denied|No such file|Failed to open|Failure occurred|Input\/output|Error writing|ENO|EROFS|EACCES/;

/** One opening of the camera. */
export class RingSession implements RingOpening {
  readonly pieceMs = PIECE_MS;
  readonly dir: string;
  readonly segments: StreamSegment[] = [];
  stream: RingStream | null = null;
  isOver = false;
  /** The piece that is being written grew beyond all bounds and was emptied. */
  isSpoilt = false;
  #isTroubled = false;
  readonly #heard: SegmentListener;
  #taken = 0;
  #waiting: { toMs: number; resolve: () => void }[] = [];

  constructor(dir: string, heard: SegmentListener) {
    this.dir = dir;
    this.#heard = heard;
  }

  is(stream: RingStream): void {
    this.stream = stream;
  }

  took({ name, fromMs, toMs, durationMs }: RingPiece): void {
    const from = join(this.dir, name);
    try {
      if (this.isSpoilt) {
        this.isSpoilt = false;
        rmSync(from, { force: true });
        return;
      }
      const last = this.segments.at(-1);
      const untilNextMs = last ? fromMs - last.toMs : 0;
      if (last && untilNextMs > 0 && untilNextMs <= REORDER_MS) {
        last.durationMs += untilNextMs;
        last.toMs = fromMs;
      }
      const path = join(this.dir, `piece-${this.#taken += 1}`);
      renameSync(from, path);
      this.segments.push({ path, bytes: statSync(path).size, fromMs, toMs, durationMs, isSuspect: this.#isTroubled });
      this.#isTroubled = false;
      this.#heard.segmentWritten(durationMs > LONG_PIECE_MS ? durationMs : null);
    } catch (error) {
      this.trouble((error as Error).message);
    }
    this.#wake();
  }

  /** May come before or after the piece that it is about. */
  trouble(detail: string): void {
    this.#isTroubled = true;
    const last = this.segments.at(-1);
    if (last) last.isSuspect = true;
    this.#heard.segmentFailed({ code: OF_THE_DISK.test(detail) ? 'CV_CLIP_DISK' : 'CV_CLIP_UNMADE', params: { dir: this.dir, detail } });
  }

  end(): void {
    this.isOver = true;
    this.#wake();
  }

  get newestMs(): number {
    return this.segments.at(-1)?.toMs ?? -Infinity;
  }

  /** Resolves when pieces reach to there, or none follows. */
  async reaches(toMs: number): Promise<void> {
    if (this.isOver || this.newestMs >= toMs) return;
    await new Promise<void>((resolve) => { this.#waiting.push({ toMs, resolve }); });
  }

  #wake(): void {
    const isDone = ({ toMs }: { toMs: number }) => this.isOver || this.newestMs >= toMs;
    for (const { resolve } of this.#waiting.filter(isDone)) resolve();
    this.#waiting = this.#waiting.filter((one) => !isDone(one));
  }
}
