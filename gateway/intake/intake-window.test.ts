/** What one edge sends, or cannot get written, is its own matter: the others are read and answered meanwhile. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Draft } from '../../core/event.ts';
import { FaultError } from '../../core/faults.ts';
import type { GatewayLog } from '../../log/types.ts';
import { openMemoryGatewayLog } from '../../log/testing/memory-log.ts';
import { settle, testWorld } from '../../core/testing/virtual-clock.ts';
import { encodeBatch } from '../../core/wire/batch.ts';
import { edgeTopic } from '../../core/wire/topics.ts';
import { Intake, type IntakeParts } from './intake.ts';
import { IntakeWindow } from './intake-window.ts';

const CENTRE = '500112001';
const never = (): Promise<never> => new Promise(() => {});

/** `accept` stands in for the log's where the edge `bad` is the sender. */
async function rig({
  accept,
  add = () => Promise.resolve(),
  onKept,
  onSettled,
}: {
  accept?: GatewayLog['accept'];
  add?: IntakeParts['quarantine']['add'];
  onKept?: IntakeParts['onKept'];
  onSettled?: IntakeParts['onSettled'];
} = {}) {
  const world = testWorld();
  const memory = await openMemoryGatewayLog({ gateway: 'g' }, world);
  const answers: string[] = [];
  const tried = { count: 0 };
  const states: boolean[] = [];
  const log: GatewayLog = {
    ...memory,
    accept(groups, settled) {
      if (!accept || groups[0]?.origin.sender !== 'bad') return memory.accept(groups, settled);
      tried.count += 1;
      return accept(groups, settled);
    },
  };
  const intake = new Intake(
    {
      setup: { gateway: 'g', accepts: ['live'], exercise: false, relays: [] },
      log,
      quarantine: { add },
      registry: {
        noteEvents() {},
        noteState: ({ online }) => {
          states.push(online);
        },
      },
      ...(onKept && { onKept }),
      ...(onSettled && { onSettled }),
      link: {
        publish: (topic, payload) => {
          answers.push(
            `${topic.split('/')[4]} ${Object.keys(JSON.parse(String(payload)) as object).includes('error') ? 'refused' : 'ack'}`,
          );
          return Promise.resolve();
        },
      },
    },
    world,
  );
  /** As the link does: the next message is read when there is room. @returns how many were read */
  async function send(edge: string, count: number, payloadOf = (seq: number): Uint8Array => batch(edge, seq)): Promise<number> {
    for (let seq = 1; seq <= count; seq += 1) {
      let isHeld = true;
      const room = intake.take({ topic: edgeTopic(CENTRE, edge, 'up'), payload: payloadOf(seq), retained: false });
      if (!room) continue;
      void room.then(() => { isHeld = false; });
      await settle();
      if (isHeld) return seq;
    }
    return count;
  }
  const faults = () => world.told.flatMap((event) => (event.kind === 'fault' ? [event.fault.code] : []));
  return { world, intake, answers, tried, states, send, faults };
}

const draft: Draft = {
  device: 'd',
  point: 'p',
  indicator: 'YJ-FLD-001',
  centre: CENTRE,
  kind: 'measurement',
  value: 1,
  unit: 'm',
  occurredAt: Date.UTC(2026, 0, 1),
  clock: 'edge',
  observedAt: 5,
  quality: 'good',
  origin: 'live',
};
const batch = (edge: string, seq: number, over: Partial<Draft> = {}) =>
  Buffer.from(encodeBatch({ from: edge, stream: 'measurement', epoch: 1, seq }, [{ ...draft, ...over }]));
const isIn = (answers: string[], answer: string) => answers.filter((one) => one === answer).length;

test('batches of one edge that cannot be written hold up no other edge', async () => {
  const { send, answers, faults, tried, world, intake } = await rig({
    accept: () => Promise.reject(new FaultError('CV_LOG_FAILED', { detail: 'of this batch' })),
  });
  assert.equal(await send('bad', 2000), 2000);
  assert.equal(await send('good', 10), 10);
  await settle();
  assert.ok(isIn(answers, 'good ack') > 0);
  assert.equal(isIn(answers, 'bad ack'), 0);
  assert.ok(tried.count <= 512, `${tried.count} in hand`);
  assert.ok(faults().includes('CV_EDGE_WINDOW'));
  await world.clock.advanceMs(10_000);
  await intake.close();
});

test('batches of one edge whose writes hang hold up the others for two seconds at most, and never again', async () => {
  const { send, answers, world, tried } = await rig({ accept: never });
  await send('bad', 2000);
  await world.clock.advanceMs(2000);
  assert.equal(await send('good', 10), 10);
  await settle();
  assert.ok(isIn(answers, 'good ack') > 0);
  assert.equal(await send('bad', 2000), 2000);
  await settle();
  assert.ok(tried.count <= 512, `${tried.count} in hand`);
});

test('what is refused waits for the quarantine alone', async () => {
  const { send, answers } = await rig({ add: never });
  assert.equal(await send('bad', 2000, () => Buffer.from('no batch')), 2000);
  assert.equal(await send('worse', 2000, (seq) => batch('worse', seq, { value: null })), 2000);
  assert.equal(await send('good', 10), 10);
  await settle();
  assert.deepEqual([isIn(answers, 'good ack') > 0, answers.some((answer) => answer.startsWith('bad'))], [true, false]);
});

test('what the log throws of its own is tried again: good events are not refused for it', async () => {
  let fails = true;
  const memory = await openMemoryGatewayLog({ gateway: 'g' }, testWorld());
  const { send, answers, world } = await rig({
    accept: (groups, settled) =>
      fails ? Promise.reject(new TypeError("Cannot read properties of null (reading 'run')")) : memory.accept(groups, settled),
  });
  await send('bad', 1);
  await settle();
  assert.deepEqual(answers, []);
  fails = false;
  await world.clock.advanceMs(1000);
  assert.deepEqual(answers, ['bad ack']);
});

test('what is in the log is not refused because somebody who hears of it fails', async () => {
  const { send, answers } = await rig({ onKept: () => { throw new TypeError('of a listener'); } });
  await send('good', 1);
  await settle();
  // It is sent again, and is known.
  await send('good', 1);
  await settle();
  assert.deepEqual(answers, ['good ack']);
});

test('what is held of all edges together is bounded, and an edge that holds little still gets in', () => {
  const window = new IntakeWindow();
  let bytes = 0;
  for (let edge = 0; edge < 40; edge += 1) {
    for (let count = 0; count < 100; count += 1) {
      const held = window.add(`bad-${edge}`, 1 << 20, 0);
      if (!held) break;
      window.separate(held);
      bytes += held.bytes;
    }
  }
  assert.ok(bytes <= (64 << 20) + 40 * (2 << 20), `${bytes >> 20} MB`);
  assert.ok(window.add('good', 1 << 20, 0));
  assert.equal(window.isFull(), false);
});

test('what has waited for less than a second waits with everybody', () => {
  const window = new IntakeWindow();
  const held = Array.from({ length: 512 }, (_, at) => window.add('a', 1, 5000 + at));
  window.separateStuck(5999);
  assert.ok(window.isFull() && held.every((one) => one?.isSeparate === false));
  window.separateStuck(6100);
  assert.deepEqual([window.isFull(), held.filter((one) => one?.isSeparate).length], [false, 101]);
});

test('what is released leaves nothing behind', () => {
  const window = new IntakeWindow();
  for (let round = 0; round < 3; round += 1) {
    const held = Array.from({ length: 512 }, () => window.add('a', 1, 0));
    assert.ok(window.isFull());
    window.separateStuck(1500);
    assert.deepEqual([window.isFull(), window.add('a', 1, 0)], [false, null]);
    for (const one of held) if (one) window.release(one);
  }
});

test('of many states of one edge ten a second are read, and the last one is never passed over', async () => {
  const { intake, world, states } = await rig();
  const say = (online: boolean) =>
    intake.take({
      topic: edgeTopic(CENTRE, 'bad', 'state'),
      payload: Buffer.from(JSON.stringify({ v: 1, edge: 'bad', centre: CENTRE, online })),
      retained: false,
    });
  for (let count = 0; count < 1000; count += 1) void say(true);
  void say(false);
  assert.equal(states.length, 10);
  await world.clock.advanceMs(1000);
  assert.deepEqual([states.length, states.at(-1)], [11, false]);
  await world.clock.advanceMs(5000);
  assert.equal(states.length, 11);
});

test('each message is dealt with once: taken, refused or a state at once, what is beyond a limit when the second is over', async () => {
  let settled = 0;
  const { intake, world, send } = await rig({ onSettled: () => { settled += 1; } });
  await send('good', 10);
  await send('bad', 10, () => Buffer.from('no batch'));
  await settle();
  assert.equal(settled, 20);
  for (let count = 0; count < 15; count += 1)
    void intake.take({
      topic: edgeTopic(CENTRE, 'good', 'state'),
      payload: Buffer.from(JSON.stringify({ v: 1, edge: 'good', centre: CENTRE, online: true })),
      retained: false,
    });
  assert.equal(settled, 30);
  await send('loud', 5100);
  await settle();
  assert.equal(settled, 5030);
  await world.clock.advanceMs(1000);
  assert.equal(settled, 5135);
});
