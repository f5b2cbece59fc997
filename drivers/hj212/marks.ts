/** The mark that goes with each value (HJ 212-2017, table of data marks) as quality and flags. */
import type { Flag, Quality } from '../../core/event.ts';
import type { Edition } from './message.ts';

export interface Standing {
  quality: Quality;
  flags: readonly Flag[];
}

const GOOD: Standing = { quality: 'good', flags: [] };
const UNMARKED: Standing = { quality: 'uncertain', flags: [] };
const STRANGE: Standing = { quality: 'uncertain', flags: ['other'] };

const MARKS: Readonly<Record<string, Standing>> = {
  N: GOOD,
  T: { quality: 'uncertain', flags: ['out-of-range'] },
  // Out of operation: the value is of a process that does not run.
  F: { quality: 'bad', flags: ['other'] },
  M: { quality: 'bad', flags: ['maintenance'] },
  C: { quality: 'bad', flags: ['calibration'] },
  D: { quality: 'bad', flags: ['device'] },
  B: { quality: 'bad', flags: ['comm'] },
  // Typed in by hand.
  S: { quality: 'uncertain', flags: ['substituted'] },
};

/** 2005 knows no marks for most of its data; states of machines, totals of their hours and texts have none in any edition. */
const UNMARKED_BY_RULE = new Set(['RS', 'RT', 'Info', 'EFlag']);

export function standingOf(mark: string | undefined, edition: Edition, suffix: string): Standing {
  if (mark === undefined || mark === '') return edition === '2005' || UNMARKED_BY_RULE.has(suffix) ? GOOD : UNMARKED;
  return MARKS[mark.toUpperCase()] ?? STRANGE;
}
