/** How a device with a described protocol is recorded and played back, by its description. Pure but for reading that. */
import type { BytesRecording, MessageNotes, ByteSpan } from '../../core/recording.ts';
import type { Request } from '../../core/driver.ts';
import { findFrame, unstuff } from './cutter.ts';
import { loadDescription } from './load-description.ts';
import type { TemplatePart, FrameProtocol } from './protocol.ts';
import { matchMessage, readHeadFields, type FrameCursor } from './read-fields.ts';
import type { ConfiguredFramePoint, FrameSettings } from './settings.ts';
import { idleLength, putChecksum, stuff } from './template.ts';
import { undoTransform } from './transform.ts';

/** Not part of a description. */
const RESEND_MS = 10_000;

export const recording: BytesRecording<FrameSettings, ConfiguredFramePoint, Request> = {
  level: 'bytes',
  /** Our messages may be framed differently from the device's; then their template is used. */
  cut(bytes, direction, { description }) {
    const { protocol } = loadDescription(description);
    if (!protocol) return 0;
    const held = bufferOf(bytes);
    const poll = direction === 'out' ? pollLength(held, protocol) : null;
    if (poll !== null) return poll;
    const found = findFrame(held, protocol);
    if (found.is === 'more') return null;
    return found.is === 'frame' ? found.length : 0;
  },
  notes(message, direction, { description }): MessageNotes | null {
    const { protocol } = loadDescription(description);
    if (!protocol) return null;
    const raw = bufferOf(message);
    if (direction === 'out') {
      const parts = pollOf(raw, protocol);
      if (parts) return { role: 'asks', ...spansOf(parts, protocol) };
    }
    const frame = unstuff(raw, protocol);
    const head = frame && readHeadFields(frame, protocol);
    if (!head) return null;
    // With stuffed bytes the positions on the wire differ.
    const spanOf = (slot: number | null, name: string): ByteSpan[] => {
      const field = slot === null ? undefined : head.slots[slot];
      return field && field.length > 0 && frame.length === raw.length ? [{ name, at: field.at, length: field.length }] : [];
    };
    const spans = { correlators: spanOf(protocol.sequence, 'sequence'), identities: spanOf(protocol.identity, 'identity') };
    if (direction === 'out') return { role: 'speaks', ...spans };
    const name = matchMessage(head, protocol)?.name;
    const isAnswer = protocol.polls.some(({ wants }) => wants === null || (name !== undefined && wants.includes(name)));
    return { role: isAnswer ? 'answers' : 'speaks', ...spans };
  },
  seal(message, direction, { description }) {
    const { protocol } = loadDescription(description);
    const raw = bufferOf(message);
    if (!protocol?.checksum || (direction === 'out' && pollOf(raw, protocol) && findFrame(raw, protocol).is === 'none')) return;
    const frame = unstuff(raw, protocol);
    if (!frame || frame.length + protocol.checksum.at < protocol.header.length) return;
    const whole = Buffer.from(frame);
    putChecksum(whole, whole.length + protocol.checksum.at, protocol);
    const sent = stuff(whole, protocol);
    // The length must stay: a checksum that would need stuffing is not set.
    if (sent.length === raw.length) sent.copy(raw);
  },
  keeps: {
    /** Without a sequence number an answer cannot be matched to its report. */
    waits(report, { description }) {
      const { protocol } = loadDescription(description);
      const head = protocol && headOf(bufferOf(report), protocol);
      return (
        protocol !== null && head !== null && numberOf(head, protocol) !== null && (matchMessage(head, protocol)?.answer ?? null) !== null
      );
    },
    settles(answer, report, { description }) {
      const { protocol } = loadDescription(description);
      const [reply, kept] = protocol ? [answer, report].map((raw) => headOf(bufferOf(raw), protocol)) : [];
      return Boolean(
        protocol &&
        reply &&
        kept &&
        numberOf(reply, protocol) === numberOf(kept, protocol) &&
        identityIn(reply, protocol) === identityIn(kept, protocol),
      );
    },
    againAfterMs: RESEND_MS,
  },
  captures: { device: 'dials', settings: { description: 'shipped:compound-terminal', listen: '127.0.0.1:7600' } },
};

function headOf(raw: Buffer, protocol: FrameProtocol): FrameCursor | null {
  const frame = unstuff(raw, protocol);
  return frame && readHeadFields(frame, protocol);
}

const valueAt = ({ slots }: FrameCursor, slot: number | null) => (slot === null ? null : slots[slot]?.value ?? null);
const numberOf = (head: FrameCursor, { sequence }: FrameProtocol) => valueAt(head, sequence);
const identityIn = (head: FrameCursor, { identity }: FrameProtocol) => valueAt(head, identity);

const bufferOf = (bytes: Uint8Array) => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);

interface PlacedPart {
  part: TemplatePart;
  at: number;
  length: number;
}

/** The parts of one of our polls, recognized by its bytes. */
function pollOf(raw: Buffer, protocol: FrameProtocol): PlacedPart[] | null {
  const parts = pollAt(raw, protocol);
  return parts && endOf(parts) === raw.length ? parts : null;
}

function pollLength(raw: Buffer, protocol: FrameProtocol): number | null {
  const parts = pollAt(raw, protocol);
  return parts && endOf(parts);
}

const endOf = (parts: readonly PlacedPart[]) => { const last = parts.at(-1); return last ? last.at + last.length : 0; };

/** The poll template whose fixed bytes are at the start of `raw`; null when none matches, or it is incomplete. */
function pollAt(raw: Buffer, protocol: FrameProtocol): PlacedPart[] | null {
  if (protocol.escape) return null;
  for (const { template } of protocol.polls) {
    // Text has no fixed length.
    if (protocol.separator && template.parts.some(({ is }) => is === 'identity' || is === 'sequence')) continue;
    let at = 0;
    const placed = template.parts.map((part): PlacedPart => {
      const length = lengthOf(part, protocol);
      const one = { part, at, length };
      at += length;
      return one;
    });
    if (at === 0 || at > raw.length) continue;
    const sent = raw.subarray(0, at);
    const lead = idleLength(sent, protocol);
    const plain = Buffer.concat([sent.subarray(0, lead), undoTransform(sent.subarray(lead), protocol)]);
    if (placed.every(({ part, at: from }) => part.is !== 'bytes' || part.bytes.equals(plain.subarray(from, from + part.bytes.length))))
      return placed;
  }
  return null;
}

function lengthOf(part: TemplatePart, { length, checksum, head, identity, sequence }: FrameProtocol): number {
  const sizeOf = (slot: number | null) => {
    const size = head.find((field) => field.slot === slot)?.size;
    return typeof size === 'number' ? size : 0;
  };
  switch (part.is) {
    case 'bytes': return part.bytes.length;
    case 'identity': return sizeOf(identity);
    case 'sequence': return Math.min(6, sizeOf(sequence));
    case 'length': return length?.size ?? 0;
    case 'checksum': return checksum?.size ?? 0;
    case 'now-bcd': return 6;
    case 'now-unix': return 4;
    case 'field': return 0;
  }
}

/** Our clock differs from one poll to the next, and so does a checksum over it. */
function spansOf(placed: readonly PlacedPart[], { checksum }: FrameProtocol): Pick<MessageNotes, 'correlators' | 'identities'> {
  const of = (kinds: readonly TemplatePart['is'][], name: string): ByteSpan[] =>
    placed.filter(({ part, length }) => kinds.includes(part.is) && length > 0).map(({ at, length }) => ({ name, at, length }));
  const differs = [...of(['sequence'], 'sequence'), ...of(['now-bcd', 'now-unix'], 'clock')];
  return {
    correlators: differs.length > 0 && checksum ? [...differs, ...of(['checksum'], 'question checksum')] : differs,
    identities: of(['identity'], 'identity'),
  };
}
