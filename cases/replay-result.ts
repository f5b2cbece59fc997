/** Options and results of a replay. */
import type { Decoded, Driver, Request } from '../core/driver.ts';
import type { VirtualClock } from '../core/virtual-clock.ts';
import type { CaseDevice } from './case.ts';

export interface ReplayOptions {
  /** Loaded drivers by id. */
  drivers: ReadonlyMap<string, Driver>;
  /** Awaited before the clock advances to that time (ms UTC), to pace a replay. Default: as fast as possible. */
  pace?(untilMs: number): Promise<void>;
  /** How device bytes are delivered; default: as recorded. */
  delivery?: ByteDelivery;
  signal?: AbortSignal;
  /** Advanced by the replay; set to the start of the case. */
  clock?: VirtualClock;
}

/** `bytes`: byte by byte; `pairs`: two messages at a time. */
export type ByteDelivery = 'recorded' | 'bytes' | 'pairs';

/** One decoded frame of a device, or a fault in its place. */
export interface ReplayResult {
  device: ReplayDevice;
  /** ms UTC: recorded time of the last byte, or time of the fault. */
  atMs: number;
  frame?: unknown;
  request?: Request | undefined;
  decoded: Decoded;
}

/** A device of the case, its settings and points checked by its driver. */
export interface ReplayDevice extends Pick<CaseDevice, 'id' | 'timeoutMs'> {
  driver: Driver;
  settings: unknown;
  points: readonly { id: string }[];
  unitOf(point: string): string;
}

/** Summary at the end of a replay. */
export interface ReplaySummary {
  /** Recorded questions that no driver asked. */
  unaskedCount: number;
  /** End of the replay, ms UTC. */
  endedAt: number;
}
