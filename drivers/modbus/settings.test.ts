/** What an installer may write for each transport, and what is said when it does not fit. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { busOf, settings, settleMsOf } from './settings.ts';

const refused = (written: Record<string, unknown>) => {
  const { error } = settings.safeParse(written);
  return error?.issues.map(({ path, message }) => `${path.join('.')}: ${message}`) ?? [];
};

test('each transport has what it needs, and is told what it lacks', () => {
  const wrong: [Record<string, unknown>, RegExp][] = [
    [{}, /^host: tcp needs/],
    [{ transport: 'rtu-tcp', port: 4001 }, /^host: rtu-tcp needs/],
    [{ host: 'a', port: '/dev/ttyS0' }, /^port: ".dev.ttyS0" is a text/],
    [{ transport: 'rtu' }, /^port: rtu needs/],
    [{ transport: 'dtu' }, /^listen: dtu needs/],
    [{ transport: 'dtu', listen: '0.0.0.0' }, /^listen: not an address/],
    [{ transport: 'dtu', listen: '0.0.0.0:70000' }, /^listen: not an address/],
    [{ transport: 'dtu', listen: '0.0.0.0:6000', registration: { ascii: 'a', hex: '01' } }, /^registration: one of/],
    [{ transport: 'dtu', listen: '0.0.0.0:6000', heartbeat: {} }, /^heartbeat: one of/],
    [{ transport: 'dtu', listen: '0.0.0.0:6000', registration: { imei: '123' } }, /^registration.imei: an IMEI/],
    [{ transport: 'dtu', listen: '0.0.0.0:6000', heartbeat: { hex: 'F' } }, /^heartbeat.hex: not hex/],
    [{ transport: 'rtu', port: 'ttyS0', unit: 0 }, /^unit: unit 0/],
    [{ transport: 'rtu-tcp', host: 'a', unit: 248 }, /^unit: unit 248/],
    [{ transport: 'rtu', port: 'ttyS0', parity: 'mark' }, /^parity/],
  ];
  for (const [written, pattern] of wrong) assert.match(refused(written).join('\n') || 'taken', pattern, JSON.stringify(written));
  for (const written of [
    { host: 'a' },
    { host: 'a', unit: 255 },
    { transport: 'rtu', port: 'ttyS0' },
    { transport: 'dtu', listen: '[::]:6000', framing: 'tcp', unit: 255 },
  ])
    assert.deepEqual(refused(written), []);
});

test('devices share a link by what carries them: the address, the line, or the data unit and not its port', () => {
  const key = (written: Record<string, unknown>) => busOf(settings.parse(written));
  const dtu = { transport: 'dtu', listen: '0.0.0.0:6000' };
  assert.equal(key({ ...dtu, registration: { ascii: 'A' }, unit: 1 }), key({ ...dtu, registration: { ascii: 'A' }, unit: 2 }));
  assert.equal(key({ ...dtu, registration: { hex: 'AA 01' } }), key({ ...dtu, registration: { hex: 'aa01' } }));
  const keys = [
    { host: 'a' },
    { host: 'a', port: 503 },
    { transport: 'rtu-tcp', host: 'a' },
    { transport: 'rtu', port: 'ttyS0' },
    { ...dtu, registration: { ascii: 'A' } },
    { ...dtu, registration: { ascii: 'B' } },
    { ...dtu, unit: 1 },
    { ...dtu, unit: 2 },
  ].map(key);
  assert.equal(new Set(keys).size, keys.length);
});

test('lines without transaction numbers are quiet after a time-out, as long as is written', () => {
  assert.deepEqual(
    [settleMsOf({ transport: 'tcp' }), settleMsOf({ transport: 'rtu' }), settleMsOf({ transport: 'dtu', settleMs: 0 })],
    [0, 200, 0],
  );
});
