/**
 * The device side of a recorded connection: answers the driver's questions as recorded, sends unsolicited messages at
 * their recorded time, and closes when the device did.
 */
import type { Timer, World } from '../core/world.ts';
import type { SimilarAnswer } from './similar-answer.ts';
import { correlateAnswer, questionKey, type RecordedConnection, type RecordedQuestion } from './device-script.ts';
import { cutMessages, type RecordedMessage, type RecordingContext } from './byte-streams.ts';

/** Receives the bytes of the device. */
export interface ByteReceiver {
  deliver(bytes: Uint8Array): void;
  disconnect(isReset: boolean): void;
}

export interface RecordedDeviceOptions {
  connection: RecordedConnection;
  context: RecordingContext;
  /** Messages sent without a question, in order. */
  unsolicited: readonly RecordedMessage[];
  /** Takes the next unasked question of the recording with this key. */
  takeQuestion(key: string): RecordedQuestion | undefined;
  /** ms UTC of a recorded time. */
  atMs(afterUs: number): number;
  /** Splits bytes for delivery. */
  split(bytes: Uint8Array): readonly Uint8Array[];
  /** Set when another program's questions were recorded: finds an answer to ours. */
  similarAnswer?: SimilarAnswer | undefined;
  /** Called for a question that is not in the recording. */
  onUnknownQuestion(bytes: Uint8Array): void;
}

/** Larger than any message. */
const MAX_HELD_BYTES = 1 << 20;

export class RecordedDevice {
  readonly #options: RecordedDeviceOptions;
  readonly #clock: World['clock'];
  readonly #timers = new Set<Timer>();
  #receiver: ByteReceiver | null = null;
  #held: Buffer = Buffer.alloc(0);
  #sentCount = 0;
  #pending = 0;
  /** Recorded time of the last delivery, ms UTC; 0 before the first. */
  deliveredMs = 0;

  constructor(options: RecordedDeviceOptions, clock: World['clock']) {
    this.#options = options;
    this.#clock = clock;
  }

  get connection(): RecordedConnection {
    return this.#options.connection;
  }

  /** Whether all unsolicited messages were delivered and nothing is pending. */
  get isDone(): boolean {
    return this.#sentCount >= this.#options.unsolicited.length && this.#pending === 0;
  }

  /** Whether the driver uses this connection. */
  get isConnected(): boolean {
    return this.#receiver !== null;
  }

  /** Starts sending to the driver. */
  start(receiver: ByteReceiver): void {
    this.#receiver = receiver;
    this.#sendNext();
    const { close } = this.#options.connection;
    if (close?.by === 'device') this.#later(close.afterUs, () => receiver.disconnect(close.isReset));
  }

  /** Cancels all pending messages. */
  stop(): void {
    for (const timer of this.#timers) timer.cancel();
    this.#timers.clear();
    this.#pending = 0;
    this.#sentCount = this.#options.unsolicited.length;
  }

  /** Receives bytes from the driver. */
  receive(bytes: Uint8Array): void {
    this.#held = cutMessages(Buffer.concat([this.#held, bytes]), this.#options.context, (message, notes) => {
      if (notes?.role === 'asks') this.#answer(message, notes);
    });
    if (this.#held.length > MAX_HELD_BYTES) this.#held = Buffer.alloc(0);
  }

  #answer(asked: Buffer, notes: NonNullable<RecordedMessage['notes']>): void {
    if (this.#options.similarAnswer) {
      const said = this.#options.similarAnswer(asked, notes);
      if (said) this.#later(0, () => this.#deliver(said));
      return;
    }
    const key = questionKey(asked, notes, this.#options.context);
    const question = this.#options.takeQuestion(key);
    if (!question) return this.#options.onUnknownQuestion(asked);
    for (const answer of question.answers) this.#send(answer, correlateAnswer(asked, notes, question, answer, this.#options.context));
  }

  /** One timer at a time, even for a recording of a day. */
  #sendNext(): void {
    const message = this.#options.unsolicited[this.#sentCount];
    if (!message) return;
    this.#sentCount += 1;
    this.#send(message, message.bytes, () => this.#sendNext());
  }

  #send(message: RecordedMessage, bytes: Uint8Array, next?: () => void): void {
    let from = 0;
    message.parts.forEach(({ afterUs, end }, index) => {
      const part = bytes.subarray(from, end);
      from = end;
      this.#later(afterUs, () => {
        this.deliveredMs = this.#options.atMs(afterUs);
        this.#deliver(part);
        if (index === message.parts.length - 1) next?.();
      });
    });
  }

  #deliver(bytes: Uint8Array): void {
    for (const piece of this.#options.split(bytes)) this.#receiver?.deliver(piece);
  }

  #later(afterUs: number, run: () => void): void {
    this.#pending += 1;
    const timer = this.#clock.after(this.#options.atMs(afterUs) - this.#clock.nowMs(), () => {
      this.#timers.delete(timer);
      this.#pending -= 1;
      run();
    });
    this.#timers.add(timer);
  }
}
