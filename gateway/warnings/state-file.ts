/** Station: saves what follows from a batch, with the cursor of the log, in one transaction. Only then does it count. */
import { join } from 'node:path';
import type { WarningView } from '../../api/warnings.ts';
import type { RuleFinding, KeyRecord, RuleOutcome, RuleTables, SeriesRecord } from '../../city/rules/engine.ts';
import { isOpen } from '../../city/warning/lifecycle.ts';
import type { DescribedWarning } from '../../city/warning/warning.ts';
import { compareCursors, type Cursor } from '../../log/types.ts';
import type { World } from '../../core/world.ts';
import { SqliteClient, SqliteThread, workerBeside } from '../sqlite/client.ts';
import type { OutboxEntry, StateBatch, StateDatabase, StateSnapshot } from './database.ts';
import { warningRows, warningFromRows, type SavedWarning } from './record.ts';
import { warningMessage, warningView } from './view.ts';

/** A cursor that moved over nothing of interest is saved at most so often. */
const IDLE_SAVE_MS = 1000;

/** One change as it is published. */
export interface PublishedChange {
  warning: DescribedWarning;
  view: WarningView;
  entry: OutboxEntry;
  place: Cursor;
}

type Database = SqliteClient<StateDatabase['operations']>;

export class StateFile {
  readonly path: string;
  readonly #world: World;
  readonly #database: Database;
  /** Up to where the log was taken in, as far as that is on disk. */
  savedCursor: Cursor;
  #savedAtMs = -Infinity;
  /** Epoch of the feed, and the number of its last change. */
  head: Cursor;
  readonly tables: RuleTables;
  readonly unsent: StateSnapshot['outbox'];
  /** Until they are loaded as views. */
  #saved: readonly SavedWarning[];

  private constructor(path: string, world: World, database: Database, snapshot: StateSnapshot, head: Cursor) {
    this.path = path;
    this.#world = world;
    this.#database = database;
    this.head = head;
    this.savedCursor = snapshot.cursor;
    this.unsent = snapshot.outbox;
    this.#saved = snapshot.warnings.map(({ json, changes }) => warningFromRows(json, changes));
    const keys = new Map(snapshot.keys.map(([key, json]) => [key, JSON.parse(json) as KeyRecord]));
    const newest = new Set([...keys.values()].map((key) => key.newest?.id));
    this.tables = {
      series: new Map(snapshot.series.map(([key, json]) => [key, JSON.parse(json) as SeriesRecord])),
      keys,
      warnings: new Map(
        this.#saved.flatMap(({ warning }) => (isOpen(warning.state) || newest.has(warning.id) ? [[warning.id, warning]] : [])),
      ),
    };
  }

  /** A damaged file is put aside, and the rules go on with what can be saved. @throws CV_STORE_FAILED, CV_STORE_BUSY, CV_STORE_NEWER, CV_STORE_MIGRATION */
  static async open(dir: string, world: World, thread = new SqliteThread(workerBeside(import.meta.url, '../worker'))): Promise<StateFile> {
    const path = join(dir, 'state.db');
    const database: Database = new SqliteClient(thread, path, 'state');
    try {
      const { snapshot, salvage } = await database.call('open', { path });
      if (salvage) {
        const { aside, detail, found: { warnings, memories } } = salvage;
        world.tell({ kind: 'fault', fault: { code: 'CV_STATE_SALVAGED', params: { path, aside, detail, warnings, memories } } });
      }
      return new StateFile(
        path,
        world,
        database,
        snapshot,
        await database.call('beginFeed', { nowMs: Math.max(1, Math.floor(world.clock.nowMs())) }),
      );
    } catch (error) {
      await database.close();
      throw error;
    }
  }

  /** These changes as they are published, at their places in the feed. */
  nextChanges(warnings: readonly DescribedWarning[]): PublishedChange[] {
    return warnings.map((warning, index) => {
      const place = { epoch: this.head.epoch, seq: this.head.seq + index + 1 };
      const view = warningView(warning, place);
      return {
        warning,
        view,
        place,
        entry: warningMessage(view, warning.revision, place.seq === 1 ? null : { ...place, seq: place.seq - 1 }),
      };
    });
  }

  /** Whether a batch is worth a transaction now. */
  isDue({ series, keys, findings, warnings }: RuleOutcome, upTo: Cursor | null): boolean {
    const isEmpty = series.size + keys.size + findings.length + warnings.length === 0;
    return !isEmpty || (upTo !== null && this.#world.clock.nowMs() - this.#savedAtMs >= IDLE_SAVE_MS);
  }

  /** @returns the numbers of the outbox entries */
  async save(outcome: RuleOutcome, changes: readonly PublishedChange[], upTo: Cursor | null): Promise<number[]> {
    const numbers = await this.#database.call('commit', {
      upTo,
      series: jsonOf(outcome.series),
      keys: jsonOf(outcome.keys),
      ...this.#rowsOf(changes),
      findings: outcome.findings.map((finding) => ({ id: finding.id, fromAt: finding.fromAt, json: JSON.stringify(finding) })),
      outbox: changes.map(({ entry }) => entry),
    });
    this.head = { ...this.head, seq: this.head.seq + changes.length };
    this.#savedAtMs = this.#world.clock.nowMs();
    this.savedCursor = upTo ?? this.savedCursor;
    return numbers;
  }

  /** The warnings that were saved, by when they were raised; asked once. Those without a place in this feed (of a file from before there was one, or of a salvaged one) get one: they are published as they are. */
  async loadViews(): Promise<WarningView[]> {
    const saved = this.#saved;
    this.#saved = [];
    const changes = this.nextChanges(saved.filter(({ cursor }) => cursor?.epoch !== this.head.epoch).map(({ warning }) => warning));
    if (changes.length > 0) {
      await this.#database.call('commit', { ...NOTHING, ...this.#rowsOf(changes), warningChanges: [] });
      this.head = { ...this.head, seq: this.head.seq + changes.length };
    }
    const placed = new Map(changes.map(({ view }) => [view.id, view]));
    return saved.map(({ warning, cursor }) => placed.get(warning.id) ?? warningView(warning, cursor));
  }

  async sent(n: number): Promise<void> {
    await this.#database.call('sent', { n });
  }

  async findings(limit: number): Promise<RuleFinding[]> {
    return (await this.#database.call('findings', { limit })).map((json) => JSON.parse(json) as RuleFinding);
  }

  async feedAfter(n: number, limit: number): Promise<{ items: WarningView[]; oldest: number }> {
    const { items, oldest } = await this.#database.call('feed', { after: n, limit });
    return { items: items.map((json) => JSON.parse(json) as WarningView), oldest };
  }

  /** Saves up to where the log was taken in, where it is not saved yet. */
  async close(cursor: Cursor): Promise<void> {
    if (compareCursors(cursor, this.savedCursor) > 0) await this.#database.call('commit', { ...NOTHING, upTo: cursor });
    await this.#database.close();
  }

  /** A change is new when it is not in what the tables have of its warning, nor in an earlier one of the batch. */
  #rowsOf(changes: readonly PublishedChange[]): Pick<StateBatch, 'warnings' | 'warningChanges' | 'feed'> {
    const savedTo = new Map<string, number>();
    const rows = changes.map(({ warning, place }) => {
      const saved = savedTo.get(warning.id) ?? this.tables.warnings.get(warning.id)?.changes.at(-1)?.n ?? 0;
      savedTo.set(warning.id, warning.changes.at(-1)?.n ?? 0);
      return warningRows(warning, place, warning.changes.filter(({ n }) => n > saved));
    });
    return {
      warnings: rows.map(({ warning }) => warning),
      warningChanges: rows.flatMap(({ changes }) => changes),
      feed: { published: changes.map(({ view }) => JSON.stringify(view)), last: this.head.seq + changes.length },
    };
  }
}

const NOTHING: StateBatch = { upTo: null, series: [], keys: [], warnings: [], warningChanges: [], findings: [], outbox: [] };

const jsonOf = <T>(records: Map<string, T>): [string, string][] => [...records].map(([key, record]) => [key, JSON.stringify(record)]);
