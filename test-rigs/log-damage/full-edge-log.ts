/** An edge's log that fills its disk and has it filled by others. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Draft, Stream } from '../../core/event.ts';
import { openEdgeLog } from '../../log/edge-log.ts';
import type { EdgeLog } from '../../log/types.ts';
import { bulkyDraft, TEST_CENTRE, testDraft, testWarning } from '../../core/testing/drafts.ts';
import { readAll } from '../../log/testing/edge-log-contract.ts';
import { seededRandom } from '../../core/world.ts';
import type { PartResult } from './result.ts';
import { fillDisk, freeOn, telemetryListener, waitUntil, type SmallDisk } from './small-disk.ts';

const EVENT_BYTES = 400;
/** A full group: it is written at once. */
const BATCH = 500;
/** Twice what the disk holds. */
const BATCHES = 200;
const STREAMS = ['measurement', 'state', 'warning'] as const;

class Producer {
  readonly acknowledged = new Map<Stream, Set<number>>(STREAMS.map((stream) => [stream, new Set()]));
  readonly rejected = new Map<string, number>();
  readonly rejectedValues = new Set<number>();
  readonly #log: EdgeLog;
  readonly #random = seededRandom(5);
  #value = 0;

  constructor(log: EdgeLog) {
    this.#log = log;
  }

  async batch(): Promise<boolean> {
    const measurements = Array.from({ length: BATCH }, () => bulkyDraft(this.#next(), EVENT_BYTES, () => this.#random.next()));
    const kept = await this.#append('measurement', measurements);
    const state = await this.#append('state', [testDraft(this.#next(), { kind: 'state' })]);
    const warning = await this.#append('warning', [testWarning(this.#next())]);
    return kept && state && warning;
  }

  #next(): number {
    this.#value += 1;
    return this.#value;
  }

  async #append(stream: Stream, drafts: Draft[]): Promise<boolean> {
    try {
      await this.#log.append(drafts);
      for (const { value } of drafts) this.acknowledged.get(stream)?.add(value as number);
      return true;
    } catch (error) {
      const { name } = error as Error;
      this.rejected.set(name, (this.rejected.get(name) ?? 0) + 1);
      for (const { value } of drafts) this.rejectedValues.add(value as number);
      return false;
    }
  }
}

/** Takes what the log holds, as a gateway would: each number once, and what gap records count. */
class Taker {
  readonly values = new Map<Stream, Set<number>>(STREAMS.map((stream) => [stream, new Set()]));
  readonly counted = new Map<Stream, number>(STREAMS.map((stream) => [stream, 0]));
  readonly #seen = new Set<string>();

  async take(log: EdgeLog): Promise<number> {
    let events = 0;
    for (const stream of STREAMS) {
      for (const { epoch, seq, gap, value } of await readAll(log, stream)) {
        const name = `${stream} ${epoch} ${seq}`;
        if (this.#seen.has(name)) continue;
        this.#seen.add(name);
        events += 1;
        if (gap) this.counted.set(stream, (this.counted.get(stream) ?? 0) + gap.count);
        else this.values.get(stream)?.add(value as number);
        await log.settle(stream, epoch, { upTo: 0, have: [[seq, seq]] });
      }
    }
    return events;
  }
}

export async function edgeLogOnFullDisk({ disk }: SmallDisk): Promise<PartResult> {
  const failures: string[] = [];
  const expect = (holds: boolean, what: string) => { if (!holds) failures.push(what); };
  const heard = telemetryListener();
  const dir = join(disk, 'log');
  const log = await openEdgeLog({ dir, edge: 'pump-07', centre: TEST_CENTRE, maxBytes: 1 << 30 }, heard.world);
  const producer = new Producer(log);
  const codes = () => [...producer.rejected.keys()];

  expect(existsSync(join(dir, 'ballast')), 'no ballast at the start');
  for (let batch = 0; batch < BATCHES; batch += 1) await producer.batch();
  const rejectedByItself = producer.rejectedValues.size;
  expect(rejectedByItself === 0, `${rejectedByItself} events were rejected while the oldest could give way: ${codes().join(' ')}`);
  expect(heard.standing().includes('CV_LOG_DISK_FULL'), 'the full disk was not told');

  const filled = fillDisk(disk);
  let keptWhileFull = 0;
  for (let batch = 0; batch < 40; batch += 1) keptWhileFull += (await producer.batch()) ? 1 : 0;
  const taker = new Taker();
  const takenWhileFull = await taker.take(log);
  expect(takenWhileFull > 0, 'nothing can be read on a full disk');
  filled.free();
  const resumedMs = await waitUntil(5000, () => producer.batch());
  expect(resumedMs !== null, 'it did not go on when there was room');
  // What the gateway has taken frees files; the ballast comes back and the fault goes.
  await taker.take(log);
  const clearedMs = await waitUntil(10_000, async () => (await producer.batch()) && !heard.standing().includes('CV_LOG_DISK_FULL'));
  expect(clearedMs !== null && existsSync(join(dir, 'ballast')), 'the ballast did not come back');

  await taker.take(log);
  let counted = 0;
  for (const stream of STREAMS) {
    const there = taker.values.get(stream) ?? new Set();
    const missing = [...(producer.acknowledged.get(stream) ?? [])].filter((value) => !there.has(value)).length;
    const named = taker.counted.get(stream) ?? 0;
    expect(missing === named, `${stream}: ${missing} acknowledged events never came, ${named} are named`);
    expect([...there].every((value) => !producer.rejectedValues.has(value)), `${stream}: something that was rejected came`);
    counted += named;
  }
  await log.close();
  const reopened = telemetryListener();
  const again = await openEdgeLog({ dir, edge: 'pump-07', centre: TEST_CENTRE, maxBytes: 1 << 30 }, reopened.world);
  expect(reopened.told.every(({ kind }) => kind !== 'fault'), `faults at the next opening: ${reopened.standing().join(' ')}`);
  await again.close();
  return {
    name: 'edge log on a full disk',
    figures: {
      'events kept': [...producer.acknowledged.values()].reduce((sum, { size }) => sum + size, 0),
      'let go, each named': counted,
      'taken while full': takenWhileFull,
      'rejected by itself': rejectedByItself,
      'batches kept beside a full disk': keptWhileFull,
      rejected: [...producer.rejected].map(([code, count]) => `${code} ${count}`).join(' ') || 'none',
      'resumed after ms': resumedMs ?? 'never',
      'ballast back after ms': clearedMs ?? 'never',
      'bytes free at the end': freeOn(disk),
    },
    failures,
  };
}
