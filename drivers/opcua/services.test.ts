/** Calls to a server that is an object: limits, history in parts, the terms of a subscription, reads in turn, and what waits for the host. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  DataType,
  DataValue,
  HistoryData,
  StatusCodes,
  Variant,
  type ClientSession,
  type HistoryReadRequest,
  type ReadRawModifiedDetails,
} from 'node-opcua-client';
import { FaultError } from '../../core/faults.ts';
import { settle, VirtualClock } from '../../core/testing/virtual-clock.ts';
import { sessionTimeoutMs } from './client.ts';
import { FrameQueue } from './frame-queue.ts';
import type { OpcuaFrame, OpcuaMessage } from './frame.ts';
import { readHistory } from './history.ts';
import { readOperationLimits, type OperationLimits } from './operation-limits.ts';
import { pollPoints } from './poll.ts';
import type { RawSession } from './raw-session.ts';
import { endSession, readServerStartAt, acquireSession, untilAborted } from './session.ts';
import { emptyResumeState } from './resume-state.ts';
import { point as pointSchema, settings as schema } from './settings.ts';
import { addMonitoredItems, createSubscription, transferSubscription } from './subscription.ts';

const AT = Date.UTC(2026, 0, 1);
const setOf = (more: object = {}) => schema.parse({ endpoint: 'opc.tcp://plc:4840', security: 'none', ...more });
const pointOf = (id: string, more: object = {}) => ({ id, ...pointSchema.parse({ node: `s=${id}`, ...more }) });

test('limits are the server\'s where it names some below 500, else 500', async () => {
  const told: Record<string, unknown> = { 'i=11705': 7, 'i=11714': 501, 'i=12165': 0, 'i=11710': 'x' };
  const session = {
    read: async (nodes: { nodeId: string }[]) => nodes.map(({ nodeId }) => ({ value: { value: told[nodeId] } })),
  } as unknown as ClientSession;
  assert.deepEqual(await readOperationLimits(session), { read: 7, items: 500, history: 500, browse: 500 });
  for (const key of Object.keys(told)) told[key] = 1;
  assert.deepEqual(await readOperationLimits(session), { read: 1, items: 1, history: 1, browse: 1 });
  assert.deepEqual(await readOperationLimits({ read: async () => [] } as unknown as ClientSession), {
    read: 500,
    items: 500,
    history: 500,
    browse: 500,
  });
});

const valueAt = (second: number | null, serverSecond?: number) =>
  new DataValue({
    value: new Variant({ dataType: DataType.Int32, value: second ?? 0 }),
    ...(second === null ? {} : { sourceTimestamp: new Date(AT + second * 1000) }),
    ...(serverSecond === undefined ? {} : { serverTimestamp: new Date(AT + serverSecond * 1000) }),
  });

/** Gives its values a part at a time. */
function historian(parts: DataValue[][], bad?: object) {
  const asked: { from: number; to: number; most: number; point: string | null; node: string }[] = [];
  const session = {
    async historyRead({ historyReadDetails, nodesToRead }: HistoryReadRequest) {
      const { startTime, endTime, numValuesPerNode } = historyReadDetails as ReadRawModifiedDetails;
      const [node] = nodesToRead ?? [];
      asked.push({
        from: Number(startTime) - AT,
        to: Number(endTime) - AT,
        most: numValuesPerNode,
        point: node?.continuationPoint?.toString() ?? null,
        node: node?.nodeId.toString() ?? '',
      });
      const at = asked.length - 1;
      return {
        results:
          bad && at === parts.length - 1
            ? [bad]
            : [
                {
                  statusCode: StatusCodes.Good,
                  historyData: new HistoryData({ dataValues: parts[at] ?? [] }),
                  continuationPoint: Buffer.from(at < parts.length - 1 ? `part ${at + 1}` : ''),
                },
              ],
      };
    },
  } as unknown as ClientSession;
  return { session, asked };
}

test('history comes in parts, and only what lies between: neither bound, nothing without a time', async () => {
  const { session, asked } = historian([[valueAt(1), valueAt(2)], [valueAt(3), valueAt(null), valueAt(null, 4), valueAt(9)]]);
  const values = await readHistory(session, 'ns=1;s=x', AT + 1000, AT + 9000);
  assert.deepEqual(
    values?.map(({ value }) => value.value as unknown),
    [2, 3, 0],
  );
  assert.deepEqual(asked, [
    { from: 1000, to: 9000, most: 1000, point: null, node: 'ns=1;s=x' },
    { from: 1000, to: 9000, most: 1000, point: 'part 1', node: 'ns=1;s=x' },
  ]);
});

test('a server that keeps none, breaks off or has more than we take has no history', async () => {
  for (const bad of [undefined, { statusCode: StatusCodes.BadHistoryOperationUnsupported }]) {
    assert.equal(
      await readHistory({ historyRead: async () => ({ results: bad ? [bad] : [] }) } as unknown as ClientSession, 'i=1', AT, AT + 1000),
      null,
    );
  }
  assert.equal(
    await readHistory(historian([[valueAt(1)], []], { statusCode: StatusCodes.BadTimeout }).session, 'i=1', AT, AT + 9000),
    null,
  );
  const many = (count: number) =>
    historian(
      Array.from({ length: Math.ceil(count / 1000) }, (_, part) =>
        Array.from({ length: Math.min(1000, count - part * 1000) }, () => valueAt(5)),
      ),
    ).session;
  assert.equal((await readHistory(many(5000), 'i=1', AT, AT + 9000))?.length, 5000);
  assert.equal(await readHistory(many(5001), 'i=1', AT, AT + 9000), null);
  assert.equal(
    await readHistory(historian([[valueAt(1)], [], [valueAt(2)]]).session, 'i=1', AT, AT + 9000),
    null,
    'one that gives nothing and goes on',
  );
  assert.deepEqual(
    await readHistory(
      { historyRead: async () => ({ results: [{ statusCode: StatusCodes.Good, historyData: null }] }) } as unknown as ClientSession,
      'i=1',
      AT,
      AT + 1000,
    ),
    [],
  );
});

test('a session is kept as long as it is held for, from 10 s to a day; a subscription no less', async () => {
  assert.deepEqual(
    ['1s', '10s', '11s', '1d', '2d', 'forever'].map((holdFor) => sessionTimeoutMs(setOf({ holdFor }))),
    [10_000, 10_000, 11_000, 86_400_000, 86_400_000, 86_400_000],
  );
  const asked: Record<string, unknown>[] = [];
  const session = {
    async createSubscription(request: Record<string, unknown>) {
      asked.push(request);
      return {
        subscriptionId: 7,
        revisedPublishingInterval: request['requestedPublishingInterval'],
        revisedMaxKeepAliveCount: request['requestedMaxKeepAliveCount'],
      };
    },
  } as unknown as RawSession;
  const termsOf = async (more: object) => {
    const left = await createSubscription({
      session,
      settings: setOf(more),
      points: [],
      targets: [],
      limits: {} as OperationLimits,
      serverStartAt: 5,
    });
    const {
      requestedPublishingInterval: every,
      requestedMaxKeepAliveCount: alive,
      requestedLifetimeCount: life,
    } = asked.at(-1) as Record<string, number>;
    return [every, alive, life, left.aliveMs];
  };
  assert.deepEqual(await termsOf({ publishEvery: '100ms', holdFor: '60s' }), [100, 10, 600, 3500]);
  assert.deepEqual(await termsOf({ publishEvery: '300ms', holdFor: '10s' }), [300, 4, 34, 3800]);
  assert.deepEqual(await termsOf({ publishEvery: '20s', holdFor: '10s' }), [20_000, 1, 3, 32_000]);
  assert.deepEqual(await termsOf({ publishEvery: '0ms', holdFor: '10s' }), [0, 1000, 10_000, 2000]);
  assert.deepEqual(await termsOf({ publishEvery: '1d', holdFor: '10s' }), [86_400_000, 1, 3, 3_600_000], 'an hour of silence is no life');
  assert.deepEqual(
    { ...asked[0], requestedPublishingInterval: 0, requestedMaxKeepAliveCount: 0, requestedLifetimeCount: 0 },
    {
      requestedPublishingInterval: 0,
      requestedMaxKeepAliveCount: 0,
      requestedLifetimeCount: 0,
      maxNotificationsPerPublish: 1000,
      publishingEnabled: true,
      priority: 0,
    },
  );
  assert.deepEqual(
    await createSubscription({ session, settings: setOf(), points: [], targets: [], limits: {} as OperationLimits, serverStartAt: 5 }),
    { id: 7, sequence: 0, serverStartAt: 5, aliveMs: 3500, samplingMs: [] },
  );
});

test('what a server says of a transfer counts for each subscription; its own first values are not wanted', async () => {
  const termsOf = (results: unknown) =>
    transferSubscription(
      {
        transferSubscriptions: (
          request: { subscriptionIds: number[]; sendInitialValues: boolean },
          done: (error: null, response: unknown) => void,
        ) => done(null, request.subscriptionIds?.[0] === 7 && !request.sendInitialValues ? { results } : {}),
      } as unknown as RawSession,
      { id: 7 } as never,
    );
  assert.deepEqual(
    await Promise.all([
      termsOf([{ statusCode: StatusCodes.Good }]),
      termsOf([{ statusCode: StatusCodes.BadUserAccessDenied }]),
      termsOf([]),
      termsOf(null),
    ]),
    [true, false, false, false],
  );
});

test('items that a server refuses are bad points, each with its status; an item without an answer is unknown', async () => {
  const points = ['a', 'b', 'c'].map((id) => pointOf(id));
  const targets = points.map((point, index) => ({ point, nodeId: point.node, index }));
  const session = {
    createMonitoredItems: async () => ({
      results: [{ statusCode: StatusCodes.Good, revisedSamplingInterval: 250 }, { statusCode: StatusCodes.BadUserAccessDenied }],
    }),
  } as unknown as RawSession;
  const feed = new FrameQueue();
  const left = { id: 1, sequence: 0, serverStartAt: 0, aliveMs: 1, samplingMs: [] as (number | undefined)[] };
  await addMonitoredItems(
    { session, settings: setOf(), points, targets, limits: { items: 500 } as OperationLimits, serverStartAt: 0 },
    left,
    feed,
    () => {},
  );
  feed.close();
  const given: unknown[] = [];
  await feed.deliver((message) => {
    given.push((({ point, status }) => [point, status])(message as OpcuaFrame));
  }, new AbortController().signal);
  assert.deepEqual(
    [left.samplingMs, given],
    [
      [250],
      [
        ['b', 0x801f0000],
        ['c', 0x80340000],
      ],
    ],
  );
});

test('points are read each in its own time, at most ten times a second, in one call where they are due together', async () => {
  const clock = new VirtualClock(AT);
  const calls: string[] = [];
  const session = {
    read: async (nodes: { nodeId: string }[]) => {
      calls.push(`${clock.monotonicMs()} ${nodes.map(({ nodeId }) => nodeId).join()}`);
      return nodes.map(() => new DataValue({ value: new Variant({ dataType: DataType.Int32, value: 1 }) }));
    },
  } as unknown as RawSession;
  const targets = [
    ['a', '200ms'],
    ['b', '0ms'],
    ['c', '3m'],
  ].map(([id, sampleEvery], index) => ({ point: pointOf(id as string, { sampleEvery }), nodeId: id as string, index }));
  const stop = new AbortController();
  const taken: string[] = [];
  const polling = pollPoints(
    session,
    targets,
    setOf(),
    { read: 500 } as OperationLimits,
    clock,
    ({ point }) => {
      taken.push(point);
    },
    stop.signal,
  );
  await settle();
  for (let at = 0; at < 4; at += 1) await clock.advanceMs(50);
  assert.deepEqual([calls, taken], [['0 a,b,c', '100 b', '200 a,b'], ['a', 'b', 'c', 'b', 'a', 'b']]);
  stop.abort();
  await polling;
  await clock.advanceMs(1000);
  assert.equal(calls.length, 3);
  const slow = new VirtualClock(AT);
  const ended = new AbortController();
  let reads = 0;
  const alone = pollPoints(
    {
      read: async () => {
        reads += 1;
        ended.abort();
        return [new DataValue({})];
      },
    } as unknown as RawSession,
    targets.slice(0, 1),
    setOf({ sampleEvery: '1s' }),
    { read: 500 } as OperationLimits,
    slow,
    () => assert.fail('it has been stopped'),
    ended.signal,
  );
  await alone;
  assert.equal(reads, 1);
});

test('what comes waits for the host in order, up to 20,000; a loss is told after it, once, and nothing comes then', async () => {
  const failed: string[] = [];
  const feed = new FrameQueue(() => failed.push('failed'));
  const taken: OpcuaMessage[] = [];
  const stop = new AbortController();
  const handing = feed.deliver((message) => { taken.push(message); }, stop.signal);
  await settle();
  assert.equal(feed.push({ alive: true }), true);
  await settle();
  assert.equal(taken.length, 1);
  stop.abort();
  await handing;
  for (let at = 0; at < 20_000; at += 1) assert.equal(feed.push({ alive: true }), true);
  assert.deepEqual(failed, []);
  assert.equal(feed.push({ alive: true }), false);
  assert.deepEqual([feed.error?.fault, failed], [{ code: 'CV_OPCUA_FLOOD', params: { count: 20_000 } }, ['failed']]);
  feed.fail(new FaultError('CV_LINK_CLOSED', { address: 'x', detail: 'later' }));
  assert.deepEqual([feed.push({ alive: true }), failed.length], [false, 1]);
  await assert.rejects(feed.deliver((message) => { taken.push(message); }, new AbortController().signal), (error) => error === feed.error);
  assert.equal(taken.length, 20_001);
  for (const end of [
    (one: FrameQueue) => one.close(),
    (one: FrameQueue) => one.fail(new FaultError('CV_LINK_CLOSED', { address: 'x', detail: 'cut' })),
  ]) {
    const last = new FrameQueue();
    last.push({ alive: true });
    let count = 0;
    await last.deliver(() => {
      count += 1;
      if (count > 1) return;
      last.push({ alive: true });
      end(last);
    }, new AbortController().signal).catch(() => {});
    assert.equal(count, 2, 'what came before the end is handed on');
  }
  const over = new FrameQueue();
  over.close();
  assert.equal(over.push({ alive: true }), false);
  await over.deliver(() => assert.fail('it has ended'), new AbortController().signal);
  const waiting = new FrameQueue();
  const ended = waiting.deliver(() => {}, new AbortController().signal);
  await settle();
  waiting.close();
  await ended;
  const losing = new FrameQueue();
  const lost = assert.rejects(losing.deliver(() => {}, new AbortController().signal), { name: 'CV_LINK_CLOSED' });
  await settle();
  losing.fail(new FaultError('CV_LINK_CLOSED', { address: 'x', detail: 'cut' }));
  await lost;
  const talking = new FrameQueue();
  const all: number[] = [];
  talking.push({ alive: true });
  talking.close();
  await talking.deliver(() => { if (all.push(1) < 3) talking.push({ alive: true }); }, new AbortController().signal);
  assert.equal(all.length, 1, 'nothing is given after the end');
});

test('the session of the link before is taken on where the server still has it, else there is a new one', async () => {
  const memory = emptyResumeState();
  const made = { is: 'new' };
  const client = (isReactivated: boolean) =>
    ({
      reactivateSession: async () => {
        if (!isReactivated) throw new Error('unknown');
      },
      createSession: async () => made,
    }) as never;
  assert.deepEqual(await acquireSession(client(true), setOf(), memory), { session: made, isReactivated: false });
  const old = { is: 'old' } as never;
  memory.session = old;
  assert.deepEqual(await acquireSession(client(true), setOf(), memory), { session: old, isReactivated: true });
  assert.deepEqual(await acquireSession(client(false), setOf(), memory), { session: made, isReactivated: false });
  await assert.rejects(
    acquireSession(
      {
        createSession: async () => {
          throw Object.assign(new Error('x'), { statusCode: StatusCodes.BadIdentityTokenRejected });
        },
      } as never,
      setOf(),
      emptyResumeState(),
    ),
    { name: 'CV_OPCUA_LOGIN' },
  );
});

test('the start of a server is its own time, or 0; a farewell waits 300 ms; a promise ends with its signal', async () => {
  const startAt = (value: unknown) =>
    readServerStartAt({
      read: async ({ nodeId }: { nodeId: string }) => (nodeId === 'i=2257' ? { value: { value } } : {}),
    } as unknown as RawSession);
  assert.deepEqual(await Promise.all([startAt(new Date(AT)), startAt('x'), startAt(new Date(0)), startAt(undefined)]), [AT, 0, 0, 0]);
  const clock = new VirtualClock(AT);
  let isOver = false;
  const farewell = endSession({ close: () => new Promise(() => {}) } as unknown as RawSession, { clock }).then(() => { isOver = true; });
  await clock.advanceMs(299);
  assert.equal(isOver, false);
  await clock.advanceMs(1);
  await farewell;
  const closed: boolean[] = [];
  await endSession(
    {
      close: async (all: boolean) => {
        closed.push(all);
        throw new Error('gone');
      },
    } as unknown as RawSession,
    { clock: new VirtualClock(AT) },
  );
  assert.deepEqual(closed, [true]);
  const stop = new AbortController();
  const waiting = untilAborted(new Promise(() => {}), stop.signal);
  stop.abort(new Error('enough'));
  await assert.rejects(waiting, /enough/);
  await assert.rejects(untilAborted(Promise.resolve(1), AbortSignal.abort(new Error('too late'))), /too late/);
  assert.equal(await untilAborted(Promise.resolve(1), new AbortController().signal), 1);
});
