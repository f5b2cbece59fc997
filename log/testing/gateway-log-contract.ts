/** Contract of every GatewayLog. Runs against the one in memory and the real one. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LOG_START, type AcceptedGroup, type GatewayLog } from '../types.ts';
import { decodeBatch, encodeBatch } from '../../core/wire/batch.ts';
import { testDrafts } from '../../core/testing/drafts.ts';
import '../faults.ts';

export interface GatewayLogUnderTest {
  open(): Promise<GatewayLog>;
  remove(): Promise<void>;
}

/** A batch of `count` events whose values are their numbers. */
export function acceptedGroup(sender: string, seq: number, count: number, epoch = 7, receivedAt = 1): AcceptedGroup {
  const origin = { sender, stream: 'measurement' as const, epoch, seq, span: count, receivedAt };
  return { origin, count, payload: encodeBatch({ from: sender, stream: 'measurement', epoch, seq }, testDrafts(seq, count)) };
}

const ALL = { maxGroups: 1000, maxBytes: 1 << 30 };

export function gatewayLogContract(name: string, create: () => Promise<GatewayLogUnderTest>): void {
  const check = (what: string, run: (log: GatewayLog, under: GatewayLogUnderTest) => Promise<void>) =>
    test(`${name}: ${what}`, async () => {
      const under = await create();
      const log = await under.open();
      try {
        await run(log, under);
      } finally {
        await log.close();
        await under.remove();
      }
    });

  check('groups come back as they came, with who sent them', async (log) => {
    assert.deepEqual(log.head(), LOG_START);
    const sent = [acceptedGroup('a', 1, 5), acceptedGroup('b', 1, 30), acceptedGroup('a', 6, 1)];
    const places = await Promise.all(sent.map((group) => log.accept([group])));
    assert.deepEqual(places.flat().map(({ seq }) => seq), [1, 6, 36]);
    assert.deepEqual(log.head(), { epoch: log.epoch, seq: 36 });
    const groups = await log.read(LOG_START, ALL);
    assert.deepEqual(
      groups.map(({ origin, count, seq }) => ({ origin, count, seq })),
      sent.map(({ origin, count }, index) => ({ origin, count, seq: places[index]?.[0]?.seq })),
    );
    assert.deepEqual(
      groups.map(({ payload }) => Buffer.from(payload)),
      sent.map(({ payload }) => Buffer.from(payload)),
    );
    assert.deepEqual(
      (await log.read({ epoch: log.epoch, seq: 35 }, ALL)).flatMap(({ payload }) => decodeBatch(payload).events.map(({ seq }) => seq)),
      [6],
    );
    assert.equal(log.size().events, 36);
  });

  check('marks say what is settled, holes and all', async (log) => {
    await log.accept([acceptedGroup('a', 1, 5), acceptedGroup('a', 11, 2)]);
    assert.deepEqual(log.mark('a', 'measurement', 7), { upTo: 5, have: [[11, 12]] });
    await log.accept([], [{ sender: 'a', stream: 'measurement', epoch: 7, from: 6, to: 10 }]);
    assert.deepEqual(log.mark('a', 'measurement', 7), { upTo: 12, have: [] });
    assert.deepEqual(log.mark('a', 'state', 7), { upTo: 0, have: [] });
    assert.deepEqual(log.mark('b', 'measurement', 7), { upTo: 0, have: [] });
  });

  check('listeners are given appended groups, not of marks alone', async (log) => {
    let heard = 0;
    const stop = log.onAppended(() => { heard += 1; });
    await log.accept([acceptedGroup('a', 1, 5)]);
    assert.equal(heard, 1);
    await log.accept([], [{ sender: 'a', stream: 'measurement', epoch: 7, from: 6, to: 10 }]);
    assert.equal(heard, 1);
    stop();
    await log.accept([acceptedGroup('a', 11, 5)]);
    assert.equal(heard, 1);
  });

  check('nothing was trimmed, so everything can be read', async (log) => {
    await log.accept([acceptedGroup('a', 1, 5)]);
    log.setConsumer('store', log.head(), true);
    assert.deepEqual(log.tail(), LOG_START);
  });

  check('after closing, twice, it takes nothing', async (log) => {
    await log.close();
    await log.close();
    await assert.rejects(log.accept([acceptedGroup('a', 1, 1)]), { name: 'CV_LOG_CLOSED' });
  });
}
