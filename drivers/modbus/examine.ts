/** What can be wrong between settings and points without asking the device. */
import type { Fault } from '../../core/faults.ts';
import { itemOf } from './requests.ts';
import type { ModbusPoint, ModbusSettings } from './settings.ts';

/** A value longer than `maxRead` is read in one piece all the same (it must not be torn), which the device will refuse. */
export async function examine(settings: ModbusSettings, points: readonly ({ id: string } & ModbusPoint)[]): Promise<Fault[]> {
  return points.map(itemOf).filter((item) => item.count > settings.maxRead).map((item) => ({
    code: 'CV_SETTING_INVALID',
    params: { owner: item.point, key: 'length', problem: `takes ${item.count} registers, maxRead is ${settings.maxRead}`, hint: 'a shorter length, or a higher maxRead' },
  }));
}
