/**
 * Listens in on the sockets and serial lines of a world: both directions, each connection by a number of its own.
 * What is listened to does not notice: nothing is read in its place, and while nobody listens nothing is in the way.
 */
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { Datagrams, Net, ReadInto } from '../core/net.ts';

export type NetEvent =
  | { kind: 'open'; conn: number; via: 'tcp' | 'udp' | 'serial'; by: 'edge' | 'device'; peer?: string; isUnderWay?: true }
  | { kind: 'bytes'; conn: number; dir: 'in' | 'out'; bytes: Uint8Array; peer?: string }
  | { kind: 'close'; conn: number; by: 'edge' | 'device'; isReset: boolean };

export type NetListener = (event: NetEvent) => void;

interface TappedConnection {
  facts: Extract<NetEvent, { kind: 'open' }>;
  /** Puts ears on, or takes them off. */
  listen(isOn: boolean): void;
}

export class NetTap {
  /** The world's own net, for whoever is to be listened to. */
  readonly net: Net;
  readonly #open = new Map<number, TappedConnection>();
  readonly #listeners = new Set<NetListener>();
  #lastConn = 0;

  constructor(net: Net) {
    const follow = (stream: Socket, by: 'edge' | 'device') => this.#follow(stream, { via: 'tcp', by, peer: `${stream.remoteAddress}:${stream.remotePort}` });
    this.net = {
      connect: async (address, signal, into) => {
        let conn = 0;
        const stream = await net.connect(address, signal, into && this.#heardInto(into, () => conn));
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

  /** From now on; those that are open already come first. @returns the way to stop */
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

  #tell(event: NetEvent): void {
    for (const listener of this.#listeners) listener(event);
  }

  #begin(facts: Omit<TappedConnection['facts'], 'kind' | 'conn'>, listen: TappedConnection['listen']): number {
    const conn = (this.#lastConn += 1);
    const open: TappedConnection = { facts: { kind: 'open', conn, ...facts }, listen };
    this.#open.set(conn, open);
    if (this.#listeners.size > 0) {
      this.#tell(open.facts);
      listen(true);
    }
    return conn;
  }

  /** What is read past the stream is heard here. */
  #heardInto(into: ReadInto, conn: () => number): ReadInto {
    return {
      buffer: into.buffer,
      take: (length) => {
        if (this.#listeners.size > 0) this.#tell({ kind: 'bytes', conn: conn(), dir: 'in', bytes: new Uint8Array(into.buffer.subarray(0, length)) });
        into.take(length);
      },
    };
  }

  #follow(stream: Duplex, facts: Omit<TappedConnection['facts'], 'kind' | 'conn'>): number {
    let isEndedByDevice = false;
    let isReset = false;
    const conn: number = this.#begin(facts, (isOn) => {
      // The stream's own methods are shared by all streams: what is set here lies over them and is taken off again.
      const over = stream as unknown as { push?: unknown; _write?: unknown; _writev?: unknown };
      delete over.push;
      delete over._write;
      delete over._writev;
      if (!isOn) return;
      const [push, write, writev] = [stream.push, stream._write, stream._writev];
      over.push = (chunk: unknown, encoding?: BufferEncoding) => {
        if (chunk === null) isEndedByDevice = true;
        else if (chunk instanceof Uint8Array) this.#tell({ kind: 'bytes', conn, dir: 'in', bytes: chunk });
        return push.call(stream, chunk, encoding);
      };
      const sent = (chunk: unknown, encoding: BufferEncoding) => this.#tell({ kind: 'bytes', conn, dir: 'out', bytes: typeof chunk === 'string' ? Buffer.from(chunk, encoding) : chunk as Uint8Array });
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
    // An error that nobody else hears must stay one: so this only looks, when somebody does.
    stream.once('close', () => { isReset = stream.errored !== null; });
    stream.once('close', () => {
      this.#open.delete(conn);
      this.#tell({ kind: 'close', conn, by: isEndedByDevice || isReset ? 'device' : 'edge', isReset });
    });
    return conn;
  }

  #datagrams(socket: Datagrams): Datagrams {
    let isOn = false;
    const conn = this.#begin({ via: 'udp', by: 'edge' }, (on) => { isOn = on; });
    return {
      port: socket.port,
      send: (bytes, to) => {
        if (isOn) this.#tell({ kind: 'bytes', conn, dir: 'out', bytes, peer: `${to.host}:${to.port}` });
        socket.send(bytes, to);
      },
      listen: (take, failed) => socket.listen((bytes, from) => {
        if (isOn) this.#tell({ kind: 'bytes', conn, dir: 'in', bytes, peer: `${from.host}:${from.port}` });
        take(bytes, from);
      }, failed),
      close: async () => {
        if (this.#open.delete(conn)) this.#tell({ kind: 'close', conn, by: 'edge', isReset: false });
        await socket.close();
      },
    };
  }
}
