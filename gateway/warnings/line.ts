/**
 * The line of warnings on one page: what follows from a batch of the gateway's log, and from time that passes. What the
 * rules remember, the warnings and what is to be published are saved with the cursor of the log in one transaction; only
 * then do they count. So a crash anywhere repeats no warning and loses none.
 */
import type { RuleOutcome } from '../../city/rules/engine.ts';
import { newestRuleChange, type Warning } from '../../city/warning/warning.ts';
import { faultOf } from '../../core/faults.ts';
import { serialQueue } from '../../core/task-queue.ts';
import { everyMs, pause, type Timer, type World } from '../../core/world.ts';
import { compareCursors, type Cursor } from '../../log/types.ts';
import { batchesAfter, type LogBatch } from '../feed/log-batch.ts';
import type { SqliteThread } from '../sqlite/client.ts';
import { WarningDescriber } from './describe.ts';
import { RuleEvaluation, type RuleKnowledge } from './evaluate.ts';
import { RecentMedia } from './media.ts';
import { Outbox } from './outbox.ts';
import { EvaluationProgress } from './progress.ts';
import { StateFile, type PublishedChange } from './state-file.ts';
import type { WarningLine, WarningLineOptions } from './types.ts';
import { openMessages, WarningViews } from './views.ts';

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
  const tellFault = (error: unknown): void => {
    world.tell({ kind: 'fault', fault: faultOf(error, 'CV_STORE_FAILED', { path: file.path }) });
  };

  // The stations, in the order in which a batch passes them.
  const media = new RecentMedia(); // pictures that may belong to a warning
  const evaluation = new RuleEvaluation(file.tables, media, options.isOnline, knowledge); // events → changes of warnings
  const describing = new WarningDescriber(file.tables, media, () => world.clock.nowMs()); // words, place and media of each change
  // state.db: all of it in one transaction with the cursor
  const outbox = new Outbox({
    // messages to the broker
    publisher: options.publisher,
    sent: (n) => file.sent(n),
    open: () => openMessages(file.tables, views),
    onFault: tellFault,
    wait: () => pause(world.clock, RETRY_MS),
  });
  const views = new WarningViews(); // what the API lists
  const progress = new EvaluationProgress();

  async function commit(found: RuleOutcome, upTo: Cursor | null, republished: ReadonlySet<Warning> = new Set()): Promise<void> {
    if (!file.isDue(found, upTo)) return;
    const warnings = describing.describe(found.warnings, republished, (id) => evaluation.rule(id), { ...options, ...knowledge });
    const outcome = { ...found, warnings };
    const changes = file.nextChanges(warnings);
    const numbers = await file.save(outcome, changes, upTo); // from here on it counts
    evaluation.commit(outcome);
    outbox.post(changes.map(({ entry }, index) => ({ ...entry, n: numbers[index] as number })));
    for (const [index, change] of changes.entries()) {
      if (!republished.has(found.warnings[index] as Warning)) tellChange(change);
      views.announce(change.view);
    }
  }

  function tellChange({ warning, view: { rule, level } }: PublishedChange): void {
    world.tell({ kind: 'warning_changed', rule, level, change: newestRuleChange(warning)?.kind ?? 'raised' });
  }

  // One change at a time: batches and ticks wait for each other.
  const inTurn = serialQueue();
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

  async function take(groups: readonly LogBatch[], upTo: Cursor): Promise<void> {
    if (compareCursors(upTo, cursor) <= 0) return;
    const fresh = batchesAfter(groups, cursor);
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

  views.load(await file.loadViews().catch(async (error: unknown) => {
    await file.close(cursor);
    throw error;
  }));
  return {
    consumer: { name: 'warnings', required: true, start, take: (groups, upTo) => inTurn(() => take(groups, upTo)), close },
    list: (filter) => views.list(filter),
    get: (id) => views.get(id),
    changesHead: () => file.head,
    changesAfter: (n, limit) => file.feedAfter(n, limit),
    openCount: (sees) => views.openCount(sees),
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
