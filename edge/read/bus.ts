/** A bus while it runs: its devices, the link they share, and the loops that ask them or listen to them. */
import type { Picture } from '../../core/driver.ts';
import type { World } from '../../core/world.ts';
import { addressOf, type HostDevice } from './device.ts';
import { Errands, serveErrands } from './errands.ts';
import type { Intake } from './intake.ts';
import { LinkKeeper, type BusSetup } from './keeper.ts';
import { listen } from './listening.ts';
import { Members } from './members.ts';
import { pollBus } from './polling.ts';
import type { Moments } from './schedule.ts';

export type BusDevices = readonly [HostDevice, ...HostDevice[]];

export interface BusFacts {
  world: World;
  /** For what devices say by themselves. */
  intake: Intake;
  /** When the devices of the whole edge are due. */
  moments: Moments;
  /** Devices of the whole edge, for spreading their first polls. */
  devicesInAll(): number;
}

export class Bus {
  readonly errands = new Errands();
  readonly #facts: BusFacts;
  readonly #members: Members;
  readonly #keeper: LinkKeeper;
  readonly #ending = new AbortController();
  /** Polling; whoever listens is not waited for: his link is closed, and he gives nothing more. */
  readonly #polling: Promise<void> | null = null;

  /** Runs from now on. */
  constructor(devices: BusDevices, facts: BusFacts) {
    const { signal } = this.#ending;
    const [first] = devices;
    this.#facts = facts;
    this.#members = new Members(devices);
    this.#keeper = new LinkKeeper(setupOf(devices), facts.world);
    const { errands } = this;
    if (first.driver.traits.includes('polled')) {
      this.#polling = pollBus({ keeper: this.#keeper, members: this.#members, errands, moments: facts.moments, devicesInAll: facts.devicesInAll() }, facts.world, signal);
    } else {
      serveErrands(errands, this.#keeper, facts.intake, facts.world, signal);
      void listen({ keeper: this.#keeper, device: first, intake: facts.intake }, signal);
    }
  }

  get devices(): readonly HostDevice[] {
    return this.#members.devices;
  }

  /** One picture of now from a camera's best stream; null where it has none, or is not there. Rejects with a FaultError. */
  still(signal: AbortSignal): Promise<Picture> | null {
    return this.#keeper.current?.still?.(signal) ?? null;
  }

  /** Some come or go while the others are asked on over the link as it is. */
  change(devices: BusDevices): void {
    this.#keeper.adopt(setupOf(devices));
    this.#members.set(devices, this.#facts.devicesInAll());
    this.errands.nudge();
  }

  /** Resolves when the loops are over and the link is closed: within a second. */
  async stop(): Promise<void> {
    this.#ending.abort(new DOMException('the edge ends', 'AbortError'));
    this.errands.nudge();
    await this.#polling;
    await this.#keeper.close();
  }
}

function setupOf(devices: BusDevices): BusSetup {
  const [first] = devices;
  return {
    name: addressOf(first),
    driver: first.driver,
    settings: first.setup.settings,
    points: devices.flatMap((device) => device.ownPoints),
    timeoutMs: Math.max(...devices.map((device) => device.setup.timeoutMs)),
  };
}
