/** What the line of warnings is opened with, and what it offers. */
import type { WarningView } from '../../api/warnings.ts';
import type { RuleFinding } from '../../city/rules/engine.ts';
import type { ChartLimit, SelectableSeries } from '../../city/rules/rule.ts';
import type { Cursor } from '../../log/types.ts';
import type { Consumer } from '../feed/consumer.ts';
import type { DescriptionSources } from './describe.ts';
import type { RuleKnowledge } from './evaluate.ts';
import type { WarningFilter } from './list.ts';
import type { RetainedPublisher } from './outbox.ts';

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
  openCount(sees?: (centre: string) => boolean): number;
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
  limitsOf(series: SelectableSeries): ChartLimit[];
  /** Rules have seen everything up to this event time; null before the first event. */
  evaluatedTo(): number | null;
  /** ms from occurring to being evaluated, of the newest live event; null before the first. */
  delayMs(): number | null;
}
