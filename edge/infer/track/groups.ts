/** Which classes may be one and the same thing, and how it moves. A van is called car in one picture and truck in the next. */
export interface TrackGroup {
  id: string;
  /** What speed a new one may have, in its own heights a second: standard deviation. */
  speed: number;
  /** How much its speed wanders in a second, in its own heights a second. */
  agility: number;
}

const GROUPS: readonly (TrackGroup & { classes: readonly string[] })[] = [
  { id: 'person', classes: ['person'], speed: 0.8, agility: 0.6 },
  { id: 'two-wheeler', classes: ['bicycle', 'motorcycle'], speed: 2.5, agility: 1.5 },
  { id: 'vehicle', classes: ['car', 'truck', 'bus', 'train'], speed: 4, agility: 2 },
];

const BY_CLASS: ReadonlyMap<string, TrackGroup> = new Map(GROUPS.flatMap((group) => group.classes.map((name) => [name, group] as const)));

/** A class that stands in no group is one of its own. */
export function trackGroupOf(name: string): TrackGroup {
  return BY_CLASS.get(name) ?? { id: name, speed: 0.8, agility: 0.6 };
}
