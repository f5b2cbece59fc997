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
import { Operators } from '../../commands/operators.ts';
import { LiveViewService, type ViewRequester } from './service.ts';

const TOKEN = 'a-token-of-sixteen';

async function opened(t: TestContext) {
  const temp = await tempDir();
  const place = JSON.stringify({ port: 1, key: 'a-key-of-sixteen-signs' });
  const edge = createServer((_request, response) => response.end(place)).listen(0, '127.0.0.1');
  await once(edge, 'listening');
  const world = testWorld();
  const rights = {
    operators: new Operators([{ name: 'duty-1', token: TOKEN }], world.clock),
    mayRead: true,
    anonymous: 'none' as 'none' | 'loopback',
    hasOperators: true,
  };
  const desk = new LiveViewService(
    {
      dir: temp.dir,
      setup: () => ({ live: { anonymous: rights.anonymous, maxViewers: 8 }, hasOperators: rights.hasOperators }),
      identify: (authorization, address) => rights.operators.identify(authorization, address),
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
  const caller = (authorization?: string): ViewRequester => ({
    authorization,
    address: '127.0.0.1',
    isForwarded: false,
    mayRead: () => rights.mayRead,
  });
  const ticket = async (authorization?: string) => /ticket=(.*)$/.exec((await desk.ask('cam', caller(authorization))).path)?.[1] as string;
  return { desk, rights, world, ticket };
}

test('a viewing ends for whoever may watch no more: token taken out or changed, reading no more allowed, nobody let in without a token', async (t) => {
  const { desk, rights, world, ticket } = await opened(t);
  const operators = { with: (token: string, name = 'duty-1') => new Operators([{ name, token }], world.clock) };
  const known = rights.operators;
  const began = async (authorization?: string) => desk.admit('cam', await ticket(authorization)).refusal;
  const byToken = await began(`Bearer ${TOKEN}`);
  const changes: [() => void, () => void, string][] = [
    [
      () => {
        rights.operators = operators.with('another-token-of-it');
      },
      () => {
        rights.operators = known;
      },
      'CV_API_UNAUTHORISED',
    ],
    [
      () => {
        rights.operators = operators.with(TOKEN, 'duty-2');
      },
      () => {
        rights.operators = known;
      },
      'CV_API_UNAUTHORISED',
    ],
    [
      () => {
        rights.hasOperators = false;
      },
      () => {
        rights.hasOperators = true;
      },
      'CV_LIVE_CLOSED',
    ],
    [
      () => {
        rights.mayRead = false;
      },
      () => {
        rights.mayRead = true;
      },
      'CV_API_READ_TOKEN',
    ],
  ];
  for (const [change, back, code] of changes) {
    assert.equal(byToken(), null);
    change();
    assert.equal(byToken(), code);
    back();
  }
  rights.anonymous = 'loopback';
  const local = await began();
  assert.equal(local(), null);
  rights.anonymous = 'none';
  assert.equal(local(), 'CV_API_UNAUTHORISED');
});

test('a ticket is worth nothing once its token is taken out, and who watches is let go with the reason', async (t) => {
  const { desk, rights, world, ticket } = await opened(t);
  const [early, late] = [await ticket(`Bearer ${TOKEN}`), await ticket(`Bearer ${TOKEN}`)];
  const viewers = new WebSocketServer({ host: '127.0.0.1', port: 0 });
  t.after(() => viewers.close());
  await once(viewers, 'listening');
  const theirs = new WebSocket(`ws://127.0.0.1:${(viewers.address() as AddressInfo).port}`);
  const [ours] = (await once(viewers, 'connection')) as [WebSocket];
  desk.watch(desk.admit('cam', early), ours, false);
  rights.operators = new Operators([{ name: 'duty-1', token: 'another-token-of-it' }], world.clock);
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
