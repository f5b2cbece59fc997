/** Keeps the link of one bus: opens it, waits longer after each failure, lets go of it when it is broken. */
import type { Driver, Link, PointOf } from '../../core/driver.ts';
import { FaultError, faultOf, FAULTS, type Fault } from '../../core/faults.ts';
import type { TelemetryEvent } from '../../core/telemetry.ts';
import { pause, type World } from '../../core/world.ts';
import { MAX_REOPEN_WAIT_MS, reopenWaitMs } from './backoff.ts';
import { withDeadline } from './deadline-timer.ts';

/** Sessions (OPC UA, a camera's child process) take longer to begin than an answer takes to come. */
const OPEN_LEAST_MS = 10_000;
const STEADY_MS = 5000;
/** Together with an exchange's grace this stays below one second. */
const CLOSE_MOST_MS = 400;

const NONE: readonly Promise<void>[] = [];

export interface BusLinkSetup {
  /** How it is spoken of in faults: the bus's key, or the device. */
  name: string;
  driver: Driver;
  settings: unknown;
  points: readonly PointOf<unknown>[];
  timeoutMs: number;
}

export class BusLink {
  #setup: BusLinkSetup;
  readonly #world: World;
  #link: Link<unknown> | null = null;
  #openedMs = 0;
  /** Openings in a row that came to nothing: they failed, or the link went again before it was steady. */
  #failures = 0;
  /** The last fault was one that waiting alone will hardly mend. */
  #afterChange = false;
  #closings: readonly Promise<void>[] = NONE;

  constructor(setup: BusLinkSetup, world: World) {
    this.#setup = setup;
    this.#world = world;
  }

  /** From the next opening on. */
  update(setup: BusLinkSetup): void {
    this.#setup = setup;
  }

  get name(): string {
    return this.#setup.name;
  }

  /** The link as it is now; null while there is none. */
  get current(): Link<unknown> | null {
    return this.#link;
  }

  /**
   * The open link. Where there is none, one attempt is made, after a wait that grows with each that failed.
   *
   * @returns rejects with the fault of the attempt, or with the signal's reason
   */
  async open(signal: AbortSignal): Promise<Link<unknown>> {
    if (this.#link) return this.#link;
    if (this.#failures > 0 && !(await pause(this.#world.clock, this.#waitMs(), signal))) throw signal.reason;
    // Two links at once would be one too many for a serial line and for many a device.
    await this.#closed(CLOSE_MOST_MS);
    const { driver, settings, points, timeoutMs, name } = this.#setup;
    const deadline = {
      ms: Math.max(OPEN_LEAST_MS, timeoutMs),
      fault: () => new FaultError('CV_LINK_TIMEOUT', { address: name, timeoutMs: Math.max(OPEN_LEAST_MS, timeoutMs) }),
    };
    this.#failures += 1;
    this.#link = await withDeadline(this.#world.clock, deadline, signal,
      (inner) => driver.open(settings, points, this.#worldOf(driver), inner),
      (late) => { late.then((link) => this.#close(link), () => {}); });
    this.#openedMs = this.#world.clock.monotonicMs();
    return this.#link;
  }

  /** A frame came. A link is good when it has lasted a while: one that goes again at once must not be reopened at once. @returns whether it is */
  frameReceived(): boolean {
    this.#afterChange = false;
    if (this.#failures > 0 && this.#world.clock.monotonicMs() - this.#openedMs >= STEADY_MS) this.#failures = 0;
    return this.#failures === 0;
  }

  /** What went wrong, as a fault of the table; remembers whether waiting alone will help. */
  fault(error: unknown): Fault {
    const fault = faultOf(error, 'CV_DRIVER_FAILED', { device: this.#setup.name });
    this.#afterChange = FAULTS[fault.code].retry === 'after-change';
    return fault;
  }

  /** The link is broken: it is closed, and the next `open` makes a new one. */
  drop(): void {
    const link = this.#link;
    this.#link = null;
    if (link) this.#close(link);
  }

  /** It may be half dead: a new one is opened without a wait, since whoever asks on it is asked seldom already. */
  reopen(): void {
    this.drop();
    this.#failures = 0;
  }

  /** Resolves when every link is closed, at the latest after a moment. */
  async close(): Promise<void> {
    this.drop();
    await this.#closed(CLOSE_MOST_MS);
  }

  async #closed(waitMs: number): Promise<void> {
    if (this.#closings.length === 0) return;
    const over = new AbortController();
    const isClosed = await Promise.race([
      Promise.all(this.#closings).then(() => true),
      pause(this.#world.clock, waitMs, over.signal).then(() => false),
    ]);
    over.abort();
    if (isClosed) return;
    this.#closings = NONE;
    this.#world.tell({
      kind: 'fault',
      fault: { code: 'CV_DRIVER_FAILED', params: { device: this.#setup.name, detail: `its link did not close within ${waitMs} ms` } },
    });
  }

  /** A camera is alone on its link: what its driver tells by itself is of this device. */
  #worldOf(driver: Driver): World {
    return driver.traits.includes('frames')
      ? { ...this.#world, tell: (event) => this.#world.tell({ device: this.#setup.name, ...event } as TelemetryEvent) }
      : this.#world;
  }

  #waitMs(): number {
    return this.#afterChange
      ? MAX_REOPEN_WAIT_MS * (0.5 + this.#world.random.next() / 2)
      : reopenWaitMs(this.#failures, this.#world.random);
  }

  #close(link: Link<unknown>): void {
    const closing: Promise<void> = (async () => link.close())()
      .catch((error: unknown) =>
        this.#world.tell({ kind: 'fault', fault: faultOf(error, 'CV_DRIVER_FAILED', { device: this.#setup.name }) }),
      )
      .finally(() => {
        this.#closings = this.#closings.filter((other) => other !== closing);
      });
    this.#closings = [...this.#closings, closing];
  }
}
