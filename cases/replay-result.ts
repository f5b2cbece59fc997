/** What a replay is asked for and what it gives. */
import type { Decoded, Driver, Request } from '../core/driver.ts';
import type { VirtualClock } from '../core/virtual-clock.ts';
import type { CaseDevice } from './case.ts';

export interface ReplayOptions {
  /** Loaded drivers by id. */
  drivers: ReadonlyMap<string, Driver>;
  /** Awaited before the clock moves on to that time (ms UTC), for replays that are watched. Default: as fast as it goes. */
  pace?(untilMs: number): Promise<void>;
  /** How what the device says is handed over; default: as it was recorded. */
  delivery?: ByteDelivery;
  signal?: AbortSignal;
  /** Moved by the replay; for whoever has timers of its own on it. Stands at the start of the case. */
  clock?: VirtualClock;
}

/** `bytes`: each byte by itself; `pairs`: messages that follow each other come two at a time. */
export type ByteDelivery = 'recorded' | 'bytes' | 'pairs';

/** One frame of a device and what it says, or a fault that took its place. */
export interface ReplayResult {
  device: ReplayDevice;
  /** ms UTC: the recorded time of its last byte, or when the fault befell. */
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

/** What could not be played, told once the case is over. */
export interface ReplaySummary {
  /** Questions of the recording that no driver asked. */
  unaskedCount: number;
  /** When the last thing happened, ms UTC. */
  endedAt: number;
}
