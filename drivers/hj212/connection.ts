/** One TCP connection of a data logger; it may carry several MNs. */
import type { Socket } from 'node:net';
import type { AdmittedConnection } from '../listening/admission.ts';
import type { Fault } from '../../core/faults.ts';
import type { World } from '../../core/world.ts';
import { truncatedPacketDetail, packetExcerpt } from './packet-excerpt.ts';
import './faults.ts';
import { parseHj212Message, type Hj212Message } from './message.ts';
import { packetData, Hj212PacketCutter, type Hj212Segment } from './packet-cutter.ts';

/** Mobile networks drop idle connections after one to five minutes. */
const KEEP_ALIVE_MS = 30_000;

export interface ReceivedPacket {
  packet: Uint8Array;
  message: Hj212Message;
}

export class Hj212Connection {
  /** Address and port of the other end. */
  readonly peer: string;
  isClosed = false;
  /** Set where it dialled in. */
  admission: AdmittedConnection | null = null;
  readonly #socket: Socket;
  readonly #address: string;
  readonly #world: World;
  readonly #reported = new Set<string>();
  #stations = 0;
  #closeListeners = new Set<(error: Error | null) => void>();

  constructor(socket: Socket, address: string, world: World, onPacket: (received: ReceivedPacket, from: Hj212Connection) => void) {
    this.#socket = socket;
    this.#address = address;
    this.#world = world;
    this.peer = `${socket.remoteAddress}:${socket.remotePort}`;
    socket.setKeepAlive(true, KEEP_ALIVE_MS);
    const cutter = new Hj212PacketCutter();
    const handle = (segments: readonly Hj212Segment[], isEnd = false) => {
      for (const segment of segments) {
        const message = segment.is === 'packet' ? parseHj212Message(packetData(segment.bytes) ?? new Uint8Array()) : null;
        if (segment.is === 'packet' && !segment.lengthIsRight && message)
          this.#reportOnce('length', { code: 'CV_HJ212_LENGTH', params: { mn: message.mn } });
        if (message) onPacket({ packet: segment.bytes, message }, this);
        else this.#reportUnreadable(segment.bytes, isEnd && segment.is === 'short');
      }
    };
    socket.on('data', (bytes) => handle(cutter.feed(bytes)));
    // A packet cut short by our own close is no fault.
    const ended = (error: Error | null) => {
      if (!this.isClosed) handle(cutter.end(), true);
      this.close(error);
    };
    socket.on('error', ended);
    for (const event of ['end', 'close']) socket.on(event, () => ended(null));
  }

  onClose(run: (error: Error | null) => void): void {
    if (this.isClosed) run(null);
    else this.#closeListeners.add(run);
  }

  /** A configured station begins or ceases to use this connection. */
  setInUse(isInUse: boolean): void {
    this.#stations += isInUse ? 1 : -1;
    this.admission?.setConfigured(this.#stations > 0);
  }

  send(packet: Uint8Array): void {
    if (!this.isClosed) this.#socket.write(packet);
  }

  close(error: Error | null): void {
    if (this.isClosed) return;
    this.isClosed = true;
    this.#socket.destroy();
    for (const run of this.#closeListeners) run(error);
    this.#closeListeners.clear();
  }

  #reportUnreadable(bytes: Buffer, isTruncated: boolean): void {
    this.#world.tell({ kind: 'samples_lost', count: 1, reason: 'frame_unreadable', intended: false });
    const address = `${this.#address} (${this.peer})`;
    if (isTruncated) this.#reportOnce('short', { code: 'CV_HJ212_SHORT', params: { address, ...truncatedPacketDetail(bytes) } });
    else this.#reportOnce('stream', { code: 'CV_HJ212_STREAM', params: { address, count: bytes.length, said: packetExcerpt(bytes) } });
  }

  /** Once per connection: a logger that does it once does it always. */
  #reportOnce(topic: string, fault: Fault): void {
    if (this.#reported.has(topic)) return;
    this.#reported.add(topic);
    this.#world.tell({ kind: 'fault', fault });
  }
}
