/**
 * `warnings?after=CURSOR`: each change of a warning, in commit order, for whoever was away. A cursor of another gateway,
 * or of before `state.db` was begun anew, is of another epoch and answered with 410, ahead or behind.
 */
import type { WarningView } from '../../api/warnings.ts';
import { formatCursor, parseCursor, type Cursor } from '../../log/types.ts';
import { ApiFault } from './problem.ts';
import type { ApiSources } from './sources.ts';

/** Of a page of the list (`<ms>-<16 hex digits>`) it is none: the last part of those is longer than any number of a change. */
export function changesCursor(text: string): Cursor | null {
  return /^\d{1,15}-\d{1,15}$/.test(text) ? (text === '0-0' ? { epoch: 0, seq: 0 } : parseCursor(text)) : null;
}

/** @throws CV_API_CURSOR_GONE, CV_API_CURSOR_AHEAD, both with `oldest` to go on from */
export async function warningChanges(
  sources: Pick<ApiSources, 'warningChangesHead' | 'warningChanges'>,
  { epoch, seq }: Cursor,
  limit: number,
): Promise<{ items: WarningView[]; next: string }> {
  const head = sources.warningChangesHead();
  const isStart = epoch === 0 && seq === 0;
  const { items, oldest } = await sources.warningChanges(isStart || epoch !== head.epoch ? 0 : seq, limit);
  const cursorOf = (n: number) => formatCursor({ epoch: head.epoch, seq: n });
  const params = { after: `${epoch}-${seq}`, oldest: oldest === 0 ? '0-0' : cursorOf(oldest), head: cursorOf(head.seq) };
  if (!isStart && (epoch > head.epoch || (epoch === head.epoch && seq > head.seq)))
    throw new ApiFault({ code: 'CV_API_CURSOR_AHEAD', params }, { oldest: params.oldest, head: params.head });
  if (!isStart && (epoch < head.epoch || seq < oldest))
    throw new ApiFault({ code: 'CV_API_CURSOR_GONE', params }, { oldest: params.oldest });
  return { items, next: items.at(-1)?.cursor ?? cursorOf(isStart ? oldest : seq) };
}
