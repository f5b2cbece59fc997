/** The registry of drivers, one line each. A driver and its libraries are loaded when a device uses it. */
import type { Driver } from '../core/driver.ts';
import './faults.ts';

export interface DriverEntry {
  id: string;
  load(): Promise<Driver>;
}

export const DRIVERS: readonly DriverEntry[] = [
  { id: 'modbus', load: async () => (await import('./modbus/driver.ts')).default },
  { id: 'opcua', load: async () => (await import('./opcua/driver.ts')).default },
  { id: 'camera', load: async () => (await import('./camera/driver.ts')).default },
  { id: 'hj212', load: async () => (await import('./hj212/driver.ts')).default },
  { id: 'frame', load: async () => (await import('./frame/driver.ts')).default },
  { id: 'llrp', load: async () => (await import('./llrp/driver.ts')).default },
  { id: 'mqtt-in', load: async () => (await import('./mqtt-in/driver.ts')).default },
];

/** The driver with that id; undefined when there is none. */
export async function driverById(id: string): Promise<Driver | undefined> {
  return DRIVERS.find((entry) => entry.id === id)?.load();
}

/** Ids in the order of the registry. */
export function driverIds(): string[] {
  return DRIVERS.map((entry) => entry.id);
}
