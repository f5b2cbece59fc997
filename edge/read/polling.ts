/**
 * One bus of polled devices: whoever is due first is asked next, one exchange at a time. A silent device is left out
 * for growing times (backoff.ts), so that it costs only itself. Errands go in between.
 */
import type { Link, Request } from '../../core/driver.ts';
import { FAULTS, type Fault } from '../../core/faults.ts';
import type { World } from '../../core/world.ts';
import { isRetrying, probeWaitMs, type Silence } from './backoff.ts';
import { Patience } from './deadline.ts';
import type { HostDevice } from './device.ts';
import { ENDING, type Errand, type Errands } from './errands.ts';
import { breaksLink, exchange } from './exchange.ts';
import type { LinkKeeper } from './keeper.ts';
import type { Members } from './members.ts';
import { Schedule, type Moments } from './schedule.ts';

/** A link on which nobody has answered this often in a row is opened afresh: it may be half dead. */
const REOPEN_AFTER = 3;

/** Timers count whole milliseconds: what is due within one is due, else a device that is asked without pause would wait most of its time. */
const TIMER_GRAIN_MS = 1;
/** A bus that is left alone for so long has no use for its deadline's timer meanwhile. */
const REST_MS = 100;

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
  members: Members;
  errands: Errands;
  /** Of the whole edge. */
  moments: Moments;
  /** Devices of the whole edge, for spreading their first polls. */
  devicesInAll: number;
}

interface Bus {
  polled: readonly Polled[];
  patience: Patience;
  world: World;
  signal: AbortSignal;
}

export async function pollBus({ keeper, members, errands, moments, devicesInAll }: PollingSetup, world: World, signal: AbortSignal): Promise<void> {
  const { clock } = world;
  const polledOf = (device: HostDevice): Polled => ({
    device,
    schedule: new Schedule(device.setup.everyMs, moments.next(device.setup.everyMs), clock.monotonicMs(), members.devicesInAll || devicesInAll),
    requests: requestsOf(device),
    isSilent: false,
  });
  const polled = members.devices.map(polledOf);
  let { version } = members;
  const bus: Bus = { polled, patience: new Patience(clock, signal), world, signal };
  let inARow = 0;
  let wasErrand = false;
  while (!signal.aborted) {
    if (members.version !== version) {
      ({ version } = members);
      // Whoever stays keeps its place in time.
      polled.splice(0, polled.length, ...members.devices.map((device) => polled.find((one) => one.device === device) ?? polledOf(device)));
    }
    const next = polled.length === 1 ? polled[0] as Polled : polled.reduce((first, other) => (other.schedule.dueMs < first.schedule.dueMs ? other : first));
    const waitMs = next.schedule.dueMs - clock.monotonicMs();
    if (waitMs >= REST_MS) bus.patience.rest();
    const isDue = waitMs < TIMER_GRAIN_MS || await errands.pause(clock, waitMs);
    if (signal.aborted) break;
    if (members.version !== version) continue;
    let link: Link<unknown>;
    try {
      link = keeper.current ?? await keeper.open(signal);
    } catch (error) {
      if (signal.aborted) break;
      const fault = keeper.fault(error);
      errands.failAll(fault);
      cutOff(polled, fault, clock.monotonicMs());
      continue;
    }
    const errand: Errand | undefined = wasErrand && isDue ? undefined : errands.next();
    wasErrand = errand !== undefined;
    if (!errand && !isDue) continue;
    const outcome = errand ? await runErrand(errand, link, bus) : await poll(next, next.requests, link, bus);
    if (signal.aborted) break;
    inARow = outcome.fault && !outcome.heard ? inARow + 1 : 0;
    if (outcome.heard) keeper.proven();
    if (outcome.fault && breaksLink(outcome.fault)) keeper.drop();
    else if (inARow >= REOPEN_AFTER) {
      keeper.renew();
      inARow = 0;
    }
    if (!errand) reschedule(next, outcome, polled, world);
  }
  bus.patience.close();
  errands.failAll(ENDING);
}

/** A read polls those requests of the device that give its points; a write makes exchanges of its own. */
async function runErrand(errand: Errand, link: Link<unknown>, bus: Bus): Promise<Outcome> {
  const outcome: Outcome = { answered: false, heard: false, fault: null, costMs: 0 };
  const polled = bus.polled.find(({ device }) => device === errand.device);
  if (!polled) {
    errand.fail(ENDING);
    return outcome;
  }
  outcome.fault = await errand.run({
    async exchange(request) {
      const answer = await exchange(errand.device, link, request, bus.patience);
      if (answer.decoded) outcome.heard = true;
      return answer;
    },
    async poll(points) {
      const asked = polled.requests.filter(({ request }) => request.points.some((point) => points.includes(point)));
      for (const one of asked) one.notBeforeMs = 0;
      const { heard, fault } = await poll(polled, asked, link, bus);
      if (heard) outcome.heard = true;
      return fault;
    },
  });
  return outcome;
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
async function poll(polled: Polled, requests: readonly Asked[], link: Link<unknown>, { patience, world, signal }: Bus): Promise<Outcome> {
  const { device } = polled;
  const { clock } = world;
  const outcome: Outcome = { answered: false, heard: false, fault: null, costMs: 0 };
  for (const asked of requests) {
    if (asked.notBeforeMs > clock.monotonicMs()) {
      world.tell({ kind: 'samples_lost', count: asked.request.points.length, reason: 'device_fault', intended: false, device: device.setup.id });
      continue;
    }
    const startedMs = clock.monotonicMs();
    const { decoded, observedAt, fault } = await exchange(device, link, asked.request, patience);
    if (signal.aborted) return outcome;
    const durationMs = clock.monotonicMs() - startedMs;
    world.tell({ kind: 'exchange', device: device.setup.id, durationMs, ok: !fault });
    if (decoded) outcome.heard = true;
    if (!fault && decoded) {
      outcome.answered = true;
      device.took(decoded, asked.part, asked.request, observedAt);
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

function requestsOf(device: HostDevice): Asked[] {
  const requests = device.driver.requests?.(device.ownPoints, device.setup.settings) ?? [];
  return requests.map((request, at) => ({ request, part: `request ${at}`, failures: 0, notBeforeMs: 0 }));
}
