/**
 * The state that one link leaves to the next. The host opens a new link after a lost connection; the server keeps session,
 * subscription and queues for a while, and they can be resumed by their ids. Kept per settings object, that is per
 * configured device.
 */
import type { ClientSession } from 'node-opcua-client';
import type { PointOf } from '../../core/driver.ts';
import type { OpcuaFrame } from './frame.ts';
import type { OpcuaPoint, OpcuaSettings } from './settings.ts';

export interface ResumableSubscription {
  id: number;
  /** Sequence number of the last message handed on. */
  sequence: number;
  /** Server's StartTime, ms UTC: a restarted server gives the same ids to others. */
  serverStartAt: number;
  /** Longest time without a keep-alive, ms. */
  aliveMs: number;
  /** Revised sampling interval by index of the point; absent where the server refused the item. */
  samplingMs: (number | undefined)[];
}

export interface ResumeState {
  session: ClientSession | null;
  subscription: ResumableSubscription | null;
  /** Last frame handed on, by point. */
  readonly lastFrames: Map<string, OpcuaFrame>;
  /** ms between the last two values by point, to estimate how many are missing. */
  readonly intervalMs: Map<string, number>;
  /** The last sign of life of the server, and the clock difference at that time. */
  contact: ServerContact | null;
  /** Points whose next value comes after a gap. */
  readonly afterGap: Set<string>;
  /** Known gaps that are neither filled from the history nor reported yet. */
  readonly gaps: Set<DataGap>;
}

export interface ServerContact {
  at: number;
  skewMs: number;
}

/** A time without subscription for a point, ms UTC by our clock. */
export interface DataGap {
  point: PointOf<OpcuaPoint>;
  fromAt: number;
  toAt: number;
  /** The same by the server's clock. */
  serverTime: { fromAt: number; toAt: number };
}

export const emptyResumeState = (): ResumeState => ({
  session: null,
  subscription: null,
  lastFrames: new Map(),
  intervalMs: new Map(),
  contact: null,
  afterGap: new Set(),
  gaps: new Set(),
});

const STATES = new WeakMap<OpcuaSettings, ResumeState>();

export function resumeStateOf(settings: OpcuaSettings): ResumeState {
  const known = STATES.get(settings);
  if (known) return known;
  const state = emptyResumeState();
  STATES.set(settings, state);
  return state;
}

/** @returns restores the state from before a link that was never listened to; its session may still be resumed */
export function saveResumeState(state: ResumeState): () => void {
  const last = [...state.lastFrames];
  const afterHole = [...state.afterGap];
  const holes = [...state.gaps];
  const { subscription, contact } = state;
  const sequence = subscription?.sequence ?? 0;
  return () => {
    clearValues(state);
    state.contact = contact;
    for (const [point, frame] of last) state.lastFrames.set(point, frame);
    for (const point of afterHole) state.afterGap.add(point);
    for (const gap of holes) state.gaps.add(gap);
    state.subscription = subscription;
    if (subscription) subscription.sequence = sequence;
  };
}

export function clearValues(state: ResumeState): void {
  state.lastFrames.clear();
  state.contact = null;
  state.afterGap.clear();
  state.gaps.clear();
}

/** For a link that was closed on purpose. */
export function clearResumeState(state: ResumeState): void {
  state.session = null;
  state.subscription = null;
  clearValues(state);
}
