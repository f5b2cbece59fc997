/**
 * Templates of what we send: hex bytes, 'text' in quotes, and {placeholders}: a field of the answered frame, or {identity}
 * {sequence} {length} {checksum} {now:bcd} {now:unix}. Pure.
 */
import { checksumOf } from './checksum.ts';
import type { TemplatePart, FrameProtocol, MessageTemplate } from './protocol.ts';
import { applyTransform } from './transform.ts';

export class TemplateError extends Error {
  readonly en: string;
  readonly zh: string;
  constructor(en: string, zh: string) {
    super(en);
    this.en = en;
    this.zh = zh;
  }
}

const TOKEN = /\s*(?:([0-9A-Fa-f]{2})|'([^']*)'|\{([A-Za-z][\w:]*)\})/y;
const PLACEHOLDERS: Readonly<Record<string, TemplatePart>> = {
  identity: { is: 'identity' }, sequence: { is: 'sequence' }, length: { is: 'length' }, checksum: { is: 'checksum' },
  'now:bcd': { is: 'now-bcd' }, 'now:unix': { is: 'now-unix' },
};

/** @param known fields of the answered frame; null: the template answers none. @throws TemplateError */
export function parseTemplate(text: string, known: ReadonlyMap<string, number> | null, hasLength: boolean): MessageTemplate {
  const parts: TemplatePart[] = [];
  TOKEN.lastIndex = 0;
  while (TOKEN.lastIndex < text.trimEnd().length) {
    const from = TOKEN.lastIndex;
    const match = TOKEN.exec(text);
    if (!match)
      throw new TemplateError(
        `at "${text.slice(from, from + 12).trim()}": expected hex bytes, 'text' or {name}`,
        `“${text.slice(from, from + 12).trim()}”处应为十六进制字节、'文本' 或 {名字}`,
      );
    const [, hex, quoted, placeholder] = match;
    if (hex !== undefined) parts.push({ is: 'bytes', bytes: Buffer.from(hex, 'hex') });
    else if (quoted !== undefined) parts.push({ is: 'bytes', bytes: Buffer.from(quoted, 'latin1') });
    else parts.push(placeholderOf(placeholder as string, known, hasLength));
  }
  return { parts };
}

function placeholderOf(placeholder: string, known: ReadonlyMap<string, number> | null, hasLength: boolean): TemplatePart {
  const slot = known?.get(placeholder);
  if (slot !== undefined) return { is: 'field', slot };
  const own = PLACEHOLDERS[placeholder];
  if (placeholder === 'length' && !hasLength) throw new TemplateError('{length}: the description has no length', '{length}：描述中没有 length');
  if (own) return own;
  const all = [...(known?.keys() ?? []), ...Object.keys(PLACEHOLDERS)].join(', ');
  throw new TemplateError(`there is no {${placeholder}}; known here: ${all}`, `没有 {${placeholder}}；此处可用：${all}`);
}

export interface TemplateValues {
  /** Bytes of a field of the answered frame. */
  field(slot: number): Uint8Array;
  identity: Uint8Array;
  sequence: Uint8Array;
  nowMs: number;
}

/** The frame to send, with length, transform, checksum and byte stuffing. Leading idle bytes, which wake a device, are not part of it. */
export function fillTemplate({ parts }: MessageTemplate, protocol: FrameProtocol, values: TemplateValues): Buffer {
  let sumAt = -1;
  const pieces: Uint8Array[] = [];
  let bytes = 0;
  let lengthAt = -1;
  for (const part of parts) {
    if (part.is === 'checksum') sumAt = bytes;
    if (part.is === 'length') lengthAt = bytes;
    const piece = pieceOf(part, protocol, values);
    pieces.push(piece);
    bytes += piece.length;
  }
  const all = Buffer.concat(pieces);
  const lead = idleLength(all, protocol);
  const plain = all.subarray(lead);
  if (lengthAt >= lead) putLength(plain, lengthAt - lead, protocol);
  const frame = applyTransform(plain, protocol);
  if (sumAt >= lead) putChecksum(frame, sumAt - lead, protocol);
  const sent = stuff(frame, protocol);
  return lead === 0 ? sent : Buffer.concat([all.subarray(0, lead), sent]);
}

/** Number of idle bytes before the header. */
export function idleLength(bytes: Buffer, { idle, header }: FrameProtocol): number {
  if (header.length === 0) return 0;
  let lead = 0;
  while (lead < bytes.length && idle.includes(bytes[lead] as number)) lead += 1;
  return bytes.subarray(lead, lead + header.length).equals(header) ? lead : 0;
}

function pieceOf(part: TemplatePart, { length, checksum }: FrameProtocol, values: TemplateValues): Uint8Array {
  switch (part.is) {
    case 'bytes': return part.bytes;
    case 'field': return values.field(part.slot);
    case 'identity': return values.identity;
    case 'sequence': return values.sequence;
    case 'length': return Buffer.alloc(length?.size ?? 0);
    case 'checksum': return Buffer.alloc(checksum?.size ?? 0);
    case 'now-unix': { const unix = Buffer.alloc(4); unix.writeUInt32BE(Math.floor(values.nowMs / 1000) >>> 0); return unix; }
    case 'now-bcd': return Buffer.from(new Date(values.nowMs + CHINA_MS).toISOString().replaceAll(/\D/g, '').slice(2, 14), 'hex');
  }
}

const CHINA_MS = 8 * 3_600_000;

function putLength(frame: Buffer, at: number, { length }: FrameProtocol): void {
  if (!length) return;
  const value = Math.max(0, Math.floor((frame.length - length.plus) / length.times));
  if (length.type === 'digits' || length.type === 'hex-digits')
    frame.write(
      value
        .toString(length.type === 'digits' ? 10 : 16)
        .toUpperCase()
        .padStart(length.size, '0')
        .slice(-length.size),
      at,
      'latin1',
    );
  else if (length.type === 'bcd')
    frame.write(
      String(value)
        .padStart(length.size * 2, '0')
        .slice(-length.size * 2),
      at,
      'hex',
    );
  else putNumber(frame, at, value, length.size, length.order);
}

/** Sets the checksum at `at`, computed over the range of the description. */
export function putChecksum(frame: Buffer, at: number, { checksum }: FrameProtocol): void {
  if (!checksum) return;
  const { type, from, to, order, size, isText } = checksum;
  const value = checksumOf(type, frame, from, to === checksum.at ? at : to < 0 ? frame.length + to : to);
  if (isText) frame.write(value.toString(16).toUpperCase().padStart(size, '0'), at, 'latin1');
  else putNumber(frame, at, value, size, order);
}

function putNumber(frame: Buffer, at: number, value: number, size: number, order: 'big' | 'little'): void {
  for (let index = 0; index < size; index += 1)
    frame[at + (order === 'big' ? size - 1 - index : index)] = Math.floor(value / 256 ** index) % 256;
}

/** Byte stuffing: between header and terminator, special bytes are sent as two. */
export function stuff(frame: Buffer, { escape, header, terminator }: FrameProtocol): Buffer {
  if (!escape) return frame;
  const out: number[] = [...frame.subarray(0, header.length)];
  for (const byte of frame.subarray(header.length, frame.length - terminator.length)) {
    const pair = escape.find(({ meant }) => meant === byte);
    if (pair) out.push(pair.first, pair.second);
    else out.push(byte);
  }
  return Buffer.from([...out, ...frame.subarray(frame.length - terminator.length)]);
}
