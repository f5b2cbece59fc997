/**
 * The device's end of one recorded connection: hears what the driver asks, answers as it was recorded, says by itself
 * what it said then, and lets go when it did. Time is the clock's; nothing is said before its recorded time.
 */
import type { Timer, World } from '../core/world.ts';
import type { SimilarAnswer } from './similar-answer.ts';
import { correlateAnswer, questionKey, type RecordedConnection, type RecordedQuestion } from './device-script.ts';
import { cutMessages, type RecordedMessage, type RecordingContext } from './byte-streams.ts';

/** Where what the device says goes. */
export interface ByteReceiver {
  deliver(bytes: Uint8Array): void;
  disconnect(isReset: boolean): void;
}

export interface RecordedDeviceOptions {
  connection: RecordedConnection;
  context: RecordingContext;
  /** What it says by itself on this connection, in order. */
  unsolicited: readonly RecordedMessage[];
  /** The next question of the recording that asks this and that nobody has asked yet. */
  takeQuestion(key: string): RecordedQuestion | undefined;
  /** ms UTC of a recorded time. */
  atMs(afterUs: number): number;
  /** How bytes are handed over: in which pieces. */
  split(bytes: Uint8Array): readonly Uint8Array[];
  /** Where the recorded questions are another program's: what is said to ours, at once. */
  similarAnswer?: SimilarAnswer | undefined;
  /** A question that the recording does not hold. */
  onUnknownQuestion(bytes: Uint8Array): void;
}

/** More than any message: what is no protocol is not kept. */
const MAX_HELD_BYTES = 1 << 20;

export class RecordedDevice {
  readonly #facts: RecordedDeviceOptions;
  readonly #clock: World['clock'];
  readonly #timers = new Set<Timer>();
  #ear: ByteReceiver | null = null;
  #held: Buffer = Buffer.alloc(0);
  #spoken = 0;
  #pending = 0;
  /** Recorded time of what was delivered last, ms UTC; 0 before anything was. */
  deliveredMs = 0;

  constructor(facts: RecordedDeviceOptions, clock: World['clock']) {
    this.#facts = facts;
    this.#clock = clock;
  }

  get connection(): RecordedConnection {
    return this.#facts.connection;
  }

  /** Whether it has said all that it will say unasked, and nothing is on the way. */
  get isDone(): boolean {
    return this.#spoken >= this.#facts.unsolicited.length && this.#pending === 0;
  }

  /** Whether the driver has taken this connection. */
  get isConnected(): boolean {
    return this.#ear !== null;
  }

  /** The driver has the connection: from now on the device speaks. */
  start(ear: ByteReceiver): void {
    this.#ear = ear;
    this.#speak();
    const { close } = this.#facts.connection;
    if (close?.by === 'device') this.#later(close.afterUs, () => ear.disconnect(close.isReset));
  }

  /** Nothing is said any more. */
  stop(): void {
    for (const timer of this.#timers) timer.cancel();
    this.#timers.clear();
    this.#pending = 0;
    this.#spoken = this.#facts.unsolicited.length;
  }

  /** Bytes of the driver. */
  receive(bytes: Uint8Array): void {
    this.#held = cutMessages(Buffer.concat([this.#held, bytes]), this.#facts.context, (message, notes) => {
      if (notes?.role === 'asks') this.#answer(message, notes);
    });
    if (this.#held.length > MAX_HELD_BYTES) this.#held = Buffer.alloc(0);
  }

  #answer(asked: Buffer, notes: NonNullable<RecordedMessage['notes']>): void {
    if (this.#facts.similarAnswer) {
      const said = this.#facts.similarAnswer(asked, notes);
      if (said) this.#later(0, () => this.#deliver(said));
      return;
    }
    const key = questionKey(asked, notes, this.#facts.context);
    const question = this.#facts.takeQuestion(key);
    if (!question) return this.#facts.onUnknownQuestion(asked);
    for (const answer of question.answers) this.#say(answer, correlateAnswer(asked, notes, question, answer, this.#facts.context));
  }

  /** One after the other: a recording of a day is no day of timers. */
  #speak(): void {
    const message = this.#facts.unsolicited[this.#spoken];
    if (!message) return;
    this.#spoken += 1;
    this.#say(message, message.bytes, () => this.#speak());
  }

  #say(message: RecordedMessage, bytes: Uint8Array, next?: () => void): void {
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
    for (const piece of this.#facts.split(bytes)) this.#ear?.deliver(piece);
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
