/**
 * ADUs around a PDU: MBAP on TCP, unit and CRC on serial lines; and whether an answer belongs to its request. Pure. The
 * link rejects every answer for which `answerMismatch` gives a reason, so `decode` sees only the expected answer.
 *
 * @see MODBUS Messaging on TCP/IP V1.0b, 3.1.3; MODBUS over Serial Line V1.02, 2.5.1
 */
import { crc16Modbus } from './crc16.ts';
import { valueBytes } from './requests.ts';

export const MBAP_BYTES = 7; // transaction 2, protocol 2 (always 0), length 2 (counts unit and PDU), unit 1
const MAX_LENGTH_FIELD = 254;
const EXCEPTION_BIT = 0x80;
/** Some servers (pymodbus for a unit it does not have) answer any request with an exception to function 0. */
export const EXCEPTION_TO_FUNCTION_0 = EXCEPTION_BIT;

export interface ModbusAdu {
  /** Absent on serial lines. */
  transaction?: number;
  unit: number;
  pdu: Uint8Array;
}

/** What the answer to a request must match. */
export interface ExpectedAnswer {
  unit: number;
  fc: number;
  /** Registers or bits requested by functions 1 to 4. */
  count: number;
  /** The PDU that confirms a write. */
  confirmation?: Uint8Array;
}

/**
 * Length of the TCP ADU that begins here.
 *
 * @returns null while the header is incomplete; 0 when the bytes are not Modbus TCP, so the stream cannot be cut further
 */
export function tcpAduLength(bytes: Uint8Array): number | null {
  if (bytes.length < MBAP_BYTES) return null;
  const protocol = ((bytes[2] as number) << 8) | (bytes[3] as number);
  const length = ((bytes[4] as number) << 8) | (bytes[5] as number);
  return protocol === 0 && length >= 2 && length <= MAX_LENGTH_FIELD ? MBAP_BYTES - 1 + length : 0;
}

/** Parses one whole TCP ADU; null when the bytes are not exactly one. */
export function readTcpAdu(bytes: Uint8Array): ModbusAdu | null {
  const whole = tcpAduLength(bytes);
  return whole && whole === bytes.length ? tcpAduAt(bytes, whole) : null;
}

/** The ADU of `whole` bytes at the start of `bytes`. */
export function tcpAduAt(bytes: Uint8Array, whole: number): ModbusAdu {
  return {
    transaction: ((bytes[0] as number) << 8) | (bytes[1] as number),
    unit: bytes[6] as number,
    pdu: bytes.subarray(MBAP_BYTES, whole),
  };
}

export type RtuProblem = 'length' | 'checksum';

/** Parses one RTU frame: unit, PDU, CRC with its low byte first. */
export function readRtuAdu(bytes: Uint8Array): ModbusAdu | RtuProblem {
  if (bytes.length < 4 || bytes.length > 256) return 'length';
  const body = bytes.subarray(0, -2);
  const [low, high] = bytes.subarray(-2) as unknown as [number, number];
  return crc16Modbus(body) === ((high << 8) | low) ? { unit: body[0] as number, pdu: body.subarray(1) } : 'checksum';
}

/** Fills {detail} of a fault, in both languages. */
export type FaultDetail = { detail: string; detailZh: string };

const detail = (en: string, zh: string): FaultDetail => ({ detail: en, detailZh: zh });

/** Why this is not the expected answer; null when it is. An exception to the request is an answer. */
export function answerMismatch(expected: ExpectedAnswer, unit: number, pdu: Uint8Array): FaultDetail | null {
  if (unit !== expected.unit) return detail(`unit ${unit}, expected unit ${expected.unit}`, `应答站号 ${unit}，请求站号 ${expected.unit}`);
  const fc = pdu[0] as number;
  if (fc === (expected.fc | EXCEPTION_BIT) || fc === EXCEPTION_TO_FUNCTION_0) {
    return pdu.length === 2 ? null : detail(`exception of ${pdu.length} bytes, expected 2`, `异常应答 ${pdu.length} 字节，应为 2`);
  }
  if (fc !== expected.fc) return detail(`function ${fc}, expected function ${expected.fc}`, `应答功能码 ${fc}，请求功能码 ${expected.fc}`);
  if (expected.confirmation) return isSame(expected.confirmation, pdu) ? null : detail('it does not confirm the written values', '未确认所写内容');
  if (fc > 4) return null;
  const wanted = valueBytes(fc, expected.count);
  if (pdu[1] === wanted && pdu.length === wanted + 2) return null;
  const [actual, announced] = [Math.max(0, pdu.length - 2), pdu[1] ?? '–'];
  return detail(
    `${actual} bytes of values, announced as ${announced}, expected ${wanted}`,
    `数据 ${actual} 字节，声明 ${announced} 字节，应为 ${wanted} 字节`,
  );
}

function isSame(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, at) => byte === b[at]);
}

/** Why the answer is not of the awaited transaction; null when it is. Serial frames have no transactions. */
export function transactionMismatch(got: ModbusAdu, awaited: number | undefined): FaultDetail | null {
  if (got.transaction === awaited) return null;
  const [a, b] = [got.transaction ?? '–', awaited ?? '–'];
  return detail(`transaction ${a} of unit ${got.unit}, expected ${b}`, `事务号 ${a}（站号 ${got.unit}），等待的是 ${b}`);
}

export function isException(pdu: Uint8Array): boolean {
  return ((pdu[0] as number) & EXCEPTION_BIT) !== 0;
}
