/** RTU through a transparent serial server: cut anywhere, late, damaged and mixed up; nothing but the asked-for answer is a value. */
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { until } from '../../core/testing/until.ts';
import { testWorld } from '../../core/testing/virtual-clock.ts';
import { realNet } from '../../core/world.ts';
import { open } from './link.ts';
import { readBlock, type ModbusRequest } from './requests.ts';
import { settings } from './settings.ts';
import { requestsFor, ADDRESS_VALUED_DEVICE, failsWith, NEVER_ABORTED, timedOut, exchangeValues } from './testing/requests.ts';
import { rtuFrame, type SimulatedModbusDevice } from './testing/simulated-device.ts';
import { countingNet } from './testing/counting-net.ts';
import { serveSimulatedModbus, type AnswerOverride } from './testing/server.ts';

const TWO = requestsFor(['holding:10', 'holding:11'])[0] as ModbusRequest;

async function linkTo(context: TestContext, served: SimulatedModbusDevice, twist?: AnswerOverride) {
  const server = await serveSimulatedModbus(served, { envelope: 'rtu', ...(twist ? { override: twist } : {}) });
  const net = countingNet(realNet);
  const world = { ...testWorld(), net };
  const link = await open(settings.parse({ transport: 'rtu-tcp', host: '127.0.0.1', port: server.port, settleMs: 1000 }), [], world);
  context.after(async () => {
    await link.close();
    await server.close();
  });
  const codes = () => world.told.flatMap((event) => (event.kind === 'fault' ? [event.fault.code] : []));
  return { link, world, codes, heardBytes: net.receivedBytes };
}

test('an answer split at every byte is put together, and two in one segment are one answer', async (context) => {
  const { link } = await linkTo(context, ADDRESS_VALUED_DEVICE, (answer, _request, socket) => {
    const bytes = [...answer].map((byte) => Buffer.from([byte]));
    const next = () => {
      const byte = bytes.shift();
      if (byte) socket.write(byte, () => setImmediate(next));
    };
    next();
    return null;
  });
  assert.deepEqual(await exchangeValues(link, TWO), [10, 11]);
  const twice = await linkTo(context, ADDRESS_VALUED_DEVICE, (answer) => Buffer.concat([answer, answer]));
  assert.deepEqual(await exchangeValues(twice.link, TWO), [10, 11]);
  assert.deepEqual(await exchangeValues(twice.link, requestsFor(['holding:20', 'holding:21'])[0] as ModbusRequest), [20, 21]);
});

test('after a time-out the line is left alone: a late answer of the same unit, function and length is dropped', async (context) => {
  let late: (() => void) | null = null;
  const asked = Promise.withResolvers<void>();
  const { link, world, codes } = await linkTo(context, ADDRESS_VALUED_DEVICE, (answer, _request, socket) => {
    if (late) return answer;
    late = () => { socket.write(rtuFrame(Buffer.from([1, 3, 4, 0x12, 0x67, 0, 0]))); };
    asked.resolve();
    return null;
  });
  const stop = new AbortController();
  const first = link.exchange(TWO, stop.signal);
  await asked.promise;
  stop.abort(timedOut());
  const failed = assert.rejects(first, failsWith('CV_LINK_TIMEOUT'));
  await world.clock.advanceMs(500);
  await failed;
  const next = exchangeValues(link, TWO);
  (late as unknown as () => void)();
  await until(() => codes().includes('CV_MODBUS_ANSWER_STRAY'));
  await world.clock.advanceMs(600);
  assert.deepEqual(await next, [10, 11]);
});

test('garbage, as at a wrong baud rate, is a fault and never a value', async (context) => {
  const garbage = Buffer.from('80e0f8fefc001f', 'hex');
  const { link, world, codes, heardBytes } = await linkTo(context, ADDRESS_VALUED_DEVICE, () => garbage);
  const stop = new AbortController();
  const exchange = link.exchange(TWO, stop.signal);
  await until(() => heardBytes() === garbage.length);
  stop.abort(timedOut());
  const failed = assert.rejects(exchange, failsWith('CV_LINK_TIMEOUT'));
  await world.clock.advanceMs(1000);
  await failed;
  assert.deepEqual(codes(), ['CV_FRAME_CHECKSUM']);
});

test('units on one line are asked one after the other, exceptions and holes as on TCP', async (context) => {
  const { link } = await linkTo(context, {
    units: [1, 2, 9],
    read: (unit, _fc, start, count) =>
      unit === 9 ? { exception: 6 } : start <= 12 && start + count > 12 ? { exception: 2 } : Array.from({ length: count }, () => unit),
  });
  for (const unit of [1, 2]) assert.deepEqual(await exchangeValues(link, readBlock(unit, 3, TWO.items)), [unit, unit]);
  assert.equal(await exchangeValues(link, readBlock(9, 3, TWO.items)), 'CV_MODBUS_BUSY');
  assert.deepEqual(await exchangeValues(link, requestsFor(['holding:11', 'holding:13'])[0] as ModbusRequest), [1, 1]);
  const [first, second] = [link.exchange(TWO, NEVER_ABORTED), link.exchange(TWO, NEVER_ABORTED)];
  await assert.rejects(second, failsWith('CV_DRIVER_FAILED'), 'never two at once');
  await first;
});

test('the other side hangs up: the exchange ends at once', async (context) => {
  const { link } = await linkTo(context, ADDRESS_VALUED_DEVICE, (_answer, _request, socket) => { socket.destroy(); return null; });
  await assert.rejects(link.exchange(TWO, NEVER_ABORTED), failsWith('CV_LINK_CLOSED'));
});
