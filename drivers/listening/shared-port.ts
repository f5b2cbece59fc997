/**
 * A listening port that several links share because their devices all dial the same one. It is opened for the first
 * link, and closed a moment after the last one left: a link is often only opened afresh, and a device may take a minute
 * to dial again.
 */
import type { Socket } from 'node:net';
import { FaultError, type FaultCode } from '../../core/faults.ts';
import { parseHostPort, type ListeningPort, type Net } from '../../core/net.ts';
import type { World } from '../../core/world.ts';

const LINGER_MS = 200;

/** Who receives what dials in. */
export interface Reception {
  accept(socket: Socket): void;
  /** The port is closed: everything it holds ends. */
  close(): void;
}

/** Whose port it is: two drivers never share one, and each has a fault of its own for the system's errors, before it listens and after. */
export interface PortOwner {
  name: string;
  fault: Extract<FaultCode, `CV_${string}_LISTEN`>;
}

interface Entry<R extends Reception> {
  reception: R;
  users: number;
  opening: Promise<ListeningPort>;
}

/** By net, so that two worlds of a test never share a port. */
const ports = new WeakMap<Net, Map<string, Entry<Reception>>>();

/**
 * @param listen `host:port`, IPv6 in brackets
 * @param make called when this is the first user
 * @returns rejects with the owner's fault; `leave` once for each call
 */
export async function sharedPort<R extends Reception>(owner: PortOwner, listen: string, world: World, make: () => R): Promise<{ reception: R; leave(): void }> {
  const byKey = ports.get(world.net) ?? new Map<string, Entry<Reception>>();
  ports.set(world.net, byKey);
  const key = `${owner.name} ${listen}`;
  const entry = (byKey.get(key) as Entry<R> | undefined) ?? opened(owner, listen, world, make());
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
    const { code, message } = error as NodeJS.ErrnoException;
    throw new FaultError(owner.fault, { listen, detail: code ?? message }, { cause: error });
  }
  return { reception: entry.reception, leave };
}

function opened<R extends Reception>(owner: PortOwner, listen: string, world: World, reception: R): Entry<R> {
  // Too many open files, say: whoever dials has to come again.
  const failed = (error: Error) => world.tell({ kind: 'fault', fault: { code: owner.fault, params: { listen, detail: error.message } } });
  return { reception, users: 0, opening: world.net.listen(parseHostPort(listen), (socket) => reception.accept(socket), failed) };
}
