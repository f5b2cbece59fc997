/**
 * A recorded device as others meet it: what it answers to whatever is asked, and what it says by itself, when. Each
 * connection hears the recording from its beginning. Knows no sockets and no time.
 */
import type { MessageNotes } from '../../core/recording.ts';
import { answerTo, keyOf, type Question, type Script } from '../../core/cases/script.ts';
import { hear, type Message, type Reading } from '../../core/cases/streams.ts';
import { nthIdentity, renamed } from './identity.ts';

/** What a device says, and how long after it was asked. */
export interface Reply {
  bytes: Buffer;
  afterMs: number;
}

/** What is known of a device before anybody connects; shared by its connections and by all that stand beside it. */
export interface StandInFacts {
  script: Script;
  reading: Reading;
  /** Which of many: 0 is the recorded one. */
  number: number;
}

/** A recorded device that took longer than this to answer is not waited for. */
const LONGEST_MS = 5_000;

export class StandIn {
  readonly #facts: StandInFacts;
  readonly #exchanges: { question: Question; answer: Message }[];
  /** By what was asked: the recorded exchanges that hold an answer, and how many were given. */
  readonly #asked = new Map<string, { exchanges: { question: Question; answer: Message }[]; given: number; isWhole: boolean }>();
  /** Identities as they were recorded, by name. */
  readonly #own = new Map<string, Uint8Array>();
  #held: Buffer = Buffer.alloc(0);
  /** Of our reports, those that the other side has acknowledged. */
  acknowledged = 0;

  constructor(facts: StandInFacts) {
    this.#facts = facts;
    this.#exchanges = facts.script.questions.flatMap((question) => question.answers.map((answer) => ({ question, answer })));
    for (const { bytes, notes } of [...facts.script.spoken, ...facts.script.questions.map(({ message }) => message)]) {
      for (const { name, at, length } of notes?.identities ?? []) if (!this.#own.has(name)) this.#own.set(name, Buffer.from(bytes.subarray(at, at + length)));
    }
  }

  /** By which it goes, by name. */
  identities(): Record<string, string> {
    return Object.fromEntries([...this.#own].map(([name, bytes]) => [name, shown(nthIdentity(bytes, this.#facts.number))]));
  }

  /** What it says by itself, in its own name; `afterMs` from the recording's start. @param laterMs how much later than recorded it is now */
  spoken(laterMs: number): Reply[] {
    const { reading, script } = this.#facts;
    return script.spoken.map(({ bytes, notes, parts }) => {
      const said = this.#inItsName(bytes, notes, 'in');
      return { bytes: notes && reading.recording.retime ? Buffer.from(reading.recording.retime(said, laterMs, reading.settings)) : said, afterMs: Math.floor((parts.at(-1)?.afterUs ?? 0) / 1000) };
    });
  }

  /** Bytes that came in. @returns what is said to them */
  hear(bytes: Uint8Array): Reply[] {
    const replies: Reply[] = [];
    this.#held = hear(Buffer.concat([this.#held, bytes]), this.#facts.reading, (message, notes) => {
      if (notes?.role === 'asks') replies.push(...this.#answers(message, notes));
      else if (notes?.role === 'answers') this.acknowledged += 1;
    });
    return replies;
  }

  #answers(asked: Buffer, notes: MessageNotes): Reply[] {
    const { reading, script } = this.#facts;
    // As if the recorded device were asked.
    const plain = renamed(asked, notes.identities ?? [], 'out', reading, ({ name }, was) => this.#own.get(name) ?? was);
    const key = keyOf(plain, notes, reading);
    let known = this.#asked.get(key);
    if (!known) {
      const whole = this.#exchanges.filter(({ question }) => question.key === key);
      const exchanges = whole.length > 0 ? whole : this.#exchanges.filter(({ question, answer }) => reading.recording.partOf?.(plain, { question: question.message.bytes, answer: answer.bytes }, reading.settings));
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
      const bytes = known.isWhole ? answerTo(plain, notes, question, one, reading) : Buffer.from(reading.recording.partOf?.(plain, { question: question.message.bytes, answer: one.bytes }, reading.settings) ?? []);
      const took = ((one.parts.at(-1)?.afterUs ?? 0) - question.afterUs) / 1000;
      return { bytes: this.#inItsName(bytes, reading.recording.notes(bytes, 'in', reading.settings), 'in'), afterMs: Math.min(LONGEST_MS, Math.max(0, took)) };
    });
  }

  #inItsName(bytes: Uint8Array, notes: MessageNotes | null, direction: 'in'): Buffer {
    return renamed(bytes, notes?.identities ?? [], direction, this.#facts.reading, (_span, was) => nthIdentity(was, this.#facts.number));
  }
}

const shown = (bytes: Buffer): string => (/^[\x20-\x7e]*$/.test(bytes.toString('latin1')) ? bytes.toString('latin1') : bytes.toString('hex'));
