/** What comes on the ack topic, checked: it comes from outside. Pure. */
import { STREAMS, type Stream } from '../../core/event.ts';
import { parseJson } from '../../core/wire/json.ts';
import { WIRE_VERSION } from '../../core/wire/topics.ts';
import { MAX_HAVE_RANGES } from '../../core/wire/limits.ts';
import type { Ack, AckMessage, EvidenceAnswer, RefusedRange } from '../../core/wire/messages.ts';
import { EVIDENCE_ANSWER_SCHEMA } from '../../core/wire/schemas.ts';

const MAX_ANSWER_BYTES = 256 << 10;

/** The message, or what is wrong with it in a few words. */
export function readAckMessage(payload: Uint8Array): AckMessage | string {
  if (payload.length > MAX_ANSWER_BYTES) return `${payload.length} bytes`;
  let body: unknown;
  try {
    body = parseJson(Buffer.from(payload.buffer, payload.byteOffset, payload.length).toString('utf8'));
  } catch (error) {
    return (error as Error).message;
  }
  if (typeof body !== 'object' || body === null) return 'not an object';
  const message = body as Record<string, unknown>;
  if (message.v !== WIRE_VERSION) return `version ${String(message.v)}`;
  if ('evidence' in message)
    return EVIDENCE_ANSWER_SCHEMA.safeParse(message).success ? (message as unknown as EvidenceAnswer) : 'evidence without sha256 and have';
  if ('clock' in message) return isClock(message.clock) ? (message as unknown as AckMessage) : 'clock without echo and at';
  if ('error' in message)
    return typeof message.error === 'string' && typeof message.sha256 === 'string'
      ? (message as unknown as AckMessage)
      : 'refusal without error and sha256';
  return isAck(message) ? (message as unknown as Ack) : 'neither ack, refusal, clock nor evidence';
}

function isClock(clock: unknown): boolean {
  if (typeof clock !== 'object' || clock === null) return false;
  const { echo, at } = clock as Record<string, unknown>;
  return Number.isFinite(echo) && Number.isFinite(at);
}

function isAck(message: Record<string, unknown>): boolean {
  const { stream, epoch, upTo, have, refused } = message;
  return STREAMS.includes(stream as Stream) && isNumber(epoch) && isNumber(upTo)
    && Array.isArray(have) && have.length <= MAX_HAVE_RANGES && have.every(isRange)
    && Array.isArray(refused) && refused.every((range) => isRefused(range));
}

const isNumber = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;
const isRange = (range: unknown) =>
  Array.isArray(range) && range.length === 2 && isNumber(range[0]) && isNumber(range[1]) && range[0] <= range[1];
const isRefused = (range: Partial<RefusedRange> | null) =>
  typeof range === 'object' && range !== null && isNumber(range.from) && isNumber(range.to) && typeof range.code === 'string';
