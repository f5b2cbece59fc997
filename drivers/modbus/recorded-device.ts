/** Answers as a recorded device: registers and coils taken from recorded blocks. Pure. */
import type { RecordedExchange } from '../../core/recording.ts';
import { crc16Modbus } from './crc16.ts';
import { areaOfFunction } from './address.ts';
import { isException, MBAP_BYTES, type ModbusAdu } from './adu.ts';
import { valueBytes, maxCount } from './requests.ts';

type Read = (message: Uint8Array) => ModbusAdu | null;

const ILLEGAL_FUNCTION = 1;
const ILLEGAL_ADDRESS = 2;

interface CellRange {
  fc: number;
  start: number;
  count: number;
}

/** The answer to a read, where a recorded answer contains all requested registers or bits; null otherwise. */
export function answerFromRecorded(question: Uint8Array, recorded: RecordedExchange, read: Read): Uint8Array | null {
  const [asked, answered, before] = [read(question), read(recorded.answer), read(recorded.question)];
  if (!asked || !answered || !before || asked.unit !== before.unit || answered.unit !== asked.unit || isException(answered.pdu))
    return null;
  const [wanted, had] = [cellsOf(asked.pdu), cellsOf(before.pdu)];
  if (!wanted || !had || wanted.fc !== had.fc || wanted.start < had.start || wanted.start + wanted.count > had.start + had.count)
    return null;
  if (answered.pdu.length !== 2 + valueBytes(had.fc, had.count)) return null;
  const data = answered.pdu.subarray(2);
  const from = wanted.start - had.start;
  const cells = wanted.fc > 2 ? data.subarray(from * 2, (from + wanted.count) * 2) : bits(data, from, wanted.count);
  return envelope(asked, Uint8Array.of(wanted.fc, cells.length, ...cells));
}

/** The answer of a device to an unknown address or function. */
export function illegalAddressAnswer(question: Uint8Array, read: Read): Uint8Array | null {
  const asked = read(question);
  if (!asked) return null;
  const fc = asked.pdu[0] as number;
  return envelope(asked, Uint8Array.of(fc | 0x80, areaOfFunction(fc) ? ILLEGAL_ADDRESS : ILLEGAL_FUNCTION));
}

function cellsOf(pdu: Uint8Array): CellRange | null {
  const fc = pdu[0] as number;
  if (!areaOfFunction(fc) || pdu.length !== 5) return null;
  const [start, count] = [((pdu[1] as number) << 8) | (pdu[2] as number), ((pdu[3] as number) << 8) | (pdu[4] as number)];
  return count >= 1 && count <= maxCount(fc) ? { fc, start, count } : null;
}

function bits(data: Uint8Array, from: number, count: number): Uint8Array {
  const packed = new Uint8Array(Math.ceil(count / 8));
  for (let at = 0; at < count; at += 1) {
    const bit = ((data[(from + at) >>> 3] as number) >>> ((from + at) & 7)) & 1;
    packed[at >>> 3] = (packed[at >>> 3] as number) | (bit << (at & 7));
  }
  return packed;
}

/** Wraps a PDU in the kind of ADU of the request. */
function envelope({ transaction, unit }: ModbusAdu, pdu: Uint8Array): Uint8Array {
  if (transaction !== undefined) {
    const length = pdu.length + 1;
    return Uint8Array.of(transaction >>> 8, transaction & 0xff, 0, 0, length >>> 8, length & 0xff, unit, ...pdu).subarray(
      0,
      MBAP_BYTES + pdu.length,
    );
  }
  const frame = Uint8Array.of(unit, ...pdu);
  const crc = crc16Modbus(frame);
  return Uint8Array.of(...frame, crc & 0xff, crc >>> 8);
}
