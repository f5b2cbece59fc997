/** What is missing is told once, whatever breaks while it is found out. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DataType, DataValue, StatusCodes, Variant } from 'node-opcua-client';
import { FaultError } from '../../core/faults.ts';
import { settle } from '../../core/testing/virtual-clock.ts';
import { FrameQueue } from './frame-queue.ts';
import type { OpcuaMessage } from './frame.ts';
import { ValueReceiver } from './value-receiver.ts';
import { emptyResumeState, saveResumeState, type DataGap, type ResumeState } from './resume-state.ts';

const AT = Date.UTC(2026, 0, 1);
const POINTS = [{ id: 'p', node: 'i=1' }];
const valueOf = (second: number) =>
  new DataValue({
    value: new Variant({ dataType: DataType.Int32, value: second }),
    sourceTimestamp: new Date(AT + second * 1000),
    statusCode: StatusCodes.Good,
  });

async function wordsOf(feed: FrameQueue): Promise<string[]> {
  feed.close();
  const words: string[] = [];
  await feed.deliver((message) => words.push(wordOf(message)), new AbortController().signal);
  return words;
}

function wordOf(message: OpcuaMessage): string {
  if ('missed' in message) return `missed ${(message.missed.fromAt - AT) / 1000} to ${(message.missed.toAt - AT) / 1000}`;
  return 'value' in message ? `${message.history ? 'history' : 'live'} ${String(message.value)}` : 'alive';
}

/** A new subscription after values up to the given second. */
function again(memory: ResumeState, history: (hole: DataGap) => Promise<DataValue[] | null>) {
  const feed = new FrameQueue();
  const intake = new ValueReceiver(POINTS, memory, feed, history);
  intake.subscriptionCreated();
  return { feed, intake };
}

test('a link that breaks while the history is read leaves the hole to the next one', async () => {
  const memory = emptyResumeState();
  again(memory, async () => null).intake.receiveValue(0, valueOf(1));
  const second = again(memory, () => new Promise(() => {}));
  second.intake.receiveValue(0, valueOf(5));
  second.feed.fail(new FaultError('CV_LINK_CLOSED', { address: 'x', detail: 'cut' }));
  await settle();
  const third = again(memory, async ({ fromAt }) => (fromAt === AT + 1000 ? [valueOf(2), valueOf(3)] : null));
  third.intake.receiveValue(0, valueOf(9));
  await settle();
  assert.deepEqual(await wordsOf(third.feed), ['live 9', 'history 2', 'history 3', 'missed 5 to 9']);
  assert.equal(memory.gaps.size, 0);
});

test('a value that no longer reaches the host is the next link\'s, and so is the hole before it', async () => {
  const memory = emptyResumeState();
  again(memory, async () => null).intake.receiveValue(0, valueOf(1));
  const broken = again(memory, async () => null);
  broken.feed.fail(new FaultError('CV_LINK_CLOSED', { address: 'x', detail: 'cut' }));
  broken.intake.receiveValue(0, valueOf(5));
  const next = again(memory, async () => null);
  next.intake.receiveValue(0, valueOf(6));
  await settle();
  assert.deepEqual(await wordsOf(next.feed), ['live 6', 'missed 1 to 6']);
});

test('a link that nobody listened to is as if it had not been', async () => {
  const memory = emptyResumeState();
  again(memory, async () => null).intake.receiveValue(0, valueOf(1));
  const undo = saveResumeState(memory);
  again(memory, async () => null).intake.receiveValue(0, valueOf(5));
  await settle();
  undo();
  const next = again(memory, async () => null);
  next.intake.receiveValue(0, valueOf(6));
  await settle();
  assert.deepEqual(await wordsOf(next.feed), ['live 6', 'missed 1 to 6']);
});

test('the same value again is no hole', async () => {
  const memory = emptyResumeState();
  again(memory, async () => null).intake.receiveValue(0, valueOf(1));
  const next = again(memory, async () => null);
  next.intake.receiveValue(0, valueOf(1));
  await settle();
  assert.deepEqual(await wordsOf(next.feed), ['live 1']);
});

test('how many are missing is reckoned by the pace before, and no faster than the server samples', async () => {
  for (const [samplingMs, wanted] of [[0, 4], [2500, 3], [60_000, 1]] as const) {
    const memory = emptyResumeState();
    memory.subscription = { id: 1, sequence: 0, serverStartAt: 0, aliveMs: 1, samplingMs: [samplingMs] };
    const { intake } = again(memory, async () => null);
    for (const second of [0, 2]) intake.receiveValue(0, valueOf(second));
    const { feed, intake: next } = again(memory, async () => null);
    next.receiveValue(0, valueOf(12));
    await settle();
    feed.close();
    const counts: number[] = [];
    await feed.deliver((message) => { if ('missed' in message) counts.push(message.missed.count); }, new AbortController().signal);
    assert.deepEqual(counts, [wanted], `sampled every ${samplingMs} ms`);
  }
});

test('a value that stood for days: the gap begins at the last contact, not at its source time', async () => {
  const memory = emptyResumeState();
  const first = again(memory, async () => null);
  for (const second of [0, 1]) first.intake.receiveValue(0, valueOf(second));
  first.intake.confirmContact(AT + 86_400_000, AT + 86_400_100);
  const next = again(memory, async () => null);
  next.intake.receiveValue(0, valueOf(86_404));
  await settle();
  assert.deepEqual(await wordsOf(next.feed), ['live 86404', 'missed 86400 to 86404']);
});

test('a value that changed before the last contact is no gap', async () => {
  const memory = emptyResumeState();
  const first = again(memory, async () => null);
  first.intake.receiveValue(0, valueOf(1));
  first.intake.confirmContact(AT + 60_000, AT + 60_000);
  const next = again(memory, async () => null);
  next.intake.receiveValue(0, valueOf(50));
  await settle();
  assert.deepEqual(await wordsOf(next.feed), ['live 50']);
});

test('the gap of a server whose clock is an hour ahead has our time, its history is asked by its own', async () => {
  const memory = emptyResumeState();
  const asked: number[] = [];
  const first = again(memory, async () => null);
  first.intake.receiveValue(0, valueOf(3600));
  first.intake.confirmContact(AT + 10_000, AT + 3_610_000);
  const next = again(memory, async ({ serverTime: there }) => {
    asked.push((there.fromAt - AT) / 1000, (there.toAt - AT) / 1000);
    return null;
  });
  next.intake.receiveValue(0, valueOf(3630));
  await settle();
  assert.deepEqual(await wordsOf(next.feed), ['live 3630', 'missed 10 to 30']);
  assert.deepEqual(asked, [3610, 3630]);
});

test('messages that are gone for good are missing since the last contact', async () => {
  const { feed, intake } = again(emptyResumeState(), async () => null);
  intake.receiveValue(0, valueOf(1));
  intake.confirmContact(AT + 100_000, null);
  intake.reportLostMessages(AT + 105_000);
  assert.deepEqual(await wordsOf(feed), ['live 1', 'missed 100 to 105']);
});

test('a source whose clock is ahead of its server\'s: the gap has the server\'s time', async () => {
  const memory = emptyResumeState();
  const ahead = (second: number) =>
    new DataValue({
      value: new Variant({ dataType: DataType.Int32, value: second }),
      sourceTimestamp: new Date(AT + second * 1000 + 28_800_000),
      serverTimestamp: new Date(AT + second * 1000),
      statusCode: StatusCodes.Good,
    });
  const first = again(memory, async () => null);
  first.intake.receiveValue(0, ahead(1));
  first.intake.confirmContact(AT + 2000, AT + 2000);
  const next = again(memory, async () => null);
  next.intake.receiveValue(0, ahead(9));
  await settle();
  assert.deepEqual(await wordsOf(next.feed), ['live 9', 'missed 2 to 9']);
});

test('a server whose clock was set while nobody listened: the gap is told by ours, its history is asked by its new clock', async () => {
  for (const [setBy, at, wanted, asked] of [
    [-3600, 30, 'missed 10 to 30', [10, 30]],
    [7200, 7230, 'missed 10 to 30', [7210, 7230]],
  ] as const) {
    const memory = emptyResumeState();
    const first = again(memory, async () => null);
    first.intake.receiveValue(0, valueOf(setBy < 0 ? 3605 : 5));
    first.intake.confirmContact(AT + 10_000, AT + 10_000 + (setBy < 0 ? 3_600_000 : 0));
    const spans: number[] = [];
    const next = again(memory, async ({ serverTime: there }) => {
      spans.push((there.fromAt - AT) / 1000, (there.toAt - AT) / 1000);
      return null;
    });
    next.intake.updateClock(AT + 31_000, AT + 31_000 + (setBy < 0 ? 0 : setBy * 1000));
    next.intake.receiveValue(0, valueOf(at));
    await settle();
    assert.deepEqual([await wordsOf(next.feed), spans], [[`live ${at}`, wanted], asked]);
  }
});

test('a clock that was set makes no gap of a value that has not changed', async () => {
  const memory = emptyResumeState();
  const first = again(memory, async () => null);
  first.intake.receiveValue(0, valueOf(3605));
  first.intake.confirmContact(AT + 10_000, AT + 3_610_000);
  const next = again(memory, async () => null);
  next.intake.updateClock(AT + 31_000, AT + 31_000);
  next.intake.receiveValue(0, valueOf(3605));
  await settle();
  assert.deepEqual(await wordsOf(next.feed), ['live 3605']);
});
