import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Draft } from '../core/event.ts';
import { bulkyDraft, testDraft, testDrafts } from '../core/testing/drafts.ts';
import { seededRandom } from '../core/world.ts';
import { decodeBatch, encodeBatch, withoutOrigin } from '../core/wire/batch.ts';
import { encodeGroups, AppendQueue, type AppendCall, type QueuedDraft } from './append-queue.ts';

const HOP = { from: 'pump', stream: 'measurement', epoch: 7 } as const;
const call = (dead = false): AppendCall => ({
  pendingDrafts: 0,
  committedDrafts: 0,
  isRejected: dead,
  resolve: () => {},
  reject: () => {},
});
const boxes = (count: number): Partial<Draft> => ({
  evidence: [
    {
      kind: 'boxes',
      boxes: Array.from({ length: count }, () => ({ class: 'person', score: 0.5, x: 0, y: 0, width: 1, height: 1 })),
    } as never,
  ],
});
function waitingFor(drafts: readonly Draft[], of = call()): AppendQueue {
  const waiting = new AppendQueue();
  drafts.forEach((draft, index) => waiting.add(draft, of, 100 + index));
  return waiting;
}
const taken = (waiting: AppendQueue, bytes = Infinity) => waiting.take(bytes).map(({ draft }) => draft.value);
/** One that counts so many bytes. */
const textDraft = (value: number, bytes: number) => ({ ...testDraft(value), value: 'x'.repeat(bytes - 300) });
const entries = (drafts: readonly Draft[]): QueuedDraft[] => waitingFor(drafts).take(Infinity);

test('a group is full at 500 events or a megabyte; each event counts 300 bytes, a text its length, a box 110', () => {
  assert.deepEqual([499, 500].map((count) => waitingFor(testDrafts(1, count)).isGroupFull), [false, true]);
  const bytes = (1 << 20) - 300;
  assert.deepEqual(
    [bytes - 1, bytes].map((length) => waitingFor([testDraft(1, { value: 'x'.repeat(length) })]).isGroupFull),
    [false, true],
  );
  assert.deepEqual(
    [9529, 9530].map((count) => waitingFor([testDraft(1, boxes(count))]).isGroupFull),
    [false, true],
    'the 9,530 boxes of one picture',
  );
  const many = { evidence: [...(boxes(9000).evidence ?? []), ...(boxes(529).evidence ?? [])] };
  assert.equal(waitingFor([testDraft(1, many)]).isGroupFull, false);
  const tag = { kind: 'tag', epc: 'e280' } as const;
  assert.equal(
    waitingFor([testDraft(1, { evidence: [...(many.evidence ?? []), tag] })]).isGroupFull,
    true,
    'anything else counts as one box',
  );
  const fewer = { evidence: [...(boxes(9528).evidence ?? []), tag] };
  assert.equal(waitingFor([testDraft(1, fewer)]).isGroupFull, false, 'as one and no more');
});

test('a commit takes the oldest, as many as fit, one at least; what its call gave up is passed over', () => {
  const waiting = waitingFor(testDrafts(1, 6));
  assert.equal(waiting.sinceMs, 100);
  assert.deepEqual([taken(waiting, 899), taken(waiting, 600), taken(waiting, 1), waiting.count], [[1, 2], [3, 4], [5], 1]);
  assert.deepEqual([taken(waiting), waiting.count, taken(waiting)], [[6], 0, []]);
  waiting.add(testDraft(7), call(true), 500);
  waiting.add(testDraft(8), call(), 600);
  assert.equal(waiting.sinceMs, 500);
  assert.deepEqual(taken(waiting), [8]);
  const large = waitingFor([1, 2, 3].map((value) => ({ ...testDraft(value), value: 'x'.repeat((4 << 20) - 300) })));
  assert.deepEqual([large.take(Infinity).length, large.count], [2, 1], '8 MB whatever is asked for');
  const megabytes = waitingFor(Array.from({ length: 9 }, (_, value) => textDraft(value, 1 << 20)));
  assert.deepEqual([megabytes.take(Infinity).length, megabytes.count], [8, 1]);
});

test('what is put back comes first again; what comes last beyond a bound, or was given up, goes', () => {
  const waiting = waitingFor(testDrafts(1, 4));
  const first = waiting.take(600);
  waiting.putBack(first);
  assert.deepEqual([waiting.takeOverflow(4).length, waiting.takeOverflow(3).map(({ draft }) => draft.value), waiting.count], [0, [4], 3]);
  for (const { call: of } of waiting.take(300)) of.isRejected = true;
  waiting.add(testDraft(9), call(), 0);
  waiting.removeRejected();
  assert.deepEqual([waiting.count, taken(waiting), waiting.isGroupFull], [1, [9], false]);
});

test('what is left when some are taken, refused or come back is full at the same bound', () => {
  for (const [bytes, isFull] of [[(1 << 20) - 1, false], [1 << 20, true]] as const) {
    const waiting = waitingFor([textDraft(1, 1000), textDraft(2, bytes - 400), textDraft(3, 400), textDraft(4, 1000)]);
    waiting.takeOverflow(3);
    const first = waiting.take(1000);
    assert.equal(waiting.isGroupFull, isFull, `${bytes} bytes`);
    waiting.putBack(first);
    assert.equal(waiting.isGroupFull, true);
    const cut = waitingFor([textDraft(1, bytes), textDraft(2, 400)]);
    cut.takeOverflow(1);
    assert.equal(cut.isGroupFull, isFull);
  }
});

test('groups hold all that was given, in order, numbered without a hole, none larger than 64 kB but of one event', () => {
  const random = seededRandom(3);
  fc.assert(
    fc.property(fc.array(fc.constantFrom(10, 200, 3000, 70_000), { minLength: 1, maxLength: 60 }), (sizes) => {
      const drafts = sizes.map((bytes, index) => bulkyDraft(index, bytes, () => random.next()));
      const { groups, bad } = encodeGroups(HOP, 11, entries(drafts));
      assert.deepEqual(bad, []);
      let seq = 11;
      for (const group of groups) {
        assert.deepEqual([group.seq, group.count, group.queued.length], [seq, group.count, group.count]);
        assert.ok(group.payload.length <= 64 << 10 || group.count === 1, `${group.payload.length} bytes of ${group.count}`);
        seq += group.count;
      }
      assert.deepEqual(
        groups.flatMap(({ seq: first, payload }) => withoutOrigin({ ...HOP, seq: first }, decodeBatch(payload).events)),
        drafts,
      );
    }),
    { numRuns: 20 },
  );
  assert.deepEqual(
    encodeGroups(HOP, 1, entries(testDrafts(1, 1001))).groups.map(({ count }) => count),
    [500, 500, 1],
  );
});

test('what is encoded together is a megabyte at most, or one event', () => {
  const encoded = (...bytes: number[]) => {
    const counts: number[] = [];
    const { groups } = encodeGroups(HOP, 1, entries(bytes.map((size, index) => textDraft(index, size))), (drafts) => {
      counts.push(drafts.length);
      return {};
    });
    assert.deepEqual(groups.map(({ count }) => count), counts);
    return counts;
  };
  const of = (count: number, first = 1 << 15) => [first, ...Array<number>(count - 1).fill(1 << 15)];
  assert.deepEqual(encoded(), []);
  assert.deepEqual(encoded(...of(60)), [32, 28]);
  assert.deepEqual(encoded(...of(60, (1 << 15) + 1)), [31, 29]);
  assert.deepEqual(encoded(...of(90)), [32, 32, 26]);
  assert.deepEqual(encoded(2 << 20, ...of(30)), [1, 30]);
});

test('two events of 64 kB together are a group, of a byte more they are two', () => {
  const pair = (length: number) => [testDraft(1, { subject: 'x'.repeat(length) }), testDraft(2)];
  const rest = encodeBatch({ ...HOP, seq: 1 }, pair(0)).length;
  const groups = (bytes: number) => encodeGroups(HOP, 1, entries(pair(bytes - rest))).groups.map(({ payload }) => payload.length === bytes);
  assert.deepEqual([groups(64 << 10), groups((64 << 10) + 1)], [[true], [false, false]]);
});

test('one that cannot be encoded is named alone and takes no number', () => {
  const broken = testDraft(3, { value: 3n as never });
  const { groups, bad } = encodeGroups(HOP, 1, entries([...testDrafts(1, 2), broken, testDraft(4)]));
  assert.deepEqual(
    [
      groups.flatMap(({ seq, count }) => Array.from({ length: count }, (_, index) => seq + index)),
      bad.map(({ queued }) => queued.draft),
      bad[0]?.error instanceof TypeError,
    ],
    [[1, 2, 3], [broken], true],
  );
  const boots: number[] = [];
  encodeGroups(HOP, 1, entries(testDrafts(1, 501)), (drafts) => { boots.push(drafts.length); return {}; });
  assert.deepEqual(boots, [500, 1]);
});
