/**
 * A recording from the device's side: unsolicited messages, and questions with their answers. Pure.
 */
import type { BytesRecording, MessageNotes, ByteSpan } from '../core/recording.ts';
import type { TrafficLine } from './format.ts';
import { ByteStreams, type RecordedMessage, type RecordingContext } from './byte-streams.ts';

/** A recorded question with its answers. */
export interface RecordedQuestion {
  /** Equal for equivalent questions. */
  key: string;
  message: RecordedMessage;
  afterUs: number;
  answers: RecordedMessage[];
}

/** A recorded connection. */
export interface RecordedConnection {
  conn: number;
  /** Device id, if recorded. */
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
  /** Reports, heartbeats, noise: sent at their recorded time. */
  unsolicited: RecordedMessage[];
  /** Our own answers and reports, without a reply. */
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
    if ('event' in line && line.event === 'lost')
      script.lost.push({ afterUs: line.afterUs, conn: line.conn, direction: line.dir, count: line.count });
  }
  const asked = new Map<number, RecordedQuestion[]>();
  for (const message of messages) {
    const reading = readings.get(message.conn) as RecordingContext;
    const { notes, direction, conn } = message;
    if (direction === 'out') {
      if (notes?.role !== 'asks') script.fromDriver.push(message);
      else {
        const question: RecordedQuestion = {
          key: questionKey(message.bytes, notes, reading),
          message,
          afterUs: message.parts.at(-1)?.afterUs ?? 0,
          answers: [],
        };
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
      connection = {
        conn: line.conn,
        device: line.device,
        via: opened?.via ?? 'tcp',
        by: opened?.by ?? 'edge',
        peer: opened?.peer,
        openUs: line.afterUs,
        lastUs: line.afterUs,
        close: null,
      };
      known.set(line.conn, connection);
    }
    connection.lastUs = line.afterUs;
    if ('event' in line && line.event === 'close')
      connection.close ??= { afterUs: line.afterUs, by: line.by, isReset: line.reset ?? false };
  }
  return [...known.values()];
}

/** How far back to look for the question of an answer. */
const MAX_OUTSTANDING = 256;

/** The newest matching question without an answer; else the newest matching one. */
function questionOf(
  answer: RecordedMessage,
  asked: readonly RecordedQuestion[],
  { recording, settings }: RecordingContext,
): RecordedQuestion | undefined {
  let answered: RecordedQuestion | undefined;
  for (let index = asked.length - 1; index >= 0 && index >= asked.length - MAX_OUTSTANDING; index -= 1) {
    const question = asked[index] as RecordedQuestion;
    if (!(recording.belongs ? recording.belongs(answer.bytes, question.message.bytes, settings) : isCorrelated(answer, question.message)))
      continue;
    if (question.answers.length === 0) return question;
    answered ??= question;
    // Without correlators an answer belongs to the newest question.
    if (!recording.belongs && pairsOf(answer.notes, question.message.notes).length === 0) return question;
  }
  return answered;
}

function isCorrelated(answer: RecordedMessage, question: RecordedMessage): boolean {
  const pairs = pairsOf(answer.notes, question.notes);
  return pairs.every(([a, q]) => bytesOf(answer.bytes, a).equals(bytesOf(question.bytes, q)));
}

/** Spans of the same name. */
function pairsOf(answer: MessageNotes | null, question: MessageNotes | null): [ByteSpan, ByteSpan][] {
  return (answer?.correlators ?? []).flatMap((a): [ByteSpan, ByteSpan][] => {
    const q = question?.correlators?.find(({ name }) => name === a.name);
    return q ? [[a, q]] : [];
  });
}

const bytesOf = (message: Uint8Array, { at: offset, length }: ByteSpan): Buffer =>
  Buffer.from(message.buffer, message.byteOffset + offset, length);

/** Key of a question, without its correlators. */
export function questionKey(message: Uint8Array, notes: MessageNotes, { recording, settings }: RecordingContext): string {
  const plain = Buffer.from(message);
  for (const { at: offset, length } of notes.correlators ?? []) plain.fill(0, offset, offset + length);
  if (notes.correlators?.length) recording.seal?.(plain, 'out', settings);
  return plain.toString('hex');
}

/** A recorded answer with the correlators of the current question. */
export function correlateAnswer(
  asked: Uint8Array,
  notes: MessageNotes,
  recorded: RecordedQuestion,
  answer: RecordedMessage,
  { recording, settings }: RecordingContext,
): Buffer {
  const bytes = Buffer.from(answer.bytes);
  const changes = pairsOf(answer.notes, notes).filter(([a, q]) => {
    const before = recorded.message.notes?.correlators?.find(({ name }) => name === a.name);
    // A correlator that did not match when recorded must not match now.
    return (
      a.length === q.length &&
      before?.length === a.length &&
      bytesOf(answer.bytes, a).equals(bytesOf(recorded.message.bytes, before)) &&
      !bytesOf(bytes, a).equals(bytesOf(asked, q))
    );
  });
  if (changes.length === 0) return bytes;
  const wasWhole = hasValidFrameChecksum(bytes, 'in', { recording, settings });
  for (const [a, q] of changes) bytesOf(asked, q).copy(bytes, a.at);
  // A wrong checksum stays wrong.
  if (wasWhole) recording.seal?.(bytes, 'in', settings);
  return bytes;
}

/** Whether a message's checksums are valid; true when the protocol has none. */
export function hasValidFrameChecksum(
  message: Uint8Array,
  direction: 'in' | 'out',
  { recording, settings }: { recording: Pick<BytesRecording<unknown, never, unknown>, 'seal'>; settings: unknown },
): boolean {
  if (!recording.seal) return true;
  const again = Buffer.from(message);
  recording.seal(again, direction, settings);
  return again.equals(message);
}
