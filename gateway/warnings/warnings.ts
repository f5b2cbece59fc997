/**
 * Warnings: the rules over the gateway's log. What the rules remember, the warnings and what is to be published are
 * saved with the cursor in one transaction; only then do they count. So a crash anywhere repeats no warning and loses none.
 */
import { join } from 'node:path';
import type { WarningView } from '../../api/warnings.ts';
import { normaliser, type Catalogue } from '../../city/catalogue/catalogue.ts';
import type { Level, Position } from '../../core/event.ts';
import { faultOf } from '../../core/faults.ts';
import { compareCursors, formatCursor, type Cursor } from '../../log/types.ts';
import { apply, ruleEngine, type Finding, type KeyRecord, type Outcome, type RuleEngine, type RuleInput, type RuleTables, type SeriesRecord } from '../../city/rules/engine.ts';
import { isOpen } from '../../city/warning/lifecycle.ts';
import { limitsOf, type DrawnLimit, type Rule, type Selectable } from '../../city/rules/rule.ts';
import type { Warning } from '../../city/warning/warning.ts';
import { valueAt } from '../../core/wire/columns.ts';
import { warningTopic } from '../../core/wire/topics.ts';
import { everyMs, pause, type Timer, type World } from '../../core/world.ts';
import { SqliteClient, workerBeside } from '../sqlite/client.ts';
import type { Consumer } from '../feed/consumer.ts';
import { eventsOf, groupsAfter, type FedEvent, type FedGroup } from '../feed/fed.ts';
import type { ChangesStart } from './changes.ts';
import type { OutboxEntry, StateBatch, StateDatabase, StateSnapshot } from './database.ts';
import { Outbox, type RetainedPublisher } from './outbox.ts';
import { FOLLOWING, isOf, Shown } from './shown.ts';
import { viewOf, withFollowers } from './view.ts';

export interface WarningsOptions {
  gateway: string;
  /** Folder of `state.db`: the store's. */
  dir: string;
  rules: readonly Rule[];
  catalogue: Catalogue;
  /** Warnings are marked as exercises, and replayed and simulated events count. */
  exercise: boolean;
  publisher: RetainedPublisher;
  /** What the registry knows of a device; null when it does not know it. */
  device(id: string): { position: Position | null } | null;
  isOnline(edge: string): boolean;
  /** Head of the gateway's log: only when all of it was taken does silence mean something. */
  head(): Cursor;
}

interface WarningFilter {
  condition?: 'active' | 'cleared' | undefined;
  open?: boolean | undefined;
  level?: Level | undefined;
  rule?: string | undefined;
  device?: string | undefined;
  centre?: string | undefined;
}

export interface Warnings {
  readonly consumer: Consumer;
  /** Warnings that fit, newest first: open ones, and those that are kept after they closed. */
  list(filter?: WarningFilter): WarningView[];
  get(id: string): WarningView | null;
  /** The epoch of the changes, and the number of the newest. */
  changesHead(): Cursor;
  /** Changes behind number n, in the order in which they were committed, each with its `cursor`. */
  changesAfter(n: number, limit: number): Promise<{ items: WarningView[]; oldest: number }>;
  /** Not closed, not merged, no false alarm. */
  openCount(): number;
  /** Changes that the broker does not have yet. */
  unpublished(): number;
  /**
   * Goes on with other rules. A rule that is the same keeps all it remembers; what those that are gone or were changed
   * hold open is ended, as after a restart. Resolves when that is on disk.
   */
  update(knowledge: Pick<WarningsOptions, 'rules' | 'catalogue' | 'exercise'>): Promise<void>;
  /** Called with each change once it is on disk. */
  onChange(listener: (warning: WarningView) => void): () => void;
  /** Newest first: what would have been warnings had it been known in time. */
  findings(limit: number): Promise<Finding[]>;
  /** The limits on a series, for drawing: worst last. */
  limitsOf(series: Selectable): DrawnLimit[];
  /** Rules have seen everything up to this event time; null before the first event. */
  evaluatedTo(): number | null;
  /** ms from occurring to being evaluated, of the newest live event; null before the first. */
  delayMs(): number | null;
}

const TICK_MS = 1000;
/** What reached the gateway may need this long to its log. */
const GRACE_MS = 1000;
/** A cursor that moved over nothing of interest is saved at most so often. */
const IDLE_SAVE_MS = 1000;
const RETRY_MS = 2000;
/** Warnings that are listed; of more, the oldest closed ones leave the list. */
const MAX_VIEWS = 20_000;

/** Opens what the rules remember; a damaged file is put aside, and they go on with what can be saved. @throws CV_STORE_FAILED, CV_STORE_BUSY */
export async function openWarnings(options: WarningsOptions, world: World): Promise<Warnings> {
  const path = join(options.dir, 'state.db');
  const database: Database = new SqliteClient(workerBeside(import.meta.url), path);
  try {
    const { snapshot, salvage } = await database.call('open', { path });
    if (salvage) {
      const { aside, detail, found: { warnings, memories } } = salvage;
      world.tell({ kind: 'fault', fault: { code: 'CV_STATE_SALVAGED', params: { path, aside, detail, warnings, memories } } });
    }
    return new OpenWarnings(options, world, database, snapshot, await database.call('startChanges', { nowMs: Math.max(1, Math.floor(world.clock.nowMs())) }));
  } catch (error) {
    await database.close();
    throw error;
  }
}

type Database = SqliteClient<StateDatabase['operations']>;

class OpenWarnings implements Warnings {
  readonly consumer: Consumer;
  #options: WarningsOptions;
  readonly #world: World;
  readonly #database: Database;
  #engine: RuleEngine;
  readonly #tables: RuleTables;
  readonly #views = new Map<string, WarningView>();
  readonly #shown = new Shown();
  #normal: ReturnType<typeof normaliser>;
  readonly #outbox: Outbox;
  readonly #unsent: StateSnapshot['outbox'];
  readonly #listeners = new Set<(warning: WarningView) => void>();
  /** Since when (our clock) each edge has been there, as seen by this process. */
  readonly #edges = new Map<string, number>();
  #changes: Cursor;
  #cursor: Cursor;
  #savedAtMs = -Infinity;
  #savedCursor: Cursor;
  #evaluatedTo: number | null = null;
  #delayMs: number | null = null;
  #ticks: Timer | null = null;
  /** One change at a time: batches and ticks wait for each other. */
  #turn: Promise<unknown> = Promise.resolve();
  #closing: Promise<void> | null = null;

  constructor(options: WarningsOptions, world: World, database: Database, snapshot: StateSnapshot, changes: ChangesStart) {
    this.#options = options;
    this.#world = world;
    this.#database = database;
    this.#engine = ruleEngine(options.rules);
    this.#normal = normaliser(options.catalogue);
    this.#changes = changes.head;
    this.#cursor = snapshot.cursor;
    this.#savedCursor = snapshot.cursor;
    this.#unsent = snapshot.outbox;
    this.#tables = {
      series: new Map(snapshot.series.map(([key, json]) => [key, JSON.parse(json) as SeriesRecord])),
      keys: new Map(snapshot.keys.map(([key, json]) => [key, JSON.parse(json) as KeyRecord])),
    };
    for (const json of [...snapshot.warnings, ...changes.begun]) {
      const view = JSON.parse(json) as WarningView;
      this.#views.set(view.id, view);
    }
    this.#outbox = new Outbox({
      publisher: options.publisher,
      sent: (n) => this.#database.call('sent', { n }),
      open: () => this.#openEntries(),
      onFault: (error) => { this.#tellFault(error); },
      wait: () => pause(world.clock, RETRY_MS),
    });
    this.consumer = { name: 'warnings', required: true, start: () => this.#start(), take: (batch, upTo) => this.#inTurn(() => this.#take(batch, upTo)), close: () => this.#close() };
  }

  list(filter: WarningFilter = {}): WarningView[] {
    const fits = <T>(wanted: T | undefined, is: T): boolean => wanted === undefined || wanted === is;
    return [...this.#views.values()]
      .filter((view) => fits(filter.condition, view.condition) && fits(filter.open, isOpen(view.state)) && fits(filter.level, view.level)
        && fits(filter.rule, view.rule) && fits(filter.device, view.device) && fits(filter.centre, view.centre))
      .toSorted((a, b) => b.raisedAt - a.raisedAt || (a.id < b.id ? -1 : 1));
  }

  get(id: string): WarningView | null {
    return this.#views.get(id) ?? null;
  }

  changesHead(): Cursor {
    return this.#changes;
  }

  async changesAfter(n: number, limit: number): Promise<{ items: WarningView[]; oldest: number }> {
    const { items, oldest } = await this.#database.call('changes', { after: n, limit });
    return { items: items.map((json) => JSON.parse(json) as WarningView), oldest };
  }

  openCount(): number {
    let open = 0;
    for (const { state } of this.#views.values()) if (isOpen(state)) open += 1;
    return open;
  }

  unpublished(): number {
    return this.#outbox.size;
  }

  onChange(listener: (warning: WarningView) => void): () => void {
    this.#listeners.add(listener);
    return () => { this.#listeners.delete(listener); };
  }

  async findings(limit: number): Promise<Finding[]> {
    return (await this.#database.call('findings', { limit })).map((json) => JSON.parse(json) as Finding);
  }

  limitsOf(series: Selectable): DrawnLimit[] {
    return limitsOf(this.#engine.rules, series);
  }

  evaluatedTo(): number | null {
    return this.#evaluatedTo;
  }

  delayMs(): number | null {
    return this.#delayMs;
  }

  update(knowledge: Pick<WarningsOptions, 'rules' | 'catalogue' | 'exercise'>): Promise<void> {
    return this.#inTurn(async () => {
      this.#options = { ...this.#options, ...knowledge };
      this.#engine = ruleEngine(knowledge.rules);
      this.#normal = normaliser(knowledge.catalogue);
      await this.#commit(this.#engine.retire(this.#tables, this.#world.clock.nowMs()), null);
    });
  }

  async #start(): Promise<Cursor> {
    this.#outbox.start(this.#unsent);
    await this.#inTurn(() => this.#commit(this.#engine.retire(this.#tables, this.#world.clock.nowMs()), null));
    let isTicking = false;
    this.#ticks = everyMs(this.#world.clock, TICK_MS, () => {
      if (isTicking) return;
      isTicking = true;
      this.#inTurn(() => this.#idle()).catch((error: unknown) => { this.#tellFault(error); }).finally(() => { isTicking = false; });
    });
    return this.#cursor;
  }

  async #take(groups: readonly FedGroup[], upTo: Cursor): Promise<void> {
    if (compareCursors(upTo, this.#cursor) <= 0) return;
    const fresh = groupsAfter(groups, this.#cursor);
    // Only of what some rule watches events are made.
    const watched = fresh.filter(({ columns }) => columns.cells('indicator')?.distinct.some((indicator) => this.#engine.watches(indicator as string)));
    const outcome = this.#engine.take(this.#tables, eventsOf(watched).flatMap((one) => this.#inputOf(one)));
    await this.#commit(outcome, upTo, this.#follow(outcome, fresh));
    this.#cursor = upTo;
    if (outcome.late > 0) this.#world.tell({ kind: 'samples_lost', count: outcome.late, reason: 'rule_late', intended: true });
    this.#noteProgress(fresh);
  }

  /** Clips and pictures of main streams follow the event that they are of: the warning that it raised is said again with them. @returns warnings that nothing else has changed */
  #follow(outcome: Outcome, groups: readonly FedGroup[]): ReadonlySet<Warning> {
    const shown = new Set<Warning>();
    const brought = groups.filter(({ columns }) => columns.cells('indicator')?.distinct.some((indicator) => FOLLOWING.includes(indicator as string)));
    for (const { event } of eventsOf(brought)) {
      if (!FOLLOWING.includes(event.indicator)) continue;
      const followers = this.#shown.noteFollowers(event);
      for (const key of new Set([...this.#tables.keys.keys(), ...outcome.keys.keys()])) {
        const record = outcome.keys.get(key) ?? this.#tables.keys.get(key);
        const { warning } = record ?? {};
        if (!record || !warning || warning.device !== event.device || !followers.some((one) => isOf(one, warning))) continue;
        const again = { ...warning, revision: warning.revision + 1 };
        outcome.keys.set(key, { ...record, warning: again });
        outcome.warnings.push(again);
        shown.add(again);
      }
    }
    return shown;
  }

  #inputOf({ event, receivedAt }: FedEvent): RuleInput[] {
    if (!this.#engine.watches(event.indicator)) return [];
    if (!this.#options.exercise && (event.origin === 'replay' || event.origin === 'simulated')) return [];
    this.#shown.note(event);
    const { value, unit, quality, flags } = this.#normal(event);
    return [{ event: { ...event, value, unit, quality, flags: [...flags] }, receivedAt }];
  }

  /** While an edge is away its devices are unobserved: their time stands still, and counts anew when it is back. */
  async #idle(): Promise<void> {
    if (compareCursors(this.#cursor, this.#options.head()) < 0) return;
    const nowMs = this.#world.clock.nowMs();
    for (const { edge } of this.#tables.series.values()) {
      if (!this.#options.isOnline(edge)) this.#edges.delete(edge);
      else if (!this.#edges.has(edge)) this.#edges.set(edge, nowMs);
    }
    const unsaved = compareCursors(this.#cursor, this.#savedCursor) > 0 ? this.#cursor : null;
    await this.#commit(this.#engine.idle(this.#tables, nowMs - GRACE_MS, (edge) => this.#edges.get(edge) ?? Infinity), unsaved);
  }

  async #commit(outcome: Outcome, upTo: Cursor | null, shownAgain: ReadonlySet<Warning> = new Set()): Promise<void> {
    const nowMs = this.#world.clock.nowMs();
    const isEmpty = outcome.series.size + outcome.keys.size + outcome.findings.length === 0;
    if (isEmpty && (upTo === null || nowMs - this.#savedAtMs < IDLE_SAVE_MS)) return;
    const told = this.#viewsOf(outcome.warnings, nowMs, shownAgain);
    const batch: StateBatch = {
      upTo,
      series: jsonOf(outcome.series),
      keys: jsonOf(outcome.keys),
      warnings: told.map(({ view }) => ({ id: view.id, raisedAt: view.raisedAt, open: isOpen(view.state), json: JSON.stringify(view) })),
      findings: outcome.findings.map((finding) => ({ id: finding.id, fromAt: finding.fromAt, json: JSON.stringify(finding) })),
      outbox: told.map(({ entry }) => entry),
      lastChange: this.#changes.seq + told.length,
    };
    const numbers = await this.#database.call('commit', batch);
    apply(this.#tables, outcome);
    this.#changes = { ...this.#changes, seq: this.#changes.seq + told.length };
    this.#savedAtMs = nowMs;
    this.#savedCursor = upTo ?? this.#savedCursor;
    this.#outbox.post(told.map(({ entry }, at) => ({ ...entry, n: numbers[at] as number })));
    for (const { view, warning } of told) {
      this.#remember(view);
      if (!shownAgain.has(warning)) this.#world.tell({ kind: 'warning_changed', rule: view.rule, level: view.level, change: changeOf(warning) });
      for (const listener of this.#listeners) listener(view);
    }
  }

  /** @param shownAgain of these nothing is new but what they are shown with */
  #viewsOf(warnings: readonly Warning[], nowMs: number, shownAgain: ReadonlySet<Warning>): { warning: Warning; view: WarningView; entry: OutboxEntry }[] {
    const newest = new Map<string, WarningView>();
    return warnings.map((warning, at) => {
      const place = { epoch: this.#changes.epoch, seq: this.#changes.seq + at + 1 };
      const before = newest.get(warning.id) ?? this.#views.get(warning.id) ?? null;
      const viewed = before && shownAgain.has(warning) ? before : viewOf(warning, this.#engine.rule(warning.rule), this.#options, before, nowMs, this.#shown.of(warning));
      const view = { ...withFollowers(viewed, this.#shown.followersOf(warning)), cursor: formatCursor(place) };
      newest.set(view.id, view);
      return { warning, view, entry: entryOf(view, warning, place.seq === 1 ? null : formatCursor({ ...place, seq: place.seq - 1 })) };
    });
  }

  /** The open warnings as messages: a broker may have forgotten what it retained. */
  #openEntries(): OutboxEntry[] {
    return [...this.#tables.keys.values()].flatMap(({ warning }) => {
      const view = warning && isOpen(warning.state) ? this.#views.get(warning.id) : undefined;
      return view && warning ? [entryOf(view, warning, null)] : [];
    });
  }

  #remember(view: WarningView): void {
    this.#views.set(view.id, view);
    if (this.#views.size <= MAX_VIEWS) return;
    for (const [id, { state }] of this.#views) {
      if (isOpen(state)) continue;
      this.#views.delete(id);
      return;
    }
  }

  #noteProgress(groups: readonly FedGroup[]): void {
    const nowMs = this.#world.clock.nowMs();
    for (const { columns, receivedAt } of groups) {
      const [times, origins] = [columns.cells('occurredAt'), columns.cells('origin')];
      for (let place = 0; place < columns.count; place += 1) {
        const at = Math.min(valueAt(times, place) as number, receivedAt);
        if (at < (this.#evaluatedTo ?? -Infinity)) continue;
        this.#evaluatedTo = at;
        if (valueAt(origins, place) !== 'backfill') this.#delayMs = Math.max(0, nowMs - at);
      }
    }
  }

  #inTurn<T>(run: () => Promise<T>): Promise<T> {
    const turn = this.#turn.then(run);
    this.#turn = turn.catch(() => undefined);
    return turn;
  }

  #close(): Promise<void> {
    this.#closing ??= (async () => {
      this.#ticks?.cancel();
      await this.#turn;
      if (compareCursors(this.#cursor, this.#savedCursor) > 0) await this.#database.call('commit', { upTo: this.#cursor, series: [], keys: [], warnings: [], findings: [], outbox: [] });
      this.#outbox.stop();
      await this.#database.close();
    })();
    return this.#closing;
  }

  #tellFault(error: unknown): void {
    this.#world.tell({ kind: 'fault', fault: faultOf(error, 'CV_STORE_FAILED', { path: join(this.#options.dir, 'state.db') }) });
  }
}

const jsonOf = <T>(records: Map<string, T>): [string, string][] => [...records].map(([key, record]) => [key, JSON.stringify(record)]);

/**
 * The message of a warning; `revision` and `id` together name this state of it.
 *
 * @param previous the change before it, of whatever warning; null where there is none or it is said again
 */
function entryOf(view: WarningView, { revision }: Warning, previous: string | null): OutboxEntry {
  return { topic: warningTopic(view.centre, view.id), payload: JSON.stringify({ ...view, revision, previous }), final: !isOpen(view.state) };
}

/** What is told of a change in metrics: closing is told as the clearing that led to it. */
function changeOf(warning: Warning): string {
  return warning.changes.findLast((change) => change.kind !== 'closed')?.kind ?? 'raised';
}
