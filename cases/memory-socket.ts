/**
 * The driver's end of a replayed connection: an in-memory socket with the parts of `net.Socket` that drivers and
 * libraries use. Bytes arrive on the replay's clock.
 */
import type { Socket } from 'node:net';
import { Duplex } from 'node:stream';
import type { SerialPort } from '../core/net.ts';

/** The other end of the socket. */
export interface SocketPeer {
  received(bytes: Uint8Array): void;
  /** The driver closed it. */
  closed(): void;
}

export class MemorySocket extends Duplex {
  readonly remoteAddress = '192.0.2.1';
  readonly remoteFamily = 'IPv4';
  readonly remotePort: number;
  readonly localAddress = '192.0.2.2';
  readonly localPort = 0;
  readonly connecting = false;
  readonly pending = false;
  isOpen = true;
  readonly closing = false;
  bytesRead = 0;
  bytesWritten = 0;
  readonly #far: SocketPeer;

  constructor(far: SocketPeer, remotePort = 0) {
    super({ allowHalfOpen: false });
    this.#far = far;
    this.remotePort = remotePort;
  }

  override _read(): void {}

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.bytesWritten += chunk.length;
    this.#far.received(chunk);
    done();
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.isOpen = false;
    this.#far.closed();
    done(error);
  }

  /** Bytes of the device arrive. */
  deliver(bytes: Uint8Array): void {
    if (this.destroyed || bytes.length === 0) return;
    this.bytesRead += bytes.length;
    this.push(Buffer.from(bytes));
  }

  /** The device closes the connection, gracefully or with a reset. */
  disconnect(isReset: boolean): void {
    if (this.destroyed) return;
    if (isReset) this.destroy(Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET', syscall: 'read' }));
    else this.push(null);
  }

  // TCP socket methods without effect here.
  setKeepAlive(): this { return this; }
  setNoDelay(): this { return this; }
  ref(): this { return this; }
  unref(): this { return this; }
  destroySoon(): void { this.end(() => this.destroy()); }
  resetAndDestroy(): this { return this.destroy(); }

  // Serial line methods.
  flush(done: () => void): void { done(); }
  drain(done: () => void): void { done(); }
  close(done?: () => void): void {
    if (done) this.once('close', () => done());
    this.destroy();
  }

  asSocket(): Socket {
    return this as unknown as Socket;
  }

  asSerialLine(): SerialPort {
    return this as unknown as SerialPort;
  }
}
