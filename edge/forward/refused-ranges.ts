/**
 * What to do with batches that the gateway cannot read: halve until one event is left, and after the third refusal of
 * that one set it aside. Pure; each refusal makes a suspect smaller or takes it out, so nothing blocks for ever.
 */
import { seqCount, rangesOverlap, isSameStream, type StreamSeqRange } from './seq-range.ts';

export const MAX_SINGLE_REFUSALS = 3;

interface SuspectRange {
  run: StreamSeqRange;
  refusals: number;
}

export type RefusalStep = { kind: 'halved' } | { kind: 'again' } | { kind: 'set-aside'; run: StreamSeqRange };

export class RefusedRanges {
  #suspects: SuspectRange[] = [];

  get suspects(): readonly StreamSeqRange[] {
    return this.#suspects.map((suspect) => suspect.run);
  }

  /** A batch with exactly this run was refused. */
  refuse(run: StreamSeqRange): RefusalStep {
    const known = this.#suspects.find(
      (suspect) => isSameStream(suspect.run, run) && suspect.run.from === run.from && suspect.run.to === run.to,
    );
    // What overlaps is replaced: the newest refusal knows best.
    this.#suspects = this.#suspects.filter((suspect) => !rangesOverlap(suspect.run, run));
    if (seqCount(run) > 1) {
      const middle = run.from + Math.floor(seqCount(run) / 2);
      this.#suspects.push({ run: { ...run, to: middle - 1 }, refusals: 0 }, { run: { ...run, from: middle }, refusals: 0 });
      return { kind: 'halved' };
    }
    const refusals = (known?.refusals ?? 0) + 1;
    if (refusals >= MAX_SINGLE_REFUSALS) return { kind: 'set-aside', run };
    this.#suspects.push({ run, refusals });
    return { kind: 'again' };
  }

  /** The longest start of `run` that mixes no suspect with anything else. */
  bound(run: StreamSeqRange): StreamSeqRange {
    let { to } = run;
    for (const suspect of this.#suspects) {
      if (!rangesOverlap(suspect.run, { ...run, to })) continue;
      to = Math.min(to, suspect.run.from > run.from ? suspect.run.from - 1 : suspect.run.to);
    }
    return { ...run, to };
  }

  /** Forgets suspects of which nothing is unsettled any more. */
  forget(isUnsettled: (run: StreamSeqRange) => boolean): void {
    this.#suspects = this.#suspects.filter((suspect) => isUnsettled(suspect.run));
  }
}
