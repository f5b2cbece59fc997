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
  leapToldMs: number;
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
  const remembered = cameras.get(key) ?? { refusals: 0, refusal: null, notBeforeMs: 0, pictures: 0, ptsMs: -1, leapToldMs: -Infinity };
  cameras.set(key, remembered);
  return remembered;
}

/** @throws FaultError CV_CAMERA_LOGIN while it is too early to try these again */
export function assertLoginAllowed(remembered: CameraState, clock: Clock): void {
  const waitMs = remembered.notBeforeMs - clock.monotonicMs();
  if (remembered.refusal && waitMs > 0) throw refused(remembered.refusal, waitMs);
}

/** @returns the fault as it is to be told */
export function recordRefusedLogin(remembered: CameraState, fault: Fault, clock: Clock): FaultError {
  const waitMs = WAITS_MS[Math.min(remembered.refusals, WAITS_MS.length - 1)] as number;
  remembered.refusals += 1;
  remembered.refusal = fault;
  remembered.notBeforeMs = clock.monotonicMs() + waitMs;
  return refused(fault, waitMs);
}

export function recordLogin(remembered: CameraState): void {
  remembered.refusals = 0;
  remembered.refusal = null;
}

function refused({ params }: Fault, waitMs: number): FaultError {
  return new FaultError('CV_CAMERA_LOGIN', { ...params, minutes: Math.ceil(waitMs / MINUTE_MS) });
}
