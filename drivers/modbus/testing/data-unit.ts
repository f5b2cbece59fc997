/** A 4G data unit for rigs and tests: dials a port, says who it is, answers for the units behind it, and beats. */
import { connect, type Socket } from 'node:net';
import { requestReader, type Envelope, type Served } from './device.ts';
import type { Twist } from './server.ts';

export interface DataUnitOptions {
  port: number;
  served: Served;
  envelope?: Envelope;
  /** Sent once when it has dialled; null: it never says who it is. */
  registration: Uint8Array | null;
  heartbeat?: Uint8Array;
  /** Pieces in which an answer goes out, each a write of its own, a turn of the loop apart. */
  pieces?(answer: Uint8Array): Uint8Array[];
  twist?: Twist;
  /** Redials this long after its connection ended, and again until it is taken; default 20 ms. */
  redialMs?: number;
}

export interface DataUnit {
  /** How often it was taken. */
  dials(): number;
  isConnected(): boolean;
  beat(): void;
  /** Sends anything. */
  say(bytes: Uint8Array): void;
  /** Its connection breaks, and it dials again. */
  drop(): void;
  /** The network forgets its connection: the other side is told nothing, and it dials again. */
  vanish(): void;
  stop(): Promise<void>;
}

export function dataUnit({ port, served, envelope = 'rtu', registration, heartbeat, pieces = (answer) => [answer], twist, redialMs = 20 }: DataUnitOptions): DataUnit {
  const ghosts = new Set<Socket>();
  let socket: Socket | null = null;
  let isConnected = false;
  let dials = 0;
  let isStopped = false;
  let timer: NodeJS.Timeout | undefined;

  function dial(): void {
    if (isStopped) return;
    const line = connect({ host: '127.0.0.1', port, noDelay: true });
    socket = line;
    const read = requestReader(served, envelope);
    line.on('connect', () => {
      isConnected = true;
      dials += 1;
      if (registration) line.write(registration);
    });
    line.on('data', (bytes) => {
      if (socket !== line) return;
      for (const { request, answer } of read(bytes) ?? []) {
        const sent = twist ? twist(answer ?? Buffer.alloc(0), request, line) : answer;
        if (sent) send(line, pieces(sent));
      }
    });
    line.on('error', () => { line.destroy(); }); // refused, or hung up; 'close' follows
    line.on('close', () => {
      ghosts.delete(line);
      if (socket !== line) return;
      isConnected = false;
      timer = setTimeout(dial, redialMs);
    });
  }

  function send(line: Socket, [first, ...rest]: Uint8Array[]): void {
    if (!first || line.destroyed) return;
    line.write(first);
    if (rest.length > 0) setImmediate(() => setImmediate(() => send(line, rest)));
  }

  dial();
  return {
    dials: () => dials,
    isConnected: () => isConnected,
    beat() { if (heartbeat && isConnected) socket?.write(heartbeat); },
    say(bytes) { if (isConnected) socket?.write(bytes); },
    drop: () => { socket?.resetAndDestroy(); },
    vanish() {
      if (socket) ghosts.add(socket);
      isConnected = false;
      dial();
    },
    async stop() {
      isStopped = true;
      clearTimeout(timer);
      const closing = [socket, ...ghosts].filter((one): one is Socket => one !== null && !one.destroyed);
      await Promise.all(closing.map((one) => new Promise<void>((resolve) => {
        one.once('close', () => resolve());
        one.destroy();
      })));
    },
  };
}
