/**
 * Intake: every message that an edge sends arrives here, is judged, kept and answered. Reading stops while more waits
 * for the log than the window holds; that is the backpressure a full or slow log puts on the broker and so on the edges.
 * What one edge alone is the reason of stops nobody else: above its own window it is left unanswered.
 */
import { IDS, type Event, type Stream } from '../../core/event.ts';
import { explain, FaultError, type Fault, type FaultCode } from '../../core/faults.ts';
import type { GatewayLog } from '../../log/types.ts';
import { everyMs, type Timer, type World } from '../../core/world.ts';
import { edgeTopic, parseEdgeTopic, WIRE_VERSION, type EdgeAddress } from '../../core/wire/topics.ts';
import { valueAt } from '../../core/wire/columns.ts';
import type { EventColumns } from '../../core/wire/event-columns.ts';
import { MAX_HAVE_RANGES } from '../../core/wire/limits.ts';
import type { ClockAnswer, Refusal } from '../../core/wire/messages.ts';
import type { Bindings } from '../bindings/bindings.ts';
import type { HeldEvents } from '../bindings/held.ts';
import { heldBatches } from '../bindings/take-in.ts';
import type { Link, Message } from '../broker/link.ts';
import type { GatewaySetup } from '../config/setup.ts';
import type { Registry } from '../presence/registry.ts';
import { judgeBatch, type RefusedEvent, type Verdict } from './accept.ts';
import type { FedGroup } from '../feed/fed.ts';
import { isOfTheBatch, Keep, type OnKept, type Outcome } from './keep.ts';
import { Acks, refusedRanges } from './acks.ts';
import { MAX_PAYLOAD_BYTES, sha256Of, type Quarantine } from './quarantine.ts';
import { readState } from './state.ts';
import { IntakeWindow, type Held } from './window.ts';

/** What edges publish; acks and commands of the gateway itself are not read back. */
export const INTAKE_FILTERS = ['up', 'late', 'state', 'rsp'].map((leaf) => `cv/v1/in/+/+/${leaf}`);

export interface IntakeStats {
  /** Events, since start. */
  accepted: number;
  duplicates: number;
  refused: number;
  /** From occurredAt to the gateway, of the newest live measurement; ms. */
  acceptMs: number | null;
}

export interface IntakeParts {
  setup: Pick<GatewaySetup, 'gateway' | 'accepts' | 'exercise' | 'relays'>;
  log: GatewayLog;
  /** Publishes acks. */
  link: Pick<Link, 'publish'>;
  quarantine: Pick<Quarantine, 'add'>;
  /** For which devices and centres each edge may speak; for all when absent (tests). */
  bindings?: Pick<Bindings, 'admit' | 'admitCentre' | 'centresOf' | 'written'>;
  /** Keeps what was refused for its device or centre, whole. */
  held?: Pick<HeldEvents, 'add'>;
  registry: Pick<Registry, 'noteEvents' | 'noteState'>;
  /** Gets what has just come to lie in the log, so that nobody near its end need read it there. */
  onKept?: OnKept;
  /** A message of this edge is dealt with, whatever came of it. */
  onSettled?(edge: string): void;
  /** What else edges may send here. */
  takes?(): ('evidence' | 'clips')[];
}

/** Reading goes on within one turn of the event loop for so long; then everybody else has a turn. */
const MAX_TURN_MS = 8;
/** Edges speak of themselves every 10 s and when a device comes or goes; of more than this the last word counts, a second later. */
const MAX_STATES_PER_SECOND = 10;
const MAX_STATE_BYTES_PER_SECOND = 1 << 20;
/** An edge in its right mind comes near neither; one that does not would take the time of all others (a batch of one event: 25 to 40 µs). */
const MAX_BATCHES_PER_SECOND = 5000;
const MAX_BYTES_PER_SECOND = 24 << 20;

/** A city's edges have three topics each. */
const MAX_ADDRESSES = 10_000;

/** What an edge sent in this second. */
interface Sent {
  batches: number;
  bytes: number;
  states: number;
  stateBytes: number;
  told: Set<FaultCode>;
}

export class Intake {
  readonly stats: IntakeStats = { accepted: 0, duplicates: 0, refused: 0, acceptMs: null };
  readonly #parts: IntakeParts;
  readonly #world: World;
  readonly #keep: Keep;
  readonly #acks: Acks;
  readonly #stop = new AbortController();
  readonly #work = new Set<Promise<void>>();
  readonly #waiting: (() => void)[] = [];
  readonly #sent = new Map<string, Sent>();
  /** By edge: its last state above the limit. */
  readonly #lateStates = new Map<string, { address: EdgeAddress; message: Message }>();
  /** By edge: messages above its limits, which count as dealt with only when the second is over. */
  readonly #passedOver = new Map<string, number>();
  /** By topic. */
  readonly #addresses = new Map<string, EdgeAddress>();
  readonly #window = new IntakeWindow();
  readonly #seconds: Timer;
  #turnStartedMs: number | null = null;

  constructor(parts: IntakeParts, world: World) {
    this.#parts = parts;
    this.#world = world;
    this.#keep = new Keep(parts.log, {
      setAside: (sender, refused, receivedAt) => this.#setAside(sender, refused, receivedAt),
      kept: (groups) => parts.onKept?.(groups),
    }, world, this.#stop.signal);
    this.#acks = new Acks(parts.setup.gateway, parts.log, parts.link, world);
    this.#seconds = everyMs(world.clock, 1000, () => this.#tick());
  }

  /** Takes one message; the promise, if any, settles when there is room for the next. */
  take(message: Message): Promise<void> | void {
    if (this.#stop.signal.aborted) return;
    const turn = this.#turn();
    const room = this.#takeOne(message);
    return room && turn ? Promise.all([room, turn]).then(() => {}) : (room ?? turn);
  }

  #takeOne(message: Message): Promise<void> | void {
    const address = this.#addresses.get(message.topic) ?? this.#addressOf(message.topic);
    if (!address) {
      this.#world.tell({ kind: 'batch_refused', code: 'CV_WIRE_SENDER', sender: '' });
      return;
    }
    if (address.leaf === 'up' || address.leaf === 'late') return this.#takeBatch(address, message.payload);
    if (address.leaf === 'state' && this.#takeState(address, message)) this.#parts.onSettled?.(address.edge);
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
    for (const goOn of this.#waiting.splice(0)) goOn();
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
    if (this.#tooFast(address.edge, payload.length)) return this.#passOver(address.edge);
    const held = this.#window.hold(address.edge, payload.length, this.#world.clock.monotonicMs());
    if (!held) {
      this.#tellOnce(address.edge, { code: 'CV_EDGE_WINDOW', params: { edge: address.edge, ...IntakeWindow.limitsOfEdge } });
      return this.#passOver(address.edge);
    }
    const work = this.#batch(address, payload, held).catch((error: unknown) => {
      // Nothing was answered, so nothing is lost: it comes again.
      this.#world.tell({ kind: 'fault', edge: address.edge, fault: error instanceof FaultError ? error.fault : { code: 'CV_ACCEPT_FAILED', params: { detail: (error as Error).message } } });
    }).finally(() => {
      this.#window.release(held);
      this.#parts.onSettled?.(address.edge);
      this.#work.delete(work);
      this.#goOn();
    });
    this.#work.add(work);
    if (this.#window.isFull()) return new Promise((resolve) => { this.#waiting.push(resolve); });
  }

  /** Reads on when there is room. */
  #goOn(): void {
    if (!this.#window.isFull()) for (const goOn of this.#waiting.splice(0)) goOn();
  }

  /** Whoever is slowed down by what is under way is so by this, too. */
  #passOver(edge: string): void {
    if (this.#parts.onSettled) this.#passedOver.set(edge, (this.#passedOver.get(edge) ?? 0) + 1);
  }

  #setApart(held: Held): void {
    this.#window.setApart(held);
    this.#goOn();
  }

  #tick(): void {
    this.#sent.clear();
    for (const [edge, { address, message }] of this.#lateStates) {
      this.#lateStates.delete(edge);
      this.#takeState(address, message);
    }
    for (const [edge, count] of this.#passedOver) {
      this.#passedOver.delete(edge);
      for (let settled = 0; settled < count; settled += 1) this.#parts.onSettled?.(edge);
    }
    if (!this.#keep.isLogFull) this.#window.setStuckApart(this.#world.clock.monotonicMs());
    this.#goOn();
  }

  /** Left unread and unanswered above the limit: it comes again. */
  #tooFast(edge: string, bytes: number): boolean {
    const sent = this.#sentBy(edge);
    if (sent.batches < MAX_BATCHES_PER_SECOND && sent.bytes < MAX_BYTES_PER_SECOND) {
      sent.batches += 1;
      sent.bytes += bytes;
      return false;
    }
    this.#tellOnce(edge, { code: 'CV_EDGE_TOO_FAST', params: { edge, maxBatches: MAX_BATCHES_PER_SECOND, maxBytes: MAX_BYTES_PER_SECOND } });
    return true;
  }

  /** Once a second. */
  #tellOnce(edge: string, fault: Fault): void {
    const { told } = this.#sentBy(edge);
    if (!told.has(fault.code)) this.#world.tell({ kind: 'fault', edge, fault });
    told.add(fault.code);
  }

  #sentBy(edge: string): Sent {
    const sent = this.#sent.get(edge) ?? { batches: 0, bytes: 0, states: 0, stateBytes: 0, told: new Set() };
    this.#sent.set(edge, sent);
    return sent;
  }

  async #batch(address: EdgeAddress, payload: Uint8Array, held: Held): Promise<void> {
    const receivedAt = this.#world.clock.nowMs();
    const { setup } = this.#parts;
    let verdict: Verdict;
    try {
      verdict = judgeBatch(payload, address.edge, { nowMs: receivedAt, accepts: setup.exercise ? null : setup.accepts, relays: setup.relays, ...(this.#parts.bindings && { bindings: this.#parts.bindings }) });
    } catch (error) {
      // It waits for the quarantine, and nobody else does.
      this.#setApart(held);
      if (isOfTheBatch(error)) return this.#refuse(address, payload, unwritable(error), receivedAt);
      if (!(error instanceof FaultError)) throw error;
      return this.#refuse(address, payload, error.fault, receivedAt);
    }
    // Whose a device is must outlive a crash before anything of it is answered; it is forced beside the events.
    const bound = this.#parts.bindings?.written() ?? null;
    bound?.catch(() => undefined);
    if (verdict.refused.length > 0) this.#setApart(held);
    const outcome: Outcome = await this.#keep.offer({ verdict, payload, receivedAt, onFailure: () => { if (!this.#keep.isLogFull) this.#setApart(held); } });
    if (outcome.kind === 'closed') return;
    if (outcome.kind === 'unwritable') return this.#refuse(address, payload, unwritable(outcome.error), receivedAt);
    const { stream, epoch } = verdict.batch.name;
    if (outcome.kind === 'too-many-holes') this.#tellHoles(address.edge, stream);
    if ('duplicates' in outcome) this.#countDuplicates(address.edge, outcome.duplicates);
    if (outcome.kind === 'kept') this.#count(address.edge, stream, outcome.groups, outcome.refused, receivedAt);
    await bound;
    this.#acks.owe(address.centre, address.edge, stream, epoch, outcome.kind === 'kept' ? refusedRanges(outcome.refused) : []);
    for (const covered of verdict.covered) {
      if (covered.stream !== stream || covered.epoch !== epoch) this.#acks.owe(address.centre, address.edge, covered.stream, covered.epoch);
    }
  }

  #count(edge: string, stream: Stream, groups: readonly FedGroup[], refused: readonly RefusedEvent[], receivedAt: number): void {
    for (const { columns } of groups) {
      this.stats.accepted += columns.count;
      this.#world.tell({ kind: 'events_accepted', count: columns.count, sender: edge, stream });
      const newestAt = newestLive(columns);
      if (newestAt !== null) this.stats.acceptMs = Math.max(0, receivedAt - newestAt);
      this.#parts.registry.noteEvents(columns);
    }
    if (refused.length === 0) return;
    this.stats.refused += refused.length;
    this.#world.tell({ kind: 'samples_lost', count: refused.length, reason: 'quarantined', intended: true, stream, sender: edge });
    for (const [code, first] of new Map(refused.map((one) => [one.code, one]))) this.#world.tell({ kind: 'fault', edge, fault: { code, params: first.params } });
  }

  #countDuplicates(edge: string, count: number): void {
    if (count === 0) return;
    this.stats.duplicates += count;
    this.#world.tell({ kind: 'samples_lost', count, reason: 'duplicate', intended: true, sender: edge });
  }

  #tellHoles(edge: string, stream: string): void {
    this.#world.tell({ kind: 'fault', edge, fault: { code: 'CV_EDGE_HOLES', params: { edge, stream, maxRanges: MAX_HAVE_RANGES } } });
  }

  /** Nothing of it can be read: set aside, counted, answered by its digest. */
  async #refuse({ centre, edge }: EdgeAddress, payload: Uint8Array, fault: Fault, at: number): Promise<void> {
    const detail = explain(fault, 'en').message;
    // A payload may be large: digested once, and only its head is copied.
    const whole = { sha256: sha256Of(payload), bytes: payload.length };
    await this.#parts.quarantine.add([{ at, sender: edge, code: fault.code, detail, payload: new Uint8Array(payload.subarray(0, MAX_PAYLOAD_BYTES)), whole }]);
    this.#world.tell({ kind: 'batch_refused', code: fault.code, sender: edge });
    this.#world.tell({ kind: 'fault', edge, fault });
    const refusal: Refusal = { v: WIRE_VERSION, error: fault.code, sha256: whole.sha256, detail: detail.slice(0, 300) };
    await this.#parts.link.publish(edgeTopic(centre, edge, 'ack'), JSON.stringify(refusal));
  }

  /** Refused events of a batch that is otherwise well: an item for each run of one code. */
  async #setAside(sender: string, refused: readonly RefusedEvent[], at: number): Promise<void> {
    const items = refusedRanges(refused).map(({ from, to, code }) => {
      const run = refused.filter(({ seq }) => seq >= from && seq <= to);
      const { params } = run[0] as RefusedEvent;
      const detail = `seq ${from}${to > from ? `–${to}` : ''}: ${explain({ code: run[0]?.code ?? 'CV_EVENT_INVALID', params }, 'en').message}`;
      return { at, sender, code: code as RefusedEvent['code'], detail, payload: Buffer.from(JSON.stringify(run.map(({ event }) => event))) };
    });
    await this.#parts.quarantine.add(items);
    const foreign = refused.filter(({ code }) => code === 'CV_DEVICE_FOREIGN' || code === 'CV_CENTRE_FOREIGN');
    if (foreign.length > 0) await this.#parts.held?.add(sender, foreign.map(({ event }) => event as Event));
  }

  /**
   * Takes in events that were held back until somebody said whose they are.
   *
   * @param id of this hand-over: what comes in twice under the same one is there once
   * @throws CV_ACCEPT_FAILED when the gateway ends first
   */
  async takeHeld(sender: string, id: number, events: readonly Event[]): Promise<void> {
    const receivedAt = this.#world.clock.nowMs();
    for (const offered of heldBatches(id, events, receivedAt)) {
      const outcome = await this.#keep.offer(offered);
      if (outcome.kind === 'closed') throw new FaultError('CV_ACCEPT_FAILED', { detail: 'the gateway ends' });
      if (outcome.kind === 'kept') this.#count(sender, offered.verdict.batch.name.stream, outcome.groups, [], receivedAt);
    }
  }

  /** @returns false when it was passed over */
  #takeState(address: EdgeAddress, message: Message): boolean {
    const sent = this.#sentBy(address.edge);
    this.#lateStates.delete(address.edge);
    if (sent.states >= MAX_STATES_PER_SECOND || sent.stateBytes >= MAX_STATE_BYTES_PER_SECOND) {
      this.#lateStates.set(address.edge, { address, message });
      this.#passOver(address.edge);
      return false;
    }
    sent.states += 1;
    sent.stateBytes += message.payload.length;
    try {
      const state = readState(message.payload, address.edge);
      this.#parts.registry.noteState(state, this.#centreOf(address));
      // A state that the broker had kept was said some time ago: its echo says nothing about the clock.
      if (state.sentAt === undefined || message.retained) return true;
      const takes = this.#parts.takes?.() ?? [];
      const answer: ClockAnswer = { v: WIRE_VERSION, clock: { echo: state.sentAt, at: this.#world.clock.nowMs() }, ...(takes.length > 0 && { takes }) };
      this.#parts.link.publish(edgeTopic(address.centre, address.edge, 'ack'), JSON.stringify(answer)).catch((error: unknown) => this.#tellLink(address.edge, error));
    } catch (error) {
      if (!(error instanceof FaultError)) throw error;
      this.#world.tell({ kind: 'batch_refused', code: error.fault.code, sender: address.edge });
      this.#world.tell({ kind: 'fault', edge: address.edge, fault: error.fault });
    }
    return true;
  }

  /** What an edge's topics say of its centre, where it may speak for it; else the one that it is known to be of. */
  #centreOf({ centre, edge }: EdgeAddress): string {
    const foreign = this.#parts.bindings?.admitCentre(centre, edge);
    if (!foreign) return centre;
    this.#tellOnce(edge, foreign);
    return this.#parts.bindings?.centresOf(edge)[0] ?? centre;
  }

  #tellLink(edge: string, error: unknown): void {
    if (!(error instanceof FaultError)) throw error;
    this.#world.tell({ kind: 'fault', edge, fault: error.fault });
  }
}

/** When the last live value of a batch occurred. States too, as in the store's figure: the two are read side by side. */
function newestLive(batch: EventColumns): number | null {
  const [kinds, origins, times] = [batch.cells('kind'), batch.cells('origin'), batch.cells('occurredAt')];
  for (let at = batch.count - 1; at >= 0; at -= 1) {
    const kind = valueAt(kinds, at);
    if (kind !== 'gap' && kind !== 'diagnostic' && valueAt(origins, at) === 'live') return valueAt(times, at) as number;
  }
  return null;
}

const unwritable = (error: unknown): Fault => ({ code: 'CV_WIRE_SHAPE', params: { detail: (error as Error).message } });
