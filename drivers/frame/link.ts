/** The link to one device, over whichever connection it uses. I/O only. */
import { receiveFrames } from '../listening/inbound-frames.ts';
import type { Link } from '../../core/driver.ts';
import { FaultError } from '../../core/faults.ts';
import type { World } from '../../core/world.ts';
import './faults.ts';
import type { DescribedFrame } from './frame.ts';
import { acquireEndpoint } from './endpoint.ts';
import { loadProtocol } from './load-description.ts';
import type { ConfiguredFramePoint, FrameSettings } from './settings.ts';
import { DescribedDevice } from './device.ts';

export type FrameLink = Link<DescribedFrame>;

/** @returns rejects with CV_DESCRIBED_FILE, _INVALID, _LISTEN, _PORT, _SHARED, or the system's error where we dial */
export async function open(
  settings: FrameSettings,
  points: readonly ConfiguredFramePoint[],
  world: World,
  signal: AbortSignal = new AbortController().signal,
): Promise<FrameLink> {
  const protocol = loadProtocol(settings.description);
  if (signal.aborted) throw signal.reason;
  const { endpoint, connection, release } = await acquireEndpoint(settings, protocol, world, signal);
  if (signal.aborted) {
    await release();
    throw signal.reason;
  }
  const device = new DescribedDevice(protocol, settings, points, world);
  try {
    endpoint.addDevice(device);
  } catch (error) {
    await release();
    throw error;
  }
  let isClosed = false;
  let ended: FaultError | null = null;
  let changed = () => {};
  const isDialledIn = settings.transport === 'tcp' && settings.listen !== undefined;
  return {
    listen: (take, ending) => {
      // A connection that we opened ends the link when it closes.
      connection?.onClose((error) => {
        ended = new FaultError('CV_LINK_CLOSED', {
          address: endpoint.address,
          detail: error?.message ?? 'by the device',
          detailZh: error?.message ?? '设备主动断开',
        });
        changed();
      });
      // Polled for as long as frames are taken.
      device.startPolling();
      return receiveFrames<DescribedFrame>(
        {
          next: () => device.nextFrame(),
          onChange: (run) => device.onChange((changed = run)),
          ...(isDialledIn && {
            presence: {
              isConnected: () => device.connection !== null,
              awayFrame: () => ({
                is: 'away',
                identity: device.identity || '-',
                address: endpoint.address,
                wasConnected: device.wasConnected,
              }),
            },
          }),
          endError: () => ended,
          isClosed: () => isClosed,
        },
        world.clock,
        take,
        ending,
      ).finally(() => device.stopPolling());
    },
    confirmStored: (frame) => device.confirmStored(frame),
    async close() {
      if (isClosed) return;
      isClosed = true;
      device.stopPolling();
      endpoint.removeDevice(device);
      changed();
      await release();
    },
  };
}
