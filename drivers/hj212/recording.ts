/** How a station is recorded and played back: where a packet has its correlators, secrets and identities. */
import type { BytesRecording, MessageNotes, ByteSpan } from '../../core/recording.ts';
import { hj212Crc } from './crc.ts';
import type { Hj212Request } from './frame.ts';
import { formatQn, parseHj212Message, formatHj212Time, parseHj212Time, type Hj212Message } from './message.ts';
import { packetData, PACKET_HEAD_BYTES, Hj212PacketCutter } from './packet-cutter.ts';
import type { Hj212Point, Hj212Settings } from './settings.ts';

const FROM_HOST = new Set(['9013', '9014']);
const FROM_DEVICE = new Set(['9011', '9012']);
/** Customary (HJ 212-2017, 6.4): an unanswered upload is sent again after this time. */
const RESEND_MS = 5000;
const HOUR_MS = 3_600_000;

export const recording: BytesRecording<Hj212Settings, { id: string } & Hj212Point, Hj212Request> = {
  level: 'bytes',
  /** With the line end that follows, which a simulated device sends too. */
  cut(bytes) {
    if (bytes[0] !== 0x23) return 0;
    const [first] = new Hj212PacketCutter().feed(bytes);
    if (!first) return null;
    if (first.is !== 'packet') return 0;
    let end = first.bytes.length;
    while (end < bytes.length && (bytes[end] === 0x0d || bytes[end] === 0x0a)) end += 1;
    return end;
  },
  notes(message, direction): MessageNotes | null {
    const packet = trimmed(message);
    const read = messageOf(packet);
    if (!read) return null;
    return {
      role: roleOf(read.cn, direction, read.wantsAnswer),
      correlators: spansOf(packet, 'QN'),
      secrets: spansOf(packet, 'PW'),
      identities: spansOf(packet, 'MN'),
    };
  },
  seal,
  retime(message, byMs, { minuteEvery }) {
    const moved = Buffer.from(message);
    const read = messageOf(message);
    if (!read) return moved;
    const move = ({ at, length }: ByteSpan, stepMs: number, text: (ms: number) => string) => {
      const was = parseHj212Time(moved.toString('latin1', at, at + length));
      if (was !== null) moved.write(text(was + Math.floor(byMs / stepMs) * stepMs).slice(0, length), at, 'latin1');
    };
    for (const span of spansOf(trimmed(message), 'QN')) move(span, 1, formatQn);
    // Statistics stay aligned to their period.
    const stepMs = { 2051: minuteEvery, 2061: HOUR_MS, 2031: 24 * HOUR_MS, 2041: 24 * HOUR_MS }[read.cn] ?? 1000;
    for (const span of stampsOf(message)) move(span, stepMs, formatHj212Time);
    seal(moved);
    return moved;
  },
  keeps: {
    waits: (report) => {
      const read = messageOf(report);
      return read !== null && read.wantsAnswer && !FROM_DEVICE.has(read.cn);
    },
    settles(answer, report) {
      const [reply, kept] = [messageOf(answer), messageOf(report)];
      return reply !== null && kept !== null && FROM_HOST.has(reply.cn) && reply.qn === kept.qn && reply.mn === kept.mn;
    },
    againAfterMs: RESEND_MS,
  },
  captures: { device: 'dials', settings: { listen: '127.0.0.1:8212', mn: '0' } },
};

function roleOf(cn: string, direction: 'in' | 'out', wantsAnswer: boolean): MessageNotes['role'] {
  if (FROM_HOST.has(cn) || FROM_DEVICE.has(cn)) return 'answers';
  // An upload is a report, whether it wants an answer or not.
  return direction === 'out' && wantsAnswer ? 'asks' : 'speaks';
}

/** Sets the check value; a valid one in lower case is left as it is. */
function seal(message: Uint8Array): void {
  const packet = trimmed(message);
  const end = packet.length - 4;
  if (end < PACKET_HEAD_BYTES || packetData(packet)) return;
  const crc = hj212Crc(message, PACKET_HEAD_BYTES, end).toString(16).toUpperCase().padStart(4, '0');
  for (let at = 0; at < 4; at += 1) message[end + at] = crc.charCodeAt(at);
}

function messageOf(message: Uint8Array): Hj212Message | null {
  const data = packetData(trimmed(message));
  return data && parseHj212Message(data);
}

/** Up to the check value, which follows the last `&&`; the whole message where there is none. */
function trimmed(message: Uint8Array): Uint8Array {
  const closing = Buffer.from(message.buffer, message.byteOffset, message.byteLength).lastIndexOf('&&', undefined, 'latin1');
  return message.subarray(0, closing < 0 ? message.length : Math.min(message.length, closing + 6));
}

/** The span of a header field's value. */
function spansOf(packet: Uint8Array, field: string): ByteSpan[] {
  const text = Buffer.from(packet.buffer, packet.byteOffset, packet.byteLength).toString('latin1');
  const head = text.slice(0, text.indexOf('CP=&&') >>> 0);
  const found = new RegExp(`[;\\d](${field}=)([^;]*)`).exec(head);
  if (!found?.[2]) return [];
  return [{ name: field, at: found.index + 1 + (found[1] as string).length, length: found[2].length }];
}

/** The spans of the times in the content. */
function stampsOf(message: Uint8Array): ByteSpan[] {
  const text = Buffer.from(message.buffer, message.byteOffset, message.byteLength).toString('latin1');
  return [...text.matchAll(/(?:DataTime|SampleTime)\s*=\s*(\d{14})(?!\d)/g)].map((found) => ({
    name: 'time',
    at: found.index + found[0].length - 14,
    length: 14,
  }));
}
