/** Runs an edge: opens its log, its line and its local HTTP, in that order, and closes them in the other. */
import { join } from 'node:path';
import type { Driver } from '../core/driver.ts';
import { FaultError } from '../core/faults.ts';
import { openEdgeLog } from '../core/log/edge-log.ts';
import type { EdgeLog, KeptGroup } from '../core/log/types.ts';
import { VERSION } from '../core/version.ts';
import type { DeviceState } from '../core/wire/messages.ts';
import type { World } from '../core/world.ts';
import { driverById } from '../drivers/index.ts';
import { conversions } from './catalogue-units.ts';
import { CommandDesk } from './commands/desk.ts';
import type { EdgeSetup } from './config/setup.ts';
import { examine } from './examine.ts';
import type { Host, OpenDevice } from './host/read.ts';
import { healthOf } from './http/health.ts';
import { openLocalHttp } from './http/server.ts';
import { edgeLine } from './line.ts';
import { ruleLimits } from './rule-limits.ts';
import type { UplinkStatus } from './stations/forward.ts';
import type { Detectors } from './vision/detectors.ts';
import { openLastPictures } from './vision/last-picture.ts';

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
  reading?: Host;
}

export interface RunningEdge {
  /** Base URL of the local HTTP. */
  httpUrl: string;
  states(): DeviceState[];
  uplink(): UplinkStatus;
  /** Reads nothing more, commits what is in hand, says that it is gone; twice is fine. */
  close(): Promise<void>;
}

/** @throws CV_LOG_LOCKED, CV_LOG_UNUSABLE, CV_API_LISTEN, CV_DRIVER_UNKNOWN; devices and gateway that are away are no reason */
export async function runEdge(setup: EdgeSetup, world: World, options: RunOptions = {}): Promise<RunningEdge> {
  const devices = await withDrivers(setup, options.extraDrivers ?? []);
  // Said before anything opens; a device that lacks something costs only itself.
  for (const { device, fault } of await examine(devices, world)) world.tell({ kind: 'fault', fault, device });
  const conversionOf = await conversions(setup.catalogue, world.files);
  const limits = await ruleLimits(setup.rules, setup.centre, world.files);
  const log = await openEdgeLog({ dir: setup.log.dir, edge: setup.edge, centre: setup.centre, maxBytes: setup.log.maxBytes }, world);
  const undo: (() => Promise<void> | void)[] = [() => log.close()];
  try {
    if (options.onKept) undo.unshift(log.onKept(options.onKept));
    await options.onLog?.(log);
    let httpUrl: string | null = null;
    const polled = new Set(devices.filter((device) => device.driver.traits.includes('polled')).map((device) => device.setup.id));
    const detectors = await detectorsFor(devices, world);
    undo.unshift(() => detectors.close());
    const pictures = openLastPictures();
    let desk: CommandDesk | null = null;
    const line = edgeLine(setup, {
      devices, log, pictures, reading: options.reading,
      onCommand: (payload) => desk?.take(payload),
      detectors: detectors.byDevice,
      points: { polled: (device) => polled.has(device.id), conversionOf, ruleLimits: limits },
      presence: { version: VERSION, httpUrl: () => httpUrl },
    }, world);
    const http = await openLocalHttp(setup.http, {
      health: () => healthOf({ edge: setup.edge, centre: setup.centre, version: VERSION, nowMs: () => world.clock.nowMs(), log, isKeeping: line.isKeeping, uplink: line.uplink, devices: line.states }),
      metrics: options.metrics,
      picture: (device) => pictures.get(device),
    });
    undo.unshift(() => http.close());
    httpUrl = http.url;
    const commands = desk = new CommandDesk({
      edge: setup.edge, centre: setup.centre, dir: join(setup.log.dir, 'commands'), devices, pictures,
      host: line.host, latest: line.latest, publish: line.answer, record: line.record, clockOffsetMs: () => line.uplink().clockOffsetMs,
    }, world);
    await commands.open();
    undo.unshift(() => commands.close(), () => line.close(), () => commands.end());
    await line.open();
    let closing: Promise<void> | null = null;
    return { httpUrl: http.url, states: line.states, uplink: line.uplink, close: () => (closing ??= inTurn(undo)) };
  } catch (error) {
    await inTurn(undo);
    throw error;
  }
}

async function inTurn(steps: readonly (() => Promise<void> | void)[]): Promise<void> {
  for (const step of steps) await step();
}

/** Only drivers that the configuration names are loaded. */
async function withDrivers(setup: EdgeSetup, extra: readonly Driver[]): Promise<OpenDevice[]> {
  return Promise.all(setup.devices.map(async (device): Promise<OpenDevice> => {
    const driver = extra.find((one) => one.id === device.driver) ?? (await driverById(device.driver));
    if (!driver) throw new FaultError('CV_DRIVER_UNKNOWN', { owner: device.id, driver: device.driver, hint: '' });
    return { setup: device, driver };
  }));
}

/** Detectors are heavy: an edge without cameras loads none of it. */
async function detectorsFor(devices: readonly OpenDevice[], world: World): Promise<Pick<Detectors, 'byDevice' | 'close'>> {
  const cameras = devices.filter(({ driver }) => driver.traits.includes('frames')).map(({ setup }) => setup);
  if (cameras.length === 0) return { byDevice: new Map(), close: async () => {} };
  const [{ openDetectors }, { MODELS }] = await Promise.all([import('./vision/detectors.ts'), import('../models/index.ts')]);
  return openDetectors(cameras, MODELS, world);
}
