/** Input of `cityvitals decode`: hex lines, text as the device sends it, or bytes; detected from the first line or set by `--input`. Pure. */
import { FaultError } from '../core/faults.ts';
import './faults.ts';

export const INPUT_FORMATS = ['auto', 'hex', 'text', 'binary'] as const;
export type InputFormat = (typeof INPUT_FORMATS)[number];

/** A comment is `#` alone or before a blank; `##` begins a packet of HJ 212. */
const isComment = (line: string) => /^\s*#(\s|$)/.test(line);
const HEX_AT_HEAD = /^(0x)?[0-9a-f]/i;

/** @returns frames of bytes: one a line of hex, else all that there is */
export function readFrames(content: Buffer, name: string, input: InputFormat): Uint8Array[] {
  switch (input === 'auto' ? inputOf(content) : input) {
    case 'binary':
      return content.length === 0 ? [] : [new Uint8Array(content)];
    case 'text':
      return textOf(content, input === 'auto');
    default:
      return content
        .toString('latin1')
        .split(/\r?\n/)
        .flatMap((line, index) => (line.trim() === '' || isComment(line) ? [] : [parseHex(line.trim(), `${name}:${index + 1}`)]));
  }
}

function inputOf(content: Buffer): Exclude<InputFormat, 'auto'> {
  const head = content.toString('latin1').split(/\r?\n/).find((line) => line.trim() !== '' && !isComment(line))?.trim() ?? '';
  // Text of HJ 212 may hold names in Chinese: its head tells it from bytes.
  if (head.startsWith('##')) return 'text';
  if (content.some((byte) => byte !== 9 && byte !== 10 && byte !== 13 && (byte < 32 || byte > 126))) return 'binary';
  return head === '' || HEX_AT_HEAD.test(head) ? 'hex' : 'text';
}

/** With an explicit format every byte is text. */
function textOf(content: Buffer, mayComment: boolean): Uint8Array[] {
  if (content.length === 0) return [];
  if (!mayComment) return [new Uint8Array(content)];
  const kept = (content.toString('latin1').match(/[^\n]*\n|[^\n]+$/g) ?? []).filter((line) => !isComment(line));
  return [Buffer.from(kept.join(''), 'latin1')];
}

/** @throws CV_INPUT_UNREADABLE */
export function parseHex(text: string, place: string): Uint8Array {
  const digits = text.replace(/0x|[\s,:-]/gi, '');
  if (digits.length % 2 === 1 || !/^[0-9a-f]*$/i.test(digits))
    throw new FaultError('CV_INPUT_UNREADABLE', { place, detail: text.slice(0, 60) });
  return Buffer.from(digits, 'hex');
}
