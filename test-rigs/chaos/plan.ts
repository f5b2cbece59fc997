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
  return Array.from({ length: freezes }, (_, index) => ({
    victim: victims[index % victims.length] as Victim,
    atWitnessed: Math.floor(((index + 0.5) / freezes) * events * 0.95),
    forMs: FREEZES_MS[Math.floor(index / victims.length) % FREEZES_MS.length] as number,
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
  return order.map((victim, index) => ({
    victim,
    atWitnessed: Math.floor(((index + random.next()) / kills) * events * 0.95),
    inFlight: index % 10 !== 9,
    inCompaction: compacting && victim === 'gateway',
  }));
}

function shuffle<T>(items: T[], random: Random): T[] {
  for (let index = items.length - 1; index > 0; index -= 1) {
    const other = Math.floor(random.next() * (index + 1));
    [items[index], items[other]] = [items[other] as T, items[index] as T];
  }
  return items;
}
