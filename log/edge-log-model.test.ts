/**
 * Random lives of an edge's log (appends, marks, refusals, reads, failing commits, crashes, restarts, little room), each
 * held against the plainest model: every acknowledged event is there, or settled, or counted by a gap record; no number
 * ever names two things. LOG_MODEL_LIVES and LOG_MODEL_STEPS make more and longer ones.
 */
import assert from 'node:assert/strict';
import { cp } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { STREAMS, streamOf, type Draft, type Event, type Gap, type Stream } from '../core/event.ts';
import { bulkyDraft, TEST_CENTRE, testDraft, testWarning } from '../core/testing/drafts.ts';
import { readAll } from './testing/edge-log-contract.ts';
import { failingStorage, type FailingStorage } from './testing/flaky-storage.ts';
import { memoryDir } from '../core/testing/temp-dir.ts';
import { testWorld } from '../core/testing/virtual-clock.ts';
import { seededRandom } from '../core/world.ts';
import { openEdgeLog } from './edge-log.ts';
import { StorageEngine } from './storage-engine.ts';
import type { EdgeLog } from './types.ts';
import { directStorage } from './worker-storage.ts';

const LIVES = Number(process.env.LOG_MODEL_LIVES ?? 9);
/** Lives in which a gap record was delivered and its file had to give way before its mark was on disk; in 240 the file was the only one. */
const SAID_TWICE = [42, 208, 240, 337];
const STEPS = Number(process.env.LOG_MODEL_STEPS ?? 40);

/** A thread that is kept busy: what files need beside their commits is done late, or not before the next one. */
class BusyEngine extends StorageEngine {
  readonly #isFree: () => boolean;

  constructor(isFree: () => boolean) {
    super();
    this.#isFree = isFree;
  }

  override runMaintenanceStep(): boolean {
    return this.#isFree() && super.runMaintenanceStep();
  }
}

/** What stands under a number. */
type Named = { value: unknown; occurredAt: number; gap?: Gap };

class Life {
  readonly #random;
  readonly #world = testWorld();
  readonly #folder: string;
  readonly #maxBytes: number;
  /** By stream, then `epoch:seq`. */
  readonly #names = new Map<Stream, Map<string, Named>>(STREAMS.map((stream) => [stream, new Map()]));
  /** Numbers that the other side has taken. */
  readonly #delivered = new Map<Stream, Set<string>>(STREAMS.map((stream) => [stream, new Set()]));
  readonly #acknowledged = new Map<Stream, Set<unknown>>(STREAMS.map((stream) => [stream, new Set()]));
  readonly #rejected = new Set<unknown>();
  #folders = 0;
  #value = 0;
  #disk!: FailingStorage;
  #log!: EdgeLog;

  constructor(folder: string, seed: number) {
    this.#folder = folder;
    this.#random = seededRandom(seed);
    this.#maxBytes = this.#chance(0.5) ? 700_000 : 64 << 20;
  }

  async live(): Promise<void> {
    await this.#open();
    for (let step = 0; step < STEPS; step += 1) await this.#step();
    this.#disk.failWith = null;
    await this.#world.clock.advanceMs(10_000);
    await this.#check();
    await this.#log.close();
    await this.#open();
    await this.#check();
    await this.#log.close();
  }

  async #step(): Promise<void> {
    const dice = this.#random.next();
    if (dice < 0.5) await this.#append();
    else if (dice < 0.68) await this.#settle();
    else if (dice < 0.74) await this.#setAside();
    else if (dice < 0.84) await this.#check();
    else if (dice < 0.88) await this.#failAWhile();
    else if (dice < 0.94) await this.#crash();
    else { await this.#log.close(); await this.#open(); }
  }

  async #open(): Promise<void> {
    this.#disk = failingStorage(directStorage(new BusyEngine(() => this.#chance(0.6))));
    this.#log = await openEdgeLog(
      { dir: this.#place(), edge: 'pump-07', centre: TEST_CENTRE, maxBytes: this.#maxBytes, policies: { state: 'drop-newest' } },
      this.#world,
      this.#disk,
    );
    this.#log.onCommitted(({ stream, epoch, firstSeq, drafts }) =>
      drafts.forEach((draft, index) => this.#name(stream, epoch, firstSeq + index, draft)),
    );
  }

  #place(): string {
    return join(this.#folder, String(this.#folders));
  }

  /** The folder as it lies at this moment is what the next process finds; a copy has a mind of its own about epochs. */
  async #crash(): Promise<void> {
    const from = this.#place();
    this.#folders += 1;
    await cp(from, this.#place(), { recursive: true });
    await this.#log.close();
    await this.#open();
  }

  async #append(): Promise<void> {
    const count = 1 + Math.floor(this.#random.next() * 12);
    const calls = Array.from({ length: 1 + Math.floor(this.#random.next() * 4) }, () => Array.from({ length: count }, () => this.#draft()));
    const answers = calls.map((drafts) => this.#log.append(drafts).then(
      () => { for (const draft of drafts) this.#acknowledged.get(streamOf(draft))?.add(draft.value); },
      () => { for (const draft of drafts) this.#rejected.add(draft.value); },
    ));
    const all = Promise.all(answers);
    let open = true;
    void all.then(() => { open = false; });
    while (open) {
      await this.#world.clock.advanceMs(1000);
      // A call that is on disk in part waits for the disk, however long.
      if (this.#disk.failWith !== null && this.#chance(0.3)) this.#disk.failWith = null;
    }
  }

  #draft(): Draft {
    this.#value += 1;
    const dice = this.#random.next();
    if (dice < 0.1) return testWarning(this.#value);
    if (dice < 0.2) return testDraft(this.#value, { kind: 'diagnostic' });
    const kind = dice < 0.4 ? 'state' : 'measurement';
    return this.#maxBytes < 1e6 ? bulkyDraft(this.#value, 3000, () => this.#random.next(), kind) : testDraft(this.#value, { kind });
  }

  async #settle(): Promise<void> {
    const stream = STREAMS[Math.floor(this.#random.next() * STREAMS.length)] as Stream;
    for (const { epoch, from, to } of this.#log.unsettled(stream)) {
      if (!this.#chance(0.6)) continue;
      const low = from + Math.floor(this.#random.next() * (to - from + 1));
      const high = low + Math.floor(this.#random.next() * (to - low + 1));
      for (let seq = low; seq <= high; seq += 1) this.#delivered.get(stream)?.add(`${epoch}:${seq}`);
      await this.#log.settle(stream, epoch, { upTo: 0, have: [[low, high]] });
    }
    await this.#world.clock.advanceMs(6000);
  }

  async #setAside(): Promise<void> {
    for (const stream of STREAMS) {
      const [run] = this.#log.unsettled(stream);
      if (!run || !this.#chance(0.4) || this.#disk.failWith !== null) continue;
      // What the other side has it does not refuse.
      if (this.#delivered.get(stream)?.has(`${run.epoch}:${run.to}`)) continue;
      const done = this.#log.setAside(stream, run.epoch, run.to, 'CV_EVENT_INVALID');
      await this.#world.clock.advanceMs(10);
      await done;
    }
  }

  async #failAWhile(): Promise<void> {
    this.#disk.failWith = this.#chance(0.5) ? 13 : 1034;
    await this.#append();
    this.#disk.failWith = null;
    await this.#world.clock.advanceMs(3000);
  }

  async #check(): Promise<void> {
    for (const stream of STREAMS) {
      const events = await readAll(this.#log, stream);
      for (const event of events) this.#name(stream, event.epoch, event.seq, event);
      const values = events.flatMap(({ gap, value }) => (gap ? [] : value));
      assert.equal(new Set(values).size, values.length, `${stream}: nothing is there twice`);
      for (const value of values) assert.ok(!this.#rejected.has(value), `${stream}: ${String(value)} was rejected and is there`);
      this.#checkNumbers(stream, events);
    }
  }

  /** Each number that was given is delivered, or there, or in exactly one gap record; each record counts what it covers. */
  #checkNumbers(stream: Stream, events: readonly Event[]): void {
    const names = this.#names.get(stream) ?? new Map<string, Named>();
    const delivered = this.#delivered.get(stream) ?? new Set();
    const present = new Set(events.map(({ epoch, seq }) => `${epoch}:${seq}`));
    const waiting = new Set(
      this.#log
        .unsettled(stream)
        .flatMap(({ epoch, from, to }) => Array.from({ length: to - from + 1 }, (_, index) => `${epoch}:${from + index}`)),
    );
    for (const name of waiting) assert.ok(present.has(name), `${stream}: ${name} is to be sent and not there`);
    // A record that is neither there nor delivered was refused, and was said again in another.
    const gaps = [...names].flatMap(([name, { gap }]) => (gap && (delivered.has(name) || waiting.has(name)) ? [gap] : []));
    const covered = new Map<string, number>();
    let unnumbered = 0;
    for (const gap of gaps) {
      if (gap.fromSeq === 0) {
        unnumbered += gap.count;
        continue;
      }
      let count = 0;
      for (let seq = gap.fromSeq; seq <= gap.toSeq; seq += 1) {
        const name = `${gap.epoch}:${seq}`;
        covered.set(name, (covered.get(name) ?? 0) + 1);
        if (!names.get(name)?.gap) count += 1;
      }
      assert.equal(gap.count, count, `${stream}: count of ${JSON.stringify(gap)}`);
    }
    for (const name of names.keys()) {
      if (delivered.has(name)) continue;
      assert.equal((covered.get(name) ?? 0) + (waiting.has(name) ? 1 : 0), 1, `${stream}: ${name} is there or covered, once`);
    }
    const named = new Set([...names.values()].map(({ value }) => value));
    const unnamed = [...(this.#acknowledged.get(stream) ?? [])].filter((value) => !named.has(value)).length;
    assert.equal(unnumbered, unnamed, `${stream}: events that never had numbers`);
  }

  #name(stream: Stream, epoch: number, seq: number, { value, occurredAt, gap }: Draft): void {
    const name = `${epoch}:${seq}`;
    const named: Named = gap ? { value: `gap ${name}`, occurredAt, gap } : { value, occurredAt };
    const names = this.#names.get(stream);
    if (names?.has(name)) assert.deepEqual(names.get(name), named, `${stream}: ${name} names two things`);
    names?.set(name, named);
  }

  #chance(share: number): boolean {
    return this.#random.next() < share;
  }
}

for (const seed of new Set([...Array.from({ length: LIVES }, (_, index) => index + 1), ...SAID_TWICE])) {
  test(`life ${seed}: nothing acknowledged is lost without a word, no number names two things`, async () => {
    const { dir, remove } = await memoryDir();
    try {
      await new Life(dir, seed).live();
    } finally {
      await remove();
    }
  });
}
