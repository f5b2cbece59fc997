/**
 * One bus of polled devices: whoever is due first is asked next, one exchange at a time. A silent device is left out
 * for growing times (backoff.ts), so that it costs only itself.
 */
import type { Decoded, Link, Request } from '../../core/driver.ts';
import { FaultError, faultOf, FAULTS, type Fault } from '../../core/faults.ts';
import type { FaultRow } from '../../core/faults/row.ts';
import { pause, type World } from '../../core/world.ts';
import { isRetrying, probeWaitMs, type Silence } from './backoff.ts';
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
    inARow = outcome.fault && !outcome.heard ? inARow + 1 : 0;
    if (outcome.heard) keeper.proven();
    if (outcome.fault && breaksLink(outcome.fault)) keeper.drop();
    else if (inARow >= REOPEN_AFTER) {
      keeper.renew();
      inARow = 0;
    }
    reschedule(next, outcome, polled, world);
  }
}

interface Outcome {
  /** The device gave something, if only a refusal. */
  answered: boolean;
  /** Something came over the link, if only its gateway's word that the device is silent. */
  heard: boolean;
  /** What ended the poll early, or befell one request of it. */
  fault: Fault | null;
  costMs: number;
}

/** Makes the requests of one device. Stops at the first that the device does not answer while it has answered none. */
async function poll(polled: Polled, link: Link<unknown>, world: World, signal: AbortSignal): Promise<Outcome> {
  const { device } = polled;
  const { clock } = world;
  const outcome: Outcome = { answered: false, heard: false, fault: null, costMs: 0 };
  for (const asked of polled.requests.slice()) {
    if (asked.notBeforeMs > clock.monotonicMs()) {
      world.tell({ kind: 'samples_lost', count: asked.request.points.length, reason: 'device_fault', intended: false, device: device.setup.id });
      continue;
    }
    const startedMs = clock.monotonicMs();
    const { decoded, fault } = await exchange(device, link, asked.request, world, signal);
    if (signal.aborted) return outcome;
    const durationMs = clock.monotonicMs() - startedMs;
    world.tell({ kind: 'exchange', device: device.setup.id, durationMs, ok: !fault });
    if (decoded) outcome.heard = true;
    if (!fault && decoded) {
      outcome.answered = true;
      device.took(decoded, asked.part, asked.request);
      const mayHelpLater = !decoded.ok && FAULTS[decoded.fault.code].retry === 'backoff';
      // It costs nobody anything: asked seldom, but not as seldom as what is silent.
      if (mayHelpLater) leaveOut(asked, { costMs: 0, periodMs: device.setup.everyMs, units: 1, silent: 1 }, world);
      else asked.failures = 0;
      continue;
    }
    if (!fault) continue;
    outcome.fault = fault;
    outcome.costMs = durationMs;
    polled.requests = [...polled.requests.filter((other) => other !== asked), asked];
    if (!outcome.answered) {
      device.failed(fault, asked.part);
      return outcome;
    }
    // The device is there; this part of it is not.
    device.lost(fault, asked.part, asked.request.points);
    leaveOut(asked, { costMs: durationMs, periodMs: device.setup.everyMs, units: 2, silent: 1 }, world);
    if (breaksLink(fault)) return outcome;
  }
  return outcome;
}

function leaveOut(asked: Asked, silence: Omit<Silence, 'failures'>, world: World): void {
  asked.failures += 1;
  const whole = { ...silence, failures: asked.failures };
  if (!isRetrying(whole)) asked.notBeforeMs = world.clock.monotonicMs() + probeWaitMs(whole, world.random);
}

interface Answer {
  /** What came, whatever it says. */
  decoded?: Decoded;
  /** Why the device did not answer: nothing came, or its gateway said so. */
  fault?: Fault;
}

async function exchange(device: HostDevice, link: Link<unknown>, request: Request, world: World, signal: AbortSignal): Promise<Answer> {
  const { id, timeoutMs } = device.setup;
  const deadline = { ms: timeoutMs, fault: () => new FaultError('CV_LINK_TIMEOUT', { address: addressOf(device), timeoutMs }) };
  let isLeftBehind = false;
  try {
    const frame = await within(world.clock, deadline, signal, async (inner) => {
      if (!link.exchange) throw new FaultError('CV_DRIVER_FAILED', { device: id, detail: 'its link has no exchange' });
      return link.exchange(request, inner);
    }, () => { isLeftBehind = true; });
    const decoded = device.decode(frame, request);
    return !decoded.ok && isSilence(decoded.fault) ? { decoded, fault: decoded.fault } : { decoded };
  } catch (error) {
    // An exchange that does not end when it is told to would meet the next one on the same link.
    if (isLeftBehind) return { fault: { code: 'CV_LINK_CLOSED', params: { address: addressOf(device), detail: `no end to an exchange after ${timeoutMs} ms` } } };
    return { fault: faultOf(error, 'CV_DRIVER_FAILED', { device: id }) };
  }
}

/** A gateway's word that the device behind it does not answer: as good, and on a slow line as dear, as a time-out. */
function isSilence({ code }: Fault): boolean {
  const row: FaultRow = FAULTS[code];
  return row.retry === 'backoff' && row.flag === 'comm';
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
