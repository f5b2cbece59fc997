/**
 * The life of a warning as a table (domain: risk warnings, states and transitions). `state` says who has done what;
 * `condition` says whether the cause still holds; neither moves the other, except that a rule with `autoClose` closes
 * its warning when the condition clears.
 */
import type { WarningState } from './state.ts';

export type WarningRole = 'engine' | 'duty-officer' | 'responsible-unit' | 'centre' | 'upper-centre' | 'quality';
/** From which moment the time allowed for a transition is counted. */
type CountedFrom = 'raised' | 'dispatched' | 'handled' | 'verified' | 'closed' | 'proposed' | null;

export interface Transition {
  from: WarningState | null;
  to: WarningState;
  by: readonly WarningRole[];
  countedFrom: CountedFrom;
  /** What the record of the transition must hold. */
  records: readonly string[];
}

export const TRANSITIONS: readonly Transition[] = [
  { from: null, to: 'raised', by: ['engine', 'duty-officer'], countedFrom: null, records: ['rule', 'inputs', 'place', 'evidence', 'unit'] },
  { from: 'raised', to: 'acknowledged', by: ['duty-officer'], countedFrom: 'raised', records: ['channel', 'judgement'] },
  { from: 'raised', to: 'false_alarm', by: ['duty-officer'], countedFrom: 'raised', records: ['cause', 'proof'] },
  { from: 'acknowledged', to: 'false_alarm', by: ['duty-officer'], countedFrom: 'raised', records: ['cause', 'proof'] },
  { from: 'raised', to: 'merged', by: ['duty-officer', 'engine'], countedFrom: null, records: ['survivor'] },
  { from: 'acknowledged', to: 'merged', by: ['duty-officer', 'engine'], countedFrom: null, records: ['survivor'] },
  {
    from: 'acknowledged',
    to: 'dispatched',
    by: ['duty-officer'],
    countedFrom: 'raised',
    records: ['unit', 'plan', 'deadline', 'receipts'],
  },
  { from: 'dispatched', to: 'handling', by: ['responsible-unit'], countedFrom: 'dispatched', records: ['person', 'place'] },
  { from: 'dispatched', to: 'transferred', by: ['centre'], countedFrom: 'proposed', records: ['unit', 'reason'] },
  { from: 'handling', to: 'transferred', by: ['centre'], countedFrom: 'proposed', records: ['unit', 'reason'] },
  { from: 'transferred', to: 'handling', by: ['responsible-unit'], countedFrom: 'dispatched', records: ['person', 'place'] },
  { from: 'handling', to: 'handled', by: ['responsible-unit'], countedFrom: 'dispatched', records: ['done', 'photos', 'readings'] },
  { from: 'handled', to: 'verified', by: ['centre'], countedFrom: 'handled', records: ['check'] },
  { from: 'handled', to: 'handling', by: ['centre'], countedFrom: null, records: ['reason'] },
  { from: 'verified', to: 'closed', by: ['centre'], countedFrom: 'verified', records: ['class', 'loss', 'duration'] },
  { from: 'closed', to: 'reviewed', by: ['upper-centre'], countedFrom: 'closed', records: ['causes', 'score', 'changes'] },
  { from: 'false_alarm', to: 'reviewed', by: ['quality'], countedFrom: 'closed', records: ['ticket'] },
];

/** What a rule's `autoClose` adds: the engine may close, from any state before a person has begun to handle it. */
export const AUTO_CLOSE: readonly Transition[] = (['raised', 'acknowledged', 'dispatched', 'handled', 'verified'] as const)
  .map((from) => ({ from, to: 'closed', by: ['engine'], countedFrom: null, records: ['clearedAt'] }));

/** In these a warning is over: a recurrence is a new one with `previousId`. */
const OVER: ReadonlySet<WarningState> = new Set(['closed', 'reviewed', 'false_alarm', 'merged']);

export const isOpen = (state: WarningState): boolean => !OVER.has(state);

/** The row that allows a move, or null: it is not in the table, or not for this role. */
export function findTransition(
  from: WarningState | null,
  to: WarningState,
  by: WarningRole,
  table: readonly Transition[] = TRANSITIONS,
): Transition | null {
  return table.find((row) => row.from === from && row.to === to && row.by.includes(by)) ?? null;
}
