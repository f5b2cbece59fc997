/** One recording as many devices: its identities by number. Pure. */
import type { Direction, ByteSpan } from '../../core/recording.ts';
import { hasValidFrameChecksum } from '../../cases/device-script.ts';
import type { RecordingContext } from '../../cases/byte-streams.ts';

/** At the end of a name that is no number, so many characters count. */
const COUNTED_CHARS = 6;

/**
 * The n-th of identities like this one; the 0th is itself. Numbers count on, in text and in packed digits (BCD); other
 * texts get a number at their end, other bytes count as one number.
 */
export function nthIdentity(bytes: Uint8Array, n: number): Buffer {
  const made = Buffer.from(bytes);
  if (n === 0) return made;
  const text = made.toString('latin1');
  if (/^\d+$/.test(text)) return Buffer.from(counted(text, n), 'latin1');
  if (/^[\x20-\x7e]+$/.test(text)) {
    const places = Math.min(COUNTED_CHARS, text.length);
    return Buffer.from(text.slice(0, text.length - places) + String(n % 10 ** places).padStart(places, '0'), 'latin1');
  }
  const digits = made.toString('hex');
  if (/^\d+$/.test(digits)) return Buffer.from(counted(digits, n), 'hex');
  let carry = n;
  for (let index = made.length - 1; index >= 0 && carry > 0; index -= 1) {
    carry += made[index] as number;
    made[index] = carry & 0xff;
    carry = Math.floor(carry / 256);
  }
  return made;
}

const counted = (digits: string, n: number): string =>
  ((BigInt(digits) + BigInt(n)) % 10n ** BigInt(digits.length)).toString().padStart(digits.length, '0');

/** A message in the name of another: each of its identities is replaced by what `as` gives, and it is whole again. */
export function renameIdentity(
  message: Uint8Array,
  spans: readonly ByteSpan[],
  direction: Direction,
  { recording, settings }: RecordingContext,
  as: (span: ByteSpan, bytes: Uint8Array) => Uint8Array,
): Buffer {
  const made = Buffer.from(message);
  if (spans.length === 0) return made;
  const wasWhole = hasValidFrameChecksum(made, direction, { recording, settings });
  for (const span of spans) Buffer.from(as(span, made.subarray(span.at, span.at + span.length))).copy(made, span.at, 0, span.length);
  if (wasWhole) recording.seal?.(made, direction, settings);
  return made;
}
