/** A refusal of any function is told with its own words, and names the place that was asked for. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { z } from 'zod';
import { explain, type Fault } from '../../core/faults.ts';
import { decode } from './decode.ts';
import modbus from './driver.ts';
import { frameReader } from './frame-reader.ts';
import { recording } from './recording.ts';
import type { ModbusSettings } from './settings.ts';

function faultOf(request: string, answer: string) {
  const fault = refused(request, answer);
  return [fault?.code, fault?.params.place];
}

function explained(request: string, answer: string): string {
  return explain(refused(request, answer) as Fault, 'en').message;
}

function refused(request: string, answer: string): Fault | undefined {
  const mbap = (pdu: string) => Buffer.from(`00010000${(pdu.length / 2 + 1).toString(16).padStart(4, '0')}11${pdu}`, 'hex');
  const [read] = frameReader.read([mbap(request), mbap(answer)], []);
  const decoded = read?.fault ? undefined : decode(read?.frame as Uint8Array, read?.request);
  return read?.fault ?? (decoded?.ok === false ? decoded.fault : undefined);
}

test('every exception of the standard, to a read and to a write', () => {
  assert.deepEqual(faultOf('0300640001', '8303'), ['CV_MODBUS_ILLEGAL_VALUE', 'holding:100']);
  assert.deepEqual(faultOf('0600640001', '8601'), ['CV_MODBUS_ILLEGAL_FUNCTION', 'holding:100']);
  assert.deepEqual(faultOf('050064ff00', '8502'), ['CV_MODBUS_ILLEGAL_ADDRESS', 'coil:100']);
  assert.deepEqual(faultOf('10006400020400010002', '9003')[0], 'CV_MODBUS_ILLEGAL_WRITE');
  assert.deepEqual(faultOf('16006400ff0000', '9604'), ['CV_MODBUS_DEVICE_FAILURE', 'holding:100']);
  assert.deepEqual(faultOf('170000000100640001020001', '9706')[0], 'CV_MODBUS_BUSY');
});

test('a refusal of a function that no point uses names the function, and speaks of no address nor value', () => {
  const told = (request: string, answer: string) => faultOf(request, answer).slice(0, 1).concat(explained(request, answer));
  assert.deepEqual(told('2b0e0100', 'ab01'), [
    'CV_MODBUS_UNKNOWN_FUNCTION',
    'unit 17 does not support function 43 (encapsulated interface, device identification) (exception 01)',
  ]);
  assert.deepEqual(told('0b', '8b03'), [
    'CV_MODBUS_ILLEGAL_REQUEST',
    'unit 17 refused the request of function 11 (get comm event counter) (exception 03)',
  ]);
  assert.deepEqual(told('1400', '9402'), [
    'CV_MODBUS_ILLEGAL_REQUEST',
    'unit 17 refused the request of function 20 (read file record) (exception 02)',
  ]);
  assert.deepEqual(told('7e00', 'fe03'), [
    'CV_MODBUS_ILLEGAL_REQUEST',
    'unit 17 refused the request of function 126 (not in the standard) (exception 03)',
  ]);
  assert.deepEqual(told('1103', '9104'), ['CV_MODBUS_DEVICE_FAILURE', 'unit 17 reports a failure of its own (exception 04)']);
  assert.deepEqual(told('11', '9142'), ['CV_MODBUS_EXCEPTION', 'unit 17 answered with exception 66, which the standard does not name']);
});

test('functions that give no points are named, not passed over', () => {
  assert.deepEqual(faultOf('16006400ff0000', '16006400ff0000')[0], 'CV_MODBUS_NOT_A_READ');
  assert.deepEqual(faultOf('2b0e0100', '2b0e01010000')[0], 'CV_MODBUS_NOT_A_READ');
});

test('a refusal is told as such, whatever was wrong with its question', () => {
  assert.deepEqual(faultOf('0100000000', '8103'), ['CV_MODBUS_ILLEGAL_VALUE', 'coil:0']);
  assert.deepEqual(faultOf('0300640000', '8302'), ['CV_MODBUS_ILLEGAL_ADDRESS', 'holding:100']);
});

const mbap = (pdu: string) => Buffer.from(`00010000${(pdu.length / 2 + 1).toString(16).padStart(4, '0')}11${pdu}`, 'hex');
const SETTINGS = modbus.settings.parse({ host: '192.0.2.1', unit: 17 }) as ModbusSettings;
const POINTS = [
  { id: 'a', ...(modbus.point as z.ZodObject).parse({ address: 'holding:1' }) },
  { id: 'b', ...(modbus.point as z.ZodObject).parse({ address: 'holding:2' }) },
] as { id: string }[];

function exchange(question: string, answer: string) {
  const read = recording.exchangeOf?.({ question: mbap(question), answer: mbap(answer) }, POINTS as never, SETTINGS);
  if (!read) return null;
  const decoded = read.fault ? { ok: false as const, fault: read.fault } : decode(read.frame, read.request);
  return decoded.ok
    ? Object.fromEntries((decoded.values ?? []).map(({ point, value }) => [point, value]))
    : [decoded.fault.code, decoded.fault.params?.fc ?? null];
}

test('of a capture, what function 23 read gives its points; what gives none is named; a write is confirmed or refused', () => {
  assert.deepEqual(exchange('1700010002000100010200ff', '170400aa00bb'), { a: 0xaa, b: 0xbb });
  assert.deepEqual(exchange('1700010002000100010200ff', '17020000'), ['CV_MODBUS_NOT_A_READ', 23], 'one register where two were asked for');
  assert.deepEqual(exchange('1700010002000100010200ff', '9702'), ['CV_MODBUS_ILLEGAL_ADDRESS', 23]);
  assert.deepEqual(exchange('16000affffdead', '16000affffdead'), ['CV_MODBUS_NOT_A_READ', 22]);
  assert.deepEqual(exchange('2b0e0100', '2b0e01010000'), ['CV_MODBUS_NOT_A_READ', 43]);
  assert.deepEqual(exchange('060064000b', '060064000b'), {});
  assert.deepEqual(exchange('060064000b', '8603'), ['CV_MODBUS_ILLEGAL_WRITE', 6]);
  assert.equal(
    recording.exchangeOf?.(
      { question: mbap('2b0e0100'), answer: mbap('ab01') },
      POINTS as never,
      { ...SETTINGS, unit: 3 } as ModbusSettings,
    ),
    null,
    'another unit',
  );
});

test('of a capture: which requests are writes, as they would be made; what reads, or is ill-formed, is none', () => {
  const requestOf = (pdu: string, points = POINTS) => {
    const request = recording.requestOf?.(mbap(pdu), points as never, SETTINGS);
    return request ? [request.fc, request.start, request.count, request.cells ?? request.points] : null;
  };
  assert.deepEqual(requestOf('050003ff00'), [5, 3, 1, [1]]);
  assert.deepEqual(requestOf('0500030000'), [5, 3, 1, [0]]);
  assert.deepEqual(requestOf('060003abcd'), [6, 3, 1, [0xabcd]]);
  assert.deepEqual(requestOf('10000300020400010002'), [16, 3, 2, [1, 2]]);
  assert.deepEqual(requestOf('0f0003000a02cd01'), [15, 3, 10, [1, 0, 1, 1, 0, 0, 1, 1, 1, 0]]);
  assert.deepEqual(requestOf('0300010002'), [3, 1, 2, ['a', 'b']], 'a read');
  assert.equal(requestOf('0300200002'), null, 'a read of none of the points');
  assert.equal(requestOf('05000300'), null, 'too short');
  assert.equal(requestOf('060003abcd00'), null, 'too long');
  assert.equal(requestOf('100003000203000100'), null, 'bytes that are not two a register');
  assert.equal(requestOf('0f0003000a01cd'), null, 'fewer bits than stated');
  assert.equal(requestOf('1000030002040001'), null, 'fewer bytes than stated');
  assert.equal(requestOf('16000affffdead'), null);
  assert.equal(
    recording.requestOf?.(mbap('060003abcd'), POINTS as never, { ...SETTINGS, unit: 3 } as ModbusSettings),
    null,
    'another unit',
  );
});
