import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { AddressInfo, Socket } from 'node:net';
import { test, type TestContext } from 'node:test';
import { WebSocket, WebSocketServer } from 'ws';
import { FaultError } from '../../../core/faults.ts';
import type { TelemetryEvent } from '../../../core/telemetry.ts';
import { until } from '../../../core/testing/until.ts';
import { testWorld, VirtualClock } from '../../../core/testing/virtual-clock.ts';
import { CLOSED_BY_FAULT, relay } from './relay.ts';

const PIECE = Buffer.alloc(188 * 350);
const PIECES = 800;

async function serve(t: TestContext): Promise<{ server: WebSocketServer; port: number; connected(): Promise<WebSocket> }> {
  const server = new WebSocketServer({ host: '127.0.0.1', port: 0, perMessageDeflate: false });
  await once(server, 'listening');
  t.after(() => {
    for (const socket of server.clients) socket.terminate();
    server.close();
  });
  return {
    server,
    port: (server.address() as AddressInfo).port,
    connected: async () => ((await once(server, 'connection')) as [WebSocket])[0],
  };
}

/** A viewer as the gateway has it, and the other end of its socket. */
async function viewerOf(t: TestContext): Promise<{ ours: WebSocket; theirs: WebSocket }> {
  const { port, connected } = await serve(t);
  const coming = connected();
  const theirs = new WebSocket(`ws://127.0.0.1:${port}/`);
  theirs.on('error', () => {});
  await once(theirs, 'open');
  return { ours: await coming, theirs };
}

test('a viewer that does not read loses pieces, which are counted; one beside it loses none', async (t) => {
  const source = await serve(t);
  const [slow, quick] = [await viewerOf(t), await viewerOf(t)];
  const told: TelemetryEvent[] = [];
  const world = { ...testWorld(new VirtualClock(0)), tell: (event: TelemetryEvent) => { told.push(event); } };
  const place = { port: source.port, key: 'k' };
  const find = () => Promise.reject(new FaultError('CV_LIVE_FULL', { count: 1, limit: 1 }));
  const sources = [source.connected()];
  const slowly = relay(slow.ours, place, find, false, world);
  const first = await (sources[0] as Promise<WebSocket>);
  const coming = source.connected();
  const quickly = relay(quick.ours, place, find, false, world);
  const second = await coming;
  (slow.theirs as unknown as { _socket: Socket })._socket.pause();
  for (let piece = 0; piece < PIECES; piece += 1) {
    const came = once(quick.theirs, 'message');
    first.send(PIECE);
    second.send(PIECE);
    await came;
  }
  await until(() => told.length, (count) => count > 0);
  assert.ok(slow.ours.bufferedAmount <= (512 << 10) + PIECE.length + 64);
  slow.theirs.terminate();
  quick.theirs.terminate();
  const [lost, whole] = await Promise.all([slowly, quickly]);
  assert.ok(lost.dropped > 0 && lost.dropped === told.length, `${lost.dropped} dropped, ${told.length} told`);
  assert.deepEqual(whole, { bytes: PIECES * PIECE.length, dropped: 0, reason: 'left' });
});

test('what is said beside the pictures reaches who asked for it, unless it is larger than anything there is to say', async (t) => {
  const source = await serve(t);
  const world = testWorld(new VirtualClock(0));
  const find = () => Promise.reject(new FaultError('CV_LIVE_FULL', { count: 1, limit: 1 }));
  for (const hasNotes of [true, false]) {
    const { ours, theirs } = await viewerOf(t);
    const heard: string[] = [];
    theirs.on('message', (data: Buffer, isBinary: boolean) => heard.push(isBinary ? `${data.length} bytes` : data.toString()));
    const coming = source.connected();
    const relayed = relay(ours, { port: source.port, key: 'k' }, find, hasNotes, world);
    const edge = await coming;
    edge.send('{"kind":"scene"}');
    edge.send('x'.repeat((64 << 10) + 1));
    edge.send(PIECE);
    await until(() => heard.length, (count) => count > 0 && heard.at(-1) === `${PIECE.length} bytes`);
    assert.deepEqual(heard, [...(hasNotes ? ['{"kind":"scene"}'] : []), `${PIECE.length} bytes`]);
    theirs.terminate();
    assert.equal((await relayed).dropped, 0);
  }
});

test('a viewer that may watch no more sees nothing more than ten seconds later, and is told why', async (t) => {
  const source = await serve(t);
  const { ours, theirs } = await viewerOf(t);
  const clock = new VirtualClock(0);
  let refusal: 'CV_API_UNAUTHORISED' | null = null;
  const coming = source.connected();
  const relaying = relay(
    ours,
    { port: source.port, key: 'k' },
    () => Promise.reject(new FaultError('CV_LIVE_FULL', { count: 1, limit: 1 })),
    false,
    testWorld(clock),
    () => refusal,
  );
  const edge = await coming;
  const left = once(edge, 'close');
  await clock.advanceMs(60_000);
  const came = once(theirs, 'message');
  edge.send(PIECE);
  await came;
  assert.equal(theirs.readyState, WebSocket.OPEN);
  refusal = 'CV_API_UNAUTHORISED';
  const closed = once(theirs, 'close') as Promise<[number, Buffer]>;
  await clock.advanceMs(10_000);
  assert.deepEqual((await closed).map(String), [String(CLOSED_BY_FAULT), 'CV_API_UNAUTHORISED']);
  assert.deepEqual([(await relaying).reason, (await relaying).bytes], ['CV_API_UNAUTHORISED', PIECE.length]);
  await left;
});

test('a view that cannot be had again within half a minute is given up with the reason', async (t) => {
  const { ours, theirs } = await viewerOf(t);
  const { server, port } = await serve(t);
  server.close();
  const clock = new VirtualClock(0);
  let asked = 0;
  const relaying = relay(ours, { port, key: 'k' }, () => {
    asked += 1;
    return Promise.reject(new FaultError('CV_LIVE_FULL', { count: 1, limit: 1 }));
  }, false, testWorld(clock));
  const closed = once(theirs, 'close') as Promise<[number, Buffer]>;
  let isOver = false;
  void relaying.then(() => { isOver = true; });
  await until(async () => {
    await clock.advanceMs(500);
    return isOver;
  }, (over) => over);
  assert.deepEqual((await closed).map(String), [String(CLOSED_BY_FAULT), 'CV_LIVE_FULL']);
  assert.ok(asked >= 1 && asked <= 14, `asked ${asked} times`);
  assert.equal((await relaying).reason, 'CV_LIVE_FULL');
});
