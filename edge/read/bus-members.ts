/** Who is on a bus: changes while it runs, between two exchanges. */
import type { HostDevice } from './host-device.ts';

export class BusMembers {
  devices: readonly HostDevice[];
  /** Counts up with each change. */
  version = 0;
  /** Of the whole edge, when they last changed. */
  deviceCount = 0;

  constructor(devices: readonly HostDevice[]) {
    this.devices = devices;
  }

  set(devices: readonly HostDevice[], devicesInAll: number): void {
    this.devices = devices;
    this.deviceCount = devicesInAll;
    this.version += 1;
  }
}
