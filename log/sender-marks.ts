/** Settled numbers of every sender: ranges by sender, stream and epoch. */
import type { Stream } from '../core/event.ts';
import { addRange, toMark, type SeqRanges } from './ranges.ts';
import type { GroupOrigin, SettledMark, SettledRange } from './types.ts';

const KEEP_DRAINED_MS = 90 * 24 * 3600 * 1000;

interface SenderMark {
  sender: string;
  stream: Stream;
  epoch: number;
  ranges: SeqRanges;
  /** Last change, ms UTC. */
  changedAt: number;
}

export class SenderMarks {
  readonly #marks = new Map<string, SenderMark>();

  mark(sender: string, stream: Stream, epoch: number): SettledMark {
    return toMark(this.#marks.get(keyOf(sender, stream, epoch))?.ranges ?? []);
  }

  settle({ sender, stream, epoch, from, to }: SettledRange, nowMs: number): void {
    const key = keyOf(sender, stream, epoch);
    const known = this.#marks.get(key);
    this.#marks.set(key, {
      sender,
      stream,
      epoch,
      ranges: addRange(known?.ranges ?? [], from, to),
      changedAt: Math.max(known?.changedAt ?? 0, nowMs),
    });
  }

  recordAccepted(origin: GroupOrigin): void {
    this.settle({ ...origin, from: origin.seq, to: origin.seq + origin.span - 1 }, origin.receivedAt);
  }

  /** Removes complete epochs that have a newer one in the same stream, 90 days after their last change. */
  pruneDrained(nowMs: number): void {
    const newest = new Map<string, number>();
    for (const { sender, stream, epoch } of this.#marks.values()) {
      const name = keyOf(sender, stream, 0);
      newest.set(name, Math.max(newest.get(name) ?? epoch, epoch));
    }
    for (const [key, { sender, stream, epoch, ranges, changedAt }] of this.#marks) {
      const whole = ranges.length === 1 && ranges[0]?.[0] === 1;
      if (whole && epoch !== newest.get(keyOf(sender, stream, 0)) && changedAt < nowMs - KEEP_DRAINED_MS) this.#marks.delete(key);
    }
  }

  format(): string {
    return JSON.stringify({
      v: 1,
      marks: [...this.#marks.values()].map(({ sender, stream, epoch, ranges, changedAt }) => [sender, stream, epoch, ranges, changedAt]),
    });
  }

  static parse(text: string | null): SenderMarks {
    const marks = new SenderMarks();
    if (text === null) return marks;
    const { marks: rows } = JSON.parse(text) as { marks: [string, Stream, number, SeqRanges, number][] };
    for (const [sender, stream, epoch, ranges, changedAt] of rows)
      marks.#marks.set(keyOf(sender, stream, epoch), { sender, stream, epoch, ranges, changedAt });
    return marks;
  }
}

const keyOf = (sender: string, stream: Stream, epoch: number) => `${stream}|${epoch}|${sender}`;
