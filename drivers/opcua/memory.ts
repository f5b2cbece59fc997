/**
 * What one link leaves to the next. The host opens a new link when one breaks; the server meanwhile keeps session,
 * subscription and queues for a while, and only who remembers their names gets at them again. Kept per settings object,
 * that is per configured device, and gone together with it.
 */
import type { ClientSession } from 'node-opcua-client';
import type { PointOf } from '../../core/driver.ts';
import type { OpcuaFrame } from './frame.ts';
import type { OpcuaPoint, OpcuaSettings } from './settings.ts';

export interface LeftSubscription {
  id: number;
  /** Sequence number of the last message that was handed on. */
  sequence: number;
  /** Server's StartTime, ms UTC: a server that started anew gives the same numbers to others. */
  serverStartAt: number;
  /** Longest silence that is still life, ms. */
  aliveMs: number;
  /** By the index of the point: the revised sampling interval; absent where the server refused the item. */
  samplingMs: (number | undefined)[];
}

export interface Memory {
  session: ClientSession | null;
  subscription: LeftSubscription | null;
  /** By point: what was handed on last. */
  readonly last: Map<string, OpcuaFrame>;
  /** By point: ms between its last two values, for reckoning how many are missing. */
  readonly paceMs: Map<string, number>;
  /** ms UTC by our clock: the last sign of life of the server, and by how much its clock was ahead of ours then. */
  contact: Contact | null;
  /** Points whose next value comes after a time in which nobody listened. */
  readonly afterHole: Set<string>;
  /** Such times that are known by now, and neither filled from the history nor told yet. */
  readonly holes: Set<Hole>;
}

export interface Contact {
  at: number;
  skewMs: number;
}

/** A span of a point's time, ms UTC by our clock, in which nobody listened. */
export interface Hole {
  point: PointOf<OpcuaPoint>;
  fromAt: number;
  toAt: number;
  /** The same by the server's clock. */
  there: { fromAt: number; toAt: number };
}

export const emptyMemory = (): Memory => ({ session: null, subscription: null, last: new Map(), paceMs: new Map(), contact: null, afterHole: new Set(), holes: new Set() });

const MEMORIES = new WeakMap<OpcuaSettings, Memory>();

export function memoryOf(settings: OpcuaSettings): Memory {
  const known = MEMORIES.get(settings);
  if (known) return known;
  const memory = emptyMemory();
  MEMORIES.set(settings, memory);
  return memory;
}

/** The way back to what was known before a link that nobody has listened to; its session may still serve the next. */
export function remember(memory: Memory): () => void {
  const last = [...memory.last];
  const afterHole = [...memory.afterHole];
  const holes = [...memory.holes];
  const { subscription, contact } = memory;
  const sequence = subscription?.sequence ?? 0;
  return () => {
    forgetValues(memory);
    memory.contact = contact;
    for (const [point, frame] of last) memory.last.set(point, frame);
    for (const point of afterHole) memory.afterHole.add(point);
    for (const hole of holes) memory.holes.add(hole);
    memory.subscription = subscription;
    if (subscription) subscription.sequence = sequence;
  };
}

export function forgetValues(memory: Memory): void {
  memory.last.clear();
  memory.contact = null;
  memory.afterHole.clear();
  memory.holes.clear();
}

/** A link that was closed on purpose leaves nothing. */
export function forget(memory: Memory): void {
  memory.session = null;
  memory.subscription = null;
  forgetValues(memory);
}
