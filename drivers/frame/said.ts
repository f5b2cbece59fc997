/** What the edge says around a frame: the question that it answers and the answer that it gets, by the templates of its description. Pure. */
import type { FrameExchange } from '../../core/driver.ts';
import type { FrameFrame } from './frame.ts';
import { identityBytes, identityOf } from './identity.ts';
import type { Protocol, Template } from './protocol-types.ts';
import { messageOf, readHead, readWhole, ShortFrame, type Reading } from './read.ts';
import { fillTemplate } from './template.ts';

/** The number of a question is counted by the edge: here it is its first. */
const FIRST = 1;

/** @param nowMs ms UTC, for templates that say the time */
export function saidAround(frame: FrameFrame, nowMs: number): FrameExchange {
  if (frame.is !== 'message') return {};
  const { protocol } = frame.plan;
  const { buffer, byteOffset, byteLength } = frame.bytes;
  const head = readHead(Buffer.from(buffer, byteOffset, byteLength), protocol);
  const message = head && messageOf(head, protocol);
  if (!head || !message) return {};
  const [only, ...more] = protocol.polls;
  const poll = protocol.polls.find(({ wants }) => wants?.includes(message.name)) ?? (only?.wants === null && more.length === 0 ? only : undefined);
  try {
    const filled = (template: Template, reading: Reading | null) => filledIn(template, protocol, reading, identityOf(head, protocol), nowMs);
    return { ...(poll && { question: filled(poll.template, null) }), ...(message.answer && { answer: filled(message.answer, readWhole(head, message)) }) };
  } catch (error) {
    if (error instanceof ShortFrame) return {};
    throw error;
  }
}

function filledIn(template: Template, protocol: Protocol, reading: Reading | null, identity: string, nowMs: number): Buffer {
  return fillTemplate(template, protocol, {
    field: (slot) => fieldBytes(reading, slot), identity: identityBytes(identity, protocol) ?? new Uint8Array(), sequence: sequenceBytes(FIRST, protocol), nowMs,
  });
}

/** The bytes of a field as it stood in the frame that is answered. */
export function fieldBytes(reading: Reading | null, slot: number): Uint8Array {
  const field = reading?.slots[slot];
  return reading && field ? reading.frame.subarray(field.at, field.at + field.length) : new Uint8Array();
}

/** The number of what we send, as the description's `sequence` field has it. */
export function sequenceBytes(number: number, { head, sequence, separator }: Protocol): Uint8Array {
  if (separator) return Buffer.from(String(number));
  const field = head.find(({ slot }) => slot === sequence);
  const size = typeof field?.size === 'number' ? Math.min(field.size, 6) : 0;
  const bytes = Buffer.alloc(size);
  if (size > 0) bytes.writeUIntBE(number % 256 ** Math.min(size, 4), 0, size);
  return field?.isLittle ? bytes.toReversed() : bytes;
}
