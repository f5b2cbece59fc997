/** Our store, in this process as in a gateway: fed like the log feeds it. */
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { EMPTY_CATALOGUE } from '../../../city/catalogue/catalogue.ts';
import type { Event } from '../../../core/event.ts';
import { realWorld } from '../../../core/world.ts';
import { logBatch } from '../../../gateway/feed/testing/log-batches.ts';
import { openStore, type Store } from '../../../gateway/store/store.ts';
import { benchPauseMs, printBench } from '../rig.ts';
import type { BenchPoint } from './points.ts';

const HANDED = 2000;
/** At a rate it comes in smaller parts, as edges send it. */
const PACED = 500;
const INDICATOR = 'YJ-FLD-001';

export class BenchStore {
  readonly #dir: string;
  #store: Store | null = null;
  #seq = 0;

  constructor(dir: string) {
    this.#dir = dir;
  }

  async open(): Promise<void> {
    const world = realWorld((told) => { if (told.kind === 'fault') printBench(JSON.stringify(told)); });
    this.#store = await openStore({ dir: this.#dir, retentionMs: Infinity, maxBytes: 1e12, catalogue: EMPTY_CATALOGUE }, world);
    this.#seq = (await this.#store.consumer.start()).seq;
  }

  get store(): Store {
    return this.#store as Store;
  }

  async write(points: readonly BenchPoint[]): Promise<void> {
    for (let from = 0; from < points.length; from += HANDED) {
      const events = points.slice(from, from + HANDED).map(eventOf);
      const group = logBatch(events, { epoch: 1, seq: this.#seq + 1 }, events[0]?.occurredAt ?? 0);
      this.#seq += events.length;
      await this.store.consumer.take([group], { epoch: 1, seq: this.#seq });
    }
  }

  /** Writes at a rate until told to stop. @returns a function that stops it and says how many a second were written */
  writeAt(perSecond: number, next: () => BenchPoint[]): () => Promise<number> {
    let stopped = false;
    let written = 0;
    let waiting: BenchPoint[] = [];
    const startedMs = performance.now();
    const elapsed = () => (performance.now() - startedMs) / 1000;
    const work = (async () => {
      while (!stopped) {
        const owed = Math.min(PACED, Math.floor(elapsed() * perSecond) - written);
        if (owed < PACED) {
          await benchPauseMs(5);
          continue;
        }
        if (waiting.length < owed) waiting.push(...next());
        await this.write(waiting.slice(0, owed));
        waiting = waiting.slice(owed);
        written += owed;
      }
    })();
    return async () => {
      stopped = true;
      await work;
      return written / elapsed();
    };
  }

  last(): number {
    return this.store.last().length;
  }

  async series(series: number, from: number, to: number, buckets: number): Promise<number> {
    const { items } = await this.store.range({ ...nameOf(series), from, to, maxPoints: buckets, limit: 1, after: null });
    return items.length;
  }

  async window(from: number, to: number): Promise<number> {
    return (await this.store.window({ from, to })).length;
  }

  async close(): Promise<void> {
    await this.#store?.close();
    this.#store = null;
  }

  /** All files of the folder. */
  bytes(): number {
    return folderBytes(this.#dir);
  }
}

export function folderBytes(dir: string): number {
  return readdirSync(dir, { recursive: true, withFileTypes: true }).reduce(
    (sum, entry) => sum + (entry.isFile() ? statSync(join(entry.parentPath, entry.name)).size : 0),
    0,
  );
}

const nameOf = (series: number) => ({ indicator: INDICATOR, device: `dev-${series >> 2}`, point: `level-${series & 3}` });

function eventOf({ series, at, value, flagged }: BenchPoint): Event {
  return {
    ...nameOf(series),
    edge: 'bench',
    stream: 'measurement',
    epoch: 1,
    seq: 0,
    centre: '500112001',
    kind: 'measurement',
    value,
    unit: 'm',
    occurredAt: at,
    clock: 'device',
    observedAt: at,
    quality: flagged ? 'uncertain' : 'good',
    ...(flagged ? { flags: ['spike'] } : {}),
    origin: 'live',
  };
}
