/** The publish loop against a server that is a list: messages that get lost on the way, kept or not, numbers that roll over. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  DataChangeNotification,
  DataType,
  DataValue,
  MonitoredItemNotification,
  NotificationMessage,
  PublishResponse,
  RepublishResponse,
  StatusChangeNotification,
  StatusCodes,
  Variant,
  type PublishRequest,
  type RepublishRequest,
} from 'node-opcua-client';
import { linkFrames } from '../../core/link-frames.ts';
import { VirtualClock } from '../../core/testing/virtual-clock.ts';
import { FrameQueue } from './frame-queue.ts';
import type { OpcuaMessage } from './frame.ts';
import { ValueReceiver } from './value-receiver.ts';
import { emptyResumeState, type ResumableSubscription, type ResumeState } from './resume-state.ts';
import { PublishLoop } from './publish-loop.ts';
import type { RawSession } from './raw-session.ts';

const ID = 7;
const LAST = 0xffffffff;
const sequenceOf = (first: number, at: number) => (first - 1 + at) % LAST + 1;

interface Fate {
  /** On the line: it comes, or it does not. */
  arrives: boolean;
  /** Whether the server still has it when it is asked for again. */
  isKept: boolean;
}

/** @param first number of its first message */
function server(fates: readonly Fate[], first: number) {
  const acknowledged: number[] = [];
  let at = 0;
  const messageOf = (index: number) =>
    new NotificationMessage({
      sequenceNumber: sequenceOf(first, index),
      notificationData:
        index < fates.length
          ? [
              new DataChangeNotification({
                monitoredItems: [
                  new MonitoredItemNotification({
                    clientHandle: 0,
                    value: new DataValue({
                      value: new Variant({ dataType: DataType.Int32, value: index }),
                      sourceTimestamp: new Date(Date.UTC(2026, 0, 1) + index * 1000),
                    }),
                  }),
                ],
              }),
            ]
          : [],
    });
  const session = {
    publish(request: PublishRequest, callback: (error: Error | null, response?: PublishResponse) => void) {
      acknowledged.push(...(request.subscriptionAcknowledgements ?? []).map(({ sequenceNumber }) => sequenceNumber));
      while (at < fates.length && !fates[at]?.arrives) at += 1;
      // After the last message one keep-alive, then silence.
      if (at > fates.length) return;
      const response = new PublishResponse({
        subscriptionId: ID,
        moreNotifications: at < fates.length - 1,
        notificationMessage: messageOf(at),
      });
      at += 1;
      setImmediate(() => callback(null, response));
    },
    republish({ retransmitSequenceNumber }: RepublishRequest, callback: (error: Error | null, response?: RepublishResponse) => void) {
      const index = fates.findIndex((_, one) => sequenceOf(first, one) === retransmitSequenceNumber);
      setImmediate(() => {
        if (fates[index]?.isKept) callback(null, new RepublishResponse({ notificationMessage: messageOf(index) }));
        else callback(Object.assign(new Error('no'), { statusCode: StatusCodes.BadMessageNotAvailable }));
      });
    },
  };
  return { session: session as unknown as RawSession, acknowledged };
}

async function run(fates: readonly Fate[], first: number) {
  const { session, acknowledged } = server(fates, first);
  const left: ResumableSubscription = {
    id: ID,
    sequence: first === 1 ? 0 : first - 1,
    serverStartAt: 0,
    aliveMs: 3500,
    samplingMs: [1000],
  };
  const memory: ResumeState = { ...emptyResumeState(), subscription: left };
  const feed = new FrameQueue();
  const intake = new ValueReceiver([{ id: 'p', node: 'i=1' }], memory, feed, () => Promise.resolve(null));
  const lost: string[] = [];
  const publishing = new PublishLoop(session, left, intake, new VirtualClock(), {
    alive: () => feed.push({ alive: true }),
    lost: (detail) => lost.push(detail),
  });
  publishing.start();
  const values: number[] = [];
  let gaps = 0;
  for await (const message of linkFrames<OpcuaMessage>(
    { listen: (take, signal) => feed.deliver(take, signal) },
    new AbortController().signal,
  )) {
    if ('value' in message) values.push(Number(message.value));
    if ('missed' in message) gaps += 1;
    if ('alive' in message) break;
  }
  publishing.stop();
  return { values, gaps, acknowledged, lost, sequence: left.sequence };
}

const fate = fc.record({ arrives: fc.boolean(), isKept: fc.boolean() });

test('whatever gets lost on the way: what the server still has comes, once and in order; the rest is told', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fate, { minLength: 1, maxLength: 30 }), fc.constantFrom(1, 1000, LAST - 5), async (fates, first) => {
      const { values, gaps, acknowledged, lost, sequence } = await run(fates, first);
      const wanted = fates.flatMap(({ arrives, isKept }, at) => (arrives || isKept ? [at] : []));
      assert.deepEqual(values, wanted);
      assert.deepEqual(lost, []);
      assert.equal(sequence, sequenceOf(first, fates.length - 1));
      // Each lost message is told, once there is a value to name the time of the gap by.
      const lostAfterFirst = fates.filter(({ arrives, isKept }, at) => !arrives && !isKept && at > (wanted[0] ?? Infinity)).length;
      assert.equal(gaps, lostAfterFirst);
      for (const one of acknowledged)
        assert.ok(
          wanted.some((at) => sequenceOf(first, at) === one),
          'acknowledged what was never handed on',
        );
    }),
    { numRuns: 150 },
  );
});

test('no answer at all: dead after its patience, said once', async () => {
  const clock = new VirtualClock();
  const left: ResumableSubscription = { id: ID, sequence: 0, serverStartAt: 0, aliveMs: 3500, samplingMs: [] };
  const lost: string[] = [];
  const silent = { publish: () => {}, republish: () => {} } as unknown as RawSession;
  const intake = new ValueReceiver([], { ...emptyResumeState(), subscription: left }, new FrameQueue(), () => Promise.resolve(null));
  new PublishLoop(silent, left, intake, clock, { alive: () => {}, lost: (detail) => lost.push(detail) }).start();
  await clock.advanceMs(3499);
  assert.deepEqual(lost, []);
  await clock.advanceMs(10_000);
  assert.deepEqual(lost, ['no keep-alive for 3500 ms']);
});

/** One that gives the responses, then is silent. */
async function answeredBy(responses: PublishResponse[]) {
  const left: ResumableSubscription = { id: ID, sequence: 0, serverStartAt: 0, aliveMs: 3500, samplingMs: [1000] };
  const ends: string[] = [];
  const deleted: number[] = [];
  const session = {
    publish(_request: PublishRequest, callback: (error: Error | null, response?: PublishResponse) => void) {
      const response = responses.shift();
      if (response) setImmediate(() => callback(null, response));
    },
    republish: () => {},
    deleteSubscriptions: async ({ subscriptionIds }: { subscriptionIds: number[] }) => { deleted.push(...subscriptionIds); },
  } as unknown as RawSession;
  const clock = new VirtualClock();
  const publishing = new PublishLoop(
    session,
    left,
    new ValueReceiver([], { ...emptyResumeState(), subscription: left }, new FrameQueue(), () => Promise.resolve(null)),
    clock,
    { alive: () => ends.push('alive'), lost: (detail) => ends.push(detail) },
  );
  publishing.start();
  for (let turn = 0; turn < 20; turn += 1) await new Promise((resolve) => { setImmediate(resolve); });
  return { ends, deleted, left, clock, publishing };
}

test('a server that ends the subscription says so: the link is lost at once, once, with its word', async () => {
  const message = new NotificationMessage({
    sequenceNumber: 1,
    notificationData: [new StatusChangeNotification({ status: StatusCodes.BadTimeout })],
  });
  const { ends, left, clock } = await answeredBy([
    new PublishResponse({ subscriptionId: ID, moreNotifications: false, notificationMessage: message }),
  ]);
  assert.deepEqual(ends, ['subscription: BadTimeout']);
  assert.equal(left.sequence, 0, 'what broke the link is the next one\'s');
  await clock.advanceMs(10_000);
  assert.equal(ends.length, 1);
});

test('a subscription that a broken link left behind is ended, and is no sign of life of ours', async () => {
  const message = new NotificationMessage({ sequenceNumber: 1, notificationData: [] });
  const { ends, deleted, publishing } = await answeredBy([
    new PublishResponse({ subscriptionId: 99, moreNotifications: false, notificationMessage: message }),
    new PublishResponse({ subscriptionId: ID, moreNotifications: false, notificationMessage: message }),
  ]);
  publishing.stop();
  assert.deepEqual([deleted, ends], [[99], ['alive']]);
});
