/** Checks settings and points without the device. */
import type { Fault } from '../../core/faults.ts';
import './faults.ts';
import { pointRegisters } from './requests.ts';
import { serialAdapters, SERIAL_BY_ID, isEnumeratedName, portPath } from './serial.ts';
import type { ModbusPoint, ModbusSettings } from './settings.ts';

/** Values longer than `maxRead`, and a serial port whose name is not stable. */
export async function examine(settings: ModbusSettings, points: readonly ({ id: string } & ModbusPoint)[]): Promise<Fault[]> {
  const named = settings.transport === 'rtu' ? portFault(String(settings.port), await serialAdapters(SERIAL_BY_ID)) : null;
  return [...(named ? [named] : []), ...longValues(settings, points)];
}

/** With two adapters `ttyUSB0` is whichever was found first at the last start. */
export function portFault(port: string, byId: readonly string[]): Fault | null {
  if (!isEnumeratedName(port) || byId.length < 2) return null;
  return { code: 'CV_MODBUS_PORT_AMBIGUOUS', params: { port: portPath(port), count: byId.length, names: byId.join(', ') } };
}

/** A value longer than `maxRead` is still read in one request (it must not be torn), which the device will refuse. */
function longValues(settings: ModbusSettings, points: readonly ({ id: string } & ModbusPoint)[]): Fault[] {
  return points
    .map(pointRegisters)
    .filter((item) => item.count > settings.maxRead)
    .map((item) => ({
      code: 'CV_SETTING_INVALID',
      params: {
        owner: item.point,
        key: item.type === 'string' ? 'length' : 'type',
        problem: `takes ${item.count} registers, but maxRead is ${settings.maxRead}`,
        problemZh: `占 ${item.count} 个寄存器，而 maxRead 为 ${settings.maxRead}`,
        hint: 'use a shorter value or a higher maxRead',
        hintZh: '缩短该数值，或调大 maxRead',
      },
    }));
}
