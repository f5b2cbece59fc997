/**
 * One bus of polled devices: whoever is due first is asked next, one exchange at a time. A silent device is left out
 * for growing times (backoff.ts), so that it costs only itself.
 */
import type { Link, Request } from '../../core/driver.ts';
import { FaultError, FAULTS, type Fault } from '../../core/faults.ts';
import { pause, type World } from '../../core/world.ts';
import { isRetrying, probeWaitMs } from './backoff.ts';
import { within } from './deadline.ts';
import { addressOf, type HostDevice } from './device.ts';
import type { LinkKeeper } from './keeper.ts';
import { Schedule } from './schedule.ts';

/** A link on which nobody has answered this often in a row is opened afresh: it may be half dead. */
const REOPEN_AFTER = 3;

interface Asked {
  request: Request;
  /** Names the request among those of its device. */
  part: string;
  failures: number;
  /** Monotonic: left out until then. */
  notBeforeMs: number;
}

interface Polled {
  device: HostDevice;
  schedule: Schedule;
  /** In the order they are made; one that failed goes to the end, so that it does not hide the others. */
  requests: Asked[];
  /** Left out now: its slots are counted as lost. */
  isSilent: boolean;
}

export interface PollingSetup {
  keeper: LinkKeeper;
  devices: readonly HostDevice[];
  /** Devices of the whole edge, for spreading their first polls. */
  devicesInAll: number;
}

export async function pollBus({ keeper, devices, devicesInAll }: PollingSetup, world: World, signal: AbortSignal): Promise<void> {
  const { clock } = world;
  const startMs = clock.monotonicMs();
  const polled = devices.map((device): Polled => ({
    device,
    schedule: new Schedule(device.setup.everyMs, startMs, devicesInAll, world.random),
    requests: requestsOf(device),
    isSilent: false,
  }));
  let inARow = 0;
  while (!signal.aborted) {
    const next = polled.reduce((first, other) => (other.schedule.dueMs < first.schedule.dueMs ? other : first));
    const waitMs = next.schedule.dueMs - clock.monotonicMs();
    if (waitMs > 0 && !(await pause(clock, waitMs, signal))) return;
    let link: Link<unknown>;
    try {
      link = await keeper.open(signal);
    } catch (error) {
      if (signal.aborted) return;
      cutOff(polled, keeper.fault(error), clock.monotonicMs());
      continue;
    }
    const outcome = await poll(next, link, world, signal);
    if (signal.aborted) return;
    inARow = outcome.fault && !outcome.answered ? inARow + 1 : 0;
    if (outcome.answered) keeper.proven();
    if (outcome.fault && (breaksLink(outcome.fault) || inARow >= REOPEN_AFTER)) {
      keeper.drop();
      inARow = 0;
    }
    reschedule(next, outcome, polled, world);
  }
}

interface Outcome {
  answered: boolean;
  /** What ended the poll early, or befell one request of it. */
  fault: Fault | null;
  costMs: number;
}

/** Makes the requests of one device. Stops at the first that gives nothing while none has answered. */
async function poll(polled: Polled, link: Link<unknown>, world: World, signal: AbortSignal): Promise<Outcome> {
  const { device } = polled;
  const { clock } = world;
  const outcome: Outcome = { answered: false, fault: null, costMs: 0 };
  for (const asked of polled.requests.slice()) {
    if (asked.notBeforeMs > clock.monotonicMs()) {
      world.tell({ kind: 'samples_lost', count: asked.request.points.length, reason: 'device_fault', intended: false, device: device.setup.id });
      continue;
    }
    const startedMs = clock.monotonicMs();
    const { frame, error } = await exchange(device, link, asked.request, world, signal);
    if (signal.aborted) return outcome;
    const durationMs = clock.monotonicMs() - startedMs;
    world.tell({ kind: 'exchange', device: device.setup.id, durationMs, ok: !error });
    if (!error) {
      outcome.answered = true;
      asked.failures = 0;
      device.took(frame, asked.part, asked.request);
      continue;
    }
    outcome.fault = error.fault;
    outcome.costMs = durationMs;
    polled.requests = [...polled.requests.filter((other) => other !== asked), asked];
    if (!outcome.answered) {
      device.failed(error.fault, asked.part);
      return outcome;
    }
    // The device is there; this part of it is not.
    asked.failures += 1;
    device.lost(error.fault, asked.part, asked.request.points);
    const silence = { failures: asked.failures, costMs: durationMs, periodMs: device.setup.everyMs, units: 2, silent: 1 };
    if (!isRetrying(silence)) asked.notBeforeMs = clock.monotonicMs() + probeWaitMs(silence, world.random);
    if (breaksLink(error.fault)) return outcome;
  }
  return outcome;
}

async function exchange(device: HostDevice, link: Link<unknown>, request: Request, world: World, signal: AbortSignal): Promise<{ frame?: unknown; error?: FaultError }> {
  const { id, timeoutMs } = device.setup;
  const deadline = { ms: timeoutMs, fault: () => new FaultError('CV_LINK_TIMEOUT', { address: addressOf(device), timeoutMs }) };
  let isLeftBehind = false;
  try {
    const frame = await within(world.clock, deadline, signal, async (inner) => {
      if (!link.exchange) throw new FaultError('CV_DRIVER_FAILED', { device: id, detail: 'its link has no exchange' });
      return link.exchange(request, inner);
    }, () => { isLeftBehind = true; });
    return { frame };
  } catch (error) {
    // An exchange that does not end when it is told to would meet the next one on the same link.
    if (isLeftBehind) return { error: new FaultError('CV_LINK_CLOSED', { address: addressOf(device), detail: `no end to an exchange after ${timeoutMs} ms` }) };
    if (error instanceof FaultError) return { error };
    return { error: new FaultError('CV_DRIVER_FAILED', { device: id, detail: error instanceof Error ? error.message : String(error) }, { cause: error }) };
  }
}

function reschedule(polled: Polled, outcome: Outcome, all: readonly Polled[], world: World): void {
  const { device, schedule } = polled;
  const nowMs = world.clock.monotonicMs();
  if (!outcome.fault || outcome.answered) {
    polled.isSilent = false;
    schedule.next(nowMs);
    return;
  }
  const { failures } = device;
  const silence = { failures, costMs: outcome.costMs, periodMs: device.setup.everyMs, units: all.length, silent: 1 };
  polled.isSilent = !isRetrying(silence);
  silence.silent = Math.max(1, all.filter((other) => other.isSilent).length);
  const waitMs = probeWaitMs(silence, world.random);
  const passedOver = schedule.notBefore(nowMs + (polled.isSilent ? waitMs : 0), nowMs);
  if (!polled.isSilent) return;
  device.leftOut(passedOver);
  if (all.length > 1) device.skipped(waitMs);
}

/** No link: everybody who is due by now is passed over. */
function cutOff(all: readonly Polled[], fault: Fault, nowMs: number): void {
  for (const { device, schedule } of all) {
    const wasCut = device.isCutOff;
    device.cutOff(fault);
    if (schedule.dueMs > nowMs) continue;
    const passedOver = schedule.next(nowMs);
    device.leftOut(passedOver + (wasCut ? 1 : 0));
  }
}

/** Faults that only a new link can mend. */
function breaksLink(fault: Fault): boolean {
  return fault.code === 'CV_LINK_CLOSED' || fault.code === 'CV_DRIVER_FAILED' || FAULTS[fault.code].stage === 'open';
}

function requestsOf(device: HostDevice): Asked[] {
  const requests = device.driver.requests?.(device.ownPoints, device.setup.settings) ?? [];
  return requests.map((request, at) => ({ request, part: `request ${at}`, failures: 0, notBeforeMs: 0 }));
}
