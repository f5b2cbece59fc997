/**
 * A listening port that several links share because their devices all dial the same one. It is opened for the first
 * link, and closed a moment after the last one left: a link is often only opened afresh, and a device may take a minute
 * to dial again.
 */
import type { Socket } from 'node:net';
import type { Listening, Net } from './net.ts';
import type { World } from './world.ts';

const LINGER_MS = 200;

/** Who receives what dials in. */
export interface Reception {
  accept(socket: Socket): void;
  /** The system's error while it listens (too many open files, say). */
  failed(error: Error): void;
  /** The port is closed: everything it holds ends. */
  close(): void;
}

interface Entry<R extends Reception> {
  reception: R;
  users: number;
  opening: Promise<Listening>;
}

/** By net, so that two worlds of a test never share a port. */
const ports = new WeakMap<Net, Map<string, Entry<Reception>>>();

/**
 * @param owner the driver's id: two drivers never share a port
 * @param listen `host:port`, IPv6 in brackets
 * @param make called when this is the first user
 * @returns rejects with the system's error; `leave` once for each call
 */
export async function sharedPort<R extends Reception>(owner: string, listen: string, world: World, make: () => R): Promise<{ reception: R; leave(): void }> {
  const byKey = ports.get(world.net) ?? new Map<string, Entry<Reception>>();
  ports.set(world.net, byKey);
  const key = `${owner} ${listen}`;
  const entry = (byKey.get(key) as Entry<R> | undefined) ?? opened(listen, world, make());
  byKey.set(key, entry);
  entry.users += 1;
  const leave = () => {
    entry.users -= 1;
    world.clock.after(LINGER_MS, () => {
      if (entry.users > 0 || byKey.get(key) !== entry) return;
      byKey.delete(key);
      entry.opening.then((listening) => listening.close(), () => {});
      entry.reception.close();
    });
  };
  try {
    await entry.opening;
  } catch (error) {
    if (byKey.get(key) === entry) byKey.delete(key);
    throw error;
  }
  return { reception: entry.reception, leave };
}

function opened<R extends Reception>(listen: string, world: World, reception: R): Entry<R> {
  const colon = listen.lastIndexOf(':');
  const address = { host: listen.slice(0, colon).replaceAll(/[[\]]/g, ''), port: Number(listen.slice(colon + 1)) };
  return { reception, users: 0, opening: world.net.listen(address, (socket) => reception.accept(socket), (error) => reception.failed(error)) };
}
