/**
 * The device's end of one recorded connection: hears what the driver asks, answers as it was recorded, says by itself
 * what it said then, and lets go when it did. Time is the clock's; nothing is said before its recorded time.
 */
import type { Timer, World } from '../core/world.ts';
import type { AnswerInKind } from './in-kind.ts';
import { answerTo, keyOf, type Connection, type Question } from './script.ts';
import { hear, type Message, type Reading } from './streams.ts';

/** Where what the device says goes. */
export interface Ear {
  deliver(bytes: Uint8Array): void;
  hangUp(isReset: boolean): void;
}

export interface DeviceEndFacts {
  connection: Connection;
  reading: Reading;
  /** What it says by itself on this connection, in order. */
  spoken: readonly Message[];
  /** The next question of the recording that asks this and that nobody has asked yet. */
  ask(key: string): Question | undefined;
  /** ms UTC of a recorded time. */
  atMs(afterUs: number): number;
  /** How bytes are handed over: in which pieces. */
  pieces(bytes: Uint8Array): readonly Uint8Array[];
  /** Where the recorded questions are another program's: what is said to ours, at once. */
  inKind?: AnswerInKind | undefined;
  /** A question that the recording does not hold. */
  onStray(bytes: Uint8Array): void;
}

/** More than any message: what is no protocol is not kept. */
const MAX_HELD_BYTES = 1 << 20;

export class DeviceEnd {
  readonly #facts: DeviceEndFacts;
  readonly #clock: World['clock'];
  readonly #timers = new Set<Timer>();
  #ear: Ear | null = null;
  #held: Buffer = Buffer.alloc(0);
  #spoken = 0;
  #pending = 0;
  /** Recorded time of what was delivered last, ms UTC; 0 before anything was. */
  deliveredMs = 0;

  constructor(facts: DeviceEndFacts, clock: World['clock']) {
    this.#facts = facts;
    this.#clock = clock;
  }

  get connection(): Connection {
    return this.#facts.connection;
  }

  /** Whether it has said all that it will say unasked, and nothing is on the way. */
  get isDone(): boolean {
    return this.#spoken >= this.#facts.spoken.length && this.#pending === 0;
  }

  /** Whether the driver has taken this connection. */
  get isTaken(): boolean {
    return this.#ear !== null;
  }

  /** The driver has the connection: from now on the device speaks. */
  start(ear: Ear): void {
    this.#ear = ear;
    this.#speak();
    const { close } = this.#facts.connection;
    if (close?.by === 'device') this.#later(close.afterUs, () => ear.hangUp(close.isReset));
  }

  /** Nothing is said any more. */
  stop(): void {
    for (const timer of this.#timers) timer.cancel();
    this.#timers.clear();
    this.#pending = 0;
    this.#spoken = this.#facts.spoken.length;
  }

  /** Bytes of the driver. */
  hear(bytes: Uint8Array): void {
    this.#held = hear(Buffer.concat([this.#held, bytes]), this.#facts.reading, (message, notes) => {
      if (notes?.role === 'asks') this.#answer(message, notes);
    });
    if (this.#held.length > MAX_HELD_BYTES) this.#held = Buffer.alloc(0);
  }

  #answer(asked: Buffer, notes: NonNullable<Message['notes']>): void {
    if (this.#facts.inKind) {
      const said = this.#facts.inKind(asked, notes);
      if (said) this.#later(0, () => this.#deliver(said));
      return;
    }
    const key = keyOf(asked, notes, this.#facts.reading);
    const question = this.#facts.ask(key);
    if (!question) return this.#facts.onStray(asked);
    for (const answer of question.answers) this.#say(answer, answerTo(asked, notes, question, answer, this.#facts.reading));
  }

  /** One after the other: a recording of a day is no day of timers. */
  #speak(): void {
    const message = this.#facts.spoken[this.#spoken];
    if (!message) return;
    this.#spoken += 1;
    this.#say(message, message.bytes, () => this.#speak());
  }

  #say(message: Message, bytes: Uint8Array, next?: () => void): void {
    let from = 0;
    message.parts.forEach(({ afterUs, end }, at) => {
      const part = bytes.subarray(from, end);
      from = end;
      this.#later(afterUs, () => {
        this.deliveredMs = this.#facts.atMs(afterUs);
        this.#deliver(part);
        if (at === message.parts.length - 1) next?.();
      });
    });
  }

  #deliver(bytes: Uint8Array): void {
    for (const piece of this.#facts.pieces(bytes)) this.#ear?.deliver(piece);
  }

  #later(afterUs: number, run: () => void): void {
    this.#pending += 1;
    const timer = this.#clock.after(this.#facts.atMs(afterUs) - this.#clock.nowMs(), () => {
      this.#timers.delete(timer);
      this.#pending -= 1;
      run();
    });
    this.#timers.add(timer);
  }
}
