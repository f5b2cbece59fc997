/**
 * Intake: every message that an edge sends arrives here; `line.ts` says what happens to a batch. Reading stops while more
 * waits for the log than the window holds: that is the backpressure a full or slow log puts on the broker, and so on the
 * edges. What one edge alone is the reason of stops nobody else: above its own window it is left unanswered.
 */
import { IDS, type Event } from '../../core/event.ts';
import { FaultError, type Fault } from '../../core/faults.ts';
import { parseEdgeTopic, type EdgeAddress } from '../../core/wire/topics.ts';
import { everyMs, type Timer, type World } from '../../core/world.ts';
import { releasedBatches } from '../bindings/take-in.ts';
import type { BrokerMessage } from '../broker/link.ts';
import { runBatchStations } from './batch-task.ts';
import { EdgeLimits } from './edge-limits.ts';
import { EdgeStates } from './edge-states.ts';
import type { IntakeStats } from './intake-counts.ts';
import { intakeLine, type IntakeLine, type IntakeLineParts } from './line.ts';
import { IntakeWindow, type PendingBatch } from './intake-window.ts';
import '../certificates/faults.ts';

/** What edges publish; acks and commands of the gateway itself are not read back. */
export const INTAKE_FILTERS = ['up', 'late', 'state', 'rsp'].map((leaf) => `cv/v1/in/+/+/${leaf}`);

export interface IntakeParts extends IntakeLineParts {
  /** A message of this edge is dealt with, whatever came of it. */
  onSettled?(edge: string): void;
  /** An edge whose certificates were revoked: a broker of its own may still let it in. */
  isRevoked?(edge: string): boolean;
  /** What else edges may send here. */
  takes?(): ('evidence' | 'clips')[];
}

/** Reading goes on within one turn of the event loop for so long; then everybody else has a turn. */
const MAX_TURN_MS = 8;
/** A city's edges have three topics each. */
const MAX_ADDRESSES = 10_000;

export class Intake {
  readonly #parts: IntakeParts;
  readonly #world: World;
  readonly #line: IntakeLine;
  readonly #limits: EdgeLimits;
  readonly #states: EdgeStates;
  readonly #window = new IntakeWindow();
  readonly #stop = new AbortController();
  readonly #work = new Set<Promise<void>>();
  /** Readers that wait for room in the window. */
  readonly #waiting: (() => void)[] = [];
  /** By edge: messages above its limits, which count as dealt with only when the second is over. */
  readonly #passedOver = new Map<string, number>();
  /** By topic. */
  readonly #addresses = new Map<string, EdgeAddress>();
  readonly #seconds: Timer;
  #turnStartedMs: number | null = null;

  constructor(parts: IntakeParts, world: World) {
    this.#parts = parts;
    this.#world = world;
    this.#line = intakeLine(parts, world, this.#stop.signal);
    this.#limits = new EdgeLimits(world.tell);
    const { link, registry, bindings } = parts;
    this.#states = new EdgeStates({ link, registry, bindings, takes: () => parts.takes?.() ?? [], limits: this.#limits }, world);
    this.#seconds = everyMs(world.clock, 1000, () => this.#tick());
  }

  get stats(): IntakeStats {
    return this.#line.counts.stats;
  }

  /** Takes one message; the promise, if any, settles when there is room for the next. */
  take(message: BrokerMessage): Promise<void> | void {
    if (this.#stop.signal.aborted) return;
    const turn = this.#turn();
    const room = this.#takeOne(message);
    return room && turn ? Promise.all([room, turn]).then(() => {}) : (room ?? turn);
  }

  #takeOne(message: BrokerMessage): Promise<void> | void {
    const address = this.#addresses.get(message.topic) ?? this.#addressOf(message.topic);
    if (!address) {
      this.#world.tell({ kind: 'batch_refused', code: 'CV_WIRE_SENDER', sender: '' });
      return;
    }
    if (this.#parts.isRevoked?.(address.edge)) return this.#refuseRevoked(address.edge);
    if (address.leaf === 'up' || address.leaf === 'late') return this.#takeBatch(address, message.payload);
    if (address.leaf !== 'state') return;
    if (this.#states.take(address, message)) this.#parts.onSettled?.(address.edge);
    else this.#passOver(address.edge);
  }

  /** Nothing of it is kept, and nothing is acknowledged. */
  #refuseRevoked(edge: string): void {
    const fault: Fault = { code: 'CV_CERTIFICATE_REFUSED', params: { edge, detail: 'it was revoked', detailZh: '已吊销' } };
    this.#world.tell({ kind: 'batch_refused', code: fault.code, sender: edge });
    this.#limits.tellOnce(edge, fault);
    this.#parts.onSettled?.(edge);
  }

  #addressOf(topic: string): EdgeAddress | null {
    const address = parseEdgeTopic(topic);
    if (!address || !IDS.edge.test(address.edge) || !IDS.centre.test(address.centre)) return null;
    // Behind an external broker nobody says how many there may be.
    if (this.#addresses.size >= MAX_ADDRESSES) this.#addresses.clear();
    this.#addresses.set(topic, address);
    return address;
  }

  /** Lets go of what waits for a log that does not take it, and waits for what it does take. */
  async close(): Promise<void> {
    this.#seconds.cancel();
    this.#stop.abort();
    await Promise.all(this.#work);
    for (const resolve of this.#waiting.splice(0)) resolve();
  }

  /** Something to wait for when this turn has lasted long enough. */
  #turn(): Promise<void> | undefined {
    const nowMs = this.#world.clock.monotonicMs();
    if (this.#turnStartedMs === null) {
      this.#turnStartedMs = nowMs;
      setImmediate(() => { this.#turnStartedMs = null; });
    }
    return nowMs - this.#turnStartedMs > MAX_TURN_MS ? new Promise((resolve) => { setImmediate(resolve); }) : undefined;
  }

  #takeBatch(address: EdgeAddress, payload: Uint8Array): Promise<void> | void {
    const { edge } = address;
    if (!this.#limits.admitsBatch(edge, payload.length)) return this.#passOver(edge);
    const pending = this.#window.add(edge, payload.length, this.#world.clock.monotonicMs());
    if (!pending) {
      this.#limits.tellOnce(edge, { code: 'CV_EDGE_WINDOW', params: { edge, ...IntakeWindow.limitsOfEdge } });
      return this.#passOver(edge);
    }
    const work = this.#runLine(address, payload, pending)
      .catch((error: unknown) => {
        // Nothing was answered, so nothing is lost: it is sent again.
        const fault: Fault =
          error instanceof FaultError ? error.fault : { code: 'CV_ACCEPT_FAILED', params: { detail: (error as Error).message } };
        this.#world.tell({ kind: 'fault', edge, fault });
      })
      .finally(() => {
        this.#window.release(pending);
        this.#parts.onSettled?.(edge);
        this.#work.delete(work);
        this.#readOn();
      });
    this.#work.add(work);
    if (this.#window.isFull()) return new Promise((resolve) => { this.#waiting.push(resolve); });
  }

  async #runLine(address: EdgeAddress, payload: Uint8Array, pending: PendingBatch): Promise<void> {
    await runBatchStations(this.#line.stations, {
      address, payload, receivedAt: this.#world.clock.nowMs(), checked: null, bindingsWritten: null, outcome: null,
      separate: () => {
        this.#window.separate(pending);
        this.#readOn();
      },
    });
  }

  /** Reads on when there is room. */
  #readOn(): void {
    if (!this.#window.isFull()) for (const resolve of this.#waiting.splice(0)) resolve();
  }

  /** Whoever is slowed down by what is under way is so by this, too. */
  #passOver(edge: string): void {
    if (this.#parts.onSettled) this.#passedOver.set(edge, (this.#passedOver.get(edge) ?? 0) + 1);
  }

  #tick(): void {
    this.#limits.reset();
    this.#states.takeLate((edge) => this.#passOver(edge));
    for (const [edge, count] of this.#passedOver) {
      this.#passedOver.delete(edge);
      for (let settled = 0; settled < count; settled += 1) this.#parts.onSettled?.(edge);
    }
    if (!this.#line.keeper.isLogFull) this.#window.separateStuck(this.#world.clock.monotonicMs());
    this.#readOn();
  }

  /**
   * Takes in events that were held back until somebody said whose they are.
   *
   * @param id of this hand-over: what comes in twice under the same one is there once
   * @throws CV_ACCEPT_FAILED when the gateway ends first
   */
  async takeHeldEvents(sender: string, id: number, events: readonly Event[]): Promise<void> {
    const { keeper, counts } = this.#line;
    const receivedAt = this.#world.clock.nowMs();
    for (const offered of releasedBatches(id, events, receivedAt)) {
      const outcome = await keeper.keep(offered);
      if (outcome.kind === 'closed') throw new FaultError('CV_ACCEPT_FAILED', { detail: 'the gateway ends' });
      if (outcome.kind === 'kept') counts.kept(sender, offered.checked.batch.name.stream, outcome.groups, [], receivedAt);
    }
  }
}
