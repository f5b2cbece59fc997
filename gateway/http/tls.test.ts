/** API and console over TLS, on one port with plaintext. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { request as requestPlain } from 'node:http';
import { Agent, request as requestTls } from 'node:https';
import { connect, type Socket } from 'node:net';
import { networkInterfaces } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { tempDir } from '../../core/testing/temp-dir.ts';
import { testWorld } from '../../core/testing/virtual-clock.ts';
import { realClock } from '../../core/world.ts';
import { CertificateAuthority } from '../certificates/authority.ts';
import { TlsPort } from '../tls/tls-port.ts';
import { serveApi } from './server.ts';
import { memoryGateway } from './testing/memory-sources.ts';

/** Its own, which is not loopback: what is sent there does not leave the machine. */
const ownAddress = Object.values(networkInterfaces()).flat().find((one) => one && one.family === 'IPv4' && !one.internal)?.address;

async function rig(t: TestContext, { host = '127.0.0.1', trustProxy = [] as string[] } = {}) {
  const { dir, remove } = await tempDir();
  t.after(remove);
  const authority = new CertificateAuthority({ dir, gateway: 'g', names: ['localhost', host] }, realClock);
  await authority.open();
  let isPlaintextAllowed = false;
  const tls = { port: new TlsPort({ certificate: authority.server() }, realClock), isPlaintextAllowed: () => isPlaintextAllowed };
  const consoleDir = join(dir, 'none');
  const api = await serveApi(memoryGateway().sources, { host, port: 0, version: 'test', tls, trustProxy, consoleDir }, testWorld());
  t.after(() => api.close());
  const agent = new Agent({ ca: authority.trustedPem });
  t.after(() => agent.destroy());
  const ask = async (scheme: 'http' | 'https', method = 'GET', path = '/healthz') => {
    const options = { host, port: api.port, path, method };
    const sent = scheme === 'https' ? requestTls({ ...options, agent }) : requestPlain(options);
    sent.end();
    const [answer] = await once(sent, 'response');
    let text = '';
    for await (const part of answer) text += String(part);
    return { status: answer.statusCode as number, location: answer.headers.location as string | undefined, text };
  };
  return { api, ask, allow: () => { isPlaintextAllowed = true; } };
}

test('both are served on one port from this machine; the address that is told is that of TLS', async (t) => {
  const { api, ask } = await rig(t);
  assert.match(api.url, /^https:\/\/127\.0\.0\.1:\d+\/$/);
  assert.deepEqual([(await ask('http')).status, (await ask('https')).status], [200, 200]);
});

test('from elsewhere plaintext is led to TLS, and what it sends is refused; a proxy that is believed, or a day that has not come, lets it be', async (t) => {
  if (ownAddress === undefined) return t.skip('no address beside loopback');
  const { ask, api, allow } = await rig(t, { host: ownAddress });
  assert.deepEqual(
    [await ask('http', 'GET', '/api/v1/status?lang=en')].map(({ status, location }) => [status, location]),
    [[308, `https://${ownAddress}:${api.port}/api/v1/status?lang=en`]],
  );
  const refused = await ask('http', 'POST', '/api/v1/session');
  assert.deepEqual([refused.status, (JSON.parse(refused.text) as { code: string }).code], [403, 'CV_TLS_REQUIRED']);
  assert.equal((await ask('https')).status, 200);
  allow();
  assert.equal((await ask('http')).status, 200);
  const behindProxy = await rig(t, { host: ownAddress, trustProxy: [`${ownAddress}/32`] });
  assert.equal((await behindProxy.ask('http')).status, 200);
});

test('a server with half handshakes closes at once, and twice', async (t) => {
  const { api, ask } = await rig(t);
  const sockets: Socket[] = [];
  for (const bytes of [[], [22], [22, 3, 1, 2, 0]]) {
    const socket = connect(api.port, '127.0.0.1');
    socket.on('error', () => {});
    await once(socket, 'connect');
    if (bytes.length > 0) socket.write(Buffer.from(bytes));
    sockets.push(socket);
  }
  assert.equal((await ask('https')).status, 200);
  const closed = sockets.map((socket) => once(socket, 'close'));
  for (const socket of sockets) socket.resume();
  await Promise.all([api.close(), api.close(), ...closed]);
});
