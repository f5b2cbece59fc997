/** Contract of every EdgeLog. Runs against the one in memory and the real one. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Event, Stream } from '../../core/event.ts';
import { LOG_START, type Cursor, type EdgeLog, type CommittedGroup } from '../types.ts';
import { decodeBatch } from '../../core/wire/batch.ts';
import { testDraft, testDrafts, testWarning } from '../../core/testing/drafts.ts';
import '../faults.ts';

export interface EdgeLogUnderTest {
  /** Always opens the same folder. */
  open(): Promise<EdgeLog>;
  /** Closes open groups before their time. */
  closeGroups(): Promise<void>;
  remove(): Promise<void>;
}

/** All events of a stream after a cursor, read in small steps. */
export async function readAll(log: EdgeLog, stream: Stream, after: Cursor = LOG_START): Promise<Event[]> {
  const events: Event[] = [];
  for (let cursor = after; ;) {
    const groups = await log.read(stream, cursor, { maxGroups: 3, maxBytes: 1 << 20 });
    const last = groups.at(-1);
    if (!last) return events;
    for (const group of groups) events.push(...decodeBatch(group.payload).events);
    cursor = { epoch: last.epoch, seq: last.seq + last.count - 1 };
  }
}

export function edgeLogContract(name: string, create: () => Promise<EdgeLogUnderTest>): void {
  const check = (what: string, run: (log: EdgeLog, under: EdgeLogUnderTest) => Promise<void>) => test(`${name}: ${what}`, async () => {
    const under = await create();
    const log = await under.open();
    try {
      await run(log, under);
    } finally {
      await log.close();
      await under.remove();
    }
  });
  const append = async (log: EdgeLog, under: EdgeLogUnderTest, ...calls: Parameters<EdgeLog['append']>[0][]) => {
    const done = Promise.all(calls.map((drafts) => log.append(drafts)));
    await under.closeGroups();
    await done;
  };

  check('what was appended is read back in order under numbers without a hole', async (log, under) => {
    await append(log, under, testDrafts(0, 3), testDrafts(3, 700), [testWarning(9)]);
    const events = await readAll(log, 'measurement');
    assert.deepEqual(events.map((event) => event.value), Array.from({ length: 703 }, (_, index) => index));
    assert.deepEqual(events.map((event) => event.seq), Array.from({ length: 703 }, (_, index) => index + 1));
    assert.ok(events.every((event) => event.edge === log.edge && event.epoch === log.epoch && event.stream === 'measurement'));
    assert.deepEqual((await readAll(log, 'warning')).map((event) => event.value), [9]);
  });

  check('reading goes on behind a cursor, within a group as well', async (log, under) => {
    await append(log, under, testDrafts(0, 10));
    await append(log, under, testDrafts(10, 10));
    const groups = await log.read('measurement', { epoch: log.epoch, seq: 4 }, { maxGroups: 1, maxBytes: 1 });
    assert.equal(groups.length, 1);
    assert.equal(groups[0]?.seq, 1);
    assert.equal((await log.read('measurement', { epoch: log.epoch, seq: 10 }, { maxGroups: 9, maxBytes: 1e6 }))[0]?.seq, 11);
    assert.deepEqual(await log.read('measurement', { epoch: log.epoch, seq: 20 }, { maxGroups: 9, maxBytes: 1e6 }), []);
  });

  check('settling leaves the rest, in ranges', async (log, under) => {
    await append(log, under, testDrafts(0, 10));
    await log.settle('measurement', log.epoch, {
      upTo: 2,
      have: [
        [5, 6],
        [9, 9],
      ],
    });
    assert.deepEqual(log.unsettled('measurement'), [
      { epoch: log.epoch, from: 3, to: 4 },
      { epoch: log.epoch, from: 7, to: 8 },
      { epoch: log.epoch, from: 10, to: 10 },
    ]);
    assert.equal(log.size('measurement').events, 5);
    await log.settle('measurement', log.epoch, { upTo: 1, have: [] });
    assert.equal(log.size('measurement').events, 5, 'an older mark takes nothing back');
  });

  check('the next opening has another epoch, the backlog and its marks', async (first, under) => {
    await append(first, under, testDrafts(0, 6), [testWarning(1)]);
    await first.settle('measurement', first.epoch, { upTo: 2, have: [[4, 4]] });
    await first.close();
    const log = await under.open();
    try {
      assert.ok(log.epoch > first.epoch);
      assert.deepEqual(log.unsettled('measurement'), [{ epoch: first.epoch, from: 3, to: 3 }, { epoch: first.epoch, from: 5, to: 6 }]);
      assert.deepEqual(log.unsettled('warning'), [{ epoch: first.epoch, from: 1, to: 1 }]);
      await append(log, under, testDrafts(6, 1));
      assert.deepEqual((await readAll(log, 'measurement')).map((event) => event.value), [0, 1, 2, 3, 4, 5, 6]);
      assert.deepEqual(log.unsettled('measurement').at(-1), { epoch: log.epoch, from: 1, to: 1 });
      await log.settle('measurement', first.epoch, { upTo: 6, have: [] });
      assert.deepEqual(log.unsettled('measurement'), [{ epoch: log.epoch, from: 1, to: 1 }]);
    } finally {
      await log.close();
    }
  });

  check('an event that is set aside is settled, and a gap record stands for it', async (log, under) => {
    await append(log, under, testDrafts(0, 3));
    const done = log.setAside('measurement', log.epoch, 2, 'CV_EVENT_INVALID');
    await under.closeGroups();
    await done;
    assert.deepEqual(log.unsettled('measurement').map(({ from, to }) => [from, to]), [[1, 1], [3, 4]]);
    const gap = (await readAll(log, 'measurement')).at(-1)?.gap;
    assert.deepEqual(
      { ...gap, fromAt: 0, toAt: 0 },
      { stream: 'measurement', epoch: log.epoch, fromSeq: 2, toSeq: 2, fromAt: 0, toAt: 0, count: 1, reason: 'refused' },
    );
    assert.equal(gap?.fromAt, testDraft(1).occurredAt);
  });

  check('listeners are given each group once it is durable', async (log, under) => {
    const heard: CommittedGroup[] = [];
    const stop = log.onCommitted((kept) => heard.push(kept));
    await append(log, under, testDrafts(0, 2), [testDraft(7, { kind: 'state' })]);
    assert.deepEqual(heard.map((kept) => [kept.stream, kept.firstSeq, kept.drafts.length]).toSorted(), [
      ['measurement', 1, 2],
      ['state', 1, 1],
    ]);
    stop();
    await append(log, under, testDrafts(2, 1));
    assert.equal(heard.length, 2);
  });

  check('after closing, twice, it takes nothing', async (log) => {
    await log.close();
    await log.close();
    await assert.rejects(log.append(testDrafts(0, 1)), { name: 'CV_LOG_CLOSED' });
  });
}
