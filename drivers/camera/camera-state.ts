/**
 * State of a camera kept from one open to the next. Cameras lock out an address after some wrong passwords, so after each
 * refusal the same user and password wait longer; changed ones are tried at once.
 */
import { FaultError, type Fault } from '../../core/faults.ts';
import type { Clock } from '../../core/world.ts';
import './faults.ts';
import type { CameraSource } from './source.ts';

export interface CameraState {
  /** Refusals in a row. */
  refusals: number;
  refusal: Fault | null;
  /** Monotonic; before it nothing is tried. */
  notBeforeMs: number;
  codec?: string;
  /** Whether its pictures come without times. */
  isUntimed?: boolean;
  /** Monotonic, of its first picture: what lasts on a live stream lasts on over a new opening. */
  startedMs?: number;
  /** Numbers given to pictures so far, and the presentation time of the last. */
  pictures: number;
  ptsMs: number;
  /** Monotonic: when it was told last that its clock had leapt. */
  leapReportedMs: number;
}

const MINUTE_MS = 60_000;
/** After the first, the second, and every further refusal. */
const WAITS_MS = [MINUTE_MS, 10 * MINUTE_MS, 30 * MINUTE_MS];

/** One machine has one clock: what was learnt holds for all that runs on it. */
const known = new WeakMap<Clock, Map<string, CameraState>>();

export function cameraStateOf(clock: Clock, { secrets, redactedUrl: shown }: CameraSource): CameraState {
  const cameras = known.get(clock) ?? new Map<string, CameraState>();
  known.set(clock, cameras);
  const key = secrets[0] ?? shown;
  const state = cameras.get(key) ?? { refusals: 0, refusal: null, notBeforeMs: 0, pictures: 0, ptsMs: -1, leapReportedMs: -Infinity };
  cameras.set(key, state);
  return state;
}

/** @throws FaultError CV_CAMERA_LOGIN while it is too early to try these again */
export function assertLoginAllowed(state: CameraState, clock: Clock): void {
  const waitMs = state.notBeforeMs - clock.monotonicMs();
  if (state.refusal && waitMs > 0) throw refused(state.refusal, waitMs);
}

/** @returns the fault as it is to be told */
export function recordRefusedLogin(state: CameraState, fault: Fault, clock: Clock): FaultError {
  const waitMs = WAITS_MS[Math.min(state.refusals, WAITS_MS.length - 1)] as number;
  state.refusals += 1;
  state.refusal = fault;
  state.notBeforeMs = clock.monotonicMs() + waitMs;
  return refused(fault, waitMs);
}

export function recordLogin(state: CameraState): void {
  state.refusals = 0;
  state.refusal = null;
}

function refused({ params }: Fault, waitMs: number): FaultError {
  return new FaultError('CV_CAMERA_LOGIN', { ...params, minutes: Math.ceil(waitMs / MINUTE_MS) });
}
