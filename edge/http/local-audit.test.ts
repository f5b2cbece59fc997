/** Who asked the local HTTP for what is told, with their address and no secret; what a gateway asks for somebody is in its own record. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { testWorld } from '../../core/testing/virtual-clock.ts';
import type { EdgeAuditEntry } from '../../log/audit/edge-entry.ts';
import { openLocalHttp } from './server.ts';

test('the token signs in once an hour, wrong ones are refusals, pictures are told but for those of the gateway', async (t) => {
  const { clock } = testWorld();
  const told: EdgeAuditEntry[] = [];
  const [token, key] = ['a-token-for-people', 'the-key-of-the-gateway'];
  const http = await openLocalHttp({ host: '0.0.0.0', port: 0, token, key }, {
    health: () => ({ ok: true }) as never,
    picture: (device) => Promise.resolve(device === 'a' ? ({ device } as never) : null),
    live: (device) => (device === 'a' ? Promise.resolve({ port: 1, key: 'secret' }) : Promise.reject(new Error('none'))),
    audit: { append: (entry) => void told.push(entry) },
  }, clock);
  t.after(() => http.close());
  const { port } = new URL(http.url);
  const ask = async (path: string, given?: string, method = 'GET') => {
    const headers = given === undefined ? undefined : { authorization: `Bearer ${given}` };
    const { status } = await fetch(`http://127.0.0.1:${port}${path}`, { method, ...(headers && { headers }) });
    return status;
  };
  const since = (): string[] => told.splice(0).map(({ kind, who, from, what, outcome }) => [kind, who, from, what, outcome].join(' '));
  assert.deepEqual([await ask('/'), await ask('/healthz')], [401, 200]);
  assert.deepEqual(since(), [], 'a browser asks without a token first, a supervisor always');
  await ask('/', 'wrong-token');
  assert.deepEqual(since(), ['refusal  127.0.0.1 read refused']);
  for (const path of ['/', '/metrics', '/frames/a', '/frames/b']) await ask(path, token);
  assert.deepEqual(since(), ['sign_in token 127.0.0.1 token done', 'evidence_read token 127.0.0.1 picture a done']);
  await clock.advanceMs(3_599_000);
  await ask('/', token);
  await clock.advanceMs(3_599_000);
  await ask('/', token);
  assert.deepEqual(since(), []);
  await clock.advanceMs(3_600_000);
  await ask('/', token);
  assert.deepEqual(since(), ['sign_in token 127.0.0.1 token done']);
  await ask('/frames/a', key);
  assert.deepEqual(since(), []);
  const watched = [await ask('/live/a', key, 'POST'), await ask('/live/b', key, 'POST'), await ask('/live/a', token, 'POST')];
  assert.deepEqual(watched, [200, 503, 403]);
  assert.deepEqual(since(), [
    'live_view gateway 127.0.0.1 a done', 'live_view gateway 127.0.0.1 b refused', 'refusal  127.0.0.1 live view refused',
  ]);
});

test('whoever is on the machine reads a picture of an edge that listens there alone, and that is told', async (t) => {
  const told: EdgeAuditEntry[] = [];
  const http = await openLocalHttp({ host: '127.0.0.1', port: 0 }, {
    health: () => ({ ok: true }) as never,
    picture: (device) => Promise.resolve({ device } as never),
    live: () => Promise.reject(new Error('none')),
    audit: { append: (entry) => void told.push(entry) },
  }, testWorld().clock);
  t.after(() => http.close());
  await fetch(`${http.url}/frames/gate`);
  await fetch(http.url);
  assert.deepEqual(told, [{ kind: 'evidence_read', who: 'local', what: 'picture gate', outcome: 'done', from: '127.0.0.1' }]);
});
