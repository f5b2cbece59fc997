/**
 * One device by its identity, whichever line it speaks on: its messages as frames, answered once their values are on
 * disk; our questions, one at a time on a line.
 */
import { crc32 } from 'node:zlib';
import type { Timer, World } from '../../core/world.ts';
import { planOf, type FrameFrame, type MessageFrame, type Plan } from './frame.ts';
import { identityBytes } from './identity.ts';
import type { Line, Received } from './line.ts';
import type { MessagePlan, Protocol, Template } from './protocol-types.ts';
import { messageOf, readHead, readWhole, ShortFrame } from './read.ts';
import { fieldBytes, sequenceBytes } from './said.ts';
import type { FramePointOf, FrameSettings } from './settings.ts';
import { fillTemplate } from './template.ts';

const MOST_WAITING = 1000;
const REMEMBERED = 512;
/** A number that comes again after longer has gone round: it is another message. */
const REPETITION_MS = 10 * 60_000;
/** One that comes again sooner, before its values are on disk, is answered with the first; later, the first was not kept. */
const KEEPING_MS = 3000;
const MOST_REPETITIONS = 64;

interface Report {
  received: Received;
  message: MessagePlan;
  line: Line;
  /** What tells a repetition; null where the protocol has no numbers. */
  key: string | null;
}

interface Question {
  index: number;
  timer: Timer;
  line: Line;
}

export class Station {
  /** Upper case; '' for whoever speaks. */
  readonly identity: string;
  readonly plan: Plan;
  line: Line | null = null;
  wasHeard = false;
  readonly protocol: Protocol;
  readonly description: string;
  readonly #settings: FrameSettings;
  readonly #points: readonly string[];
  readonly #world: World;
  readonly #met = new WeakSet<Line>();
  readonly #gives: ReadonlySet<string>;
  readonly #reports = new WeakMap<FrameFrame, Report>();
  /** Given and not on disk yet, by key. */
  readonly #keeping = new Map<string, { sinceMs: number; repetitions: Report[] }>();
  readonly #kept = new Map<string, number>();
  #waiting: FrameFrame[] = [];
  #changed: () => void = () => {};
  #timers: Timer[] = [];
  #asked: Question | null = null;
  #due: number[] = [];
  #unanswered = 0;
  #sequence = 0;

  constructor(protocol: Protocol, settings: FrameSettings, points: readonly FramePointOf[], world: World) {
    this.identity = settings.identity?.toUpperCase() ?? '';
    this.plan = planOf(protocol, points);
    this.protocol = protocol;
    this.description = settings.description;
    this.#settings = settings;
    this.#points = points.map(({ id }) => id);
    this.#world = world;
    this.#gives = new Set(points.map(({ read }) => read.split('.')[0] as string));
  }

  /** Called whenever a frame waits, or the line came or went. */
  onChange(run: () => void): void {
    this.#changed = run;
  }

  next(): FrameFrame | undefined {
    return this.#waiting.shift();
  }

  /** Questions begin at once and come again in their periods. */
  begin(): void {
    this.protocol.polls.forEach((poll, index) => {
      const everyMs = this.#settings.pollEvery ?? poll.everyMs;
      const turn = () => {
        this.#timers[index] = this.#world.clock.after(everyMs, turn);
        if (!this.#due.includes(index)) this.#due.push(index);
        this.#ask();
      };
      this.#timers[index] = this.#world.clock.after(0, turn);
    });
  }

  end(): void {
    for (const timer of this.#timers) timer.cancel();
    this.#timers = [];
    this.line?.serve(false);
    this.line = null;
    this.#done();
    this.#due = [];
  }

  /** A device that has to be asked is not heard before: any line of an address that has only one will do. */
  maySpeakOn(line: Line): void {
    if (this.protocol.polls.length === 0 && this.protocol.identity !== null) return;
    this.#use(line);
  }

  /** @param readBy whose head was read: its file may have been changed since this device was opened */
  heard(heard: Received, readBy: Protocol, line: Line): void {
    this.#use(line);
    this.wasHeard = true;
    const head = readBy === this.protocol ? heard.head : readHead(heard.frame, this.protocol);
    // What is no message, or too short for a head, is told by decode.
    if (!head) return void this.#give({ is: 'message', bytes: heard.frame, plan: this.plan });
    const received: Received = { ...heard, head };
    const message = messageOf(received.head, this.protocol);
    this.#answered(message);
    if (!message) return void this.#give({ is: 'message', bytes: received.frame, plan: this.plan });
    const report: Report = { received, message, line, key: this.#keyOf(received) };
    const isWanted = this.#gives.has(message.name);
    if (!isWanted && message.answer) this.#answer(report);
    if (isWanted) this.#reported(report);
    else if (message.steps.length > 0 || message.answer || message.confirms) this.#give({ is: 'message', bytes: received.frame, plan: this.plan });
  }

  /** All of it is on disk. */
  taken(frame: FrameFrame): void {
    const report = this.#reports.get(frame);
    if (!report) return;
    const { key } = report;
    const repetitions = key === null ? [] : this.#keeping.get(key)?.repetitions ?? [];
    if (key !== null) {
      this.#keeping.delete(key);
      this.#kept.delete(key);
      this.#kept.set(key, this.#world.clock.monotonicMs());
      if (this.#kept.size > REMEMBERED) this.#kept.delete(this.#kept.keys().next().value as string);
    }
    for (const one of [report, ...repetitions]) this.#answer(one);
  }

  #use(line: Line): void {
    if (this.line === line || line.isOver) return;
    this.line?.serve(false);
    this.line = line;
    line.serve(true);
    if (!this.#met.has(line)) line.onEnd(() => {
      if (this.line !== line) return;
      this.line = null;
      this.#done();
      this.#changed();
    });
    this.#met.add(line);
    this.#changed();
  }

  #reported(report: Report): void {
    const { received, key } = report;
    const nowMs = this.#world.clock.monotonicMs();
    if (key !== null) {
      // The device did not hear our answer: its values are on disk already.
      if (nowMs - (this.#kept.get(key) ?? -Infinity) < REPETITION_MS) return this.#answer(report);
      const keeping = this.#keeping.get(key);
      if (keeping && nowMs - keeping.sinceMs < KEEPING_MS) return void (keeping.repetitions.length < MOST_REPETITIONS && keeping.repetitions.push(report));
    }
    const frame: MessageFrame = { is: 'message', bytes: received.frame, plan: this.plan };
    if (!this.#give(frame)) return;
    if (report.message.answer) this.#reports.set(frame, report);
    if (key === null || !report.message.answer) return;
    this.#keeping.set(key, { sinceMs: nowMs, repetitions: [] });
    if (this.#keeping.size > REMEMBERED) this.#keeping.delete(this.#keeping.keys().next().value as string);
  }

  #give(frame: FrameFrame): boolean {
    // Unanswered, it comes again; what is never answered is counted.
    if (this.#waiting.length >= MOST_WAITING) {
      this.#world.tell({ kind: 'samples_lost', count: 1, reason: 'frame_unreadable', intended: false });
      return false;
    }
    this.#waiting.push(frame);
    this.#changed();
    return true;
  }

  #keyOf({ frame }: Received): string | null {
    return this.protocol.sequence === null ? null : `${frame.length} ${crc32(frame)} ${frame.toString('latin1', 0, 64)}`;
  }

  #answer({ message, received, line }: Report): void {
    if (!message.answer) return;
    try {
      // What is echoed may be any field of the message, not of its head alone.
      const whole = readWhole(received.head, message);
      this.#send(line, message.answer, (slot) => fieldBytes(whole, slot));
    } catch (error) {
      // One that ends too early is told by decode, and not answered.
      if (!(error instanceof ShortFrame)) throw error;
    }
  }

  #send(line: Line, template: Template, field: (slot: number) => Uint8Array): void {
    this.#sequence = (this.#sequence + 1) >>> 0;
    line.send(fillTemplate(template, this.protocol, { field, identity: identityBytes(this.#settings.identity ?? '', this.protocol) ?? new Uint8Array(), sequence: sequenceBytes(this.#sequence, this.protocol), nowMs: this.#world.clock.nowMs() }));
  }

  #ask(): void {
    const { line } = this;
    if (this.#asked || !line || line.isOver || this.#due.length === 0) return;
    const turn = turnOf(line);
    if (turn.busy && turn.busy !== this) return void turn.waiting.add(this);
    turn.waiting.delete(this);
    turn.busy = this;
    const index = this.#due.shift() as number;
    const poll = this.protocol.polls[index] as Protocol['polls'][number];
    line.clear();
    this.#asked = { index, line, timer: this.#world.clock.after(poll.timeoutMs, () => this.#silent(poll.timeoutMs)) };
    this.#send(line, poll.template, () => new Uint8Array());
  }

  #answered(message: MessagePlan | null): void {
    const wants = this.#asked && this.protocol.polls[this.#asked.index]?.wants;
    if (!this.#asked || (wants && !(message && wants.includes(message.name)))) return;
    this.#unanswered = 0;
    this.#done();
    this.#ask();
  }

  #silent(timeoutMs: number): void {
    const at = `${this.#asked?.line.carrier.peer ?? ''}${this.identity === '' ? '' : ` (${this.identity})`}`;
    this.#unanswered += 1;
    this.#done();
    this.#give({ is: 'silent', at, timeoutMs, count: this.#unanswered, points: this.#points });
    this.#ask();
  }

  /** The line is another's turn. */
  #done(): void {
    const asked = this.#asked;
    this.#asked = null;
    if (!asked) return;
    asked.timer.cancel();
    const turn = turnOf(asked.line);
    if (turn.busy === this) turn.busy = null;
    const [next] = turn.waiting;
    next?.yours();
  }

  /** The line is free. */
  yours(): void {
    this.#ask();
  }
}

interface Turn {
  busy: Station | null;
  waiting: Set<Station>;
}

const turns = new WeakMap<Line, Turn>();

function turnOf(line: Line): Turn {
  const known = turns.get(line);
  if (known) return known;
  const made: Turn = { busy: null, waiting: new Set() };
  turns.set(line, made);
  return made;
}
