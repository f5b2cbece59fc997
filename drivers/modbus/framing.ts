/** How a request goes out and how its answer is found in what comes in: one of these for each envelope. Pure. */
import { MBAP_BYTES, mismatch, strayOf, tcpAduAt, tcpAduBytes, type Asked, type Detail } from './adu.ts';
import './faults.ts';

const CRC_BYTES = 2;
const READ_PDU_BYTES = 5;
const NOTHING = Buffer.alloc(0);

/** A read of cells: functions 1 to 4. */
export interface Readable extends Asked {
  start: number;
}

/** The question that is under way. */
export interface Awaited {
  asked: Asked;
  transaction: number;
  /** As it went out. */
  sent: Buffer;
}

export type Cut =
  /** More is needed; `orQuiet`: or that nothing more comes for a moment, since what is there may not be all. */
  | { kind: 'wait'; orQuiet?: boolean }
  | { kind: 'answer'; rest: Buffer; unit: number; pdu: Uint8Array }
  /** Nothing that anybody waits for. */
  | { kind: 'noise'; rest: Buffer }
  /** An answer to something else. */
  | { kind: 'stray'; rest: Buffer; detail: Detail }
  | { kind: 'mismatch'; rest: Buffer; detail: Detail }
  /** The stream cannot be cut any more. */
  | { kind: 'broken'; detail: Detail };

export interface Framing {
  /** Whether an answer names its request. Where not, a line must be quiet after a time-out, lest a late answer be taken for the next. */
  isNumbered: boolean;
  /** @param frame unit, PDU and CRC, as modbus-serial writes them */
  wrap(frame: Buffer, transaction: number): Buffer;
  /**
   * @param held all that came since the question (or, numbered, since the last cut)
   * @param isQuiet nothing more has come for a moment
   */
  cut(held: Buffer, awaited: Awaited | null, isQuiet: boolean): Cut;
  /** What was in `held` instead of an answer, for a field engineer; null when there was nothing. */
  describe?(held: Buffer, awaited: Awaited): { code: 'CV_MODBUS_ANSWER_STRAY' | 'CV_FRAME_CHECKSUM'; detail: Detail } | null;
}

/** Modbus TCP on a clean stream: nothing but ADUs, or the stream is given up. */
export const mbapFraming: Framing = {
  isNumbered: true,
  wrap: toMbap,
  cut(held, awaited) {
    const whole = tcpAduBytes(held);
    if (whole === 0) {
      const begin = held.subarray(0, 8).toString('hex');
      return { kind: 'broken', detail: { detail: `no Modbus TCP: ${begin}`, detailZh: `不是 Modbus TCP：${begin}` } };
    }
    if (whole === null || held.length < whole) return { kind: 'wait' };
    const adu = tcpAduAt(held, whole);
    const rest = held.length === whole ? NOTHING : held.subarray(whole);
    const stray = strayOf(adu, awaited?.transaction);
    if (stray || !awaited) return { kind: 'stray', rest, detail: stray ?? { detail: '', detailZh: '' } };
    const detail = mismatch(awaited.asked, adu.unit, adu.pdu);
    return detail ? { kind: 'mismatch', rest, detail } : { kind: 'answer', rest, unit: adu.unit, pdu: adu.pdu };
  },
};

/** The TCP ADU of a read, functions 1 to 4: all of it is known beforehand, so nobody else need write it. */
export function readAdu({ unit, fc, start, count }: Readable, transaction: number): Buffer {
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
export function toMbap(frame: Buffer, transaction: number): Buffer {
  const body = frame.subarray(0, -CRC_BYTES);
  const header = Buffer.alloc(6);
  header.writeUInt16BE(transaction, 0);
  header.writeUInt16BE(body.length, 4);
  return Buffer.concat([header, body]);
}
