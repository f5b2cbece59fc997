/** latest: the newest live value of every point, as the line has qualified it. Commands read it and are held against it. */
import { PointMap } from '../qualify/point-map.ts';
import type { Draft, Flag } from '../../core/event.ts';
import type { Station } from '../../core/line.ts';
import type { Clock } from '../../core/world.ts';
import type { DeviceSetup } from '../config/setup.ts';

/** What a point says, as it was sent on. */
type LatestDraft = Pick<Draft, 'value' | 'unit' | 'occurredAt' | 'quality' | 'flags'>;

export interface LatestValue {
  draft: LatestDraft;
  /** Since the edge had it. */
  ageMs: number;
}

export interface LatestValues extends Station<Draft, Draft> {
  of(device: string, point: string): LatestValue | null;
  /** What these devices do not have any more is forgotten. */
  retain(devices: readonly DeviceSetup[]): void;
}

const NO_FLAGS: Flag[] = [];

export function keepLatestValues(clock: Clock): LatestValues {
  // One record a point, written over: whole events that are held until the next make much work for the collector.
  let newest = new PointMap<Required<LatestDraft> & { atMs: number }>();
  return {
    name: 'latest',
    take(drafts, give) {
      const atMs = clock.monotonicMs();
      for (const draft of drafts) {
        // History and replays say nothing about now.
        const isNow = draft.origin === 'live' || draft.origin === 'simulated';
        if (!isNow || (draft.kind !== 'measurement' && draft.kind !== 'state')) continue;
        const { device, point, value, unit, occurredAt, quality, flags = NO_FLAGS } = draft;
        const found = newest.get(device, point);
        if (!found) {
          newest.set(device, point, { value, unit, occurredAt, quality, flags, atMs });
          continue;
        }
        found.value = value;
        found.unit = unit;
        found.occurredAt = occurredAt;
        found.quality = quality;
        found.flags = flags;
        found.atMs = atMs;
      }
      give(drafts);
    },
    retain(devices) {
      const before = newest;
      newest = new PointMap();
      for (const { id, points } of devices) {
        for (const point of points) {
          const found = before.get(id, point.id);
          if (found) newest.set(id, point.id, found);
        }
      }
    },
    of(device, point) {
      const found = newest.get(device, point);
      if (!found) return null;
      const { atMs, ...draft } = found;
      return { draft, ageMs: clock.monotonicMs() - atMs };
    },
  };
}
