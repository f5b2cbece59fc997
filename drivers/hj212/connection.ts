/** One TCP connection of a data logger: packets in, packets out. It may carry several MNs. */
import type { Socket } from 'node:net';
import type { Guest } from '../../core/admission.ts';
import type { Fault } from '../../core/faults.ts';
import type { World } from '../../core/world.ts';
import { readMessage, type Message } from './message.ts';
import { dataOf, PacketCutter } from './packet.ts';

/** A mobile carrier forgets an idle connection after one to five minutes. */
const KEEP_ALIVE_MS = 30_000;
const SHOWN_BYTES = 48;

export interface Received {
  packet: Uint8Array;
  message: Message;
}

export class Connection {
  /** Address and port of the other end. */
  readonly peer: string;
  isOver = false;
  /** Its place on the port, where it dialled. */
  guest: Guest | null = null;
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
    socket.on('data', (bytes) => {
      for (const cut of cutter.feed(bytes)) {
        const message = cut.is === 'packet' ? readMessage(dataOf(cut.bytes) ?? new Uint8Array()) : null;
        if (cut.is === 'packet' && !cut.lengthIsRight && message) this.#tellOnce('length', { code: 'CV_HJ212_LENGTH', params: { mn: message.mn } });
        if (message) take({ packet: cut.bytes, message }, this);
        else this.#unreadable(cut.bytes);
      }
    });
    socket.on('error', (error) => this.end(error));
    for (const event of ['end', 'close']) socket.on(event, () => this.end(null));
  }

  onEnd(run: (error: Error | null) => void): void {
    if (this.isOver) run(null);
    else this.#onEnd.add(run);
  }

  /** A station that is configured has it as its own now, or has it no longer. */
  serve(isServed: boolean): void {
    this.#stations += isServed ? 1 : -1;
    this.guest?.setKnown(this.#stations > 0);
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

  #unreadable(bytes: Buffer): void {
    this.#world.tell({ kind: 'samples_lost', count: 1, reason: 'frame_unreadable', intended: false });
    const said = bytes.subarray(0, SHOWN_BYTES).toString('latin1').replaceAll(/[^\x20-\x7e]/g, '.');
    this.#tellOnce('stream', { code: 'CV_HJ212_STREAM', params: { address: `${this.#address} (${this.peer})`, count: bytes.length, said } });
  }

  /** Once a connection: a logger that does it once does it always. */
  #tellOnce(what: string, fault: Fault): void {
    if (this.#told.has(what)) return;
    this.#told.add(what);
    this.#world.tell({ kind: 'fault', fault });
  }
}
