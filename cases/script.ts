/**
 * A recording from the device's side: what it says by itself, and what it answers to which question. Pure.
 */
import type { BytesRecording, MessageNotes, Span } from '../core/recording.ts';
import type { TrafficLine } from './format.ts';
import { Streams, type Message, type Reading } from './streams.ts';

/** A question of ours in the recording, with what the device said to it. */
export interface Question {
  /** Equal for questions that ask the same. */
  key: string;
  message: Message;
  afterUs: number;
  answers: Message[];
}

/** What became of a connection, and when. */
export interface Connection {
  conn: number;
  /** Id of the device whose link it is, where the lines say so. */
  device: string | undefined;
  via: 'tcp' | 'udp' | 'serial';
  by: 'edge' | 'device';
  peer: string | undefined;
  openUs: number;
  /** When its last line was recorded. */
  lastUs: number;
  close: { afterUs: number; by: 'edge' | 'device'; isReset: boolean } | null;
}

export interface Script {
  connections: Connection[];
  /** In the order of their time. */
  questions: Question[];
  /** Reports, heartbeats, noise: comes at its time whoever asks. */
  spoken: Message[];
  /** Our own answers and reports: nobody waits for them. */
  said: Message[];
  lost: { afterUs: number; conn: number; direction: 'in' | 'out'; count: number }[];
}

export function scriptOf(traffic: readonly TrafficLine[], readingOf: (line: TrafficLine) => Reading): Script {
  const { messages } = new Streams(traffic, readingOf);
  const connections = connectionsOf(traffic);
  const script: Script = { connections, questions: [], spoken: [], said: [], lost: [] };
  const readings = new Map<number, Reading>();
  for (const line of traffic) {
    if (!readings.has(line.conn)) readings.set(line.conn, readingOf(line));
    if ('event' in line && line.event === 'lost') script.lost.push({ afterUs: line.afterUs, conn: line.conn, direction: line.dir, count: line.count });
  }
  const asked = new Map<number, Question[]>();
  for (const message of messages) {
    const reading = readings.get(message.conn) as Reading;
    const { notes, direction, conn } = message;
    if (direction === 'out') {
      if (notes?.role !== 'asks') script.said.push(message);
      else {
        const question: Question = { key: keyOf(message.bytes, notes, reading), message, afterUs: message.parts.at(-1)?.afterUs ?? 0, answers: [] };
        script.questions.push(question);
        const before = asked.get(conn);
        if (before) before.push(question);
        else asked.set(conn, [question]);
      }
    } else if (!message.isTorn) {
      const question = notes?.role === 'answers' ? questionOf(message, asked.get(conn) ?? [], reading) : undefined;
      if (question) question.answers.push(message);
      else script.spoken.push(message);
    }
  }
  return script;
}

function connectionsOf(traffic: readonly TrafficLine[]): Connection[] {
  const known = new Map<number, Connection>();
  for (const line of traffic) {
    const opened = 'event' in line && line.event === 'open' ? line : null;
    let connection = known.get(line.conn);
    if (!connection) {
      connection = { conn: line.conn, device: line.device, via: opened?.via ?? 'tcp', by: opened?.by ?? 'edge', peer: opened?.peer, openUs: line.afterUs, lastUs: line.afterUs, close: null };
      known.set(line.conn, connection);
    }
    connection.lastUs = line.afterUs;
    if ('event' in line && line.event === 'close') connection.close ??= { afterUs: line.afterUs, by: line.by, isReset: line.reset ?? false };
  }
  return [...known.values()];
}

/** How far back an answer's question is looked for: more were never under way at once. */
const MAX_UNDER_WAY = 256;

/** The newest question that it fits and that has no answer yet; else the newest that it fits. */
function questionOf(answer: Message, asked: readonly Question[], { recording, settings }: Reading): Question | undefined {
  let answered: Question | undefined;
  for (let at = asked.length - 1; at >= 0 && at >= asked.length - MAX_UNDER_WAY; at -= 1) {
    const question = asked[at] as Question;
    if (!(recording.belongs ? recording.belongs(answer.bytes, question.message.bytes, settings) : isTied(answer, question.message))) continue;
    if (question.answers.length === 0) return question;
    answered ??= question;
    // Where nothing ties an answer to its question, it is that of the newest.
    if (!recording.belongs && pairsOf(answer.notes, question.message.notes).length === 0) return question;
  }
  return answered;
}

function isTied(answer: Message, question: Message): boolean {
  const pairs = pairsOf(answer.notes, question.notes);
  return pairs.every(([a, q]) => bytesOf(answer.bytes, a).equals(bytesOf(question.bytes, q)));
}

/** Spans of the same name. */
function pairsOf(answer: MessageNotes | null, question: MessageNotes | null): [Span, Span][] {
  return (answer?.correlators ?? []).flatMap((a): [Span, Span][] => {
    const q = question?.correlators?.find(({ name }) => name === a.name);
    return q ? [[a, q]] : [];
  });
}

const bytesOf = (message: Uint8Array, { at, length }: Span): Buffer => Buffer.from(message.buffer, message.byteOffset + at, length);

/** The same for questions that ask the same: correlators are taken out. */
export function keyOf(message: Uint8Array, notes: MessageNotes, { recording, settings }: Reading): string {
  const plain = Buffer.from(message);
  for (const { at, length } of notes.correlators ?? []) plain.fill(0, at, at + length);
  if (notes.correlators?.length) recording.seal?.(plain, 'out', settings);
  return plain.toString('hex');
}

/** A recorded answer as the answer to the question as it is asked now: it carries that one's correlators. */
export function answerTo(asked: Uint8Array, notes: MessageNotes, recorded: Question, answer: Message, { recording, settings }: Reading): Buffer {
  const bytes = Buffer.from(answer.bytes);
  const changes = pairsOf(answer.notes, notes).filter(([a, q]) => {
    const before = recorded.message.notes?.correlators?.find(({ name }) => name === a.name);
    // One that did not fit its question when it was recorded must not fit now.
    return a.length === q.length && before?.length === a.length && bytesOf(answer.bytes, a).equals(bytesOf(recorded.message.bytes, before)) && !bytesOf(bytes, a).equals(bytesOf(asked, q));
  });
  if (changes.length === 0) return bytes;
  const wasWhole = isSealed(bytes, 'in', { recording, settings });
  for (const [a, q] of changes) bytesOf(asked, q).copy(bytes, a.at);
  // A checksum that was wrong stays wrong.
  if (wasWhole) recording.seal?.(bytes, 'in', settings);
  return bytes;
}

/** Whether a message's checksums are right; always, where the protocol has none. */
export function isSealed(message: Uint8Array, direction: 'in' | 'out', { recording, settings }: { recording: Pick<BytesRecording<unknown, never, unknown>, 'seal'>; settings: unknown }): boolean {
  if (!recording.seal) return true;
  const again = Buffer.from(message);
  recording.seal(again, direction, settings);
  return again.equals(message);
}
