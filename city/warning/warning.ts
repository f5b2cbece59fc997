/**
 * A warning: what was so when it was raised, how it stands, and every change that brought it there. It is changed by the
 * functions of this folder alone, and what others are shown is made from it. docs/decisions/0065-a-warning-has-a-home.md.
 */
import { createHash } from 'node:crypto';
import type { Clip, Level, Position, Snapshot } from '../../core/event.ts';
import type { BilingualText } from '../../core/bilingual-text.ts';
import type { Rule } from '../rules/rule.ts';
import type { CitedValue } from '../rules/announcement.ts';
import { AUTO_CLOSE, findTransition, type Transition, type WarningRole } from './lifecycle.ts';
import type { WarningCondition, WarningState } from './state.ts';

/** One open warning a key, whatever number of series speak to it. */
export interface WarningKey {
  rule: string;
  subject: string;
  centre: string;
}

export interface SeriesName {
  indicator: string;
  device: string;
  point: string;
}

/** Frozen when it was raised; the series is the one that raised it. */
export interface WarningFacts extends Readonly<WarningKey>, Readonly<SeriesName> {
  readonly id: string;
  /** Of the rule. */
  readonly version: number;
  readonly type: Rule['type'];
  readonly onsetAt: number;
  readonly raisedAt: number;
  /** Raised after catching up, or known late. */
  readonly late: boolean;
  /** The warning of this key before it. */
  readonly previousId: string | null;
}

/** Changes that rules make; withdrawn: the rule is gone or was changed. */
const RULE_KINDS = ['raised', 'level', 'cleared', 'recurred', 'withdrawn'] as const;
/** A state stands for the move to it. */
export type WarningChangeKind = (typeof RULE_KINDS)[number] | WarningState;

/** One change, never altered once it is on disk. */
export interface WarningChange {
  /** 1 is its raising; no number is left out. */
  n: number;
  kind: WarningChangeKind;
  /** ms UTC, event time where a value brought it about. */
  atMs: number;
  by: WarningActor;
  /** As it stood afterwards. */
  level: Level;
  state: WarningState;
  /** What it rests on; absent where no value brought it about. */
  cite?: CitedValue & SeriesName;
  /** Why, as published. */
  reason?: BilingualText;
  /** What the table asks for in this move. */
  records?: Readonly<Record<string, unknown>>;
}

interface WarningActor {
  role: WarningRole;
  /** Absent for the engine. */
  name?: string;
}

/** What it is published with. Title, suggestion, exercise, `raisedBy` and `publishedAt` stay as they were when it was first published. */
export interface WarningDescription {
  title: BilingualText;
  suggestion: BilingualText;
  exercise: boolean;
  raisedBy: string;
  publishedAt: number;
  /** Where its device was when it last changed. */
  position: Position | null;
  /** Parts that were missing when it last changed. */
  missing: readonly string[];
}

/** Pictures of what raised it, and what followed of them. */
export interface WarningMedia {
  snapshots: readonly Snapshot[];
  clips: readonly Clip[];
}

export interface Warning extends WarningFacts {
  state: WarningState;
  condition: WarningCondition;
  level: Level;
  /** The most severe level it had. */
  worst: Level;
  /** Times the condition held, while it was open. */
  count: number;
  changedAt: number;
  clearedAt: number | null;
  /** One higher with each change, and each time it is published with new media; (id, revision) identifies a message. */
  revision: number;
  /** Null until it is first published. */
  description: WarningDescription | null;
  media: WarningMedia;
  /** Its newest changes; all of them are on disk. */
  changes: readonly WarningChange[];
}

/** One that can be published. */
export interface DescribedWarning extends Warning {
  description: WarningDescription;
}

/** Changes that a warning has in memory: more than are published as its reasons. */
export const CARRIED_CHANGES = 16;

const ENGINE: WarningActor = { role: 'engine' };

/** id = sha256(rule|subject|centre|onsetAt), its first 16 hex digits. */
export function warningId(key: WarningKey, onsetAt: number): string {
  return createHash('sha256').update(`${key.rule}|${key.subject}|${key.centre}|${onsetAt}`).digest('hex').slice(0, 16);
}

export interface RaiseInput extends Pick<WarningFacts, 'onsetAt' | 'late' | 'previousId'> {
  raisedAt: number;
  level: Level;
  cite: WarningChange['cite'];
}

export function raiseWarning(
  rule: Rule,
  { rule: ruleId, subject, centre }: WarningKey,
  { indicator, device, point }: SeriesName,
  { raisedAt, level, onsetAt, late, previousId, cite }: RaiseInput,
): Warning {
  const warning: Warning = {
    id: warningId({ rule: ruleId, subject, centre }, onsetAt),
    rule: ruleId,
    subject,
    centre,
    indicator,
    device,
    point,
    version: rule.version,
    type: rule.type,
    level,
    worst: level,
    state: 'raised',
    condition: 'active',
    late,
    onsetAt,
    raisedAt,
    changedAt: raisedAt,
    clearedAt: null,
    previousId,
    count: 1,
    revision: 0,
    description: null,
    media: { snapshots: [], clips: [] },
    changes: [],
  };
  return withChange(warning, { kind: 'raised', atMs: raisedAt, by: ENGINE, ...(cite && { cite }) });
}

export function changeWarningLevel(warning: Warning, level: Level, atMs: number, cite: WarningChange['cite']): Warning {
  return withChange({ ...warning, level }, { kind: 'level', atMs, by: ENGINE, ...(cite && { cite }) });
}

/** The condition holds again, while it is open. */
export function recurWarning(warning: Warning, level: Level, atMs: number, cite: WarningChange['cite']): Warning {
  return withChange(
    { ...warning, condition: 'active', clearedAt: null, level, count: warning.count + 1 },
    { kind: 'recurred', atMs, by: ENGINE, ...(cite && { cite }) },
  );
}

/** The condition holds no longer; a rule with `autoClose` closes the warning with it, where its table lets the engine. */
export function clearWarning(
  warning: Warning,
  kind: 'cleared' | 'withdrawn',
  autoClose: boolean,
  atMs: number,
  cite: WarningChange['cite'],
): Warning {
  const cleared = withChange({ ...warning, condition: 'cleared', clearedAt: atMs }, { kind, atMs, by: ENGINE, ...(cite && { cite }) });
  const closed = autoClose
    ? moveWarning(cleared, { to: 'closed', by: ENGINE, atMs, records: { clearedAt: atMs }, ...(cite && { cite }) }, AUTO_CLOSE)
    : null;
  return closed ?? cleared;
}

export interface WarningMove {
  to: WarningState;
  by: WarningActor;
  atMs: number;
  records: Readonly<Record<string, unknown>>;
  cite?: WarningChange['cite'];
}

/** @returns null when the table does not allow it, or not for this role */
export function moveWarning(warning: Warning, { to, by, atMs, records, cite }: WarningMove, table?: readonly Transition[]): Warning | null {
  return (
    findTransition(warning.state, to, by.role, table) &&
    withChange({ ...warning, state: to }, { kind: to, atMs, by, records, ...(cite && { cite }) })
  );
}

/** The newest change that a rule made: what is published of a warning. */
export function newestRuleChange({ changes }: Pick<Warning, 'changes'>): WarningChange | null {
  return changes.findLast(({ kind }) => RULE_KINDS.some((one) => one === kind)) ?? null;
}

function withChange(warning: Warning, change: Pick<WarningChange, 'kind' | 'atMs' | 'by' | 'cite' | 'records'>): Warning {
  const { level, state } = warning;
  const changes = [...warning.changes, { n: (warning.changes.at(-1)?.n ?? 0) + 1, ...change, level, state }];
  return {
    ...warning,
    worst: Math.min(warning.worst, level) as Level,
    changedAt: Math.max(warning.changedAt, change.atMs),
    revision: warning.revision + 1,
    changes: changes.slice(-CARRIED_CHANGES),
  };
}
