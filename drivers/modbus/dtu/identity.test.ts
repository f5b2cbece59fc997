import assert from 'node:assert/strict';
import { test } from 'node:test';
import { dtuIdentity, matchesRegistration, packetText, withoutHeartbeats } from './identity.ts';

const by = (registration: Record<string, string>) => dtuIdentity('x', { registration, heartbeat: undefined, unit: 1 });

test('a text registers whole, alone or as a word among others, never as the beginning of a longer one', () => {
  const one = by({ ascii: 'DTU-1' });
  for (const said of ['DTU-1', 'DTU-1\r\n', 'DTU-1DTU-1', 'DTU-1\r\nDTU-1\r\n', 'REG:DTU-1;V2', ' DTU-1 '])
    assert.ok(matchesRegistration(Buffer.from(said), one), said);
  for (const said of ['', 'DTU-10', 'DTU-1.5', 'XDTU-1', 'DTU-', 'dtu-1', 'DTU-1DTU-10'])
    assert.ok(!matchesRegistration(Buffer.from(said), one), said);
});

test('hexadecimal bytes register whole, once or repeated', () => {
  const one = by({ hex: 'AA 00 01' });
  for (const said of ['aa0001', 'aa0001aa0001', 'aa00010d0aaa0001']) assert.ok(matchesRegistration(Buffer.from(said, 'hex'), one), said);
  for (const said of ['', 'aa000102', 'aa00', '00aa0001', 'aa0001aa00'])
    assert.ok(!matchesRegistration(Buffer.from(said, 'hex'), one), said);
});

test('an IMEI registers wherever it stands, but not inside a longer number', () => {
  const one = by({ imei: '861234567890123' });
  for (const said of ['861234567890123', 'IMEI:861234567890123,ICCID:89860', '{"imei":"861234567890123"}'])
    assert.ok(matchesRegistration(Buffer.from(said), one), said);
  for (const said of ['8612345678901234', '1861234567890123', '86123456789012'])
    assert.ok(!matchesRegistration(Buffer.from(said), one), said);
});

test('one without a packet is known by its unit, its own or the one that is named', () => {
  assert.deepEqual(
    [
      dtuIdentity('x', { registration: undefined, heartbeat: undefined, unit: 9 }).unit,
      by({}).unit,
      dtuIdentity('x', { registration: { unit: 4 }, heartbeat: undefined, unit: 9 }).unit,
    ],
    [9, 1, 4],
  );
  assert.ok(!matchesRegistration(Buffer.from('anything'), by({})));
});

test('heartbeats are no part of a packet; what is shown is text or hexadecimal', () => {
  assert.equal(withoutHeartbeats(Buffer.from('hbDThbU-1hb'), [Buffer.from('hb')]).toString(), 'DTU-1');
  assert.equal(packetText(Buffer.from('DTU-77\r\n')), '"DTU-77"');
  assert.equal(packetText(Buffer.from('fe01', 'hex')), '0xfe01');
});
