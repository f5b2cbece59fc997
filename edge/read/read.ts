/**
 * read: the first station of the edge's line. Keeps every device's link open and hands on what the devices say. It
 * alone schedules, times out, tries again and notices silence; a driver does none of these.
 */
import type { Picture, WritableValue } from '../../core/driver.ts';
import { FaultError } from '../../core/faults.ts';
import type { EmitItems, Station } from '../../core/line.ts';
import type { DeviceState } from '../../core/wire/messages.ts';
import type { World } from '../../core/world.ts';
import type { DecodedItem } from '../item.ts';
import { Bus, type BusDevices } from './bus.ts';
import { HostDevice, type OpenDevice } from './host-device.ts';
import type { BusTasks } from './bus-tasks.ts';
import { FrameCollector } from './frame-collector.ts';
import { busKey, hasSameLink } from './bus-key.ts';
import { PollPhases } from './poll-schedule.ts';
import { writePoint, type WriteResult } from './write.ts';

export type { OpenDevice } from './host-device.ts';

export interface DeviceHost extends Station<never, DecodedItem> {
  /** What is known of each device now, in the order of the setup. */
  states(): DeviceState[];
  /** Asks the device for these points now; what it says has gone down the line when this resolves. Rejects with a FaultError. */
  readNow(device: string, points: readonly string[], signal: AbortSignal): Promise<void>;
  /**
   * Sets a point and reads it back, between two polls of its bus.
   *
   * @param ready called when the bus is free, just before the first exchange; what it throws is thrown, and nothing was done
   * @param signal ends the wait for the bus, not the write
   */
  write(device: string, point: string, value: WritableValue, ready: () => Promise<void>, signal: AbortSignal): Promise<WriteResult>;
  /** One picture of now from a camera's best stream; null where it has none, or is not there. Rejects with a FaultError. */
  still?(device: string, signal: AbortSignal): Promise<Picture> | null;
  /**
   * Goes on with another setup. Devices that are spoken to as before are not touched: their links, schedules and values
   * stay, also where a neighbour on their bus comes or goes. One at a time.
   *
   * @param swap called when nothing comes any more from what is gone, and nothing yet from what is new
   */
  update(devices: readonly OpenDevice[], swap: () => void): Promise<void>;
}

/**
 * @param devices checked devices with their drivers; `open` opens them, `close` is done within a second
 * @param whenKept resolves once all that was given so far is decided: true when it is on disk
 */
export function read(devices: readonly OpenDevice[], world: World, whenKept: () => Promise<boolean> = async () => true): DeviceHost {
  let hosted: HostDevice[] = [];
  const buses = new Map<string, Bus>();
  let isClosed = false;
  let give: EmitItems<DecodedItem> = () => {};
  const frames = new FrameCollector((items) => give(items), whenKept, world.clock);
  const context = { world, frames, phases: new PollPhases(world.clock.monotonicMs(), world.random), deviceCount: () => hosted.length };

  function find(id: string): { device: HostDevice; tasks: BusTasks } {
    const device = hosted.find((one) => one.setup.id === id);
    const bus = device && buses.get(busKey(device));
    if (!device || !bus?.devices.includes(device))
      throw new FaultError('CV_LINK_CLOSED', { address: id, detail: 'it is not open', detailZh: '尚未打开' });
    return { device, tasks: bus.tasks };
  }

  /** Runs every bus that does not run yet. */
  function start(): void {
    if (isClosed) return;
    for (const [key, group] of busesOf(hosted)) if (!buses.has(key)) buses.set(key, new Bus(group, context));
  }

  /** Brings the buses that run to what they are to be. Resolves when those that have to end have ended. */
  async function settle(): Promise<void> {
    const wanted = busesOf(hosted);
    await Promise.all([...buses].map(async ([key, bus]) => {
      const group = wanted.get(key);
      const stays = group?.filter((device) => bus.devices.includes(device)) ?? [];
      if (group && stays.length === group.length && stays.length === bus.devices.length) return;
      if (group && stays.length > 0) return bus.update(group);
      buses.delete(key);
      await bus.stop();
    }));
  }

  return {
    name: 'read',
    open(given) {
      give = given;
      hosted = devices.map((device) => new HostDevice(device, world, frames.give));
      start();
    },
    tick() {
      for (const device of hosted) device.tick();
    },
    async close() {
      isClosed = true;
      frames.close();
      await Promise.all([...buses.values()].map((bus) => bus.stop()));
    },
    states: () => hosted.map((device) => device.state()),
    async readNow(id, points, signal) {
      const { device, tasks } = find(id);
      const fault = await tasks.run(device, signal, (bus) => bus.poll(points));
      if (fault) throw new FaultError(fault.code, fault.params);
    },
    async write(id, point, value, ready, signal) {
      const { device, tasks } = find(id);
      return writePoint(device, point, value, (work) => tasks.run(device, signal, work), ready);
    },
    still(id, signal) {
      const device = hosted.find((one) => one.setup.id === id);
      return (device && buses.get(busKey(device))?.still(signal)) ?? null;
    },
    async update(next, swap) {
      const before = new Map(hosted.map((device) => [device.setup.id, device]));
      const kept = next.map((one) => {
        const device = before.get(one.setup.id);
        return device && hasSameLink(device, one) ? device : null;
      });
      const staying = new Set(kept);
      frames.drain();
      for (const device of hosted) if (!staying.has(device)) device.retire();
      swap();
      hosted = next.map((one, at) => {
        kept[at]?.update(one.setup);
        return kept[at] ?? new HostDevice(one, world, frames.give);
      });
      await settle();
      start();
    },
  };
}

/** By key, in the order of the setup. */
function busesOf(devices: readonly HostDevice[]): Map<string, BusDevices> {
  const buses = new Map<string, [HostDevice, ...HostDevice[]]>();
  for (const device of devices) {
    const bus = buses.get(busKey(device));
    if (bus) bus.push(device);
    else buses.set(busKey(device), [device]);
  }
  for (const bus of buses.values()) {
    for (const device of bus)
      device.neighbourTimeoutMs = Math.max(0, ...bus.filter((other) => other !== device).map((other) => other.setup.timeoutMs));
  }
  return buses;
}
