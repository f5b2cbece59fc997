/**
 * A box without a battery clock, in virtual time: boots whose clock begins anywhere, processes that are stopped and
 * killed, NTP that comes or does not, and a network that is there or not. What it runs is the edge's own clock, log and
 * forwarding; the truth is known at every moment.
 */
import { cpSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { EdgeClock, type TimeSource } from '../../edge/clock/edge-clock.ts';
import { ClockDiscipline } from '../../edge/clock/clock-discipline.ts';
import { keep } from '../../edge/keep/keep.ts';
import { forward } from '../../edge/forward/forward.ts';
import { line, type Line } from '../../core/line.ts';
import { openEdgeLog, type FileEdgeLog } from '../../log/edge-log.ts';
import { directStorage } from '../../log/worker-storage.ts';
import { STREAMS, type Draft } from '../../core/event.ts';
import type { TelemetryEvent } from '../../core/telemetry.ts';
import { VirtualClock } from '../../core/testing/virtual-clock.ts';
import { ownClock, realFiles, realNet, seededRandom, type Clock, type World } from '../../core/world.ts';
import type { SimulatedNetwork } from './network.ts';

const EDGE = 'pump-07';
const CENTRE = '500112001';

interface Running {
  clock: EdgeClock;
  log: FileEdgeLog;
  keeper: ClockDiscipline;
  line: Line;
  world: World;
  append(drafts: readonly Draft[]): void;
}

export class SimulatedMachine {
  readonly truth: VirtualClock;
  readonly told: TelemetryEvent[] = [];
  /** By value: when it was taken, in truth. */
  readonly truthOf = new Map<number, number>();
  /** Values that were in hand when the power went: on disk or not. */
  readonly unsure = new Set<number>();
  readonly #kept = new Set<number>();
  trust: TimeSource[] = ['ntp', 'hardware', 'gateway'];
  /** What the system's clock shows more than the truth, ms; a boot sets it, NTP and people step it. */
  systemAheadMs = 0;
  isSynchronised = false;
  /** ms UTC of the hardware clock; null: there is none. */
  hardwareAheadMs: number | null = null;
  readonly #network: SimulatedNetwork;
  readonly #folder: string;
  #folders = 0;
  #boots = 0;
  #bootedAt = 0;
  #running: Running | null = null;

  constructor(folder: string, network: SimulatedNetwork, truth: VirtualClock) {
    this.#folder = folder;
    this.#network = network;
    this.truth = truth;
  }

  get edge(): Running {
    if (!this.#running) throw new Error('the machine is off');
    return this.#running;
  }

  /** Power on; the clock of the system begins so much ahead of the truth. */
  async boot(systemAheadMs: number): Promise<void> {
    this.#boots += 1;
    this.#bootedAt = this.truth.nowMs();
    this.isSynchronised = false;
    this.systemAheadMs = systemAheadMs;
    await this.start();
  }

  /** NTP sets the clock right. */
  synchronise(): void {
    this.systemAheadMs = 0;
    this.isSynchronised = true;
  }

  async start(): Promise<void> {
    const { truth } = this;
    const system: Clock = {
      nowMs: () => truth.nowMs() + this.systemAheadMs,
      monotonicMs: () => truth.monotonicMs(),
      after: (delayMs, run) => truth.after(delayMs, run),
    };
    const bootedAt = this.#bootedAt;
    const clock = new EdgeClock(system, { id: `boot-${this.#boots}`, uptimeMs: () => truth.nowMs() - bootedAt });
    const world: World = { clock, random: seededRandom(1), files: realFiles, net: realNet, tell: (event) => { this.told.push(event); } };
    const log = await openEdgeLog({ dir: this.#place, edge: EDGE, centre: CENTRE, maxBytes: 64 << 20, clock }, world, directStorage());
    log.onCommitted(({ drafts }) => {
      for (const { value } of drafts) this.#kept.add(Number(value));
    });
    const keeper = new ClockDiscipline(
      {
        clock,
        system,
        trust: this.trust,
        edge: EDGE,
        centre: CENTRE,
        log,
        onSettled: () => forwarding.wake(),
        probe: {
          isSynchronised: async () => this.isSynchronised,
          hardwareAt: async () => (this.hardwareAheadMs === null ? null : truth.nowMs() + this.hardwareAheadMs),
        },
      },
      world,
    );
    const facts = {
      version: '1',
      devices: () => [],
      httpUrl: () => null,
      clock: {
        isSettled: () => keeper.isSettled,
        gatewayAnswered: (nowAt: number, tookMs: number) => keeper.gatewayAnswered(nowAt, tookMs),
      },
    };
    const keeping = keep(log, CENTRE, world);
    const forwarding = forward(
      { edge: EDGE, centre: CENTRE, gateway: { urls: ['mqtt://gateway'], token: null } },
      facts,
      log,
      world,
      (_options, events) => this.#network.connect(events),
    );
    const joined = line(world, [keeping, forwarding]);
    await keeper.open();
    await joined.open();
    this.#running = { clock, log, keeper, line: joined, world, append: (drafts) => keeping.take?.(drafts, () => {}) };
  }

  get #place(): string {
    return join(this.#folder, String(this.#folders));
  }

  /** The process ends in order; what is in hand is committed. */
  async stop(): Promise<void> {
    const { keeper, line: joined, log } = this.edge;
    keeper.close();
    this.#running = null;
    await this.#through(joined.close().then(() => log.close()));
  }

  /** Power off, or kill -9: the folder as it lies at this moment is what the next process finds. */
  async kill(): Promise<void> {
    const { keeper, line: joined, log } = this.edge;
    this.#network.cut();
    keeper.close();
    for (const value of this.truthOf.keys()) if (!this.#kept.has(value)) this.unsure.add(value);
    const from = this.#place;
    this.#folders += 1;
    // All at one moment, as power goes. The new file of the clock may be on its way to its name: before that it says nothing.
    cpSync(from, this.#place, { recursive: true, filter: (path) => !path.endsWith('.new') });
    this.#running = null;
    await this.#through(joined.close().then(() => log.close()));
  }

  /** Goes on until nothing waits in the log. The disk is a real one: virtual time does not wait for it. */
  async drain(): Promise<void> {
    const { log } = this.edge;
    for (let second = 0; second < 3600; second += 1) {
      await this.truth.advanceMs(1000);
      const inHand = [...this.truthOf.keys()].some((value) => !this.#kept.has(value) && !this.unsure.has(value));
      if (second > 5 && !inHand && STREAMS.every((stream) => log.size(stream).events === 0)) return;
    }
  }

  /** The file that remembers the clock is gone; the machine is off. */
  forgetClock(): Promise<void> {
    return rm(join(this.#place, 'clock'), { force: true });
  }

  /** A value is read; its number names it. */
  read(value: number): void {
    const { clock } = this.edge;
    const at = clock.nowMs();
    this.truthOf.set(value, this.truth.nowMs());
    this.edge.append([
      {
        device: 'plc',
        point: 'level',
        indicator: 'YJ-FLD-001',
        centre: CENTRE,
        kind: value % 7 === 0 ? 'state' : 'measurement',
        value,
        unit: value % 7 === 0 ? '' : 'm',
        occurredAt: at,
        clock: ownClock(clock),
        observedAt: at,
        quality: 'good',
        origin: 'live',
      },
    ]);
  }

  /** Lets time go on until it is done. */
  async #through(work: Promise<void>): Promise<void> {
    let open = true;
    void work.finally(() => { open = false; }).catch(() => {});
    while (open) await this.truth.advanceMs(100);
    await work;
  }
}
