/** Played frames as an edge's host takes them: samples, confirmations, bad values where nothing came; all marked as replayed. */
import type { ReplayResult } from '../../cases/replay-result.ts';
import type { Driver } from '../../core/driver.ts';
import type { EmitItems } from '../../core/line.ts';
import type { World } from '../../core/world.ts';
import type { EdgeSetup } from '../../edge/config/setup.ts';
import { HostDevice } from '../../edge/read/host-device.ts';
import { isSample, type DecodedItem } from '../../edge/item.ts';

export interface ReplayedDevices {
  devices: readonly HostDevice[];
  take(played: ReplayResult): void;
}

/** @param world its clock is the replay's */
export function replayedDevices(
  setup: EdgeSetup,
  drivers: ReadonlyMap<string, Driver>,
  world: World,
  give: EmitItems<DecodedItem>,
): ReplayedDevices {
  const asReplayed: EmitItems<DecodedItem> = (items) =>
    give(items.map((item) => (isSample(item) ? { ...item, origin: 'replay' as const } : item)));
  const hosted = new Map(
    setup.devices.map((device) => [
      device.id,
      new HostDevice({ setup: device, driver: drivers.get(device.driver) as Driver }, world, asReplayed),
    ]),
  );
  return {
    devices: [...hosted.values()],
    take({ device: { id }, frame, request, decoded }) {
      const device = hosted.get(id);
      const part = request ? `request ${request.points.join(' ')}` : 'frames';
      if (frame !== undefined || decoded.ok) device?.accept(decoded, part, request);
      else if (request) device?.pollFailed(decoded.fault, part);
      else device?.linkFailed(decoded.fault);
    },
  };
}
