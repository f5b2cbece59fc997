/** How many devices are in which state, for the header and the status. */
import type { Freshness } from '../../api/devices.ts';
import type { StatusView } from '../../api/status.ts';

/** A device whose edge is away is not lost: nobody knows how it is, and the edge is what has to be looked at. */
export function deviceCounts(devices: readonly { freshness: Freshness }[]): StatusView['devices'] {
  const count = (wanted: Freshness) => devices.filter(({ freshness }) => freshness === wanted).length;
  return { total: devices.length, fresh: count('fresh'), lost: count('lost'), unobserved: count('unobserved') };
}
