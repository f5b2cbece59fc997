/** The link to one station: over the connection that it dialled last, or over one that we dial. I/O only. */
import { dial } from '../listening/dial.ts';
import { receiveFrames } from '../listening/inbound-frames.ts';
import type { Link } from '../../core/driver.ts';
import { FaultError } from '../../core/faults.ts';
import type { World } from '../../core/world.ts';
import { Hj212Connection } from './connection.ts';
import './faults.ts';
import type { Hj212Frame, Hj212Request } from './frame.ts';
import { acquireHj212Server } from './server.ts';
import { Hj212Station } from './station.ts';
import type { Hj212Point, Hj212Settings } from './settings.ts';

export type Hj212Link = Link<Hj212Frame, Hj212Request>;

/** @returns rejects with CV_HJ212_LISTEN, or CV_LINK_REFUSED, CV_LINK_UNREACHABLE where we dial */
export async function open(
  settings: Hj212Settings,
  points: readonly ({ id: string } & Hj212Point)[],
  world: World,
  signal: AbortSignal = new AbortController().signal,
): Promise<Hj212Link> {
  const station = new Hj212Station(settings, points, world);
  if (settings.listen !== undefined) {
    const { server, release } = await acquireHj212Server(settings.listen, world);
    if (signal.aborted) {
      release();
      throw signal.reason;
    }
    server.addStation(station);
    return linkOf({ station, world, at: settings.listen, isDialled: false }, () => {
      server.removeStation(station);
      release();
    });
  }
  const at = `${settings.host}:${settings.port}`;
  const socket = await dial({ host: String(settings.host), port: Number(settings.port) }, world, signal);
  const connection = new Hj212Connection(socket, at, world, (received, from) => {
    if (received.message.mn === settings.mn) station.receive(received, from);
  });
  const closed = new Promise<void>((resolve) => {
    socket.once('close', () => resolve());
  });
  return linkOf({ station, world, at, isDialled: true, connection }, async () => {
    connection.close(null);
    await closed;
  });
}

interface StationLink {
  station: Hj212Station;
  world: World;
  at: string;
  /** We dial: the link ends with the connection. */
  isDialled: boolean;
  connection?: Hj212Connection;
}

function linkOf({ station, world, at, isDialled, connection }: StationLink, release: () => void | Promise<void>): Hj212Link {
  let isClosed = false;
  let ended: FaultError | null = null;
  let changed = () => {};
  if (isDialled) {
    connection?.onClose((error) => {
      ended = new FaultError('CV_LINK_CLOSED', {
        address: at,
        detail: error?.message ?? 'by the device',
        detailZh: error?.message ?? '设备主动断开',
      });
      changed();
    });
  }
  return {
    exchange: async (request, signal) => station.request(request, signal, at),
    listen: (take, signal) =>
      receiveFrames<Hj212Frame>(
        {
          next: () => station.nextFrame(),
          onChange: (run) => station.onChange((changed = run)),
          ...(!isDialled && {
            presence: {
              isConnected: () => station.connection !== null,
              awayFrame: () => ({ is: 'away', mn: station.settings.mn, address: at, wasConnected: station.wasConnected }),
            },
          }),
          endError: () => ended,
          isClosed: () => isClosed,
        },
        world.clock,
        take,
        signal,
      ),
    confirmStored: (frame) => station.confirmStored(frame),
    async close() {
      if (isClosed) return;
      isClosed = true;
      station.close();
      changed();
      await release();
    },
  };
}
