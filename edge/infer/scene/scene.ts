/** All that is seen by one camera: tracks, its zones, its lines. Pure; time is the pictures' own. */
import type { Box } from '../../../core/event.ts';
import type { SceneSettings } from '../../../scene/settings.ts';
import { isSought, NO_TRACKS, step, type Track, type TrackerState } from '../track/tracker.ts';
import { stepCrossings, type Crossing, type Passage } from './crossings.ts';
import { planOf, type Plan } from './plan.ts';
import { EMPTY_ZONE, isUnsettledZone, stepZone, type Reading, type ZoneState } from './zone.ts';

export interface SceneState {
  tracker: TrackerState;
  zones: readonly ZoneState[];
  lines: readonly ReadonlyMap<number, Passage>[];
  /** What each state was told as, and when, so that only changes are told again; and when it last happened that somebody crossed a line. */
  told: Readonly<Record<string, { value: number; ptsMs: number }>>;
}

export interface SceneLook {
  ptsMs: number;
  /** ms UTC when the picture was taken. */
  at: number;
  /** What is believed to be there, best score first; and what may be. */
  boxes: readonly Box[];
  weak: readonly Box[];
  /** Nothing has moved since the last look, and these are its boxes. */
  isHeld?: boolean;
}

/** A state that does not change is said again after this long, for those who came later. */
const AGAIN_AFTER_MS = 10_000;

export function emptyScene({ zones, lines }: Pick<SceneSettings, 'zones' | 'lines'>): SceneState {
  return { tracker: NO_TRACKS, zones: zones.map(() => EMPTY_ZONE), lines: lines.map(() => new Map()), told: {} };
}

/** @returns what there is to say of this picture: every measurement, states that changed, what happened */
export function stepScene(before: SceneState, { ptsMs, at, boxes, weak, isHeld = false }: SceneLook, plan: Plan): { state: SceneState; readings: Reading[] } {
  const { aspect } = plan;
  // Another stream: nothing that was timed by the old one goes on.
  const from = ptsMs >= before.tracker.ptsMs ? before : { ...before, zones: before.zones.map(() => EMPTY_ZONE), lines: before.lines.map(() => new Map<number, Passage>()), told: {} };
  const tracker = step(before.tracker, { ptsMs, boxes, weak, aspect, isHeld });
  const look = { tracks: tracker.tracks, boxes, weak, ptsMs, at, aspect, heldMs: isHeld ? ptsMs - before.tracker.ptsMs : 0, stepMs: before.tracker.stepMs };
  const zones = plan.zones.map((zone, index) => stepZone(from.zones[index] ?? EMPTY_ZONE, look, zone));
  const lines = plan.lines.map((line, index) => ({ line, ...stepCrossings(from.lines[index] ?? new Map(), tracker.tracks, ptsMs, line, aspect) }));
  const all = [
    ...zones.flatMap(({ readings }) => readings),
    ...lines.flatMap(({ line: { settings }, crossings }) => (['in', 'out'] as const).flatMap((way) => passed(`${settings.id}.${way}`, crossings.filter((crossing) => crossing.way === way), from.told))),
  ];
  const readings = all.filter(({ kind, point, value }) => (kind === 'state' ? isNews(from.told[point], value, ptsMs) : kind === 'measurement' || value > 0));
  const told = { ...from.told, ...Object.fromEntries(readings.filter(({ kind }) => kind !== 'measurement').map((reading) => [reading.point, { value: reading.value, ptsMs: reading.ptsMs ?? ptsMs }])) };
  return { state: { tracker, zones: zones.map(({ state }) => state), lines: lines.map(({ passages }) => passages), told }, readings };
}

/** Those that went over in the same picture are one reading; of one that was told before, none is earlier. */
function passed(point: string, crossings: readonly Crossing[], told: SceneState['told']): Reading[] {
  const times = [...new Set(crossings.map(({ ptsMs }) => ptsMs))].toSorted((a, b) => a - b);
  let leastMs = (told[point]?.ptsMs ?? -Infinity) + 1;
  return times.map((time): Reading => {
    const seen = crossings.filter(({ ptsMs }) => ptsMs === time).map(({ track }) => track);
    const ptsMs = Math.max(time, leastMs);
    leastMs = ptsMs + 1;
    return { point, kind: 'occurrence', value: seen.length, seen, ptsMs };
  });
}

function isNews(told: { value: number; ptsMs: number } | undefined, value: number, ptsMs: number): boolean {
  return !told || told.value !== value || ptsMs - told.ptsMs >= AGAIN_AFTER_MS;
}

/** Whether the last looks left something open that one or two more will settle: somebody was missed, a thing has hardly been seen. */
function isUnsettled({ tracker, zones }: SceneState): boolean {
  return tracker.tracks.some(isSought) || zones.some((zone) => isUnsettledZone(zone, tracker.ptsMs));
}

/** Keeps the state of one camera from picture to picture. */
export class Scene {
  readonly #settings: SceneSettings;
  #state: SceneState;
  #plan: Plan | null = null;

  constructor(settings: SceneSettings) {
    this.#settings = settings;
    this.#state = emptyScene(settings);
  }

  /** @param aspect width over height of what the pictures show */
  look(look: SceneLook, aspect: number): Reading[] {
    if (this.#plan?.aspect !== aspect) this.#plan = planOf(this.#settings, aspect);
    const { state, readings } = stepScene(this.#state, look, this.#plan);
    this.#state = state;
    return readings;
  }

  /** Whether another look would settle what the last ones left open. */
  get isUnsettled(): boolean {
    return isUnsettled(this.#state);
  }

  /** What is believed to be there and was seen in the last picture. */
  get tracks(): readonly Track[] {
    const { tracks, ptsMs } = this.#state.tracker;
    return tracks.filter((track) => track.isConfirmed && track.seenMs === ptsMs);
  }
}
