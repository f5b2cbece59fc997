/** docs/events.md and its sample consumer, against a real gateway. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { appendFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { zstdCompressSync } from 'node:zlib';
import { connectAsync } from 'mqtt';
import { eventProblem } from '../../core/event-check.ts';
import { tempDir } from '../../core/testing/temp-dir.ts';
import { CONSUMER_EDGE, streamedEvents, startStreamGateway } from './gateway.ts';
import { openLossyBridge } from './lossy-bridge.ts';
import { SampleConsumer, TYPESCRIPT, type ConsumedValue } from './sample.ts';
import { openSender, type Rows, type EventSender } from './sender.ts';

const DOCS = join(import.meta.dirname, '..', '..', 'docs');
const [EVENT, BATCH] = [...readFileSync(join(DOCS, 'events.md'), 'utf8').matchAll(/```json\n(.*?)```/gs)].map(
  ([, json]) => JSON.parse(json as string) as unknown,
) as [Record<string, unknown>, Rows];
const temp = await tempDir();
let gateway: Awaited<ReturnType<typeof startStreamGateway>>;
let brokerUrl = '';
let apiUrl = '';
let sender: EventSender;
let consumer: SampleConsumer | null = null;

before(async () => {
  gateway = await startStreamGateway(temp.dir);
  ({ brokerUrl, apiUrl } = gateway);
  sender = await openSender(brokerUrl, CONSUMER_EDGE.id, CONSUMER_EDGE.token);
});
after(async () => {
  await consumer?.kill();
  await sender.close();
  await gateway.stop();
  await temp.remove();
});

let seq = 1;
const EPOCH = BATCH.epoch + 1;
/** The next `count` numbers as a batch; the value of an event is its number. */
function numbers(count: number): Rows {
  const first = seq;
  seq += count;
  const [event] = BATCH.events;
  const events = Array.from({ length: count }, (_, index) => ({
    ...event,
    indicator: `X-${(first + index) % 3}`,
    value: first + index,
    occurredAt: BATCH.epoch + first + index,
    observedAt: BATCH.epoch + first + index,
  }));
  return { ...BATCH, epoch: EPOCH, seq: first, events };
}

test('the event and the batch of docs/events.md are as they say', async () => {
  assert.equal(eventProblem(EVENT), null);
  const answer = await sender.ask(JSON.stringify(BATCH));
  assert.deepEqual(
    { ...answer, at: 0 },
    { v: 1, stream: 'measurement', epoch: BATCH.epoch, upTo: 1, have: [], refused: [], gateway: 'g', at: 0 },
  );
  const again = await sender.ask(zstdCompressSync(JSON.stringify(BATCH)));
  assert.equal(again.upTo, 1);
  const { items } = await (await fetch(`${apiUrl}/api/v1/events`)).json() as { items: Record<string, unknown>[] };
  const [{ cursor, receivedAt, ...event } = {}, ...more] = items.filter(({ epoch }) => epoch === BATCH.epoch);
  assert.deepEqual(more, []);
  assert.deepEqual(event, { ...BATCH.events[0], edge: 'my-edge', stream: 'measurement', epoch: BATCH.epoch, seq: 1 });
  assert.deepEqual([typeof cursor, typeof receivedAt], ['string', 'number']);
});

test('holes, refusals and unreadable payloads are answered as docs/events.md says', async () => {
  const [event] = BATCH.events;
  const batch = (first: number, ...events: object[]) => JSON.stringify({ ...BATCH, epoch: 7, seq: first, events });
  const withHole = await sender.ask(batch(3, { ...event }));
  assert.deepEqual([withHole.upTo, withHole.have], [0, [[3, 3]]]);
  const partly = await sender.ask(batch(1, { ...event, colour: 'red' }, { ...event }));
  assert.deepEqual([partly.upTo, partly.have, partly.refused], [3, [], [{ from: 1, to: 1, code: 'CV_EVENT_INVALID' }]]);
  const ahead = await sender.ask(batch(4, { ...event, occurredAt: Date.now() + 25 * 3_600_000 }));
  assert.deepEqual(ahead.refused, [{ from: 4, to: 4, code: 'CV_EVENT_FUTURE' }]);
  const { items } = await (await fetch(`${apiUrl}/api/v1/quarantine`)).json() as { items: { code: string }[] };
  assert.deepEqual(items.map(({ code }) => code), ['CV_EVENT_FUTURE', 'CV_EVENT_INVALID']);
  const unreadable: [string, string][] = [
    ['{', 'CV_WIRE_NOT_JSON'],
    [JSON.stringify({ ...BATCH, v: 2 }), 'CV_WIRE_VERSION'],
    [JSON.stringify({ ...BATCH, from: 'another' }), 'CV_WIRE_SENDER'],
    [batch(1, ...Array.from({ length: 5001 }, () => ({}))), 'CV_WIRE_TOO_LARGE'],
    [batch(1), 'CV_WIRE_SHAPE'],
  ];
  for (const [payload, error] of unreadable) {
    const answer = await sender.ask(payload);
    assert.deepEqual([answer.v, answer.error, answer.sha256], [1, error, createHash('sha256').update(payload).digest('hex')]);
  }
});

test('a consumer reads what goes out, with the cursor of the message before, and nothing else', async () => {
  const client = await connectAsync(brokerUrl, { protocolVersion: 4 });
  const messages: ConsumedValue[] = [];
  const two = new Promise<void>((resolve) => {
    client.on('message', (topic, payload) => {
      assert.equal(topic, 'cv/v1/out/500112001/OUT-1');
      if (messages.push(JSON.parse(payload.toString()) as ConsumedValue) === 2) resolve();
    });
  });
  await client.subscribeAsync('cv/v1/out/+/OUT-1', { qos: 1 });
  await assert.rejects(client.subscribeAsync('cv/v1/in/#', { qos: 1 }));
  const events = BATCH.events.map((event) => ({ ...event, indicator: 'OUT-1' }));
  for (const first of [1, 2]) await sender.send({ ...BATCH, epoch: 8, seq: first, events });
  await two;
  const page = (await (await fetch(`${apiUrl}/api/v1/events?after=${messages[0]?.cursor}&limit=1`)).json()) as {
    items: ConsumedValue[];
    next: string;
  };
  assert.deepEqual([messages[0]?.previous, messages[1]?.previous], [null, messages[0]?.cursor]);
  assert.deepEqual([page.items[0]?.cursor, page.next], [messages[1]?.cursor, messages[1]?.cursor]);
  await client.endAsync();
});

test('out and events say the same of an event, in the catalogue\'s unit with what was sent beside', async () => {
  const client = await connectAsync(brokerUrl, { protocolVersion: 4 });
  const messages: Record<string, unknown>[] = [];
  const both = new Promise<void>((resolve) => {
    client.on('message', (_topic, payload) => {
      if (messages.push(JSON.parse(payload.toString()) as Record<string, unknown>) === 2) resolve();
    });
  });
  await client.subscribeAsync('cv/v1/out/+/YJ-FLD-001', { qos: 1 });
  const [event] = BATCH.events;
  await sender.send({
    ...BATCH,
    epoch: 9,
    events: [
      { ...event, indicator: 'YJ-FLD-001', value: 320, unit: 'cm' },
      { ...event, indicator: 'YJ-FLD-001', value: 9, unit: 'kg' },
    ],
  });
  await both;
  const { items } = (await (await fetch(`${apiUrl}/api/v1/events?limit=5000`)).json()) as { items: Record<string, unknown>[] };
  const followed = items
    .filter(({ indicator, epoch }) => indicator === 'YJ-FLD-001' && epoch === 9)
    .map(({ receivedAt: _receivedAt, ...item }) => item);
  assert.deepEqual(
    messages.map(({ previous: _previous, ...message }) => message),
    followed,
  );
  assert.deepEqual(
    followed.map(({ value, unit, quality, flags, original }) => ({ value, unit, quality, flags, original })),
    [
      { value: 3.2, unit: 'm', quality: 'good', flags: undefined, original: { value: 320, unit: 'cm' } },
      { value: 9, unit: 'kg', quality: 'uncertain', flags: ['unit'], original: undefined },
    ],
  );
  await client.endAsync();
});

test('the sample consumer takes every number once, whoever is killed when', { timeout: 120_000 }, async () => {
  const file = join(temp.dir, 'events.jsonl');
  const bridge = await openLossyBridge(brokerUrl);
  const isLive = () => (consumer as SampleConsumer).single >= 50;
  let isSending = true;
  const sending = Promise.all(Array.from({ length: 4 }, async () => {
    while (isSending) await sender.send(numbers(9));
  }));
  // The sample is killed while numbers come, and a line of it is cut short; twice it listens over a link that loses some.
  for (const url of [brokerUrl, bridge.url, brokerUrl, bridge.url]) {
    consumer = new SampleConsumer(TYPESCRIPT, url, apiUrl, file);
    await consumer.until(isLive);
    await consumer.kill();
    appendFileSync(file, '{"centre":"500112001","indicator":"X-0","cur');
  }
  // The gateway is killed with batches on their way, while the sample stays connected to the broker beyond the link.
  consumer = new SampleConsumer(TYPESCRIPT, bridge.url, apiUrl, file);
  await consumer.until(isLive);
  await gateway.restart();
  isSending = false;
  await sending;
  await bridge.mend();
  await sender.send(numbers(9));

  const all = (await streamedEvents(apiUrl)).map(({ cursor }) => cursor);
  await consumer.until(() => (consumer as SampleConsumer).count >= all.length);
  await consumer.kill();
  const kept = consumer.taken();
  await bridge.close();
  assert.deepEqual(kept.map(({ cursor }) => cursor).toSorted(), all.toSorted());
  const own = kept.filter(({ epoch }) => epoch === EPOCH);
  assert.deepEqual(own.map(({ value }) => value).toSorted((a, b) => a - b), Array.from({ length: seq - 1 }, (_, index) => index + 1));
  assert.ok(bridge.dropped > 50);
  assert.ok(own.some(({ previous }) => previous), 'some came as messages');
  assert.ok(own.some(({ previous }) => previous === undefined), 'some came from the API');
});

test('a place that the gateway does not have is answered 410, and the sample goes on from the oldest', async () => {
  const place = '9000000000000-1';
  const answer = await fetch(`${apiUrl}/api/v1/events?after=${place}`);
  const { oldest, code } = await answer.json() as { oldest: string; code: string };
  assert.deepEqual([answer.status, code, /^\d+-\d+$/.test(oldest)], [410, 'CV_API_CURSOR_AHEAD', true]);
  await sender.send(numbers(5));
  writeFileSync(join(temp.dir, 'late.jsonl'), `{"place":"${place}"}\n`);
  const late = consumer = new SampleConsumer(TYPESCRIPT, brokerUrl, apiUrl, join(temp.dir, 'late.jsonl'));
  await late.until(() => late.count >= 5);
  assert.ok(late.said.startsWith(`going on from ${oldest}: `), late.said);
});
