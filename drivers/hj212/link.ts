/** The way to one station: over whichever connection it dialled last, or over one that we dial. I/O only. */
import { dial } from '../listening/dial.ts';
import { receiveFrames } from '../listening/inbound-frames.ts';
import type { Link } from '../../core/driver.ts';
import { FaultError } from '../../core/faults.ts';
import type { World } from '../../core/world.ts';
import { Connection } from './connection.ts';
import './faults.ts';
import type { Hj212Frame, Hj212Request } from './frame.ts';
import { hubOf } from './hub.ts';
import { Station } from './station.ts';
import type { Hj212Point, Hj212Settings } from './settings.ts';

export type Hj212Link = Link<Hj212Frame, Hj212Request>;

/** @returns rejects with CV_HJ212_LISTEN, or CV_LINK_REFUSED, CV_LINK_UNREACHABLE where we dial */
export async function open(settings: Hj212Settings, points: readonly ({ id: string } & Hj212Point)[], world: World, signal: AbortSignal = new AbortController().signal): Promise<Hj212Link> {
  const station = new Station(settings, points, world);
  if (settings.listen !== undefined) {
    const { hub, leave } = await hubOf(settings.listen, world);
    if (signal.aborted) {
      leave();
      throw signal.reason;
    }
    hub.join(station);
    return linkOf({ station, world, at: settings.listen, isDialled: false }, () => {
      hub.leave(station);
      leave();
    });
  }
  const at = `${settings.host}:${settings.port}`;
  const socket = await dial({ host: String(settings.host), port: Number(settings.port) }, world, signal);
  const connection = new Connection(socket, at, world, (received, from) => { if (received.message.mn === settings.mn) station.heard(received, from); });
  const closed = new Promise<void>((resolve) => { socket.once('close', () => resolve()); });
  return linkOf({ station, world, at, isDialled: true, connection }, async () => {
    connection.end(null);
    await closed;
  });
}

interface Way {
  station: Station;
  world: World;
  at: string;
  /** We dial: when the connection ends, the link does. */
  isDialled: boolean;
  connection?: Connection;
}

function linkOf({ station, world, at, isDialled, connection }: Way, release: () => void | Promise<void>): Hj212Link {
  let isClosed = false;
  let ended: FaultError | null = null;
  let changed = () => {};
  if (isDialled) {
    connection?.onEnd((error) => {
      ended = new FaultError('CV_LINK_CLOSED', { address: at, detail: error?.message ?? 'by the device', detailZh: error?.message ?? '设备主动断开' });
      changed();
    });
  }
  return {
    exchange: async (request, signal) => station.ask(request, signal, at),
    listen: (take, signal) => receiveFrames<Hj212Frame>({
      next: () => station.next(),
      onChange: (run) => station.onChange(changed = run),
      ...(!isDialled && { presence: { isConnected: () => station.connection !== null, awayFrame: () => ({ is: 'away', mn: station.settings.mn, at, left: station.wasHeard }) } }),
      endError: () => ended,
      isClosed: () => isClosed,
    }, world.clock, take, signal),
    taken: (frame) => station.taken(frame),
    async close() {
      if (isClosed) return;
      isClosed = true;
      station.end();
      changed();
      await release();
    },
  };
}
