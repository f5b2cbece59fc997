import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Event } from '../../core/event.ts';
import type { LogBatch } from './log-batch.ts';
import { LogTailCache } from './log-tail-cache.ts';
import { logBatch } from './testing/log-batches.ts';

const group = (seq: number, count: number, epoch = 5): LogBatch =>
  logBatch(
    Array.from({ length: count }, () => ({}) as Event),
    { epoch, seq },
    1,
  );

test('what follows a place is what was put there, without a hole, for as long as it is kept', () => {
  fc.assert(
    fc.property(
      fc.array(
        fc.record({
          count: fc.integer({ min: 1, max: 30 }),
          hole: fc.oneof({ weight: 9, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: fc.integer({ min: 1, max: 5 }) }),
        }),
        { maxLength: 60 },
      ),
      fc.nat(900),
      fc.integer({ min: 1, max: 90 }),
      (steps, from, most) => {
        const end = new LogTailCache(200);
        let seq = 1;
        let beganAt = 1;
        const put: LogBatch[] = [];
        for (const { count, hole } of steps) {
          if (hole > 0) beganAt = seq + hole;
          seq += hole;
          put.push(group(seq, count));
          end.add(put.at(-1) as LogBatch);
          seq += count;
        }
        const found = end.after({ epoch: 5, seq: from }, most);
        if (found.length > 0) {
          const place = put.indexOf(found[0] as LogBatch);
          assert.deepEqual(found, put.slice(place, place + found.length));
          assert.ok((found[0] as LogBatch).first.seq <= from + 1 && (found[0] as LogBatch).last.seq > from && from + 1 >= beganAt);
          const events = found.reduce((sum, { columns }) => sum + columns.count, 0);
          assert.ok(found.length === 1 || events <= most);
        } else {
          assert.ok(from + 1 < beganAt || from + 1 >= seq || seq - (from + 1) > 170, `${from} of ${beganAt}-${seq} is there`);
        }
        assert.deepEqual(end.after({ epoch: 4, seq: from }, most), []);
      },
    ),
  );
});

test('many small groups are bounded too', () => {
  const end = new LogTailCache(1e9);
  for (let seq = 1; seq <= 20_000; seq += 1) end.add(group(seq, 1));
  assert.equal(end.after({ epoch: 5, seq: 19_000 }, 5000).length, 1000);
  assert.deepEqual(end.after({ epoch: 5, seq: 100 }, 5000), []);
});

test('what was let go is not there any more, what follows it is', () => {
  const end = new LogTailCache(1000);
  for (const seq of [1, 4, 7]) end.add(group(seq, 3));
  end.release({ epoch: 5, seq: 5 });
  assert.deepEqual(end.after({ epoch: 5, seq: 0 }, 100), []);
  assert.deepEqual(end.after({ epoch: 5, seq: 4 }, 100).map(({ first }) => first.seq), [4, 7]);
  end.release({ epoch: 4, seq: 100 });
  assert.equal(end.after({ epoch: 5, seq: 6 }, 100).length, 1);
  end.release({ epoch: 5, seq: 9 });
  assert.deepEqual(end.after({ epoch: 5, seq: 8 }, 100), []);
  end.add(group(20, 2));
  assert.equal(end.after({ epoch: 5, seq: 19 }, 100).length, 1);
});

test('the end holds just so many events and groups as it may, and one group however large', () => {
  const kept = (end: LogTailCache, upTo: number) =>
    Array.from({ length: upTo }, (_, at) => at).filter((at) => end.after({ epoch: 5, seq: at }, 1).length > 0).length;
  const exact = new LogTailCache(6);
  for (const seq of [1, 4]) exact.add(group(seq, 3));
  assert.equal(kept(exact, 10), 6);
  exact.add(group(7, 1));
  assert.equal(kept(exact, 10), 4);
  const large = new LogTailCache(6);
  large.add(group(1, 50));
  assert.equal(kept(large, 60), 50);
  const many = new LogTailCache(1e9);
  for (let seq = 1; seq <= 4096; seq += 1) many.add(group(seq, 1));
  assert.equal(many.after({ epoch: 5, seq: 0 }, 1).length, 1);
  many.add(group(4097, 1));
  assert.deepEqual([many.after({ epoch: 5, seq: 0 }, 1).length, many.after({ epoch: 5, seq: 1 }, 1).length], [0, 1]);
});
