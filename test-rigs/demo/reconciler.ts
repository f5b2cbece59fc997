/**
 * Counts what the edge acknowledged (its witness) against what the gateway holds (its durable events): what is missing,
 * what is there twice. Nothing is taken from counters of either side.
 */
import type { Event } from '../../core/event.ts';
import { NumberSet } from '../processes/number-set.ts';

export interface CommittedEvent {
  stream: string;
  epoch: number;
  from: number;
  to: number;
}

export interface ReconciledCounts {
  witnessed: number;
  /** Witnessed and not at the gateway; what is on its way counts until it is there. */
  missing: number;
  twice: number;
  /** Events that a gap record says were let go. */
  lost: number;
}

type ApiEvent = Event & { cursor: string };

const PAGE = 1000;

export class Reconciler {
  readonly #witness = new Map<string, NumberSet>();
  readonly #held = new Map<string, NumberSet>();
  #lost = 0;
  #cursor: string | null = null;
  readonly byDevice: Record<string, number> = {};
  readonly byIndicator: Record<string, number> = {};
  /** Devices that gave a value; one whose every event says "bad" is there and mute. */
  readonly speaking = new Set<string>();
  total = 0;
  readonly #url: string;

  constructor(gatewayUrl: string) {
    this.#url = gatewayUrl;
  }

  witness(kept: CommittedEvent): void {
    const set = setOf(this.#witness, kept.stream, kept.epoch);
    for (let seq = kept.from; seq <= kept.to; seq += 1) set.add(seq);
  }

  /** Reads on in the gateway's events from where it stopped. */
  async catchUp(): Promise<void> {
    for (;;) {
      const after = this.#cursor === null ? '' : `&after=${this.#cursor}`;
      const answer = await fetch(`${this.#url}/api/v1/events?limit=${PAGE}${after}`);
      if (!answer.ok) throw new Error(`events answered ${answer.status}: ${await answer.text()}`);
      const page = (await answer.json()) as { items: ApiEvent[]; next: string };
      for (const event of page.items) this.#take(event);
      this.#cursor = page.next;
      if (page.items.length === 0) return;
    }
  }

  #take(event: ApiEvent): void {
    if (!setOf(this.#held, event.stream, event.epoch).add(event.seq)) return;
    if (event.gap) {
      this.#lost += event.gap.count;
      return;
    }
    this.total += 1;
    if (event.quality !== 'bad') this.speaking.add(event.device);
    this.byDevice[event.device] = (this.byDevice[event.device] ?? 0) + 1;
    this.byIndicator[event.indicator] = (this.byIndicator[event.indicator] ?? 0) + 1;
  }

  tally(): ReconciledCounts {
    let witnessed = 0;
    let missing = 0;
    for (const [key, witness] of this.#witness) {
      witnessed += witness.size;
      missing += witness.without(this.#held.get(key) ?? new NumberSet()).length;
    }
    const twice = [...this.#held.values()].reduce((sum, held) => sum + held.repeats, 0);
    return { witnessed, missing, twice, lost: this.#lost };
  }
}

function setOf(sets: Map<string, NumberSet>, stream: string, epoch: number): NumberSet {
  const key = `${stream}:${epoch}`;
  let set = sets.get(key);
  if (!set) sets.set(key, (set = new NumberSet()));
  return set;
}
