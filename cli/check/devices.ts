/** Checks all devices: problems of this machine first, then one read of each device. */
import { FaultError, FAULTS, faultOf, type Fault } from '../../core/faults.ts';
import { realWorld, type World } from '../../core/world.ts';
import { driverById } from '../../drivers/index.ts';
import { readUnitConversions, unconvertiblePoints } from '../../edge/qualify/unit-conversions.ts';
import type { EdgeSetup } from '../../edge/config/setup.ts';
import { examineDevices } from '../../edge/read/examine-devices.ts';
import type { OpenDevice } from '../../edge/read/host-device.ts';
import { tryDevice } from '../../edge/read/device-trial.ts';
import type { CameraTrials } from '../../edge/infer/camera-trial.ts';
import { openProgress } from '../progress.ts';
import { EXIT, type CommandTerminal } from '../terminal.ts';
import { checkInOrder } from './ordered-checks.ts';
import { printDevice, printDeviceFault } from './device-report.ts';

/** @returns the exit code */
export async function checkDevices(terminal: CommandTerminal, setup: EdgeSetup, isOffline: boolean): Promise<number> {
  const unsafe: Fault[] = [];
  const world = realWorld((event) => { if (event.kind === 'fault') unsafe.push(event.fault); });
  const devices = await Promise.all(setup.devices.map(async (device): Promise<OpenDevice> => {
    const driver = await driverById(device.driver);
    if (!driver) throw new FaultError('CV_DRIVER_UNKNOWN', { owner: device.id, driver: device.driver, hint: '' });
    return { setup: device, driver };
  }));
  let exit: number = EXIT.ok;
  // The devices are still tried.
  for (const { device, fault } of await unitFaults(setup, world)) {
    printDeviceFault(terminal, device, fault);
    exit = EXIT.usage;
  }
  const lacks = await examineDevices(devices, world);
  for (const { device, fault } of lacks) {
    printDeviceFault(terminal, device, fault);
    exit = worseExit(exit, FAULTS[fault.code].stage === 'check' ? EXIT.usage : EXIT.missing);
  }
  if (isOffline) return exit;
  const ending = new AbortController();
  process.once('SIGINT', () => {
    ending.abort(new DOMException('interrupted', 'AbortError'));
    process.exitCode = EXIT.interrupted;
  });
  const lacking = new Set(lacks.map(({ device }) => device));
  const well = devices.filter(({ setup: { id } }) => !lacking.has(id));
  const looks = openModels(well, setup, world);
  await checkInOrder(well, {
    tryOut: async (device) => {
      const tried = await tryDevice(device, world, ending.signal);
      const looked = await (await looks)?.run(device.setup.id, tried.picture?.item ?? null, ending.signal);
      return { tried, looked };
    },
    report: (device, { tried, looked }) => { exit = worseExit(exit, printDevice(terminal, device, tried, looked, setup.centre, world)); },
    progress: openProgress(terminal, { id: 'check', en: 'checking devices', zh: '正在检查设备' }),
    clock: world.clock, signal: ending.signal,
  });
  await (await looks)?.close();
  for (const fault of unsafe) printDeviceFault(terminal, setup.edge, fault);
  return ending.signal.aborted ? EXIT.interrupted : exit;
}

/** Units that do not fit the catalogue, or what is wrong with the catalogue itself. */
async function unitFaults(setup: EdgeSetup, { files }: Pick<World, 'files'>): Promise<{ device: string; fault: Fault }[]> {
  try {
    return unconvertiblePoints(setup.devices, await readUnitConversions(setup.catalogue, files));
  } catch (error) {
    return [{ device: setup.edge, fault: faultOf(error, 'CV_CONFIG_UNREADABLE', { path: setup.catalogue.join(', ') }) }];
  }
}

/** Loads models in parallel with the device checks; null without cameras, since models are large. */
async function openModels(devices: readonly OpenDevice[], { vision }: EdgeSetup, world: World): Promise<CameraTrials | null> {
  const cameras = devices.filter(({ driver }) => driver.traits.includes('frames')).map((device) => device.setup);
  if (cameras.length === 0) return null;
  const [{ openCameraTrials }, { MODELS }, { DetectorPool }] = await Promise.all([
    import('../../edge/infer/camera-trial.ts'),
    import('../../models/index.ts'),
    import('../../models/pool.ts'),
  ]);
  return openCameraTrials(cameras, MODELS, world, new DetectorPool(vision ?? {}, { ...world, tell: () => {} }));
}

/** Wrongly configured before a missing part before a device that does not answer. */
function worseExit(one: number, other: number): number {
  const order: number[] = [EXIT.ok, EXIT.found, EXIT.missing, EXIT.usage];
  return order.indexOf(one) >= order.indexOf(other) ? one : other;
}
