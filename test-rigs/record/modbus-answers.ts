/** What a Modbus TCP capture holds, read by hand and with nothing of the driver: for tests of what its case gives. */
import type { RecordedMessage } from '../../cases/byte-streams.ts';

const transactionOf = (bytes: Buffer): number => bytes.readUInt16BE(0);
const unitOf = (bytes: Buffer): number => bytes[6] as number;
const functionOf = (bytes: Buffer): number => (bytes[7] as number) & 0x7f;
const isException = (bytes: Buffer): boolean => ((bytes[7] as number) & 0x80) !== 0;
const AREAS = [null, 'coil', 'discrete', 'holding', 'input'];

/** How many messages of each function, questions, answers and refusals together. */
export function functionsOf(messages: readonly RecordedMessage[]): Map<number, number> {
  const functions = new Map<number, number>();
  for (const { bytes } of messages) functions.set(functionOf(bytes), (functions.get(functionOf(bytes)) ?? 0) + 1);
  return functions;
}

/**
 * Values by `unit function register`, counted as in a table of tshark's fields with a row a packet: registers of a
 * packet, read and written, go by its first message's function; those of an answer begin where its newest question did,
 * and at 0 when nobody asked.
 */
export function pointsInOrder(messages: readonly RecordedMessage[]): Map<string, number[]> {
  const counted = new Map<string, number[]>();
  const heads = new Map<string, Buffer>();
  for (const { message, question } of withQuestions(messages, false)) {
    const { bytes, conn, direction, parts } = message;
    const packet = `${conn} ${direction} ${parts.at(-1)?.afterUs}`;
    const head = heads.get(packet) ?? bytes;
    heads.set(packet, head);
    const { start, values } = registersIn(message, question);
    values.forEach((value, index) => add(counted, `${unitOf(head)} ${functionOf(head)} ${start + index}`, value));
  }
  return counted;
}

/** Values by `place unit area-cell`: those of answers that a client takes, each to a question that has no answer yet. */
export function answeredCells(messages: readonly RecordedMessage[], places: ReadonlyMap<number, string>): Map<string, number[]> {
  const cells = new Map<string, number[]>();
  for (const { message: { bytes, conn, direction }, question } of withQuestions(messages, true)) {
    // Function 23 writes, then reads holding registers; it asks and is answered like function 3, but for the write behind.
    const area = functionOf(bytes) === 23 ? 'holding' : AREAS[functionOf(bytes)];
    if (direction === 'out' || !question || !area || isException(bytes)) continue;
    const [start, count] = [question.readUInt16BE(8), question.readUInt16BE(10)];
    const values = functionOf(bytes) > 2 ? registersOf(bytes) : bitsOf(bytes).slice(0, count);
    if (values.length === count)
      values.forEach((value, index) => add(cells, `${places.get(conn)} ${unitOf(bytes)} ${area}-${start + index}`, value));
  }
  return cells;
}

/** Each message, an answer with the newest question of its transaction, unit and function. @param isOnce a question is answered once */
function* withQuestions(
  messages: readonly RecordedMessage[],
  isOnce: boolean,
): Generator<{ message: RecordedMessage; question: Buffer | undefined }> {
  const asked = new Map<string, Buffer>();
  for (const message of messages) {
    const { bytes, conn, direction } = message;
    const key = [conn, transactionOf(bytes), unitOf(bytes), functionOf(bytes)].join(' ');
    const question = direction === 'in' ? asked.get(key) : undefined;
    yield { message, question };
    if (direction === 'out') asked.set(key, bytes);
    else if (isOnce) asked.delete(key);
  }
}

/** The registers that a message carries: of a read in its answer, of a write in its question, of one register in both. */
function registersIn({ bytes, direction }: RecordedMessage, question: Buffer | undefined): { start: number; values: number[] } {
  const fc = bytes[7] as number;
  if ((fc === 3 || fc === 4) && direction === 'in') return { start: question?.readUInt16BE(8) ?? 0, values: registersOf(bytes) };
  if (fc === 6) return { start: bytes.readUInt16BE(8), values: [bytes.readUInt16BE(10)] };
  if (fc === 16 && direction === 'out') return { start: bytes.readUInt16BE(8), values: wordsFrom(bytes, 13) };
  return { start: 0, values: [] };
}

const wordsFrom = (bytes: Buffer, from: number): number[] =>
  Array.from({ length: Math.max(0, Math.floor((bytes.length - from) / 2)) }, (_, index) => bytes.readUInt16BE(from + index * 2));
const registersOf = (bytes: Buffer): number[] => wordsFrom(bytes, 9);
const bitsOf = (bytes: Buffer): number[] =>
  Array.from(bytes.subarray(9), (byte) => Array.from({ length: 8 }, (_, bit) => (byte >>> bit) & 1)).flat();

function add(to: Map<string, number[]>, key: string, value: number): void {
  const values = to.get(key);
  if (values) values.push(value);
  else to.set(key, [value]);
}
