import assert from 'node:assert/strict';
import { createServer as createTcpServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { connect, createServer } from 'node:tls';
import { test, type TestContext } from 'node:test';
import { FaultError } from '../../core/faults.ts';
import { VirtualClock } from '../../core/testing/virtual-clock.ts';
import { parseCertificates } from '../../core/certificates.ts';
import { addressOf, connectTls, hostPortOf, type TlsOptions } from './tls-connect.ts';
import { DAY_MS, testAuthority } from './testing/test-authority.ts';

const NOW = Date.UTC(2026, 5, 1);
const LIFE = { fromAt: NOW - DAY_MS, toAt: NOW + DAY_MS };
const authority = await testAuthority('centre', LIFE);
const shows = await authority.server(['127.0.0.1'], LIFE);
const authorities = parseCertificates(authority.pem);

async function portOf(t: TestContext, server: Server): Promise<number> {
  const sockets: Socket[] = [];
  server.on('connection', (socket: Socket) => { sockets.push(socket.on('error', () => {})); });
  await new Promise<void>((resolve) => { server.listen(0, '127.0.0.1', resolve); });
  t.after(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  return (server.address() as AddressInfo).port;
}

const codeOf = (port: number, options: TlsOptions, signal = new AbortController().signal): Promise<string> =>
  connectTls({ host: '127.0.0.1', port }, options, new VirtualClock(NOW), signal).then(
    (socket) => {
      socket.destroy();
      return 'connected';
    },
    (error: unknown) => (error instanceof FaultError ? error.fault.code : String(error)),
  );

test('addresses as people write them, IPv6 with brackets', () => {
  assert.deepEqual(hostPortOf(new URL('mqtts://[::1]'), 8883), { host: '::1', port: 8883 });
  assert.deepEqual(hostPortOf(new URL('https://gw.example:8443/x'), 443), { host: 'gw.example', port: 8443 });
  assert.deepEqual([addressOf({ host: '::1', port: 1 }), addressOf({ host: 'gw', port: 2 })], ['[::1]:1', 'gw:2']);
});

test('what cannot be judged is not trusted, and ends nothing else', async (t) => {
  const server = createServer({ cert: shows.certPem, key: shows.keyPem });
  server.on('tlsClientError', () => {});
  const port = await portOf(t, server);
  assert.equal(await codeOf(port, { authorities }), 'connected');
  assert.equal(await codeOf(port, { judge: () => { throw new Error('an unknown curve'); } }), 'CV_SERVER_UNTRUSTED');
  assert.equal(await codeOf(port, { authorities, key: 'none', cert: 'none' }), 'CV_TLS_FAILED');
});

test('only TLS 1.2 and newer', async (t) => {
  const ciphers = 'ALL:@SECLEVEL=0';
  const old = createServer({ cert: shows.certPem, key: shows.keyPem, minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers });
  old.on('tlsClientError', () => {});
  const port = await portOf(t, old);
  assert.equal(await codeOf(port, { authorities }), 'CV_TLS_FAILED');
  const spoken = await new Promise((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1', rejectUnauthorized: false, minVersion: 'TLSv1', ciphers }, () => {
      resolve(socket.getProtocol());
      socket.destroy();
    }).on('error', reject);
  });
  assert.equal(spoken, 'TLSv1.1', 'it speaks to those who are content with that');
});

test('one who hangs up, says something else, or nothing', async (t) => {
  const hangsUp = createTcpServer((socket) => { socket.destroy(); });
  assert.equal(await codeOf(await portOf(t, hangsUp), { authorities }), 'CV_TLS_FAILED');
  const talks = createTcpServer((socket) => { socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'); });
  assert.equal(await codeOf(await portOf(t, talks), { authorities }), 'CV_TLS_FAILED');
  const silent = createTcpServer();
  const port = await portOf(t, silent);
  const connected = new Promise<void>((resolve) => { silent.once('connection', () => resolve()); });
  const stop = new AbortController();
  const asked = codeOf(port, { authorities }, stop.signal);
  await connected;
  stop.abort();
  assert.equal(await asked, 'CV_TLS_FAILED');
  assert.equal(await codeOf(port, { authorities }, AbortSignal.abort()), 'CV_TLS_FAILED');
});
