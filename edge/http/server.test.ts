import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { test } from 'node:test';
import type { TelemetryEvent } from '../../core/telemetry.ts';
import { testWorld } from '../../core/testing/virtual-clock.ts';
import { tapServer } from '../tap/tap-server.ts';
import { DeviceTaps } from '../tap/device-taps.ts';
import { openLocalHttp } from './server.ts';

const HOSTILE = [
  'GET //: HTTP/1.1',
  'GET http://: HTTP/1.1',
  'GET /tap/%ff HTTP/1.1',
  'GET /frames/%E0%A4 HTTP/1.1',
  'GET ///// HTTP/1.1',
  'GET /tap/a?forMs=%ff HTTP/1.1',
  'POST //:/live/a HTTP/1.1',
  'POST /live/%ff HTTP/1.1',
  'HEAD //: HTTP/1.1',
  'GET * HTTP/1.1',
  'OPTIONS * HTTP/1.1',
  'CONNECT //: HTTP/1.1',
  'GET \x00 HTTP/1.1',
  'GET',
];

test('half requests, as many as connections are allowed, do not shut out a whole one', async (t) => {
  const http = await openLocalHttp(
    { host: '127.0.0.1', port: 0 },
    {
      health: () => {
        throw new Error('not asked for');
      },
      picture: () => Promise.resolve(null),
      live: () => Promise.reject(new Error('none')),
    },
    testWorld().clock,
  );
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
async function sent(port: number, line: string, host = 'localhost', more = ''): Promise<string> {
  const socket = connect(port, '127.0.0.1');
  let text = '';
  socket.on('data', (bytes: Buffer) => { text += bytes.toString(); });
  socket.on('error', () => {});
  socket.end(`${line}\r\nhost: ${host}\r\n${more}connection: close\r\n\r\n`);
  await once(socket, 'close');
  return text;
}

test('no request line ends the edge: each is answered, and what fails inside is told', async (t) => {
  const world = testWorld();
  const told: TelemetryEvent[] = [];
  const door = tapServer(new DeviceTaps(world), { append: () => {} }, world.clock, 1);
  const http = await openLocalHttp({ host: '127.0.0.1', port: 0 }, {
    health: () => { throw new TypeError('broken on purpose'); },
    picture: (device) => (device === 'broken' ? Promise.reject(new Error('no disk')) : Promise.resolve(null)),
    live: () => Promise.reject(new Error('no camera')),
    tap: (request, response) => door.serve(request, response),
    tell: (event) => { told.push(event); },
  }, world.clock);
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
  const http = await openLocalHttp(
    { host: '127.0.0.1', port: 0, hosts: ['edge.example'] },
    {
      health: () => {
        throw new Error('not asked for');
      },
      picture: () => Promise.resolve(null),
      live: () => Promise.resolve({ port: 1, key: 'secret' }),
    },
    testWorld().clock,
  );
  t.after(() => http.close());
  const port = Number(new URL(http.url).port);
  for (const line of ['GET / HTTP/1.1', 'GET /healthz HTTP/1.1', 'POST /live/a HTTP/1.1', 'GET /tap/a HTTP/1.1'])
    assert.match(await sent(port, line, `evil.example:${port}`), /^HTTP\/1\.1 421 [^]*CV_API_HOST[^]*http\.hosts/, line);
  for (const host of ['edge.example', `127.0.0.1:${port}`, '10.0.0.9'])
    assert.match(await sent(port, 'GET / HTTP/1.1', host), /^HTTP\/1\.1 200 /, host);
});

test("from other machines an edge is read by its token or the gateway's key; health says only whether it is well", async (t) => {
  const parts = {
    health: () => ({ ok: true, edge: 'pump' }) as never,
    metrics: () => Promise.resolve('m 1'),
    picture: () => Promise.resolve({ device: 'a' } as never),
    live: () => Promise.reject(new Error('none')),
  };
  const http = await openLocalHttp(
    { host: '0.0.0.0', port: 0, token: 'a-token-for-people', key: 'the-key-of-the-gateway' },
    parts,
    testWorld().clock,
  );
  const shut = await openLocalHttp({ host: '0.0.0.0', port: 0 }, parts, testWorld().clock);
  t.after(() => Promise.all([http.close(), shut.close()]));
  const [port, other] = [http, shut].map(({ url }) => Number(new URL(url).port)) as [number, number];
  const by = (authorization: string) => `authorization: ${authorization}\r\n`;
  for (const path of ['/', '/metrics', '/frames/a', '/nowhere']) {
    for (const wrong of [
      '',
      by('Bearer wrong'),
      by('Bearer undefined'),
      by('Basic dW5kZWZpbmVk'),
      by('Bearer'),
      by(`Basic ${btoa('x:wrong')}`),
    ]) {
      assert.match(
        await sent(port, `GET ${path} HTTP/1.1`, '10.0.0.7', wrong),
        /^HTTP\/1\.1 401 [^]*www-authenticate: Basic[^]*CV_EDGE_READ_TOKEN/i,
        `${path} ${wrong}`,
      );
      assert.match(await sent(other, `GET ${path} HTTP/1.1`, '10.0.0.7', wrong), /^HTTP\/1\.1 401 /, `${path} ${wrong}`);
    }
    for (const right of [
      by('Bearer a-token-for-people'),
      by('Bearer the-key-of-the-gateway'),
      by(`Basic ${btoa('anybody:a-token-for-people')}`),
    ])
      assert.match(
        await sent(port, `GET ${path} HTTP/1.1`, '10.0.0.7', right),
        path === '/nowhere' ? /^HTTP\/1\.1 404 / : /^HTTP\/1\.1 200 /,
        `${path} ${right}`,
      );
  }
  assert.match(await sent(port, 'GET /healthz HTTP/1.1'), /\r\n\{"ok":true\}\r\n/);
  assert.match(await sent(port, 'GET /healthz HTTP/1.1', 'localhost', by('Bearer a-token-for-people')), /"edge":"pump"/);
});

test('thirty wrong tokens a minute are answered, more are told to wait; a right one always passes, and a browser that has none yet is asked', async (t) => {
  const { clock } = testWorld();
  const parts = {
    health: () => ({ ok: true }) as never,
    picture: () => Promise.resolve(null),
    live: () => Promise.reject(new Error('none')),
  };
  const http = await openLocalHttp({ host: '0.0.0.0', port: 0, token: 'a-token-for-people' }, parts, clock);
  t.after(() => http.close());
  const port = Number(new URL(http.url).port);
  const ask = (authorization?: string) =>
    sent(port, 'GET / HTTP/1.1', '10.0.0.7', authorization === undefined ? '' : `authorization: ${authorization}\r\n`);
  for (let guess = 0; guess < 30; guess += 1)
    assert.match(await ask(guess % 2 ? `Bearer wrong-${guess}` : `Basic ${btoa(`x:wrong-${guess}`)}`), /^HTTP\/1\.1 401 /);
  assert.match(await ask('Bearer wrong'), /^HTTP\/1\.1 429 [^]*retry-after: 60[^]*CV_COMMAND_TOO_MANY/i);
  assert.match(await ask('Bearer a-token-for-people'), /^HTTP\/1\.1 200 /);
  assert.match(await ask(), /^HTTP\/1\.1 401 /);
  await clock.advanceMs(60_000);
  assert.match(await ask('Bearer wrong'), /^HTTP\/1\.1 401 /);
});

test('a live view is opened for the gateway\'s key alone: no other program of this machine, no page, no token', async (t) => {
  const begun: string[] = [];
  const parts = {
    health: () => {
      throw new Error('not asked for');
    },
    picture: () => Promise.resolve(null),
    live: (device: string) => {
      begun.push(device);
      return Promise.resolve({ port: 1, key: 'secret' });
    },
  };
  const http = await openLocalHttp(
    { host: '127.0.0.1', port: 0, token: 'a-token-for-people', key: 'the-key-of-the-gateway' },
    parts,
    testWorld().clock,
  );
  const without = await openLocalHttp({ host: '127.0.0.1', port: 0 }, parts, testWorld().clock);
  t.after(() => Promise.all([http.close(), without.close()]));
  const [port, other] = [http, without].map(({ url }) => Number(new URL(url).port)) as [number, number];
  const key = 'authorization: Bearer the-key-of-the-gateway\r\n';
  for (const more of ['', 'authorization: Bearer a-token-for-people\r\n', `${key}origin: http://elsewhere.example\r\n`])
    assert.match(await sent(port, 'POST /live/a HTTP/1.1', 'localhost', more), /^HTTP\/1\.1 403 /, more);
  for (const more of ['', 'authorization: Bearer undefined\r\n', key])
    assert.match(await sent(other, 'POST /live/a HTTP/1.1', 'localhost', more), /^HTTP\/1\.1 403 /, more);
  assert.deepEqual(begun, []);
  assert.match(await sent(port, 'POST /live/a HTTP/1.1', 'localhost', key), /"key":"secret"/);
});
