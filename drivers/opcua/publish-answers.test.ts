/** What the publish loop makes of each answer: errors, numbers that jump or come again, a server that takes few requests at once. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  DataChangeNotification,
  DataType,
  DataValue,
  MonitoredItemNotification,
  NotificationMessage,
  PublishResponse,
  RepublishResponse,
  StatusCodes,
  Variant,
  type PublishRequest,
  type RepublishRequest,
} from 'node-opcua-client';
import { settle, VirtualClock } from '../../core/testing/virtual-clock.ts';
import { FrameQueue } from './frame-queue.ts';
import type { OpcuaMessage } from './frame.ts';
import { ValueReceiver } from './value-receiver.ts';
import { emptyResumeState, type ResumableSubscription } from './resume-state.ts';
import { PublishLoop } from './publish-loop.ts';
import type { RawSession } from './raw-session.ts';

const ID = 7;
const ALIVE_MS = 3500;
type Status = keyof typeof StatusCodes;
type Answer = PublishResponse | Status | Error;

const failure = (status: Status | Error) =>
  typeof status === 'string' ? Object.assign(new Error('no'), { statusCode: StatusCodes[status] }) : status;
const changed = (value: number) =>
  new DataChangeNotification({
    monitoredItems: [
      new MonitoredItemNotification({
        clientHandle: 0,
        value: new DataValue({ value: new Variant({ dataType: DataType.Int32, value }), sourceTimestamp: new Date(Date.UTC(2026, 0, 1)) }),
      }),
    ],
  });
const messageOf = (sequenceNumber: number, ...values: number[]) =>
  new NotificationMessage({ sequenceNumber, notificationData: values.map(changed) });
const answer = (sequenceNumber: number, ...values: number[]) =>
  new PublishResponse({ subscriptionId: ID, moreNotifications: false, notificationMessage: messageOf(sequenceNumber, ...values) });

/** @param again what the server says of a message that is asked for again */
function bench(
  answers: Answer[],
  again: (sequence: number) => NotificationMessage | Status = () => 'BadMessageNotAvailable',
  sequence = 0,
) {
  const requests: PublishRequest[] = [];
  const asked: number[] = [];
  const ends: string[] = [];
  const held: ((error: null, response: PublishResponse) => void)[] = [];
  const session = {
    publish(request: PublishRequest, callback: (error: Error | null, response?: PublishResponse) => void) {
      requests.push(request);
      const one = answers.shift();
      if (one instanceof PublishResponse) callback(null, one);
      else if (one !== undefined) callback(failure(one));
      else held.push(callback);
    },
    republish({ retransmitSequenceNumber }: RepublishRequest, callback: (error: Error | null, response?: RepublishResponse) => void) {
      asked.push(retransmitSequenceNumber);
      const one = again(retransmitSequenceNumber);
      if (one instanceof NotificationMessage) callback(null, new RepublishResponse({ notificationMessage: one }));
      else callback(failure(one));
    },
  } as unknown as RawSession;
  const left: ResumableSubscription = { id: ID, sequence, serverStartAt: 0, aliveMs: ALIVE_MS, samplingMs: [1000] };
  const feed = new FrameQueue();
  const clock = new VirtualClock();
  const intake = new ValueReceiver([{ id: 'p', node: 'i=1' }], { ...emptyResumeState(), subscription: left }, feed, () =>
    Promise.resolve(null),
  );
  const publishing = new PublishLoop(session, left, intake, clock, {
    alive: () => ends.push('alive'),
    lost: (detail) => ends.push(detail),
  });
  const values = async () => {
    feed.close();
    const taken: number[] = [];
    await feed.deliver((message: OpcuaMessage) => {
      if ('value' in message) taken.push(Number(message.value));
    }, new AbortController().signal);
    return taken;
  };
  const acknowledged = () =>
    requests.flatMap(({ subscriptionAcknowledgements }) =>
      (subscriptionAcknowledgements ?? []).map(({ sequenceNumber }) => sequenceNumber),
    );
  return { publishing, requests, asked, ends, left, clock, held, values, acknowledged };
}

test('three requests are with the server, each with patience for all of them', async () => {
  const { publishing, requests } = bench([]);
  publishing.start();
  await settle();
  publishing.stop();
  assert.deepEqual(requests.map(({ requestHeader: { timeoutHint } }) => timeoutHint), [4 * ALIVE_MS, 4 * ALIVE_MS, 4 * ALIVE_MS]);
});

test('a server that takes fewer requests at once has fewer; one that takes none at all is lost, once', async () => {
  const few = bench(['BadTooManyPublishRequests', 'BadTooManyPublishRequests', answer(1)]);
  few.publishing.start();
  await settle();
  few.publishing.stop();
  assert.deepEqual([few.ends, few.requests.length], [['alive'], 4]);
  const none = bench(['BadTooManyPublishRequests', 'BadTooManyPublishRequests', 'BadTooManyPublishRequests']);
  none.publishing.start();
  await settle();
  assert.deepEqual([none.ends, none.requests.length], [['BadTooManyPublishRequests'], 3]);
});

test('any other error is the end of the link, with the server\'s word where it has one', async () => {
  for (const [error, word] of [['BadNoSubscription', 'BadNoSubscription'], [new Error('socket gone'), 'socket gone']] as const) {
    const { publishing, ends, clock } = bench([error, error, error]);
    publishing.start();
    await settle();
    await clock.advanceMs(10 * ALIVE_MS);
    assert.deepEqual(ends, [word]);
  }
});

test('each answer begins the patience anew', async () => {
  const { publishing, ends, clock, held } = bench([]);
  publishing.start();
  await clock.advanceMs(ALIVE_MS - 1);
  held.shift()?.(null, answer(1));
  await settle();
  await clock.advanceMs(ALIVE_MS - 1);
  assert.deepEqual(ends, ['alive']);
  await clock.advanceMs(1);
  assert.deepEqual(ends, ['alive', `no keep-alive for ${ALIVE_MS} ms`]);
});

test('a message that is sent again is acknowledged again, and is neither handed on nor asked for', async () => {
  const { publishing, asked, values, acknowledged, left } = bench([answer(1, 10), answer(2, 20), answer(1, 10), answer(3)]);
  publishing.start();
  await settle();
  publishing.stop();
  assert.deepEqual([await values(), asked, acknowledged(), left.sequence], [[10, 20], [], [1, 2, 1], 2]);
});

test('as many missing messages are asked for as a server can hold back; beyond that the numbering has gone astray, and the message is taken as it is', async () => {
  for (const [first, count] of [[10_001, 10_000], [10_002, 0], [2_000_000_001, 0]] as const) {
    const { publishing, asked, values, left } = bench([answer(first, 5)]);
    publishing.start();
    for (let turn = 0; turn < 50; turn += 1) await settle();
    publishing.stop();
    assert.deepEqual([await values(), asked.length, left.sequence], [[5], count, first], String(first));
  }
  const { publishing, asked, values, left } = bench([answer(2_200_000_001, 5)]);
  publishing.start();
  await settle();
  publishing.stop();
  assert.deepEqual([await values(), asked, left.sequence], [[], [], 0], 'more than half way round is behind');
});

test('a sign of life bears the number of the next message: what is missing before it is asked for', async () => {
  const { publishing, asked, values, acknowledged, ends } = bench([answer(3)], (sequence) => messageOf(sequence, sequence * 10));
  publishing.start();
  await settle();
  publishing.stop();
  assert.deepEqual([await values(), asked, acknowledged().toSorted(), ends], [[10, 20], [1, 2], [1, 2], ['alive']]);
});

test('what the server held back is taken before anything new, until it has no more', async () => {
  for (const status of ['BadMessageNotAvailable', 'BadServiceUnsupported', 'BadNotImplemented'] as const) {
    const { publishing, asked, values, left } = bench([], (sequence) => (sequence < 7 ? messageOf(sequence, sequence) : status), 4);
    assert.equal(await publishing.catchUp(), true, status);
    assert.deepEqual([await values(), asked, left.sequence], [[5, 6], [5, 6, 7], 6]);
  }
  for (const status of ['BadSubscriptionIdInvalid', 'BadNoSubscription', 'BadSessionIdInvalid'] as const)
    assert.equal(await bench([], () => status).publishing.catchUp(), false, status);
  await assert.rejects(bench([], () => 'BadTimeout').publishing.catchUp());
  const stopped = bench([], (sequence) => messageOf(sequence, sequence));
  stopped.publishing.stop();
  assert.equal(await stopped.publishing.catchUp(), true);
  assert.deepEqual([stopped.asked, stopped.left.sequence], [[1], 0], 'a link that broke leaves the message to the next');
});
