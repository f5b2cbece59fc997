/** How a device whose protocol is described is recorded and played back: the description says all of it. Pure but for reading that. */
import type { BytesRecording, MessageNotes, ByteSpan } from '../../core/recording.ts';
import type { Request } from '../../core/driver.ts';
import { frameAt, unstuffed } from './cutter.ts';
import { loadDescription } from './load.ts';
import type { Part, Protocol } from './protocol-types.ts';
import { messageOf, readHead, type Reading } from './read.ts';
import type { FramePointOf, FrameSettings } from './settings.ts';
import { leadOf, putChecksum, stuffed } from './template.ts';
import { plainOf } from './transform.ts';

/** No description says it. */
const AGAIN_AFTER_MS = 10_000;

export const recording: BytesRecording<FrameSettings, FramePointOf, Request> = {
  level: 'bytes',
  /** What we send may be framed otherwise than what we hear; then it goes by its template. */
  cut(bytes, direction, { description }) {
    const { protocol } = loadDescription(description);
    if (!protocol) return 0;
    const held = bufferOf(bytes);
    const poll = direction === 'out' ? pollLength(held, protocol) : null;
    if (poll !== null) return poll;
    const found = frameAt(held, protocol);
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
    const frame = unstuffed(raw, protocol);
    const head = frame && readHead(frame, protocol);
    if (!head) return null;
    // Where bytes were stuffed, a field stands elsewhere in what was sent.
    const spanOf = (slot: number | null, name: string): ByteSpan[] => {
      const field = slot === null ? undefined : head.slots[slot];
      return field && field.length > 0 && frame.length === raw.length ? [{ name, at: field.at, length: field.length }] : [];
    };
    const spans = { correlators: spanOf(protocol.sequence, 'sequence'), identities: spanOf(protocol.identity, 'identity') };
    if (direction === 'out') return { role: 'speaks', ...spans };
    const name = messageOf(head, protocol)?.name;
    const isAnswer = protocol.polls.some(({ wants }) => wants === null || (name !== undefined && wants.includes(name)));
    return { role: isAnswer ? 'answers' : 'speaks', ...spans };
  },
  seal(message, direction, { description }) {
    const { protocol } = loadDescription(description);
    const raw = bufferOf(message);
    if (!protocol?.checksum || (direction === 'out' && pollOf(raw, protocol) && frameAt(raw, protocol).is === 'none')) return;
    const frame = unstuffed(raw, protocol);
    if (!frame || frame.length + protocol.checksum.at < protocol.header.length) return;
    const whole = Buffer.from(frame);
    putChecksum(whole, whole.length + protocol.checksum.at, protocol);
    const sent = stuffed(whole, protocol);
    // Its length must stay: where a check value would have to be stuffed, the message stays as it is.
    if (sent.length === raw.length) sent.copy(raw);
  },
  keeps: {
    /** Without a number nobody can tell which report an answer is for. */
    waits(report, { description }) {
      const { protocol } = loadDescription(description);
      const head = protocol && headOf(bufferOf(report), protocol);
      return protocol !== null && head !== null && numberOf(head, protocol) !== null && (messageOf(head, protocol)?.answer ?? null) !== null;
    },
    settles(answer, report, { description }) {
      const { protocol } = loadDescription(description);
      const [said, kept] = protocol ? [answer, report].map((raw) => headOf(bufferOf(raw), protocol)) : [];
      return Boolean(protocol && said && kept && numberOf(said, protocol) === numberOf(kept, protocol) && namedBy(said, protocol) === namedBy(kept, protocol));
    },
    againAfterMs: AGAIN_AFTER_MS,
  },
  captures: { device: 'dials', settings: { description: 'shipped:compound-terminal', listen: '127.0.0.1:7600' } },
};

function headOf(raw: Buffer, protocol: Protocol): Reading | null {
  const frame = unstuffed(raw, protocol);
  return frame && readHead(frame, protocol);
}

const valueAt = ({ slots }: Reading, slot: number | null) => (slot === null ? null : slots[slot]?.value ?? null);
const numberOf = (head: Reading, { sequence }: Protocol) => valueAt(head, sequence);
const namedBy = (head: Reading, { identity }: Protocol) => valueAt(head, identity);

const bufferOf = (bytes: Uint8Array) => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);

interface Placed {
  part: Part;
  at: number;
  length: number;
}

/** A question of ours, by its bytes. */
function pollOf(raw: Buffer, protocol: Protocol): Placed[] | null {
  const parts = pollAt(raw, protocol);
  return parts && endOf(parts) === raw.length ? parts : null;
}

function pollLength(raw: Buffer, protocol: Protocol): number | null {
  const parts = pollAt(raw, protocol);
  return parts && endOf(parts);
}

const endOf = (parts: readonly Placed[]) => { const last = parts.at(-1); return last ? last.at + last.length : 0; };

/** The template whose fixed bytes are those at the head of `raw`; null where none is, or not all of it is there. */
function pollAt(raw: Buffer, protocol: Protocol): Placed[] | null {
  if (protocol.escape) return null;
  for (const { template } of protocol.polls) {
    // Text is as long as it is.
    if (protocol.separator && template.parts.some(({ is }) => is === 'identity' || is === 'sequence')) continue;
    let at = 0;
    const placed = template.parts.map((part): Placed => {
      const length = lengthOf(part, protocol);
      const one = { part, at, length };
      at += length;
      return one;
    });
    if (at === 0 || at > raw.length) continue;
    const sent = raw.subarray(0, at);
    const lead = leadOf(sent, protocol);
    const plain = Buffer.concat([sent.subarray(0, lead), plainOf(sent.subarray(lead), protocol)]);
    if (placed.every(({ part, at: from }) => part.is !== 'bytes' || part.bytes.equals(plain.subarray(from, from + part.bytes.length)))) return placed;
  }
  return null;
}

function lengthOf(part: Part, { length, checksum, head, identity, sequence }: Protocol): number {
  const sizeOf = (slot: number | null) => { const size = head.find((field) => field.slot === slot)?.size; return typeof size === 'number' ? size : 0; };
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

/** The asker's clock differs from one asking to the next, and so does what is counted over it. */
function spansOf(placed: readonly Placed[], { checksum }: Protocol): Pick<MessageNotes, 'correlators' | 'identities'> {
  const of = (kinds: readonly Part['is'][], name: string): ByteSpan[] => placed.filter(({ part, length }) => kinds.includes(part.is) && length > 0).map(({ at, length }) => ({ name, at, length }));
  const differs = [...of(['sequence'], 'sequence'), ...of(['now-bcd', 'now-unix'], 'clock')];
  return { correlators: differs.length > 0 && checksum ? [...differs, ...of(['checksum'], 'question checksum')] : differs, identities: of(['identity'], 'identity') };
}
