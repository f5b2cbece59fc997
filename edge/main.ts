/** Runs an edge: opens its log, its line and its local HTTP, in that order, and closes them in the other. */
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import type { Boot } from '../log/boot.ts';
import type { ConfigState, ReloadResult } from '../core/config/reload.ts';
import type { Driver } from '../core/driver.ts';
import { STREAMS } from '../core/event.ts';
import { faultOf } from '../core/faults.ts';
import { AtRestKeys } from '../log/at-rest/keys.ts';
import { openEdgeLog } from '../log/edge-log.ts';
import type { EdgeLog, CommittedGroup } from '../log/types.ts';
import { VERSION } from '../core/version.ts';
import type { DeviceState } from '../core/wire/messages.ts';
import type { World } from '../core/world.ts';
import { driverById } from '../drivers/index.ts';
import { EdgeAudit } from './audit/edge-audit.ts';
import { EdgeClock } from './clock/edge-clock.ts';
import { ClockDiscipline } from './clock/clock-discipline.ts';
import type { ClockProbe } from './clock/clock-probe.ts';
import { CommandHandler } from './commands/command-handler.ts';
import { idOfKey, TrustedKeyReader } from './commands/trusted-key.ts';
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
import { IdentityRenewal } from './identity/identity-renewal.ts';
import { identityFilesOf, realIdentityFiles, rewriteIdentityKey } from './identity/real-identity-files.ts';
import { uplinkTls } from './identity/uplink-tls.ts';
import { UnknownDeviceList } from './read/unknown-devices.ts';
import { CameraDetectors } from './infer/detect/camera-detectors.ts';
import { CameraRings } from './infer/evidence/clips/camera-rings.ts';
import { EdgeEvidence } from './infer/evidence/edge-evidence.ts';
import { openLatestPictures } from './infer/viewers/latest-pictures.ts';
import './identity/faults.ts';

export interface EdgeRunOptions {
  /** Told of every group after its commit, in order; for witnesses. */
  onKept?(kept: CommittedGroup): void;
  /** Called with the open log before any device is. */
  onLog?(log: EdgeLog): Promise<void> | void;
  /** Prometheus text for `/metrics`. */
  metrics?(): Promise<string>;
  /** Drivers beside those of the registry; they win over one of the same id. */
  extraDrivers?: readonly Driver[];
  /** In place of the devices themselves, none of which is opened then. */
  replayHost?: DeviceHost;
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
  reload(next: EdgeSetup): Promise<ReloadResult>;
  /** Reads nothing more, commits what is in hand, says that it is gone; twice is fine. */
  close(): Promise<void>;
}

/** @throws CV_LOG_LOCKED, CV_LOG_UNUSABLE, CV_API_LISTEN, CV_DRIVER_UNKNOWN; devices and gateway that are away are no reason */
export async function runEdge(setup: EdgeSetup, outside: World, options: EdgeRunOptions = {}): Promise<RunningEdge> {
  const time = setup.clock && options.clock
    ? { trust: setup.clock.trust, ...options.clock, clock: new EdgeClock(outside.clock, options.clock.boot) }
    : null;
  const clock = time ? time.clock : outside.clock;
  const logProblems = new LogProblems(() => clock.nowMs());
  const unknownDevices = new UnknownDeviceList(() => clock.nowMs());
  const world: World = { ...outside, clock, tell: unknownDevices.wrapTell(logProblems.wrapTell(outside.tell)) };
  const findDriver = async (id: string) => options.extraDrivers?.find((one) => one.id === id) ?? driverById(id);
  const taps = new DeviceTaps(world);
  const rings = new CameraRings(setup.evidence?.clip ?? null, setup.edge, world);
  const prepareDependencies = async (wantedSetup: EdgeSetup) => {
    const dependencies = await resolveDependencies(wantedSetup, findDriver, world);
    return { ...dependencies, devices: dependencies.devices.map((device) => taps.wrapDevice(rings.wrapDevice(device))) };
  };
  let { devices, points } = await prepareDependencies(setup);
  let current = setup;
  const isPolled = (id: string) => devices.some((device) => device.setup.id === id && device.driver.traits.includes('polled'));
  const { dir, maxBytes } = setup.log;
  const log = await openEdgeLog({
    dir, maxBytes, edge: setup.edge, centre: setup.centre,
    ...(time && { clock: time.clock, onTimeKnown: (draft) => restampDraft(draft, isPolled) }),
  }, world);
  const undo: (() => Promise<void> | void)[] = [() => log.close()];
  try {
    if (options.onKept) undo.unshift(log.onCommitted(options.onKept));
    await options.onLog?.(log);
    let httpUrl: string | null = null;
    const httpKey = randomBytes(24).toString('base64url');
    const detectors = new CameraDetectors(async () => (await import('../models/index.ts')).MODELS, setup.vision ?? {}, world);
    undo.unshift(() => detectors.close());
    (await orStopped(detectors.prepare(devices), options.stop, () => detectors.stopOpening())).swap();
    const evidence = new EdgeEvidence(setup, {
      detectors, rings, onWaiting: () => line.wakeEvidence(), record: (draft) => { line.record(draft); },
      deviceOf: (id) => devices.find((device) => device.setup.id === id)?.setup,
      still: (device, signal) => line.host.still?.(device, signal) ?? null,
    }, world);
    undo.unshift(() => evidence.close(), () => rings.close());
    await evidence.prepare(setup.devices);
    const latestPictures = openLatestPictures(evidence.blurFinder, world.tell);
    let commandHandler: CommandHandler | null = null;
    const { edge, centre } = setup;
    const trustedKey = new TrustedKeyReader(
      () => ({ edge, file: current.commands?.key, identity: current.gateway.identity }), realIdentityFiles,
    );
    const clockDiscipline: ClockDiscipline | null = time && new ClockDiscipline({
      ...time, system: outside.clock, edge, centre, log, onSettled: () => line.wake(),
    }, world);
    const gatewayClock = clockDiscipline && {
      isSettled: () => clockDiscipline.isSettled,
      gatewayAnswered: (nowAt: number, tookMs: number) => clockDiscipline.gatewayAnswered(nowAt, tookMs),
    };
    let identity: IdentityRenewal | null = null;
    const keys = new AtRestKeys(setup.atRest);
    const identityFiles = identityFilesOf(keys);
    const watchIdentity = async ({ identity: dir, ca }: EdgeSetup['gateway']) => {
      await identity?.close();
      // What cannot be written stays as it is.
      const told = (error: unknown) => world.tell({ kind: 'fault', fault: faultOf(error, 'CV_IDENTITY_UNREADABLE', { path: dir ?? '' }) });
      if (dir !== undefined) await rewriteIdentityKey(dir, keys).catch(told);
      const parts = { edge, gateway: { identity: dir ?? '', ca }, files: identityFiles, reconnect: () => line.reconnect(), audit };
      identity = dir === undefined ? null : new IdentityRenewal(parts, world);
      await identity?.open();
    };
    const live = new LiveStreams(() => devices, setup.live ?? { maxStreams: 0 }, world);
    undo.unshift(() => live.close());
    const line = edgeLine(setup, {
      devices, log, latestPictures, eventPictures: evidence.eventPictures, evidence: () => evidence.folder, viewers: live, points,
      replayHost: options.replayHost,
      onCommand: (payload) => commandHandler?.take(payload),
      cameras: detectors.byDevice,
      security: {
        async tls(gateway) {
          const tls = await uplinkTls({ edge, gateway }, identityFiles, world.clock);
          identity?.shown(tls.identity);
          return tls;
        },
        onUplink: (isUp) => identity?.uplinkChanged(isUp),
      },
      presence: {
        version: VERSION, httpUrl: () => httpUrl, httpKey, unknownDevices: () => unknownDevices.newest(),
        commandKey: () => idOfKey(trustedKey.status),
        ...(gatewayClock && { clock: gatewayClock }),
      },
    }, world);
    const audit: EdgeAudit = new EdgeAudit({
      edge, centre,
      record: (draft) => line.record(draft),
      whenKept: () => line.whenKept(),
      waiting: () => (line.uplink().online ? log.size('diagnostic').events : 0),
    }, world);
    const tap = tapServer(taps, audit, world.clock, process.pid);
    const http = await openLocalHttp(
      { ...setup.http, key: httpKey },
      {
        health: () =>
          edgeHealth({
            edge,
            centre,
            version: VERSION,
            nowMs: () => world.clock.nowMs(),
            log,
            isKeeping: line.isKeeping,
            problems: () => logProblems.list(),
            clock: () => ({ known: clockDiscipline?.isSettled ?? true, source: time ? time.clock.source : 'system' }),
            uplink: line.uplink,
            identity: () => identity?.status ?? null,
            commandKey: () => trustedKey.status,
            devices: line.states,
            unknown: () => unknownDevices.list(),
            config: options.config,
          }),
        metrics: options.metrics,
        picture: (device) => latestPictures.get(device),
        live: (device) => live.open(device),
        tap: (request, response) => tap.serve(request, response),
        tell: world.tell,
        audit,
      },
      world.clock,
    );
    undo.unshift(() => http.close());
    httpUrl = http.url;
    await tap.open(join(setup.log.dir, LOCAL_ACCESS_FILE), http.url);
    undo.unshift(() => tap.close());
    const commands = commandHandler = new CommandHandler({
      edge, centre, dir: join(dir, 'commands'), key: trustedKey, pictures: latestPictures,
      get devices() { return devices; },
      async still(device, signal) {
        const settings = devices.find(({ setup: { id } }) => id === device)?.setup.settings as { mask?: [number, number][][] } | undefined;
        const picture = await line.host.still?.(device, signal);
        if (!picture) return null;
        return latestPictures.encodeStill(device, picture, picture.takenAt ?? world.clock.nowMs(), settings?.mask ?? []);
      },
      host: line.host, latest: line.latest, publish: line.answer, record: line.record, audit,
      clockOffsetMs: () => line.uplink().clockOffsetMs,
    }, world);
    await commands.open();
    undo.unshift(() => commands.close(), () => line.close(), () => commands.end());
    undo.unshift(() => evidence.eventClips?.close(), () => evidence.mainPictures?.close());
    await watchIdentity(setup.gateway);
    undo.unshift(() => identity?.close());
    await clockDiscipline?.open();
    undo.unshift(() => clockDiscipline?.close());
    await line.open();
    audit.started();

    async function reload(next: EdgeSetup): Promise<ReloadResult> {
      const plan = edgeReloadPlan(current, next);
      // All that can fail comes first: then nothing has changed.
      const dependencies = await prepareDependencies(plan.setup);
      const cameras = await detectors.prepare(dependencies.devices);
      await evidence.prepare(plan.setup.devices);
      await line.update(plan.setup, dependencies, () => {
        ({ devices, points } = dependencies);
        current = plan.setup;
        cameras.swap();
        evidence.eventPictures?.retain(devices.map(({ setup: { id } }) => ({ id })));
        rings.retain(devices.map(({ setup: { id } }) => ({ id })));
      });
      await cameras.finish();
      await live.stop([...plan.report.changed, ...plan.report.removed]);
      if (plan.isGatewayOther) {
        await watchIdentity(plan.setup.gateway);
        line.retarget(plan.setup.gateway);
      }
      return plan.report;
    }
    const close = async () => {
      detectors.stopOpening();
      await audit.stopped();
      await inTurn(undo);
    };
    let closing: Promise<void> | null = null;
    const held = () => STREAMS.reduce((sum, stream) => sum + log.size(stream).events, 0);
    return {
      httpUrl: http.url, states: line.states, uplink: line.uplink, held,
      reload: (next) => audit.reload(() => reload(next)),
      close: () => (closing ??= close()),
    };
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
