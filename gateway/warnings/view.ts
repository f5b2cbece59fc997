/** A warning as the API shows it and as it is published, made from its record. */
import type { Reason, WarningView } from '../../api/warnings.ts';
import { isOpen } from '../../city/warning/lifecycle.ts';
import type { DescribedWarning } from '../../city/warning/warning.ts';
import { formatCursor, type Cursor } from '../../log/types.ts';
import { warningTopic } from '../../core/wire/topics.ts';
import type { OutboxEntry } from './database.ts';

const MAX_REASONS = 8;

/** @param cursor place of its last change among those of all warnings */
export function warningView(warning: DescribedWarning, cursor: Cursor | null): WarningView {
  const {
    id,
    rule,
    version,
    type,
    indicator,
    device,
    point,
    subject,
    centre,
    level,
    state,
    condition,
    late,
    onsetAt,
    raisedAt,
    changedAt,
    clearedAt,
    previousId,
    media: { snapshots, clips },
  } = warning;
  const { exercise, raisedBy, publishedAt, title, position, suggestion, missing } = warning.description;
  return {
    id,
    rule,
    version,
    type,
    indicator,
    device,
    point,
    subject,
    centre,
    level,
    state,
    condition,
    exercise,
    late,
    raisedBy,
    onsetAt,
    raisedAt,
    publishedAt,
    changedAt,
    clearedAt,
    previousId,
    title,
    place: { zh: `${centre} ${subject}`, en: `${subject}, centre ${centre}`, position },
    reasons: reasonsOf(warning),
    ...(snapshots.length > 0 && { snapshots: [...snapshots] }),
    ...(clips.length > 0 && { clips: [...clips] }),
    suggestion,
    incomplete: [...missing],
    ...(cursor && { cursor: formatCursor(cursor) }),
  };
}

/** Why, newest first. */
function reasonsOf({ changes }: DescribedWarning): Reason[] {
  return changes
    .flatMap(({ reason, cite }) =>
      reason && cite
        ? [
            {
              ...reason,
              cites: { indicator: cite.indicator, device: cite.device, point: cite.point, at: cite.at, value: cite.value, unit: cite.unit },
            },
          ]
        : [],
    )
    .toReversed()
    .slice(0, MAX_REASONS);
}

/**
 * The message of a warning; `revision` and `id` together name this state of it.
 *
 * @param previous the change before it, of whatever warning; null where there is none or it is published again
 */
export function warningMessage(view: WarningView, revision: number, previous: Cursor | null): OutboxEntry {
  return {
    topic: warningTopic(view.centre, view.id),
    payload: JSON.stringify({ ...view, revision, previous: previous && formatCursor(previous) }),
    final: !isOpen(view.state),
  };
}
