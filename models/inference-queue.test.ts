import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { settle } from '../core/testing/virtual-clock.ts';
import { FaultError } from '../core/faults.ts';
import { InferenceQueue, type JobKind } from './inference-queue.ts';

const kind = (changes: Partial<JobKind> = {}): JobKind => ({ key: 'a', model: 'a', scoreThreshold: 0.3, most: 1, ...changes });
const picture = (index: number) => ({ index, ptsMs: 0, width: 2, height: 2, yuv: new Uint8Array(6).fill(index) });
const quiet = <T>(promise: Promise<T>) => { promise.catch(() => {}); return promise; };

/** Which pictures go into the next run, by their first byte. */
const turn = (line: InferenceQueue) => line.next().map((job) => job.picture.yuv[0]);

test('whoever has many pictures has one turn like the others', () => {
  const line = new InferenceQueue();
  const [busy, quietOne] = [line.client(kind()), line.client(kind())];
  for (const index of [1, 2, 3]) void busy.enter(() => picture(index));
  void quietOne.enter(() => picture(9));
  assert.deepEqual([turn(line), turn(line), turn(line), turn(line), turn(line)], [[1], [9], [2], [3], []]);
});

test('nobody waits longer than one turn of each of the others, whatever comes', () => {
  fc.assert(fc.property(fc.array(fc.nat(4), { maxLength: 60 }), (entries) => {
    const line = new InferenceQueue();
    const places = Array.from({ length: 5 }, () => line.client(kind()));
    for (const at of entries) void places[at]?.enter(() => picture(at));
    const served: number[] = [];
    for (let [at] = turn(line); at !== undefined; [at] = turn(line)) served.push(at);
    assert.deepEqual(served.toSorted(), entries.toSorted());
    // Between two turns of one, no other has two.
    for (const one of new Set(served)) {
      const turns = served.flatMap((at, index) => (at === one ? [index] : []));
      turns.slice(1).forEach((to, before) => {
        const others = served.slice((turns[before] as number) + 1, to);
        assert.equal(new Set(others).size, others.length);
      });
    }
  }));
});

test('the picture is asked for when its turn comes', () => {
  const line = new InferenceQueue();
  let newest = 1;
  void line.client(kind()).enter(() => picture(newest));
  newest = 7;
  assert.deepEqual(turn(line), [7]);
});

test('one run takes pictures of several for one model and one threshold, as many as it may', () => {
  const line = new InferenceQueue();
  const alike = Array.from({ length: 5 }, () => line.client(kind({ most: 3 })));
  const other = line.client(kind({ key: 'b', most: 3 }));
  const stricter = line.client(kind({ scoreThreshold: 0.5, most: 3 }));
  void alike[0]?.enter(() => picture(0));
  void other.enter(() => picture(8));
  void stricter.enter(() => picture(9));
  for (const at of [1, 2, 3, 4]) void alike[at]?.enter(() => picture(at));
  assert.deepEqual([turn(line), turn(line), turn(line), turn(line), turn(line)], [[0, 1, 2], [8], [9], [3, 4], []]);
});

test('what is broken, aborted or left is refused and holds nobody up', async () => {
  const line = new InferenceQueue();
  const [first, second] = [line.client(kind()), line.client(kind())];
  const abort = new AbortController();
  const codes = [
    quiet(first.enter(() => ({ ...picture(1), yuv: new Uint8Array(5) }))),
    quiet(first.enter(() => { throw new Error('no picture'); })),
    quiet(first.enter(() => picture(2), abort.signal)),
    quiet(second.enter(() => picture(3))),
    quiet(second.enter(() => picture(4), AbortSignal.abort(new Error('before')))),
  ].map((one) => one.catch((error: unknown) => (error instanceof FaultError ? error.fault.code : (error as Error).message)));
  abort.abort(new Error('enough'));
  const ran = quiet(first.enter(() => picture(5)));
  second.leave(new FaultError('CV_DETECTOR_CLOSED', { model: 'a' }));
  const jobs = line.next();
  jobs[0]?.resolve({ boxes: [], durationMs: 1 });
  await settle();
  assert.deepEqual(await Promise.all(codes), ['CV_MODEL_FAILED', 'no picture', 'enough', 'CV_DETECTOR_CLOSED', 'before']);
  assert.deepEqual([jobs.length, jobs[0]?.picture.yuv[0], await ran, turn(line)], [1, 5, { boxes: [], durationMs: 1 }, []]);
});
