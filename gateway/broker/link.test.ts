import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { test } from 'node:test';
import { FaultError } from '../../core/faults.ts';
import { realWorld } from '../../core/world.ts';
import { openLink } from './link.ts';

test('what a broker that goes leaves unanswered is said as that, in no words of a library', async () => {
  const peers: Socket[] = [];
  let asked: () => void = () => {};
  const wasAsked = new Promise<void>((resolve) => { asked = resolve; });
  // Lets the client in and answers no PUBLISH.
  const server = createServer((socket) => {
    peers.push(socket);
    socket.on('error', () => {});
    socket.on('data', (bytes) => (bytes[0] === 0x10 ? socket.write(Buffer.from([0x20, 2, 0, 0])) : asked()));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const link = openLink(
    { url: `mqtt://127.0.0.1:${(server.address() as AddressInfo).port}`, user: null, password: null },
    { clientId: 'gateway:g', filters: [] },
    realWorld(() => {}),
  );
  try {
    await new Promise<void>((resolve) => {
      link.onReady(resolve);
    });
    const said = assert.rejects(
      link.publish('a', 'b'),
      (error) =>
        error instanceof FaultError &&
        error.fault.code === 'CV_BROKER_UNREACHABLE' &&
        error.fault.params?.detail === 'the connection ended before the broker answered' &&
        error.fault.params.detailZh === '连接在代理应答前已断开',
    );
    await wasAsked;
    for (const peer of peers) peer.destroy();
    await said;
  } finally {
    await link.close();
    server.close();
  }
});
