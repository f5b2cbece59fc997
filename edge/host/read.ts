/**
 * read: the first station of the edge's line. Keeps every device's link open and hands on what the devices say. It
 * alone schedules, times out, tries again and notices silence; a driver does none of these.
 */
import type { Writable } from '../../core/driver.ts';
import { FaultError } from '../../core/faults.ts';
import type { Station } from '../../core/line.ts';
import type { DeviceState } from '../../core/wire/messages.ts';
import type { World } from '../../core/world.ts';
import type { DecodedItem } from '../stations/item.ts';
import { addressOf, HostDevice, type OpenDevice } from './device.ts';
import { Errands, runErrands } from './errands.ts';
import { LinkKeeper } from './keeper.ts';
import { listen } from './listening.ts';
import { pollBus } from './polling.ts';
import { writePoint, type Written } from './write.ts';

export type { OpenDevice } from './device.ts';

export interface Host extends Station<never, DecodedItem> {
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
  write(device: string, point: string, value: Writable, ready: () => Promise<void>, signal: AbortSignal): Promise<Written>;
}

/**
 * @param devices checked devices with their drivers; `open` opens them, `close` is done within a second
 * @param whenKept resolves once all that was given so far is decided: true when it is on disk
 */
export function read(devices: readonly OpenDevice[], world: World, whenKept: () => Promise<boolean> = async () => true): Host {
  const ending = new AbortController();
  let hosted: HostDevice[] = [];
  let keepers: LinkKeeper[] = [];
  let loops: Promise<void>[] = [];
  /** By device; those on one bus share one. */
  const errandsOf = new Map<string, Errands>();

  function find(id: string): { device: HostDevice; errands: Errands } {
    const device = hosted.find((one) => one.setup.id === id);
    const errands = errandsOf.get(id);
    if (!device || !errands) throw new FaultError('CV_LINK_CLOSED', { address: id, detail: 'it is not open', detailZh: '尚未打开' });
    return { device, errands };
  }

  return {
    name: 'read',
    open(give) {
      hosted = devices.map((device) => new HostDevice(device, world, give));
      const buses = busesOf(hosted);
      keepers = buses.map((bus) => keeperOf(bus, world));
      loops = buses.flatMap((bus, at) => {
        const keeper = keepers[at] as LinkKeeper;
        const [first] = bus;
        const errands = new Errands(ending.signal);
        for (const { setup } of bus) errandsOf.set(setup.id, errands);
        return first.driver.traits.includes('polled')
          ? [pollBus({ keeper, devices: bus, errands, devicesInAll: devices.length }, world, ending.signal)]
          : [listen({ keeper, device: first, whenKept }, ending.signal), runErrands(errands, keeper, world, ending.signal)];
      });
    },
    tick() {
      for (const device of hosted) device.tick();
    },
    async close() {
      ending.abort(new DOMException('the edge ends', 'AbortError'));
      await Promise.all(loops);
      await Promise.all(keepers.map((keeper) => keeper.close()));
    },
    states: () => hosted.map((device) => device.state()),
    async readNow(id, points, signal) {
      const { device, errands } = find(id);
      const fault = await errands.ask(device, signal, (turn) => turn.poll(points));
      if (fault) throw new FaultError(fault.code, fault.params);
    },
    async write(id, point, value, ready, signal) {
      const { device, errands } = find(id);
      return writePoint(device, point, value, (work) => errands.ask(device, signal, work), ready);
    },
  };
}

type Bus = readonly [HostDevice, ...HostDevice[]];

/** Polled devices with the same key share a link; every other device has its own. */
function busesOf(devices: readonly HostDevice[]): Bus[] {
  const buses = new Map<string, [HostDevice, ...HostDevice[]]>();
  for (const device of devices) {
    const { driver, setup } = device;
    const shared = driver.traits.includes('polled') ? driver.bus?.(setup.settings) : undefined;
    const key = shared === undefined ? `device ${setup.id}` : `bus ${driver.id} ${shared}`;
    const bus = buses.get(key);
    if (bus) bus.push(device);
    else buses.set(key, [device]);
  }
  for (const bus of buses.values()) {
    for (const device of bus) device.waitsForOthersMs = Math.max(0, ...bus.filter((other) => other !== device).map((other) => other.setup.timeoutMs));
  }
  return [...buses.values()];
}

function keeperOf(bus: Bus, world: World): LinkKeeper {
  const [first] = bus;
  return new LinkKeeper({
    name: addressOf(first),
    driver: first.driver,
    settings: first.setup.settings,
    points: bus.flatMap((device) => device.ownPoints),
    timeoutMs: Math.max(...bus.map((device) => device.setup.timeoutMs)),
  }, world);
}
