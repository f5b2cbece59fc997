/** What becomes of values while a link is broken: by the server's queue, its history, or a word of what is missing. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { FaultError } from '../../core/faults.ts';
import { linkFrames } from '../../core/link-frames.ts';
import { realWorld } from '../../core/world.ts';
import { TEST_NAMESPACE, startOpcuaTestServer, type OpcuaTestServer } from './testing/server.ts';
import { startRelay, type Relay } from '../../test-rigs/processes/relay.ts';
import { decode } from './decode.ts';
import type { OpcuaMessage } from './frame.ts';
import { open, type OpcuaLink } from './link.ts';
import { resumeStateOf } from './resume-state.ts';
import { rawSession } from './raw-session.ts';
import { point as pointSchema, settings as schema, type OpcuaSettings } from './settings.ts';

const world = realWorld(() => {});
const POINTS = ['Level', 'Plain'].map((name) => ({ id: name, ...pointSchema.parse({ node: `${TEST_NAMESPACE}s=${name}` }) }));
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
const settingsOf = () =>
  schema.parse({
    endpoint: `opc.tcp://127.0.0.1:${relay.port}`,
    security: 'none',
    publishEvery: '50ms',
    sampleEvery: '50ms',
    queueSize: 100,
  });

/** A link with a hand on its frames: what came is kept as words. */
class Listener {
  readonly words: string[] = [];
  readonly #frames: AsyncIterator<OpcuaMessage>;
  readonly link: OpcuaLink;

  constructor(link: OpcuaLink) {
    this.link = link;
    this.#frames = linkFrames(link, new AbortController().signal);
  }

  async until(...wanted: string[]): Promise<void> {
    while (!wanted.every((word) => this.words.includes(word))) this.#take((await this.#frames.next()).value as OpcuaMessage);
  }

  /** Reads on to the end, which has to be a loss of the link. */
  async lost(): Promise<void> {
    await assert.rejects(
      async () => {
        for (;;) this.#take((await this.#frames.next()).value as OpcuaMessage);
      },
      (error) => error instanceof FaultError && error.fault.code === 'CV_LINK_CLOSED',
    );
    await this.link.close();
  }

  #take(message: OpcuaMessage): void {
    const decoded = decode(message);
    assert.ok(decoded.ok && decoded.values);
    for (const { point, value, origin = 'live' } of decoded.values) this.words.push(`${origin} ${point} ${String(value)}`);
    for (const { point, reason } of decoded.missed ?? []) this.words.push(`${reason} ${point}`);
  }
}

const listen = async (settings: OpcuaSettings) => new Listener(await open(settings, POINTS, world));

/** Changes at the server that each get a sampling of their own: it is of this process and its 50 ms fall due first, however slow the machine is. */
async function change(...values: number[]): Promise<void> {
  for (const value of values) {
    rig.set('Level', value);
    rig.set('Plain', value);
    await new Promise((resolve) => { setTimeout(resolve, 120); });
  }
}

async function cutOff(listener: Listener): Promise<void> {
  relay.setCut(true);
  await listener.lost();
}

test('the queue of the server: every change of the time away comes, in order and live', async () => {
  const settings = settingsOf();
  await change(1);
  const first = await listen(settings);
  await first.until('live Level 1', 'live Plain 1');
  const { session, subscription } = resumeStateOf(settings);
  await cutOff(first);
  await change(2, 3, 4);
  relay.setCut(false);
  const second = await listen(settings);
  await second.until('live Level 4', 'live Plain 4');
  assert.deepEqual(second.words.filter((word) => word.includes('Plain')), ['live Plain 2', 'live Plain 3', 'live Plain 4']);
  assert.equal(resumeStateOf(settings).session, session);
  assert.equal(resumeStateOf(settings).subscription?.id, subscription?.id);
  await second.link.close();
  assert.equal(resumeStateOf(settings).session, null);
});

test('what has not changed meanwhile is said again, since the host took it for lost', async () => {
  const settings = settingsOf();
  const first = await listen(settings);
  await first.until('live Level 4', 'live Plain 4');
  await cutOff(first);
  relay.setCut(false);
  const second = await listen(settings);
  await second.until('live Level 4', 'live Plain 4');
  await second.link.close();
});

test('a session that is gone, from a server that transfers nothing to a stranger: history, or word of the gap', async () => {
  const settings = settingsOf();
  const first = await listen(settings);
  await first.until('live Level 4');
  const { session, subscription } = resumeStateOf(settings);
  // Closed, but its subscription stays: without a user, the server cannot know whose it was.
  await session?.close(false);
  relay.setCut(true);
  await first.lost();
  await change(5, 6);
  relay.setCut(false);
  const second = await listen(settings);
  await second.until('live Plain 6', 'backfill Level 5', 'device_away Plain');
  assert.notEqual(resumeStateOf(settings).session, session);
  assert.notEqual(resumeStateOf(settings).subscription?.id, subscription?.id);
  await second.link.close();
});

test('a subscription that is gone: history where the server keeps it, a word of the gap where not', async () => {
  const settings = settingsOf();
  await change(10);
  const first = await listen(settings);
  await first.until('live Level 10', 'live Plain 10');
  const { session, subscription } = resumeStateOf(settings);
  if (session && subscription) await rawSession(session).deleteSubscriptions({ subscriptionIds: [subscription.id] });
  await cutOff(first);
  await change(11, 12, 13);
  relay.setCut(false);
  const second = await listen(settings);
  await second.until('live Level 13', 'live Plain 13', 'backfill Level 12', 'device_away Plain');
  assert.deepEqual(second.words.filter((word) => word.startsWith('backfill')), ['backfill Level 11', 'backfill Level 12']);
  assert.ok(!second.words.includes('device_away Level'));
  await second.link.close();
});

test('a queue that ran over is told before the first value after it', async () => {
  const settings = schema.parse({
    endpoint: `opc.tcp://127.0.0.1:${relay.port}`,
    security: 'none',
    publishEvery: '2s',
    sampleEvery: '50ms',
    queueSize: 2,
  });
  const listener = await listen(settings);
  await listener.until('live Plain 13');
  await change(14, 15, 16, 17);
  await listener.until('live Plain 17');
  assert.deepEqual(
    listener.words.filter((word) => word.includes('Plain')),
    ['live Plain 13', 'device_overflow Plain', 'live Plain 16', 'live Plain 17'],
  );
  await listener.link.close();
});

test('a server that started anew is no server of before: nothing is taken from it as if it were', async () => {
  const doomed = await startOpcuaTestServer();
  doomed.set('Plain', 1);
  const settings = schema.parse({
    endpoint: `opc.tcp://127.0.0.1:${doomed.port}`,
    security: 'none',
    publishEvery: '50ms',
    sampleEvery: '50ms',
  });
  const first = await listen(settings);
  await first.until('live Plain 1');
  await doomed.stop();
  await first.lost();
  const again = await startOpcuaTestServer({ port: doomed.port });
  again.set('Plain', 2);
  const second = await listen(settings);
  await second.until('live Plain 2', 'device_away Plain');
  await second.link.close();
  await again.stop();
});
