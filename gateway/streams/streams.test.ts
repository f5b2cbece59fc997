import assert from 'node:assert/strict';
import { test } from 'node:test';
import { catalogueOf, normaliser } from '../../city/catalogue/catalogue.ts';
import type { Indicator } from '../../city/catalogue/indicator.ts';
import type { Event } from '../../core/event.ts';
import { FaultError } from '../../core/faults.ts';
import { settle, testWorld } from '../../core/testing/virtual-clock.ts';
import type { LogBatch } from '../feed/log-batch.ts';
import { logBatch } from '../feed/testing/log-batches.ts';
import { streamsConsumer } from './out.ts';
import { openPublisher } from './publisher.ts';

/** A broker as a link sees it: keeps retained messages, goes away and comes back. */
function brokerDouble() {
  const listeners = new Set<() => void>();
  const retained = new Map<string, string>();
  const sent: [topic: string, payload: string][] = [];
  const broker = {
    connected: true,
    retained,
    sent,
    publish(topic: string, payload: string | Uint8Array, options: { retain?: boolean } = {}) {
      if (!broker.connected) return Promise.reject(new FaultError('CV_BROKER_UNREACHABLE', { url: '', detail: '' }));
      sent.push([topic, String(payload)]);
      if (options.retain && payload === '') retained.delete(topic);
      else if (options.retain) retained.set(topic, String(payload));
      return Promise.resolve();
    },
    onReady(listener: () => void) {
      listeners.add(listener);
      if (broker.connected) listener();
      return () => {
        listeners.delete(listener);
      };
    },
    comeBack() {
      broker.connected = true;
      for (const listener of listeners) listener();
    },
  };
  return broker;
}
const kept = (topic: string, payload = 'old') => ({ topic, payload: Buffer.from(payload), retained: true });

test('what is retained is published anew on each connect', async () => {
  const broker = brokerDouble();
  const publisher = openPublisher(broker, testWorld());
  await publisher.publishRetained('w/1', 'one');
  await publisher.publishRetained('w/2', 'two');
  await publisher.publishRetained('w/2', null);
  broker.retained.clear();
  broker.comeBack();
  await settle();
  assert.deepEqual([...broker.retained], [['w/1', 'one']]);
});

test('what the broker kept and is not ours is cleared, once all of ours is known', async () => {
  const broker = brokerDouble();
  broker.retained.set('w/old', 'old').set('w/1', 'old');
  const publisher = openPublisher(broker, testWorld());
  publisher.noteKept(kept('w/old'));
  publisher.noteKept(kept('w/1'));
  await settle();
  assert.equal(broker.retained.size, 2);
  await publisher.publishRetained('w/1', 'one');
  publisher.retainedComplete();
  await settle();
  assert.deepEqual([...broker.retained], [['w/1', 'one']]);
  broker.retained.set('w/late', 'x');
  publisher.noteKept(kept('w/late'));
  await settle();
  assert.deepEqual([...broker.retained.keys()], ['w/1']);
});

test('while the broker is away a publish waits, and only the newest word is said', async () => {
  const broker = brokerDouble();
  broker.connected = false;
  const publisher = openPublisher(broker, testWorld());
  const first = publisher.publishRetained('w/1', 'raised');
  const second = publisher.publishRetained('w/1', 'level');
  const plain = publisher.publish('out', 'x');
  await settle();
  assert.equal(broker.sent.length, 0);
  broker.comeBack();
  await Promise.all([first, second, plain]);
  assert.deepEqual(
    broker.sent.findLast(([topic]) => topic === 'w/1'),
    ['w/1', 'level'],
  );
  assert.ok(broker.sent.every(([, payload]) => payload !== 'raised'));
  assert.ok(broker.sent.some(([topic]) => topic === 'out'));
});

test('whoever waits for a broker that is away is let go when the gateway stops', async () => {
  const broker = brokerDouble();
  broker.connected = false;
  const publisher = openPublisher(broker, testWorld());
  const waiting = publisher.publish('out', 'x');
  publisher.close();
  await assert.rejects(waiting);
  await assert.rejects(publisher.publish('out', 'y'));
});

const fed = (indicator: string, seq: number): LogBatch =>
  logBatch([{ indicator, centre: '500112001', seq } as Event], { epoch: 9, seq }, 1);

const AS_SENT = normaliser(catalogueOf([]));
const HEARD = { indicators: [], isHeard: () => true, normaliser: () => AS_SENT };

test('each message names the one before it on its topic, the first of a start none', async () => {
  const sent: [string, string | null, string][] = [];
  const streams = streamsConsumer(
    { head: () => ({ epoch: 9, seq: 5 }) },
    {
      publish(topic, payload) {
        const { cursor, previous } = JSON.parse(payload) as { cursor: string; previous: string | null };
        sent.push([topic.slice('cv/v1/out/500112001/'.length), previous, cursor]);
        return Promise.resolve();
      },
    },
    HEARD,
    testWorld(),
  );
  assert.deepEqual(await streams.start(), { epoch: 9, seq: 5 });
  await streams.take([fed('A', 6), fed('B', 7), fed('A', 8)], { epoch: 9, seq: 8 });
  await streams.take([fed('B', 9)], { epoch: 9, seq: 9 });
  assert.deepEqual(sent, [
    ['A', null, '9-6'],
    ['B', null, '9-7'],
    ['A', '9-6', '9-8'],
    ['B', '9-7', '9-9'],
  ]);
});

test('after a failure in the middle, previous says: look for yourself', async () => {
  let failing = true;
  const previous: (string | null)[] = [];
  const streams = streamsConsumer(
    { head: () => ({ epoch: 9, seq: 0 }) },
    {
      publish(_topic, payload) {
        if (failing) return Promise.reject(new Error('away'));
        previous.push((JSON.parse(payload) as { previous: string | null }).previous);
        return Promise.resolve();
      },
    },
    HEARD,
    testWorld(),
  );
  await assert.rejects(streams.take([fed('A', 1), fed('A', 2)], { epoch: 9, seq: 2 }));
  failing = false;
  await streams.take([fed('A', 1), fed('A', 2)], { epoch: 9, seq: 2 });
  assert.deepEqual(previous, [null, '9-1']);
});

test('while nobody listens nothing is said, and who comes then sees by previous that there was something', async () => {
  const sent: [string, string | null][] = [];
  let isHeard = false;
  const streams = streamsConsumer(
    { head: () => ({ epoch: 9, seq: 0 }) },
    {
      publish(topic, payload) {
        sent.push([topic.slice('cv/v1/out/500112001/'.length), (JSON.parse(payload) as { previous: string | null }).previous]);
        return Promise.resolve();
      },
    },
    { indicators: ['A', 'B'], isHeard: () => isHeard, normaliser: () => AS_SENT },
    testWorld(),
  );
  const group = logBatch(
    ['A', 'A', 'B', 'A', 'C'].map((indicator) => ({ indicator, centre: '500112001' }) as Event),
    { epoch: 9, seq: 1 },
    1,
  );
  await streams.take([group], { epoch: 9, seq: 5 });
  assert.deepEqual(sent, []);
  isHeard = true;
  await streams.take([fed('A', 6), fed('B', 7), fed('C', 8)], { epoch: 9, seq: 8 });
  assert.deepEqual(sent, [
    ['A', '9-4'],
    ['B', '9-3'],
  ]);
});

test('a message has the unit of the catalogue as it is then, and what was sent beside', async () => {
  const catalogueUnit = (unit: string) => normaliser(catalogueOf([{ code: 'LEVEL', unit } as Indicator]));
  let normal = catalogueUnit('m');
  const sent: Record<string, unknown>[] = [];
  const streams = streamsConsumer(
    { head: () => ({ epoch: 9, seq: 0 }) },
    {
      publish(_topic, payload) {
        const { value, unit, quality, flags, window, original } = JSON.parse(payload) as Record<string, unknown>;
        sent.push({ value, unit, quality, flags, window, original });
        return Promise.resolve();
      },
    },
    { ...HEARD, normaliser: () => normal },
    testWorld(),
  );
  const level = (value: number, unit: string, more: object = {}) =>
    ({ indicator: 'LEVEL', centre: '500112001', value, unit, quality: 'good', ...more }) as Event;
  const window = { fromAt: 0, toAt: 1, count: 2 };
  await streams.take(
    [
      logBatch(
        [level(320, 'cm', { window: { ...window, min: 310, max: 330 } }), level(3.2, 'm'), level(9, 'furlong')],
        { epoch: 9, seq: 1 },
        1,
      ),
    ],
    { epoch: 9, seq: 3 },
  );
  normal = catalogueUnit('cm');
  await streams.take([logBatch([level(3.2, 'm')], { epoch: 9, seq: 4 }, 1)], { epoch: 9, seq: 4 });
  const plain = { quality: 'good', flags: undefined, window: undefined, original: undefined };
  assert.deepEqual(sent, [
    {
      ...plain,
      value: 3.2,
      unit: 'm',
      window: { ...window, min: 3.1, max: 3.3 },
      original: { value: 320, unit: 'cm', min: 310, max: 330 },
    },
    { ...plain, value: 3.2, unit: 'm' },
    { ...plain, value: 9, unit: 'furlong', quality: 'uncertain', flags: ['unit'] },
    { ...plain, value: 320, unit: 'cm', original: { value: 3.2, unit: 'm' } },
  ]);
});

test('indicators that a sender invents fill no memory: of what is forgotten previous says null', async () => {
  const previous: (string | null)[] = [];
  let isHeard = false;
  const streams = streamsConsumer(
    { head: () => ({ epoch: 9, seq: 0 }) },
    {
      publish(_topic, payload) {
        previous.push((JSON.parse(payload) as { previous: string | null }).previous);
        return Promise.resolve();
      },
    },
    { ...HEARD, isHeard: () => isHeard },
    testWorld(),
  );
  const invented = Array.from({ length: 50_001 }, (_, at) => ({ indicator: `I-${at}`, centre: '500112001' }) as Event);
  await streams.take([logBatch(invented, { epoch: 9, seq: 1 }, 1)], { epoch: 9, seq: 50_001 });
  isHeard = true;
  await streams.take([fed('I-50000', 50_002), fed('I-0', 50_003)], { epoch: 9, seq: 50_003 });
  assert.deepEqual(previous, ['9-50001', null]);
});
