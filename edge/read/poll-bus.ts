/**
 * One bus of polled devices: whoever is due first is asked next, one exchange at a time. A silent device is left out
 * for growing times (backoff.ts), so that it costs only itself. Errands go in between.
 */
import type { Link, Request } from '../../core/driver.ts';
import { FAULTS, type Fault } from '../../core/faults.ts';
import type { World } from '../../core/world.ts';
import { isRetrying, probeWaitMs, type SilentUnit } from './backoff.ts';
import { DeadlineTimer } from './deadline-timer.ts';
import type { HostDevice } from './host-device.ts';
import { EDGE_STOPPING, type BusTask, type BusTasks } from './bus-tasks.ts';
import { isLinkFault, runExchange } from './run-exchange.ts';
import type { BusLink } from './bus-link.ts';
import type { BusMembers } from './bus-members.ts';
import { PollSchedule, type PollPhases } from './poll-schedule.ts';

/** A link on which nobody has answered this often in a row is opened afresh: it may be half dead. */
const REOPEN_AFTER = 3;

/** Timers count whole milliseconds: what is due within one is due, else a device that is asked without pause would wait most of its time. */
const TIMER_GRAIN_MS = 1;
/** A bus that is left alone for so long has no use for its deadline's timer meanwhile. */
const REST_MS = 100;

interface PollRequest {
  request: Request;
  /** Names the request among those of its device. */
  part: string;
  failures: number;
  /** Monotonic: left out until then. */
  notBeforeMs: number;
}

interface PolledDevice {
  device: HostDevice;
  schedule: PollSchedule;
  /** In the order they are made; one that failed goes to the end, so that it does not hide the others. */
  requests: PollRequest[];
  /** Left out now: its slots are counted as lost. */
  isSilent: boolean;
}

export interface PollParts {
  busLink: BusLink;
  members: BusMembers;
  tasks: BusTasks;
  /** Of the whole edge. */
  phases: PollPhases;
  /** Devices of the whole edge, for spreading their first polls. */
  deviceCount: number;
}

interface PollContext {
  polled: readonly PolledDevice[];
  deadlines: DeadlineTimer;
  world: World;
  signal: AbortSignal;
}

export async function pollBus(
  { busLink, members, tasks, phases, deviceCount }: PollParts,
  world: World,
  signal: AbortSignal,
): Promise<void> {
  const { clock } = world;
  const polledOf = (device: HostDevice): PolledDevice => ({
    device,
    schedule: new PollSchedule(
      device.setup.everyMs,
      phases.next(device.setup.everyMs),
      clock.monotonicMs(),
      members.deviceCount || deviceCount,
    ),
    requests: requestsOf(device),
    isSilent: false,
  });
  const polled = members.devices.map(polledOf);
  let { version } = members;
  const bus: PollContext = { polled, deadlines: new DeadlineTimer(clock, signal), world, signal };
  let inARow = 0;
  let wasTask = false;
  while (!signal.aborted) {
    if (members.version !== version) {
      ({ version } = members);
      // Whoever stays keeps its place in time.
      polled.splice(0, polled.length, ...members.devices.map((device) => polled.find((one) => one.device === device) ?? polledOf(device)));
    }
    const next =
      polled.length === 1
        ? (polled[0] as PolledDevice)
        : polled.reduce((first, other) => (other.schedule.dueMs < first.schedule.dueMs ? other : first));
    const waitMs = next.schedule.dueMs - clock.monotonicMs();
    if (waitMs >= REST_MS) bus.deadlines.pause();
    const isDue = waitMs < TIMER_GRAIN_MS || await tasks.pause(clock, waitMs);
    if (signal.aborted) break;
    if (members.version !== version) continue;
    let link: Link<unknown>;
    try {
      link = busLink.current ?? await busLink.open(signal);
    } catch (error) {
      if (signal.aborted) break;
      const fault = busLink.fault(error);
      tasks.failAll(fault);
      cutOff(polled, fault, clock.monotonicMs());
      continue;
    }
    const task: BusTask | undefined = wasTask && isDue ? undefined : tasks.next();
    wasTask = task !== undefined;
    if (!task && !isDue) continue;
    const outcome = task ? await runTask(task, link, bus) : await poll(next, next.requests, link, bus);
    if (signal.aborted) break;
    inARow = outcome.fault && !outcome.heard ? inARow + 1 : 0;
    if (outcome.heard) busLink.frameReceived();
    if (outcome.fault && isLinkFault(outcome.fault)) busLink.drop();
    else if (inARow >= REOPEN_AFTER) {
      busLink.reopen();
      inARow = 0;
    }
    if (!task) reschedule(next, outcome, polled, world);
  }
  bus.deadlines.close();
  tasks.failAll(EDGE_STOPPING);
}

/** A read polls those requests of the device that give its points; a write makes exchanges of its own. */
async function runTask(task: BusTask, link: Link<unknown>, bus: PollContext): Promise<PollOutcome> {
  const outcome: PollOutcome = { answered: false, heard: false, fault: null, costMs: 0 };
  const polled = bus.polled.find(({ device }) => device === task.device);
  if (!polled) {
    task.fail(EDGE_STOPPING);
    return outcome;
  }
  outcome.fault = await task.run({
    async exchange(request) {
      const answer = await runExchange(task.device, link, request, bus.deadlines);
      if (answer.decoded) outcome.heard = true;
      return answer;
    },
    async poll(points) {
      const requests = polled.requests.filter(({ request }) => request.points.some((point) => points.includes(point)));
      for (const request of requests) request.notBeforeMs = 0;
      const { heard, fault } = await poll(polled, requests, link, bus);
      if (heard) outcome.heard = true;
      return fault;
    },
  });
  return outcome;
}

interface PollOutcome {
  /** The device gave something, if only a refusal. */
  answered: boolean;
  /** Something came over the link, if only its gateway's word that the device is silent. */
  heard: boolean;
  /** What ended the poll early, or befell one request of it. */
  fault: Fault | null;
  costMs: number;
}

/** Makes the requests of one device. Stops at the first that the device does not answer while it has answered none. */
async function poll(
  polled: PolledDevice,
  requests: readonly PollRequest[],
  link: Link<unknown>,
  { deadlines, world, signal }: PollContext,
): Promise<PollOutcome> {
  const { device } = polled;
  const { clock } = world;
  const outcome: PollOutcome = { answered: false, heard: false, fault: null, costMs: 0 };
  for (const polledRequest of requests) {
    if (polledRequest.notBeforeMs > clock.monotonicMs()) {
      world.tell({
        kind: 'samples_lost',
        count: polledRequest.request.points.length,
        reason: 'device_fault',
        intended: false,
        device: device.setup.id,
      });
      continue;
    }
    const startedMs = clock.monotonicMs();
    const { decoded, observedAt, fault } = await runExchange(device, link, polledRequest.request, deadlines);
    if (signal.aborted) return outcome;
    const durationMs = clock.monotonicMs() - startedMs;
    world.tell({ kind: 'exchange', device: device.setup.id, durationMs, ok: !fault });
    if (decoded) outcome.heard = true;
    if (!fault && decoded) {
      outcome.answered = true;
      device.accept(decoded, polledRequest.part, polledRequest.request, observedAt);
      const mayHelpLater = !decoded.ok && FAULTS[decoded.fault.code].retry === 'backoff';
      // It costs nobody anything: asked seldom, but not as seldom as what is silent.
      if (mayHelpLater) leaveOut(polledRequest, { costMs: 0, periodMs: device.setup.everyMs, units: 1, silentUnits: 1 }, world);
      else polledRequest.failures = 0;
      continue;
    }
    if (!fault) continue;
    outcome.fault = fault;
    outcome.costMs = durationMs;
    polled.requests = [...polled.requests.filter((other) => other !== polledRequest), polledRequest];
    if (!outcome.answered) {
      device.pollFailed(fault, polledRequest.part);
      return outcome;
    }
    // The device is there; this part of it is not.
    device.markLost(fault, polledRequest.part, polledRequest.request.points);
    leaveOut(polledRequest, { costMs: durationMs, periodMs: device.setup.everyMs, units: 2, silentUnits: 1 }, world);
    if (isLinkFault(fault)) return outcome;
  }
  return outcome;
}

function leaveOut(polledRequest: PollRequest, silentUnit: Omit<SilentUnit, 'failures'>, world: World): void {
  polledRequest.failures += 1;
  const whole = { ...silentUnit, failures: polledRequest.failures };
  if (!isRetrying(whole)) polledRequest.notBeforeMs = world.clock.monotonicMs() + probeWaitMs(whole, world.random);
}

function reschedule(polled: PolledDevice, outcome: PollOutcome, all: readonly PolledDevice[], world: World): void {
  const { device, schedule } = polled;
  const nowMs = world.clock.monotonicMs();
  if (!outcome.fault || outcome.answered) {
    polled.isSilent = false;
    schedule.next(nowMs);
    return;
  }
  const { failures } = device;
  const silentUnit = { failures, costMs: outcome.costMs, periodMs: device.setup.everyMs, units: all.length, silentUnits: 1 };
  polled.isSilent = !isRetrying(silentUnit);
  silentUnit.silentUnits = Math.max(1, all.filter((other) => other.isSilent).length);
  const waitMs = probeWaitMs(silentUnit, world.random);
  const passedOver = schedule.notBefore(nowMs + (polled.isSilent ? waitMs : 0), nowMs);
  if (!polled.isSilent) return;
  device.countSkippedPolls(passedOver);
  if (all.length > 1) device.markSkipped(waitMs);
}

/** No link: everybody who is due by now is passed over. */
function cutOff(all: readonly PolledDevice[], fault: Fault, nowMs: number): void {
  for (const { device, schedule } of all) {
    const wasCut = device.isLinkDown;
    device.linkFailed(fault);
    if (schedule.dueMs > nowMs) continue;
    const passedOver = schedule.next(nowMs);
    device.countSkippedPolls(passedOver + (wasCut ? 1 : 0));
  }
}

function requestsOf(device: HostDevice): PollRequest[] {
  const requests = device.driver.requests?.(device.ownPoints, device.setup.settings) ?? [];
  return requests.map((request, at) => ({ request, part: `request ${at}`, failures: 0, notBeforeMs: 0 }));
}
