/** How a Modbus device is recorded and played back, with either kind of ADU. Pure. */
import type { BytesRecording, Direction, MessageNotes, ByteSpan } from '../../core/recording.ts';
import { crc16Modbus } from './crc16.ts';
import { areaOfFunction } from './address.ts';
import { readRtuAdu, readTcpAdu, tcpAduLength, type ModbusAdu } from './adu.ts';
import { frameReader, parseRequest } from './frame-reader.ts';
import type { ModbusRequest } from './requests.ts';
import type { ModbusPoint, ModbusSettings } from './settings.ts';
import { answerFromRecorded, illegalAddressAnswer } from './recorded-device.ts';
import { surveyCapture } from './survey-capture.ts';

type Point = { id: string } & ModbusPoint;

const CRC_BYTES = 2;
const EXCEPTION_BIT = 0x80;
const TRANSACTION: readonly ByteSpan[] = [{ name: 'transaction', at: 0, length: 2 }];
/** Longest RTU frame. */
const MAX_RTU_BYTES = 256;

export const recording: BytesRecording<ModbusSettings, Point, ModbusRequest, Uint8Array> = {
  level: 'bytes',
  cut: (bytes, direction, settings) => (isMbap(settings) ? tcpAduLength(bytes) : rtuBytes(bytes, direction)),
  notes(message, direction, settings): MessageNotes | null {
    const adu = aduOf(message, settings);
    if (!adu || adu.pdu.length === 0) return null;
    return { role: direction === 'out' ? 'asks' : 'answers', ...(adu.transaction === undefined ? {} : { correlators: TRANSACTION }) };
  },
  seal(message, _direction, settings) {
    if (isMbap(settings) || message.length < CRC_BYTES) return;
    const crc = crc16Modbus(message.subarray(0, -CRC_BYTES));
    message[message.length - 2] = crc & 0xff;
    message[message.length - 1] = crc >>> 8;
  },
  belongs(answer, question, settings) {
    const [reply, asked] = [aduOf(answer, settings), aduOf(question, settings)];
    if (!reply || !asked || reply.transaction !== asked.transaction) return false;
    // On a serial line every frame answers the last request, if wrongly.
    return reply.transaction === undefined || (reply.unit === asked.unit && ((reply.pdu[0] as number) & ~EXCEPTION_BIT) === asked.pdu[0]);
  },
  requestOf(message, points, settings) {
    const adu = aduOf(message, settings);
    if (!adu || adu.unit !== settings.unit) return null;
    const write = writeOf(adu);
    if (write) return write;
    if (!areaOfFunction(adu.pdu[0] as number)) return null;
    const request = parseRequest(adu, points);
    return 'code' in request || request.points.length === 0 ? null : request;
  },
  exchangeOf({ question, answer }, points, settings) {
    const [asked, reply] = [aduOf(question, settings), aduOf(answer, settings)];
    if (asked?.unit !== settings.unit) return null;
    const write = writeOf(asked);
    if (write && reply) return { frame: reply.pdu, request: write };
    const read = frameReader.read([question, answer], points)[0];
    if (!read) return null;
    return read.fault ? { fault: read.fault } : { frame: read.frame, request: read.request as ModbusRequest };
  },
  partOf: (question, recorded, settings) => answerFromRecorded(question, recorded, (message) => aduOf(message, settings)),
  refusal: (question, settings) => illegalAddressAnswer(question, (message) => aduOf(message, settings)),
  captures: {
    tcp: [502],
    device: 'listens',
    settings: { host: '192.0.2.1' },
    survey: (messages, place, settings) => surveyCapture(messages, place, (message) => aduOf(message, settings)),
  },
};

function isMbap({ transport, framing }: ModbusSettings): boolean {
  return transport === 'tcp' || (transport === 'dtu' && framing === 'tcp');
}

function aduOf(message: Uint8Array, settings: ModbusSettings): ModbusAdu | null {
  if (isMbap(settings)) return readTcpAdu(message);
  const adu = readRtuAdu(message);
  return typeof adu === 'string' ? null : adu;
}

/** A serial frame has no start mark: it begins where one of the possible lengths of its function ends with a valid CRC. */
function rtuBytes(bytes: Uint8Array, direction: Direction): number | null {
  if (bytes.length < 3) return null;
  const lengths = direction === 'out' ? requestLengths(bytes) : answerLengths(bytes);
  const whole = lengths.find((length) => length <= bytes.length && typeof readRtuAdu(bytes.subarray(0, length)) === 'object');
  if (whole !== undefined) return whole;
  return lengths.some((length) => length > bytes.length && length <= MAX_RTU_BYTES) ? null : 0;
}

function requestLengths(bytes: Uint8Array): number[] {
  const fc = bytes[1] as number;
  if (fc >= 1 && fc <= 6) return [8];
  if (fc === 15 || fc === 16) return bytes.length < 7 ? [9] : [7 + (bytes[6] as number) + CRC_BYTES];
  return fc === 43 ? [7] : [];
}

function answerLengths(bytes: Uint8Array): number[] {
  const fc = bytes[1] as number;
  if (fc & EXCEPTION_BIT) return [5];
  if (fc >= 1 && fc <= 4) return [3 + (bytes[2] as number) + CRC_BYTES];
  if ([5, 6, 15, 16].includes(fc)) return [8];
  return fc === 43 ? [identificationLength(bytes)] : [];
}

/** unit, 43, 14, code, conformity, more, next, objects, then each object's number, length and text. */
function identificationLength(bytes: Uint8Array): number {
  let end = 8;
  for (let objects = bytes[7] ?? 0; objects > 0; objects -= 1) end += 2 + (bytes[end + 1] ?? 0);
  return end + CRC_BYTES;
}

/** Functions 5, 6, 15 and 16 as `write.ts` makes them. */
function writeOf({ unit, pdu }: ModbusAdu): ModbusRequest | null {
  const fc = pdu[0] as number;
  const word = (at: number) => ((pdu[at] as number) << 8) | (pdu[at + 1] as number);
  const made = (cells: number[]): ModbusRequest => ({ unit, fc, start: word(1), count: cells.length, cells, items: [], points: [] });
  if ((fc === 5 || fc === 6) && pdu.length === 5) return made([fc === 5 ? Number(word(3) !== 0) : word(3)]);
  if ((fc !== 15 && fc !== 16) || pdu.length < 6) return null;
  const count = word(3);
  if (pdu.length !== 6 + (pdu[5] as number)) return null;
  if (fc === 16) return pdu[5] === count * 2 ? made(Array.from({ length: count }, (_, at) => word(6 + at * 2))) : null;
  return pdu[5] === Math.ceil(count / 8)
    ? made(Array.from({ length: count }, (_, at) => ((pdu[6 + (at >>> 3)] as number) >>> (at & 7)) & 1))
    : null;
}

