/**
 * One device, identified by its identity, over whichever connection it uses: turns its messages into frames, answers them
 * once their values are on disk, and sends our polls, one at a time per connection.
 */
import { crc32 } from 'node:zlib';
import type { Timer, World } from '../../core/world.ts';
import { fieldPointMap, type DescribedFrame, type DescribedMessageFrame, type FieldPointMap } from './frame.ts';
import { encodeIdentity } from './identity.ts';
import type { FrameConnection, ReceivedFrame } from './connection.ts';
import type { ProtocolMessage, FrameProtocol, MessageTemplate } from './protocol.ts';
import { matchMessage, readHeadFields, readAllFields, ShortFrameError } from './read-fields.ts';
import { fieldBytes, sequenceBytes } from './messages-around.ts';
import type { ConfiguredFramePoint, FrameSettings } from './settings.ts';
import { fillTemplate } from './template.ts';

const MAX_WAITING = 1000;
const MAX_REMEMBERED = 512;
/** A sequence number seen again after this time has wrapped around: it is another message. */
const REPETITION_MS = 10 * 60_000;
/** A repetition within this time is answered together with the first message; after it, the first was not stored. */
const STORE_WAIT_MS = 3000;
const MAX_REPETITIONS = 64;

interface Report {
  received: ReceivedFrame;
  message: ProtocolMessage;
  connection: FrameConnection;
  /** Identifies a repetition; null where the protocol has no sequence numbers. */
  key: string | null;
}

interface PendingPoll {
  index: number;
  timer: Timer;
  connection: FrameConnection;
}

export class DescribedDevice {
  /** Upper case; '' for any device. */
  readonly identity: string;
  readonly pointMap: FieldPointMap;
  connection: FrameConnection | null = null;
  wasConnected = false;
  readonly protocol: FrameProtocol;
  readonly description: string;
  readonly #settings: FrameSettings;
  readonly #points: readonly string[];
  readonly #world: World;
  readonly #seen = new WeakSet<FrameConnection>();
  readonly #readMessages: ReadonlySet<string>;
  readonly #reports = new WeakMap<DescribedFrame, Report>();
  /** Handed on and not on disk yet, by key. */
  readonly #storing = new Map<string, { sinceMs: number; repetitions: Report[] }>();
  readonly #stored = new Map<string, number>();
  #waiting: DescribedFrame[] = [];
  #changed: () => void = () => {};
  #timers: Timer[] = [];
  #pending: PendingPoll | null = null;
  #due: number[] = [];
  #unanswered = 0;
  #sequence = 0;

  constructor(protocol: FrameProtocol, settings: FrameSettings, points: readonly ConfiguredFramePoint[], world: World) {
    this.identity = settings.identity?.toUpperCase() ?? '';
    this.pointMap = fieldPointMap(protocol, points);
    this.protocol = protocol;
    this.description = settings.description;
    this.#settings = settings;
    this.#points = points.map(({ id }) => id);
    this.#world = world;
    this.#readMessages = new Set(points.map(({ read }) => read.split('.')[0] as string));
  }

  /** Sets the callback for a new frame, a connect and a disconnect. */
  onChange(run: () => void): void {
    this.#changed = run;
  }

  nextFrame(): DescribedFrame | undefined {
    return this.#waiting.shift();
  }

  /** Sends all polls at once, and again at their intervals. */
  startPolling(): void {
    this.protocol.polls.forEach((poll, index) => {
      const everyMs = this.#settings.pollEvery ?? poll.everyMs;
      const turn = () => {
        this.#timers[index] = this.#world.clock.after(everyMs, turn);
        if (!this.#due.includes(index)) this.#due.push(index);
        this.#sendPoll();
      };
      this.#timers[index] = this.#world.clock.after(0, turn);
    });
  }

  stopPolling(): void {
    for (const timer of this.#timers) timer.cancel();
    this.#timers = [];
    this.connection?.setInUse(false);
    this.connection = null;
    this.#releaseTurn();
    this.#due = [];
  }

  /** A polled device sends nothing by itself: it gets any connection of its endpoint, as one without identity does. */
  offerConnection(connection: FrameConnection): void {
    if (this.protocol.polls.length === 0 && this.protocol.identity !== null) return;
    this.#useConnection(connection);
  }

  /** @param readBy protocol by which the head was read: its file may have changed since this device was opened */
  receive(incoming: ReceivedFrame, readBy: FrameProtocol, connection: FrameConnection): void {
    this.#useConnection(connection);
    this.wasConnected = true;
    const head = readBy === this.protocol ? incoming.head : readHeadFields(incoming.frame, this.protocol);
    // decode reports a frame without message or too short for a head.
    if (!head) return void this.#handOn({ is: 'message', bytes: incoming.frame, pointMap: this.pointMap });
    const received: ReceivedFrame = { ...incoming, head };
    const message = matchMessage(received.head, this.protocol);
    this.#completePoll(message);
    if (!message) return void this.#handOn({ is: 'message', bytes: received.frame, pointMap: this.pointMap });
    const report: Report = { received, message, connection, key: this.#keyOf(received) };
    const isWanted = this.#readMessages.has(message.name);
    if (!isWanted && message.answer) this.#answer(report);
    if (isWanted) this.#receiveReport(report);
    else if (message.items.length > 0 || message.answer || message.confirms)
      this.#handOn({ is: 'message', bytes: received.frame, pointMap: this.pointMap });
  }

  /** All values of the frame are on disk. */
  confirmStored(frame: DescribedFrame): void {
    const report = this.#reports.get(frame);
    if (!report) return;
    const { key } = report;
    const repetitions = key === null ? [] : this.#storing.get(key)?.repetitions ?? [];
    if (key !== null) {
      this.#storing.delete(key);
      this.#stored.delete(key);
      this.#stored.set(key, this.#world.clock.monotonicMs());
      if (this.#stored.size > MAX_REMEMBERED) this.#stored.delete(this.#stored.keys().next().value as string);
    }
    for (const one of [report, ...repetitions]) this.#answer(one);
  }

  #useConnection(connection: FrameConnection): void {
    if (this.connection === connection || connection.isClosed) return;
    this.connection?.setInUse(false);
    this.connection = connection;
    connection.setInUse(true);
    if (!this.#seen.has(connection)) connection.onClose(() => {
      if (this.connection !== connection) return;
      this.connection = null;
      this.#releaseTurn();
      this.#changed();
    });
    this.#seen.add(connection);
    this.#changed();
  }

  #receiveReport(report: Report): void {
    const { received, key } = report;
    const nowMs = this.#world.clock.monotonicMs();
    if (key !== null) {
      // The device did not get our answer; its values are on disk already.
      if (nowMs - (this.#stored.get(key) ?? -Infinity) < REPETITION_MS) return this.#answer(report);
      const keeping = this.#storing.get(key);
      if (keeping && nowMs - keeping.sinceMs < STORE_WAIT_MS)
        return void (keeping.repetitions.length < MAX_REPETITIONS && keeping.repetitions.push(report));
    }
    const frame: DescribedMessageFrame = { is: 'message', bytes: received.frame, pointMap: this.pointMap };
    if (!this.#handOn(frame)) return;
    if (report.message.answer) this.#reports.set(frame, report);
    if (key === null || !report.message.answer) return;
    this.#storing.set(key, { sinceMs: nowMs, repetitions: [] });
    if (this.#storing.size > MAX_REMEMBERED) this.#storing.delete(this.#storing.keys().next().value as string);
  }

  #handOn(frame: DescribedFrame): boolean {
    // Unanswered, it is sent again; counted as lost where it is never answered.
    if (this.#waiting.length >= MAX_WAITING) {
      this.#world.tell({ kind: 'samples_lost', count: 1, reason: 'frame_unreadable', intended: false });
      return false;
    }
    this.#waiting.push(frame);
    this.#changed();
    return true;
  }

  #keyOf({ frame }: ReceivedFrame): string | null {
    return this.protocol.sequence === null ? null : `${frame.length} ${crc32(frame)} ${frame.toString('latin1', 0, 64)}`;
  }

  #answer({ message, received, connection }: Report): void {
    if (!message.answer) return;
    try {
      // A template may echo any field of the message, not only of its head.
      const whole = readAllFields(received.head, message);
      this.#send(connection, message.answer, (slot) => fieldBytes(whole, slot));
    } catch (error) {
      // decode reports a frame that ends too early; it is not answered.
      if (!(error instanceof ShortFrameError)) throw error;
    }
  }

  #send(connection: FrameConnection, template: MessageTemplate, field: (slot: number) => Uint8Array): void {
    this.#sequence = (this.#sequence + 1) >>> 0;
    connection.send(
      fillTemplate(template, this.protocol, {
        field,
        identity: encodeIdentity(this.#settings.identity ?? '', this.protocol) ?? new Uint8Array(),
        sequence: sequenceBytes(this.#sequence, this.protocol),
        nowMs: this.#world.clock.nowMs(),
      }),
    );
  }

  #sendPoll(): void {
    const { connection } = this;
    if (this.#pending || !connection || connection.isClosed || this.#due.length === 0) return;
    const queue = pollQueueOf(connection);
    if (queue.busy && queue.busy !== this) return void queue.waiting.add(this);
    queue.waiting.delete(this);
    queue.busy = this;
    const index = this.#due.shift() as number;
    const poll = this.protocol.polls[index] as FrameProtocol['polls'][number];
    connection.discardPartial();
    this.#pending = { index, connection, timer: this.#world.clock.after(poll.timeoutMs, () => this.#timedOut(poll.timeoutMs)) };
    this.#send(connection, poll.template, () => new Uint8Array());
  }

  #completePoll(message: ProtocolMessage | null): void {
    const wants = this.#pending && this.protocol.polls[this.#pending.index]?.wants;
    if (!this.#pending || (wants && !(message && wants.includes(message.name)))) return;
    this.#unanswered = 0;
    this.#releaseTurn();
    this.#sendPoll();
  }

  #timedOut(timeoutMs: number): void {
    const at = `${this.#pending?.connection.channel.peer ?? ''}${this.identity === '' ? '' : ` (${this.identity})`}`;
    this.#unanswered += 1;
    this.#releaseTurn();
    this.#handOn({ is: 'silent', address: at, timeoutMs, count: this.#unanswered, points: this.#points });
    this.#sendPoll();
  }

  /** Lets the next device poll on the connection. */
  #releaseTurn(): void {
    const pending = this.#pending;
    this.#pending = null;
    if (!pending) return;
    pending.timer.cancel();
    const queue = pollQueueOf(pending.connection);
    if (queue.busy === this) queue.busy = null;
    const [next] = queue.waiting;
    next?.pollNext();
  }

  /** The connection is free. */
  pollNext(): void {
    this.#sendPoll();
  }
}

interface PollQueue {
  busy: DescribedDevice | null;
  waiting: Set<DescribedDevice>;
}

const pollQueues = new WeakMap<FrameConnection, PollQueue>();

function pollQueueOf(connection: FrameConnection): PollQueue {
  const known = pollQueues.get(connection);
  if (known) return known;
  const created: PollQueue = { busy: null, waiting: new Set() };
  pollQueues.set(connection, created);
  return created;
}
