/** Decodes answers into values. Pure: no clock, no I/O. */
import type { Decoded, PointValue } from '../../core/driver.ts';
import { lostFrame } from '../../core/driver.ts';
import { FAULTS, type Fault, type FaultCode } from '../../core/faults.ts';
import type { FaultRow } from '../../core/faults/row.ts';
import { areaOfFunction, formatAddress, type ModbusArea } from './address.ts';
import { isException, answerMismatch } from './adu.ts';
import './faults.ts';
import { splitBlock, type ReadBlock, type PointRegisters, type ModbusRequest } from './requests.ts';
import { readValue } from './values.ts';
import { confirmationFault } from './write.ts';

const ILLEGAL_ADDRESS = 2;
const ILLEGAL_VALUE = 3;
/** The area that each write function writes to; 23 also reads. */
const WRITES: Readonly<Record<number, ModbusArea>> = { 5: 'coil', 15: 'coil', 6: 'holding', 16: 'holding', 22: 'holding', 23: 'holding' };
const NOTHING = new Uint8Array(0);

/** @see MODBUS Application Protocol V1.1b3, 6 */
const FUNCTIONS: Readonly<Record<number, readonly [en: string, zh: string]>> = {
  5: ['write single coil', '写单个线圈'],
  6: ['write single register', '写单个寄存器'],
  7: ['read exception status', '读异常状态'],
  8: ['diagnostics', '诊断'],
  11: ['get comm event counter', '读通信事件计数'],
  12: ['get comm event log', '读通信事件记录'],
  15: ['write multiple coils', '写多个线圈'],
  16: ['write multiple registers', '写多个寄存器'],
  17: ['report server id', '报告从站标识'],
  20: ['read file record', '读文件记录'],
  21: ['write file record', '写文件记录'],
  22: ['mask write register', '屏蔽写寄存器'],
  23: ['read/write multiple registers', '读写多个寄存器'],
  24: ['read FIFO queue', '读先进先出队列'],
  43: ['encapsulated interface, device identification', '封装接口、设备标识'],
};

function functionName(fc: number): { fc: number; name: string; nameZh: string } {
  const [name, nameZh] = FUNCTIONS[fc] ?? ['not in the standard', '标准未定义'];
  return { fc, name, nameZh };
}

/** @see MODBUS Application Protocol V1.1b3, 7 */
const EXCEPTIONS: Readonly<Record<number, FaultCode>> = {
  1: 'CV_MODBUS_ILLEGAL_FUNCTION', 2: 'CV_MODBUS_ILLEGAL_ADDRESS', 3: 'CV_MODBUS_ILLEGAL_VALUE', 4: 'CV_MODBUS_DEVICE_FAILURE',
  5: 'CV_MODBUS_ACKNOWLEDGED', 6: 'CV_MODBUS_BUSY', 8: 'CV_MODBUS_PARITY', 10: 'CV_MODBUS_GATEWAY_PATH', 11: 'CV_MODBUS_GATEWAY_TARGET',
};

/** Exceptions to functions that read no points: only other programs use them. */
const OTHER_EXCEPTIONS: Readonly<Record<number, FaultCode>> = {
  1: 'CV_MODBUS_UNKNOWN_FUNCTION',
  2: 'CV_MODBUS_ILLEGAL_REQUEST',
  3: 'CV_MODBUS_ILLEGAL_REQUEST',
};

/**
 * Reads the answer to one request.
 *
 * @param frame the answer's PDU. Where the link had to split a refused block, the PDU of exception 02 is followed by the
 *   frames of its two halves (`splitBlock`), each again of this form.
 * @param request needed to read the answer
 * @returns each point's value; where only some reads of a block failed, their points are bad and carry the fault.
 *   Where all failed: CV_MODBUS_… by exception, CV_MODBUS_ANSWER_MISMATCH, CV_FRAME_LENGTH. Never throws.
 */
export function decode(frame: Uint8Array, request?: ModbusRequest): Decoded {
  if (!request) return lostFrame('CV_FRAME_INVALID', { detail: 'an answer without its request', detailZh: '有应答而无请求' });
  if (request.cells) return decodeConfirmation(frame, request, request.cells);
  if (!areaOfFunction(request.fc)) {
    const isRefusal = frame.length === 2 && frame[0] === (request.fc | 0x80);
    return isRefusal
      ? { ok: false, fault: exceptionFault(frame[1] as number, request), points: [] }
      : lostFrame('CV_MODBUS_NOT_A_READ', functionName(request.fc));
  }
  const part = readPart(frame, request);
  if ('fault' in part) return { ok: false, fault: part.fault };
  if (part.rest.length > 0)
    return lostFrame('CV_FRAME_LENGTH', { detail: `${part.rest.length} bytes too many`, detailZh: `多出 ${part.rest.length} 字节` });
  return { ok: true, values: part.values };
}

/** A write gives no values; the read after it does. */
function decodeConfirmation(frame: Uint8Array, request: ModbusRequest, cells: readonly number[]): Decoded {
  if (frame.length === 2 && frame[0] === (request.fc | 0x80))
    return { ok: false, fault: exceptionFault(frame[1] as number, request), points: [] };
  const fault = confirmationFault(frame, request, cells);
  return fault ? { ok: false, fault, points: [] } : { ok: true, values: [] };
}

type PartialAnswer = { values: PointValue[]; rest: Uint8Array } | { fault: Fault; rest: Uint8Array };

function readPart(frame: Uint8Array, block: ReadBlock): PartialAnswer {
  const end = pduBytes(frame);
  const [pdu, rest] = end >= frame.length ? [frame, NOTHING] : [frame.subarray(0, end), frame.subarray(end)];
  if (pdu.length < 2)
    return { fault: { code: 'CV_FRAME_LENGTH', params: { detail: `${pdu.length} bytes`, detailZh: `${pdu.length} 字节` } }, rest };
  const problem = answerMismatch(block, block.unit, pdu);
  if (problem) return { fault: { code: 'CV_MODBUS_ANSWER_MISMATCH', params: problem }, rest };
  if (!isException(pdu)) return { values: valuesOf(pdu, block), rest };
  const fault = exceptionFault(pdu[1] as number, block);
  const halves = pdu[1] === ILLEGAL_ADDRESS && rest.length > 0 ? splitBlock(block) : null;
  return halves ? readHalves(rest, halves) : { fault, rest };
}

function readHalves(frame: Uint8Array, [low, high]: [ReadBlock, ReadBlock]): PartialAnswer {
  const first = readPart(frame, low);
  const second = readPart(first.rest, high);
  return { values: [...valuesOr(first, low), ...valuesOr(second, high)], rest: second.rest };
}

/** The values of a read, or its points as bad with the fault where it failed. */
function valuesOr(part: PartialAnswer, block: ReadBlock): PointValue[] {
  return 'values' in part ? part.values : block.items.map((item) => bad(item, part.fault));
}

/** Offset of the values, after function code and byte count. */
const VALUES_AT = 2;

function valuesOf(pdu: Uint8Array, { items, start, fc }: ReadBlock): PointValue[] {
  if (fc <= 2) return items.map((item) => bitOf(pdu, item, item.start - start));
  const wire = new DataView(pdu.buffer, pdu.byteOffset + VALUES_AT, pdu.length - VALUES_AT);
  return items.map((item) => valueOf(wire, item, (item.start - start) * 2));
}

function bitOf(pdu: Uint8Array, { point }: PointRegisters, at: number): PointValue {
  return { point, value: (((pdu[VALUES_AT + (at >>> 3)] as number) >>> (at & 7)) & 1) === 1 };
}

function valueOf(wire: DataView, item: PointRegisters, from: number): PointValue {
  const read = readValue(wire, item, from);
  return typeof read === 'object' ? bad(item, read.fault) : { point: item.point, value: read };
}

function bad(item: PointRegisters, fault: Fault | undefined): PointValue {
  const row: FaultRow | undefined = fault && FAULTS[fault.code];
  return { point: item.point, value: null, quality: 'bad', flags: [row?.flag ?? 'sensor'], ...(fault ? { fault } : {}) };
}

function exceptionFault(exception: number, { unit, fc, start, count }: ReadBlock): Fault {
  const area = areaOfFunction(fc) ?? WRITES[fc];
  if (!area)
    return {
      code: OTHER_EXCEPTIONS[exception] ?? EXCEPTIONS[exception] ?? 'CV_MODBUS_EXCEPTION',
      params: { unit, exception, ...functionName(fc) },
    };
  const code =
    exception === ILLEGAL_VALUE && !areaOfFunction(fc) ? 'CV_MODBUS_ILLEGAL_WRITE' : (EXCEPTIONS[exception] ?? 'CV_MODBUS_EXCEPTION');
  return { code, params: { unit, fc, place: formatAddress(area, start, Math.max(1, count)), exception } };
}

/** Length of the PDU at the start of a frame, by its byte count. */
function pduBytes(frame: Uint8Array): number {
  const [fc = 0, second = 0] = frame;
  return fc & 0x80 || !areaOfFunction(fc) ? 2 : 2 + second;
}
