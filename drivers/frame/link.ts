/** The way to one device: over whichever line it speaks on. I/O only. */
import { receiveFrames } from '../listening/inbound-frames.ts';
import type { Link } from '../../core/driver.ts';
import { FaultError } from '../../core/faults.ts';
import type { World } from '../../core/world.ts';
import './faults.ts';
import type { FrameFrame } from './frame.ts';
import { meet } from './hub.ts';
import { protocolIn } from './load.ts';
import type { FramePointOf, FrameSettings } from './settings.ts';
import { Station } from './station.ts';

export type FrameLink = Link<FrameFrame>;

/** @returns rejects with CV_DESCRIBED_FILE, _INVALID, _LISTEN, _PORT, _SHARED, or the system's error where we dial */
export async function open(settings: FrameSettings, points: readonly FramePointOf[], world: World, signal: AbortSignal = new AbortController().signal): Promise<FrameLink> {
  const protocol = protocolIn(settings.description);
  if (signal.aborted) throw signal.reason;
  const { hub, line, leave } = await meet(settings, protocol, world, signal);
  if (signal.aborted) {
    await leave();
    throw signal.reason;
  }
  const station = new Station(protocol, settings, points, world);
  try {
    hub.join(station);
  } catch (error) {
    await leave();
    throw error;
  }
  let isClosed = false;
  let ended: FaultError | null = null;
  let changed = () => {};
  const isDialledIn = settings.transport === 'tcp' && settings.listen !== undefined;
  return {
    listen: (take, ending) => {
      // We opened it: when it ends, the link does.
      line?.onEnd((error) => {
        ended = new FaultError('CV_LINK_CLOSED', { address: hub.address, detail: error?.message ?? 'by the device', detailZh: error?.message ?? '设备主动断开' });
        changed();
      });
      // Its questions are asked for as long as its frames are taken.
      station.begin();
      return receiveFrames<FrameFrame>({
        next: () => station.next(),
        onChange: (run) => station.onChange(changed = run),
        ...(isDialledIn && { presence: { isConnected: () => station.line !== null, awayFrame: () => ({ is: 'away', identity: station.identity || '-', at: hub.address, left: station.wasHeard }) } }),
        endError: () => ended,
        isClosed: () => isClosed,
      }, world.clock, take, ending).finally(() => station.end());
    },
    taken: (frame) => station.taken(frame),
    async close() {
      if (isClosed) return;
      isClosed = true;
      station.end();
      hub.leave(station);
      changed();
      await leave();
    },
  };
}
