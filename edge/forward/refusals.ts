/**
 * What to do with batches that the gateway cannot read: halve until one event is left, and after the third refusal of
 * that one set it aside. Pure; each refusal makes a suspect smaller or takes it out, so nothing blocks for ever.
 */
import { lengthOf, overlaps, sameStream, type Run } from './run.ts';

export const REFUSALS_OF_ONE = 3;

interface Suspect {
  run: Run;
  refusals: number;
}

export type Verdict = { kind: 'halved' } | { kind: 'again' } | { kind: 'set-aside'; run: Run };

export class Refusals {
  #suspects: Suspect[] = [];

  get suspects(): readonly Run[] {
    return this.#suspects.map((suspect) => suspect.run);
  }

  /** A batch with exactly this run was refused. */
  refuse(run: Run): Verdict {
    const known = this.#suspects.find((suspect) => sameStream(suspect.run, run) && suspect.run.from === run.from && suspect.run.to === run.to);
    // What overlaps is replaced: the newest refusal knows best.
    this.#suspects = this.#suspects.filter((suspect) => !overlaps(suspect.run, run));
    if (lengthOf(run) > 1) {
      const middle = run.from + Math.floor(lengthOf(run) / 2);
      this.#suspects.push({ run: { ...run, to: middle - 1 }, refusals: 0 }, { run: { ...run, from: middle }, refusals: 0 });
      return { kind: 'halved' };
    }
    const refusals = (known?.refusals ?? 0) + 1;
    if (refusals >= REFUSALS_OF_ONE) return { kind: 'set-aside', run };
    this.#suspects.push({ run, refusals });
    return { kind: 'again' };
  }

  /** The longest start of `run` that mixes no suspect with anything else. */
  bound(run: Run): Run {
    let { to } = run;
    for (const suspect of this.#suspects) {
      if (!overlaps(suspect.run, { ...run, to })) continue;
      to = Math.min(to, suspect.run.from > run.from ? suspect.run.from - 1 : suspect.run.to);
    }
    return { ...run, to };
  }

  /** Forgets suspects of which nothing is unsettled any more. */
  forget(isUnsettled: (run: Run) => boolean): void {
    this.#suspects = this.#suspects.filter((suspect) => isUnsettled(suspect.run));
  }
}
