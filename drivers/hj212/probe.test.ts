import assert from 'node:assert/strict';
import { test } from 'node:test';
import { freePort } from '../../core/free-port.ts';
import { testWorld } from '../../core/testing/virtual-clock.ts';
import { until } from '../../core/testing/until.ts';
import { FaultError } from '../../core/faults.ts';
import { realNet } from '../../core/world.ts';
import { point, settings, type Hj212Point } from './settings.ts';
import { discover } from './discover.ts';
import { probe } from './probe.ts';
import { diallingDataLogger, hj212PacketBytes, listeningDataLogger } from './testing/data-logger.ts';

const points = (...list: Record<string, unknown>[]) => list.map((one) => ({ id: String(one.id), ...(point.parse(one) as Hj212Point) }));
const WANTED = points(
  { id: 'pm25', factor: 'a34004' },
  { id: 'cod', factor: '011' },
  { id: 'pm10', factor: 'a34002' },
  { id: 'hour', factor: 'a34004', value: 'Avg', period: 'hour' },
  { id: 'interval', parameter: 'realtimeInterval' },
);
const REALTIME = 'DataTime=20260101120000;a34004-Rtd=35.5,a34004-Flag=N;011-Rtd=12,011-Flag=N;Leq-Rtd=55';

function world() {
  const base = testWorld();
  return { ...base, net: { ...realNet } };
}
const otherStation = (cn: string, content: string) =>
  hj212PacketBytes(`QN=20260101120000000;ST=21;CN=${cn};PW=1;MN=B2;Flag=4;CP=&&${content}&&`);
const { signal: never } = new AbortController();
const listens = (port: number, more: Record<string, unknown> = {}) => settings.parse({ listen: `127.0.0.1:${port}`, mn: 'A1', ...more });

test('a probe lists each MN with what it sends and the points that are missing, and ends with the realtime data', async () => {
  const at = world();
  const port = await freePort();
  const probing = probe(listens(port), WANTED, at, never);
  const logger = diallingDataLogger(port, { mn: 'A1' });
  await until(() => logger.isConnected());
  // One connection may carry two stations, and keeps the order.
  logger.upload('2051', 'DataTime=20260101115000;a34004-Avg=30;not-read');
  logger.send(otherStation('2061', 'DataTime=20260101110000;w01018-Avg=9'));
  logger.send(otherStation('2011', 'DataTime=20260101110000;w01019-Rtd=9'));
  logger.upload('2011', REALTIME);
  const findings = await probing;
  const own = findings.find(({ en }) => en.startsWith('this device'));
  assert.match(
    own?.en ?? '',
    /^this device: MN A1 from 127\.0\.0\.1:\d+, sends 2051, 2011: a34004-Avg a34004-Rtd a34004-Flag w01018-Rtd w01018-Flag Leq-Rtd$/,
  );
  assert.match(
    own?.zh ?? '',
    /^本设备：MN A1，来自 127\.0\.0\.1:\d+，上传 2051、2011：a34004-Avg a34004-Rtd a34004-Flag w01018-Rtd w01018-Flag Leq-Rtd$/,
  );
  const another = findings.find(({ en }) => en.startsWith('another device'));
  assert.match(another?.en ?? '', /^another device: MN B2 from 127\.0\.0\.1:\d+, sends 2061, 2011: w01018-Avg w01019-Rtd$/);
  assert.match(another?.zh ?? '', /^其他设备：MN B2，来自 127\.0\.0\.1:\d+，上传 2061、2011：w01018-Avg w01019-Rtd$/);
  assert.deepEqual(findings.slice(2), [{ en: 'point pm10: a34002-Rtd is not among them', zh: '测点 pm10：其中没有 a34002-Rtd' }]);
  assert.equal(at.clock.monotonicMs(), 0, 'no longer than needed');
  await logger.stop();
  await at.clock.advanceMs(300);
});

test('a probe reports a wrong password, and listens for its whole time when no logger sends', async () => {
  const at = world();
  const port = await freePort();
  const probing = probe(listens(port, { password: 'right' }), WANTED.slice(0, 1), at, never);
  const logger = diallingDataLogger(port, { mn: 'A1', password: 'wrong' });
  await until(() => logger.isConnected());
  logger.upload('2011', REALTIME);
  const [finding, ...rest] = await probing;
  assert.match(finding?.en ?? '', /; its password differs from `password`$/);
  assert.match(finding?.zh ?? '', /；密码不符$/);
  assert.deepEqual(rest, []);
  await logger.stop();

  const silent = probe(listens(port), WANTED, at, never);
  let isOver = false;
  silent.then(() => { isOver = true; }, () => {});
  await until(() => at.clock.nextDueMs() !== null);
  await at.clock.advanceMs(34_999);
  assert.equal(isOver, false);
  await at.clock.advanceMs(1);
  assert.deepEqual(await silent, [{ en: 'no data logger sent anything within 35 s', zh: '35 秒内没有数采仪上传' }]);
  await at.clock.advanceMs(300);
});

test('a dialled logger is probed likewise; its disconnect ends the probe, a refused connection is a fault', async () => {
  const at = world();
  const waiting = await listeningDataLogger({ mn: 'A1' });
  const dialled = settings.parse({ host: '127.0.0.1', port: waiting.port, mn: 'A1' });
  const probing = probe(dialled, WANTED.slice(0, 1), at, never);
  await until(() => waiting.isConnected());
  waiting.upload('2011', REALTIME);
  assert.match((await probing)[0]?.en ?? '', /^this device: MN A1 from 127\.0\.0\.1:\d+, sends 2011: /);
  await until(() => waiting.connections() === 0);

  const dropped = probe(dialled, WANTED, at, never);
  await until(() => waiting.isConnected());
  waiting.drop();
  assert.deepEqual(await dropped, [{ en: 'no data logger sent anything within 35 s', zh: '35 秒内没有数采仪上传' }]);
  assert.equal(at.clock.monotonicMs(), 0);
  await waiting.stop();
  await assert.rejects(probe(dialled, WANTED, at, never), (error) => error instanceof FaultError && error.fault.code === 'CV_LINK_REFUSED');
});

test('an aborted probe rejects with the reason and releases the port', async () => {
  const at = world();
  const port = await freePort();
  const stop = new AbortController();
  const probing = assert.rejects(probe(listens(port), WANTED, at, stop.signal), /aborted by test/);
  await until(() => at.clock.nextDueMs() !== null);
  stop.abort(new Error('aborted by test'));
  await probing;
  await at.clock.advanceMs(300);
  const listening = await realNet.listen({ host: '127.0.0.1', port }, () => {});
  await listening.close();
});

test('discover gives each value of this MN alone as a point, with name, type and period, without data flags', async () => {
  const at = world();
  const port = await freePort();
  const discovering = discover(listens(port), at, never);
  const logger = diallingDataLogger(port, { mn: 'A1' });
  await until(() => logger.isConnected());
  logger.send(otherStation('2011', 'DataTime=20260101120000;w01018-Rtd=9'));
  logger.upload('9021', 'x-Rtd=1');
  logger.upload('2021', 'DataTime=20260101120000;SB1-RS=1');
  logger.upload('2061', 'DataTime=20260101110000;011-Avg=20;a34004-Rtd=7');
  logger.upload('2011', 'DataTime=20260101120000;a34004-Rtd=35.5,a34004-Flag=N;i11001-Info=open;zz9-Rtd=;-Rtd=1;a-b-Rtd=1;a34004-R9=1');
  const found = await discovering;
  assert.equal(at.clock.monotonicMs(), 0, 'no longer than needed');
  assert.deepEqual(found, [
    { name: 'SB1-RS', type: 'number', value: 1, point: { factor: 'SB1', value: 'RS', period: 'status' } },
    { name: '011-Avg 化学需氧量 COD', type: 'number', value: 20, point: { factor: '011', value: 'Avg', period: 'hour' } },
    { name: 'a34004-Rtd PM2.5 PM2.5', type: 'number', value: 7, point: { factor: 'a34004', value: 'Rtd', period: 'hour' } },
    { name: 'a34004-Rtd PM2.5 PM2.5', type: 'number', value: 35.5, point: { factor: 'a34004', value: 'Rtd', period: 'realtime' } },
    { name: 'i11001-Info', type: 'text', value: 'open', point: { factor: 'i11001', value: 'Info', period: 'realtime', type: 'text' } },
    { name: 'zz9-Rtd', type: 'text', value: '', point: { factor: 'zz9', value: 'Rtd', period: 'realtime', type: 'text' } },
  ]);
  await logger.stop();
  await at.clock.advanceMs(300);
});
