/** How a request is framed and its answer found in the received bytes: one framing for each kind of ADU. Pure. */
import { MBAP_BYTES, answerMismatch, transactionMismatch, tcpAduAt, tcpAduLength, type ExpectedAnswer, type FaultDetail } from './adu.ts';
import './faults.ts';

const CRC_BYTES = 2;
const READ_PDU_BYTES = 5;
const NOTHING = Buffer.alloc(0);

/** A read of registers or bits: functions 1 to 4. */
export interface ReadRequestPdu extends ExpectedAnswer {
  start: number;
}

/** The request that waits for its answer. */
export interface PendingExchange {
  expected: ExpectedAnswer;
  transaction: number;
  /** The request as sent. */
  sent: Buffer;
}

export type FramingResult =
  /** More bytes are needed; `orQuiet`: or a moment of silence, as the answer may not be complete. */
  | { kind: 'wait'; orQuiet?: boolean }
  | { kind: 'answer'; rest: Buffer; unit: number; pdu: Uint8Array }
  /** Bytes that belong to no exchange. */
  | { kind: 'noise'; rest: Buffer }
  /** An answer to another request. */
  | { kind: 'stray'; rest: Buffer; detail: FaultDetail }
  | { kind: 'mismatch'; rest: Buffer; detail: FaultDetail }
  /** The stream cannot be cut further. */
  | { kind: 'broken'; detail: FaultDetail };

export interface ModbusFraming {
  /** Whether answers have transaction numbers. Without them a line must be quiet after a time-out, so that a late answer is not taken for the next one. */
  isNumbered: boolean;
  /** @param frame unit, PDU and CRC, as modbus-serial writes them */
  wrap(frame: Buffer, transaction: number): Buffer;
  /**
   * @param held all bytes since the request (with transaction numbers: since the last cut)
   * @param isQuiet no byte has arrived for a moment
   */
  cut(held: Buffer, awaited: PendingExchange | null, isQuiet: boolean): FramingResult;
  /** What `held` contains instead of an answer, for a field engineer; null when it is empty. */
  describe?(held: Buffer, awaited: PendingExchange): { code: 'CV_MODBUS_ANSWER_STRAY' | 'CV_FRAME_CHECKSUM'; detail: FaultDetail } | null;
}

/** Modbus TCP on a clean stream: anything but ADUs closes it. */
export const mbapFraming: ModbusFraming = {
  isNumbered: true,
  wrap: rtuToTcpAdu,
  cut(held, awaited) {
    const whole = tcpAduLength(held);
    if (whole === 0) {
      const begin = held.subarray(0, 8).toString('hex');
      return { kind: 'broken', detail: { detail: `not Modbus TCP: ${begin}`, detailZh: `不是 Modbus TCP：${begin}` } };
    }
    if (whole === null || held.length < whole) return { kind: 'wait' };
    const adu = tcpAduAt(held, whole);
    const rest = held.length === whole ? NOTHING : held.subarray(whole);
    const stray = transactionMismatch(adu, awaited?.transaction);
    if (stray || !awaited) return { kind: 'stray', rest, detail: stray ?? { detail: '', detailZh: '' } };
    const detail = answerMismatch(awaited.expected, adu.unit, adu.pdu);
    return detail ? { kind: 'mismatch', rest, detail } : { kind: 'answer', rest, unit: adu.unit, pdu: adu.pdu };
  },
};

/** The TCP ADU of a read, functions 1 to 4, built without modbus-serial. */
export function encodeReadAdu({ unit, fc, start, count }: ReadRequestPdu, transaction: number): Buffer {
  const adu = Buffer.allocUnsafe(MBAP_BYTES + READ_PDU_BYTES);
  adu.writeUInt16BE(transaction, 0);
  adu.writeUInt16BE(0, 2);
  adu.writeUInt16BE(1 + READ_PDU_BYTES, 4);
  adu[6] = unit;
  adu[7] = fc;
  adu.writeUInt16BE(start, 8);
  adu.writeUInt16BE(count, 10);
  return adu;
}

/** An RTU frame as a TCP ADU. */
export function rtuToTcpAdu(frame: Buffer, transaction: number): Buffer {
  const body = frame.subarray(0, -CRC_BYTES);
  const header = Buffer.alloc(6);
  header.writeUInt16BE(transaction, 0);
  header.writeUInt16BE(body.length, 4);
  return Buffer.concat([header, body]);
}
