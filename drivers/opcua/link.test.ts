import assert from 'node:assert/strict';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { FaultError } from '../../core/faults.ts';
import { linkFrames } from '../../core/link-frames.ts';
import { testWorld } from '../../core/testing/virtual-clock.ts';
import { startDevice, type DeviceProcess } from '../../test-rigs/processes/device.ts';
import { decode } from './decode.ts';
import type { OpcuaFrame, OpcuaMessage } from './frame.ts';
import { open } from './link.ts';
import { probe } from './probe.ts';
import { settings as schema } from './settings.ts';
import { resolveNode } from './value.ts';

const NSU = 'nsu=urn:cityvitals:rig:air-station;';
let station: DeviceProcess;
before(async () => {
  station = await startDevice('air', join(import.meta.dirname, '../../test-rigs/town/air-station.ts'), ['--port', '0', '--seed', '1']);
});
after(() => station.stop());
const settings = (port = station.port) =>
  schema.parse({ endpoint: `opc.tcp://127.0.0.1:${port}`, security: 'none', publishEvery: '100ms', sampleEvery: '100ms' });

async function take(frames: AsyncIterable<OpcuaMessage>, enough: (taken: OpcuaFrame[]) => boolean): Promise<OpcuaFrame[]> {
  const taken: OpcuaFrame[] = [];
  for await (const frame of frames) {
    if (!('point' in frame)) continue;
    taken.push(frame);
    if (enough(taken)) break;
  }
  return taken;
}

test('values arrive with their source time, by namespace URI, and a node that is not there says so', async () => {
  const points = [
    { id: 'pm25', node: `${NSU}s=Air.PM25` },
    { id: 'gone', node: `${NSU}s=Air.Nothing` },
    { id: 'nowhere', node: 'nsu=urn:unknown;s=X' },
  ];
  const link = await open(settings(), points, testWorld());
  const taken = await take(
    linkFrames(link, new AbortController().signal),
    (frames) => frames.filter(({ point }) => point === 'pm25').length >= 3 && new Set(frames.map(({ point }) => point)).size === 3,
  );
  await link.close();
  await link.close();
  const values = taken.filter(({ point }) => point === 'pm25');
  assert.ok(
    values.every(
      ({ value, sourceAt, type }) => typeof value === 'number' && value > 5 && value < 200 && sourceAt !== null && type === 'Double',
    ),
  );
  for (const point of ['gone', 'nowhere']) {
    const decoded = decode(taken.find((frame) => frame.point === point) as OpcuaFrame);
    assert.ok(decoded.ok && decoded.values);
    assert.deepEqual(decoded.values[0]?.flags, ['config']);
  }
});

test('while nothing changes, signs of life come', async () => {
  const link = await open(settings(), [{ id: 'service', node: 'i=2267' }], testWorld());
  const messages: OpcuaMessage[] = [];
  for await (const message of linkFrames(link, new AbortController().signal)) if (messages.push(message) >= 3) break;
  await link.close();
  assert.deepEqual(
    messages.map((message) => ('point' in message ? message.point : 'alive' in message ? 'alive' : 'other')),
    ['service', 'alive', 'alive'],
  );
  assert.deepEqual(decode({ alive: true }), { ok: true, values: [] });
});

test('the probe names the server', async () => {
  const [finding] = await probe(settings(), [], testWorld(), new AbortController().signal);
  assert.match(finding?.en ?? '', /cityvitals air station rig 1, state running/);
});

test('a server that dies ends the frames with CV_LINK_CLOSED', async () => {
  const doomed = await startDevice('air', join(import.meta.dirname, '../../test-rigs/town/air-station.ts'), ['--port', '0', '--seed', '1']);
  const link = await open(settings(doomed.port), [{ id: 'pm25', node: `${NSU}s=Air.PM25` }], testWorld());
  const frames = linkFrames(link, new AbortController().signal);
  await frames.next();
  await doomed.stop();
  await assert.rejects(
    async () => {
      while (!(await frames.next()).done);
    },
    (error) => error instanceof FaultError && error.fault.code === 'CV_LINK_CLOSED',
  );
  await link.close();
});

async function peer(serve: (socket: Socket) => void): Promise<{ server: Server; port: number }> {
  const server = createServer(serve);
  await new Promise<void>((resolve) => { server.listen(0, '127.0.0.1', resolve); });
  return { server, port: (server.address() as AddressInfo).port };
}

test('nobody there is a refusal with the address', async () => {
  const { server, port } = await peer(() => {});
  await new Promise((resolve) => {
    server.close(resolve);
  });
  await assert.rejects(
    open(settings(port), [], testWorld()),
    (error) =>
      error instanceof FaultError &&
      error.fault.code === 'CV_LINK_REFUSED' &&
      String(error.fault.params.address).includes(String(port)) &&
      /^\S+( \S+)* .*ECONNREFUSED/.test(String(error.fault.params.detail)) &&
      !/\s\s|\n/.test(String(error.fault.params.detail)),
  );
});

test('a silent peer is left within a second of the abort, and one that talks garbage is a fault', async () => {
  const sockets = new Set<Socket>();
  const silent = await peer((socket) => { sockets.add(socket); socket.on('error', () => {}); });
  const stop = new AbortController();
  const opening = open(settings(silent.port), [], testWorld(), stop.signal);
  stop.abort(new Error('enough'));
  await assert.rejects(opening, /enough/);
  for (const socket of sockets) socket.destroy();
  silent.server.close();
  const garbage = await peer((socket) => { socket.on('error', () => {}); socket.end(Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n')); });
  await assert.rejects(open(settings(garbage.port), [], testWorld()), FaultError);
  garbage.server.close();
});

test('a namespace URI gets the index of this session', () => {
  assert.equal(resolveNode('nsu=urn:b;s=X', ['urn:a', 'urn:b']), 'ns=1;s=X');
  assert.equal(resolveNode('ns=3;i=7', []), 'ns=3;i=7');
  assert.equal(resolveNode('nsu=urn:c;s=X', ['urn:a']), null);
});
