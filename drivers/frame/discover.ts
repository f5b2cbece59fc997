/** What a device sends, as points. */
import type { DiscoveredPoint } from '../../core/driver.ts';
import type { World } from '../../core/world.ts';
import { decode } from './decode.ts';
import { loadProtocol } from './load-description.ts';
import { isConfiguredDevice, observeFrames } from './observe.ts';
import type { FrameSettings } from './settings.ts';

/** Every value that the device sends while we listen, as a point. */
export async function discover(settings: FrameSettings, world: World, signal: AbortSignal): Promise<DiscoveredPoint[]> {
  const found = new Map<string, DiscoveredPoint>();
  await observeFrames(settings, world, signal, ({ frame }, identity) => {
    if (!isConfiguredDevice(settings, identity)) return false;
    const decoded = decode({ is: 'message', bytes: frame, pointMap: { protocol: loadProtocol(settings.description), byField: null } });
    for (const { point, value } of decoded.ok ? (decoded.values ?? []) : [])
      found.set(point, { name: point, point: { read: point }, type: typeof value, value });
    return false;
  });
  return [...found.values()];
}
