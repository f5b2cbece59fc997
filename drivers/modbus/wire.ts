/** Bytes both ways, whatever carries them: a socket, a serial line, the connection of a data unit that dialled in. */
import type { Socket } from 'node:net';
import { FaultError } from '../../core/faults.ts';
import type { ReadBuffer } from '../../core/net.ts';

export interface Wire {
  /** How it is spoken of in faults. */
  readonly address: string;
  send(bytes: Uint8Array): void;
  /** Called once: `bytes` for what comes in, `end` when it is over and not by our `close`. */
  listen(bytes: (bytes: Buffer) => void, end: (fault: FaultError) => void): void;
  /** Lets go of what came in and was not read yet. */
  flush?(): Promise<void>;
  /** Resolves when every handle is gone. */
  close(): Promise<void>;
}

/**
 * A mobile carrier forgets an idle connection after one to five minutes: probes before that keep it, and show a dead
 * one. Node has no TCP user time-out; data that is not acknowledged shows by the host's own time-outs, after which it
 * opens a new link.
 */
export const KEEP_ALIVE_MS = 30_000;

/** All links read into this, one after the other. */
const READ_BUFFER = Buffer.alloc(4096);

/** What a socket's bytes are read into, and whoever they are for once he listens. */
export class Intake implements ReadBuffer {
  readonly buffer = READ_BUFFER;
  #give: ((bytes: Buffer) => void) | null = null;
  #early: Buffer[] = [];

  take(length: number): void {
    const bytes = Buffer.from(READ_BUFFER.subarray(0, length));
    if (this.#give) this.#give(bytes);
    else this.#early.push(bytes);
  }

  giveTo(give: (bytes: Buffer) => void): void {
    this.#give = give;
    for (const bytes of this.#early.splice(0)) give(bytes);
  }
}

/** @param intake the one that it was connected with, if any */
export function socketWire(socket: Socket, address: string, intake?: Intake): Wire {
  socket.setKeepAlive(true, KEEP_ALIVE_MS);
  const closed = new Promise<void>((resolve) => { socket.once('close', () => resolve()); });
  return {
    address,
    send: (bytes) => { socket.write(bytes); },
    listen(bytes, end) {
      intake?.giveTo(bytes);
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
