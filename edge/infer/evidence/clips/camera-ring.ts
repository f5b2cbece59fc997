/**
 * What one camera sent last, in pieces on disk: bounded by time and by bytes, the oldest goes first. Pieces of one opening
 * alone can be joined, so each says which it is of. What a clip is being made of stays until it is.
 */
import { mkdir, readdir, rm, stat, truncate } from 'node:fs/promises';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { faultOf, type Fault, type FaultCode } from '../../../../core/faults.ts';
import type { StreamRing, RingOpening } from '../../../../core/ring.ts';
import { RingSession, type SegmentListener, type StreamSegment } from './ring-session.ts';
import '../../../../log/evidence/faults.ts';

export interface CameraRingOptions {
  /** The camera's own folder, absolute; what lies in it is the ring's to delete. */
  dir: string;
  /** Pieces that ended longer before the newest go. */
  keepMs: number;
  maxBytes: number;
  /** What is wrong with keeping, once until it is well again. */
  tell(fault: Fault | null, code: FaultCode): void;
  /** Bytes came or went. */
  changed(): void;
}

/** A full disk lets a piece through now and then. */
const WELL_PIECES = 2;

interface SegmentHold {
  opening: RingSession;
  fromMs: number;
  joined: readonly StreamSegment[];
}

export class CameraRing implements StreamRing, SegmentListener {
  readonly #options: CameraRingOptions;
  readonly #openings: RingSession[] = [];
  /** From where on somebody needs pieces, in the time of each opening's pictures. */
  readonly #holds = new Set<SegmentHold>();
  readonly #told = new Set<FaultCode>();
  #begun = 0;
  #wellPieces = 0;
  /** Of the piece that is being written. */
  #growing = 0;

  constructor(options: CameraRingOptions) {
    this.#options = options;
  }

  get bytes(): number {
    return this.#openings.flatMap(({ segments }) => segments).reduce((sum, { bytes }) => sum + bytes, this.#growing);
  }

  /** The one that gives pictures; null before the first. */
  get current(): RingSession | null {
    return this.#openings.at(-1) ?? null;
  }

  async begin(): Promise<RingOpening | null> {
    const dir = join(this.#options.dir, String(this.#begun += 1));
    try {
      await mkdir(dir, { recursive: true, mode: 0o700 });
      const opening = new RingSession(dir, this);
      this.#openings.push(opening);
      this.trim();
      return opening;
    } catch (error) {
      this.tell({ code: 'CV_CLIP_DISK', params: { dir, detail: (error as Error).message } });
      return null;
    }
  }

  /**
   * What shows this time stays until `release`, as far as there is room; what `pieces` gave in any case.
   */
  hold(opening: RingSession, fromMs: number): { pieces(toMs: number): readonly StreamSegment[]; release(): void } {
    const hold: SegmentHold = { opening, fromMs, joined: [] };
    this.#holds.add(hold);
    return {
      pieces: (toMs) => (hold.joined = opening.segments.filter((piece) => piece.toMs > fromMs && piece.fromMs < toMs)),
      release: () => {
        this.#holds.delete(hold);
        this.trim();
      },
    };
  }

  segmentWritten(longMs: number | null): void {
    this.#wellPieces += 1;
    if (this.#wellPieces >= WELL_PIECES) for (const code of ['CV_CLIP_DISK', 'CV_CLIP_UNMADE'] as const) this.#well(code);
    if (longMs === null) this.#well('CV_CLIP_KEYFRAMES');
    else this.tell({ code: 'CV_CLIP_KEYFRAMES', params: { seconds: Math.round(longMs / 1000) } });
    this.trim();
    this.#options.changed();
  }

  segmentFailed(fault: Fault): void {
    this.#wellPieces = 0;
    this.tell(fault);
  }

  tell(fault: Fault): void {
    if (this.#told.has(fault.code)) return;
    this.#told.add(fault.code);
    this.#options.tell(fault, fault.code);
  }

  /** Each 2 s. A piece that does not end is emptied before it fills the disk: its writer goes on, and it is no piece. */
  async watch(): Promise<void> {
    // While nothing can be written, what is there grows old all the same; it makes room where it is what fills the disk.
    if (this.#told.has('CV_CLIP_DISK') && this.#wellPieces === 0) this.dropOldest();
    const opening = this.current;
    if (!opening || opening.isOver) {
      this.#growing = 0;
      return;
    }
    const growing = (await readdir(opening.dir).catch((): string[] => []))
      .filter((name) => !name.startsWith('piece-'))
      .map((name) => join(opening.dir, name));
    this.#growing = (
      await Promise.all(
        growing.map((path) =>
          stat(path).then(
            ({ blocks }) => blocks * 512,
            () => 0,
          ),
        ),
      )
    ).reduce((sum, bytes) => sum + bytes, 0);
    if (this.#growing <= this.#options.maxBytes) return;
    opening.isSpoilt = true;
    await Promise.all(growing.map((path) => truncate(path, 0).catch(() => {})));
    this.#growing = 0;
    this.tell({ code: 'CV_CLIP_KEYFRAMES', params: { seconds: 0 } });
  }

  trim(): void {
    const { keepMs, maxBytes } = this.#options;
    for (const opening of this.#openings) {
      // What an opening showed that is over is only in clips that are already coming.
      const before = opening === this.current ? opening.newestMs - keepMs : Infinity;
      while (opening.segments[0] && opening.segments[0].toMs < before && !this.#isHeld(opening, opening.segments[0])) this.#drop(opening);
    }
    while (this.bytes - this.#growing > maxBytes && this.dropOldest());
    for (const opening of this.#openings.filter((one) => one.isOver && one.segments.length === 0 && one !== this.current))
      this.#forget(opening);
  }

  /** @returns whether there was one */
  dropOldest(): boolean {
    const isJoined = (piece: StreamSegment) => [...this.#holds].some(({ joined }) => joined.includes(piece));
    const opening = this.#openings.find(({ segments }) => segments[0] && !isJoined(segments[0]));
    if (!opening) return false;
    this.#drop(opening);
    return true;
  }

  /** Nobody needs it any more. */
  async remove(): Promise<void> {
    for (const opening of this.#openings) opening.end();
    await rm(this.#options.dir, { recursive: true, force: true }).catch((error: unknown) =>
      this.tell(faultOf(error, 'CV_CLIP_DISK', { dir: this.#options.dir })),
    );
  }

  #isHeld(opening: RingSession, { toMs }: StreamSegment): boolean {
    return [...this.#holds].some((hold) => hold.opening === opening && toMs > hold.fromMs);
  }

  #drop(opening: RingSession): void {
    const piece = opening.segments.shift();
    if (piece) rmSync(piece.path, { force: true });
  }

  #forget(opening: RingSession): void {
    this.#openings.splice(this.#openings.indexOf(opening), 1);
    rmSync(opening.dir, { recursive: true, force: true });
  }

  #well(code: FaultCode): void {
    if (this.#told.delete(code)) this.#options.tell(null, code);
  }
}
