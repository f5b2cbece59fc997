/** A recorded case in memory. */
import type { ResultLine } from './result-lines.ts';
import type { FrameLine, TrafficLine } from './format.ts';

export interface CaseDevice {
  id: string;
  driver: string;
  /** As written in a configuration: checked by the driver's own schemas when it is played. */
  settings: Record<string, unknown>;
  points: ({ id: string } & Record<string, unknown>)[];
  timeoutMs: number;
}

export interface Case {
  /** The folder's last part. */
  name: string;
  folder: string;
  title: string;
  source: string;
  licence: string;
  level: 'bytes' | 'frames';
  secrets: 'none' | 'masked' | 'above';
  /** Whose questions were recorded; default: the driver's own. */
  asker?: 'driver' | 'other';
  /** ms UTC. */
  startsAt: number;
  /** At least one; all on one clock. */
  devices: readonly [CaseDevice, ...CaseDevice[]];
  /** In the order of their time; empty at level frames. */
  traffic: readonly TrafficLine[];
  /** Empty at level bytes. */
  frames: readonly FrameLine[];
  /** Expected results; null when not recorded yet. */
  expected: readonly ResultLine[] | null;
}
