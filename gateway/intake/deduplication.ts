/**
 * Which numbers of a batch are new: neither settled, nor on their way into the log. Each number of a sender's stream is
 * taken in once.
 */
import { addRange, addRanges, fromMark, missingRanges, toMark, type SeqRange } from '../../log/ranges.ts';
import type { GatewayLog } from '../../log/types.ts';
import type { BatchName } from '../../core/wire/event-columns.ts';
import { MAX_HAVE_RANGES } from '../../core/wire/limits.ts';

const keyOf = ({ from, stream, epoch }: BatchName): string => `${from}|${stream}|${epoch}`;

export class Deduplication {
  readonly #log: Pick<GatewayLog, 'mark'>;
  /** By sender, stream and epoch: ranges on their way into the log, and the highest number that one of them ever had. */
  readonly #pending = new Map<string, { ranges: Set<SeqRange>; top: number }>();

  constructor(log: Pick<GatewayLog, 'mark'>) {
    this.#log = log;
  }

  /** @returns the new ranges; 'too-many-holes' when an ack could not say what is settled afterwards */
  newRanges(name: BatchName, count: number): SeqRange[] | 'too-many-holes' {
    const { from, stream, epoch, seq } = name;
    const last = seq + count - 1;
    const mark = this.#log.mark(from, stream, epoch);
    const pending = this.#pending.get(keyOf(name));
    // Almost always: what comes next. Nothing beyond it is known, and no hole begins.
    if (seq === Math.max(mark.upTo, mark.have.at(-1)?.[1] ?? 0, pending?.top ?? 0) + 1) return [[seq, last]];
    const known = addRanges(fromMark(mark), [...(pending?.ranges ?? [])]);
    const fresh = missingRanges(known, seq, last);
    const after = fresh.length === 0 ? known : addRange(known, seq, last);
    return toMark(after).have.length > Math.max(MAX_HAVE_RANGES, toMark(known).have.length) ? 'too-many-holes' : fresh;
  }

  /** These are on their way into the log until the returned function is called. */
  reserve(name: BatchName, ranges: readonly SeqRange[]): () => void {
    const key = keyOf(name);
    const own = this.#pending.get(key) ?? { ranges: new Set(), top: 0 };
    this.#pending.set(key, own);
    for (const range of ranges) own.ranges.add(range);
    own.top = Math.max(own.top, ranges.at(-1)?.[1] ?? 0);
    return () => {
      for (const range of ranges) own.ranges.delete(range);
      if (own.ranges.size === 0 && this.#pending.get(key) === own) this.#pending.delete(key);
    };
  }
}
