/** What `cityvitals verify` has read of one part, for people and for programs, and what is wrong with it. */
import type { Fault } from '../../core/faults.ts';

export interface Part {
  part: 'log' | 'commands' | 'store' | 'state';
  words: { en: string; zh: string };
  counts: Record<string, unknown>;
  faults: readonly Fault[];
}
