/** A case stands on a socket: strangers read from it what was recorded, whole or in part, each from the beginning. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Case } from '../../cases/case.ts';
import type { TrafficLine } from '../../cases/format.ts';
import { seededRandom } from '../../core/world.ts';
import modbus from '../../drivers/modbus/driver.ts';
import { loadCase, type LoadedCase } from './cases.ts';
import { nthIdentity } from './identity.ts';
import { serveDevices, type DeviceServerOptions } from './serve.ts';
import { DeliveryPath } from './message-fault.ts';

const PLAIN: DeviceServerOptions = { host: '127.0.0.1', port: 0, times: 1, trouble: null, seed: 1, isLoop: false, redialMs: 20 };

async function meter(): Promise<LoadedCase> {
  const { loaded } = await loadCase(join(import.meta.dirname, '../../drivers/modbus/recorded/specification-examples'));
  assert.ok(loaded);
  return loaded;
}

/** Sends each message and gives the answers, one a message. */
async function ask(port: number, messages: readonly string[]): Promise<string[]> {
  const socket = connect({ host: '127.0.0.1', port });
  try {
    const answers: string[] = [];
    for (const message of messages) {
      socket.write(Buffer.from(message, 'hex'));
      const [bytes] = (await once(socket, 'data')) as [Buffer];
      answers.push(bytes.toString('hex'));
    }
    return answers;
  } finally {
    socket.destroy();
  }
}

test('what was asked so is answered so; a part of it by its part; what is not there is refused; transactions are those of the asker', async () => {
  const standing = await serveDevices(await meter(), PLAIN);
  try {
    const port = standing.devices[0]?.port as number;
    const block = '1234000000061103006b0003';
    const oneOf = 'beef000000061103006d0001';
    const absent = '0001000000061103000a0001';
    const bits = '000200000006110100140002';
    assert.deepEqual(await ask(port, [block, oneOf, absent, bits]), [
      '123400000009110306022b00000064', 'beef000000051103020064', '000100000003118302', '00020000000411010102',
    ]);
    assert.deepEqual(await ask(port, [oneOf]), ['beef000000051103020064'], 'the next one hears it from the beginning');
  } finally {
    await standing.close();
  }
});

test('an answer whose question was not recorded is never said by itself', async () => {
  const loaded = await meter();
  const open: TrafficLine = { afterUs: 0, conn: 9, event: 'open', via: 'tcp', by: 'edge' };
  const answer: TrafficLine = { afterUs: 0, conn: 9, dir: 'in', bytes: '0777000000051104020064' };
  const recorded = { ...loaded.recorded, traffic: [open, answer, ...loaded.recorded.traffic] };
  const standing = await serveDevices({ ...loaded, recorded }, PLAIN);
  try {
    assert.deepEqual(await ask(standing.devices[0]?.port as number, ['beef000000061103006d0001']), ['beef000000051103020064']);
    assert.equal(standing.counts().said, 0);
  } finally {
    await standing.close();
  }
});

test('many devices that listen take a port each', async () => {
  const standing = await serveDevices(await meter(), { ...PLAIN, times: 3 });
  try {
    const ports = standing.devices.map(({ port }) => port);
    assert.equal(new Set(ports).size, 3);
    for (const port of ports) assert.equal((await ask(port, ['1234000000061103006b0003'])).length, 1);
  } finally {
    await standing.close();
  }
});

test('a device that dialled dials: registers, and dials again when it was cut', async () => {
  const traffic: TrafficLine[] = [
    { afterUs: 0, conn: 1, event: 'open', via: 'tcp', by: 'device' },
    { afterUs: 0, conn: 1, dir: 'in', bytes: Buffer.from('DTU-7').toString('hex') },
    { afterUs: 20_000, conn: 1, dir: 'out', bytes: '01030000000ac5cd' },
    { afterUs: 30_000, conn: 1, dir: 'in', bytes: '018306c132' },
  ];
  const recorded: Case = {
    name: 'dtu',
    folder: '',
    title: 't',
    source: 's',
    licence: 'l',
    level: 'bytes',
    secrets: 'none',
    startsAt: 0,
    traffic,
    frames: [],
    expected: null,
    devices: [
      {
        id: 'd',
        driver: 'modbus',
        settings: { transport: 'dtu', listen: '127.0.0.1:1', registration: { ascii: 'DTU-7' }, unit: 1 },
        points: [],
        timeoutMs: 2000,
      },
    ],
  };
  const heard: string[] = [];
  let calls = 0;
  const twice = Promise.withResolvers<void>();
  const server = createServer((socket) => {
    calls += 1;
    socket.on('error', () => {});
    socket.on('data', (bytes) => {
      heard.push(bytes.toString('latin1'));
      if (calls === 1) socket.resetAndDestroy();
      else if (heard.length === 2) socket.write(Buffer.from('01030000000ac5cd', 'hex'));
      else twice.resolve();
    });
    if (calls === 2 && heard.length === 1) heard.push('again');
    if (calls === 2) socket.write(Buffer.from('01030000000ac5cd', 'hex'));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const standing = await serveDevices(
    { recorded, drivers: new Map([[modbus.id, modbus]]) },
    { ...PLAIN, port: (server.address() as AddressInfo).port },
  );
  try {
    await twice.promise;
    assert.equal(heard[0], 'DTU-7');
    assert.equal(Buffer.from(heard.at(-1) as string, 'latin1').toString('hex'), '018306c132');
  } finally {
    await standing.close();
    await new Promise((resolve) => { server.close(resolve); });
  }
});

test('identities count on, whatever they are made of', () => {
  const nth = (text: string, n: number) => nthIdentity(Buffer.from(text, 'latin1'), n).toString('latin1');
  assert.deepEqual([nth('88888880000001', 0), nth('88888880000001', 499), nth('999', 2)], ['88888880000001', '88888880000500', '001']);
  assert.equal(nth('STATION-A', 42), 'STA000042');
  assert.deepEqual([...nthIdentity(Buffer.of(0xff, 0xfe), 3)], [0, 1]);
  assert.equal(nthIdentity(Buffer.from('500112000017', 'hex'), 3).toString('hex'), '500112000020', 'packed digits stay digits');
  const made = new Set(Array.from({ length: 500 }, (_, n) => nth('STATION-A', n)));
  assert.equal(made.size, 500);
});

test('a fault befalls one message, at its time, the same for the same seed', () => {
  const message = Buffer.from('0123456789');
  const through = (kind: 'drop' | 'delay' | 'cut' | 'corrupt' | 'reorder') => {
    const way = new DeliveryPath({ kind, atMs: 100 }, seededRandom(7));
    return [0, 100, 200, 300].map((atMs) => way.pass(message, atMs));
  };
  for (const kind of ['drop', 'delay', 'cut', 'corrupt', 'reorder'] as const) {
    assert.deepEqual(through(kind), through(kind), kind);
    assert.deepEqual(through(kind)[0], [{ bytes: message, laterMs: 0 }], kind);
    assert.notDeepEqual(through(kind)[1], through(kind)[0], kind);
    assert.deepEqual(through(kind)[3], [{ bytes: message, laterMs: 0 }], kind);
  }
  assert.equal(through('reorder')[2]?.length, 2);
});
