/**
 * What of a series' turns is announced. Values that came much later than they occurred move a rule on in silence; once
 * the series has caught up, what still holds is raised once, with its true onset, and what came and went meanwhile is a
 * finding, never a warning (DESIGN 10).
 */
import type { Level, Value } from '../../core/event.ts';
import type { LatchChange } from './threshold.ts';

/** The value that an announcement rests on. */
export interface CitedValue {
  at: number;
  value: Value;
  unit: string;
}

interface Episode {
  onsetAt: number;
  raisedAt: number;
  level: Level;
  worst: Level;
  cite: CitedValue;
  spoken: boolean;
}

export interface AnnouncementState {
  silent: boolean;
  /** The condition as it is, spoken of or not. */
  episode: Episode | null;
  /** What others believe: the level last told, null when told cleared or nothing yet. */
  told: Level | null;
  /** When a condition that others believe in ended in silence. */
  ended: { at: number; cite: CitedValue } | null;
}

export type Announcement =
  | { kind: 'raised'; atMs: number; onsetAt: number; level: Level; late: boolean; cite: CitedValue }
  | { kind: 'level'; atMs: number; level: Level; cite: CitedValue }
  | { kind: 'cleared'; atMs: number; cite: CitedValue }
  | { kind: 'finding'; fromAt: number; toAt: number; level: Level; why: FindingReason; cite: CitedValue };

/** catch-up: came and went before the series had caught up; late: a value from before the watermark. */
export type FindingReason = 'catch-up' | 'late';

export const NOTHING_ANNOUNCED: AnnouncementState = { silent: false, episode: null, told: null, ended: null };

/** Takes a turn of the series; announces it unless the series is suppressed. Changes `speech`; the caller owns it. */
export function announceTurn(speech: AnnouncementState, turn: LatchChange, cite: CitedValue): Announcement[] {
  const announcements: Announcement[] = [];
  const { episode } = speech;
  if (turn.level === null) {
    if (episode?.spoken) speech.ended = { at: turn.at, cite };
    else if (episode)
      announcements.push({
        kind: 'finding',
        fromAt: episode.onsetAt,
        toAt: turn.at,
        level: episode.worst,
        why: 'catch-up',
        cite: episode.cite,
      });
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
  return speech.silent ? announcements : [...announcements, ...announce(speech, turn.at, cite, false)];
}

/** The series has caught up: announces what still holds. */
export function unsuppress(speech: AnnouncementState, at: number, cite: CitedValue): Announcement[] {
  if (!speech.silent) return [];
  speech.silent = false;
  return announce(speech, at, cite, true);
}

function announce(speech: AnnouncementState, at: number, cite: CitedValue, late: boolean): Announcement[] {
  const announcements: Announcement[] = [];
  if (speech.told !== null && !speech.episode?.spoken) {
    const ended = speech.ended ?? { at, cite };
    announcements.push({ kind: 'cleared', atMs: ended.at, cite: ended.cite });
    speech.told = null;
  }
  speech.ended = null;
  const { episode } = speech;
  if (!episode) return announcements;
  if (!episode.spoken) {
    episode.spoken = true;
    announcements.push({
      kind: 'raised',
      atMs: episode.raisedAt,
      onsetAt: episode.onsetAt,
      level: episode.level,
      late,
      cite: late ? episode.cite : cite,
    });
  } else if (episode.level !== speech.told) {
    announcements.push({ kind: 'level', atMs: at, level: episode.level, cite });
  }
  speech.told = episode.level;
  return announcements;
}
