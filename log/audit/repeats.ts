/**
 * What is told again and again within a minute is summed, so that a stranger can neither fill the disk nor bury others:
 * of refusals the first few of a network are written whole, and of all strangers together not many; of somebody who reads
 * the same thing over and over (a player asks for parts of a clip) the first. The rest is one line a minute with its count.
 */
import { networkOf } from '../../core/net.ts';
import type { AuditedAct } from './audited-act.ts';

/** Of one kind, from one network, a minute. */
const WHOLE_OF_NETWORK = 5;
/** Of all refusals, a minute. */
const WHOLE_OF_ALL = 60;
/** Networks that are counted by themselves; the others together. */
const MAX_NETWORKS = 60;
const MAX_READS = 10_000;
const ELSEWHERE = 'others';

const READS: ReadonlySet<string> = new Set(['evidence_read', 'audit_read']);

interface Sum<Kind extends string> {
  entry: AuditedAct<Kind>;
  whole: number;
  more: number;
}

export class RepeatedEntries<Kind extends string> {
  #refusals = new Map<string, Sum<Kind>>();
  #reads = new Map<string, Sum<Kind>>();
  #wholeRefusals = 0;

  /** Whether it is to be written as it is; else it is in a sum. */
  take(entry: AuditedAct<Kind>): boolean {
    if (entry.outcome === 'refused') return this.#takeRefusal(entry);
    return READS.has(entry.kind) ? this.#takeRead(entry) : true;
  }

  /** Whether there is anything to be told when the minute is over. */
  get isEmpty(): boolean {
    return this.#refusals.size + this.#reads.size === 0;
  }

  /** What was not written whole, a line each; counting begins anew. */
  takeSums(): AuditedAct<Kind>[] {
    const sums = [...this.#refusals.values(), ...this.#reads.values()].filter(({ more }) => more > 0);
    this.#refusals = new Map();
    this.#reads = new Map();
    this.#wholeRefusals = 0;
    return sums.map(({ entry, more }) => ({ ...entry, details: { ...entry.details, repeated: more } }));
  }

  #takeRefusal(entry: AuditedAct<Kind>): boolean {
    const network = networkOf(entry.from);
    const own = `${entry.kind} ${network}`;
    const isOwn = this.#refusals.has(own) || this.#refusals.size < MAX_NETWORKS;
    const key = isOwn ? own : `${entry.kind} ${ELSEWHERE}`;
    const sum = this.#refusals.get(key) ?? { entry: sumOfRefusals(entry, isOwn ? network : ELSEWHERE), whole: 0, more: 0 };
    this.#refusals.set(key, sum);
    const isWhole = isOwn && sum.whole < WHOLE_OF_NETWORK && this.#wholeRefusals < WHOLE_OF_ALL;
    if (!isWhole) sum.more += 1;
    else {
      sum.whole += 1;
      this.#wholeRefusals += 1;
    }
    return isWhole;
  }

  #takeRead(entry: AuditedAct<Kind>): boolean {
    const key = JSON.stringify([entry.kind, entry.who, entry.from, entry.what]);
    const known = this.#reads.get(key);
    if (known) known.more += 1;
    else if (this.#reads.size < MAX_READS) this.#reads.set(key, { entry, whole: 1, more: 0 });
    return !known;
  }
}

const sumOfRefusals = <Kind extends string>({ kind }: AuditedAct<Kind>, from: string): AuditedAct<Kind> => ({
  kind, who: '', from, what: 'repeated', outcome: 'refused',
});
