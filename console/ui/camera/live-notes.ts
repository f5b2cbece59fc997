/** What a live view says beside its pictures, kept while it is watched, and how it reads. Pure. */
import type { LiveNote, LiveScene, LiveSeen } from '../../../api/live-view.ts';
import { numberText } from '../format.ts';
import { pickText, type Dictionary, type Lang } from '../../shell/dictionary.ts';

export interface LiveNotes {
  scene: LiveScene | null;
  /** The newest result. */
  seen: LiveSeen | null;
  /** Crossings of each line since this viewing began, by point. */
  crossed: Readonly<Record<string, number>>;
}

export const EMPTY_LIVE_NOTES: LiveNotes = { scene: null, seen: null, crossed: {} };

/** A result fades out between these ages, so that nobody takes it for what is there now. */
const OLD_MS = 2000;
const GONE_MS = 3000;
/** States that are worth a word only when there is something. */
const ALARMS = new Set(['loitering', 'intrusion', 'stopped', 'abandoned', 'crowd', 'present']);

export function addNote(before: LiveNotes, note: LiveNote): LiveNotes {
  if (note.kind === 'scene') return { ...before, scene: note, seen: null };
  if (note.kind !== 'seen') return before; // a newer gateway may say more
  const crossed = Object.entries(note.happened);
  return {
    ...before,
    seen: note,
    crossed:
      crossed.length === 0
        ? before.crossed
        : { ...before.crossed, ...Object.fromEntries(crossed.map(([point, count]) => [point, (before.crossed[point] ?? 0) + count])) },
  };
}

/** 1: as it is; 0: not to be shown any more. */
export function freshness({ seen }: LiveNotes, nowMs: number): number {
  if (!seen) return 0;
  return Math.min(1, Math.max(0, (GONE_MS - (nowMs - seen.at)) / (GONE_MS - OLD_MS)));
}

export interface OverlayText {
  id: string;
  name: string;
  said: string[];
}

/** Of each zone its counts and what is amiss there; of each line how many went which way. */
export function overlayTexts({ scene, seen, crossed }: LiveNotes, words: Dictionary, lang: Lang): OverlayText[] {
  if (!scene) return [];
  const values = Object.entries(seen?.values ?? {});
  const zones = scene.zones.map(({ id, name }): OverlayText => ({
    id, name: pickText(name, lang),
    said: values.flatMap(([point, value]) => {
      const measure = point.startsWith(`${id}.`) ? point.slice(id.length + 1) : null;
      if (measure === null || (value === 0 && ALARMS.has(measure))) return [];
      return [words.counted(words.measures[measure] ?? words.classes[measure] ?? measure, numberText(value))];
    }),
  }));
  const lines = scene.lines.map(({ id, name }): OverlayText => ({
    id,
    name: pickText(name, lang),
    said: [words.wentIn(crossed[`${id}.in`] ?? 0), words.wentOut(crossed[`${id}.out`] ?? 0)],
  }));
  return [...zones, ...(scene.isReplay ? lines.map((line) => ({ ...line, said: [] })) : lines)];
}

/** `人 #12` */
export function boxText({ class: label, zh, track }: LiveSeen['boxes'][number], words: Dictionary, lang: Lang): string {
  const name = lang === 'en' ? label : words.classes[label] ?? zh ?? label;
  return track === undefined ? name : `${name} #${track}`;
}
