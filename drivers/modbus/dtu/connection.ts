/** A connection that a DTU dialled. It lives as long as its socket, whichever link uses it. */
import type { Socket } from 'node:net';
import { FaultError } from '../../../core/faults.ts';
import { closedByDevice, KEEP_ALIVE_MS, type ByteStream } from '../byte-stream.ts';

/** Bytes kept of a DTU that is not identified yet. */
const MAX_PACKET_BYTES = 512;

export class DtuConnection {
  /** Address and port of the peer. */
  readonly peer: string;
  /** Bytes received before it was identified. */
  packet: Buffer = Buffer.alloc(0);
  /** Why it is closed; null while it is open. */
  closeFault: FaultError | null = null;
  readonly #socket: Socket;
  readonly #address: string;
  #onBytes: (bytes: Buffer) => void = () => {};
  #onPacket: (() => void) | null = null;
  #closeListeners = new Set<(fault: FaultError) => void>();
  #owesAnswer = false;

  constructor(socket: Socket, listen: string) {
    this.#socket = socket;
    this.peer = `${socket.remoteAddress}:${socket.remotePort}`;
    this.#address = `${listen} (${this.peer})`;
    socket.setNoDelay(true);
    socket.setKeepAlive(true, KEEP_ALIVE_MS);
    socket.on('data', (bytes) => {
      this.#owesAnswer = false;
      if (this.#onPacket) {
        this.packet = Buffer.concat([this.packet, bytes]).subarray(-MAX_PACKET_BYTES);
        this.#onPacket();
      }
      this.#onBytes(bytes);
    });
    socket.on('error', (error) =>
      this.close(new FaultError('CV_LINK_CLOSED', { address: this.#address, detail: error.message }, { cause: error })),
    );
    for (const event of ['end', 'close']) socket.on(event, () => this.close(closedByDevice(this.#address)));
  }

  /** No byte was received since the last request: the peer may be gone. */
  get owesAnswer(): boolean {
    return this.#owesAnswer;
  }

  onClose(run: (fault: FaultError) => void): void {
    if (this.closeFault) run(this.closeFault);
    else this.#closeListeners.add(run);
  }

  /** Until it is identified, all received bytes are kept as its packet, also while it is being asked. */
  listenForPacket(tap: (() => void) | null): void {
    this.#onPacket = tap;
  }

  /** Closes it and reports the reason to its user. */
  close(fault: FaultError): void {
    if (this.closeFault) return;
    this.closeFault = fault;
    this.#socket.destroy();
    for (const run of this.#closeListeners) run(fault);
    this.#closeListeners.clear();
  }

  /** A byte stream for one link, whose close leaves the connection open. */
  stream(): ByteStream {
    let onEnd = (_fault: FaultError): void => {};
    return {
      address: this.#address,
      send: (bytes) => {
        this.#owesAnswer = true;
        this.#socket.write(bytes);
      },
      listen: (bytes, end) => {
        onEnd = end;
        this.#onBytes = bytes;
        this.onClose(end);
      },
      close: async () => {
        if (this.#closeListeners.delete(onEnd)) this.#onBytes = () => {};
      },
    };
  }
}
