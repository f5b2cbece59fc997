/** A sink's consumer against a target in memory: portions, blame, list and place, one take at a time. */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Event } from '../../core/event.ts';
import { FaultError, type FaultCode } from '../../core/faults.ts';
import type { SkippedEvents, OpenSink } from '../../core/sink.ts';
import { testDraft } from '../../core/testing/drafts.ts';
import { tempDir } from '../../core/testing/temp-dir.ts';
import { testWorld, VirtualClock } from '../../core/testing/virtual-clock.ts';
import { EventColumns } from '../../core/wire/event-columns.ts';
import { LogBatch } from '../feed/log-batch.ts';
import { SetAsideFile } from './set-aside.ts';
import { sinkConsumer } from './consumer.ts';
import { SinkPosition } from './position.ts';

interface Target {
  writes: number[][];
  missed: SkippedEvents[];
  probes: number;
  closed: number;
  /** What it says to a write, a word of missed events and a probe; null takes it. */
  answers: { write: (values: number[]) => FaultCode | null; missed: () => FaultCode | null; probe: () => FaultCode | null };
}

const refusing =
  (bad: readonly number[]) =>
  (values: number[]): FaultCode | null =>
    values.some((value) => bad.includes(value)) ? 'CV_SINK_REFUSED' : null;

async function withConsumer(
  run: (
    bench: Target & {
      consumer: ReturnType<typeof sinkConsumer>;
      place: SinkPosition;
      world: ReturnType<typeof testWorld>;
      asides(): Promise<Record<string, unknown>[]>;
      path: string;
    },
  ) => Promise<void>,
  from = 0,
): Promise<void> {
  const { dir, remove } = await tempDir();
  const world = testWorld(new VirtualClock(1_700_000_000_000));
  const target: Target = {
    writes: [],
    missed: [],
    probes: 0,
    closed: 0,
    answers: { write: () => null, missed: () => null, probe: () => null },
  };
  const say = (code: FaultCode | null) =>
    code === null ? Promise.resolve() : Promise.reject(new FaultError(code, { sink: 'city', url: 'x', status: 422, detail: 'too old' }));
  const sink: OpenSink = {
    maxBatch: 4,
    write(batch) {
      const values = batch.map(({ value }) => value as number);
      target.writes.push(values);
      return say(target.answers.write(values));
    },
    missed(missed) {
      target.missed.push(missed);
      return say(target.answers.missed());
    },
    probe() {
      target.probes += 1;
      return say(target.answers.probe());
    },
    describe: (event) => `point=${String(event.value)} ${'x'.repeat(2000)}`,
    close() {
      target.closed += 1;
      return Promise.resolve();
    },
  };
  const path = join(dir, 'city.json');
  const place = await SinkPosition.open(path, 'city', { cursor: { epoch: 7, seq: from }, receivedAt: 500 }, world);
  const aside = new SetAsideFile(join(dir, 'city.aside.jsonl'), 'city');
  const consumer = sinkConsumer('city', sink, place, aside, world);
  const asides = async () =>
    (await readFile(aside.path, 'utf8'))
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
  try {
    await run(Object.assign(target, { consumer, place, world, asides, path }));
  } finally {
    await place.close();
    await remove();
  }
}

/** Numbers `from` to `to` of the gateway's log in one group. */
function group(from: number, to: number, receivedAt = 1000 + from): LogBatch {
  const events = Array.from({ length: to - from + 1 }, (_, at): Event => ({
    ...testDraft(from + at),
    edge: 'pump',
    stream: 'measurement',
    epoch: 1,
    seq: from + at,
  }));
  return new LogBatch(
    EventColumns.ofRows({ from: 'pump', stream: 'measurement', epoch: 1, seq: from }, events),
    { epoch: 7, seq: from },
    receivedAt,
  );
}
const at = (seq: number) => ({ epoch: 7, seq });
const code = (wanted: FaultCode) => (error: unknown) => error instanceof FaultError && error.fault.code === wanted;

test('events go in portions that the target takes, groups joined, what it has already left out', () =>
  withConsumer(async ({ consumer, writes, place }) => {
    await consumer.take([group(1, 3), group(4, 9)], at(9));
    assert.deepEqual(writes, [[3, 4, 5, 6], [7, 8, 9]]);
    assert.deepEqual([consumer.counts.written, place.reached], [7, { cursor: at(9), receivedAt: 1004 }]);
    await consumer.take([group(4, 9)], at(9));
    assert.deepEqual([writes.length, consumer.counts.written], [2, 7], 'nothing twice');
  }, 2));

test('a part that holds no event moves the place on, and never back', () =>
  withConsumer(async ({ consumer, writes, place, probes }) => {
    await consumer.take([], at(12));
    assert.deepEqual([place.reached, writes, probes], [{ cursor: at(12), receivedAt: 500 }, [], 0]);
    await consumer.take([group(3, 5)], at(5));
    assert.deepEqual([place.reached, writes], [{ cursor: at(12), receivedAt: 500 }, []]);
  }));

test('the event to blame is found by halves, proved once a take, and listed with its first thousand characters', () =>
  withConsumer(async (bench) => {
    const { consumer, writes, world, place, answers, asides } = bench;
    answers.write = refusing([2, 4]);
    await consumer.take([group(1, 4)], at(4));
    assert.deepEqual(writes, [[1, 2, 3, 4], [1, 2], [1], [2], [3, 4], [3], [4]]);
    assert.deepEqual(
      [bench.probes, consumer.counts, place.reached],
      [1, { written: 2, setAside: 2, missed: 0, problem: null }, { cursor: at(4), receivedAt: 1001 }],
    );
    assert.deepEqual(
      (await asides()).map(({ line, ...rest }) => [rest, (line as string).slice(0, 9), (line as string).length]),
      [2, 4].map((seq) => [
        { at: 1_700_000_000_000, kind: 'refused', event: `pump:measurement:1:${seq}`, cursor: `7-${seq}`, status: 422, detail: 'too old' },
        `point=${seq} x`,
        1000,
      ]),
    );
    assert.deepEqual(
      world.told.flatMap((event): unknown[] =>
        event.kind === 'fault'
          ? [[event.fault.code, event.fault.params.event]]
          : event.kind === 'samples_lost'
            ? [[event.reason, event.count, event.intended]]
            : [],
      ),
      [
        ['CV_SINK_SET_ASIDE', 'pump:measurement:1:2'],
        ['sink_refused', 1, false],
        ['CV_SINK_SET_ASIDE', 'pump:measurement:1:4'],
        ['sink_refused', 1, false],
      ],
    );
    await consumer.take([group(5, 5)], at(5));
    answers.write = refusing([6]);
    await consumer.take([group(6, 6)], at(6));
    assert.equal(bench.probes, 2, 'the next take proves it anew');
  }));

test('a target that refuses what nobody could refuse is at fault itself; one that fails the proof otherwise says how', () =>
  withConsumer(async (bench) => {
    const { consumer, answers, place, world } = bench;
    answers.write = refusing([2]);
    answers.probe = () => 'CV_SINK_REFUSED';
    await assert.rejects(consumer.take([group(1, 4)], at(4)), code('CV_SINK_REFUSES_ALL'));
    assert.deepEqual(
      [consumer.counts.problem?.code, consumer.counts.problem?.params.status, consumer.counts.setAside, place.reached.cursor],
      ['CV_SINK_REFUSES_ALL', 422, 0, at(1)],
    );
    answers.probe = () => 'CV_SINK_BUSY';
    await assert.rejects(consumer.take([group(1, 4)], at(4)), code('CV_SINK_BUSY'));
    assert.equal(consumer.counts.problem?.code, 'CV_SINK_BUSY');
    answers.probe = () => null;
    await consumer.take([group(1, 4)], at(4));
    assert.deepEqual(
      [consumer.counts, world.told.filter(({ kind }) => kind === 'fault_cleared')],
      [{ written: 3, setAside: 1, missed: 0, problem: null }, [{ kind: 'fault_cleared', code: 'CV_SINK_BUSY' }]],
    );
  }));

test('what is no refusal is nobody\'s blame: the take fails as it is and is sent again from its place', () =>
  withConsumer(async (bench) => {
    const { consumer, answers, writes, place } = bench;
    answers.write = (values) => (values.includes(5) ? 'CV_SINK_TIMEOUT' : null);
    await assert.rejects(consumer.take([group(1, 6)], at(6)), code('CV_SINK_TIMEOUT'));
    assert.deepEqual([writes, bench.probes, consumer.counts.written, place.reached.cursor], [[[1, 2, 3, 4], [5, 6]], 0, 4, at(4)]);
    answers.write = () => null;
    await consumer.take([group(1, 6)], at(6));
    assert.deepEqual(writes.slice(2), [[5, 6]]);
  }));

test('word of missed events goes to the target and the list, and the place to just before what comes next', () =>
  withConsumer(async (bench) => {
    const { consumer, missed, place, path, asides, answers } = bench;
    await consumer.missed?.({ from: at(3), to: at(50), count: 46, toAt: 9000 });
    const word = { from: '7-3', to: '7-50', count: 46, fromAt: 500, toAt: 9000 };
    assert.deepEqual([missed, consumer.counts.missed, place.reached], [[word], 46, { cursor: at(49), receivedAt: 9000 }]);
    assert.deepEqual(JSON.parse(await readFile(path, 'utf8')), { v: 1, cursor: '7-49', receivedAt: 9000 }, 'saved at once');
    assert.deepEqual(await asides(), [{ at: 1_700_000_000_000, kind: 'missed', ...word }]);
    answers.missed = () => 'CV_SINK_BUSY';
    await assert.rejects(async () => consumer.missed?.({ from: at(60), to: at(70), count: 9, toAt: 9500 }), code('CV_SINK_BUSY'));
    assert.deepEqual([consumer.counts.missed, place.reached.cursor, bench.probes], [46, at(49), 0]);
    answers.missed = () => 'CV_SINK_REFUSED';
    await consumer.missed?.({ from: at(60), to: at(70), count: 9, toAt: 9500 });
    assert.deepEqual(
      [consumer.counts.missed, place.reached.cursor, bench.probes, consumer.counts.problem],
      [55, at(69), 1, null],
      'a word that is refused holds up nothing',
    );
    answers.probe = () => 'CV_SINK_REFUSED';
    await assert.rejects(async () => consumer.missed?.({ from: at(80), to: at(90), count: 9, toAt: 9900 }), code('CV_SINK_REFUSES_ALL'));
  }, 3));

test('told to halt it gives up what is under way; closed, its place is on disk', () =>
  withConsumer(async (bench) => {
    const { consumer, path } = bench;
    assert.deepEqual([consumer.name, consumer.required, await consumer.start()], ['sink-city', false, at(0)]);
    await consumer.take([group(1, 2)], at(2));
    consumer.halt?.();
    assert.equal(bench.closed, 1);
    await consumer.close();
    assert.deepEqual([bench.closed, (JSON.parse(await readFile(path, 'utf8')) as { cursor: string }).cursor], [2, '7-2']);
  }));
