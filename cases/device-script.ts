/**
 * A recording from the device's side: what it says by itself, and what it answers to which question. Pure.
 */
import type { BytesRecording, MessageNotes, Span } from '../core/recording.ts';
import type { TrafficLine } from './format.ts';
import { ByteStreams, type RecordedMessage, type RecordingContext } from './byte-streams.ts';

/** A question of ours in the recording, with what the device said to it. */
export interface RecordedQuestion {
  /** Equal for questions that ask the same. */
  key: string;
  message: RecordedMessage;
  afterUs: number;
  answers: RecordedMessage[];
}

/** What became of a connection, and when. */
export interface RecordedConnection {
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

export interface DeviceScript {
  connections: RecordedConnection[];
  /** In the order of their time. */
  questions: RecordedQuestion[];
  /** Reports, heartbeats, noise: comes at its time whoever asks. */
  unsolicited: RecordedMessage[];
  /** Our own answers and reports: nobody waits for them. */
  fromDriver: RecordedMessage[];
  lost: { afterUs: number; conn: number; direction: 'in' | 'out'; count: number }[];
}

export function deviceScript(traffic: readonly TrafficLine[], readingOf: (line: TrafficLine) => RecordingContext): DeviceScript {
  const { messages } = new ByteStreams(traffic, readingOf);
  const connections = connectionsOf(traffic);
  const script: DeviceScript = { connections, questions: [], unsolicited: [], fromDriver: [], lost: [] };
  const readings = new Map<number, RecordingContext>();
  for (const line of traffic) {
    if (!readings.has(line.conn)) readings.set(line.conn, readingOf(line));
    if ('event' in line && line.event === 'lost') script.lost.push({ afterUs: line.afterUs, conn: line.conn, direction: line.dir, count: line.count });
  }
  const asked = new Map<number, RecordedQuestion[]>();
  for (const message of messages) {
    const reading = readings.get(message.conn) as RecordingContext;
    const { notes, direction, conn } = message;
    if (direction === 'out') {
      if (notes?.role !== 'asks') script.fromDriver.push(message);
      else {
        const question: RecordedQuestion = { key: questionKey(message.bytes, notes, reading), message, afterUs: message.parts.at(-1)?.afterUs ?? 0, answers: [] };
        script.questions.push(question);
        const before = asked.get(conn);
        if (before) before.push(question);
        else asked.set(conn, [question]);
      }
    } else if (!message.isTorn) {
      const question = notes?.role === 'answers' ? questionOf(message, asked.get(conn) ?? [], reading) : undefined;
      if (question) question.answers.push(message);
      else script.unsolicited.push(message);
    }
  }
  return script;
}

function connectionsOf(traffic: readonly TrafficLine[]): RecordedConnection[] {
  const known = new Map<number, RecordedConnection>();
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
function questionOf(answer: RecordedMessage, asked: readonly RecordedQuestion[], { recording, settings }: RecordingContext): RecordedQuestion | undefined {
  let answered: RecordedQuestion | undefined;
  for (let at = asked.length - 1; at >= 0 && at >= asked.length - MAX_UNDER_WAY; at -= 1) {
    const question = asked[at] as RecordedQuestion;
    if (!(recording.belongs ? recording.belongs(answer.bytes, question.message.bytes, settings) : isCorrelated(answer, question.message))) continue;
    if (question.answers.length === 0) return question;
    answered ??= question;
    // Where nothing ties an answer to its question, it is that of the newest.
    if (!recording.belongs && pairsOf(answer.notes, question.message.notes).length === 0) return question;
  }
  return answered;
}

function isCorrelated(answer: RecordedMessage, question: RecordedMessage): boolean {
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
export function questionKey(message: Uint8Array, notes: MessageNotes, { recording, settings }: RecordingContext): string {
  const plain = Buffer.from(message);
  for (const { at, length } of notes.correlators ?? []) plain.fill(0, at, at + length);
  if (notes.correlators?.length) recording.seal?.(plain, 'out', settings);
  return plain.toString('hex');
}

/** A recorded answer as the answer to the question as it is asked now: it carries that one's correlators. */
export function correlateAnswer(asked: Uint8Array, notes: MessageNotes, recorded: RecordedQuestion, answer: RecordedMessage, { recording, settings }: RecordingContext): Buffer {
  const bytes = Buffer.from(answer.bytes);
  const changes = pairsOf(answer.notes, notes).filter(([a, q]) => {
    const before = recorded.message.notes?.correlators?.find(({ name }) => name === a.name);
    // One that did not fit its question when it was recorded must not fit now.
    return a.length === q.length && before?.length === a.length && bytesOf(answer.bytes, a).equals(bytesOf(recorded.message.bytes, before)) && !bytesOf(bytes, a).equals(bytesOf(asked, q));
  });
  if (changes.length === 0) return bytes;
  const wasWhole = hasValidChecksum(bytes, 'in', { recording, settings });
  for (const [a, q] of changes) bytesOf(asked, q).copy(bytes, a.at);
  // A checksum that was wrong stays wrong.
  if (wasWhole) recording.seal?.(bytes, 'in', settings);
  return bytes;
}

/** Whether a message's checksums are right; always, where the protocol has none. */
export function hasValidChecksum(message: Uint8Array, direction: 'in' | 'out', { recording, settings }: { recording: Pick<BytesRecording<unknown, never, unknown>, 'seal'>; settings: unknown }): boolean {
  if (!recording.seal) return true;
  const again = Buffer.from(message);
  recording.seal(again, direction, settings);
  return again.equals(message);
}
