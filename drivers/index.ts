/** The registry: one line a driver. What a driver needs (libraries, workers) is loaded only when a device uses it. */
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

/** The driver of that id; undefined when there is none, so that the caller can name the nearest. */
export async function driverById(id: string): Promise<Driver | undefined> {
  return DRIVERS.find((entry) => entry.id === id)?.load();
}

/** Ids in the order of the registry. */
export function driverIds(): string[] {
  return DRIVERS.map((entry) => entry.id);
}
