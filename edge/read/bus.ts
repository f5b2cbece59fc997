/** A bus while it runs: its devices, the link they share, and the loops that ask them or listen to them. */
import type { Picture } from '../../core/driver.ts';
import type { World } from '../../core/world.ts';
import { deviceAddress, type HostDevice } from './host-device.ts';
import { BusTasks, serveBusTasks } from './bus-tasks.ts';
import type { FrameCollector } from './frame-collector.ts';
import { BusLink, type BusLinkSetup } from './bus-link.ts';
import { listenToDevice } from './listen.ts';
import { BusMembers } from './bus-members.ts';
import { pollBus } from './poll-bus.ts';
import type { PollPhases } from './poll-schedule.ts';

export type BusDevices = readonly [HostDevice, ...HostDevice[]];

export interface BusContext {
  world: World;
  /** For what devices say by themselves. */
  frames: FrameCollector;
  /** When the devices of the whole edge are due. */
  phases: PollPhases;
  /** Devices of the whole edge, for spreading their first polls. */
  deviceCount(): number;
}

export class Bus {
  readonly tasks = new BusTasks();
  readonly #context: BusContext;
  readonly #members: BusMembers;
  readonly #link: BusLink;
  readonly #ending = new AbortController();
  /** Polling; whoever listens is not waited for: his link is closed, and he gives nothing more. */
  readonly #polling: Promise<void> | null = null;

  /** Runs from now on. */
  constructor(devices: BusDevices, context: BusContext) {
    const { signal } = this.#ending;
    const [first] = devices;
    this.#context = context;
    this.#members = new BusMembers(devices);
    this.#link = new BusLink(setupOf(devices), context.world);
    const { tasks } = this;
    if (first.driver.traits.includes('polled')) {
      this.#polling = pollBus(
        { busLink: this.#link, members: this.#members, tasks, phases: context.phases, deviceCount: context.deviceCount() },
        context.world,
        signal,
      );
    } else {
      serveBusTasks(tasks, this.#link, context.frames, context.world, signal);
      void listenToDevice({ busLink: this.#link, device: first, frames: context.frames }, signal);
    }
  }

  get devices(): readonly HostDevice[] {
    return this.#members.devices;
  }

  /** One picture of now from a camera's best stream; null where it has none, or is not there. Rejects with a FaultError. */
  still(signal: AbortSignal): Promise<Picture> | null {
    return this.#link.current?.still?.(signal) ?? null;
  }

  /** Some come or go while the others are asked on over the link as it is. */
  update(devices: BusDevices): void {
    this.#link.update(setupOf(devices));
    this.#members.set(devices, this.#context.deviceCount());
    this.tasks.wake();
  }

  /** Resolves when the loops are over and the link is closed: within a second. */
  async stop(): Promise<void> {
    this.#ending.abort(new DOMException('the edge ends', 'AbortError'));
    this.tasks.wake();
    await this.#polling;
    await this.#link.close();
  }
}

function setupOf(devices: BusDevices): BusLinkSetup {
  const [first] = devices;
  return {
    name: deviceAddress(first),
    driver: first.driver,
    settings: first.setup.settings,
    points: devices.flatMap((device) => device.ownPoints),
    timeoutMs: Math.max(...devices.map((device) => device.setup.timeoutMs)),
  };
}
