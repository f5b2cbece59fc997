/** The two sample consumers of the docs, each killed again and again, over a gateway that is killed as well. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { CONSUMER_EDGE, streamedEvents, startStreamGateway, storedValues } from '../consumer/gateway.ts';
import { PYTHON, SampleConsumer, TYPESCRIPT, type ConsumerSample } from '../consumer/sample.ts';
import { openSender, type Rows } from '../consumer/sender.ts';
import { withRig } from '../bench/rig.ts';

const CENTRE = '500112001';
const CONSUMER_KILLS = 8;
const GATEWAY_KILLS = 4;
const SENDERS = 4;
const BATCH = 7;
const SERIES = 5;

export const peers: { name: string; needs: string[]; run(): Promise<void> }[] = [
  {
    name: 'samples: consumer.ts takes every event once over kills of itself and the gateway',
    needs: [],
    run: () => takesAllOnce(TYPESCRIPT),
  },
  {
    name: 'samples: consumer.py (paho) takes every event once over kills of itself and the gateway',
    needs: ['paho'],
    run: () => takesAllOnce(PYTHON),
  },
  {
    name: 'samples: consumer.py (paho) goes on from the oldest event when its own place is gone',
    needs: ['paho'],
    run: goesOnFromTheOldest,
  },
];

async function goesOnFromTheOldest(): Promise<void> {
  await withRig(async (rig) => {
    const gateway = await startStreamGateway(rig.dir);
    rig.undo(() => gateway.stop());
    const sender = await openSender(gateway.brokerUrl, CONSUMER_EDGE.id, CONSUMER_EDGE.token);
    rig.undo(() => sender.close());
    await sender.send(batchOf(1, Date.now()));
    const file = join(rig.dir, 'taken');
    // As of another gateway, or of one whose log was put back from a copy.
    const database = new DatabaseSync(file);
    database.exec(
      "CREATE TABLE events (cursor TEXT NOT NULL, event TEXT NOT NULL); CREATE TABLE places (topic TEXT PRIMARY KEY, cursor TEXT NOT NULL); INSERT INTO places VALUES ('', '9000000000000-1')",
    );
    database.close();
    const consumer = new SampleConsumer(PYTHON, gateway.brokerUrl, gateway.apiUrl, file);
    rig.undo(() => consumer.kill());
    await consumer.until(() => consumer.count >= BATCH);
    assert.match(consumer.said, /^going on from \d+-\d+: /m);
    assert.deepEqual(reconcile(consumer.taken().map(({ value }) => value), BATCH), EXACT);
  });
}

/** Numbers from `seq` on, as values of a few series. */
function batchOf(seq: number, epoch: number): Rows {
  const events = Array.from({ length: BATCH }, (_, index) => ({
    device: 'd',
    point: `p${(seq + index) % SERIES}`,
    indicator: `X-${(seq + index) % SERIES}`,
    centre: CENTRE,
    kind: 'measurement',
    value: seq + index,
    unit: 'm',
    occurredAt: epoch + seq + index,
    clock: 'edge',
    observedAt: epoch,
    quality: 'good',
    origin: 'live',
  }));
  return { v: 1, from: CONSUMER_EDGE.id, stream: 'measurement', epoch, seq, events };
}

async function takesAllOnce(sample: ConsumerSample): Promise<void> {
  await withRig(async (rig) => {
    const gateway = await startStreamGateway(rig.dir);
    rig.undo(() => gateway.stop());
    const sender = await openSender(gateway.brokerUrl, CONSUMER_EDGE.id, CONSUMER_EDGE.token);
    rig.undo(() => sender.close());
    const epoch = Date.now();
    let sent = 0;
    const next = (): Rows => {
      sent += BATCH;
      return batchOf(sent - BATCH + 1, epoch);
    };
    let isSending = true;
    const sending = Promise.all(Array.from({ length: SENDERS }, async () => {
      while (isSending) await sender.send(next());
    }));
    const file = join(rig.dir, 'taken');
    const start = () => new SampleConsumer(sample, gateway.brokerUrl, gateway.apiUrl, file);
    for (let kill = 0; kill < CONSUMER_KILLS; kill += 1) {
      const consumer = start();
      const before = consumer.count;
      // At any moment: while it catches up, or when it lives by messages.
      await consumer.until(() => (kill % 2 === 0 ? consumer.single >= 20 : consumer.count > before));
      // Every second time the gateway goes first, and the sample meets it coming back.
      if (kill % (CONSUMER_KILLS / GATEWAY_KILLS) === 0) {
        await gateway.restart();
        const held = consumer.count;
        await consumer.until(() => consumer.count > held);
      }
      await consumer.kill();
    }
    isSending = false;
    await sending;
    const consumer = start();
    const all = await streamedEvents(gateway.apiUrl);
    await consumer.until(() => consumer.count >= all.length);
    await consumer.kill();

    const taken = consumer.taken();
    const values = taken.map(({ value }) => value);
    assert.deepEqual(reconcile(values, sent), EXACT, 'each once in the sample');
    assert.deepEqual(reconcile(await storedValues(gateway.apiUrl), sent), EXACT, 'each once in the store');
    const cursors = new Set(all.map(({ cursor }) => cursor));
    assert.equal(taken.filter(({ cursor }) => !cursors.has(cursor)).length, 0, 'under the same cursors');
    const byMessage = taken.filter(({ previous }) => previous !== undefined).length;
    assert.ok(byMessage > 0 && byMessage < taken.length, 'some came as messages, some from the API');
    process.stdout.write(
      `  ${CONSUMER_KILLS} kills of ${sample.name}, ${GATEWAY_KILLS} of the gateway: ${sent} sent and stored, ${taken.length} taken (${byMessage} as messages), each once\n`,
    );
  });
}

const EXACT = { missing: 0, twice: 0, strange: 0 };

/** How a list of numbers differs from 1 to `last`, each once. */
function reconcile(values: readonly number[], last: number): typeof EXACT {
  const seen = new Set(values);
  const known = [...seen].filter((value) => Number.isInteger(value) && value >= 1 && value <= last).length;
  return { missing: last - known, twice: values.length - seen.size, strange: seen.size - known };
}
