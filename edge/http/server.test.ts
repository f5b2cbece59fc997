import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { test } from 'node:test';
import type { TelemetryEvent } from '../../core/telemetry.ts';
import { testWorld } from '../../core/testing/virtual-clock.ts';
import { tapDoor } from '../tap/door.ts';
import { Taps } from '../tap/taps.ts';
import { openLocalHttp } from './server.ts';

const HOSTILE = ['GET //: HTTP/1.1', 'GET http://: HTTP/1.1', 'GET /tap/%ff HTTP/1.1', 'GET /frames/%E0%A4 HTTP/1.1', 'GET ///// HTTP/1.1', 'GET /tap/a?forMs=%ff HTTP/1.1', 'POST //:/live/a HTTP/1.1', 'POST /live/%ff HTTP/1.1', 'HEAD //: HTTP/1.1', 'GET * HTTP/1.1', 'OPTIONS * HTTP/1.1', 'CONNECT //: HTTP/1.1', 'GET \x00 HTTP/1.1', 'GET'];

test('half requests, as many as connections are allowed, do not shut out a whole one', async (t) => {
  const http = await openLocalHttp({ host: '127.0.0.1', port: 0 }, { health: () => { throw new Error('not asked for'); }, picture: () => Promise.resolve(null), live: () => Promise.reject(new Error('none')) });
  const port = Number(new URL(http.url).port);
  const halves = Array.from({ length: 70 }, () => connect(port, '127.0.0.1'));
  t.after(() => {
    for (const half of halves) half.destroy();
    return http.close();
  });
  for (const half of halves) {
    half.on('error', () => {});
    if (half.connecting) await once(half, 'connect');
    half.write('GET /healthz HTTP/1.1\r\nhost:');
  }
  assert.match(await sent(port, 'GET / HTTP/1.1'), /^HTTP\/1\.1 200 /);
});

/** Sends one request as it is. @returns what came back */
async function sent(port: number, line: string, host = 'localhost'): Promise<string> {
  const socket = connect(port, '127.0.0.1');
  let text = '';
  socket.on('data', (bytes: Buffer) => { text += bytes.toString(); });
  socket.on('error', () => {});
  socket.end(`${line}\r\nhost: ${host}\r\nconnection: close\r\n\r\n`);
  await once(socket, 'close');
  return text;
}

test('no request line ends the edge: each is answered, and what fails inside is told', async (t) => {
  const world = testWorld();
  const told: TelemetryEvent[] = [];
  const door = tapDoor(new Taps(world), world.clock, 1);
  const http = await openLocalHttp({ host: '127.0.0.1', port: 0 }, {
    health: () => { throw new TypeError('broken on purpose'); },
    picture: (device) => (device === 'broken' ? Promise.reject(new Error('no disk')) : Promise.resolve(null)),
    live: () => Promise.reject(new Error('no camera')),
    tap: (request, response) => door.serve(request, response),
    tell: (event) => { told.push(event); },
  });
  t.after(() => http.close());
  const port = Number(new URL(http.url).port);
  for (const line of HOSTILE) assert.match(`${await sent(port, line)}closed`, /^(HTTP\/1\.1 [45]\d\d |closed)/, line);
  assert.match(await sent(port, 'GET //: HTTP/1.1'), /^HTTP\/1\.1 404 /);
  assert.match(await sent(port, 'GET /tap/%ff HTTP/1.1'), /^HTTP\/1\.1 403 /);
  assert.match(await sent(port, 'GET /healthz HTTP/1.1'), /^HTTP\/1\.1 500 /);
  assert.match(await sent(port, 'GET /frames/broken HTTP/1.1'), /^HTTP\/1\.1 500 /);
  assert.deepEqual(told.map((event) => event.kind === 'fault' && event.fault.code), ['CV_API_INTERNAL', 'CV_API_INTERNAL']);
  assert.match(await sent(port, 'GET / HTTP/1.1'), /^HTTP\/1\.1 200 /);
});

test('a request under a foreign name is refused with what to do, whatever it asks for', async (t) => {
  const http = await openLocalHttp({ host: '127.0.0.1', port: 0, hosts: ['edge.example'] }, { health: () => { throw new Error('not asked for'); }, picture: () => Promise.resolve(null), live: () => Promise.resolve({ port: 1, key: 'secret' }) });
  t.after(() => http.close());
  const port = Number(new URL(http.url).port);
  for (const line of ['GET / HTTP/1.1', 'GET /healthz HTTP/1.1', 'POST /live/a HTTP/1.1', 'GET /tap/a HTTP/1.1']) assert.match(await sent(port, line, `evil.example:${port}`), /^HTTP\/1\.1 421 [^]*CV_API_HOST[^]*http\.hosts/, line);
  for (const host of ['edge.example', `127.0.0.1:${port}`, '10.0.0.9']) assert.match(await sent(port, 'GET / HTTP/1.1', host), /^HTTP\/1\.1 200 /, host);
});
