/** Lets somebody listen in on the devices of a running edge: what goes over their links, and what became of it. */
import type { FrameLine } from '../../cases/format.ts';
import { NetTap, type NetEvent } from '../../cases/net-tap.ts';
import type { Driver } from '../../core/driver.ts';
import { resultLines, type ResultLine } from '../../cases/result-lines.ts';
import type { World } from '../../core/world.ts';
import type { DeviceSetup } from '../config/setup.ts';
import type { OpenDevice } from '../read/host-device.ts';

/** One thing that happened, as a line for whoever records. `atMs`: ms UTC by the edge's clock. */
export type TapLine =
  | ({ atMs: number } & (Exclude<NetEvent, { kind: 'bytes' }> | (Omit<Extract<NetEvent, { kind: 'bytes' }>, 'bytes'> & { bytes: string })))
  | { atMs: number; kind: 'decoded'; frame: Omit<FrameLine, 'afterUs'> | null; lines: ResultLine[] };

export type TapListener = (line: TapLine) => void;

export class DeviceTaps {
  readonly #world: World;
  /** By the link: devices of a bus share one. Those that wait to be dialled share one by their driver. */
  readonly #nets = new Map<string, NetTap>();
  /** `tapped` is the driver itself but for what lies over it. */
  readonly #drivers = new Map<string, { setup: DeviceSetup; of: Driver; tapped: Driver }>();
  readonly #listeners = new Map<string, Set<TapListener>>();

  constructor(world: World) {
    this.#world = world;
  }

  /** The same device, through a driver that can be listened to. */
  wrapDevice({ setup, driver }: OpenDevice): OpenDevice {
    const known = this.#drivers.get(setup.id);
    if (known?.of === driver) {
      known.setup = setup;
      return { setup, driver: known.tapped };
    }
    const net = this.#netOf(setup, driver);
    const tapped = Object.assign(Object.create(driver) as Driver, {
      open: ((settings, points, world, signal) =>
        driver.open(settings, points, { ...world, net: net.net }, signal)) satisfies Driver['open'],
    });
    this.#drivers.set(setup.id, { setup, of: driver, tapped });
    if (this.#listeners.has(setup.id)) this.#attend(setup.id);
    return { setup, driver: tapped };
  }

  /** Lays a decoder over the driver's own, for as long as somebody listens. */
  #attend(id: string): void {
    const known = this.#drivers.get(id);
    if (!known) return;
    const { of: driver } = known;
    known.tapped.decode = (frame, request, atMs = this.#world.clock.nowMs()) => {
      const decoded = driver.decode(frame, request);
      const unitOf = (point: string) => known.setup.points.find((one) => one.id === point)?.unit ?? '';
      const line = driver.recording?.line?.(frame, request) ?? null;
      const told: TapLine = { atMs, kind: 'decoded', frame: line, lines: resultLines(decoded, { device: id, at: atMs, request, unitOf }) };
      for (const listener of this.#listeners.get(id) ?? []) listener(told);
      return decoded;
    };
  }

  has(device: string): boolean {
    return this.#drivers.has(device);
  }

  /** @returns the way to stop; null: there is no such device */
  listen(device: string, listener: TapListener): (() => void) | null {
    const known = this.#drivers.get(device);
    const net = this.#nets.get(this.#keys.get(device) ?? '');
    if (!known || !net) return null;
    const listeners = this.#listeners.get(device) ?? new Set();
    this.#listeners.set(device, listeners.add(listener));
    this.#attend(device);
    const stop = net.listen((event) => {
      const { clock } = this.#world;
      listener(
        event.kind === 'bytes'
          ? { atMs: clock.nowMs(), ...event, bytes: Buffer.from(event.bytes).toString('hex') }
          : { atMs: clock.nowMs(), ...event },
      );
    });
    return () => {
      stop();
      listeners.delete(listener);
      if (listeners.size > 0) return;
      this.#listeners.delete(device);
      delete (this.#drivers.get(device)?.tapped as Partial<Driver> | undefined)?.decode;
    };
  }

  readonly #keys = new Map<string, string>();

  #netOf(setup: DeviceSetup, driver: Driver): NetTap {
    const isDialled = driver.recording?.level === 'bytes' && isListening(setup.settings);
    const key = isDialled
      ? `driver ${driver.id}`
      : driver.traits.includes('polled') && driver.bus
        ? `bus ${driver.id} ${driver.bus(setup.settings)}`
        : `device ${setup.id}`;
    this.#keys.set(setup.id, key);
    let net = this.#nets.get(key);
    if (!net) this.#nets.set(key, net = new NetTap(this.#world.net));
    return net;
  }
}

/** Devices that dial in come over a port that may serve many of them. */
function isListening(settings: unknown): boolean {
  return typeof settings === 'object' && settings !== null && 'listen' in settings && settings.listen !== undefined;
}
