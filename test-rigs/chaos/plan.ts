/** When the rig kills whom: drawn from the seed, each victim often enough. */
import type { Random } from '../../core/world.ts';

export type Victim = 'edge' | 'gateway' | 'broker';

export interface Kill {
  victim: Victim;
  /** Due once so many numbers are witnessed. */
  atWitnessed: number;
  /** Wait for batches on their way; else at once. */
  inFlight: boolean;
  /** Wait until the gateway is moving rows into chunks. */
  inCompaction: boolean;
}

/** A process that stands still for a while, as on a machine without a processor to spare, and then goes on. */
export interface Freeze {
  victim: Victim;
  atWitnessed: number;
  forMs: number;
}

/** Longer than anybody's patience on the wire (keepalive of 10 s and a half), and well below it. */
const FREEZES_MS = [20_000, 3000];

/** Each victim in turn, spread over the run; it is frozen for long the first time. */
export function planFreezes(events: number, freezes: number, victims: readonly Victim[]): Freeze[] {
  return Array.from({ length: freezes }, (_, at) => ({
    victim: victims[at % victims.length] as Victim,
    atWitnessed: Math.floor(((at + 0.5) / freezes) * events * 0.95),
    forMs: FREEZES_MS[Math.floor(at / victims.length) % FREEZES_MS.length] as number,
  }));
}

/**
 * @param compacting every kill of a gateway waits for a compaction
 *
 * With a broker of its own: at least a quarter each on edge, broker and gateway; embedded: edge and gateway at least
 * 40 % each. Nine in ten wait for batches on their way.
 */
export function planKills(events: number, kills: number, victims: readonly Victim[], random: Random, compacting = false): Kill[] {
  const share = victims.length === 3 ? 0.25 : 0.4;
  const sure = victims.flatMap((victim) => Array.from({ length: Math.ceil(share * kills) }, () => victim)).slice(0, kills);
  const drawn = Array.from({ length: kills - sure.length }, () => victims[Math.floor(random.next() * victims.length)] as Victim);
  const order = shuffle([...sure, ...drawn], random);
  return order.map((victim, at) => ({
    victim,
    atWitnessed: Math.floor(((at + random.next()) / kills) * events * 0.95),
    inFlight: at % 10 !== 9,
    inCompaction: compacting && victim === 'gateway',
  }));
}

function shuffle<T>(items: T[], random: Random): T[] {
  for (let at = items.length - 1; at > 0; at -= 1) {
    const other = Math.floor(random.next() * (at + 1));
    [items[at], items[other]] = [items[other] as T, items[at] as T];
  }
  return items;
}
