/**
 * The envelopes around a PDU: MBAP on TCP, unit and CRC on serial lines; and whether an answer belongs to its question.
 * Pure. The link lets nothing through that `mismatch` names, so what reaches `decode` is the answer that was asked for.
 *
 * @see MODBUS Messaging on TCP/IP V1.0b, 3.1.3; MODBUS over Serial Line V1.02, 2.5.1
 */
import { crc16Modbus } from './crc16.ts';
import { cellBytes } from './requests.ts';

export const MBAP_BYTES = 7; // transaction 2, protocol 2 (always 0), length 2 (counts unit and PDU), unit 1
const MAX_LENGTH_FIELD = 254;
const EXCEPTION_BIT = 0x80;
/** Some servers (pymodbus for a unit it does not have) answer with an exception to function 0: to whatever was asked. */
export const EXCEPTION_TO_NONE = EXCEPTION_BIT;

export interface Adu {
  /** Absent on serial lines. */
  transaction?: number;
  unit: number;
  pdu: Uint8Array;
}

/** What a request asked for, as far as it binds its answer. */
export interface Asked {
  unit: number;
  fc: number;
  /** Cells asked for by functions 1 to 4. */
  count: number;
  /** The PDU that a write is confirmed with. */
  expect?: Uint8Array;
}

/**
 * Length of the TCP ADU that begins here.
 *
 * @returns null while its header is not whole; 0 when the bytes are no Modbus TCP, so the stream cannot be cut any more
 */
export function tcpAduBytes(bytes: Uint8Array): number | null {
  if (bytes.length < MBAP_BYTES) return null;
  const protocol = ((bytes[2] as number) << 8) | (bytes[3] as number);
  const length = ((bytes[4] as number) << 8) | (bytes[5] as number);
  return protocol === 0 && length >= 2 && length <= MAX_LENGTH_FIELD ? MBAP_BYTES - 1 + length : 0;
}

/** Takes one whole TCP ADU apart; null when the bytes are not exactly one. */
export function readTcpAdu(bytes: Uint8Array): Adu | null {
  const whole = tcpAduBytes(bytes);
  return whole && whole === bytes.length ? tcpAduAt(bytes, whole) : null;
}

/** The ADU of `whole` bytes that these begin with. */
export function tcpAduAt(bytes: Uint8Array, whole: number): Adu {
  return { transaction: ((bytes[0] as number) << 8) | (bytes[1] as number), unit: bytes[6] as number, pdu: bytes.subarray(MBAP_BYTES, whole) };
}

export type RtuProblem = 'length' | 'checksum';

/** Takes one RTU frame apart: unit, PDU, CRC with its low byte first. */
export function readRtuAdu(bytes: Uint8Array): Adu | RtuProblem {
  if (bytes.length < 4 || bytes.length > 256) return 'length';
  const body = bytes.subarray(0, -2);
  const [low, high] = bytes.subarray(-2) as unknown as [number, number];
  return crc16Modbus(body) === ((high << 8) | low) ? { unit: body[0] as number, pdu: body.subarray(1) } : 'checksum';
}

/** What fills {detail} of a fault, in both languages. */
export type Detail = { detail: string; detailZh: string };

const detail = (en: string, zh: string): Detail => ({ detail: en, detailZh: zh });

/** Why this answer is not the one to that question; null when it is. Exceptions to it are answers. */
export function mismatch(asked: Asked, unit: number, pdu: Uint8Array): Detail | null {
  if (unit !== asked.unit) return detail(`unit ${unit}, asked unit ${asked.unit}`, `应答站号 ${unit}，请求站号 ${asked.unit}`);
  const fc = pdu[0] as number;
  if (fc === (asked.fc | EXCEPTION_BIT) || fc === EXCEPTION_TO_NONE) {
    return pdu.length === 2 ? null : detail(`exception of ${pdu.length} bytes, 2 wanted`, `异常应答 ${pdu.length} 字节，应为 2`);
  }
  if (fc !== asked.fc) return detail(`function ${fc}, asked function ${asked.fc}`, `应答功能码 ${fc}，请求功能码 ${asked.fc}`);
  if (asked.expect) return isSame(asked.expect, pdu) ? null : detail('it does not confirm what was written', '未确认所写内容');
  if (fc > 4) return null;
  const wanted = cellBytes(fc, asked.count);
  if (pdu[1] === wanted && pdu.length === wanted + 2) return null;
  const [got, said] = [Math.max(0, pdu.length - 2), pdu[1] ?? '–'];
  return detail(`${got} bytes of values, announced as ${said}, ${wanted} asked for`, `数据 ${got} 字节，声明 ${said} 字节，应为 ${wanted} 字节`);
}

function isSame(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, at) => byte === b[at]);
}

/** Why these are not of one transaction; null when they are. Serial frames have none. */
export function strayOf(got: Adu, awaited: number | undefined): Detail | null {
  if (got.transaction === awaited) return null;
  const [a, b] = [got.transaction ?? '–', awaited ?? '–'];
  return detail(`transaction ${a} of unit ${got.unit}, awaited ${b}`, `事务号 ${a}（站号 ${got.unit}），等待的是 ${b}`);
}

export function isException(pdu: Uint8Array): boolean {
  return ((pdu[0] as number) & EXCEPTION_BIT) !== 0;
}
