import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FaultError } from '../../core/faults.ts';
import { settle } from '../../core/testing/virtual-clock.ts';
import { hj212PacketBytes } from './testing/data-logger.ts';
import { memoryPort, TEST_MN } from './testing/memory-port.ts';

const POINTS = [{ id: 'pm25', factor: 'a34004' }];
const upload = (value: number) => `DataTime=20260101080000;a34004-Rtd=${value},a34004-Flag=N`;
const DIALLED = { host: '192.168.1.60', port: 5002 };
const packet = (content = upload(9), cn = '2011') =>
  hj212PacketBytes(`QN=20260101080000123;ST=22;CN=${cn};PW=secret;MN=${TEST_MN};Flag=4;CP=&&${content}&&`);

test('a dialled logger that closes the connection ends the link with the error of the system; an unfinished packet is reported', async () => {
  for (const [isReset, detail, detailZh] of [[false, 'by the device', '设备主动断开'], [true, 'read ECONNRESET', 'read ECONNRESET']] as const) {
    const port = memoryPort();
    const logger = port.waits();
    const station = await port.station(POINTS, DIALLED);
    await logger.send('2011', upload(1));
    await logger.sendBytes(packet().subarray(0, 40));
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

test('closing a dialled link ourselves is no fault and disconnects; packets of another MN on it are ignored', async () => {
  const port = memoryPort();
  const logger = port.waits();
  const station = await port.station(POINTS, DIALLED);
  await logger.send('2011', upload(1), { mn: 'B2' });
  await logger.send('2011', upload(2));
  await logger.sendBytes(packet().subarray(0, 40));
  await station.link.close();
  await station.listening;
  assert.deepEqual([station.given(), station.error(), port.faults, logger.isDisconnected], [[2], null, [], true]);
  await station.link.close();
});

test('a logger that dials in and disconnects within a packet is reported; the link stays open', async () => {
  const port = memoryPort();
  const station = await port.station(POINTS);
  const logger = port.dial();
  await logger.send('2011', upload(1));
  await logger.sendBytes(packet().subarray(0, 40));
  await logger.hangUp(true);
  assert.deepEqual(port.codes(), ['CV_HJ212_SHORT']);
  assert.deepEqual(port.told.filter(({ kind }) => kind === 'samples_lost').length, 1);
  await port.clock.advanceMs(14_999);
  await port.dial().send('2011', upload(2));
  assert.deepEqual([station.given(), station.error()], [[1, 2], null]);
  await station.end();
});

test('two stations on one port: each may close twice, and the other keeps the port and its connection', async () => {
  const port = memoryPort();
  const [first, second] = [await port.station(POINTS), await port.station(POINTS, { mn: 'B2' })];
  const [one, two] = [port.dial(), port.dial()];
  await one.send('2011', upload(1));
  await two.send('2011', upload(2), { mn: 'B2' });
  assert.equal(port.ports(), 1);
  await first.link.close();
  await first.link.close();
  await port.clock.advanceMs(10_000);
  assert.deepEqual([port.ports(), two.isDisconnected], [1, false]);
  await two.send('2011', upload(3), { mn: 'B2' });
  assert.deepEqual(second.given(), [2, 3]);
  // Its packets belong to no station now.
  await one.send('2011', upload(4));
  assert.deepEqual([first.given(), port.codes()], [[1], ['CV_HJ212_UNKNOWN']]);
  await second.link.close();
  await port.clock.advanceMs(199);
  assert.deepEqual([port.ports(), one.isDisconnected], [1, false], 'a link is often just reopened');
  await port.clock.advanceMs(1);
  assert.deepEqual([port.ports(), one.isDisconnected, two.isDisconnected], [0, true, true]);
  await second.link.close();
});

test('closing a link leaves a newer link with the same MN open', async () => {
  const port = memoryPort();
  const first = await port.station(POINTS);
  const again = await port.station(POINTS);
  await first.link.close();
  const logger = port.dial();
  await logger.send('2011', upload(1));
  assert.deepEqual([first.given(), again.given()], [[], [1]]);
  await again.end();
});

test('an aborted open releases the port', async () => {
  const port = memoryPort();
  const { open } = await import('./link.ts');
  const { settings } = await import('./settings.ts');
  await assert.rejects(
    open(settings.parse({ listen: '127.0.0.1:8212', mn: TEST_MN }), [], port.world, AbortSignal.abort(new Error('called off'))),
    /called off/,
  );
  await port.clock.advanceMs(200);
  assert.equal(port.ports(), 0);
});

test('a wrong length and bytes that are not a packet are reported once per connection; every loss is counted', async () => {
  const port = memoryPort();
  const station = await port.station(POINTS);
  const logger = port.dial();
  const wrongLength = (value: number) => {
    const bytes = packet(upload(value));
    bytes.write('0042', 2, 'latin1');
    return bytes;
  };
  for (const value of [1, 2]) await logger.sendBytes(wrongLength(value));
  for (const text of ['hello', 'world']) await logger.sendBytes(Buffer.concat([Buffer.from(`${text}\r\n`), packet('', '9021')]));
  await logger.sendBytes(packet('no command', 'abcd'));
  assert.deepEqual(station.given(), [1, 2]);
  assert.deepEqual(port.faults, [
    { code: 'CV_HJ212_LENGTH', params: { mn: TEST_MN } },
    { code: 'CV_HJ212_STREAM', params: { address: '127.0.0.1:8212 (192.0.2.1:40000)', count: 7, said: 'hello..' } },
  ]);
  assert.equal(port.told.filter(({ kind }) => kind === 'samples_lost').length, 3);
  const other = port.dial();
  await other.sendBytes(Buffer.concat([Buffer.from('hello'), packet('', '9021')]));
  assert.equal(port.faults.length, 3, 'reported again for another connection');
  await station.end();
});

test('a packet with a wrong check value is one loss, whatever follows', async () => {
  const port = memoryPort();
  const station = await port.station(POINTS);
  const broken = packet();
  broken.write('FFFF', broken.length - 6, 'latin1');
  await port.dial().sendBytes(Buffer.concat([broken, packet(upload(1)), broken.subarray(0, -2), packet(upload(2))]));
  assert.deepEqual(station.given(), [1, 2]);
  assert.equal(port.told.filter(({ kind }) => kind === 'samples_lost').length, 2);
  assert.equal(port.faults[0]?.params?.count, broken.length - 2);
  await station.end();
});

test('an idle connection is kept alive, dialled or not', async () => {
  const port = memoryPort();
  const waiting = port.waits();
  const dialled = await port.station(POINTS, DIALLED);
  const station = await port.station(POINTS);
  const logger = port.dial();
  assert.deepEqual([waiting.keepAlive, logger.keepAlive], [[true, 30_000], [true, 30_000]]);
  await dialled.end();
  await station.end();
});

test('an unconfigured device is reported once with its first bytes, its password masked, and the settings that would configure it', async () => {
  const port = memoryPort();
  const station = await port.station(POINTS);
  const unconfigured = port.dial();
  for (const value of [1, 2])
    await unconfigured.send('2011', upload(value), { mn: 'UNKNOWN1-0123456789-0123456789-0123456789', pw: 'secret' });
  assert.deepEqual(port.faults, [
    { code: 'CV_HJ212_UNKNOWN', params: { mn: 'UNKNOWN1-0123456789-0123456789-0', address: '127.0.0.1:8212', peer: '192.0.2.1:40000' } },
  ]);
  const heard = port.told.filter((event) => event.kind === 'unknown_device');
  assert.equal(heard.length, 2);
  assert.deepEqual(heard.map(({ driver, address, id, peer }) => [driver, address, id, peer])[0], [
    'hj212',
    '127.0.0.1:8212',
    'UNKNOWN1-0123456789-0123456789-0123456789',
    '192.0.2.1:40000',
  ]);
  assert.match(heard[0]?.yaml ?? '', /listen: 127\.0\.0\.1:8212\n\s+mn: UNKNOWN1-0123456789/);
  assert.match(heard[0]?.said.text ?? '', /CN=2011;PW=\*{3}/);
  assert.doesNotMatch(Buffer.from(heard[0]?.said.hex ?? '', 'hex').toString('latin1'), /secret/);
  assert.deepEqual(unconfigured.received, [], 'unanswered, so that it keeps its data');
  await settle();
  await station.end();
});
