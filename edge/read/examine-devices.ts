/** What of this machine the devices need and lack (a program, a file, a model), asked of their drivers before any is opened. */
import { faultOf, type Fault } from '../../core/faults.ts';
import type { World } from '../../core/world.ts';
import type { OpenDevice } from './read.ts';

export interface DeviceFault {
  device: string;
  fault: Fault;
}

export async function examineDevices(devices: readonly OpenDevice[], world: World): Promise<DeviceFault[]> {
  const found = await Promise.all(devices.map(async ({ setup, driver }): Promise<DeviceFault[]> => {
    try {
      const faults = await driver.examine?.(setup.settings, setup.points.map((point) => point.own as { id: string }), world);
      return (faults ?? []).map((fault) => ({ device: setup.id, fault }));
    } catch (error) {
      return [{ device: setup.id, fault: faultOf(error, 'CV_DRIVER_FAILED', { device: setup.id }) }];
    }
  }));
  return found.flat();
}
