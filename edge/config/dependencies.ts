/** What a setup needs beside itself: its drivers, the catalogue's units, the levels of rules. Read before anything opens. */
import type { Driver } from '../../core/driver.ts';
import { FaultError } from '../../core/faults.ts';
import type { World } from '../../core/world.ts';
import { readUnitConversions, unconvertiblePoints } from '../qualify/unit-conversions.ts';
import type { EdgeSetup } from './setup.ts';
import { examineDevices } from '../read/examine-devices.ts';
import type { OpenDevice } from '../read/host-device.ts';
import { readRuleLimits } from '../judge/rule-limits.ts';
import type { QualifyFacts } from '../qualify/qualify.ts';
import type { ReduceFacts } from '../reduce/reduce.ts';

/** Drivers are loaded only when a device names them. */
export type FindDriver = (id: string) => Promise<Driver | undefined>;

export interface EdgeDependencies {
  devices: readonly OpenDevice[];
  points: QualifyFacts & ReduceFacts;
}

/**
 * Tells what of this machine the devices lack; such a device costs only itself.
 *
 * @param driverOf the registry
 * @throws CV_DRIVER_UNKNOWN, CV_CONFIG_UNREADABLE, and the first fault of catalogue and rule files
 */
export async function resolveDependencies(setup: EdgeSetup, driverOf: FindDriver, world: World): Promise<EdgeDependencies> {
  const devices = await withDrivers(setup, driverOf);
  for (const { device, fault } of await examineDevices(devices, world)) world.tell({ kind: 'fault', fault, device });
  const conversionOf = await readUnitConversions(setup.catalogue, world.files);
  for (const { device, fault } of unconvertiblePoints(setup.devices, conversionOf)) world.tell({ kind: 'fault', fault, device });
  const limits = await readRuleLimits(setup.rules, setup.centre, world.files);
  const polled = new Set(devices.filter(({ driver }) => driver.traits.includes('polled')).map((device) => device.setup.id));
  return {
    devices,
    points: { polled: ({ id }) => polled.has(id), conversionOf, unconvertibleUnit: conversionOf.unconvertibleUnit, ruleLimits: limits },
  };
}

/** Only drivers that the configuration names are loaded. */
async function withDrivers(setup: EdgeSetup, driverOf: FindDriver): Promise<OpenDevice[]> {
  return Promise.all(setup.devices.map(async (device): Promise<OpenDevice> => {
    const driver = await driverOf(device.driver);
    if (!driver) throw new FaultError('CV_DRIVER_UNKNOWN', { owner: device.id, driver: device.driver, hint: '' });
    return { setup: device, driver };
  }));
}
