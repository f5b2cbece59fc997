/** A batch out of a stored group: the group itself where it fits, else a part of it, encoded anew. Pure. */
import type { Stream } from '../../core/event.ts';
import type { StoredGroup } from '../../log/types.ts';
import { decodeBatch, encodeBatch, withoutOrigin } from '../../core/wire/batch.ts';
import { seqCount, clipRange, type StreamSeqRange } from './seq-range.ts';

export interface OutgoingBatch {
  run: StreamSeqRange;
  payload: Uint8Array;
}

/**
 * @param wanted numbers that may be sent; its first must lie in the group
 * @param maxBytes size to aim at; one event is sent whatever its size
 * @throws CV_WIRE_… when the group must be cut and cannot be read
 */
export function cutBatch(edge: string, stream: Stream, group: StoredGroup, wanted: StreamSeqRange, maxBytes: number): OutgoingBatch | null {
  const whole: StreamSeqRange = { stream, epoch: group.epoch, from: group.seq, to: group.seq + group.count - 1 };
  const part = clipRange(whole, wanted.from, wanted.to);
  if (!part) return null;
  if (seqCount(part) === group.count && group.payload.length <= maxBytes) return { run: whole, payload: group.payload };
  const { events } = decodeBatch(group.payload);
  let count = seqCount(part);
  // Parts compress a little worse than the whole, so the first guess may have to be halved.
  if (Number.isFinite(maxBytes)) count = Math.min(count, Math.max(1, Math.floor((group.count * maxBytes) / group.payload.length)));
  for (;;) {
    const first = part.from - group.seq;
    const name = { from: edge, stream, epoch: group.epoch, seq: part.from };
    const payload = encodeBatch(name, withoutOrigin(name, events.slice(first, first + count)));
    if (payload.length <= maxBytes || count === 1) return { run: { ...part, to: part.from + count - 1 }, payload };
    count = Math.ceil(count / 2);
  }
}
