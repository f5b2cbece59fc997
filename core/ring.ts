/**
 * Where a camera keeps what it sent last, as it came and without decoding it: what a clip around an event is made of. The
 * driver has the pieces written and says what came; whoever gave the ring bounds them and throws them away.
 */
export interface StreamRing {
  /**
   * A new opening of the camera: its pieces are never joined with those of another.
   *
   * @returns null where it cannot be, which was told: the camera goes on without
   */
  begin(): Promise<RingOpening | null>;
}

export interface RingOpening {
  /** A folder that nobody else may look into, absolute; pieces are written here under names of the writer's own. */
  readonly dir: string;
  /** A piece ends with the first picture after so long that needs no other. */
  readonly pieceMs: number;
  /** What the stream is, once it is known. */
  is(stream: RingStream): void;
  /** A piece is whole. It is taken out of the folder before this returns, so that its name may be used again. */
  took(piece: RingSegment): void;
  /** What the writer said is wrong; it tries again by itself. */
  trouble(detail: string): void;
  /** No piece follows. Twice is fine. */
  end(): void;
}

export interface RingStream {
  /** As ffmpeg calls it. */
  codec: string;
  width: number;
  height: number;
}

export interface RingSegment {
  name: string;
  /** In the time of the camera's pictures. */
  fromMs: number;
  toMs: number;
  /** By the stream's own time, which may run otherwise where it is of no use. */
  durationMs: number;
}
