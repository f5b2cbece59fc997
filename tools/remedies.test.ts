/** What a remedy asks for has to be there: a device on a network has no baud rate of ours. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FAULTS, type FaultCode } from '../core/faults.ts';
import type { FaultRow } from '../core/faults/row.ts';
import '../cli/all-faults.ts';

const SERIAL = /\b(wiring|termination|baud|speed of the line|another speed)\b|接线|终端电阻|波特率/;
const NETWORK = /\b(network|gateway)\b|网络|网关/;
/** Told of a serial port alone. */
const OF_A_PORT: ReadonlySet<FaultCode> = new Set(['CV_MODBUS_PORT', 'CV_DESCRIBED_PORT']);

test('whoever is told to look at a serial line is told what to look at where a network lies in between', () => {
  const rows = Object.entries(FAULTS) as [FaultCode, FaultRow][];
  const serial = rows.filter(([code, { en, zh }]) => !OF_A_PORT.has(code) && (SERIAL.test(en[1]) || SERIAL.test(zh[1])));
  assert.ok(serial.length >= 4, 'there are such remedies');
  for (const [code, { en, zh }] of serial) {
    assert.ok(SERIAL.test(en[1]) && SERIAL.test(zh[1]), `${code}: both languages speak of the line`);
    assert.ok(NETWORK.test(en[1]) && NETWORK.test(zh[1]), `${code}: ${en[1]} / ${zh[1]}`);
  }
});

test('a device that does not answer may have no unit number', () => {
  const { en, zh } = FAULTS.CV_LINK_TIMEOUT;
  assert.match(en[1], /address is right and, where it has one, its unit number/);
  assert.match(zh[1], /有站号的还要检查站号/);
});
