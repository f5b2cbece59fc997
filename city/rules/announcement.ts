/**
 * What of a series' turns is said aloud. Values that came much later than they occurred move a rule on in silence; once
 * the series has caught up, what still holds is raised once, with its true onset, and what came and went meanwhile is a
 * finding, never a warning (DESIGN 10).
 */
import type { Level, Value } from '../../core/event.ts';
import type { LatchChange } from './threshold.ts';

/** The value that a saying rests on. */
export interface AnnouncedValue {
  at: number;
  value: Value;
  unit: string;
}

interface Episode {
  onsetAt: number;
  raisedAt: number;
  level: Level;
  worst: Level;
  cite: AnnouncedValue;
  spoken: boolean;
}

export interface AnnouncementState {
  silent: boolean;
  /** The condition as it is, spoken of or not. */
  episode: Episode | null;
  /** What others believe: the level last told, null when told cleared or nothing yet. */
  told: Level | null;
  /** When a condition that others believe in ended in silence. */
  ended: { at: number; cite: AnnouncedValue } | null;
}

export type Announcement =
  | { say: 'raised'; at: number; onsetAt: number; level: Level; late: boolean; cite: AnnouncedValue }
  | { say: 'level'; at: number; level: Level; cite: AnnouncedValue }
  | { say: 'cleared'; at: number; cite: AnnouncedValue }
  | { say: 'finding'; fromAt: number; toAt: number; level: Level; why: FindingReason; cite: AnnouncedValue };

/** catch-up: came and went before the series had caught up; late: a value from before the watermark. */
export type FindingReason = 'catch-up' | 'late';

export const NOT_ANNOUNCED: AnnouncementState = { silent: false, episode: null, told: null, ended: null };

/** Takes a turn of the series; says it unless the series is silent. Changes `speech`; the caller owns it. */
export function announce(speech: AnnouncementState, turn: LatchChange, cite: AnnouncedValue): Announcement[] {
  const sayings: Announcement[] = [];
  const { episode } = speech;
  if (turn.level === null) {
    if (episode?.spoken) speech.ended = { at: turn.at, cite };
    else if (episode) sayings.push({ say: 'finding', fromAt: episode.onsetAt, toAt: turn.at, level: episode.worst, why: 'catch-up', cite: episode.cite });
    speech.episode = null;
  } else if (!episode) {
    speech.episode = { onsetAt: turn.onsetAt, raisedAt: turn.at, level: turn.level, worst: turn.level, cite, spoken: false };
  } else {
    if (turn.level < episode.worst) {
      episode.worst = turn.level;
      episode.cite = cite;
    }
    episode.level = turn.level;
  }
  return speech.silent ? sayings : [...sayings, ...speak(speech, turn.at, cite, false)];
}

/** The series has caught up: says what still holds. */
export function unsuppress(speech: AnnouncementState, atMs: number, cite: AnnouncedValue): Announcement[] {
  if (!speech.silent) return [];
  speech.silent = false;
  return speak(speech, atMs, cite, true);
}

function speak(speech: AnnouncementState, atMs: number, cite: AnnouncedValue, late: boolean): Announcement[] {
  const sayings: Announcement[] = [];
  if (speech.told !== null && !speech.episode?.spoken) {
    const ended = speech.ended ?? { at: atMs, cite };
    sayings.push({ say: 'cleared', at: ended.at, cite: ended.cite });
    speech.told = null;
  }
  speech.ended = null;
  const { episode } = speech;
  if (!episode) return sayings;
  if (!episode.spoken) {
    episode.spoken = true;
    sayings.push({ say: 'raised', at: episode.raisedAt, onsetAt: episode.onsetAt, level: episode.level, late, cite: late ? episode.cite : cite });
  } else if (episode.level !== speech.told) {
    sayings.push({ say: 'level', at: atMs, level: episode.level, cite });
  }
  speech.told = episode.level;
  return sayings;
}
