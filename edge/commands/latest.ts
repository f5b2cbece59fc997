/** latest: the newest live value of every point, as the line has qualified it. Commands read it and are held against it. */
import { PointMap } from '../stations/point-map.ts';
import type { Draft } from '../../core/event.ts';
import type { Station } from '../../core/line.ts';
import type { Clock } from '../../core/world.ts';
import type { DeviceSetup } from '../config/setup.ts';

export interface Newest {
  draft: Draft;
  /** Since the edge had it. */
  ageMs: number;
}

export interface Latest extends Station<Draft, Draft> {
  of(device: string, point: string): Newest | null;
  /** What these devices do not have any more is forgotten. */
  retain(devices: readonly DeviceSetup[]): void;
}

export function latestValues(clock: Clock): Latest {
  let newest = new PointMap<{ draft: Draft; atMs: number }>();
  return {
    name: 'latest',
    take(drafts, give) {
      const atMs = clock.monotonicMs();
      for (const draft of drafts) {
        // History and replays say nothing about now.
        const isNow = draft.origin === 'live' || draft.origin === 'simulated';
        if (!isNow || (draft.kind !== 'measurement' && draft.kind !== 'state')) continue;
        const found = newest.get(draft.device, draft.point);
        if (found) {
          found.draft = draft;
          found.atMs = atMs;
        } else newest.set(draft.device, draft.point, { draft, atMs });
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
      return found ? { draft: found.draft, ageMs: clock.monotonicMs() - found.atMs } : null;
    },
  };
}
