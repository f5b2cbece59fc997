/** Parses events of the reader itself (READER_EVENT_NOTIFICATION, LLRP 16.1.33 and 16.2.7.6). Pure. */
import { LLRP_HEADER_BYTES, dataViewOf } from './message.ts';
import { eachParameter } from './parameters.ts';

export interface ReaderEvent {
  utcUs?: bigint;
  uptimeUs?: bigint;
  /** Status of the connection attempt; 0: accepted. */
  connection?: number;
  isClosing?: true;
  antenna?: { id: number; isConnected: boolean };
  input?: { port: number; isHigh: boolean };
  hasOverflowed?: true;
}

const EVENT_DATA = 246;
const [UTC, UPTIME, GPI, OVERFLOW, ANTENNA, CONNECTION, CLOSE] = [128, 129, 248, 251, 255, 256, 257];

/** @param message with its header @returns the parameters that could be parsed */
export function parseReaderEvent(message: Uint8Array): ReaderEvent {
  const event: ReaderEvent = {};
  const view = dataViewOf(message);
  eachParameter(message, LLRP_HEADER_BYTES, message.length, (outer, start, end) => {
    if (outer !== EVENT_DATA) return;
    eachParameter(message, start, end, (type, from, to) => {
      const size = to - from;
      if (type === UTC && size >= 8) event.utcUs = view.getBigUint64(from);
      else if (type === UPTIME && size >= 8) event.uptimeUs = view.getBigUint64(from);
      else if (type === CONNECTION && size >= 2) event.connection = view.getUint16(from);
      else if (type === ANTENNA && size >= 3) event.antenna = { isConnected: message[from] === 1, id: view.getUint16(from + 1) };
      else if (type === GPI && size >= 3)
        event.input = { port: view.getUint16(from), isHigh: ((message[from + 2] as number) & 0x80) !== 0 };
      else if (type === OVERFLOW) event.hasOverflowed = true;
      else if (type === CLOSE) event.isClosing = true;
    });
  });
  return event;
}

/** LLRPStatus of a response. @returns null where there is none */
export function llrpStatus(message: Uint8Array): { code: number; text: string } | null {
  let status: { code: number; text: string } | null = null;
  const view = dataViewOf(message);
  eachParameter(message, LLRP_HEADER_BYTES, message.length, (type, from, to) => {
    if (type !== 287 || status || to - from < 4) return;
    const length = Math.min(view.getUint16(from + 2), to - from - 4);
    status = { code: view.getUint16(from), text: Buffer.from(message.subarray(from + 4, from + 4 + length)).toString('utf8') };
  });
  return status;
}
