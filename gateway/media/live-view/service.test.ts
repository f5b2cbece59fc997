/** Who may watch is asked again: by the token that they came with, as the configuration is now. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test, type TestContext } from 'node:test';
import { WebSocket, WebSocketServer } from 'ws';
import { FaultError } from '../../../core/faults.ts';
import { tempDir } from '../../../core/testing/temp-dir.ts';
import { testWorld } from '../../../core/testing/virtual-clock.ts';
import { Access } from '../../people/access.ts';
import { LiveViewService } from './service.ts';

const TOKEN = 'a-token-of-sixteen';

async function opened(t: TestContext) {
  const temp = await tempDir();
  const place = JSON.stringify({ port: 1, key: 'a-key-of-sixteen-signs' });
  const edge = createServer((_request, response) => response.end(place)).listen(0, '127.0.0.1');
  await once(edge, 'listening');
  const world = testWorld();
  const rights = { anonymous: 'none' as 'none' | 'loopback' };
  const access = new Access({ gateway: 'town-01', isNeeded: false, watchers: () => rights.anonymous }, world.clock);
  access.setTokens([], [{ name: 'duty-1', token: TOKEN }]);
  const desk = new LiveViewService(
    {
      dir: temp.dir,
      maxViewers: () => 8,
      isOffered: () => access.isWatchingOffered,
      registry: {
        device: (id) => ({
          id,
          edge: 'town-box',
          centre: '500112001',
          driver: 'camera',
          subject: id,
          position: null,
          freshness: 'fresh',
          reason: '',
          lastAt: null,
          pictures: true,
        }),
        httpKeyOf: () => null,
        httpOf: () => `http://127.0.0.1:${(edge.address() as AddressInfo).port}`,
      },
    },
    world,
  );
  await desk.open();
  t.after(async () => {
    await desk.close();
    edge.close();
    await temp.remove();
  });
  const ticket = async (authorization?: string) => {
    const request = { headers: authorization === undefined ? {} : { authorization }, address: '127.0.0.1' };
    const { principal } = access.admit({ needs: 'watch_live' }, request);
    const refusal = access.following({ needs: 'watch_live' }, request, '500112001');
    return /ticket=(.*)$/.exec((await desk.ask('cam', { by: principal.name, address: request.address, refusal })).path)?.[1] as string;
  };
  return { desk, rights, access, world, ticket };
}

test('a viewing ends for whoever may watch no more: token taken out, changed or given to another, nobody let in without a token', async (t) => {
  const { desk, rights, access, ticket } = await opened(t);
  const byToken = desk.admit('cam', await ticket(`Bearer ${TOKEN}`)).refusal;
  for (const [operators, code] of [
    [[{ name: 'duty-1', token: 'another-token-of-it' }], 'CV_API_UNAUTHORISED'],
    [[{ name: 'duty-2', token: TOKEN }], 'CV_API_UNAUTHORISED'],
    [[], 'CV_LIVE_CLOSED'],
  ] as const) {
    assert.equal(byToken(), null);
    access.setTokens([], operators);
    assert.equal(byToken(), code);
    access.setTokens([], [{ name: 'duty-1', token: TOKEN }]);
  }
  rights.anonymous = 'loopback';
  const local = desk.admit('cam', await ticket()).refusal;
  assert.equal(local(), null);
  rights.anonymous = 'none';
  assert.equal(local(), 'CV_API_UNAUTHORISED');
});

test('a ticket is worth nothing once its token is taken out, and who watches is let go with the reason', async (t) => {
  const { desk, access, world, ticket } = await opened(t);
  const [early, late] = [await ticket(`Bearer ${TOKEN}`), await ticket(`Bearer ${TOKEN}`)];
  const viewers = new WebSocketServer({ host: '127.0.0.1', port: 0 });
  t.after(() => viewers.close());
  await once(viewers, 'listening');
  const theirs = new WebSocket(`ws://127.0.0.1:${(viewers.address() as AddressInfo).port}`);
  const [ours] = (await once(viewers, 'connection')) as [WebSocket];
  desk.watch(desk.admit('cam', early), ours, false);
  access.setTokens([], [{ name: 'duty-1', token: 'another-token-of-it' }]);
  assert.throws(() => desk.admit('cam', late), (error) => error instanceof FaultError && error.fault.code === 'CV_LIVE_TICKET');
  const closed = once(theirs, 'close') as Promise<[number, Buffer]>;
  let isClosed = false;
  void closed.then(() => { isClosed = true; });
  while (!isClosed) {
    await world.clock.advanceMs(1000);
    await new Promise((resolve) => { setImmediate(resolve); });
  }
  assert.deepEqual((await closed).map(String), ['4000', 'CV_API_UNAUTHORISED']);
});
