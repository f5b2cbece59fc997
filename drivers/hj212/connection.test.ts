import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FaultError } from '../../core/faults.ts';
import { settle } from '../../core/testing/virtual-clock.ts';
import { framed } from './testing/logger.ts';
import { memoryPort, MN } from './testing/memory-port.ts';

const POINTS = [{ id: 'pm25', factor: 'a34004' }];
const upload = (value: number) => `DataTime=20260101080000;a34004-Rtd=${value},a34004-Flag=N`;
const DIALLED = { host: '192.168.1.60', port: 5002 };
const packet = (content = upload(9), cn = '2011') => framed(`QN=20260101080000123;ST=22;CN=${cn};PW=secret;MN=${MN};Flag=4;CP=&&${content}&&`);

test('a logger that we dial ends the link when it hangs up, with what the system said; what it began is told as cut short', async () => {
  for (const [isReset, detail, detailZh] of [[false, 'by the device', '设备主动断开'], [true, 'read ECONNRESET', 'read ECONNRESET']] as const) {
    const port = memoryPort();
    const logger = port.waits();
    const station = await port.station(POINTS, DIALLED);
    await logger.say('2011', upload(1));
    await logger.bytes(packet().subarray(0, 40));
    assert.deepEqual([station.given(), port.faults, station.error()], [[1], [], null]);
    await logger.hangUp(isReset);
    const error = station.error();
    assert.ok(error instanceof FaultError);
    assert.deepEqual(error.fault, { code: 'CV_LINK_CLOSED', params: { address: '192.168.1.60:5002', detail, detailZh } });
    assert.deepEqual(port.codes(), ['CV_HJ212_SHORT']);
    assert.match(String(port.faults[0]?.params?.address), /^192\.168\.1\.60:5002 \(192\.0\.2\.1:40000\)$/);
    await station.end();
  }
});

test('a link that we dialled and close ourselves is no fault, and hangs up; what others say on it is not this station\'s', async () => {
  const port = memoryPort();
  const logger = port.waits();
  const station = await port.station(POINTS, DIALLED);
  await logger.say('2011', upload(1), { mn: 'B2' });
  await logger.say('2011', upload(2));
  await logger.bytes(packet().subarray(0, 40));
  await station.link.close();
  await station.listening;
  assert.deepEqual([station.given(), station.error(), port.faults, logger.isLetGo], [[2], null, [], true]);
  await station.link.close();
});

test('one that dials and drops within a packet is told; the link stays for the next time', async () => {
  const port = memoryPort();
  const station = await port.station(POINTS);
  const logger = port.dial();
  await logger.say('2011', upload(1));
  await logger.bytes(packet().subarray(0, 40));
  await logger.hangUp(true);
  assert.deepEqual(port.codes(), ['CV_HJ212_SHORT']);
  assert.deepEqual(port.told.filter(({ kind }) => kind === 'samples_lost').length, 1);
  await port.clock.advanceMs(14_999);
  await port.dial().say('2011', upload(2));
  assert.deepEqual([station.given(), station.error()], [[1, 2], null]);
  await station.end();
});

test('two stations on one port: each may close twice, and the other keeps the port and its connection', async () => {
  const port = memoryPort();
  const [first, second] = [await port.station(POINTS), await port.station(POINTS, { mn: 'B2' })];
  const [one, two] = [port.dial(), port.dial()];
  await one.say('2011', upload(1));
  await two.say('2011', upload(2), { mn: 'B2' });
  assert.equal(port.ports(), 1);
  await first.link.close();
  await first.link.close();
  await port.clock.advanceMs(10_000);
  assert.deepEqual([port.ports(), two.isLetGo], [1, false]);
  await two.say('2011', upload(3), { mn: 'B2' });
  assert.deepEqual(second.given(), [2, 3]);
  // What it says now is of nobody.
  await one.say('2011', upload(4));
  assert.deepEqual([first.given(), port.codes()], [[1], ['CV_HJ212_UNKNOWN']]);
  await second.link.close();
  await port.clock.advanceMs(199);
  assert.deepEqual([port.ports(), one.isLetGo], [1, false], 'a link is often only opened afresh');
  await port.clock.advanceMs(1);
  assert.deepEqual([port.ports(), one.isLetGo, two.isLetGo], [0, true, true]);
  await second.link.close();
});

test('a link that was opened afresh under the same MN is left alone by the end of the one before', async () => {
  const port = memoryPort();
  const first = await port.station(POINTS);
  const again = await port.station(POINTS);
  await first.link.close();
  const logger = port.dial();
  await logger.say('2011', upload(1));
  assert.deepEqual([first.given(), again.given()], [[], [1]]);
  await again.end();
});

test('a link whose opening is called off leaves the port', async () => {
  const port = memoryPort();
  const { open } = await import('./link.ts');
  const { settings } = await import('./settings.ts');
  await assert.rejects(open(settings.parse({ listen: '127.0.0.1:8212', mn: MN }), [], port.world, AbortSignal.abort(new Error('called off'))), /called off/);
  await port.clock.advanceMs(200);
  assert.equal(port.ports(), 0);
});

test('a wrong length and bytes that are no packet are told once a connection; every loss is counted', async () => {
  const port = memoryPort();
  const station = await port.station(POINTS);
  const logger = port.dial();
  const wrongLength = (value: number) => {
    const bytes = packet(upload(value));
    bytes.write('0042', 2, 'latin1');
    return bytes;
  };
  for (const value of [1, 2]) await logger.bytes(wrongLength(value));
  for (const text of ['hello', 'world']) await logger.bytes(Buffer.concat([Buffer.from(`${text}\r\n`), packet('', '9021')]));
  await logger.bytes(packet('no command', 'abcd'));
  assert.deepEqual(station.given(), [1, 2]);
  assert.deepEqual(port.faults, [
    { code: 'CV_HJ212_LENGTH', params: { mn: MN } },
    { code: 'CV_HJ212_STREAM', params: { address: '127.0.0.1:8212 (192.0.2.1:40000)', count: 7, said: 'hello..' } },
  ]);
  assert.equal(port.told.filter(({ kind }) => kind === 'samples_lost').length, 3);
  const other = port.dial();
  await other.bytes(Buffer.concat([Buffer.from('hello'), packet('', '9021')]));
  assert.equal(port.faults.length, 3, 'another connection is told again');
  await station.end();
});

test('a packet with a wrong check value is one loss, whatever follows it', async () => {
  const port = memoryPort();
  const station = await port.station(POINTS);
  const broken = packet();
  broken.write('FFFF', broken.length - 6, 'latin1');
  await port.dial().bytes(Buffer.concat([broken, packet(upload(1)), broken.subarray(0, -2), packet(upload(2))]));
  assert.deepEqual(station.given(), [1, 2]);
  assert.equal(port.told.filter(({ kind }) => kind === 'samples_lost').length, 2);
  assert.equal(port.faults[0]?.params?.count, broken.length - 2);
  await station.end();
});

test('an idle connection is kept alive, dialled or not, and its peer is named', async () => {
  const port = memoryPort();
  const waiting = port.waits();
  const dialled = await port.station(POINTS, DIALLED);
  const station = await port.station(POINTS);
  const logger = port.dial();
  assert.deepEqual([waiting.keepAlive, logger.keepAlive], [[true, 30_000], [true, 30_000]]);
  await dialled.end();
  await station.end();
});

test('a stranger is told once with what it said, its password hidden, and the settings that take it in', async () => {
  const port = memoryPort();
  const station = await port.station(POINTS);
  const stranger = port.dial();
  for (const value of [1, 2]) await stranger.say('2011', upload(value), { mn: 'STRANGER-0123456789-0123456789-0123456789', pw: 'secret' });
  assert.deepEqual(port.faults, [{ code: 'CV_HJ212_UNKNOWN', params: { mn: 'STRANGER-0123456789-0123456789-0', address: '127.0.0.1:8212', peer: '192.0.2.1:40000' } }]);
  const heard = port.told.filter((event) => event.kind === 'unknown_device');
  assert.equal(heard.length, 2);
  assert.deepEqual(heard.map(({ driver, address, id, peer }) => [driver, address, id, peer])[0], ['hj212', '127.0.0.1:8212', 'STRANGER-0123456789-0123456789-0123456789', '192.0.2.1:40000']);
  assert.match(heard[0]?.yaml ?? '', /listen: 127\.0\.0\.1:8212\n\s+mn: STRANGER-0123456789/);
  assert.match(heard[0]?.said.text ?? '', /CN=2011;PW=\*{3}/);
  assert.doesNotMatch(Buffer.from(heard[0]?.said.hex ?? '', 'hex').toString('latin1'), /secret/);
  assert.deepEqual(stranger.heard, [], 'left unanswered, it keeps what it has');
  await settle();
  await station.end();
});
