/** One batch on its way through intake: each station adds what it found. */
import type { EdgeAddress } from '../../core/wire/topics.ts';
import type { CheckedBatch } from './accept.ts';
import type { KeepOutcome } from './batch-keeper.ts';

export interface BatchTask {
  readonly address: EdgeAddress;
  readonly payload: Uint8Array;
  /** ms UTC. */
  readonly receivedAt: number;
  /** From here on it waits for something of its own: no other edge waits for it. */
  separate(): void;
  checked: CheckedBatch | null;
  /** Resolves when whose its devices are is on disk; null: nothing new. */
  bindingsWritten: Promise<void> | null;
  outcome: KeepOutcome | null;
}

/** @returns false when the batch goes no further. It is awaited only where it has to be. */
export type BatchStation = (task: BatchTask) => Promise<boolean> | boolean;

/** Through the stations in order, as far as it goes. */
export async function runBatchStations(stations: readonly BatchStation[], task: BatchTask): Promise<void> {
  for (const station of stations) {
    const goesOn = station(task);
    if (!(typeof goesOn === 'boolean' ? goesOn : await goesOn)) return;
  }
}
