/**
 * Taps the sockets and serial lines of a world: both directions, one number per connection. Transparent to the tapped
 * code, and without cost while nothing listens.
 */
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { Datagrams, Net, ReadBuffer } from '../core/net.ts';

export type NetEvent =
  | { kind: 'open'; conn: number; via: 'tcp' | 'udp' | 'serial'; by: 'edge' | 'device'; peer?: string; isUnderWay?: true }
  | { kind: 'bytes'; conn: number; dir: 'in' | 'out'; bytes: Uint8Array; peer?: string }
  | { kind: 'close'; conn: number; by: 'edge' | 'device'; isReset: boolean };

export type NetListener = (event: NetEvent) => void;

interface TappedConnection {
  facts: Extract<NetEvent, { kind: 'open' }>;
  /** Turns the tap on or off. */
  listen(isOn: boolean): void;
}

export class NetTap {
  /** The tapped net. */
  readonly net: Net;
  readonly #open = new Map<number, TappedConnection>();
  readonly #listeners = new Set<NetListener>();
  #lastConn = 0;

  constructor(net: Net) {
    const follow = (stream: Socket, by: 'edge' | 'device') =>
      this.#follow(stream, { via: 'tcp', by, peer: `${stream.remoteAddress}:${stream.remotePort}` });
    this.net = {
      connect: async (address, signal, into) => {
        let conn = 0;
        const stream = await net.connect(address, signal, into && this.#tapInto(into, () => conn));
        conn = follow(stream, 'edge');
        return stream;
      },
      listen: (address, accept, failed) => net.listen(address, (stream) => {
        follow(stream, 'device');
        accept(stream);
      }, failed),
      serial: async (options) => {
        const line = await net.serial(options);
        this.#follow(line, { via: 'serial', by: 'edge', peer: options.path });
        return line;
      },
      bind: async (address) => this.#datagrams(await net.bind(address)),
    };
  }

  /** Starts listening; open connections are reported first. @returns stops listening */
  listen(listener: NetListener): () => void {
    this.#listeners.add(listener);
    for (const { facts, listen } of this.#open.values()) {
      listener({ ...facts, isUnderWay: true });
      listen(true);
    }
    return () => {
      this.#listeners.delete(listener);
      if (this.#listeners.size === 0) for (const { listen } of this.#open.values()) listen(false);
    };
  }

  #emit(event: NetEvent): void {
    for (const listener of this.#listeners) listener(event);
  }

  #begin(facts: Omit<TappedConnection['facts'], 'kind' | 'conn'>, listen: TappedConnection['listen']): number {
    const conn = (this.#lastConn += 1);
    const open: TappedConnection = { facts: { kind: 'open', conn, ...facts }, listen };
    this.#open.set(conn, open);
    if (this.#listeners.size > 0) {
      this.#emit(open.facts);
      listen(true);
    }
    return conn;
  }

  /** Taps bytes that are read past the stream. */
  #tapInto(into: ReadBuffer, conn: () => number): ReadBuffer {
    return {
      buffer: into.buffer,
      take: (length) => {
        if (this.#listeners.size > 0)
          this.#emit({ kind: 'bytes', conn: conn(), dir: 'in', bytes: new Uint8Array(into.buffer.subarray(0, length)) });
        into.take(length);
      },
    };
  }

  #follow(stream: Duplex, facts: Omit<TappedConnection['facts'], 'kind' | 'conn'>): number {
    let isEndedByDevice = false;
    let isReset = false;
    const conn: number = this.#begin(facts, (isOn) => {
      // Overrides the stream's shared methods on this instance only.
      const over = stream as unknown as { push?: unknown; _write?: unknown; _writev?: unknown };
      delete over.push;
      delete over._write;
      delete over._writev;
      if (!isOn) return;
      const [push, write, writev] = [stream.push, stream._write, stream._writev];
      over.push = (chunk: unknown, encoding?: BufferEncoding) => {
        if (chunk === null) isEndedByDevice = true;
        else if (chunk instanceof Uint8Array) this.#emit({ kind: 'bytes', conn, dir: 'in', bytes: chunk });
        return push.call(stream, chunk, encoding);
      };
      const sent = (chunk: unknown, encoding: BufferEncoding) =>
        this.#emit({
          kind: 'bytes',
          conn,
          dir: 'out',
          bytes: typeof chunk === 'string' ? Buffer.from(chunk, encoding) : (chunk as Uint8Array),
        });
      over._write = (chunk: unknown, encoding: BufferEncoding, done: (error?: Error | null) => void) => {
        sent(chunk, encoding);
        write.call(stream, chunk, encoding, done);
      };
      if (!writev) return;
      over._writev = (chunks: { chunk: unknown; encoding: BufferEncoding }[], done: (error?: Error | null) => void) => {
        for (const { chunk, encoding } of chunks) sent(chunk, encoding);
        writev.call(stream, chunks, done);
      };
    });
    // No error listener: an unhandled error must stay unhandled.
    stream.once('close', () => { isReset = stream.errored !== null; });
    stream.once('close', () => {
      this.#open.delete(conn);
      this.#emit({ kind: 'close', conn, by: isEndedByDevice || isReset ? 'device' : 'edge', isReset });
    });
    return conn;
  }

  #datagrams(socket: Datagrams): Datagrams {
    let isOn = false;
    const conn = this.#begin({ via: 'udp', by: 'edge' }, (on) => { isOn = on; });
    return {
      port: socket.port,
      send: (bytes, to) => {
        if (isOn) this.#emit({ kind: 'bytes', conn, dir: 'out', bytes, peer: `${to.host}:${to.port}` });
        socket.send(bytes, to);
      },
      listen: (take, failed) => socket.listen((bytes, from) => {
        if (isOn) this.#emit({ kind: 'bytes', conn, dir: 'in', bytes, peer: `${from.host}:${from.port}` });
        take(bytes, from);
      }, failed),
      close: async () => {
        if (this.#open.delete(conn)) this.#emit({ kind: 'close', conn, by: 'edge', isReset: false });
        await socket.close();
      },
    };
  }
}
