/** One way that frames come by: a connection, a peer of a UDP port, a serial line. Cuts frames; knows no meaning. */
import type { AdmittedConnection } from '../listening/admission.ts';
import type { Fault } from '../../core/faults.ts';
import type { World } from '../../core/world.ts';
import { FrameCutter, shortOf, type Cut } from './cutter.ts';
import './faults.ts';
import type { Protocol } from './protocol-types.ts';
import type { Reading } from './read.ts';

const SHOWN_BYTES = 24;

export interface Received {
  /** With byte stuffing taken out. */
  frame: Buffer;
  head: Reading;
}

/** How a line speaks and ends; whoever makes it gives these. */
export interface Carrier {
  /** Ours and theirs: `0.0.0.0:7600`, `10.0.0.7:52110`. */
  address: string;
  peer: string;
  send(bytes: Uint8Array): void;
  end(): void;
}

/** Someone who wants to know who speaks, configured or not: `check`. */
export type Listener = (received: Received, identity: string, line: Line) => void;

/** A whole frame. @returns whether it could be read */
type Taking = (frame: Buffer, from: Line) => boolean;

export class Line {
  readonly carrier: Carrier;
  isOver = false;
  /** Its place on the port, where it dialled. */
  guest: AdmittedConnection | null = null;
  #stations = 0;
  readonly #world: World;
  readonly #cutter: FrameCutter;
  readonly #take: Taking;
  readonly #onEnd = new Set<(error: Error | null) => void>();
  #isTold = false;
  #isUnclaimedTold = false;

  /** @param framing a protocol that is framed as all that comes here */
  constructor(carrier: Carrier, framing: Protocol, world: World, take: Taking) {
    this.carrier = carrier;
    this.#world = world;
    this.#take = take;
    this.#cutter = new FrameCutter(framing);
  }

  /** Bytes that came, in order. */
  heard(bytes: Uint8Array): void {
    for (const cut of this.#cutter.feed(bytes)) {
      if (this.isOver) return;
      if (cut.is !== 'frame') this.#unreadable(cut);
      else if (!this.#take(cut.bytes, this)) this.#unreadable({ is: 'noise', bytes: cut.bytes });
    }
  }

  /** A frame of none of the descriptions here. */
  unclaimed(frame: Buffer): void {
    this.#world.tell({ kind: 'samples_lost', count: 1, reason: 'frame_unreadable', intended: false });
    if (this.#isUnclaimedTold) return;
    this.#isUnclaimedTold = true;
    this.#world.tell({ kind: 'fault', fault: { code: 'CV_DESCRIBED_UNCLAIMED', params: { address: `${this.carrier.address} (${this.carrier.peer})`, bytes: frame.toString('hex', 0, SHOWN_BYTES) } } });
  }

  /** The other side is gone: a frame that it had begun never becomes whole. */
  ended(error: Error | null): void {
    if (!this.isOver) this.#cutShort();
    this.end(error);
  }

  /** A new question: what came before it is over. */
  clear(): void {
    this.#cutShort();
  }

  get isKnown(): boolean {
    return this.#stations > 0;
  }

  /** A station that is configured has it as its own now, or has it no longer. */
  serve(isServed: boolean): void {
    this.#stations += isServed ? 1 : -1;
    this.guest?.setConfigured(this.isKnown);
  }

  send(bytes: Uint8Array): void {
    if (!this.isOver) this.carrier.send(bytes);
  }

  onEnd(run: (error: Error | null) => void): void {
    if (this.isOver) run(null);
    else this.#onEnd.add(run);
  }

  end(error: Error | null): void {
    if (this.isOver) return;
    this.isOver = true;
    this.carrier.end();
    for (const run of this.#onEnd) run(error);
    this.#onEnd.clear();
  }

  #cutShort(): void {
    for (const cut of this.#cutter.end()) if (cut.is !== 'frame') this.#unreadable(cut);
  }

  #unreadable({ is, bytes }: Exclude<Cut, { is: 'frame' }>): void {
    this.#world.tell({ kind: 'samples_lost', count: 1, reason: 'frame_unreadable', intended: false });
    // Once a line: a device that does it once does it always.
    if (this.#isTold) return;
    this.#isTold = true;
    const shown = bytes.toString('hex', 0, SHOWN_BYTES);
    const address = `${this.carrier.address} (${this.carrier.peer})`;
    const fault = (): Fault => {
      switch (is) {
        case 'checksum': return { code: 'CV_FRAME_CHECKSUM', params: { detail: `${address}: ${shown}`, detailZh: `${address}：${shown}` } };
        case 'short': { const { detail, detailZh } = shortOf(bytes); return { code: 'CV_FRAME_LENGTH', params: { detail: `${address}: ${detail}`, detailZh: `${address}：${detailZh}` } }; }
        case 'noise': return { code: 'CV_DESCRIBED_STREAM', params: { address, count: bytes.length, bytes: shown } };
      }
    };
    this.#world.tell({ kind: 'fault', fault: fault() });
  }
}
