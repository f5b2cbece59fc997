/**
 * The devices that the contract suite runs a driver against, exported by `drivers/<id>/testing/double.ts` as
 * `double: DriverDouble`. Drivers over plain TCP make the bad ones with `badTcpPeers`.
 */
import { createServer, type AddressInfo, type Socket } from 'node:net';
import type { Driver, Request } from '../../core/driver.ts';
import { seededRandom, type Random } from '../../core/world.ts';
import type { Case, CaseLine } from './cases.ts';

/** A device that was started for a test, with its configuration. */
export interface Peer {
  /** As written in a config: the suite checks them with the driver's own schemas. */
  settings: Record<string, unknown>;
  /** As written in a config, with ids; left out where the driver's points are fixed. */
  points?: Record<string, unknown>[];
  /** Drivers that probe: texts that the findings for a good peer must contain in either language. */
  probeFacts?: readonly string[];
  /** Open links, where the peer can count them; must be 0 after every close. */
  connections?(): number;
  /** Stops the peer and closes everything that it opened. */
  stop(): Promise<void>;
}

export interface DriverDouble {
  /** Answers every point (polled), or sends frames until it is stopped. */
  good(): Promise<Peer>;
  /** Accepts connections and sends nothing. */
  silent(): Promise<Peer>;
  /** Breaks off: a reset connection, a program that exits, a file that ends early. One that dials in identifies itself first. */
  resetting(): Promise<Peer>;
  /** Sends bytes that are not of the protocol, the same for the same seed. */
  garbage(seed: number): Promise<Peer>;
  /** Sends bytes that are not of the protocol without end, as fast as they are read. */
  flooding?(): Promise<Peer>;
  /** The frames of a case, where neither `frameReader` nor the recorded bytes give them. */
  frames?(recorded: Case): Promise<{ frame: unknown; request?: Request }[]>;
  /** A mutated copy of a recorded frame, for drivers whose frames are neither bytes nor JSON lines. */
  mutate?(frame: unknown, random: Random): unknown;
  /** Runs a case where `decode` alone gives no samples (a camera's detector is not part of its driver). */
  runCase?(recorded: Case, driver: Driver): Promise<CaseLine[]>;
}

/**
 * The bad peers of a driver over TCP. `describe` gives the configuration for an address; `prefix`: where the device sends
 * first, the beginning of a message, sent before the connection is reset.
 */
export function badTcpPeers(
  describe: (host: string, port: number) => Pick<Peer, 'settings' | 'points'>,
  prefix?: string | Uint8Array,
): Pick<DriverDouble, 'silent' | 'resetting' | 'garbage' | 'flooding'> {
  return {
    flooding: () => tcpPeer(describe, (socket) => {
      const random = seededRandom(11);
      const writeAll = () => { while (!socket.destroyed && socket.write(noise(random))); };
      socket.on('drain', writeAll);
      socket.resume();
      writeAll();
    }),
    silent: () => tcpPeer(describe, (socket) => { socket.resume(); }),
    resetting: () => tcpPeer(describe, (socket) => {
      if (prefix === undefined) socket.once('data', () => { socket.resetAndDestroy(); });
      else socket.write(prefix, () => { socket.resetAndDestroy(); });
    }),
    garbage(seed) {
      const random = seededRandom(seed);
      return tcpPeer(describe, (socket) => {
        const write = () => { socket.write(noise(random)); };
        socket.on('data', write);
        // A driver that waits for the device's first word would never send anything that it could be answered.
        if (prefix !== undefined) write();
      });
    },
  };
}

/** A TCP server on loopback; `serve` handles each connection. */
export async function tcpPeer(
  describe: (host: string, port: number) => Pick<Peer, 'settings' | 'points' | 'probeFacts'>,
  serve: (socket: Socket) => void,
): Promise<Peer> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    socket.on('error', () => { socket.destroy(); }); // a driver that resets the connection is part of the test
    serve(socket);
  });
  await new Promise<void>((resolve) => { server.listen(0, '127.0.0.1', resolve); });
  return {
    ...describe('127.0.0.1', (server.address() as AddressInfo).port),
    connections: () => sockets.size,
    stop: () => new Promise((resolve) => {
      server.close(() => resolve());
      for (const socket of sockets) socket.destroy();
    }),
  };
}

function noise(random: Random): Uint8Array {
  return Uint8Array.from({ length: 64 + Math.floor(random.next() * 400) }, () => Math.floor(random.next() * 256));
}
