/** Runs an edge: opens its log, its line and its local HTTP, in that order, and closes them in the other. */
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import type { Boot } from '../log/boot.ts';
import type { ConfigState, Reloaded } from '../core/config/reload.ts';
import type { Driver } from '../core/driver.ts';
import { STREAMS } from '../core/event.ts';
import { openEdgeLog } from '../log/edge-log.ts';
import type { EdgeLog, KeptGroup } from '../log/types.ts';
import { VERSION } from '../core/version.ts';
import type { DeviceState } from '../core/wire/messages.ts';
import type { World } from '../core/world.ts';
import { driverById } from '../drivers/index.ts';
import { EdgeClock } from './clock/edge-clock.ts';
import { ClockDiscipline } from './clock/clock-discipline.ts';
import type { ClockProbe } from './clock/clock-probe.ts';
import { CommandHandler } from './commands/command-handler.ts';
import type { EdgeSetup } from './config/setup.ts';
import { resolveDependencies } from './config/dependencies.ts';
import type { DeviceHost } from './read/read.ts';
import { edgeHealth } from './http/health.ts';
import { LogProblems } from './http/log-problems.ts';
import { openLocalHttp } from './http/server.ts';
import { edgeLine } from './line.ts';
import { LiveStreams } from './live-view/live-streams.ts';
import { edgeReloadPlan } from './config/reload.ts';
import { LOCAL_ACCESS_FILE, tapServer } from './tap/tap-server.ts';
import { DeviceTaps } from './tap/device-taps.ts';
import type { UplinkStatus } from './forward/forward.ts';
import { restampDraft } from './qualify/event-time.ts';
import { UnknownDeviceList } from './read/unknown-devices.ts';
import { CameraDetectors } from './infer/detect/camera-detectors.ts';
import { CameraRings } from './infer/evidence/clips/camera-rings.ts';
import { EdgeEvidence } from './infer/evidence/edge-evidence.ts';
import { openLatestPictures } from './infer/viewers/latest-pictures.ts';

export interface RunOptions {
  /** Told of every group after its commit, in order; for witnesses. */
  onKept?(kept: KeptGroup): void;
  /** Called with the open log before any device is. */
  onLog?(log: EdgeLog): Promise<void> | void;
  /** Prometheus text for `/metrics`. */
  metrics?(): Promise<string>;
  /** Drivers beside those of the registry; they win over one of the same id. */
  extraDrivers?: readonly Driver[];
  /** In place of the devices themselves, none of which is opened then. */
  reading?: DeviceHost;
  /** What became of a changed configuration file, for health. */
  config?(): ConfigState;
  /** What is known of this machine's clock; without it, that is believed as it is. */
  clock?: { boot: Boot; probe: ClockProbe };
  /** Told to end while it starts: what is open is closed in order, and its reason thrown. */
  stop?: AbortSignal;
}

export interface RunningEdge {
  /** Base URL of the local HTTP. */
  httpUrl: string;
  states(): DeviceState[];
  uplink(): UplinkStatus;
  /** Events in the log that no gateway has acknowledged. */
  held(): number;
  /**
   * Takes in a changed setup. Devices that are as before are not touched. One at a time.
   *
   * @returns what was done, and which settings need a restart and stay as they were
   * @throws as runEdge does for drivers, catalogue and rules; nothing has changed then
   */
  reload(next: EdgeSetup): Promise<Reloaded>;
  /** Reads nothing more, commits what is in hand, says that it is gone; twice is fine. */
  close(): Promise<void>;
}

/** @throws CV_LOG_LOCKED, CV_LOG_UNUSABLE, CV_API_LISTEN, CV_DRIVER_UNKNOWN; devices and gateway that are away are no reason */
export async function runEdge(setup: EdgeSetup, outside: World, options: RunOptions = {}): Promise<RunningEdge> {
  const time = setup.clock && options.clock ? { trust: setup.clock.trust, ...options.clock, clock: new EdgeClock(outside.clock, options.clock.boot) } : null;
  const clock = time ? time.clock : outside.clock;
  const troubles = new LogProblems(() => clock.nowMs());
  const unknown = new UnknownDeviceList(() => clock.nowMs());
  const world: World = { ...outside, clock, tell: unknown.wrapTell(troubles.wrapTell(outside.tell)) };
  const driverOf = async (id: string) => options.extraDrivers?.find((one) => one.id === id) ?? driverById(id);
  // Said before anything opens.
  const taps = new DeviceTaps(world);
  const rings = new CameraRings(setup.evidence?.clip ?? null, setup.edge, world);
  const equipped = async (wanted: EdgeSetup) => {
    const equipment = await resolveDependencies(wanted, driverOf, world);
    return { ...equipment, devices: equipment.devices.map((device) => taps.wrapDevice(rings.wrapDevice(device))) };
  };
  let { devices, points } = await equipped(setup);
  let current = setup;
  const isPolled = (id: string) => devices.some((device) => device.setup.id === id && device.driver.traits.includes('polled'));
  const log = await openEdgeLog({ dir: setup.log.dir, edge: setup.edge, centre: setup.centre, maxBytes: setup.log.maxBytes, ...(time && { clock: time.clock, onTimeKnown: (draft) => restampDraft(draft, isPolled) }) }, world);
  const undo: (() => Promise<void> | void)[] = [() => log.close()];
  try {
    if (options.onKept) undo.unshift(log.onKept(options.onKept));
    await options.onLog?.(log);
    let httpUrl: string | null = null;
    const httpKey = randomBytes(24).toString('base64url');
    const detectors = new CameraDetectors(async () => (await import('../models/index.ts')).MODELS, setup.vision ?? {}, world);
    undo.unshift(() => detectors.close());
    (await orStopped(detectors.prepare(devices), options.stop, () => detectors.stopOpening())).swap();
    const evidence = new EdgeEvidence(setup, {
      detectors, rings, onWaiting: () => line.wakeEvidence(), record: (draft) => { line.record(draft); },
      deviceOf: (id) => devices.find((device) => device.setup.id === id)?.setup, still: (device, signal) => line.host.still?.(device, signal) ?? null,
    }, world);
    undo.unshift(() => evidence.close(), () => rings.close());
    await evidence.prepare(setup.devices);
    const pictures = openLatestPictures(evidence.blurFinder, world.tell);
    let desk: CommandHandler | null = null;
    const keeper: ClockDiscipline | null = time && new ClockDiscipline({ ...time, system: outside.clock, edge: setup.edge, centre: setup.centre, log, onSettled: () => line.wake() }, world);
    const gatewayClock = keeper && { isSettled: () => keeper.isSettled, heard: (nowAt: number, tookMs: number) => keeper.gatewayAnswered(nowAt, tookMs) };
    const live = new LiveStreams(() => devices, setup.live ?? { maxStreams: 0 }, world);
    undo.unshift(() => live.close());
    const line = edgeLine(setup, {
      devices, log, pictures, snapshots: evidence.snapshots, evidence: () => evidence.folder, watchers: live, points, reading: options.reading,
      onCommand: (payload) => desk?.take(payload),
      cameras: detectors.byDevice,
      presence: { version: VERSION, httpUrl: () => httpUrl, httpKey, unknown: () => unknown.newest(), ...(gatewayClock && { clock: gatewayClock }) },
    }, world);
    const door = tapServer(taps, world.clock, process.pid);
    const http = await openLocalHttp({ ...setup.http, key: httpKey }, {
      health: () => edgeHealth({ edge: setup.edge, centre: setup.centre, version: VERSION, nowMs: () => world.clock.nowMs(), log, isKeeping: line.isKeeping, problems: () => troubles.list(), clock: () => ({ known: keeper?.isSettled ?? true, source: time ? time.clock.source : 'system' }), uplink: line.uplink, devices: line.states, unknown: () => unknown.list(), config: options.config }),
      metrics: options.metrics,
      picture: (device) => pictures.get(device),
      live: (device) => live.open(device),
      tap: (request, response) => door.serve(request, response), tell: world.tell,
    }, world.clock);
    undo.unshift(() => http.close());
    httpUrl = http.url;
    await door.open(join(setup.log.dir, LOCAL_ACCESS_FILE), http.url);
    undo.unshift(() => door.close());
    const commands = desk = new CommandHandler({
      edge: setup.edge, centre: setup.centre, dir: join(setup.log.dir, 'commands'), pictures,
      get devices() { return devices; },
      async still(device, signal) {
        const settings = devices.find(({ setup: { id } }) => id === device)?.setup.settings as { mask?: [number, number][][] } | undefined;
        const picture = await line.host.still?.(device, signal);
        return picture ? pictures.encodeStill(device, picture, picture.takenAt ?? world.clock.nowMs(), settings?.mask ?? []) : null;
      },
      host: line.host, latest: line.latest, publish: line.answer, record: line.record, clockOffsetMs: () => line.uplink().clockOffsetMs,
    }, world);
    await commands.open();
    undo.unshift(() => commands.close(), () => line.close(), () => commands.end());
    undo.unshift(() => evidence.clips?.close(), () => evidence.mainPictures?.close());
    await keeper?.open();
    undo.unshift(() => keeper?.close());
    await line.open();

    async function reload(next: EdgeSetup): Promise<Reloaded> {
      const plan = edgeReloadPlan(current, next);
      // All that can fail comes first: then nothing has changed.
      const equipment = await equipped(plan.setup);
      const cameras = await detectors.prepare(equipment.devices);
      await evidence.prepare(plan.setup.devices);
      await line.update(plan.setup, equipment, () => {
        ({ devices, points } = equipment);
        current = plan.setup;
        cameras.swap();
        evidence.snapshots?.retain(devices.map(({ setup: { id } }) => ({ id })));
        rings.retain(devices.map(({ setup: { id } }) => ({ id })));
      });
      await cameras.finish();
      await live.stop([...plan.report.changed, ...plan.report.removed]);
      if (plan.isGatewayOther) line.retarget(plan.setup.gateway);
      return plan.report;
    }
    const close = () => {
      detectors.stopOpening();
      return inTurn(undo);
    };
    let closing: Promise<void> | null = null;
    return { httpUrl: http.url, states: line.states, uplink: line.uplink, held: () => STREAMS.reduce((sum, stream) => sum + log.size(stream).events, 0), reload, close: () => (closing ??= close()) };
  } catch (error) {
    await inTurn(undo);
    throw error;
  }
}

/** What may take long while nobody wants it any more. */
async function orStopped<T>(work: Promise<T>, stop: AbortSignal | undefined, giveUp: () => void): Promise<T> {
  stop?.addEventListener('abort', giveUp, { once: true });
  if (stop?.aborted) giveUp();
  const done = await work;
  stop?.removeEventListener('abort', giveUp);
  stop?.throwIfAborted();
  return done;
}

async function inTurn(steps: readonly (() => Promise<void> | void)[]): Promise<void> {
  for (const step of steps) await step();
}
