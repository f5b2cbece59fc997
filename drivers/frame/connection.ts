/** One source of frames: a TCP connection, a peer of a UDP port, a serial line. Cuts frames and knows no meaning. */
import type { AdmittedConnection } from '../listening/admission.ts';
import type { Fault } from '../../core/faults.ts';
import type { World } from '../../core/world.ts';
import { FrameCutter, truncatedFrameDetail, type FrameSegment } from './cutter.ts';
import './faults.ts';
import type { FrameProtocol } from './protocol.ts';
import type { FrameCursor } from './read-fields.ts';

const SHOWN_BYTES = 24;

export interface ReceivedFrame {
  /** Without byte stuffing. */
  frame: Buffer;
  head: FrameCursor;
}

/** How a connection sends and closes. */
export interface ByteChannel {
  /** Our address and the peer's: `0.0.0.0:7600`, `10.0.0.7:52110`. */
  address: string;
  peer: string;
  send(bytes: Uint8Array): void;
  close(): void;
}

/** Gets every frame, of configured devices or not: for `check` and `discover`. */
export type FrameListener = (received: ReceivedFrame, identity: string, connection: FrameConnection) => void;

/** Called with each whole frame. @returns whether it could be read */
type FrameHandler = (frame: Buffer, from: FrameConnection) => boolean;

export class FrameConnection {
  readonly channel: ByteChannel;
  isClosed = false;
  /** Set where the device dialled in. */
  admission: AdmittedConnection | null = null;
  #users = 0;
  readonly #world: World;
  readonly #cutter: FrameCutter;
  readonly #onFrame: FrameHandler;
  readonly #closeListeners = new Set<(error: Error | null) => void>();
  #isReported = false;
  #isUnclaimedReported = false;

  /** @param framing a protocol with the framing of this connection */
  constructor(carrier: ByteChannel, framing: FrameProtocol, world: World, onFrame: FrameHandler) {
    this.channel = carrier;
    this.#world = world;
    this.#onFrame = onFrame;
    this.#cutter = new FrameCutter(framing);
  }

  /** The next bytes, in order. */
  receive(bytes: Uint8Array): void {
    for (const segment of this.#cutter.feed(bytes)) {
      if (this.isClosed) return;
      if (segment.is !== 'frame') this.#reportUnreadable(segment);
      else if (!this.#onFrame(segment.bytes, this)) this.#reportUnreadable({ is: 'noise', bytes: segment.bytes });
    }
  }

  /** A frame that matches no description here. */
  reportUnclaimed(frame: Buffer): void {
    this.#world.tell({ kind: 'samples_lost', count: 1, reason: 'frame_unreadable', intended: false });
    if (this.#isUnclaimedReported) return;
    this.#isUnclaimedReported = true;
    this.#world.tell({
      kind: 'fault',
      fault: {
        code: 'CV_DESCRIBED_UNCLAIMED',
        params: { address: `${this.channel.address} (${this.channel.peer})`, bytes: frame.toString('hex', 0, SHOWN_BYTES) },
      },
    });
  }

  /** The peer closed: an unfinished frame is reported. */
  peerClosed(error: Error | null): void {
    if (!this.isClosed) this.#reportPartial();
    this.close(error);
  }

  /** A new poll is sent: an unfinished frame is reported and discarded. */
  discardPartial(): void {
    this.#reportPartial();
  }

  get isInUse(): boolean {
    return this.#users > 0;
  }

  /** A configured device begins or ceases to use this connection. */
  setInUse(isInUse: boolean): void {
    this.#users += isInUse ? 1 : -1;
    this.admission?.setConfigured(this.isInUse);
  }

  send(bytes: Uint8Array): void {
    if (!this.isClosed) this.channel.send(bytes);
  }

  onClose(run: (error: Error | null) => void): void {
    if (this.isClosed) run(null);
    else this.#closeListeners.add(run);
  }

  close(error: Error | null): void {
    if (this.isClosed) return;
    this.isClosed = true;
    this.channel.close();
    for (const run of this.#closeListeners) run(error);
    this.#closeListeners.clear();
  }

  #reportPartial(): void {
    for (const segment of this.#cutter.end()) if (segment.is !== 'frame') this.#reportUnreadable(segment);
  }

  #reportUnreadable({ is, bytes }: Exclude<FrameSegment, { is: 'frame' }>): void {
    this.#world.tell({ kind: 'samples_lost', count: 1, reason: 'frame_unreadable', intended: false });
    // Once per connection: a device that does it once does it always.
    if (this.#isReported) return;
    this.#isReported = true;
    const shown = bytes.toString('hex', 0, SHOWN_BYTES);
    const address = `${this.channel.address} (${this.channel.peer})`;
    const fault = (): Fault => {
      switch (is) {
        case 'checksum':
          return { code: 'CV_FRAME_CHECKSUM', params: { detail: `${address}: ${shown}`, detailZh: `${address}：${shown}` } };
        case 'short': {
          const { detail, detailZh } = truncatedFrameDetail(bytes);
          return { code: 'CV_FRAME_LENGTH', params: { detail: `${address}: ${detail}`, detailZh: `${address}：${detailZh}` } };
        }
        case 'noise':
          return { code: 'CV_DESCRIBED_STREAM', params: { address, count: bytes.length, bytes: shown } };
      }
    };
    this.#world.tell({ kind: 'fault', fault: fault() });
  }
}
