/** What `cityvitals decode` is given: hex lines, text as the device sends it, or bytes. Which one, its first line says, or `--input`. Pure. */
import { FaultError } from '../core/faults.ts';
import './faults.ts';

export const INPUTS = ['auto', 'hex', 'text', 'binary'] as const;
export type Input = (typeof INPUTS)[number];

/** A comment is `#` alone or before a blank; `##` begins a packet of HJ 212. */
const isComment = (line: string) => /^\s*#(\s|$)/.test(line);
const HEX_AT_HEAD = /^(0x)?[0-9a-f]/i;

/** @returns frames of bytes: one a line of hex, else all that there is */
export function framesOfInput(content: Buffer, name: string, input: Input): Uint8Array[] {
  switch (input === 'auto' ? inputOf(content) : input) {
    case 'binary': return content.length === 0 ? [] : [new Uint8Array(content)];
    case 'text': return textOf(content, input === 'auto');
    default: return content.toString('latin1').split(/\r?\n/).flatMap((line, at) => (line.trim() === '' || isComment(line) ? [] : [bytesOf(line.trim(), `${name}:${at + 1}`)]));
  }
}

function inputOf(content: Buffer): Exclude<Input, 'auto'> {
  const head = content.toString('latin1').split(/\r?\n/).find((line) => line.trim() !== '' && !isComment(line))?.trim() ?? '';
  // Text of HJ 212 may hold names in Chinese: its head tells it from bytes.
  if (head.startsWith('##')) return 'text';
  if (content.some((byte) => byte !== 9 && byte !== 10 && byte !== 13 && (byte < 32 || byte > 126))) return 'binary';
  return head === '' || HEX_AT_HEAD.test(head) ? 'hex' : 'text';
}

/** Whoever says that it is text means each byte of it. */
function textOf(content: Buffer, mayComment: boolean): Uint8Array[] {
  if (content.length === 0) return [];
  if (!mayComment) return [new Uint8Array(content)];
  const kept = (content.toString('latin1').match(/[^\n]*\n|[^\n]+$/g) ?? []).filter((line) => !isComment(line));
  return [Buffer.from(kept.join(''), 'latin1')];
}

/** @throws CV_INPUT_UNREADABLE */
export function bytesOf(text: string, place: string): Uint8Array {
  const digits = text.replace(/0x|[\s,:-]/gi, '');
  if (digits.length % 2 === 1 || !/^[0-9a-f]*$/i.test(digits)) throw new FaultError('CV_INPUT_UNREADABLE', { place, detail: text.slice(0, 60) });
  return Buffer.from(digits, 'hex');
}
