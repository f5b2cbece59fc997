/**
 * The embedded time series: what came of every series, exactly and in full. A consumer of the gateway's log writes it;
 * its cursor is saved in the same transaction as the rows, so a crash repeats nothing and loses nothing.
 */
import { join } from 'node:path';
import type { PointView, SeriesGap, SeriesView } from '../../api/series.ts';
import { normaliser, type Catalogue } from '../../city/catalogue/catalogue.ts';
import { indicatorName } from '../../city/catalogue/name.ts';
import { seriesKey, type Flag, type Quality, type Value } from '../../core/event.ts';
import { FaultError } from '../../core/faults.ts';
import { compareCursors, type Cursor } from '../../log/types.ts';
import type { World } from '../../core/world.ts';
import type { Consumer } from '../feed/consumer.ts';
import { batchesAfter, type LogBatch } from '../feed/log-batch.ts';
import { SqliteClient, workerBeside } from '../sqlite/client.ts';
import type { DatabaseSalvage } from '../sqlite/salvage.ts';
import type { ChunkDamage } from './chunks.ts';
import type { StoreDatabase } from './database.ts';
import { Directory } from './directory.ts';
import { Mending } from './mending.ts';
import type { StoreReader } from './reader.ts';
import type { SeriesHead, SeriesSnapshot } from './rows.ts';
import type { SavedStore } from './salvage.ts';
import { openReader, Upkeep, type RetentionLimits } from './upkeep.ts';
import type { Verification } from './verify.ts';
import { unpackViews } from './views.ts';
import { Windows } from './window/windows.ts';

export interface StoreOptions {
  /** Folder of `store.db`; made when missing. */
  dir: string;
  /** Rows older than this go; Infinity keeps all. */
  retentionMs: number;
  maxBytes: number;
  /** How often rows go into chunks, and how old they must be for it. */
  compaction?: { everyMs: number; settleMs: number } | undefined;
  catalogue: Catalogue;
  /** The log's present opening: what comes before it may be there already, should the store have to be salvaged. By default all may. */
  presentEpoch?: number;
}

interface SeriesFilter {
  indicator?: string | undefined;
  device?: string | undefined;
  point?: string | undefined;
}

/** The newest value of a series, by event time. */
export interface LastPoint extends SeriesHead {
  at: number;
  value: Value;
  quality: Quality;
  flags: Flag[];
}

interface SeriesName {
  indicator: string;
  device: string;
  point: string;
}

export interface RangeQuery extends SeriesName {
  /** ms UTC; from ≤ at < to. */
  from: number;
  to: number;
  /** At most so many points; null asks for every row, a page at a time. */
  maxPoints: number | null;
  limit: number;
  after: string | null;
}

export interface RangeResult {
  items: PointView[];
  downsampled: boolean;
  next: string | null;
  /** What is damaged on disk and left out; absent when nothing is. */
  gaps?: SeriesGap[];
}

interface SeriesWindow extends SeriesName {
  count: number;
  min: number;
  max: number;
  avg: number;
}

/** What a commit brought. */
interface Stored {
  /** The newest time among the newest values of its series, ms UTC. */
  newestAt: number;
  /** The newest value of each series in it. */
  lasts(): LastPoint[];
}

export interface Store {
  readonly consumer: Consumer;
  /** Newest values of the series that have the given parts, from memory. */
  last(filter?: SeriesFilter): LastPoint[];
  /** The series that have the given parts, by key. */
  series(filter?: SeriesFilter): SeriesView[];
  /** Values of one series. An unknown series has none. @throws CV_API_CURSOR_INVALID, CV_STORE_FAILED */
  range(query: RangeQuery): Promise<RangeResult>;
  /** Aggregates of every series over from ≤ t < to; series without numbers there are left out. */
  window(span: { from: number; to: number }): Promise<SeriesWindow[]>;
  /** Up to where the log has been taken in. */
  cursor(): Cursor;
  /** Called after each commit. */
  onStored(listener: (stored: Stored) => void): () => void;
  /** Names and units from now on; what is stored stays as it is. */
  setCatalogue(catalogue: Catalogue): void;
  /** Other bounds of age and size, from the next sweep on. */
  setRetention(limits: RetentionLimits): void;
  /** Lets go of what is beyond age and size, slice by slice; by itself every minute. */
  sweep(): Promise<void>;
  /** Moves everything into compressed chunks now; by itself when it is time, or when there is much. */
  compact(): Promise<void>;
  /**
   * Reads everything back, while the store goes on working. Damage is told as it is found.
   *
   * @param onSlice told of chunks and blocks that were read, of how many
   */
  verify(onSlice?: (done: number, of: number) => void): Promise<Verification>;
  /** The series of an id, as damage names it. */
  nameOf(id: number): SeriesName | null;
  close(): Promise<void>;
}

/** Chunks are filled in few goes: each costs reading the last one again. Recent values are asked for most and still get company. */
const COMPACTION = { everyMs: 6 * 3_600_000, settleMs: 3_600_000 };
/** Of a commit; each costs a write to the disk, however much is in it. */
const MAX_EVENTS = 60_000;
/** Damaged chunks that are remembered, so that each is told once. */
const MAX_TOLD = 10_000;

/** Opens the store; one that is damaged is put aside, and a new one goes on with what can be saved. @throws CV_STORE_FAILED, CV_STORE_BUSY */
export async function openStore(options: StoreOptions, world: World): Promise<Store> {
  const path = join(options.dir, 'store.db');
  const database = new SqliteClient<StoreDatabase['operations']>(workerBeside(import.meta.url), path);
  // Its thread starts while the other opens the file.
  const reader = openReader(path);
  try {
    const { salvage, ...opened } = await database.call('open', { path, presentEpoch: options.presentEpoch ?? Number.MAX_SAFE_INTEGER });
    if (salvage) tellSalvage(path, salvage, world);
    return new OpenStore(options, world, { path, database, reader }, opened);
  } catch (error) {
    await reader.close();
    await database.close();
    throw error;
  }
}

interface Parts {
  path: string;
  database: SqliteClient<StoreDatabase['operations']>;
  reader: SqliteClient<StoreReader['operations']>;
}

class OpenStore implements Store {
  readonly consumer: Consumer;
  #catalogue: Catalogue;
  readonly #world: World;
  #parts: Parts;
  readonly #directory: Directory;
  readonly #listeners = new Set<(stored: Stored) => void>();
  readonly #upkeep: Upkeep;
  readonly #told = new Set<number>();
  /** Series and unit of which it was said that they do not go together. */
  readonly #misfits = new Set<string>();
  readonly #mending: Mending;
  #windows: Windows;
  #cursor: Cursor;

  constructor(options: StoreOptions, world: World, parts: Parts, opened: { cursor: Cursor; series: SeriesSnapshot[] }) {
    this.#catalogue = options.catalogue;
    this.#world = world;
    this.#parts = parts;
    this.#cursor = opened.cursor;
    this.#mending = new Mending(world.clock, (detail) => this.#mend(detail));
    this.#windows = new Windows(parts.path);
    this.#directory = new Directory(normaliser(options.catalogue), opened.series, (series, unit) => {
      this.#tellMisfit(series, unit);
    });
    this.#upkeep = new Upkeep(
      {
        path: parts.path,
        retentionMs: options.retentionMs,
        maxBytes: options.maxBytes,
        compaction: options.compaction ?? COMPACTION,
        newestAt: () => this.#directory.newestAt,
      },
      world,
      parts.database,
      {
        damages: (damages) => {
          this.#tellDamages(damages);
        },
        forgotten: (beforeAt) => {
          this.#windows.forget(beforeAt);
        },
        // Said there already; the next look tries anew.
        failed: (error) => {
          this.#mending.after(error).catch(() => undefined);
        },
      },
    );
    this.consumer = {
      name: 'store',
      required: true,
      maxEvents: MAX_EVENTS,
      start: () => Promise.resolve(this.#cursor),
      take: (batch, upTo) => this.#take(batch, upTo),
      close: () => this.close(),
    };
  }

  cursor(): Cursor {
    return this.#cursor;
  }

  last(filter: SeriesFilter = {}): LastPoint[] {
    return this.#matching(filter).map(lastOf);
  }

  series(filter: SeriesFilter = {}): SeriesView[] {
    return this.#matching(filter)
      .map(({ indicator, device, point, unit, centre, edge, last }) => {
        return {
          indicator,
          device,
          point,
          unit,
          centre,
          edge,
          known: this.#catalogue.of(indicator) !== null,
          name: indicatorName(this.#catalogue, indicator),
          lastAt: last.at,
        };
      })
      .toSorted((a, b) => (seriesKey(a) < seriesKey(b) ? -1 : 1));
  }

  async range({ from, to, maxPoints, limit, after, ...name }: RangeQuery): Promise<RangeResult> {
    const place = after === null ? null : parsePlace(after);
    const series = this.#directory.get(name.indicator, name.device, name.point);
    if (!series) return { items: [], downsampled: false, next: null };
    const span = { id: series.id, from: Math.max(0, Math.floor(from)), to: Math.max(0, Math.ceil(to)) };
    if (maxPoints !== null) {
      const { points, downsampled, damages } = await this.#mending.orMend(() =>
        this.#parts.reader.call('buckets', { ...span, maxPoints: Math.max(1, maxPoints) }),
      );
      return { items: unpackViews(points), downsampled, next: null, ...this.#gapsOf(damages) };
    }
    const { points, next, damages } = await this.#mending.orMend(() => this.#parts.reader.call('rows', { ...span, after: place, limit }));
    return { items: unpackViews(points), downsampled: false, next: next && `${next.at}-${next.n}`, ...this.#gapsOf(damages) };
  }

  async window(span: { from: number; to: number }): Promise<SeriesWindow[]> {
    const {
      totals: { ids, counts, mins, maxs, sums },
      damages,
    } = await this.#mending.orMend(() =>
      this.#windows.ask({ from: Math.max(0, Math.floor(span.from)), to: Math.max(0, Math.ceil(span.to)) }),
    );
    this.#tellDamages(damages);
    const found: SeriesWindow[] = [];
    for (let at = 0; at < ids.length; at += 1) {
      const series = this.#directory.byId(ids[at] as number);
      const count = counts[at] as number;
      if (series)
        found.push({
          indicator: series.indicator,
          device: series.device,
          point: series.point,
          count,
          min: mins[at] as number,
          max: maxs[at] as number,
          avg: (sums[at] as number) / count,
        });
    }
    return found;
  }

  onStored(listener: (stored: Stored) => void): () => void {
    this.#listeners.add(listener);
    return () => {
      this.#listeners.delete(listener);
    };
  }

  setCatalogue(catalogue: Catalogue): void {
    this.#catalogue = catalogue;
    this.#directory.setNormaliser(normaliser(catalogue));
  }

  setRetention(limits: RetentionLimits): void {
    this.#upkeep.keepWithin(limits);
  }

  sweep(): Promise<void> {
    return this.#upkeep.sweep();
  }

  compact(): Promise<void> {
    return this.#upkeep.compact();
  }

  verify(onSlice: (done: number, of: number) => void = () => {}): Promise<Verification> {
    return this.#upkeep.verify(onSlice);
  }

  nameOf(id: number): SeriesName | null {
    return this.#directory.byId(id) ?? null;
  }

  async close(): Promise<void> {
    await this.#upkeep.close();
    await this.#windows.close();
    await this.#parts.reader.close();
    await this.#parts.database.close();
  }

  #gapsOf(damages: readonly ChunkDamage[]): { gaps?: SeriesGap[] } {
    this.#tellDamages(damages);
    return damages.length > 0 ? { gaps: damages.map(({ from, to, count }) => ({ from, to, count })) } : {};
  }

  #tellDamages(damages: readonly ChunkDamage[]): void {
    for (const { id, series, from, to, count } of damages) {
      if (this.#told.has(id) || this.#told.size >= MAX_TOLD) continue;
      this.#told.add(id);
      const name = this.#directory.byId(series);
      const time = (at: number) => new Date(at).toISOString();
      this.#world.tell({
        kind: 'fault',
        fault: {
          code: 'CV_STORE_CHUNK_DAMAGED',
          params: { path: this.#parts.path, series: name ? seriesKey(name) : '?', from: time(from), to: time(to) },
        },
      });
      this.#world.tell({ kind: 'samples_lost', count: count ?? 1, reason: 'store_damaged', intended: false });
    }
  }

  /** Said once for each series and unit: it stays so until somebody corrects the point. */
  #tellMisfit({ id, indicator, device, point, unit: own }: SeriesSnapshot, unit: string): void {
    const name = `${id} ${unit}`;
    if (this.#misfits.has(name) || this.#misfits.size >= MAX_TOLD) return;
    this.#misfits.add(name);
    this.#world.tell({
      kind: 'fault',
      fault: {
        code: 'CV_UNIT_UNCONVERTIBLE',
        params: { point: `${device}/${point}`, indicator, unit, wanted: this.#catalogue.of(indicator)?.unit ?? own },
      },
      device,
    });
  }

  async #take(groups: readonly LogBatch[], upTo: Cursor): Promise<void> {
    if (compareCursors(upTo, this.#cursor) <= 0) return;
    const batch = this.#directory.batchOf(batchesAfter(groups, this.#cursor).map(({ columns }) => columns));
    const startedMs = this.#world.clock.monotonicMs();
    const written = await this.#mending.orMend(() =>
      this.#mending.inTurn(async () => {
        const reduced = await this.#parts.database.call('commit', { ...batch, upTo });
        this.#cursor = upTo;
        return reduced ?? batch.points;
      }),
    );
    const count = written.ids.length;
    if (batch.points.ids.length === 0) return;
    this.#windows.feed(written, upTo);
    const { ids, newestAt } = this.#directory.stored(batch);
    this.#world.tell({ kind: 'points_stored', count, durationMs: this.#world.clock.monotonicMs() - startedMs });
    const stored: Stored = { newestAt, lasts: () => ids.flatMap((id) => this.#directory.byId(id) ?? []).map(lastOf) };
    for (const listener of this.#listeners) listener(stored);
  }

  /** The file is damaged: what can be saved of it, and what is known here, goes into a new one. */
  async #mend(detail: string): Promise<void> {
    const { path, database, reader } = this.#parts;
    const salvage = await database.call('mend', { detail, series: [...this.#directory.all()] });
    tellSalvage(path, salvage, this.#world);
    // They still read the file that lies aside.
    this.#parts = { path, database, reader: openReader(path) };
    const windows = this.#windows;
    this.#windows = new Windows(path);
    await Promise.all([reader.close(), windows.close()]);
  }

  #matching({ indicator, device, point }: SeriesFilter): SeriesSnapshot[] {
    if (indicator !== undefined && device !== undefined && point !== undefined) {
      const one = this.#directory.get(indicator, device, point);
      return one ? [one] : [];
    }
    const among = device === undefined ? [...this.#directory.all()] : this.#directory.ofDevice(device);
    return among.filter(
      (series) => (indicator === undefined || series.indicator === indicator) && (point === undefined || series.point === point),
    );
  }
}

function tellSalvage(path: string, { aside, detail, found: { points, lost } }: DatabaseSalvage<SavedStore>, world: World): void {
  world.tell({ kind: 'fault', fault: { code: 'CV_STORE_SALVAGED', params: { path, aside, detail, points } } });
  if (lost > 0) world.tell({ kind: 'samples_lost', count: lost, reason: 'store_damaged', intended: false });
}

function lastOf({
  indicator,
  device,
  point,
  subject,
  centre,
  edge,
  kind,
  unit,
  last: { at, value, quality, flags, extra },
}: SeriesSnapshot): LastPoint {
  return { indicator, device, point, subject, centre, edge, kind, unit: extra?.unit ?? unit, at, value, quality, flags };
}

function parsePlace(text: string): { at: number; n: number } {
  const match = /^(\d{1,16})-(\d{1,10})$/.exec(text);
  if (!match || !Number.isSafeInteger(Number(match[1])))
    throw new FaultError('CV_API_CURSOR_INVALID', { after: text, path: '/api/v1/series' });
  return { at: Number(match[1]), n: Number(match[2]) };
}
