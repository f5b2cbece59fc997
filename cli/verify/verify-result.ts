/** What `cityvitals verify` has read of one part, for people and for programs, and what is wrong with it. */
import type { Fault } from '../../core/faults.ts';

export interface VerifyResult {
  part: 'log' | 'commands' | 'audit' | 'store' | 'state';
  text: { en: string; zh: string };
  counts: Record<string, unknown>;
  faults: readonly Fault[];
}
