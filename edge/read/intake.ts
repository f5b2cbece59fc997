/**
 * What devices say by themselves, on its way to the line. Frames wait for the end of the turn in which they came, and all
 * of them go down the line as one list: what a list costs at every station is then shared by hundreds of devices, and
 * nothing lives on from one frame of a device to its next. Nothing is lost or held back: every turn empties it.
 */
import type { EmitItems } from '../../core/line.ts';
import type { DecodedItem } from '../item.ts';

/** Who takes the frames of one link. */
export interface Ear<Frame = unknown> {
  /** Hands on what the frame gives. @returns whether its link wants to know that it is on disk */
  take(frame: Frame): boolean;
  /** It is on disk. */
  kept(frame: Frame): void;
  failed(error: unknown): void;
}

export class Intake {
  readonly #give: EmitItems<DecodedItem>;
  readonly #whenKept: () => Promise<boolean>;
  /** One place a frame in each. */
  #ears: Ear[] = [];
  #frames: unknown[] = [];
  /** What the frames of this turn gave; null between two turns. */
  #gathered: DecodedItem[] | null = null;
  #isClosed = false;

  /** @param whenKept as of the line: resolves once all that was given so far is decided */
  constructor(give: EmitItems<DecodedItem>, whenKept: () => Promise<boolean>) {
    this.#give = give;
    this.#whenKept = whenKept;
  }

  /** Takes what the host's devices give: behind all that was gathered before. */
  readonly give: EmitItems<DecodedItem> = (items) => {
    if (!this.#gathered) return this.#give(items);
    for (const item of items) this.#gathered.push(item);
  };

  add(ear: Ear, frame: unknown): void {
    if (this.#isClosed) return;
    if (this.#ears.length === 0) setImmediate(() => this.drain());
    this.#ears.push(ear);
    this.#frames.push(frame);
  }

  /** All that waits goes down the line now. */
  drain(): void {
    const [ears, frames] = [this.#ears, this.#frames];
    if (ears.length === 0) return;
    [this.#ears, this.#frames] = [[], []];
    const gathered: DecodedItem[] = [];
    const unkept: { ear: Ear; frame: unknown }[] = [];
    this.#gathered = gathered;
    ears.forEach((ear, at) => {
      const frame = frames[at];
      try {
        if (ear.take(frame)) unkept.push({ ear, frame });
      } catch (error) {
        ear.failed(error);
      }
    });
    this.#gathered = null;
    try {
      this.#give(gathered);
    } catch (error) {
      // What nobody foresaw ends links, which are opened anew, and not the edge.
      for (const ear of new Set(ears)) ear.failed(error);
      return;
    }
    if (unkept.length > 0) void this.#tellKept(unkept);
  }

  /** What waits goes down the line; what comes afterwards comes too late. */
  close(): void {
    this.drain();
    this.#isClosed = true;
  }

  async #tellKept(unkept: readonly { ear: Ear; frame: unknown }[]): Promise<void> {
    if (!(await this.#whenKept())) return;
    for (const { ear, frame } of unkept) ear.kept(frame);
  }
}
