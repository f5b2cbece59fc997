/** The data flag of a value (`xxx-Flag`; HJ 212-2017, table of data flags) as quality and flags. */
import type { Flag, Quality } from '../../core/event.ts';
import type { Hj212Edition } from './message.ts';

export interface DataFlagQuality {
  quality: Quality;
  flags: readonly Flag[];
}

const GOOD: DataFlagQuality = { quality: 'good', flags: [] };
const UNFLAGGED: DataFlagQuality = { quality: 'uncertain', flags: [] };
const UNKNOWN_FLAG: DataFlagQuality = { quality: 'uncertain', flags: ['other'] };

const DATA_FLAGS: Readonly<Record<string, DataFlagQuality>> = {
  N: GOOD,
  T: { quality: 'uncertain', flags: ['out-of-range'] },
  // Out of operation: the process does not run.
  F: { quality: 'bad', flags: ['other'] },
  M: { quality: 'bad', flags: ['maintenance'] },
  C: { quality: 'bad', flags: ['calibration'] },
  D: { quality: 'bad', flags: ['device'] },
  B: { quality: 'bad', flags: ['comm'] },
  // Entered by hand.
  S: { quality: 'uncertain', flags: ['substituted'] },
};

/** The 2005 edition flags little of its data; states and running hours of machines and texts have no flag in any edition. */
const NEVER_FLAGGED = new Set(['RS', 'RT', 'Info', 'EFlag']);

export function qualityOfDataFlag(flag: string | undefined, edition: Hj212Edition, suffix: string): DataFlagQuality {
  if (flag === undefined || flag === '') return edition === '2005' || NEVER_FLAGGED.has(suffix) ? GOOD : UNFLAGGED;
  return DATA_FLAGS[flag.toUpperCase()] ?? UNKNOWN_FLAG;
}
