/**
 * LLRP messages (LLRP 1.0.1 and 1.1, 16.1): ten bytes of header, then parameters. Cut from a stream, and encoded. The
 * protocol has no sync word, so a stream with one invalid message cannot be read any further.
 */
export const LLRP_HEADER_BYTES = 10;
const MAX_BYTES = 1 << 20;
const MAX_VERSION = 3;

/** Message types, 16.1.1. */
export const LLRP_MESSAGE_TYPES = {
  getCapabilities: 1, getConfig: 2, setConfig: 3, closeResponse: 4,
  capabilities: 11, config: 12, setConfigResponse: 13, close: 14,
  addRoSpec: 20, deleteRoSpec: 21, startRoSpec: 22, enableRoSpec: 24,
  addRoSpecResponse: 30, deleteRoSpecResponse: 31, startRoSpecResponse: 32, enableRoSpecResponse: 34,
  report: 61, keepalive: 62, readerEvent: 63, enableReports: 64, keepaliveAck: 72, error: 100,
} as const;

export interface LlrpMessage {
  version: number;
  type: number;
  id: number;
  /** With its header. */
  bytes: Uint8Array;
}

/** The message at the head of `bytes`. @returns null while more is needed, 'invalid' where no message can begin */
export function parseLlrpMessage(bytes: Uint8Array): LlrpMessage | null | 'invalid' {
  if (bytes.length === 0) return null;
  const version = ((bytes[0] as number) >> 2) & 7;
  if ((bytes[0] as number) >> 5 !== 0 || version === 0 || version > MAX_VERSION) return 'invalid';
  if (bytes.length < LLRP_HEADER_BYTES) return null;
  const view = dataViewOf(bytes);
  const length = view.getUint32(2);
  if (length < LLRP_HEADER_BYTES || length > MAX_BYTES) return 'invalid';
  if (bytes.length < length) return null;
  return { version, type: view.getUint16(0) & 0x3ff, id: view.getUint32(6), bytes: bytes.subarray(0, length) };
}

export class LlrpMessageCutter {
  /** Joined only when a message may be complete, so that one that arrives in small pieces is copied once. */
  #pieces: Uint8Array[] = [];
  #bytes = 0;
  #expected = 0;
  #isInvalid = false;

  /** Bytes of an incomplete message. */
  get partial(): Uint8Array {
    return Buffer.concat(this.#pieces);
  }

  /** Takes received bytes in order. @returns complete messages; `isInvalid` from the first that is not LLRP */
  feed(bytes: Uint8Array): { messages: LlrpMessage[]; isInvalid: boolean } {
    if (this.#isInvalid) return { messages: [], isInvalid: true };
    this.#pieces.push(Buffer.from(bytes));
    this.#bytes += bytes.length;
    if (this.#bytes < this.#expected) return { messages: [], isInvalid: false };
    let held = Buffer.concat(this.#pieces);
    const messages: LlrpMessage[] = [];
    for (;;) {
      const message = parseLlrpMessage(held);
      if (message === 'invalid') {
        this.#isInvalid = true;
        this.#pieces = [];
        return { messages, isInvalid: true };
      }
      if (message === null) break;
      messages.push(message);
      held = held.subarray(message.bytes.length);
    }
    this.#pieces = [held];
    this.#bytes = held.length;
    this.#expected = held.length < LLRP_HEADER_BYTES ? 0 : dataViewOf(held).getUint32(2);
    return { messages, isInvalid: false };
  }
}

/** Fault parameters for an incomplete message. */
export function truncatedMessageDetail(partial: Uint8Array): { detail: string; detailZh: string } {
  const expected = partial.length >= 6 ? dataViewOf(partial).getUint32(2) : null;
  return {
    detail: `incomplete LLRP message: ${partial.length} bytes${expected === null ? '' : ` of ${expected}`}`,
    detailZh: `LLRP 报文不完整：只有 ${partial.length} 字节${expected === null ? '' : `，应为 ${expected} 字节`}`,
  };
}

export const dataViewOf = (bytes: Uint8Array) => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);

/** A message of version 1. */
export function encodeLlrpMessage(type: number, id: number, ...parts: readonly Uint8Array[]): Uint8Array {
  const body = Buffer.concat(parts);
  const message = Buffer.alloc(LLRP_HEADER_BYTES + body.length);
  message.writeUInt16BE((1 << 10) | type, 0);
  message.writeUInt32BE(message.length, 2);
  message.writeUInt32BE(id, 6);
  body.copy(message, LLRP_HEADER_BYTES);
  return message;
}

/** A TLV parameter. */
export function encodeParameter(type: number, ...parts: readonly Uint8Array[]): Uint8Array {
  const body = Buffer.concat(parts);
  const parameter = Buffer.alloc(4 + body.length);
  parameter.writeUInt16BE(type, 0);
  parameter.writeUInt16BE(parameter.length, 2);
  body.copy(parameter, 4);
  return parameter;
}

export const u8 = (...values: readonly number[]) => Uint8Array.from(values);
export function u16(...values: readonly number[]): Uint8Array {
  const bytes = Buffer.alloc(values.length * 2);
  values.forEach((value, index) => bytes.writeUInt16BE(value, index * 2));
  return bytes;
}
export function u32(...values: readonly number[]): Uint8Array {
  const bytes = Buffer.alloc(values.length * 4);
  values.forEach((value, index) => bytes.writeUInt32BE(value, index * 4));
  return bytes;
}
