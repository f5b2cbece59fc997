/** The way to one station: over whichever connection it dialled last, or over one that we dial. I/O only. */
import { dial } from '../../core/dial.ts';
import type { Link } from '../../core/driver.ts';
import { FaultError } from '../../core/faults.ts';
import type { Timer, World } from '../../core/world.ts';
import { Connection } from './connection.ts';
import type { AwayFrame, Hj212Frame, Hj212Request } from './frame.ts';
import { hubOf } from './hub.ts';
import { Station } from './station.ts';
import type { Hj212Point, Hj212Settings } from './settings.ts';

/** A logger dials again within moments; a SIM card takes its time. */
const AWAY_AFTER_MS = 15_000;

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

function linkOf(way: Way, release: () => void | Promise<void>): Hj212Link {
  let isClosed = false;
  let wake = () => {};
  return {
    exchange: async (request, signal) => way.station.ask(request, signal, way.at),
    frames: (signal) => framesOf(way, signal, (run) => { wake = run; }, () => isClosed),
    taken: (frame) => way.station.taken(frame),
    async close() {
      if (isClosed) return;
      isClosed = true;
      way.station.end();
      wake();
      await release();
    },
  };
}

async function* framesOf({ station, world, at, isDialled, connection }: Way, signal: AbortSignal, onWake: (run: () => void) => void, isClosed: () => boolean): AsyncGenerator<Hj212Frame> {
  let wake = () => {};
  let isAwayTold = false;
  let away: Timer | null = null;
  let isAwayDue = false;
  let ended: FaultError | null = null;
  const changed = () => {
    if (station.connection || isAwayTold) {
      away?.cancel();
      away = null;
    } else away ??= world.clock.after(AWAY_AFTER_MS, () => {
      away = null;
      isAwayDue = true;
      wake();
    });
    wake();
  };
  station.onChange(changed);
  onWake(() => wake());
  signal.addEventListener('abort', changed, { once: true });
  if (isDialled) connection?.onEnd((error) => { ended = new FaultError('CV_LINK_CLOSED', { address: at, detail: error?.message ?? 'by the device', detailZh: error?.message ?? '设备主动断开' }); wake(); });
  else changed();
  try {
    while (!signal.aborted && !isClosed()) {
      const frame = station.next();
      if (frame) {
        isAwayTold = false;
        yield frame;
      } else if (ended) throw ended;
      else if (isAwayDue) {
        isAwayDue = false;
        if (station.connection) continue;
        isAwayTold = true;
        yield { is: 'away', mn: station.settings.mn, at, left: station.wasHeard } satisfies AwayFrame;
      } else await new Promise<void>((resolve) => { wake = resolve; });
    }
  } finally {
    (away as Timer | null)?.cancel();
    signal.removeEventListener('abort', changed);
    station.onChange(() => {});
  }
}
