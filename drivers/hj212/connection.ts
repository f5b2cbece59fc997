/** One TCP connection of a data logger: packets in, packets out. It may carry several MNs. */
import type { Socket } from 'node:net';
import type { AdmittedConnection } from '../listening/admission.ts';
import type { Fault } from '../../core/faults.ts';
import type { World } from '../../core/world.ts';
import { shortOf, shown } from './cut-short.ts';
import './faults.ts';
import { readMessage, type Message } from './message.ts';
import { dataOf, PacketCutter, type Cut } from './packet.ts';

/** A mobile carrier forgets an idle connection after one to five minutes. */
const KEEP_ALIVE_MS = 30_000;

export interface Received {
  packet: Uint8Array;
  message: Message;
}

export class Connection {
  /** Address and port of the other end. */
  readonly peer: string;
  isOver = false;
  /** Its place on the port, where it dialled. */
  guest: AdmittedConnection | null = null;
  readonly #socket: Socket;
  readonly #address: string;
  readonly #world: World;
  readonly #told = new Set<string>();
  #stations = 0;
  #onEnd = new Set<(error: Error | null) => void>();

  constructor(socket: Socket, address: string, world: World, take: (received: Received, from: Connection) => void) {
    this.#socket = socket;
    this.#address = address;
    this.#world = world;
    this.peer = `${socket.remoteAddress}:${socket.remotePort}`;
    socket.setKeepAlive(true, KEEP_ALIVE_MS);
    const cutter = new PacketCutter();
    const takeAll = (cuts: readonly Cut[], isEnd = false) => {
      for (const cut of cuts) {
        const message = cut.is === 'packet' ? readMessage(dataOf(cut.bytes) ?? new Uint8Array()) : null;
        if (cut.is === 'packet' && !cut.lengthIsRight && message) this.#tellOnce('length', { code: 'CV_HJ212_LENGTH', params: { mn: message.mn } });
        if (message) take({ packet: cut.bytes, message }, this);
        else this.#unreadable(cut.bytes, isEnd && cut.is === 'short');
      }
    };
    socket.on('data', (bytes) => takeAll(cutter.feed(bytes)));
    // What we end ourselves is cut short by nobody else.
    const ended = (error: Error | null) => {
      if (!this.isOver) takeAll(cutter.end(), true);
      this.end(error);
    };
    socket.on('error', ended);
    for (const event of ['end', 'close']) socket.on(event, () => ended(null));
  }

  onEnd(run: (error: Error | null) => void): void {
    if (this.isOver) run(null);
    else this.#onEnd.add(run);
  }

  /** A station that is configured has it as its own now, or has it no longer. */
  serve(isServed: boolean): void {
    this.#stations += isServed ? 1 : -1;
    this.guest?.setConfigured(this.#stations > 0);
  }

  send(packet: Uint8Array): void {
    if (!this.isOver) this.#socket.write(packet);
  }

  end(error: Error | null): void {
    if (this.isOver) return;
    this.isOver = true;
    this.#socket.destroy();
    for (const run of this.#onEnd) run(error);
    this.#onEnd.clear();
  }

  #unreadable(bytes: Buffer, isCutShort: boolean): void {
    this.#world.tell({ kind: 'samples_lost', count: 1, reason: 'frame_unreadable', intended: false });
    const address = `${this.#address} (${this.peer})`;
    if (isCutShort) this.#tellOnce('short', { code: 'CV_HJ212_SHORT', params: { address, ...shortOf(bytes) } });
    else this.#tellOnce('stream', { code: 'CV_HJ212_STREAM', params: { address, count: bytes.length, said: shown(bytes) } });
  }

  /** Once a connection: a logger that does it once does it always. */
  #tellOnce(what: string, fault: Fault): void {
    if (this.#told.has(what)) return;
    this.#told.add(what);
    this.#world.tell({ kind: 'fault', fault });
  }
}
