/** Listens to what data loggers send for a while: on the port, or over a connection to the address. */
import { dial } from '../listening/dial.ts';
import { pause, type World } from '../../core/world.ts';
import { Hj212Connection, type ReceivedPacket } from './connection.ts';
import { acquireHj212Server } from './server.ts';
import type { Hj212Settings } from './settings.ts';

/** Most loggers send realtime data every 30 s. */
export const HJ212_LISTEN_MS = 35_000;

/** @param isEnough called with each packet; true ends the wait */
export async function observePackets(
  settings: Hj212Settings,
  world: World,
  signal: AbortSignal,
  isEnough: (received: ReceivedPacket, connection: Hj212Connection) => boolean,
): Promise<void> {
  const enough = new AbortController();
  const take = (received: ReceivedPacket, connection: Hj212Connection) => { if (isEnough(received, connection)) enough.abort(); };
  const done = AbortSignal.any([enough.signal, signal]);
  if (settings.listen !== undefined) {
    const { server, release } = await acquireHj212Server(settings.listen, world);
    const removeListener = server.addPacketListener(take);
    await pause(world.clock, HJ212_LISTEN_MS, done);
    removeListener();
    release();
  } else {
    const address = { host: String(settings.host), port: Number(settings.port) };
    const connection = new Hj212Connection(await dial(address, world, signal), `${address.host}:${address.port}`, world, take);
    connection.onClose(() => enough.abort());
    await pause(world.clock, HJ212_LISTEN_MS, done);
    connection.close(null);
  }
  if (signal.aborted && !enough.signal.aborted) throw signal.reason;
}

/** The values of an upload, each with its key `code-suffix`. */
export function itemsIn(content: string): [key: string, text: string][] {
  return content.split(/[;,]/).flatMap((item): [string, string][] => {
    const equals = item.indexOf('=');
    const key = item.slice(0, equals).trim();
    return equals > 0 && key.includes('-') ? [[key, item.slice(equals + 1).trim()]] : [];
  });
}
