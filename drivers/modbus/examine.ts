/** What can be wrong between settings and points without asking the device. */
import type { Fault } from '../../core/faults.ts';
import { itemOf } from './requests.ts';
import type { ModbusPoint, ModbusSettings } from './settings.ts';

/** A value longer than `maxRead` is read in one piece all the same (it must not be torn), which the device will refuse. */
export async function examine(settings: ModbusSettings, points: readonly ({ id: string } & ModbusPoint)[]): Promise<Fault[]> {
  return points.map(itemOf).filter((item) => item.count > settings.maxRead).map((item) => ({
    code: 'CV_SETTING_INVALID',
    params: {
      owner: item.point, key: item.type === 'string' ? 'length' : 'type',
      problem: `takes ${item.count} registers, but maxRead is ${settings.maxRead}`, problemZh: `占 ${item.count} 个寄存器,而 maxRead 为 ${settings.maxRead}`,
      hint: 'a shorter value, or a higher maxRead', hintZh: '缩短该数值,或调大 maxRead',
    },
  }));
}
