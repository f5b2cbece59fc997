/** The messages around a frame: the poll that it answers and our answer to it, by the templates of its description. Pure. */
import type { FrameExchange } from '../../core/driver.ts';
import type { DescribedFrame } from './frame.ts';
import { encodeIdentity, readIdentity } from './identity.ts';
import type { FrameProtocol, MessageTemplate } from './protocol.ts';
import { matchMessage, readHeadFields, readAllFields, ShortFrameError, type FrameCursor } from './read-fields.ts';
import { fillTemplate } from './template.ts';

/** The edge counts its messages; here it is the first. */
const FIRST_SEQUENCE = 1;

/** @param nowMs ms UTC, for templates with the time */
export function messagesAround(frame: DescribedFrame, nowMs: number): FrameExchange {
  if (frame.is !== 'message') return {};
  const { protocol } = frame.pointMap;
  const { buffer, byteOffset, byteLength } = frame.bytes;
  const head = readHeadFields(Buffer.from(buffer, byteOffset, byteLength), protocol);
  const message = head && matchMessage(head, protocol);
  if (!head || !message) return {};
  const [only, ...more] = protocol.polls;
  const poll =
    protocol.polls.find(({ wants }) => wants?.includes(message.name)) ?? (only?.wants === null && more.length === 0 ? only : undefined);
  try {
    const filled = (template: MessageTemplate, cursor: FrameCursor | null) =>
      fillFor(template, protocol, cursor, readIdentity(head, protocol), nowMs);
    return {
      ...(poll && { question: filled(poll.template, null) }),
      ...(message.answer && { answer: filled(message.answer, readAllFields(head, message)) }),
    };
  } catch (error) {
    if (error instanceof ShortFrameError) return {};
    throw error;
  }
}

function fillFor(template: MessageTemplate, protocol: FrameProtocol, cursor: FrameCursor | null, identity: string, nowMs: number): Buffer {
  return fillTemplate(template, protocol, {
    field: (slot) => fieldBytes(cursor, slot),
    identity: encodeIdentity(identity, protocol) ?? new Uint8Array(),
    sequence: sequenceBytes(FIRST_SEQUENCE, protocol),
    nowMs,
  });
}

/** The bytes of a field of the answered frame. */
export function fieldBytes(cursor: FrameCursor | null, slot: number): Uint8Array {
  const field = cursor?.slots[slot];
  return cursor && field ? cursor.frame.subarray(field.at, field.at + field.length) : new Uint8Array();
}

/** Our sequence number, in the form of the description's `sequence` field. */
export function sequenceBytes(number: number, { head, sequence, separator }: FrameProtocol): Uint8Array {
  if (separator) return Buffer.from(String(number));
  const field = head.find(({ slot }) => slot === sequence);
  const size = typeof field?.size === 'number' ? Math.min(field.size, 6) : 0;
  const bytes = Buffer.alloc(size);
  if (size > 0) bytes.writeUIntBE(number % 256 ** Math.min(size, 4), 0, size);
  return field?.isLittle ? bytes.toReversed() : bytes;
}
