/** Converts the identity field of a frame to text and back. Pure. */
import type { FrameProtocol } from './protocol.ts';
import type { FrameCursor } from './read-fields.ts';

/** Digits keep leading zeros. '' where the protocol has no identity. */
export function readIdentity({ frame, slots }: FrameCursor, { identity, head }: FrameProtocol): string {
  if (identity === null) return '';
  const slot = slots[identity];
  if (!slot) return '';
  const field = head.find((one) => one.slot === identity);
  if (field?.type !== 'bcd') return String(slot.value ?? '');
  const bytes = frame.subarray(slot.at, slot.at + slot.length);
  return Buffer.from(field.isLittle ? bytes.toReversed() : bytes).toString('hex');
}

/** @returns null when the text does not fit the field */
export function encodeIdentity(text: string, { identity, head, separator }: FrameProtocol): Buffer | null {
  const field = head.find((one) => one.slot === identity);
  if (!field || typeof field.size !== 'number') return null;
  const { type, size, isLittle } = field;
  if (separator) return text.includes(separator.toString('latin1')) ? null : Buffer.from(text, 'latin1');
  if (type === 'ascii') return text.length <= size ? Buffer.from(text.padEnd(size, '\0'), 'latin1') : null;
  const digits =
    type === 'hex' || type === 'bcd'
      ? text
      : /^[iu]\d+$/.test(type) && /^\d+$/.test(text)
        ? BigInt(text)
            .toString(16)
            .padStart(size * 2, '0')
        : '';
  if (digits.length !== size * 2 || !(type === 'bcd' ? /^\d+$/ : /^[0-9A-Fa-f]+$/).test(digits)) return null;
  const bytes = Buffer.from(digits, 'hex');
  return isLittle ? Buffer.from(bytes.toReversed()) : bytes;
}
