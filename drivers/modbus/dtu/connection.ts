/** One connection that a data unit dialled. Lives as long as its socket, whichever link uses it meanwhile. */
import type { Socket } from 'node:net';
import { FaultError } from '../../../core/faults.ts';
import { closedByDevice, KEEP_ALIVE_MS, type Wire } from '../wire.ts';

/** What is kept of a unit that has not said who it is. */
const MAX_PACKET_BYTES = 512;

export class Connection {
  /** Address and port it came from. */
  readonly peer: string;
  /** What it said before it was known. */
  packet: Buffer = Buffer.alloc(0);
  /** Why it is over; null while it is not. */
  end: FaultError | null = null;
  readonly #socket: Socket;
  readonly #address: string;
  #take: (bytes: Buffer) => void = () => {};
  #tap: (() => void) | null = null;
  #onEnd = new Set<(fault: FaultError) => void>();
  #owesAnswer = false;

  constructor(socket: Socket, listen: string) {
    this.#socket = socket;
    this.peer = `${socket.remoteAddress}:${socket.remotePort}`;
    this.#address = `${listen} (${this.peer})`;
    socket.setNoDelay(true);
    socket.setKeepAlive(true, KEEP_ALIVE_MS);
    socket.on('data', (bytes) => {
      this.#owesAnswer = false;
      if (this.#tap) {
        this.packet = Buffer.concat([this.packet, bytes]).subarray(-MAX_PACKET_BYTES);
        this.#tap();
      }
      this.#take(bytes);
    });
    socket.on('error', (error) => this.over(new FaultError('CV_LINK_CLOSED', { address: this.#address, detail: error.message }, { cause: error })));
    for (const event of ['end', 'close']) socket.on(event, () => this.over(closedByDevice(this.#address)));
  }

  /** Nothing came since the last request: a peer that is gone looks like this. */
  get owesAnswer(): boolean {
    return this.#owesAnswer;
  }

  onEnd(run: (fault: FaultError) => void): void {
    if (this.end) run(this.end);
    else this.#onEnd.add(run);
  }

  /** Until it is known, everything it says is kept as its packet, also while it is being asked. */
  listenForPacket(tap: (() => void) | null): void {
    this.#tap = tap;
  }

  /** Ends it; whoever uses it is told why. */
  over(fault: FaultError): void {
    if (this.end) return;
    this.end = fault;
    this.#socket.destroy();
    for (const run of this.#onEnd) run(fault);
    this.#onEnd.clear();
  }

  /** As a wire for one link, which closes without ending it. */
  wire(): Wire {
    let onEnd = (_fault: FaultError): void => {};
    return {
      address: this.#address,
      send: (bytes) => {
        this.#owesAnswer = true;
        this.#socket.write(bytes);
      },
      listen: (bytes, end) => {
        onEnd = end;
        this.#take = bytes;
        this.onEnd(end);
      },
      close: async () => {
        if (this.#onEnd.delete(onEnd)) this.#take = () => {};
      },
    };
  }
}
