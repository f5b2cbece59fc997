/**
 * What devices say by themselves, on its way to the line. Frames wait for the end of the turn in which they came, and all
 * of them go down the line as one list: what a list costs at every station is then shared by hundreds of devices, and
 * nothing lives on from one frame of a device to its next. Nothing is lost or held back: every turn empties it.
 */
import type { EmitItems } from '../../core/line.ts';
import type { Clock } from '../../core/world.ts';
import type { DecodedItem } from '../item.ts';

/** Who takes the frames of one link. */
export interface FrameReceiver<Frame = unknown> {
  /** Hands on what the frame gives. @param arrivedAt ms UTC. @returns whether its link wants to know that it is on disk */
  receive(frame: Frame, arrivedAt: number): boolean;
  /** It is on disk. */
  frameKept(frame: Frame): void;
  failed(error: unknown): void;
}

export class FrameCollector {
  readonly #give: EmitItems<DecodedItem>;
  readonly #whenKept: () => Promise<boolean>;
  readonly #clock: Pick<Clock, 'nowMs'>;
  /** One place a frame in each. */
  #receivers: FrameReceiver[] = [];
  #frames: unknown[] = [];
  /** ms UTC when the first of them came. All of one turn are one time: those of one packet are, in a replay. */
  #arrivedAt = 0;
  /** What the frames of this turn gave; null between two turns. */
  #gathered: DecodedItem[] | null = null;
  #isClosed = false;

  /** @param whenKept as of the line: resolves once all that was given so far is decided */
  constructor(give: EmitItems<DecodedItem>, whenKept: () => Promise<boolean>, clock: Pick<Clock, 'nowMs'>) {
    this.#give = give;
    this.#clock = clock;
    this.#whenKept = whenKept;
  }

  /** Takes what the host's devices give: behind all that was gathered before. */
  readonly give: EmitItems<DecodedItem> = (items) => {
    if (!this.#gathered) return this.#give(items);
    for (const item of items) this.#gathered.push(item);
  };

  add(receiver: FrameReceiver, frame: unknown): void {
    if (this.#isClosed) return;
    if (this.#receivers.length === 0) {
      this.#arrivedAt = this.#clock.nowMs();
      setImmediate(() => this.drain());
    }
    this.#receivers.push(receiver);
    this.#frames.push(frame);
  }

  /** All that waits goes down the line now. */
  drain(): void {
    const [receivers, frames, arrivedAt] = [this.#receivers, this.#frames, this.#arrivedAt];
    if (receivers.length === 0) return;
    [this.#receivers, this.#frames] = [[], []];
    const gathered: DecodedItem[] = [];
    const unkept: { receiver: FrameReceiver; frame: unknown }[] = [];
    this.#gathered = gathered;
    receivers.forEach((receiver, at) => {
      const frame = frames[at];
      try {
        if (receiver.receive(frame, arrivedAt)) unkept.push({ receiver, frame });
      } catch (error) {
        receiver.failed(error);
      }
    });
    this.#gathered = null;
    try {
      this.#give(gathered);
    } catch (error) {
      // What nobody foresaw ends links, which are opened anew, and not the edge.
      for (const receiver of new Set(receivers)) receiver.failed(error);
      return;
    }
    if (unkept.length > 0) void this.#confirmKept(unkept);
  }

  /** What waits goes down the line; what comes afterwards comes too late. */
  close(): void {
    this.drain();
    this.#isClosed = true;
  }

  async #confirmKept(unkept: readonly { receiver: FrameReceiver; frame: unknown }[]): Promise<void> {
    if (!(await this.#whenKept())) return;
    for (const { receiver, frame } of unkept) receiver.frameKept(frame);
  }
}
