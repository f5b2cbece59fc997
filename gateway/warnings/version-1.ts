/**
 * Warnings of `state.db` up to version 1: a key held its newest warning with its changes, and of every other warning
 * only what the API showed of it was kept. What follows from both is a record as today's.
 */
import type { KeyRecord } from '../../city/rules/engine.ts';
import {
  CARRIED_CHANGES,
  type DescribedWarning,
  type Warning,
  type WarningChange,
  type WarningChangeKind,
  type WarningDescription,
  type WarningFacts,
} from '../../city/warning/warning.ts';
import type { Clip, Level, Position, Snapshot } from '../../core/event.ts';
import type { BilingualText } from '../../core/bilingual-text.ts';
import { parseCursor, type Cursor } from '../../log/types.ts';
import { isWarningChange, isWarningRecord } from './record.ts';

type ReasonOfVersion1 = BilingualText & { cites: NonNullable<WarningChange['cite']> };

export interface ViewOfVersion1
  extends
    WarningFacts,
    Pick<Warning, 'state' | 'condition' | 'level' | 'changedAt' | 'clearedAt'>,
    Omit<WarningDescription, 'position' | 'missing'> {
  cursor?: string;
  place: { position: Position | null };
  reasons: ReasonOfVersion1[];
  snapshots?: Snapshot[];
  clips?: Clip[];
  incomplete: string[];
}

export interface WarningOfVersion1 extends Pick<Warning, 'id' | 'onsetAt' | 'worst' | 'count' | 'revision'> {
  changes: { kind: WarningChangeKind; at: number; level: Level; state: Warning['state']; cite: NonNullable<WarningChange['cite']> }[];
}

export interface KeyOfVersion1 extends Omit<KeyRecord, 'newest'> {
  warning: WarningOfVersion1 | null;
}

export const isOfVersion1 = (row: unknown): boolean => typeof row === 'object' && row !== null && !('newest' in row) && !('media' in row);

export function keyFromVersion1({ warning, ...key }: KeyOfVersion1): KeyRecord {
  return { ...key, newest: warning && { id: warning.id, onsetAt: warning.onsetAt } };
}

/**
 * @param known what its key held of it; null when that holds a newer one
 * @param published how often it was published, as far as that is known
 * @returns null for what is no warning
 */
export function recordFromVersion1(
  view: ViewOfVersion1,
  known: WarningOfVersion1 | null,
  published: number,
): { warning: DescribedWarning; cursor: Cursor | null } | null {
  if (!Array.isArray(view.reasons) || typeof view.place !== 'object') return null;
  const {
    cursor,
    title,
    place,
    reasons,
    snapshots = [],
    clips = [],
    suggestion,
    incomplete,
    exercise,
    raisedBy,
    publishedAt,
    ...facts
  } = view;
  const changes = known ? changesOf(known, reasons) : changesOfReasons(view);
  const warning: DescribedWarning = {
    ...facts,
    worst: known?.worst ?? facts.level,
    count: known?.count ?? 1,
    // Publishing counts once, closing twice: no revision is used again.
    revision: known?.revision ?? 2 * Math.max(published, reasons.length),
    description: { title, suggestion, exercise, raisedBy, publishedAt, position: place.position, missing: incomplete },
    media: { snapshots, clips },
    changes,
  };
  if (!isWarningRecord(warning) || !changes.every(isWarningChange)) return null;
  return { warning, cursor: cursor === undefined ? null : parseCursor(cursor) };
}

/** The newest sentences are of the newest changes, but that closing has none. */
function changesOf({ changes }: WarningOfVersion1, reasons: readonly ReasonOfVersion1[]): WarningChange[] {
  const left = [...reasons];
  return changes
    .map(({ at, ...change }, index): WarningChange => ({ n: index + 1, ...change, atMs: at, by: { role: 'engine' } }))
    .toReversed()
    .map((change) => {
      const reason = change.kind === 'closed' ? undefined : left.shift();
      return reason ? { ...change, reason: { zh: reason.zh, en: reason.en } } : change;
    })
    .toReversed();
}

const WITHDRAWN = /the rule was changed or removed/;

/** Of one whose changes are not kept: what its sentences say. */
function changesOfReasons({ reasons, raisedAt, changedAt, condition, state, level }: ViewOfVersion1): WarningChange[] {
  const last = reasons.length - 1;
  const changes = reasons.toReversed().map(({ cites, zh, en }, index): Omit<WarningChange, 'n'> => {
    const isEnd = index === last && condition === 'cleared';
    const kind = isEnd ? (WITHDRAWN.test(en) ? 'withdrawn' : 'cleared') : index === 0 ? 'raised' : 'level';
    return {
      kind,
      atMs: isEnd ? changedAt : index === 0 ? raisedAt : cites.at,
      by: { role: 'engine' },
      level,
      state: 'raised',
      cite: cites,
      reason: { zh, en },
    };
  });
  const closing: Omit<WarningChange, 'n'>[] =
    state === 'closed' ? [{ kind: 'closed', atMs: changedAt, by: { role: 'engine' }, level, state }] : [];
  return [...changes, ...closing].map((change, index) => ({ n: index + 1, ...change })).slice(-CARRIED_CHANGES);
}
