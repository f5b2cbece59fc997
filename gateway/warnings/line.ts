/**
 * The line of warnings on one page: what follows from a batch of the gateway's log, and from time that passes. What the
 * rules remember, the warnings and what is to be published are saved with the cursor of the log in one transaction; only
 * then do they count. So a crash anywhere repeats no warning and loses none.
 */
import type { WarningView } from '../../api/views.ts';
import type { RuleFinding, RuleOutcome } from '../../city/rules/engine.ts';
import type { DrawnLimit, Selectable } from '../../city/rules/rule.ts';
import { isOpen } from '../../city/warning/lifecycle.ts';
import { newestRuleChange, type DescribedWarning, type Warning } from '../../city/warning/warning.ts';
import { faultOf } from '../../core/faults.ts';
import { turns } from '../../core/turns.ts';
import { everyMs, pause, type Timer, type World } from '../../core/world.ts';
import { compareCursors, type Cursor } from '../../log/types.ts';
import type { Consumer } from '../feed/consumer.ts';
import { groupsAfter, type FedGroup } from '../feed/fed.ts';
import type { SqliteThread } from '../sqlite/client.ts';
import { describeWarning, isDescribed, refreshWarningMedia, type DescriptionSources } from './describe.ts';
import { RuleEvaluation, type RuleKnowledge } from './evaluate.ts';
import type { WarningFilter } from './list.ts';
import { RecentMedia } from './media.ts';
import { Outbox, type RetainedPublisher } from './outbox.ts';
import { EvaluationProgress } from './progress.ts';
import { StateFile, type PublishedChange } from './state-file.ts';
import { warningMessage } from './view.ts';
import { WarningViews } from './views.ts';

export interface WarningLineOptions extends RuleKnowledge, Pick<DescriptionSources, 'gateway' | 'device'> {
  /** Folder of `state.db`: the store's. */
  dir: string;
  publisher: RetainedPublisher;
  isOnline(edge: string): boolean;
  /** Head of the gateway's log: only when all of it was taken does silence mean something. */
  head(): Cursor;
}

export interface WarningLine {
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
  update(knowledge: RuleKnowledge): Promise<void>;
  /** Called with each change once it is on disk. */
  onChange(listener: (warning: WarningView) => void): () => void;
  /** Newest first: what would have been warnings had it been known in time. */
  findings(limit: number): Promise<RuleFinding[]>;
  /** The limits on a series, for drawing: worst last. */
  limitsOf(series: Selectable): DrawnLimit[];
  /** Rules have seen everything up to this event time; null before the first event. */
  evaluatedTo(): number | null;
  /** ms from occurring to being evaluated, of the newest live event; null before the first. */
  delayMs(): number | null;
}

const TICK_MS = 1000;
const RETRY_MS = 2000;

/**
 * @param thread that its database shares with others; absent: one of its own
 * @throws CV_STORE_FAILED, CV_STORE_BUSY, CV_STORE_NEWER, CV_STORE_MIGRATION
 */
export async function openWarningLine(options: WarningLineOptions, world: World, thread?: SqliteThread): Promise<WarningLine> {
  const file = await StateFile.open(options.dir, world, thread);
  let knowledge: RuleKnowledge = options;
  let cursor = file.savedCursor;
  const tellFault = (error: unknown): void => { world.tell({ kind: 'fault', fault: faultOf(error, 'CV_STORE_FAILED', { path: file.path }) }); };

  // The stations, in the order in which a batch comes by.
  const media = new RecentMedia();                                                                     // pictures that may belong to a warning
  const evaluation = new RuleEvaluation(file.tables, media, options.isOnline, knowledge);                  // events → what changes
  const progress = new EvaluationProgress();
  const outbox = new Outbox({ publisher: options.publisher, sent: (n) => file.sent(n), open: openMessages, onFault: tellFault, wait: () => pause(world.clock, RETRY_MS) });
  const views = new WarningViews();                                                                     // what the API lists

  async function commit(found: RuleOutcome, upTo: Cursor | null, republished: ReadonlySet<Warning> = new Set()): Promise<void> {
    if (!file.isDue(found, upTo)) return;
    const warnings = describeAll(found, republished);          // words, place and media of each change
    const outcome = { ...found, warnings };
    const changes = file.nextChanges(warnings);
    const numbers = await file.save(outcome, changes, upTo); // from here on it counts
    evaluation.commit(outcome);
    outbox.post(changes.map(({ entry }, index) => ({ ...entry, n: numbers[index] as number })));
    for (const [index, one] of changes.entries()) announce(one, republished.has(found.warnings[index] as Warning));
  }

  function describeAll(outcome: RuleOutcome, republished: ReadonlySet<Warning>): DescribedWarning[] {
    const newest = new Map<string, DescribedWarning>();
    return outcome.warnings.map((warning) => {
      const before = newest.get(warning.id) ?? file.tables.warnings.get(warning.id) ?? null;
      const next = republished.has(warning) && isDescribed(before) ? refreshWarningMedia(warning, before, media) : describeWarning(warning, before, evaluation.rule(warning.rule), { ...options, ...knowledge }, media, world.clock.nowMs());
      newest.set(next.id, next);
      return next;
    });
  }

  function announce({ warning, view }: PublishedChange, isRepublished: boolean): void {
    if (!isRepublished) world.tell({ kind: 'warning_changed', rule: view.rule, level: view.level, change: newestRuleChange(warning)?.kind ?? 'raised' });
    views.announce(view);
  }

  /** The open warnings as messages: a broker may have forgotten what it retained. */
  function openMessages() {
    return [...file.tables.keys.values()].flatMap(({ newest }) => {
      const warning = newest && file.tables.warnings.get(newest.id);
      const view = warning && isOpen(warning.state) ? views.get(warning.id) : null;
      return warning && view ? [warningMessage(view, warning.revision, null)] : [];
    });
  }

  // One change at a time: batches and ticks wait for each other.
  const inTurn = turns();
  let ticks: Timer | null = null;

  async function start(): Promise<Cursor> {
    outbox.start(file.unsent);
    await inTurn(() => commit(evaluation.retire(world.clock.nowMs()), null));
    let isTicking = false;
    ticks = everyMs(world.clock, TICK_MS, () => {
      if (isTicking) return;
      isTicking = true;
      inTurn(idle).catch(tellFault).finally(() => { isTicking = false; });
    });
    return cursor;
  }

  async function take(groups: readonly FedGroup[], upTo: Cursor): Promise<void> {
    if (compareCursors(upTo, cursor) <= 0) return;
    const fresh = groupsAfter(groups, cursor);
    const outcome = evaluation.take(fresh);
    await commit(outcome, upTo, evaluation.follow(outcome, fresh));
    cursor = upTo;
    if (outcome.late > 0) world.tell({ kind: 'samples_lost', count: outcome.late, reason: 'rule_late', intended: true });
    progress.note(fresh, world.clock.nowMs());
  }

  async function idle(): Promise<void> {
    if (compareCursors(cursor, options.head()) < 0) return;
    const unsaved = compareCursors(cursor, file.savedCursor) > 0 ? cursor : null;
    await commit(evaluation.idle(world.clock.nowMs()), unsaved);
  }

  let closing: Promise<void> | null = null;
  const close = () => (closing ??= (async () => {
    ticks?.cancel();
    await inTurn(() => Promise.resolve());
    outbox.stop();
    await file.close(cursor);
  })());

  views.load(await file.loadViews());
  return {
    consumer: { name: 'warnings', required: true, start, take: (groups, upTo) => inTurn(() => take(groups, upTo)), close },
    list: (filter) => views.list(filter),
    get: (id) => views.get(id),
    changesHead: () => file.head,
    changesAfter: (n, limit) => file.feedAfter(n, limit),
    openCount: () => views.openCount(),
    unpublished: () => outbox.size,
    update: (next) => inTurn(async () => {
      knowledge = next;
      evaluation.update(next);
      await commit(evaluation.retire(world.clock.nowMs()), null);
    }),
    onChange: (listener) => views.onChange(listener),
    findings: (limit) => file.findings(limit),
    limitsOf: (series) => evaluation.limitsOf(series),
    evaluatedTo: () => progress.evaluatedTo,
    delayMs: () => progress.delayMs,
  };
}
