/** Request lines that no client of ours sends, at every place that looks at a URL before a route does. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { test } from 'node:test';
import { testWorld } from '../../core/testing/virtual-clock.ts';
import { EXAMPLES } from './testing/examples.ts';
import { Access } from '../people/access.ts';
import { openApi } from './testing/http.ts';
import { memoryGateway } from './testing/memory-sources.ts';

const PATHS = [
  '//:',
  'http://:',
  '/////',
  '*',
  '/%',
  '/%ff',
  '/%E0%A4',
  '/api/v1/devices/%ff',
  '/api/v1/devices/%E0%A4/live-view?ticket=x',
  '/api/v1/devices/%ff/live-view?ticket=x',
  '/api/v1/devices/a/live-view?ticket=%ff',
  '/api/v1/live?lang=%ff',
  '/api/v1/devices?limit=%ff',
  '/api/v1/session?token=%',
  '/../../etc/passwd',
  '/%2e%2e/%2e%2e/etc/passwd',
  '/assets/%00',
  '/\u0000',
  `/${'a/'.repeat(4000)}`,
  `/api/v1/devices?${'a&'.repeat(4000)}`,
  '?',
  '#',
  '',
];
const METHODS = ['GET', 'HEAD', 'POST', 'DELETE', 'OPTIONS', 'CONNECT', 'TRACE', 'PATCH', 'NONSENSE', ''];
const UPGRADE = 'connection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n';
const EXTRAS = [
  '',
  UPGRADE,
  UPGRADE.replace('websocket', 'h2c'),
  'sec-websocket-key: \u00ff\r\nupgrade: websocket\r\nconnection: upgrade\r\n',
  'transfer-encoding: chunked\r\n',
  'content-length: 10\r\ncontent-type: application/json\r\n',
  'expect: 100-continue\r\n',
  'cookie: cityvitals-town-01=%\r\nauthorization: Bearer \u00e9\r\n',
  'range: bytes=9-1\r\n',
  'accept-language: ;q=,;;q=x\r\n',
  'origin: \r\n',
  'host: \r\n',
];

for (const isNeeded of [false, true]) {
  test(
    `no request line ends the gateway${isNeeded ? ', where a token is needed either' : ''}: each is answered or closed, none with a 5xx, and others go on`,
    { timeout: 120_000 },
    async (t) => {
      const gateway = memoryGateway();
      gateway.devices = [EXAMPLES.device];
      const world = testWorld();
      gateway.sources.access = new Access({ gateway: 'town-01', isNeeded }, world.clock);
      gateway.sources.liveView = {
        ask: () => Promise.resolve(EXAMPLES.liveTicket),
        admit: () => {
          throw new URIError('a fault inside');
        },
        watch: () => {},
      };
      const { api, ask } = await openApi(t, gateway.sources, world);
      const sent = async (path: string, method: string, extra: string): Promise<string> => {
        const socket = connect(api.port, '127.0.0.1');
        let text = '';
        socket.on('data', (bytes: Buffer) => {
          if (text.length < 4096) text += bytes.toString('latin1');
          if (/event-stream/.test(text)) socket.destroy();
        });
        socket.on('error', () => {});
        socket.end(
          Buffer.from(
            `${method} ${path} HTTP/1.1\r\nhost: localhost\r\n${extra.includes('connection:') ? '' : 'connection: close\r\n'}${extra}\r\n`,
            'latin1',
          ),
        );
        await once(socket, 'close');
        return text;
      };
      for (const method of METHODS) {
        for (const path of PATHS) {
          const answers = await Promise.all(EXTRAS.map((extra) => sent(path, method, extra)));
          for (const [at, answer] of answers.entries())
            assert.match(`${answer}closed`, /^(HTTP\/1\.1 [1234]\d\d |closed)/, `${method} ${path.slice(0, 60)} ${EXTRAS[at]}`);
        }
      }
      assert.equal((await ask('/healthz')).status, 200);
      assert.deepEqual(
        world.told.filter(({ kind }) => kind === 'fault'),
        [],
      );
    },
  );
}
