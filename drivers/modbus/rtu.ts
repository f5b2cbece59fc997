/**
 * Finds RTU frames in a stream of bytes, on a serial line, through a transparent serial server or a DTU. A frame is found
 * by unit, function and length of its request and by its CRC, wherever it begins; silence is never needed. Noise and
 * echoes around it are skipped. Pure.
 *
 * @see MODBUS over Serial Line V1.02, 2.5.1
 */
import { crc16Modbus } from './crc16.ts';
import { EXCEPTION_TO_FUNCTION_0, answerMismatch, type ExpectedAnswer } from './adu.ts';
import './faults.ts';
import type { PendingExchange, FramingResult, ModbusFraming } from './framing.ts';
import { valueBytes } from './requests.ts';
import { withoutPatterns } from './dtu/heartbeat-removal.ts';

const CRC_BYTES = 2;
const EXCEPTION_BYTES = 5;
const IDENTIFY = 43;
/** Bytes of an answer to functions 5, 6, 15 and 16. */
const WRITTEN_BYTES = 8;
const SHOWN_BYTES = 16;

export interface RtuOptions {
  /** The adapter echoes what is sent. */
  localEcho?: boolean;
  /** What a DTU inserts between the bytes: its heartbeat, its registration. */
  patterns?: () => readonly Buffer[];
}

export function rtuFraming({ localEcho = false, patterns = () => [] }: RtuOptions = {}): ModbusFraming {
  return {
    isNumbered: false,
    wrap: (frame) => frame,
    cut(held, awaited): FramingResult {
      if (!awaited) {
        const frame = anyFrame(held);
        return frame
          ? {
              kind: 'stray',
              rest: Buffer.alloc(0),
              detail: { detail: `function ${frame[1]} of unit ${frame[0]}`, detailZh: `站号 ${frame[0]} 功能码 ${frame[1]}` },
            }
          : { kind: 'wait' };
      }
      const body = afterEcho(held, awaited, localEcho);
      if (!body) return { kind: 'wait' };
      let found: Buffer | null = null;
      for (const bytes of withoutPatterns(body, patterns())) {
        const frame = answerIn(bytes, awaited.expected);
        found ??= frame;
        // A CRC may fit by chance in front of a heartbeat: the variant that leaves no byte over is preferred.
        if (frame?.length === bytes.length) {
          found = frame;
          break;
        }
      }
      if (found) return { kind: 'answer', rest: Buffer.alloc(0), unit: found[0] as number, pdu: found.subarray(1, -CRC_BYTES) };
      return { kind: 'wait' };
    },
    describe(held, awaited) {
      const body = afterEcho(held, awaited, localEcho) ?? held;
      const bytes = [...withoutPatterns(body, patterns())].at(-1) ?? body;
      const other = anyFrame(bytes);
      const problem = other && answerMismatch(awaited.expected, other[0] as number, other.subarray(1, -CRC_BYTES));
      if (problem) return { code: 'CV_MODBUS_ANSWER_STRAY', detail: problem };
      if (bytes.length === 0) return null;
      const begin = bytes.subarray(0, SHOWN_BYTES).toString('hex');
      return {
        code: 'CV_FRAME_CHECKSUM',
        detail: {
          detail: `${bytes.length} bytes without a valid answer: ${begin}`,
          detailZh: `${bytes.length} 字节中没有有效应答：${begin}`,
        },
      };
    },
  };
}

/** The bytes after our own request; null while an answer cannot be told from the echo (functions 5 and 6 repeat the request). */
function afterEcho(held: Buffer, { expected: asked, sent }: PendingExchange, localEcho: boolean): Buffer | null {
  if (!localEcho) return held;
  const at = held.indexOf(sent);
  if (at < 0) return asked.confirmation && asked.confirmation.length === sent.length - 1 - CRC_BYTES ? null : held;
  return held.subarray(at + sent.length);
}

/** The first whole frame with a valid CRC that can be the expected answer; null while there is none. */
function answerIn(bytes: Buffer, asked: ExpectedAnswer): Buffer | null {
  for (let at = bytes.indexOf(asked.unit); at >= 0; at = bytes.indexOf(asked.unit, at + 1)) {
    const length = answerBytes(bytes, at, asked);
    if (length !== null && isWhole(bytes, at, length)) return bytes.subarray(at, at + length);
  }
  return null;
}

/** Length of the answer that may begin here; null when none does. */
function answerBytes(bytes: Buffer, at: number, { fc, count, confirmation: expect }: ExpectedAnswer): number | null {
  const got = bytes[at + 1];
  if (got === (fc | EXCEPTION_TO_FUNCTION_0) || got === EXCEPTION_TO_FUNCTION_0) return EXCEPTION_BYTES;
  if (got !== fc) return null;
  if (expect) return expect.length + 1 + CRC_BYTES;
  if (fc === IDENTIFY) return identificationBytes(bytes, at);
  const wanted = valueBytes(fc, count);
  return bytes[at + 2] === wanted ? wanted + 3 + CRC_BYTES : null;
}

/** unit, 43, 14, code, conformity, more, next, objects, then each object's number, length and text. */
function identificationBytes(bytes: Buffer, at: number): number | null {
  let end = at + 8;
  for (let objects = bytes[at + 7] ?? 0; objects > 0; objects -= 1) {
    const length = bytes[end + 1];
    if (length === undefined) return null;
    end += 2 + length;
  }
  return end - at + CRC_BYTES;
}

/** Any frame that can be an answer to some request: to report what was received instead. */
export function anyFrame(bytes: Buffer): Buffer | null {
  for (let at = 0; at + EXCEPTION_BYTES <= bytes.length; at += 1) {
    const fc = bytes[at + 1] as number;
    const length =
      fc & EXCEPTION_TO_FUNCTION_0
        ? EXCEPTION_BYTES
        : fc >= 1 && fc <= 4
          ? (bytes[at + 2] as number) + 3 + CRC_BYTES
          : [5, 6, 15, 16].includes(fc)
            ? WRITTEN_BYTES
            : null;
    if (length !== null && isWhole(bytes, at, length)) return bytes.subarray(at, at + length);
  }
  return null;
}

function isWhole(bytes: Buffer, at: number, length: number): boolean {
  const end = at + length;
  return end <= bytes.length && crc16Modbus(bytes.subarray(at, end - CRC_BYTES)) === bytes.readUInt16LE(end - CRC_BYTES);
}
