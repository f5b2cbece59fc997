/** The files of a stream as the main thread knows them: which one is written, what each holds, and what can go. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FileChain } from './file-chain.ts';
import { logFileName } from './file-name.ts';
import type { FileReport } from './storage.ts';

const MAX = 1000;

const file = (epoch: number, first: number, last: number, more: Partial<FileReport> = {}): FileReport => ({
  ...logFileName('log', epoch, first), last, lastAt: 0, bytes: 100, damaged: false, ...more,
});
const chainOf = (...files: FileReport[]) => new FileChain('log', MAX, files);
const seqs = (chain: FileChain) => chain.files.map((one) => [one.epoch, one.first, chain.lastSeqOf(one)]);

test('a file ends where its rows do, and before the next one of its epoch; of a damaged one that is all that is known', () => {
  const damaged = { damaged: true };
  const chain = chainOf(file(1, 1, 9), file(1, 10, 30), file(1, 21, 25, damaged), file(1, 41, 60, damaged), file(2, 1, 5));
  assert.deepEqual(seqs(chain), [[1, 1, 9], [1, 10, 20], [1, 21, 40], [1, 41, 60], [2, 1, 5]]);
  assert.deepEqual(chain.files.map((one) => chain.endsEpoch(one)), [false, false, false, true, true]);
  assert.deepEqual([1, 2, 3].map((epoch) => chain.lastSeqOfEpoch(epoch)), [60, 5, null]);
  assert.deepEqual([chain.bytes, chainOf().bytes], [500, 0]);
});

test('the end is the last number that any file holds', () => {
  assert.equal(chainOf().head(), null);
  assert.equal(chainOf(file(1, 1, 0)).head(), null);
  assert.deepEqual(chainOf(file(1, 1, 9), file(2, 1, 1), file(3, 1, 0)).head(), { epoch: 2, seq: 1 });
});

test('a commit goes to the file of this opening until that is full, damaged or has failed', () => {
  const chain = chainOf(file(1, 1, 9));
  const at = (seq: number) => chain.fileForCommit(2, seq).name;
  const target = chain.fileForCommit(2, 1);
  assert.deepEqual([target, chain.startsFile(target)], [logFileName('log', 2, 1), true]);
  chain.recordCommit(target, 4, 70, { [target.name]: MAX - 1 });
  assert.deepEqual([chain.fileForCommit(2, 5), chain.startsFile(target)], [target, false]);
  chain.recordCommit(target, 3, 60, {});
  assert.deepEqual(chain.files[1], file(2, 1, 4, { lastAt: 70, bytes: MAX - 1 }), 'it never goes back');
  chain.recordCommit(target, 6, 80, { [target.name]: MAX, 'log-1-1.db': 50 });
  assert.deepEqual([at(7), chain.files.map(({ bytes }) => bytes)], ['log-2-7.db', [50, MAX]]);

  const next = chain.fileForCommit(2, 7);
  chain.recordCommit(next, 8, 90, { [next.name]: 10 });
  assert.equal(at(9), next.name);
  chain.recordFailure({ code: 13, detail: '', needsNewFile: false, locked: false });
  assert.equal(at(9), next.name);
  chain.recordFailure({ code: 10, detail: '', needsNewFile: true, locked: false });
  assert.equal(at(9), 'log-2-9.db');
  const third = chain.fileForCommit(2, 9);
  chain.recordCommit(third, 9, 91, {});
  assert.equal(at(10), third.name);
  assert.deepEqual(chain.files.at(-1), file(2, 9, 9, { lastAt: 91, bytes: 0 }));
  chain.markDamaged('log-1-1.db');
  assert.equal(at(10), third.name);
  chain.markDamaged(third.name, 77);
  assert.equal(at(10), 'log-2-10.db');
  assert.deepEqual(chain.files.map(({ damaged, bytes }) => [damaged, bytes]), [[true, 50], [false, MAX], [false, 10], [true, 77]]);
});

test('a first commit that failed is made again under the same name, and a failure before any is nothing', () => {
  const chain = chainOf(file(2, 1, 0));
  chain.recordFailure({ code: 10, detail: '', needsNewFile: true, locked: false });
  const target = chain.fileForCommit(2, 1);
  chain.recordCommit(target, 3, 5, { [target.name]: 20 });
  assert.deepEqual([seqs(chain), chain.fileForCommit(2, 4)], [[[2, 1, 3]], target]);
  assert.equal(chain.files[0]?.lastAt, 5);
});

test('a file reaches as far as something else knows of it', () => {
  const chain = chainOf(file(1, 1, 9), file(2, 1, 5));
  chain.extend('log-2-1.db', 8);
  chain.extend('log-2-1.db', 7);
  assert.deepEqual(seqs(chain), [[1, 1, 9], [2, 1, 8]]);
});

test('what a salvaged file should hold and does not is missing, and of one that is gone nothing is', () => {
  const chain = chainOf(file(1, 1, 9), file(1, 10, 20));
  const salvage = (name: string, ...present: [number, number][]) => ({ name, damagedName: null, detail: 'x', present, bytes: 1 });
  assert.deepEqual(chain.missingRanges([salvage('log-1-1.db', [2, 4], [6, 9]), salvage('log-5-1.db', [1, 2]), salvage('log-1-10.db')]), [
    { name: 'log-1-1.db', epoch: 1, from: 1, to: 1, detail: 'x' },
    { name: 'log-1-1.db', epoch: 1, from: 5, to: 5, detail: 'x' },
    { name: 'log-1-10.db', epoch: 1, from: 10, to: 20, detail: 'x' },
  ]);
});

test('the oldest file can go, and the only one where it has rows and is half full', () => {
  const removable = (...files: FileReport[]) => chainOf(...files).oldestRemovable()?.name ?? null;
  assert.equal(removable(), null);
  assert.equal(removable(file(1, 1, 0), file(1, 1, 9)), 'log-1-1.db');
  const half = MAX / 2;
  assert.deepEqual(
    [file(1, 1, 1, { bytes: half }), file(1, 1, 0, { bytes: half }), file(1, 1, 1, { bytes: half - 1 })].map((one) => removable(one)),
    ['log-1-1.db', null, null],
  );
});

test('the newest file is not let go; what is, is written to no more', () => {
  const chain = chainOf(file(1, 1, 9), file(1, 10, 20));
  const target = chain.fileForCommit(2, 1);
  chain.recordCommit(target, 3, 5, {});
  const asked: unknown[] = [];
  const free = chain.removable((one, last) => asked.push([one.name, last]) > 1);
  assert.deepEqual([free.map(({ name }) => name), asked], [['log-1-10.db'], [['log-1-1.db', 9], ['log-1-10.db', 20]]]);
  chain.remove(['log-1-10.db']);
  assert.deepEqual([seqs(chain), chain.startsFile(target)], [[[1, 1, 9], [2, 1, 3]], false]);
  chain.remove([target.name]);
  assert.deepEqual([seqs(chain), chain.startsFile(target)], [[[1, 1, 9]], true]);
});

test('a reader gets the parts behind its cursor, and the count of their numbers up to another', () => {
  const chain = chainOf(file(1, 1, 9), file(1, 10, 20), file(2, 1, 0), file(3, 1, 4));
  const parts = (epoch: number, seq: number) =>
    chain.partsAfter({ epoch, seq }).map((part) => [part.epoch, part.first, part.from, part.to]);
  assert.deepEqual(parts(0, 0), [[1, 1, 1, 9], [1, 10, 10, 20], [3, 1, 1, 4]]);
  assert.deepEqual(parts(1, 8), [[1, 1, 9, 9], [1, 10, 10, 20], [3, 1, 1, 4]]);
  assert.deepEqual(parts(1, 9), [[1, 10, 10, 20], [3, 1, 1, 4]]);
  assert.deepEqual(parts(2, 7), [[3, 1, 1, 4]]);
  assert.deepEqual([parts(3, 3), parts(3, 4), parts(4, 0)], [[[3, 1, 4, 4]], [], []]);
  const between = (...[epoch, seq, upToEpoch, upToSeq]: [number, number, number, number]) =>
    chain.countBetween({ epoch, seq }, { epoch: upToEpoch, seq: upToSeq });
  assert.deepEqual(
    [
      between(0, 0, 3, 4), between(0, 0, 1, 12), between(1, 8, 1, 12), between(1, 12, 1, 12), between(1, 15, 1, 12),
      between(1, 20, 3, 2), between(0, 0, 2, 0), between(0, 0, 4, 1),
    ],
    [24, 12, 4, 0, 0, 2, 20, 24],
  );
});

test('reports that were handed in are not changed', () => {
  const given = file(1, 1, 9);
  chainOf(given).markDamaged(given.name);
  assert.equal(given.damaged, false);
});
