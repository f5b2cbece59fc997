/**
 * Gap records whose rows were removed or cannot be read: they are also saved in the state and read from there under their
 * own numbers, so that a receiver recognizes repeats.
 */
import type { StreamState, WrittenGap } from './stream-state.ts';
import { compareCursors, type Cursor, type ReadLimit, type StoredGroup } from './types.ts';

export interface GroupRead {
  groups: StoredGroup[];
  /** Read to the end. */
  complete: boolean;
}

export function savedGapsAfter(state: StreamState, after: Cursor): WrittenGap[] {
  return state.written.filter((gap) => compareCursors(gap, after) > 0);
}

/**
 * A read with the saved gap records that have no row in it.
 *
 * @param read up to its last group, or to the end when complete
 * @param saved gap records in the state when the read began
 * @param groupOf makes a group of a record
 */
export function mergeSavedGaps<Gap extends Cursor>(
  read: GroupRead,
  saved: readonly Gap[],
  groupOf: (gap: Gap) => StoredGroup,
  limit: ReadLimit,
): GroupRead {
  const last = read.groups.at(-1);
  const isReached = (gap: Cursor) => read.complete || (last !== undefined && compareCursors(gap, last) < 0);
  const isRead = ({ epoch, seq }: Cursor) =>
    read.groups.some((group) => group.epoch === epoch && group.seq <= seq && seq < group.seq + group.count);
  const missing = saved.filter((gap) => isReached(gap) && !isRead(gap)).map(groupOf);
  if (missing.length === 0) return read;
  const groups: StoredGroup[] = [];
  let bytes = 0;
  for (const group of [...read.groups, ...missing].toSorted(compareCursors)) {
    if (groups.length >= limit.maxGroups || (groups.length > 0 && bytes + group.payload.length > limit.maxBytes))
      return { groups, complete: false };
    groups.push(group);
    bytes += group.payload.length;
  }
  return { groups, complete: read.complete };
}
