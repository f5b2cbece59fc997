/**
 * Gap records whose rows had to give way, or cannot be read: they stand in the state and are read from there, each under
 * its own number, so that whoever has had it knows it again.
 */
import type { StreamState, WrittenGap } from './stream-state.ts';
import { compareCursors, type Cursor, type ReadLimit, type StoredGroup } from './types.ts';

export interface GroupRead {
  groups: StoredGroup[];
  /** To the end. */
  complete: boolean;
}

export function savedGapsAfter(state: StreamState, after: Cursor): WrittenGap[] {
  return state.written.filter((gap) => compareCursors(gap, after) > 0);
}

/**
 * What was read, with those records put in that no row of it holds.
 *
 * @param read up to its last group, or to the end where it is complete
 * @param standing what stood in the state when the read began
 * @param groupOf a record as a group of its own
 */
export function mergeSavedGaps<Gap extends Cursor>(read: GroupRead, standing: readonly Gap[], groupOf: (gap: Gap) => StoredGroup, limit: ReadLimit): GroupRead {
  const last = read.groups.at(-1);
  const isReached = (gap: Cursor) => read.complete || (last !== undefined && compareCursors(gap, last) < 0);
  const isRead = ({ epoch, seq }: Cursor) => read.groups.some((group) => group.epoch === epoch && group.seq <= seq && seq < group.seq + group.count);
  const missing = standing.filter((gap) => isReached(gap) && !isRead(gap)).map(groupOf);
  if (missing.length === 0) return read;
  const groups: StoredGroup[] = [];
  let bytes = 0;
  for (const group of [...read.groups, ...missing].toSorted(compareCursors)) {
    if (groups.length >= limit.maxGroups || (groups.length > 0 && bytes + group.payload.length > limit.maxBytes)) return { groups, complete: false };
    groups.push(group);
    bytes += group.payload.length;
  }
  return { groups, complete: read.complete };
}
