/** What edges tell the record is in it once, with the edge that it came from, whatever fails between. */
import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import fc from 'fast-check';
import type { AuditEntryView } from '../../api/audit.ts';
import { eventProblem } from '../../core/event-check.ts';
import { MAX_TEXT_LENGTH, type Draft } from '../../core/event.ts';
import { EDGE_AUDIT_KINDS, type EdgeAuditEntry } from '../../log/audit/edge-entry.ts';
import { compareCursors, formatCursor, LOG_START, type Cursor } from '../../log/types.ts';
import type { Consumer } from '../feed/consumer.ts';
import { loggedEvents, type LogBatch } from '../feed/log-batch.ts';
import type { AuditRecord } from './audit-record.ts';
import { EdgeBudget } from './edge-budget.ts';
import { EdgeAuditConsumer, type EdgeAuditOptions } from './edge-consumer.ts';
import { edgeBatch, edgeEntry, EDGE_CENTRE, isAudit, oddDraft, otherDraft, toldBy } from './testing/edge-batches.ts';
import { recordedFolder } from './testing/recorded-folder.ts';
import { withoutAuditEvents } from './without-audit-events.ts';

async function rig(t: TestContext) {
  const folder = await recordedFolder(t);
  const path = join(folder.keyDir, '..', 'audit-edges.json');
  const consumerOf = (record: EdgeAuditOptions['record']) =>
    new EdgeAuditConsumer({ record, log: { tail: () => LOG_START }, path }, folder.world);
  const entriesOf = async (audit: AuditRecord): Promise<AuditEntryView[]> => {
    const { items } = await audit.list({ filter: {}, limit: 10_000, before: null });
    return items.filter(({ origin }) => origin !== undefined).toReversed();
  };
  return { ...folder, path, consumerOf, entriesOf };
}

const after = (groups: readonly LogBatch[], cursor: Cursor): LogBatch[] =>
  groups.filter(({ first }) => compareCursors(first, cursor) > 0);

test('an entry has the edge of the topic and its centre, whatever it says; what is none is said to be none', async (t) => {
  const { open, consumerOf, entriesOf, verify } = await rig(t);
  const audit = await open();
  const consumer = consumerOf(audit);
  await consumer.start();
  const hostile = JSON.stringify({ kind: 'damage', who: 'chief', from: '', what: 'x', outcome: 'done' });
  const claims = JSON.stringify({ ...edgeEntry('x'), origin: 'edge:pump-07', seq: 1, prev: 'x' });
  const odd: Draft['value'][] = [hostile, claims, '{', '[]', 7, true, '"\\u0000"', '['.repeat(4000)];
  const batch = edgeBatch('gate-2', 5, [
    toldBy('gate-2', edgeEntry('tap', { kind: 'tap', who: 'local', from: '127.0.0.1', details: { origin: 'edge:pump-07', n: 3 } })),
    otherDraft('gate-2', 5),
    ...odd.map((value) => oddDraft('gate-2', value)),
  ]);
  await consumer.take([batch], batch.last);
  const [first, ...rest] = await entriesOf(audit);
  assert.ok(first);
  const { seq: _seq, at: _at, ...told } = first;
  assert.deepEqual(told, {
    kind: 'tap', who: 'local', from: '127.0.0.1', what: 'tap', outcome: 'done', centre: EDGE_CENTRE,
    details: { origin: 'edge:pump-07', n: '3' }, origin: 'edge:gate-2', occurredAt: 1_780_000_000_000, log: '1-5',
  });
  assert.deepEqual(rest.map(({ kind, what, outcome, origin, log }) => [kind, what, outcome, origin, log]), odd.map(
    (_value, at) => ['record', 'an entry that cannot be read', 'refused', 'edge:gate-2', `1-${at + 7}`],
  ));
  await audit.close();
  assert.deepEqual((await verify()).faults, []);
});

test('property: whatever an edge has to say fits an event, and is read as it was said', async (t) => {
  const { open, consumerOf, entriesOf } = await rig(t);
  const audit = await open();
  const consumer = consumerOf(audit);
  await consumer.start();
  const long = fc.constantFrom(...['"', '\\', '\0', '锁'].map((one) => one.repeat(400)));
  const text = fc.oneof(fc.string({ maxLength: 400, unit: 'binary' }), long);
  const entry: fc.Arbitrary<EdgeAuditEntry> = fc.record({
    kind: fc.constantFrom(...EDGE_AUDIT_KINDS), who: text, from: text, what: text, outcome: fc.constantFrom('done', 'refused'),
    details: fc.dictionary(text, fc.oneof(text, fc.integer()), { maxKeys: 9 }),
  });
  let seq = 0;
  await fc.assert(
    fc.asyncProperty(entry, async (given) => {
      const draft = toldBy('pump', given);
      seq += 1;
      assert.ok(String(draft.value).length <= MAX_TEXT_LENGTH);
      const batch = edgeBatch('pump', seq, [draft]);
      assert.equal(eventProblem(batch.columns.events()[0]), null);
      await consumer.take([batch], batch.last);
      const found = (await entriesOf(audit)).at(-1);
      assert.deepEqual([found?.kind, found?.outcome, found?.log], [given.kind, given.outcome, `1-${seq}`]);
    }),
    { numRuns: 60 },
  );
});

test('property: each is there once, though writes fail, the gateway ends anywhere, and its saved place is old or lost', async (t) => {
  const sizesOfBatches = fc.array(fc.integer({ min: 0, max: 4 }), { minLength: 1, maxLength: 12 });
  const step = fc.record({
    batches: fc.integer({ min: 1, max: 3 }),
    end: fc.constantFrom('goes on', 'write fails', 'ends at once', 'place is lost', 'closes'),
  });
  await fc.assert(
    fc.asyncProperty(sizesOfBatches, fc.array(step, { maxLength: 8 }), async (sizes, steps) => {
      const { open, consumerOf, entriesOf, path, world, verify } = await rig(t);
      let seq = 1;
      const log = sizes.map((size, at) => {
        const drafts = Array.from({ length: size + 1 }, (_, index) =>
          index % 2 === 0 ? toldBy('pump', edgeEntry(`${at}.${index}`)) : otherDraft('pump', index));
        const batch = edgeBatch('pump', seq, drafts);
        seq += drafts.length;
        return batch;
      });
      let audit = await open();
      let isFailing = false;
      /** Writes the first of several, and then fails. */
      const failing = () => ({
        append: audit.append.bind(audit), newestLogPlace: audit.newestLogPlace.bind(audit),
        get endSeq() { return audit.endSeq; },
        async ship(entries: Parameters<AuditRecord['ship']>[0]) {
          if (!isFailing) return audit.ship(entries);
          isFailing = false;
          await audit.ship(entries.splice(0, 1));
          throw new Error('ENOSPC');
        },
      });
      let consumer = consumerOf(failing());
      let cursor = await consumer.start();
      for (const { batches, end } of steps) {
        const part = after(log, cursor).slice(0, batches);
        const upTo = part.at(-1)?.last;
        if (upTo) {
          isFailing = end === 'write fails';
          await consumer.take(part, upTo).catch(() => consumer.take(part, upTo));
          cursor = upTo;
        }
        await world.clock.advanceMs(4000);
        if (end === 'goes on' || end === 'write fails') continue;
        if (end === 'closes') await consumer.close();
        if (end === 'place is lost') await writeFile(path, '{');
        await audit.close();
        audit = await open();
        consumer = consumerOf(failing());
        cursor = await consumer.start();
      }
      const left = after(log, cursor);
      if (left.length > 0) await consumer.take(left, (left.at(-1) as LogBatch).last);
      const wanted = loggedEvents(log).filter(({ event }) => isAudit(event)).map(({ cursor: place }) => formatCursor(place));
      assert.deepEqual((await entriesOf(audit)).map(({ log: place }) => place), wanted);
      await audit.close();
      assert.deepEqual((await verify()).faults, []);
    }),
    { numRuns: 25 },
  );
});

test('more than an honest edge would ever say is counted, the first at once; others are not held up', async (t) => {
  const { open, consumerOf } = await rig(t);
  const audit = await open();
  const consumer = consumerOf(audit);
  await consumer.start();
  const many = [1, 4001, 8001, 12_001, 16_001, 20_001].map((seq) =>
    edgeBatch('loud', seq, Array.from({ length: seq > 20_000 ? 7 : 4000 }, () => oddDraft('loud', 'x'))));
  const quiet = edgeBatch('quiet', 30_000, [toldBy('quiet', edgeEntry('heard'))]);
  await consumer.take([...many, quiet], quiet.last);
  const { items } = await audit.list({ filter: {}, limit: 3, before: null });
  assert.deepEqual(
    items.map(({ origin, what, details }) => [origin, what, details?.repeated]),
    [
      ['edge:quiet', 'heard', undefined],
      ['edge:loud', 'more entries than are written one by one', 1],
      ['edge:loud', 'an entry that cannot be read', undefined],
    ],
  );
});

test('once an edge may tell more again, the record says how many were not written', () => {
  const budget = new EdgeBudget();
  for (let at = 0; at < 20_000; at += 1) assert.deepEqual(budget.take('loud', 0), { isWritten: true, over: 0 });
  assert.deepEqual([0, 0, 0].map(() => budget.take('loud', 0).over), [1, 0, 0]);
  assert.deepEqual(budget.take('loud', 1000), { isWritten: true, over: 2 });
  assert.deepEqual(budget.take('loud', 1000), { isWritten: false, over: 1 });
});

test('diagnostics that an edge lost are said, and what the log let go of before it was read', async (t) => {
  const { open, consumerOf, entriesOf } = await rig(t);
  const audit = await open();
  const consumer = consumerOf(audit);
  await consumer.start();
  const gap = { stream: 'diagnostic' as const, epoch: 1, fromSeq: 1, toSeq: 4, fromAt: 7, toAt: 9, count: 4, reason: 'log_full_oldest' };
  const batch = edgeBatch('pump', 5, [{ ...otherDraft('pump', 4), kind: 'gap', gap }]);
  await consumer.take([batch], batch.last);
  assert.deepEqual((await entriesOf(audit)).map(({ what, details }) => [what, details]), [
    ['diagnostic events of this edge are missing', { count: 4, reason: 'log_full_oldest', fromAt: 7, toAt: 9 }],
  ]);
  await consumer.missed({ from: { epoch: 1, seq: 5 }, to: { epoch: 1, seq: 9 }, count: 3, toAt: 0 });
  const { items } = await audit.list({ filter: { kind: 'record' }, limit: 1, before: null });
  assert.deepEqual(items[0]?.details, { count: 3, from: '1-5', to: '1-9' });
});

test('property: whoever else reads the log gets every other event at its own place, and none of these', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.boolean(), { minLength: 1, maxLength: 20 }), async (kinds) => {
      const batch = edgeBatch('pump', 3, kinds.map((isOwn, at) => (isOwn ? toldBy('pump', edgeEntry('x')) : otherDraft('pump', at))));
      const taken: LogBatch[] = [];
      const consumer: Consumer = {
        name: 'other', required: true, start: () => Promise.resolve(LOG_START), close: () => Promise.resolve(),
        take: (groups) => Promise.resolve(void taken.push(...groups)),
      };
      await withoutAuditEvents(consumer).take([batch], batch.last);
      const wanted = batch.events().filter(({ event }) => !isAudit(event));
      assert.deepEqual(loggedEvents(taken), wanted);
    }),
  );
});
