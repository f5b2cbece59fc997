/** What is known of an edge and of a device, how fresh it is, and its row on disk. Pure. */
import { isDeepStrictEqual } from 'node:util';
import type { Freshness } from '../../api/devices.ts';
import type { Position } from '../../core/event.ts';
import type { UnknownDeviceState } from '../../core/wire/messages.ts';
import type { PresenceRow } from './database.ts';

/** An edge as it reported itself. */
export interface EdgeEntry {
  id: string;
  centre: string;
  online: boolean;
  version: string | null;
  logDepth: number | null;
  clockOffsetMs: number | null;
  http: string | null;
  /** SHA-256 of the key by which it verifies commands; absent: it verifies none. */
  commandKey?: string;
  seenAt: number;
  /** Since when it is away, as far as that was seen; absent while it is there. */
  awaySince?: number;
  /** Unconfigured devices that it reported last; absent in files of older gateways. */
  unknown?: readonly UnknownDeviceState[];
}

/** A device as its edge reported it, or as its events show it. */
export interface DeviceEntry {
  edge: string;
  centre: string;
  driver: string;
  subject: string;
  position: Position | null;
  online: boolean;
  reason: string;
  lastAt: number | null;
  /** Since when it answers, or does not; absent in files of older gateways. */
  since?: number;
  periodMs: number | null;
  /** Its edge reported it fresh; valid until then (ms UTC), since unchanged values are not sent. */
  freshUntil: number;
  pictures: boolean;
}

/** Newer than this many periods is fresh. */
const FRESH_PERIODS = 3;
const DEFAULT_PERIOD_MS = 60_000;
/** Edges report every 10 s, and at once when a device comes or goes. */
const STATE_TRUST_MS = 25_000;

export function freshnessOf({ online, lastAt, periodMs, freshUntil }: DeviceEntry, edge: EdgeEntry | undefined, nowMs: number): Freshness {
  // An edge that never reports its state (a plain sender) is judged by its events alone.
  if (edge && !edge.online && edge.seenAt > 0) return 'unobserved';
  if (!online) return 'lost';
  return nowMs <= freshUntil || nowMs - (lastAt ?? -Infinity) <= FRESH_PERIODS * (periodMs ?? DEFAULT_PERIOD_MS) ? 'fresh' : 'late';
}

/**
 * Until when a device counts as fresh whose edge reported it fresh at `sentAt`; 0: the edge reported it late. Both times
 * are the edge's, so its clock may be wrong.
 */
export function trustedUntil(
  { lastAt, periodMs }: { lastAt: number | null; periodMs?: number | undefined },
  sentAt: number,
  seenAt: number,
): number {
  return lastAt !== null && sentAt - lastAt <= FRESH_PERIODS * (periodMs ?? DEFAULT_PERIOD_MS) ? seenAt + STATE_TRUST_MS : 0;
}

export const edgeRow = (id: string, edge: EdgeEntry | undefined): PresenceRow => [id, edge ? JSON.stringify(edge) : null];

/** When it was last seen has a row of its own, and `freshUntil` means nothing after a restart. */
export function deviceRow(id: string, device: DeviceEntry | undefined): PresenceRow {
  if (!device) return [id, null];
  return [id, JSON.stringify(keptFields(device))];
}

function keptFields({ lastAt: _lastAt, freshUntil: _freshUntil, ...kept }: DeviceEntry): Omit<DeviceEntry, 'lastAt' | 'freshUntil'> {
  return kept;
}

export function deviceOfRow(json: string, lastAt: number | null): DeviceEntry {
  return { ...(JSON.parse(json) as Omit<DeviceEntry, 'lastAt' | 'freshUntil'>), lastAt, freshUntil: 0 };
}

/** Whether both have the same row. */
export const hasSameRow = (a: DeviceEntry, b: DeviceEntry): boolean => isDeepStrictEqual(keptFields(a), keptFields(b));

/** An edge that never reported its state. */
export const unseenEdge = (id: string, centre: string): EdgeEntry => ({
  id,
  centre,
  online: false,
  version: null,
  logDepth: null,
  clockOffsetMs: null,
  http: null,
  seenAt: 0,
});
