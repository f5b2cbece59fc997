/**
 * A listening port shared by several links, because their devices all dial the same one. It is opened for the first link
 * and closed shortly after the last one is: a link is often just reopened, and a device may take a minute to dial again.
 */
import type { Socket } from 'node:net';
import { FaultError, type FaultCode } from '../../core/faults.ts';
import { parseHostPort, type ListeningPort, type Net } from '../../core/net.ts';
import type { World } from '../../core/world.ts';

const LINGER_MS = 200;

/** Handles the connections of a port. */
export interface ConnectionHandler {
  accept(socket: Socket): void;
  /** The port is closed: ends all its connections. */
  close(): void;
}

/** The driver that a port belongs to, with its fault for errors of the system: drivers never share a port. */
export interface PortOwner {
  name: string;
  fault: Extract<FaultCode, `CV_${string}_LISTEN`>;
}

interface Entry<R extends ConnectionHandler> {
  handler: R;
  users: number;
  opening: Promise<ListeningPort>;
}

/** By `Net`, so that the worlds of two tests never share a port. */
const ports = new WeakMap<Net, Map<string, Entry<ConnectionHandler>>>();

/**
 * @param listen `host:port`, IPv6 in brackets
 * @param create called for the first user
 * @returns rejects with the owner's fault; call `release` once for each call
 */
export async function acquireSharedPort<R extends ConnectionHandler>(
  owner: PortOwner,
  listen: string,
  world: World,
  create: () => R,
): Promise<{ handler: R; release(): void }> {
  const byKey = ports.get(world.net) ?? new Map<string, Entry<ConnectionHandler>>();
  ports.set(world.net, byKey);
  const key = `${owner.name} ${listen}`;
  const entry = (byKey.get(key) as Entry<R> | undefined) ?? openPort(owner, listen, world, create());
  byKey.set(key, entry);
  entry.users += 1;
  const release = () => {
    entry.users -= 1;
    world.clock.after(LINGER_MS, () => {
      if (entry.users > 0 || byKey.get(key) !== entry) return;
      byKey.delete(key);
      entry.opening.then((listening) => listening.close(), () => {});
      entry.handler.close();
    });
  };
  try {
    await entry.opening;
  } catch (error) {
    if (byKey.get(key) === entry) byKey.delete(key);
    const { code, message } = error as NodeJS.ErrnoException;
    throw new FaultError(owner.fault, { listen, detail: code ?? message }, { cause: error });
  }
  return { handler: entry.handler, release };
}

function openPort<R extends ConnectionHandler>(owner: PortOwner, listen: string, world: World, handler: R): Entry<R> {
  // Such as too many open files: the device has to dial again.
  const failed = (error: Error) => world.tell({ kind: 'fault', fault: { code: owner.fault, params: { listen, detail: error.message } } });
  return { handler, users: 0, opening: world.net.listen(parseHostPort(listen), (socket) => handler.accept(socket), failed) };
}
