/** What can befall a device's words on the way, once, at a time: seeded, so that it can be had again. */
import type { Random } from '../../core/world.ts';

export const MESSAGE_FAULTS = ['drop', 'delay', 'cut', 'corrupt', 'reorder'] as const;
type TroubleKind = (typeof MESSAGE_FAULTS)[number];

export interface MessageFault {
  kind: TroubleKind;
  /** From the start of the connection. */
  atMs: number;
}

const LATEST_MS = 5_000;

/** How a message goes out: in these pieces, each so much later; `isLast`: the connection breaks behind it. */
export interface OutgoingMessage {
  bytes: Buffer;
  laterMs: number;
  isLast?: true;
}

export class DeliveryPath {
  readonly #trouble: MessageFault | null;
  readonly #random: Random;
  #held: Buffer | null = null;
  #isOver = false;

  constructor(trouble: MessageFault | null, random: Random) {
    this.#trouble = trouble;
    this.#random = random;
  }

  /** What becomes of a message that goes out at this time. */
  pass(bytes: Buffer, atMs: number): OutgoingMessage[] {
    const held = this.#held;
    this.#held = null;
    if (held) return [{ bytes, laterMs: 0 }, { bytes: held, laterMs: 0 }];
    if (!this.#trouble || this.#isOver || atMs < this.#trouble.atMs) return [{ bytes, laterMs: 0 }];
    this.#isOver = true;
    const somewhere = (below: number) => Math.floor(this.#random.next() * below);
    switch (this.#trouble.kind) {
      case 'drop': return [];
      case 'delay': return [{ bytes, laterMs: 1 + somewhere(LATEST_MS) }];
      case 'cut': return [{ bytes: bytes.subarray(0, somewhere(bytes.length)), laterMs: 0, isLast: true }];
      case 'corrupt': {
        const spoiled = Buffer.from(bytes);
        const at = somewhere(spoiled.length);
        spoiled[at] = (spoiled[at] as number) ^ (1 << somewhere(8));
        return [{ bytes: spoiled, laterMs: 0 }];
      }
      case 'reorder':
        this.#held = bytes;
        return [];
    }
  }
}
