/** How a station is recorded and played back: what of a packet names the exchange, the device, the secret. */
import type { BytesRecording, MessageNotes, Span } from '../../core/recording.ts';
import { crcOf } from './crc.ts';
import type { Hj212Request } from './frame.ts';
import { readMessage } from './message.ts';
import { dataOf, HEAD_BYTES, PacketCutter } from './packet.ts';
import type { Hj212Point, Hj212Settings } from './settings.ts';

const FROM_HOST = new Set(['9013', '9014']);
const FROM_DEVICE = new Set(['9011', '9012']);

export const recording: BytesRecording<Hj212Settings, { id: string } & Hj212Point, Hj212Request> = {
  level: 'bytes',
  /** With the line end that follows: whoever stands as the device sends it too. */
  cut(bytes) {
    if (bytes[0] !== 0x23) return 0;
    const [first] = new PacketCutter().feed(bytes);
    if (!first) return null;
    if (first.is !== 'packet') return 0;
    let end = first.bytes.length;
    while (end < bytes.length && (bytes[end] === 0x0d || bytes[end] === 0x0a)) end += 1;
    return end;
  },
  notes(message, direction): MessageNotes | null {
    const packet = trimmed(message);
    const data = dataOf(packet);
    const read = data && readMessage(data);
    if (!read) return null;
    return {
      role: roleOf(read.cn, direction, read.wantsAnswer),
      correlators: spansOf(packet, 'QN'),
      secrets: spansOf(packet, 'PW'),
      identities: spansOf(packet, 'MN'),
    };
  },
  seal(message) {
    const end = trimmed(message).length - 4;
    if (end < HEAD_BYTES) return;
    // Right in small letters is right.
    if (dataOf(trimmed(message))) return;
    const crc = crcOf(message, HEAD_BYTES, end).toString(16).toUpperCase().padStart(4, '0');
    for (let at = 0; at < 4; at += 1) message[end + at] = crc.charCodeAt(at);
  },
  captures: { device: 'dials', settings: { listen: '127.0.0.1:8212', mn: '0' } },
};

function roleOf(cn: string, direction: 'in' | 'out', wantsAnswer: boolean): MessageNotes['role'] {
  if (FROM_HOST.has(cn) || FROM_DEVICE.has(cn)) return 'answers';
  // An upload is the device's own word, whether it wants to hear of it or not.
  return direction === 'out' && wantsAnswer ? 'asks' : 'speaks';
}

/** Up to its check value, which follows the last `&&`; where there is none, all of it. */
function trimmed(message: Uint8Array): Uint8Array {
  const closing = Buffer.from(message.buffer, message.byteOffset, message.byteLength).lastIndexOf('&&', undefined, 'latin1');
  return message.subarray(0, closing < 0 ? message.length : Math.min(message.length, closing + 6));
}

/** Where a header field's value stands. */
function spansOf(packet: Uint8Array, field: string): Span[] {
  const text = Buffer.from(packet.buffer, packet.byteOffset, packet.byteLength).toString('latin1');
  const head = text.slice(0, text.indexOf('CP=&&') >>> 0);
  const found = new RegExp(`[;\\d](${field}=)([^;]*)`).exec(head);
  if (!found?.[2]) return [];
  return [{ name: field, at: found.index + 1 + (found[1] as string).length, length: found[2].length }];
}
