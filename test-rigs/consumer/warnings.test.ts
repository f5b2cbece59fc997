/** The sample consumers take every change of a warning once, also of one that opened and closed while they were away. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { tempDir } from '../../core/testing/temp-dir.ts';
import { until } from '../../core/testing/until.ts';
import { CONSUMER_EDGE, startStreamGateway } from './gateway.ts';
import { PYTHON, SampleConsumer, TYPESCRIPT, type ConsumerSample, type ConsumedChange } from './sample.ts';
import { openSender } from './sender.ts';

const lacksPaho =
  spawnSync('/usr/bin/python3', ['-c', 'import paho.mqtt'], { stdio: 'ignore' }).status === 0
    ? false
    : 'python3-paho-mqtt is not installed';

async function takesEachChange(t: TestContext, sample: ConsumerSample): Promise<void> {
  const temp = await tempDir();
  t.after(() => temp.remove());
  const gateway = await startStreamGateway(temp.dir);
  t.after(() => gateway.stop());
  const sender = await openSender(gateway.brokerUrl, CONSUMER_EDGE.id, CONSUMER_EDGE.token);
  t.after(() => sender.close());
  const startMs = Date.now();
  let seq = 0;
  const value = (now: number) => {
    seq += 1;
    return sender.send({
      v: 1,
      from: CONSUMER_EDGE.id,
      stream: 'measurement',
      epoch: startMs,
      seq,
      events: [
        {
          device: 'd',
          point: 'w',
          indicator: 'W-1',
          centre: '500112001',
          kind: 'measurement',
          value: now,
          unit: 'm',
          occurredAt: startMs + seq,
          clock: 'edge',
          observedAt: startMs + seq,
          quality: 'good',
          origin: 'live',
        },
      ],
    });
  };
  const changes = async () =>
    ((await (await fetch(`${gateway.apiUrl}/api/v1/warnings?after=0-0&limit=500`)).json()) as { items: ConsumedChange[] }).items;
  const changed = (count: number) => until(async () => (await changes()).length >= count);
  const start = () => new SampleConsumer(sample, gateway.brokerUrl, gateway.apiUrl, join(temp.dir, `taken-${sample.name}`));

  // One while it listens: raised and cleared come as messages.
  let consumer = start();
  t.after(() => consumer.kill());
  await value(3);
  await consumer.until(() => consumer.changeCount >= 1);
  await consumer.kill();

  // It is away: that one ends, another opens and closes, and the gateway is killed as well.
  const before = (await changes()).length;
  await value(1);
  await changed(before + 1);
  await value(4);
  await changed(before + 2);
  await value(1);
  await changed(before + 3);
  await gateway.restart();
  consumer = start();
  await consumer.until(() => consumer.changeCount >= before + 3);
  await value(5);
  await changed(before + 4);
  await consumer.until(() => consumer.changeCount >= before + 4);
  await value(1);
  await changed(before + 5);
  await consumer.until(() => consumer.changeCount >= before + 5);
  await consumer.kill();

  const taken = consumer.changes();
  const told = await changes();
  assert.deepEqual(
    taken.map(({ cursor, id, condition }) => ({ cursor, id, condition })),
    told.map(({ cursor, id, condition }) => ({ cursor, id, condition })),
  );
  assert.equal(new Set(taken.map(({ id }) => id)).size, 3);
  assert.ok(taken.some(({ previous }) => previous), 'some came as messages');
  assert.ok(taken.some(({ previous }) => previous === undefined), 'some came from the API');
  assert.equal(consumer.taken().length, seq, 'and every event, once');
}

test('consumer.ts takes a warning that opened and closed while it was away', { timeout: 120_000 }, (t) => takesEachChange(t, TYPESCRIPT));
test('consumer.py takes a warning that opened and closed while it was away', { timeout: 120_000, skip: lacksPaho }, (t) =>
  takesEachChange(t, PYTHON),
);
