/** All that is seen by one camera: tracks, its zones, its lines. Pure; time is the pictures' own. */
import type { Box } from '../../../core/event.ts';
import type { SceneSettings } from '../../../scene/settings.ts';
import { isTrackMissed, EMPTY_TRACKER, updateTracks, type Track, type TrackerState } from '../track/tracker.ts';
import { updateCrossings, type LineCrossing, type LinePassage } from './crossings.ts';
import { sceneGeometry, type SceneGeometry } from './geometry.ts';
import { EMPTY_ZONE, isZoneUnsettled, updateZone, type MeasureValue, type ZoneState } from './zone.ts';

export interface SceneState {
  tracker: TrackerState;
  zones: readonly ZoneState[];
  lines: readonly ReadonlyMap<number, LinePassage>[];
  /** What each state was told as, and when, so that only changes are told again; and when it last happened that somebody crossed a line. */
  lastReported: Readonly<Record<string, { value: number; ptsMs: number }>>;
}

export interface ScenePicture {
  ptsMs: number;
  /** ms UTC when the picture was taken. */
  at: number;
  /** What is believed to be there, best score first; and what may be. */
  boxes: readonly Box[];
  lowScoreBoxes: readonly Box[];
  /** Nothing has moved since the last look, and these are its boxes. */
  isHeld?: boolean;
}

/** A state that does not change is said again after this long, for those who came later. */
const AGAIN_AFTER_MS = 10_000;

export function emptyScene({ zones, lines }: Pick<SceneSettings, 'zones' | 'lines'>): SceneState {
  return { tracker: EMPTY_TRACKER, zones: zones.map(() => EMPTY_ZONE), lines: lines.map(() => new Map()), lastReported: {} };
}

/** @returns what there is to say of this picture: every measurement, states that changed, what happened */
export function updateScene(
  before: SceneState,
  { ptsMs, at, boxes, lowScoreBoxes, isHeld = false }: ScenePicture,
  plan: SceneGeometry,
): { state: SceneState; readings: MeasureValue[] } {
  const { aspect } = plan;
  // Another stream: nothing that was timed by the old one goes on.
  const from: SceneState =
    ptsMs >= before.tracker.ptsMs
      ? before
      : {
          ...before,
          zones: before.zones.map(() => EMPTY_ZONE),
          lines: before.lines.map(() => new Map<number, LinePassage>()),
          lastReported: {},
        };
  const tracker = updateTracks(before.tracker, { ptsMs, boxes, lowScoreBoxes, aspect, isHeld });
  const look = {
    tracks: tracker.tracks,
    boxes,
    lowScoreBoxes,
    ptsMs,
    at,
    aspect,
    heldMs: isHeld ? ptsMs - before.tracker.ptsMs : 0,
    stepMs: before.tracker.stepMs,
  };
  const zones = plan.zones.map((zone, index) => updateZone(from.zones[index] ?? EMPTY_ZONE, look, zone));
  const lines = plan.lines.map((line, index) => ({
    line,
    ...updateCrossings(from.lines[index] ?? new Map(), tracker.tracks, ptsMs, line, aspect),
  }));
  const all = [
    ...zones.flatMap(({ readings }) => readings),
    ...lines.flatMap(({ line: { settings }, crossings }) =>
      (['in', 'out'] as const).flatMap((way) =>
        passed(
          `${settings.id}.${way}`,
          crossings.filter((crossing) => crossing.way === way),
          from.lastReported,
        ),
      ),
    ),
  ];
  const readings = all.filter(({ kind, point, value }) =>
    kind === 'state' ? isNews(from.lastReported[point], value, ptsMs) : kind === 'measurement' || value > 0,
  );
  const told = {
    ...from.lastReported,
    ...Object.fromEntries(
      readings
        .filter(({ kind }) => kind !== 'measurement')
        .map((reading) => [reading.point, { value: reading.value, ptsMs: reading.ptsMs ?? ptsMs }]),
    ),
  };
  return {
    state: { tracker, zones: zones.map(({ state }) => state), lines: lines.map(({ passages }) => passages), lastReported: told },
    readings,
  };
}

/** Those that went over in the same picture are one reading; of one that was told before, none is earlier. */
function passed(point: string, crossings: readonly LineCrossing[], told: SceneState['lastReported']): MeasureValue[] {
  const times = [...new Set(crossings.map(({ ptsMs }) => ptsMs))].toSorted((a, b) => a - b);
  let leastMs = (told[point]?.ptsMs ?? -Infinity) + 1;
  return times.map((time): MeasureValue => {
    const seen = crossings.filter(({ ptsMs }) => ptsMs === time).map(({ track }) => track);
    const ptsMs = Math.max(time, leastMs);
    leastMs = ptsMs + 1;
    return { point, kind: 'occurrence', value: seen.length, objects: seen, ptsMs };
  });
}

function isNews(told: { value: number; ptsMs: number } | undefined, value: number, ptsMs: number): boolean {
  return !told || told.value !== value || ptsMs - told.ptsMs >= AGAIN_AFTER_MS;
}

/** Whether the last looks left something open that one or two more will settle: somebody was missed, a thing has hardly been seen. */
function isUnsettled({ tracker, zones }: SceneState): boolean {
  return tracker.tracks.some(isTrackMissed) || zones.some((zone) => isZoneUnsettled(zone, tracker.ptsMs));
}

/** Keeps the state of one camera from picture to picture. */
export class CameraScene {
  readonly #settings: SceneSettings;
  #state: SceneState;
  #plan: SceneGeometry | null = null;

  constructor(settings: SceneSettings) {
    this.#settings = settings;
    this.#state = emptyScene(settings);
  }

  /** @param aspect width over height of what the pictures show */
  update(look: ScenePicture, aspect: number): MeasureValue[] {
    if (this.#plan?.aspect !== aspect) this.#plan = sceneGeometry(this.#settings, aspect);
    const { state, readings } = updateScene(this.#state, look, this.#plan);
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
