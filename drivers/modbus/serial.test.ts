/** RTU on real pseudo-terminals: noise, echoes, split and damaged answers, an adapter that is pulled out, ports by name. */
import assert from 'node:assert/strict';
import { symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { FaultError } from '../../core/faults.ts';
import type { TelemetryEvent } from '../../core/telemetry.ts';
import { tempDir } from '../../core/testing/temp-dir.ts';
import { until } from '../../core/testing/until.ts';
import { realNet, realWorld } from '../../core/world.ts';
import { portFault } from './examine.ts';
import { open } from './link.ts';
import type { ModbusRequest } from './requests.ts';
import { serialAdapters } from './serial.ts';
import { settings } from './settings.ts';
import { requestsFor, ADDRESS_VALUED_DEVICE, failsWith, NEVER_ABORTED, timedOut, exchangeValues } from './testing/requests.ts';
import { rtuFrame, type SimulatedModbusDevice } from './testing/simulated-device.ts';
import { countingNet } from './testing/counting-net.ts';
import { NO_SOCAT, openPseudoTerminal } from './testing/pseudo-terminal.ts';
import { serveSimulatedModbus, type AnswerOverride } from './testing/server.ts';
import { write } from './write.ts';
import { point } from './settings.ts';
import { decode } from './decode.ts';

const TWO = requestsFor(['holding:10', 'holding:11'])[0] as ModbusRequest;

async function lineTo(context: TestContext, served: SimulatedModbusDevice, twist?: AnswerOverride, more: Record<string, unknown> = {}) {
  const server = await serveSimulatedModbus(served, { envelope: 'rtu', ...(twist ? { override: twist } : {}) });
  const line = await openPseudoTerminal(server.port);
  const told: TelemetryEvent[] = [];
  const net = countingNet(realNet);
  const link = await open(settings.parse({ transport: 'rtu', port: line.path, baudRate: 19_200, parity: 'even', ...more }), [], {
    ...realWorld((event) => told.push(event)),
    net,
  });
  context.after(async () => {
    await link.close();
    await line.close();
    await server.close();
  });
  return { link, line, told, net };
}

test('a device on a serial line gives its values, with noise around and the answer in pieces', { skip: NO_SOCAT }, async (context) => {
  const { link } = await lineTo(context, ADDRESS_VALUED_DEVICE, (answer, _request, socket) => {
    socket.write(Buffer.from([0x00, 0xff, 0x01, 0x03, 0x04]));
    socket.write(answer.subarray(0, 3), () => setImmediate(() => socket.write(Buffer.concat([answer.subarray(3), Buffer.from([0x00])]))));
    return null;
  });
  for (let turn = 0; turn < 3; turn += 1) assert.deepEqual(await exchangeValues(link, TWO), [10, 11]);
});

test('an adapter that gives back what is sent: reads and writes are right', { skip: NO_SOCAT }, async (context) => {
  const cells = new Map<number, number>();
  const device: SimulatedModbusDevice = {
    read: (_unit, _fc, start, count) => Array.from({ length: count }, (_, at) => cells.get(start + at) ?? start + at),
    write: (_unit, _fc, start, written) => {
      if (start === 99) return 4;
      written.forEach((cell, at) => cells.set(start + at, cell));
      return null;
    },
  };
  const { link } = await lineTo(context, device, (answer, request) => Buffer.concat([request, answer]), { localEcho: true });
  assert.deepEqual(await exchangeValues(link, TWO), [10, 11]);
  const wanted = settings.parse({ host: 'x' });
  const [order, readBack] = write({ id: 'setpoint', ...point.parse({ address: 'holding:10' }) }, 4711, wanted) as [
    ModbusRequest,
    ModbusRequest,
  ];
  assert.deepEqual(await exchangeValues(link, order), []);
  assert.deepEqual(await exchangeValues(link, readBack), [4711]);
  const [refused] = write({ id: 'locked', ...point.parse({ address: 'holding:99' }) }, 1, wanted) as [ModbusRequest];
  assert.deepEqual(decode(await link.exchange(refused, NEVER_ABORTED), refused), {
    ok: false,
    fault: { code: 'CV_MODBUS_DEVICE_FAILURE', params: { unit: 1, fc: 6, place: 'holding:99', exception: 4 } },
    points: [],
  });
});

test(
  'a damaged answer is a time-out, the late right one behind it is dropped, and the next exchange is well',
  { skip: NO_SOCAT },
  async (context) => {
    let turn = 0;
    let damagedBytes = Infinity;
    const late: (() => void)[] = [];
    const { link, told, net } = await lineTo(context, ADDRESS_VALUED_DEVICE, (answer, _request, socket) => {
      turn += 1;
      if (turn > 1) return answer;
      late.push(() => {
        socket.write(rtuFrame(Buffer.from([1, 3, 4, 0x12, 0x67, 0, 0])));
      });
      const damaged = Buffer.from(answer);
      damaged[4] = 0x55;
      damagedBytes = damaged.length;
      return damaged;
    });
    const stop = new AbortController();
    const exchange = link.exchange(TWO, stop.signal);
    await until(() => net.receivedBytes() === damagedBytes);
    stop.abort(timedOut());
    late[0]?.();
    await assert.rejects(exchange, failsWith('CV_LINK_TIMEOUT'));
    assert.deepEqual(await exchangeValues(link, TWO), [10, 11]);
    assert.deepEqual(told.flatMap((event) => (event.kind === 'fault' ? [event.fault.code] : []))[0], 'CV_FRAME_CHECKSUM');
  },
);

test('the adapter is pulled out: the exchange ends, and so does the link', { skip: NO_SOCAT }, async (context) => {
  const asked = Promise.withResolvers<void>();
  const { link, line } = await lineTo(context, ADDRESS_VALUED_DEVICE, () => { asked.resolve(); return null; });
  const exchange = assert.rejects(link.exchange(TWO, NEVER_ABORTED), failsWith('CV_LINK_CLOSED'));
  await asked.promise;
  await line.close();
  await exchange;
  await assert.rejects(link.exchange(TWO, NEVER_ABORTED), failsWith('CV_LINK_CLOSED'));
});

test('a port that is not there names itself', async () => {
  await assert.rejects(
    open(
      settings.parse({ transport: 'rtu', port: 'ttyNONE7' }),
      [],
      realWorld(() => {}),
    ),
    (error) => error instanceof FaultError && error.fault.code === 'CV_MODBUS_PORT' && error.fault.params.port === '/dev/ttyNONE7',
  );
});

test('a name by order of plugging is refused when there are two adapters, and the lasting names are told', async (context) => {
  const { dir: folder, remove } = await tempDir();
  context.after(remove);
  assert.deepEqual(await serialAdapters(join(folder, 'none')), []);
  await symlink('/dev/ttyUSB0', join(folder, 'usb-FTDI_A'));
  assert.equal(portFault('ttyUSB0', await serialAdapters(folder)), null, 'one adapter is no doubt');
  await symlink('/dev/ttyUSB1', join(folder, 'usb-FTDI_B'));
  for (const port of ['ttyUSB0', '/dev/ttyUSB1', '/dev/ttyACM0']) {
    const fault = portFault(port, await serialAdapters(folder));
    assert.equal(fault?.code, 'CV_MODBUS_PORT_AMBIGUOUS');
    assert.match(String(fault?.params.names), /usb-FTDI_A, .*usb-FTDI_B/);
  }
  for (const port of [join(folder, 'usb-FTDI_A'), '/dev/ttyS0', '/dev/ttyAMA0'])
    assert.equal(portFault(port, await serialAdapters(folder)), null);
});

test('an adapter that is gone before anybody reads is noticed like one that goes meanwhile', { skip: NO_SOCAT }, async (context) => {
  const server = await serveSimulatedModbus(ADDRESS_VALUED_DEVICE, { envelope: 'rtu' });
  context.after(() => server.close());
  const pulled = await openPseudoTerminal(server.port);
  const line = await realNet.serial({ path: pulled.path, baudRate: 19_200, dataBits: 8, stopBits: 1, parity: 'none' });
  await pulled.close();
  const closed = new Promise<void>((resolve) => { line.once('close', () => resolve()); });
  line.on('error', () => {});
  line.on('data', () => {});
  await closed;
  assert.equal(line.isOpen, false);
});
