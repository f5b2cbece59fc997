/** Reads frames from bytes of a command line or file: request ADU and answer ADU in turn, MBAP or RTU. Pure. */
import type { FrameRead, FrameReader } from '../../core/driver.ts';
import type { Fault, FaultCode } from '../../core/faults.ts';
import { areaOfFunction, isRegister, formatAddress } from './address.ts';
import { answerMismatch, readRtuAdu, readTcpAdu, transactionMismatch, type ModbusAdu } from './adu.ts';
import './faults.ts';
import { readBlock, pointRegisters, maxCount, type PointRegisters, type ModbusRequest } from './requests.ts';
import type { ModbusPoint } from './settings.ts';

type Point = { id: string } & ModbusPoint;

const READ_HOLDING = 3;
const READ_WRITE = 23;

export const frameReader: FrameReader<Uint8Array, ModbusRequest> = {
  level: 'bytes',
  read(input, points) {
    const reads: FrameRead<Uint8Array, ModbusRequest>[] = [];
    for (let at = 0; at < input.length; at += 2) reads.push(pair(input[at], input[at + 1], points as readonly Point[]));
    return reads;
  },
};

function pair(askedBytes: unknown, answerBytes: unknown, points: readonly Point[]): FrameRead<Uint8Array, ModbusRequest> {
  const both = readPair(askedBytes, answerBytes);
  if ('code' in both) return { fault: both };
  const [asked, answer] = both;
  const read = points.length > 0 ? readPartOfFunction23(asked, answer) : null;
  if (read) {
    const request = parseRequest(read.asked, points);
    if (!('code' in request) && request.points.length > 0) return { frame: read.answer.pdu, request };
  }
  const checked = parseRequest(asked, points);
  // A refusal is the device's answer, whatever is wrong with the request.
  const request =
    'code' in checked && isRefusal(asked.pdu, answer.pdu)
      ? { ...readBlock(asked.unit, asked.pdu[0] as number, []), ...rangeOf(asked.pdu) }
      : checked;
  if ('code' in request) return { fault: request };
  const problem = transactionMismatch(answer, asked.transaction) ?? answerMismatch(request, answer.unit, answer.pdu);
  if (problem) return { fault: { code: 'CV_MODBUS_ANSWER_MISMATCH', params: problem } };
  return { frame: answer.pdu, request };
}

/**
 * Both ADUs of one kind: RTU when both checksums are right, else MBAP. The checksum comes first because the RTU request
 * for two registers of address 0 (`01 03 00 00 00 02` and its CRC) looks like an MBAP header.
 */
function readPair(asked: unknown, answer: unknown): [ModbusAdu, ModbusAdu] | Fault {
  if (!(asked instanceof Uint8Array) || !(answer instanceof Uint8Array)) {
    return wrong('CV_FRAME_LENGTH', 'expected a request and its answer, one ADU per line', '需要请求与应答成对，每行一个报文');
  }
  const rtu = [readRtuAdu(asked), readRtuAdu(answer)] as const;
  if (typeof rtu[0] === 'object' && typeof rtu[1] === 'object') return [rtu[0], rtu[1]];
  const tcp = [readTcpAdu(asked), readTcpAdu(answer)] as const;
  if (tcp[0] && tcp[1]) return [tcp[0], tcp[1]];
  if (rtu.includes('length') && !tcp[0] && !tcp[1])
    return wrong('CV_FRAME_LENGTH', `${asked.length} and ${answer.length} bytes`, `${asked.length} 和 ${answer.length} 字节`);
  const [en, zh] = tcp[0] || typeof rtu[0] === 'object' ? ['answer', '应答'] : ['request', '请求'];
  return wrong('CV_FRAME_CHECKSUM', `the ${en} has neither a valid MBAP header nor a valid RTU CRC`, `${zh}既无有效的 MBAP 头，RTU 的 CRC 也不符`);
}

/**
 * Parses a request ADU, with the points inside its range. Without configured points its registers are named by address,
 * as uint16. A function that reads no points gives a request without points, which decode reports.
 */
export function parseRequest({ unit, pdu }: ModbusAdu, points: readonly Point[]): ModbusRequest | Fault {
  const fc = pdu[0] as number;
  const area = areaOfFunction(fc);
  if (!area) return { ...readBlock(unit, fc, []), ...rangeOf(pdu) };
  if (pdu.length !== 5) return wrong('CV_FRAME_LENGTH', `request of ${pdu.length} bytes, expected 5`, `请求 ${pdu.length} 字节，应为 5`);
  const [start, count] = [((pdu[1] as number) << 8) | (pdu[2] as number), ((pdu[3] as number) << 8) | (pdu[4] as number)];
  if (count < 1 || count > maxCount(fc) || start + count > 0x10000)
    return wrong('CV_FRAME_INVALID', `a request for ${count} from ${start}`, `从 ${start} 起请求 ${count} 个`);
  const items =
    points.length === 0
      ? Array.from({ length: count }, (_, at) => plainItem(area, start + at))
      : points
          .filter((point) => point.address.area === area)
          .map(pointRegisters)
          .filter((item) => item.start >= start && item.start + item.count <= start + count);
  return { unit, fc, start, count, items, points: items.map((item) => item.point) };
}

/** Function 23 writes, then reads: its read part as a function 3 exchange. Null when it is not function 23, or was refused. */
export function readPartOfFunction23(asked: ModbusAdu, answer: ModbusAdu): { asked: ModbusAdu; answer: ModbusAdu } | null {
  if (
    asked.pdu[0] !== READ_WRITE ||
    answer.pdu[0] !== READ_WRITE ||
    asked.pdu.length < 10 ||
    transactionMismatch(answer, asked.transaction)
  )
    return null;
  const [asRead, answered] = [
    { ...asked, pdu: Uint8Array.of(READ_HOLDING, ...asked.pdu.subarray(1, 5)) },
    { ...answer, pdu: Uint8Array.of(READ_HOLDING, ...answer.pdu.subarray(1)) },
  ];
  const request = parseRequest(asRead, []);
  return 'code' in request || answerMismatch(request, answered.unit, answered.pdu) ? null : { asked: asRead, answer: answered };
}

function isRefusal(asked: Uint8Array, answer: Uint8Array): boolean {
  return answer.length === 2 && answer[0] === ((asked[0] as number) | 0x80);
}

/** Start and count of a request, so that its refusal can name them. */
function rangeOf(pdu: Uint8Array): { start: number; count: number } {
  const word = (at: number) => (((pdu[at] ?? 0) << 8) | (pdu[at + 1] ?? 0));
  switch (pdu[0]) {
    case 5: case 6: case 22: return { start: word(1), count: 1 };
    case 1: case 2: case 3: case 4: case 15: case 16: case 23: return { start: word(1), count: word(3) };
    default: return { start: 0, count: 0 };
  }
}

function plainItem(area: Parameters<typeof isRegister>[0], at: number): PointRegisters {
  return {
    point: formatAddress(area, at),
    type: isRegister(area) ? 'uint16' : 'bool',
    wordOrder: 'big',
    byteOrder: 'big',
    start: at,
    count: 1,
  };
}

function wrong(code: FaultCode, detail: string, detailZh: string): Fault {
  return { code, params: { detail, detailZh } };
}
