/** A recorded device as others meet it: what it answers to whatever is asked on one connection. Knows no sockets and no time. */
import type { MessageNotes } from '../../core/recording.ts';
import { correlateAnswer, questionKey, type RecordedQuestion, type DeviceScript } from '../../cases/device-script.ts';
import { cutMessages, type RecordedMessage, type RecordingContext } from '../../cases/byte-streams.ts';
import { nthIdentity, renameIdentity } from './identity.ts';

/** What a device says, and how long after it was asked. */
export interface SimulatedReply {
  bytes: Buffer;
  afterMs: number;
}

/** What is known of a device before anybody connects; shared by its connections and by all that stand beside it. */
export interface SimulatedDeviceOptions {
  script: DeviceScript;
  reading: RecordingContext;
  /** Which of many: 0 is the recorded one. */
  number: number;
}

/** A recorded device that took longer than this to answer is not waited for. */
const LONGEST_MS = 5_000;

export class SimulatedDevice {
  readonly #facts: SimulatedDeviceOptions;
  readonly #exchanges: { question: RecordedQuestion; answer: RecordedMessage }[];
  /** By what was asked: the recorded exchanges that hold an answer, and how many were given. */
  readonly #asked = new Map<
    string,
    { exchanges: { question: RecordedQuestion; answer: RecordedMessage }[]; given: number; isWhole: boolean }
  >();
  /** Identities as they were recorded, by name. */
  readonly #own = new Map<string, Uint8Array>();
  #held: Buffer = Buffer.alloc(0);

  constructor(facts: SimulatedDeviceOptions) {
    this.#facts = facts;
    this.#exchanges = facts.script.questions.flatMap((question) => question.answers.map((answer) => ({ question, answer })));
    for (const { bytes, notes } of [...facts.script.unsolicited, ...facts.script.questions.map(({ message }) => message)]) {
      for (const { name, at: offset, length } of notes?.identities ?? [])
        if (!this.#own.has(name)) this.#own.set(name, Buffer.from(bytes.subarray(offset, offset + length)));
    }
  }

  /** By which it goes, by name. */
  identities(): Record<string, string> {
    return Object.fromEntries([...this.#own].map(([name, bytes]) => [name, shown(nthIdentity(bytes, this.#facts.number))]));
  }

  /** Bytes that came in. @param word called with each whole message that asks nothing @returns what is said to the others */
  receive(bytes: Uint8Array, word: (message: Buffer) => void): SimulatedReply[] {
    const replies: SimulatedReply[] = [];
    this.#held = cutMessages(Buffer.concat([this.#held, bytes]), this.#facts.reading, (message, notes) => {
      if (notes?.role === 'asks') replies.push(...this.#answers(message, notes));
      else if (notes) word(message);
    });
    return replies;
  }

  #answers(asked: Buffer, notes: MessageNotes): SimulatedReply[] {
    const { reading, script } = this.#facts;
    // As if the recorded device were asked.
    const plain = renameIdentity(asked, notes.identities ?? [], 'out', reading, ({ name }, was) => this.#own.get(name) ?? was);
    const key = questionKey(plain, notes, reading);
    let known = this.#asked.get(key);
    if (!known) {
      const whole = this.#exchanges.filter(({ question }) => question.key === key);
      const exchanges =
        whole.length > 0
          ? whole
          : this.#exchanges.filter(({ question, answer }) =>
              reading.recording.partOf?.(plain, { question: question.message.bytes, answer: answer.bytes }, reading.settings),
            );
      known = { exchanges, given: 0, isWhole: whole.length > 0 };
      this.#asked.set(key, known);
    }
    const isSilent = known.exchanges.length === 0 && script.questions.some((question) => question.key === key);
    if (isSilent) return [];
    // The newest stays, once the recording is over.
    const next = known.exchanges[Math.min(known.given, known.exchanges.length - 1)];
    known.given += 1;
    if (!next) {
      const no = reading.recording.refusal?.(asked, reading.settings);
      return no ? [{ bytes: Buffer.from(no), afterMs: 0 }] : [];
    }
    const { question, answer } = next;
    const together = known.isWhole ? question.answers : [answer];
    if (known.isWhole) known.given += together.length - 1;
    return together.map((one) => {
      const bytes = known.isWhole
        ? correlateAnswer(plain, notes, question, one, reading)
        : Buffer.from(reading.recording.partOf?.(plain, { question: question.message.bytes, answer: one.bytes }, reading.settings) ?? []);
      const took = ((one.parts.at(-1)?.afterUs ?? 0) - question.afterUs) / 1000;
      return {
        bytes: withIdentity(this.#facts, bytes, reading.recording.notes(bytes, 'in', reading.settings)),
        afterMs: Math.min(LONGEST_MS, Math.max(0, took)),
      };
    });
  }
}

/** What the recorded device said, as said by this one. */
export function withIdentity({ reading, number }: SimulatedDeviceOptions, bytes: Uint8Array, notes: MessageNotes | null): Buffer {
  return renameIdentity(bytes, notes?.identities ?? [], 'in', reading, (_span, was) => nthIdentity(was, number));
}

const shown = (bytes: Buffer): string =>
  /^[\x20-\x7e]*$/.test(bytes.toString('latin1')) ? bytes.toString('latin1') : bytes.toString('hex');
