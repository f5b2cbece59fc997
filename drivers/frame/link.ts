/** The way to one device: over whichever line it speaks on. I/O only. */
import type { Link } from '../../core/driver.ts';
import { FaultError } from '../../core/faults.ts';
import type { Timer, World } from '../../core/world.ts';
import type { AwayFrame, FrameFrame } from './frame.ts';
import { meet } from './hub.ts';
import type { Line } from './line.ts';
import { protocolIn } from './load.ts';
import type { FramePointOf, FrameSettings } from './settings.ts';
import { Station } from './station.ts';

/** A device dials again within moments; a SIM card takes its time. */
const AWAY_AFTER_MS = 15_000;

export type FrameLink = Link<FrameFrame>;

/** @returns rejects with CV_DESCRIBED_FILE, _INVALID, _LISTEN, _PORT, or the system's error where we dial */
export async function open(settings: FrameSettings, points: readonly FramePointOf[], world: World, signal: AbortSignal = new AbortController().signal): Promise<FrameLink> {
  const protocol = protocolIn(settings.description);
  if (signal.aborted) throw signal.reason;
  const { hub, line, leave } = await meet(settings, protocol, world, signal);
  if (signal.aborted) {
    await leave();
    throw signal.reason;
  }
  const station = new Station(protocol, settings, points, world);
  hub.join(station);
  let isClosed = false;
  let wake = () => {};
  const way: Way = { station, world, at: hub.address, line, isDialledIn: settings.transport === 'tcp' && settings.listen !== undefined };
  return {
    frames: (ending) => framesOf(way, ending, (run) => { wake = run; }, () => isClosed),
    taken: (frame) => station.taken(frame),
    async close() {
      if (isClosed) return;
      isClosed = true;
      station.end();
      hub.leave(station);
      wake();
      await leave();
    },
  };
}

interface Way {
  station: Station;
  world: World;
  at: string;
  /** We opened it: when it ends, the link does. */
  line: Line | null;
  isDialledIn: boolean;
}

async function* framesOf({ station, world, at, line, isDialledIn }: Way, signal: AbortSignal, onWake: (run: () => void) => void, isClosed: () => boolean): AsyncGenerator<FrameFrame> {
  let wake = () => {};
  let away: Timer | null = null;
  let [isAwayDue, isAwayTold] = [false, false];
  let ended: FaultError | null = null;
  const changed = () => {
    if (!isDialledIn || station.line || isAwayTold) {
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
  line?.onEnd((error) => {
    ended = new FaultError('CV_LINK_CLOSED', { address: at, detail: error?.message ?? 'by the device', detailZh: error?.message ?? '设备主动断开' });
    wake();
  });
  changed();
  station.begin();
  try {
    while (!signal.aborted && !isClosed()) {
      const frame = station.next();
      if (frame) {
        isAwayTold = false;
        yield frame;
      } else if (ended) throw ended;
      else if (isAwayDue) {
        isAwayDue = false;
        if (station.line) continue;
        isAwayTold = true;
        yield { is: 'away', identity: station.identity || '-', at, left: station.wasHeard } satisfies AwayFrame;
      } else await new Promise<void>((resolve) => { wake = resolve; });
    }
  } finally {
    (away as Timer | null)?.cancel();
    signal.removeEventListener('abort', changed);
    station.end();
    station.onChange(() => {});
  }
}
