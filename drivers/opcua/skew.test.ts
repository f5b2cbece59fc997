/** Gaps at a server whose clock and ours differ by an hour: they have our time, and begin at the last contact, however long a value had stood. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { FaultError } from '../../core/faults.ts';
import { linkFrames } from '../../core/link-frames.ts';
import { realWorld, type World } from '../../core/world.ts';
import { TEST_NAMESPACE, startOpcuaTestServer, type OpcuaTestServer } from './testing/server.ts';
import { startRelay, type Relay } from '../../test-rigs/processes/relay.ts';
import { decode } from './decode.ts';
import type { OpcuaMessage } from './frame.ts';
import { open } from './link.ts';
import { resumeStateOf } from './resume-state.ts';
import { rawSession } from './raw-session.ts';
import { point as pointSchema, settings as schema, type OpcuaSettings } from './settings.ts';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
/** What passes between the server's word and our look at the clock, on a machine that is busy. */
const WAY_MS = 60_000;
const POINTS = ['Level', 'Plain'].map((name) => ({ id: name, ...pointSchema.parse({ node: `${TEST_NAMESPACE}s=${name}` }) }));
const realClock = realWorld(() => {}).clock;
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

/** An edge whose clock is this much ahead of the server's. */
const worldAhead = (aheadMs: number): World => ({
  ...realWorld(() => {}),
  clock: {
    nowMs: () => realClock.nowMs() + aheadMs,
    monotonicMs: () => realClock.monotonicMs(),
    after: (delayMs, run) => realClock.after(delayMs, run),
  },
});

type Missed = { point: string; fromAt: number; toAt: number };

/** Reads until each has come: `VALUE` for a live one, `history VALUE`, `missed POINT`, or `alive`. */
async function until(frames: AsyncIterator<OpcuaMessage>, ...wanted: string[]): Promise<Missed[]> {
  const words = new Set<string>();
  const gaps: Missed[] = [];
  while (!wanted.every((word) => words.has(word))) {
    const message = (await frames.next()).value as OpcuaMessage;
    if ('alive' in message) words.add('alive');
    const decoded = decode(message);
    assert.ok(decoded.ok);
    for (const { point, value, origin } of decoded.values ?? [])
      words.add(`${origin === 'backfill' ? 'history ' : ''}${point} ${String(value)}`);
    for (const missed of decoded.missed ?? []) {
      gaps.push(missed);
      words.add(`missed ${missed.point}`);
    }
  }
  return gaps;
}

/** A link on which both values have come, cut off; the server forgets the subscription. */
async function cutOff(settings: OpcuaSettings, world: World, ...values: string[]): Promise<{ contactAt: number }> {
  const link = await open(settings, POINTS, world);
  const frames = linkFrames(link, new AbortController().signal);
  await until(frames, ...values);
  const contactAt = resumeStateOf(settings).contact?.at ?? Number.NaN;
  const { session, subscription } = resumeStateOf(settings);
  if (session && subscription) await rawSession(session).deleteSubscriptions({ subscriptionIds: [subscription.id] });
  relay.setCut(true);
  await assert.rejects(
    async () => {
      for (;;) await frames.next();
    },
    (error) => error instanceof FaultError && error.fault.code === 'CV_LINK_CLOSED',
  );
  await link.close();
  return { contactAt: Math.max(contactAt, resumeStateOf(settings).contact?.at ?? 0) };
}

for (const [what, aheadMs] of [['ours is an hour ahead', HOUR_MS], ['ours is an hour behind', -HOUR_MS], ['both are one', 0]] as const) {
  test(`${what}: the gap of a value that stood for days has our time, from the last contact to the next value`, async () => {
    const world = worldAhead(aheadMs);
    const settings = schema.parse({
      endpoint: `opc.tcp://127.0.0.1:${relay.port}`,
      security: 'none',
      publishEvery: '50ms',
      sampleEvery: '50ms',
    });
    const daysAgo = new Date(realClock.nowMs() - 3 * DAY_MS);
    rig.set('Plain', 1, true, daysAgo);
    rig.set('Level', 1, true, daysAgo);
    const beganAt = world.clock.nowMs();
    const { contactAt } = await cutOff(settings, world, 'Plain 1', 'Level 1');
    assert.ok(contactAt >= beganAt, 'a contact has our time');
    const setAt = world.clock.nowMs();
    rig.set('Plain', 2);
    rig.set('Level', 2);
    relay.setCut(false);
    const link = await open(settings, POINTS, world);
    const gaps = await until(linkFrames(link, new AbortController().signal), 'Plain 2', 'Level 2', 'missed Plain');
    await link.close();
    assert.deepEqual(gaps.map(({ point }) => point), ['Plain'], 'the history of the other holds all');
    const [{ fromAt, toAt }] = gaps as [Missed];
    assert.equal(fromAt, contactAt);
    assert.ok(Math.abs(toAt - setAt) <= WAY_MS, `${toAt - setAt} ms from when it was set`);
  });
}

test("a value that has not changed is no gap, whoever's clock was set meanwhile", async () => {
  const settings = schema.parse({
    endpoint: `opc.tcp://127.0.0.1:${relay.port}`,
    security: 'none',
    publishEvery: '50ms',
    sampleEvery: '50ms',
  });
  const daysAgo = new Date(realClock.nowMs() - 3 * DAY_MS);
  rig.set('Plain', 3, true, daysAgo);
  rig.set('Level', 3, true, daysAgo);
  await cutOff(settings, worldAhead(-HOUR_MS), 'Plain 3', 'Level 3');
  relay.setCut(false);
  const link = await open(settings, POINTS, worldAhead(0));
  assert.deepEqual(await until(linkFrames(link, new AbortController().signal), 'Plain 3', 'Level 3', 'alive'), []);
  await link.close();
});
