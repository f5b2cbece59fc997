/** How a link ends, by whom, and what it leaves at the server: nothing where it was closed, its session where it broke. */
import assert from 'node:assert/strict';
import { after, before, beforeEach, test, type TestContext } from 'node:test';
import { FaultError } from '../../core/faults.ts';
import { linkFrames } from '../../core/link-frames.ts';
import { until } from '../../core/testing/until.ts';
import { testWorld } from '../../core/testing/virtual-clock.ts';
import { realWorld } from '../../core/world.ts';
import { TEST_NAMESPACE, startOpcuaTestServer, type OpcuaTestServer } from './testing/server.ts';
import { startRelay, type Relay } from '../../test-rigs/processes/relay.ts';
import { discover } from './discover.ts';
import type { OpcuaFrame, OpcuaMessage } from './frame.ts';
import { open } from './link.ts';
import { resumeStateOf } from './resume-state.ts';
import { probe } from './probe.ts';
import { point as pointSchema, settings as schema } from './settings.ts';
import { write } from './write.ts';

const world = realWorld(() => {});
const never = new AbortController().signal;
const POINTS = ['Plain', 'Writable'].map((name) => ({ id: name, ...pointSchema.parse({ node: `${TEST_NAMESPACE}s=${name}` }) }));
let rig: OpcuaTestServer;
let relay: Relay;
before(async () => {
  rig = await startOpcuaTestServer();
  relay = await startRelay(() => rig.port);
});
after(async () => {
  await relay.close();
  await rig.stop();
});
beforeEach(() => { relay.setCut(false); });

const settingsOf = (more: object = {}) =>
  schema.parse({ endpoint: `opc.tcp://127.0.0.1:${relay.port}`, security: 'none', publishEvery: '50ms', sampleEvery: '50ms', ...more });
const held = (sessions: number, subscriptions: number) =>
  until(
    () => rig.counts(),
    ([one, other]) => one === sessions && other === subscriptions,
  );
const faultOf = (promise: Promise<unknown>) =>
  promise.then(
    () => null,
    (error: unknown) => {
      if (error instanceof FaultError) return error.fault;
      throw error;
    },
  );
const readAll = async (frames: AsyncIterator<OpcuaMessage>) => {
  while (!(await frames.next()).done);
};

test('a link that is closed leaves nothing at the server; nor does a look', async () => {
  for (const mode of ['subscribe', 'poll'] as const) {
    const settings = settingsOf({ mode });
    const link = await open(settings, POINTS, world);
    const frames = linkFrames(link, never);
    await frames.next();
    await held(1, mode === 'poll' ? 0 : 1);
    const session = resumeStateOf(settings).session as unknown as { listenerCount(name: string): number };
    const listeners = session.listenerCount('session_closed');
    await link.close();
    await held(0, 0);
    await readAll(frames);
    assert.equal(session.listenerCount('session_closed'), listeners - 1, 'it no longer listens');
    assert.deepEqual(
      [
        resumeStateOf(settings).session,
        resumeStateOf(settings).subscription,
        resumeStateOf(settings).lastFrames.size,
        resumeStateOf(settings).contact,
      ],
      [null, null, 0, null],
    );
  }
  await probe(settingsOf(), [], world, never);
  await held(0, 0);
  await discover(settingsOf(), world, never);
  await held(0, 0);
  await until(() => rig.channels() === 0);
});

test('an attempt that is called off leaves nothing, however far it had come', async () => {
  const codes = new Set<string>();
  for (let turn = 0; turn < 12; turn += 1) {
    const settings = settingsOf();
    const stop = new AbortController();
    // Its clock stands: nothing is left because time was up.
    const opening = open(settings, POINTS, testWorld(), stop.signal);
    for (let at = 0; at < turn * 3; at += 1) await new Promise((resolve) => { setImmediate(resolve); });
    stop.abort(new Error('enough'));
    await opening.then((link) => link.close(), (error: unknown) => codes.add((error as Error).message));
    await held(0, 0);
    assert.deepEqual([resumeStateOf(settings).session, resumeStateOf(settings).subscription], [null, null]);
  }
  assert.deepEqual([...codes], ['enough']);
});

test('a link that breaks says so once, and its session and subscription stay at the server', async () => {
  const settings = settingsOf();
  const link = await open(settings, POINTS, world);
  const frames = linkFrames(link, never);
  await frames.next();
  relay.setCut(true);
  const fault = await faultOf(readAll(frames));
  assert.deepEqual([fault?.code, fault?.params.address, fault?.params.detail], ['CV_LINK_CLOSED', settings.endpoint, 'connection lost']);
  await link.close();
  assert.notEqual(resumeStateOf(settings).session, null);
  assert.deepEqual(rig.counts(), [1, 1]);
  relay.setCut(false);
  const { session, subscription } = resumeStateOf(settings);
  await assert.rejects(open(settings, POINTS, world, AbortSignal.abort(new Error('too late'))), /too late/);
  const next = await open(settings, POINTS, world);
  assert.deepEqual(
    [rig.counts(), resumeStateOf(settings).session === session, resumeStateOf(settings).subscription === subscription],
    [[1, 1], true, true],
    'the same goes on, also after an attempt that came to nothing',
  );
  await next.close();
  await held(0, 0);
});

test('a server that closes the session ends the link', async () => {
  const settings = settingsOf();
  const link = await open(settings, POINTS, world);
  const frames = linkFrames(link, never);
  await frames.next();
  (resumeStateOf(settings).session as unknown as { emit(name: string): void }).emit('session_closed');
  const fault = await faultOf(readAll(frames));
  assert.deepEqual([fault?.code, fault?.params.detail], ['CV_LINK_CLOSED', 'the server closed the session']);
  await link.close();
  const again = await open(settings, POINTS, world);
  await again.close();
  await held(0, 0);
});

test('reads that break off end the link with the reason; points that the server does not know are said first', async () => {
  const settings = settingsOf({ mode: 'poll' });
  const link = await open(settings, [...POINTS, { id: 'nowhere', ...pointSchema.parse({ node: 'nsu=urn:unheard;s=x' }) }], world);
  const frames = linkFrames(link, never);
  const first = [(await frames.next()).value, (await frames.next()).value, (await frames.next()).value] as OpcuaFrame[];
  assert.deepEqual(first.map(({ point }) => point), ['nowhere', 'Plain', 'Writable']);
  relay.setCut(true);
  const fault = await faultOf(readAll(frames));
  assert.equal(fault?.code, 'CV_LINK_CLOSED');
  assert.ok(String(fault?.params.detail).length > 3, String(fault?.params.detail));
  const broken = await faultOf(link.exchange(write(POINTS[1] as (typeof POINTS)[number], 5)[0] as never, never));
  assert.deepEqual([broken?.code, broken?.params.address], ['CV_LINK_CLOSED', settings.endpoint]);
  await link.close();
  relay.setCut(false);
  await (await open(settings, POINTS, world)).close();
  await held(0, 0);
});

test('a write that is called off ends with its reason', async () => {
  const link = await open(settingsOf(), POINTS, world);
  const request = write(POINTS[1] as (typeof POINTS)[number], 5)[0] as never;
  await assert.rejects(link.exchange(request, AbortSignal.abort(new Error('enough'))), /enough/);
  const stop = new AbortController();
  const writing = link.exchange(request, stop.signal);
  stop.abort(new Error('too slow'));
  await assert.rejects(writing, /too slow/);
  await link.close();
  await held(0, 0);
});

test('a server that does not say who it is, or in what state, is looked at all the same', async (context: TestContext) => {
  const settings = settingsOf({ mode: 'poll' });
  const link = await open(settings, POINTS, world);
  const session = Object.getPrototypeOf(resumeStateOf(settings).session) as { read(nodes: unknown): Promise<unknown> };
  await link.close();
  const look = async (product: unknown, maker: unknown, version: unknown, state: unknown) => {
    const mocked = context.mock.method(session, 'read', async () =>
      [product, maker, version, state].map((value) => (value === undefined ? {} : { value: { value } })),
    );
    const [finding] = await probe(settings, [], world, never);
    mocked.mock.restore();
    return [finding?.en, finding?.zh];
  };
  assert.deepEqual(await look('', null, undefined, 9), ['server: ?, state 9', '服务器：?，状态 9']);
  assert.deepEqual(await look('PLC', 'Maker', 7, 0), ['server: Maker PLC, state running', '服务器：Maker PLC，状态 running']);
  assert.deepEqual(await look('PLC', '', '1.2', undefined), ['server: PLC 1.2, state unknown', '服务器：PLC 1.2，状态 unknown']);
  assert.equal((await look('PLC', '', '', null))[0], 'server: PLC, state unknown', 'what it does not say is not running');
});
