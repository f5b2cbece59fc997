/** Listens to what devices send for a while; devices that have to be polled are polled meanwhile. */
import { pause, type World } from '../../core/world.ts';
import type { FrameListener } from './connection.ts';
import { DescribedDevice } from './device.ts';
import { acquireEndpoint } from './endpoint.ts';
import { loadProtocol } from './load-description.ts';
import type { FrameSettings } from './settings.ts';

export const FRAME_LISTEN_MS = 35_000;

export const isConfiguredDevice = (settings: FrameSettings, identity: string) =>
  settings.identity === undefined || settings.identity.toUpperCase() === identity.toUpperCase();

/** @param isEnough called with each frame; true ends the wait */
export async function observeFrames(
  settings: FrameSettings,
  world: World,
  signal: AbortSignal,
  isEnough: (...seen: Parameters<FrameListener>) => boolean,
): Promise<{ protocol: ReturnType<typeof loadProtocol> }> {
  const protocol = loadProtocol(settings.description);
  const enough = new AbortController();
  const { endpoint, connection, release } = await acquireEndpoint(settings, protocol, world, signal);
  try {
    const removeListener = endpoint.addFrameListener(settings.description, protocol, (...seen) => {
      if (isEnough(...seen)) enough.abort();
    });
    connection?.onClose(() => enough.abort());
    // A device that has to be polled is polled; its frames are not kept.
    const polled = protocol.polls.length > 0 ? new DescribedDevice(protocol, settings, [], world) : null;
    if (polled) endpoint.addDevice(polled);
    polled?.startPolling();
    await pause(world.clock, FRAME_LISTEN_MS, AbortSignal.any([enough.signal, signal]));
    // Read before our own close, which aborts as well.
    const isAborted = signal.aborted && !enough.signal.aborted;
    polled?.stopPolling();
    if (polled) endpoint.removeDevice(polled);
    removeListener();
    if (isAborted) throw signal.reason;
  } finally {
    await release();
  }
  return { protocol };
}
