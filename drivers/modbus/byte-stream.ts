/** A two-way byte stream: a socket, a serial line, or the connection of a DTU. */
import type { Socket } from 'node:net';
import { FaultError } from '../../core/faults.ts';
import type { ReadBuffer } from '../../core/net.ts';

export interface ByteStream {
  /** Its name in faults. */
  readonly address: string;
  send(bytes: Uint8Array): void;
  /** Called once: `bytes` gets received bytes, `end` is called when it ends other than by our `close`. */
  listen(bytes: (bytes: Buffer) => void, end: (fault: FaultError) => void): void;
  /** Discards bytes that were received but not read. */
  flush?(): Promise<void>;
  /** Resolves when every handle is closed. */
  close(): Promise<void>;
}

/**
 * Mobile networks drop idle connections after one to five minutes: keep-alive probes prevent that and detect dead ones.
 * Node has no TCP user time-out; unacknowledged data shows by the host's time-outs, after which it opens a new link.
 */
export const KEEP_ALIVE_MS = 30_000;

/** Shared by all links, which read one after the other. */
const READ_BUFFER = Buffer.alloc(4096);

/** Reads a socket into the shared buffer and passes the bytes on; those before `onBytes` are kept. */
export class SocketReader implements ReadBuffer {
  readonly buffer = READ_BUFFER;
  #onBytes: ((bytes: Buffer) => void) | null = null;
  #pending: Buffer[] = [];

  take(length: number): void {
    const bytes = Buffer.from(READ_BUFFER.subarray(0, length));
    if (this.#onBytes) this.#onBytes(bytes);
    else this.#pending.push(bytes);
  }

  onBytes(handler: (bytes: Buffer) => void): void {
    this.#onBytes = handler;
    for (const bytes of this.#pending.splice(0)) handler(bytes);
  }
}

/** @param reader the one that the socket was connected with, if any */
export function socketStream(socket: Socket, address: string, reader?: SocketReader): ByteStream {
  socket.setKeepAlive(true, KEEP_ALIVE_MS);
  const closed = new Promise<void>((resolve) => { socket.once('close', () => resolve()); });
  return {
    address,
    send: (bytes) => { socket.write(bytes); },
    listen(bytes, end) {
      reader?.onBytes(bytes);
      socket.on('data', bytes);
      socket.on('error', (error) => end(new FaultError('CV_LINK_CLOSED', { address, detail: error.message }, { cause: error })));
      for (const event of ['end', 'close']) socket.on(event, () => end(closedByDevice(address)));
    },
    async close() {
      socket.destroy();
      await closed;
    },
  };
}

export function closedByDevice(address: string): FaultError {
  return new FaultError('CV_LINK_CLOSED', { address, detail: 'by the device', detailZh: '设备主动断开' });
}
