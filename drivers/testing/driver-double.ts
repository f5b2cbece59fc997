/**
 * What a driver lends the contract suite: peers to talk to. A driver offers them in `drivers/<id>/contract.ts` as
 * `export const double: DriverDouble`; one that speaks over plain TCP makes the bad ones with `badTcpPeers`.
 */
import { createServer, type AddressInfo, type Socket } from 'node:net';
import type { Driver, Request } from '../../core/driver.ts';
import { seededRandom, type Random } from '../../core/world.ts';
import type { Case, CaseLine } from './cases.ts';

/** A device that was started for a test, and how a configuration would name it. */
export interface Peer {
  /** As written in a config: the suite checks them with the driver's own schemas. */
  settings: Record<string, unknown>;
  /** As written in a config, with ids; left out where the driver's points are fixed. */
  points?: Record<string, unknown>[];
  /** Good ones of drivers that probe: what a field engineer must be told of it, whatever the language. */
  tells?: readonly string[];
  /** How many links it holds open now, where it can tell; the suite wants 0 after every close. */
  connections?(): number;
  /** Ends the peer and everything it holds. */
  stop(): Promise<void>;
}

export interface DriverDouble {
  /** Answers every point (polled), or gives frames until it is stopped. */
  good(): Promise<Peer>;
  /** Can be reached and then never says a word. */
  silent(): Promise<Peer>;
  /** Lets go in the middle: a reset connection, a program that dies, a file that ends early. One that dials says first who it is. */
  resets(): Promise<Peer>;
  /** Says what is not the protocol. The same seed says the same. */
  garbage(seed: number): Promise<Peer>;
  /** Never stops saying what is not the protocol, whatever it is told, as fast as it is read. */
  floods?(): Promise<Peer>;
  /** The frames of a case, where neither `frameOf` nor the recorded bytes give them. */
  frames?(recorded: Case): Promise<{ frame: unknown; request?: Request }[]>;
  /** Another frame than the recorded one, for drivers whose frames are neither bytes nor JSON lines. */
  mutate?(frame: unknown, random: Random): unknown;
  /** Runs a case where `decode` alone does not give samples (a camera's detector is no part of its driver). */
  runCase?(recorded: Case, driver: Driver): Promise<CaseLine[]>;
}

/**
 * The three bad peers of a driver that speaks over TCP. `describe` writes the config for an address; `begins`: where the
 * device speaks first, what it has said of a message when it lets go.
 */
export function badTcpPeers(describe: (host: string, port: number) => Pick<Peer, 'settings' | 'points'>, begins?: string | Uint8Array): Pick<DriverDouble, 'silent' | 'resets' | 'garbage' | 'floods'> {
  return {
    floods: () => tcpPeer(describe, (socket) => {
      const random = seededRandom(11);
      const pour = () => { while (!socket.destroyed && socket.write(noise(random))); };
      socket.on('drain', pour);
      socket.resume();
      pour();
    }),
    silent: () => tcpPeer(describe, (socket) => { socket.resume(); }),
    resets: () => tcpPeer(describe, (socket) => {
      if (begins === undefined) socket.once('data', () => { socket.resetAndDestroy(); });
      else socket.write(begins, () => { socket.resetAndDestroy(); });
    }),
    garbage(seed) {
      const random = seededRandom(seed);
      return tcpPeer(describe, (socket) => { socket.on('data', () => { socket.write(noise(random)); }); });
    },
  };
}

/** A TCP server on loopback that treats each connection as told. */
export async function tcpPeer(describe: (host: string, port: number) => Pick<Peer, 'settings' | 'points' | 'tells'>, serve: (socket: Socket) => void): Promise<Peer> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    socket.on('error', () => { socket.destroy(); }); // a driver that hangs up hard is part of the test
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
