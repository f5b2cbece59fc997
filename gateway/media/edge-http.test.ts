import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import type { TelemetryEvent } from '../../core/telemetry.ts';
import { realWorld } from '../../core/world.ts';
import { edgeOrigin } from './edge-http.ts';
import { askEdge } from './live-view/near.ts';
import { PresenceRegistry } from '../presence/registry.ts';

const by = (peer: string | null, configured: string | null = null) => (stated: string) => edgeOrigin(stated, { peer, configured });

test('an edge is asked on the host that it speaks from, and nowhere else', () => {
  const far = by('10.1.2.3');
  assert.equal(far('http://10.1.2.3:8090/'), 'http://10.1.2.3:8090');
  for (const stated of [
    'http://127.0.0.1:8090',
    'http://localhost:1',
    'http://0.0.0.0:1',
    'http://169.254.169.254',
    'http://10.1.2.4:8090',
    'http://10.1.2.3.example.com',
    'not a url',
  ])
    assert.equal(far(stated), null, stated);
  assert.equal(by('::ffff:10.1.2.3')('http://10.1.2.3:1'), 'http://10.1.2.3:1');
  assert.equal(by('fd00::1')('http://[fd00::0001]:1'), 'http://[fd00::1]:1');
  assert.equal(by('::ffff:127.0.0.1')('http://0.0.0.0:7'), 'http://0.0.0.0:7');
  assert.equal(by('127.0.0.1')('http://10.1.2.3:7'), null);
});

test('path, query, credentials and other schemes are not taken', () => {
  for (const stated of [
    'http://127.0.0.1:1/admin',
    'http://127.0.0.1:1/?a=b',
    'http://127.0.0.1:1/#a',
    'http://u:p@127.0.0.1:1',
    'ftp://127.0.0.1',
  ])
    assert.equal(by('127.0.0.1')(stated), null, stated);
});

test('the configured origin counts, whatever the edge states; behind an external broker nothing else does', () => {
  assert.equal(by('10.1.2.3', 'https://edge.example:444')('http://127.0.0.1:1'), 'https://edge.example:444');
  assert.equal(by(null)('http://127.0.0.1:1'), null);
});

test('a registry tells once what to configure for an address that it does not take', async () => {
  const told: TelemetryEvent[] = [];
  const registry = new PresenceRegistry(
    { path: null, edges: [], centre: '500112001', http: () => ({ peer: '10.1.2.3', configured: null }) },
    realWorld((event) => {
      told.push(event);
    }),
  );
  const state = (http: string) =>
    registry.noteState({ v: 1, edge: 'pump', centre: '500112001', online: true, sentAt: 1, http }, '500112001');
  state('http://127.0.0.1:6379/x');
  assert.equal(registry.httpOf('pump'), null);
  state('http://127.0.0.1:6379/x');
  assert.deepEqual(
    told.flatMap((event) => (event.kind === 'fault' ? [event.fault.code, event.fault.params?.edge] : [])),
    ['CV_EDGE_HTTP', 'pump'],
  );
  state('http://10.1.2.3:8090');
  assert.equal(registry.httpOf('pump'), 'http://10.1.2.3:8090');
});

test('an answer to a live view without end is not read to its end, and a redirect is not followed', { timeout: 120_000 }, async (t) => {
  let isEndless = true;
  let followed = 0;
  const server = createServer((request, response) => {
    if (request.url === '/elsewhere') followed += 1;
    if (!isEndless) return response.writeHead(307, { location: '/elsewhere' }).end();
    const more = () => { while (!response.destroyed && response.write('x'.repeat(16_384))); };
    response.on('drain', more);
    more();
  });
  await new Promise<void>((resolve) => { server.listen(0, '127.0.0.1', resolve); });
  t.after(() => { server.closeAllConnections(); server.close(); });
  const ask = () => askEdge(`http://127.0.0.1:${(server.address() as AddressInfo).port}`, 'cam', 'pump');
  await assert.rejects(ask(), /cam/);
  isEndless = false;
  await assert.rejects(ask(), /cam/);
  assert.equal(followed, 0);
});
