/** A refusal of any function is told with its own words, and names the place that was asked for. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decode } from './decode.ts';
import { frameOf } from './frame-of.ts';

function faultOf(request: string, answer: string) {
  const mbap = (pdu: string) => Buffer.from(`00010000${(pdu.length / 2 + 1).toString(16).padStart(4, '0')}11${pdu}`, 'hex');
  const [read] = frameOf.read([mbap(request), mbap(answer)], []);
  const decoded = read?.fault ? undefined : decode(read?.frame as Uint8Array, read?.request);
  const fault = read?.fault ?? (decoded?.ok === false ? decoded.fault : undefined);
  return [fault?.code, fault?.params?.place];
}

test('every exception of the standard, to a read and to a write', () => {
  assert.deepEqual(faultOf('0300640001', '8303'), ['CV_MODBUS_ILLEGAL_VALUE', 'holding:100']);
  assert.deepEqual(faultOf('0600640001', '8601'), ['CV_MODBUS_ILLEGAL_FUNCTION', 'holding:100']);
  assert.deepEqual(faultOf('050064ff00', '8502'), ['CV_MODBUS_ILLEGAL_ADDRESS', 'coil:100']);
  assert.deepEqual(faultOf('10006400020400010002', '9003')[0], 'CV_MODBUS_ILLEGAL_WRITE');
  assert.deepEqual(faultOf('16006400ff0000', '9604'), ['CV_MODBUS_DEVICE_FAILURE', 'holding:100']);
  assert.deepEqual(faultOf('170000000100640001020001', '9706')[0], 'CV_MODBUS_BUSY');
  assert.deepEqual(faultOf('2b0e0100', 'ab01')[0], 'CV_MODBUS_ILLEGAL_FUNCTION');
});

test('functions that give no points are named, not passed over', () => {
  assert.deepEqual(faultOf('16006400ff0000', '16006400ff0000')[0], 'CV_MODBUS_NOT_A_READ');
  assert.deepEqual(faultOf('2b0e0100', '2b0e01010000')[0], 'CV_MODBUS_NOT_A_READ');
});
