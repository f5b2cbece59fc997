/**
 * Sockets and serial lines as an argument. A driver opens none by itself: what it says and hears can then be recorded
 * and played back on a virtual clock, through the same link.
 */
import { createSocket } from 'node:dgram';
import { read } from 'node:fs';
import { connect, createServer, isIP, isIPv6, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { promisify } from 'node:util';

export interface HostPort {
  host: string;
  port: number;
}

/** Of `host:port`, IPv6 in brackets. */
export function parseHostPort(text: string): HostPort {
  const colon = text.lastIndexOf(':');
  return { host: text.slice(0, colon).replaceAll(/[[\]]/g, ''), port: Number(text.slice(colon + 1)) };
}

/** Whether an address is of this machine alone; IPv4 in IPv6 too. */
export function isLoopback(address: string): boolean {
  // A name may begin like one: 127.example.com.
  return address === '::1' || (isIP(address) !== 0 && /^(::ffff:)?127\./i.test(address));
}

/** Whoever has one address of IPv6 has the other 2^64 of its network. IPv4 in IPv6 is IPv4. */
export function networkOf(address: string): string {
  const plain = address.replace(/^::ffff:(?=\d+\.)/i, '').replace(/%.*$/, '');
  if (!isIPv6(plain)) return plain;
  const [head = '', tail] = plain.split('::');
  const front = head === '' ? [] : head.split(':');
  const back = tail === undefined || tail === '' ? [] : tail.split(':');
  const groups =
    tail === undefined ? front : [...front, ...Array.from({ length: Math.max(0, 8 - front.length - back.length) }, () => '0'), ...back];
  return `${groups.slice(0, 4).map((group) => group.replace(/^0+(?=.)/, '')).join(':')}::/64`;
}

/** A port that is listened on. */
export interface ListeningPort {
  /** The port that was had, where 0 was asked for. */
  port: number;
  /** Takes no further connections and resolves; those that are open belong to whoever took them. Twice is fine. */
  close(): Promise<void>;
}

/** A UDP socket. */
export interface Datagrams {
  port: number;
  send(bytes: Uint8Array, to: HostPort): void;
  /** Called once. `failed`: the system's error, after which nothing comes any more. */
  listen(take: (bytes: Buffer, from: HostPort) => void, failed: (error: Error) => void): void;
  /** Resolves when the handle is gone. Twice is fine. */
  close(): Promise<void>;
}

export interface SerialOptions {
  /** `/dev/…` */
  path: string;
  baudRate: number;
  dataBits: 5 | 6 | 7 | 8;
  stopBits: 1 | 1.5 | 2;
  parity: 'none' | 'even' | 'odd';
}

/** A serial line that is open: a stream that ends with `close`, also when its adapter is pulled out. */
export interface SerialPort extends Duplex {
  readonly isOpen: boolean;
  readonly closing: boolean;
  close(done?: (error?: Error | null) => void): void;
  /** Lets go of what came in and was not read yet. */
  flush(done: (error?: Error | null) => void): void;
}

/** Where a socket's bytes are read into, over and over: without it every read makes room of 64 KB of its own. */
export interface ReadBuffer {
  /** May be shared by any number of sockets. */
  buffer: Uint8Array;
  /** Takes what has just been read, the first `length` bytes of `buffer`, and copies what it keeps. */
  take(length: number): void;
}

export interface Net {
  /**
   * A TCP connection that is open; rejects with the system's error (ECONNREFUSED …) or when the signal aborts.
   *
   * @param into only a wish: where it is not met, bytes come as `data` events as ever, so whoever gives it takes both
   */
  connect(address: HostPort, signal: AbortSignal, into?: ReadBuffer): Promise<Socket>;
  /**
   * Listens for TCP connections.
   *
   * @param accept takes each one; it has no listeners yet, so an `error` handler is the first thing it needs
   * @param failed errors after it listens (too many open files, say)
   * @returns rejects with the system's error (EADDRINUSE …)
   */
  listen(address: HostPort, accept: (socket: Socket) => void, failed?: (error: Error) => void): Promise<ListeningPort>;
  /** A UDP socket bound to an address of this machine (port 0 takes any); rejects with the system's error. */
  bind(address: HostPort): Promise<Datagrams>;
  /** Opens a serial port, alone; rejects with the system's error. */
  serial(options: SerialOptions): Promise<SerialPort>;
}

export const realNet: Net = {
  connect: ({ host, port }, signal, into) =>
    new Promise((resolve, reject) => {
      const socket = connect({
        host,
        port,
        noDelay: true,
        ...(into && {
          onread: {
            buffer: into.buffer,
            callback: (length) => {
              into.take(length);
              return true;
            },
          },
        }),
      });
      const settle = () => {
        signal.removeEventListener('abort', abort);
        socket.removeListener('error', fail);
        socket.removeListener('connect', done);
      };
      const fail = (error: Error) => {
        settle();
        socket.destroy();
        reject(error);
      };
      const abort = () => fail(signal.reason instanceof Error ? signal.reason : new Error('aborted'));
      const done = () => {
        settle();
        resolve(socket);
      };
      if (signal.aborted) return abort();
      signal.addEventListener('abort', abort, { once: true });
      socket.once('error', fail);
      socket.once('connect', done);
    }),

  listen: (address, accept, failed) =>
    new Promise((resolve, reject) => {
      const server = createServer({ noDelay: true }, accept);
      server.once('error', reject);
      server.listen(address, () => {
        server.removeListener('error', reject);
        server.on('error', failed ?? (() => {}));
        const bound = server.address();
        resolve({
          port: bound !== null && typeof bound === 'object' ? bound.port : address.port,
          // The promise of `server.close` waits for the connections, which are not the server's.
          close: async () => { server.close(); },
        });
      });
    }),

  bind: ({ host, port }) =>
    new Promise((resolve, reject) => {
      const socket = createSocket(isIPv6(host) ? 'udp6' : 'udp4');
      const closed = new Promise<void>((done) => { socket.once('close', () => done()); });
      let isClosed = false;
      socket.once('error', reject);
      socket.bind({ address: host, port }, () => {
        socket.removeListener('error', reject);
        socket.on('error', () => {}); // until somebody listens
        resolve({
          port: socket.address().port,
          send: (bytes, to) => { if (!isClosed) socket.send(bytes, to.port, to.host); },
          listen(take, fail) {
            socket.on('message', (bytes, from) => take(bytes, { host: from.address, port: from.port }));
            socket.on('error', fail);
          },
          async close() {
            if (!isClosed) socket.close();
            isClosed = true;
            await closed;
          },
        });
      });
    }),

  async serial({ path, ...options }) {
    // Native code: loaded only where there is a serial line.
    const { SerialPort } = await import('serialport');
    const line = new SerialPort({ path, ...options, lock: true, autoOpen: false });
    await new Promise<void>((resolve, reject) => { line.open((error) => (error ? reject(error) : resolve())); });
    if (line.port && 'poller' in line.port) line.port.read = readUntilGone(line.port as unknown as UnixPort);
    return line;
  },
};

/** What the library's ports have on Unix. */
interface UnixPort {
  isOpen: boolean;
  fd: number | null;
  poller: { once(event: 'readable', told: (error: Error | null) => void): void };
}

const readSome = promisify(read);

/**
 * A terminal that was hung up reads as nothing, for ever. The library reads on then, without an end and at the cost of a core,
 * where it was not waiting at that moment; here it is an adapter that is gone.
 */
function readUntilGone(port: UnixPort) {
  return async (buffer: Buffer, offset: number, length: number): Promise<{ buffer: Buffer; bytesRead: number }> => {
    for (;;) {
      if (!port.isOpen || port.fd === null) throw Object.assign(new Error('Port is not open'), { canceled: true });
      try {
        const { bytesRead } = await readSome(port.fd, buffer, offset, length, null);
        if (bytesRead > 0) return { buffer, bytesRead };
      } catch (error) {
        const { code } = error as NodeJS.ErrnoException;
        if (code !== 'EAGAIN' && code !== 'EWOULDBLOCK' && code !== 'EINTR') throw Object.assign(error as Error, { disconnect: true });
        if (port.isOpen)
          await new Promise<void>((resolve, reject) => {
            port.poller.once('readable', (failed) => (failed ? reject(failed) : resolve()));
          });
        continue;
      }
      throw Object.assign(new Error('the adapter is gone'), { disconnect: true });
    }
  };
}
