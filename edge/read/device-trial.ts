/** Reads every point of a device once, for `check`: opens it, asks or listens, closes it. No schedule, no retries. */
import type { Decoded, ProbeFinding, Link, Picture, Request } from '../../core/driver.ts';
import { FaultError, faultOf, FAULTS, type Fault } from '../../core/faults.ts';
import { linkFrames } from '../../core/link-frames.ts';
import type { Sample } from '../../core/sample.ts';
import type { World } from '../../core/world.ts';
import { isPicture, type PictureItem } from '../item.ts';
import { withDeadline } from './deadline-timer.ts';
import { deviceAddress, HostDevice, type OpenDevice } from './host-device.ts';

export interface PointTrial {
  point: string;
  /** As the driver gave it, before scale and checks; null when nothing came. */
  sample: Sample | null;
  /** From the question, or from the opening, to the value. */
  tookMs: number;
}

export interface DeviceTrial {
  device: string;
  /** Whether it could be opened. */
  isOpen: boolean;
  points: PointTrial[];
  /** A camera: the first picture that came, and how long after the opening began; what it shows is the detector's to say. */
  picture: { item: PictureItem; tookMs: number } | null;
  findings: ProbeFinding[];
  faults: Fault[];
}

const LISTEN_LEAST_MS = 5000;
const LISTEN_MOST_MS = 20_000;

/** @param signal ends it early */
export async function tryDevice(open: OpenDevice, world: World, signal: AbortSignal): Promise<DeviceTrial> {
  const { setup, driver } = open;
  const result: DeviceTrial = { device: setup.id, isOpen: false, points: [], picture: null, findings: [], faults: [] };
  const address = deviceAddress(open);
  const limitMs = Math.max(setup.timeoutMs, 1000);
  const deadline = (ms: number) => ({ ms, fault: () => new FaultError('CV_LINK_TIMEOUT', { address, timeoutMs: ms }) });
  const { clock } = world;
  const begunMs = clock.monotonicMs();
  let startedMs = begunMs;
  // Only what this device says: its faults are part of the result, not of the process log.
  const quiet: World = { ...world, tell: (event) => { if (event.kind === 'fault') add(result, event.fault); } };
  const device = new HostDevice(open, quiet, (items) => {
    const tookMs = clock.monotonicMs() - startedMs;
    for (const item of items) {
      if (isPicture(item)) result.picture ??= { item: { ...item, picture: copyOf(item.picture) }, tookMs: clock.monotonicMs() - begunMs };
      else if (!item.missed) result.points.push({ point: item.point, sample: item, tookMs });
    }
  });
  let link: Link<unknown> | null = null;
  try {
    const opened = await withDeadline(
      clock,
      deadline(sessionMs(limitMs)),
      signal,
      (inner) => driver.open(setup.settings, device.ownPoints, quiet, inner),
      (late) => {
        late.then(
          (one) => one.close(),
          () => {},
        );
      },
    );
    link = opened;
    result.isOpen = true;
    device.setStandingFault(opened.standingFault);
    startedMs = clock.monotonicMs();
    if (driver.traits.includes('polled')) {
      for (const [at, request] of (driver.requests?.(device.ownPoints, setup.settings) ?? []).entries()) {
        startedMs = clock.monotonicMs();
        try {
          const frame = await withDeadline(clock, deadline(limitMs), signal, async (inner) => opened.exchange?.(request, inner), () => {});
          took(device, result, device.decode(frame, request), `request ${at}`, request);
        } catch (error) {
          if (signal.aborted) throw error;
          const fault = faultOf(error, 'CV_DRIVER_FAILED', { device: setup.id });
          device.markLost(fault, `request ${at}`, request.points);
          if (FAULTS[fault.code].stage === 'open' || fault.code === 'CV_LINK_CLOSED') break;
        }
      }
    } else {
      const waitMs = Math.min(LISTEN_MOST_MS, Math.max(LISTEN_LEAST_MS, setup.everyMs * 2));
      await listenFor(
        opened,
        (decoded) => took(device, result, decoded, 'frames'),
        device,
        waitMs,
        world,
        signal,
        () => result.picture !== null || setup.points.every(({ id }) => result.points.some(({ point }) => point === id)),
      );
      if (!result.picture)
        for (const { id } of setup.points)
          if (!result.points.some(({ point }) => point === id))
            add(result, { code: 'CV_POINT_SILENT', params: { device: setup.id, point: id, waitMs } });
    }
  } catch (error) {
    add(result, faultOf(error, 'CV_DRIVER_FAILED', { device: setup.id }));
  } finally {
    await close(link, world);
  }
  if (result.isOpen && driver.probe) await probe(open, device, result, quiet, signal, deadline(sessionMs(limitMs)));
  return { ...result, points: firstOfEach(result.points, setup.points.map(({ id }) => id)) };
}

/** A session takes longer to begin than an answer to come. */
const sessionMs = (limitMs: number): number => Math.max(limitMs, 10_000);

/** The host tells a fault once a device; here each point has its own, which says what is wrong with it. */
function took(device: HostDevice, result: DeviceTrial, decoded: Decoded, part: string, request?: Request): void {
  device.accept(decoded, part, request);
  if (decoded.ok) for (const { fault } of decoded.values ?? []) if (fault) add(result, fault);
  if (!decoded.ok) add(result, decoded.fault);
}

async function listenFor(
  link: Link<unknown>,
  take: (decoded: Decoded) => void,
  device: HostDevice,
  waitMs: number,
  world: World,
  signal: AbortSignal,
  isEnough: () => boolean,
): Promise<void> {
  const ending = new FaultError('CV_LINK_TIMEOUT', { address: device.setup.id, timeoutMs: waitMs });
  try {
    await withDeadline(world.clock, { ms: waitMs, fault: () => ending }, signal, async (inner) => {
      for await (const frame of linkFrames(link, inner)) {
        take(device.decode(frame));
        if (isEnough()) return;
      }
    }, () => {});
  } catch (error) {
    if (error !== ending) throw error; // time is up: what came, came
  }
}

async function probe(
  { setup, driver }: OpenDevice,
  device: HostDevice,
  result: DeviceTrial,
  world: World,
  signal: AbortSignal,
  deadline: { ms: number; fault(): FaultError },
): Promise<void> {
  try {
    result.findings = await withDeadline(
      world.clock,
      deadline,
      signal,
      async (inner) => (await driver.probe?.(setup.settings, device.ownPoints, world, inner)) ?? [],
      () => {},
    );
  } catch (error) {
    add(result, faultOf(error, 'CV_DRIVER_FAILED', { device: setup.id }));
  }
}

async function close(link: Link<unknown> | null, world: World): Promise<void> {
  if (!link) return;
  const never = new AbortController().signal;
  const fault = () => new FaultError('CV_LINK_CLOSED', { address: '', detail: '' });
  // A link that does not close is no reason to wait: the command ends anyway.
  await withDeadline(world.clock, { ms: 1000, fault }, never, () => link.close(), () => {}).catch(() => {});
}

/** Its own memory, and nobody who waits for it: its camera is closed when it is looked at. */
function copyOf({ hold: _hold, keep: _keep, late: _late, yuv, ...picture }: Picture): Picture {
  return { ...picture, yuv: yuv.slice() };
}

function add(result: DeviceTrial, fault: Fault): void {
  if (!result.faults.some((other) => JSON.stringify(other) === JSON.stringify(fault))) result.faults.push(fault);
}

/** One reading a point, in the order of the file. */
function firstOfEach(readings: readonly PointTrial[], points: readonly string[]): PointTrial[] {
  return points.map((point) => readings.find((reading) => reading.point === point) ?? { point, sample: null, tookMs: 0 });
}
