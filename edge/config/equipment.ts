/** What a setup needs beside itself: its drivers, the catalogue's units, the levels of rules. Read before anything opens. */
import type { Driver } from '../../core/driver.ts';
import { FaultError } from '../../core/faults.ts';
import type { World } from '../../core/world.ts';
import { conversions, misfits } from '../qualify/catalogue-units.ts';
import type { EdgeSetup } from './setup.ts';
import { examine } from '../read/examine.ts';
import type { OpenDevice } from '../read/device.ts';
import { ruleLimits } from '../judge/rule-limits.ts';
import type { QualifyFacts } from '../qualify/qualify.ts';
import type { ReduceFacts } from '../reduce/reduce.ts';

/** Drivers are loaded only when a device names them. */
export type DriverOf = (id: string) => Promise<Driver | undefined>;

export interface Equipment {
  devices: readonly OpenDevice[];
  points: QualifyFacts & ReduceFacts;
}

/**
 * Tells what of this machine the devices lack; such a device costs only itself.
 *
 * @param driverOf the registry
 * @throws CV_DRIVER_UNKNOWN, CV_CONFIG_UNREADABLE, and the first fault of catalogue and rule files
 */
export async function equip(setup: EdgeSetup, driverOf: DriverOf, world: World): Promise<Equipment> {
  const devices = await withDrivers(setup, driverOf);
  for (const { device, fault } of await examine(devices, world)) world.tell({ kind: 'fault', fault, device });
  const conversionOf = await conversions(setup.catalogue, world.files);
  for (const { device, fault } of misfits(setup.devices, conversionOf)) world.tell({ kind: 'fault', fault, device });
  const limits = await ruleLimits(setup.rules, setup.centre, world.files);
  const polled = new Set(devices.filter(({ driver }) => driver.traits.includes('polled')).map((device) => device.setup.id));
  return { devices, points: { polled: ({ id }) => polled.has(id), conversionOf, misfitOf: conversionOf.misfitOf, ruleLimits: limits } };
}

/** Only drivers that the configuration names are loaded. */
async function withDrivers(setup: EdgeSetup, driverOf: DriverOf): Promise<OpenDevice[]> {
  return Promise.all(setup.devices.map(async (device): Promise<OpenDevice> => {
    const driver = await driverOf(device.driver);
    if (!driver) throw new FaultError('CV_DRIVER_UNKNOWN', { owner: device.id, driver: device.driver, hint: '' });
    return { setup: device, driver };
  }));
}
