/** What a camera's boxes say about its points. Pure. */
import type { Box, Evidence, Snapshot } from '../../../core/event.ts';
import { classesOf } from '../../../scene/kinds.ts';
import { coveredShare, suppressOverlaps } from '../../../models/boxes.ts';
import type { MeasureValue } from '../zones/zone.ts';
import type { Track } from '../track/tracker.ts';

const VEHICLES = classesOf(['vehicle']);
/** One van may be called car and truck at once: boxes that share more than half of their joint area are one vehicle. */
const MAX_OVERLAP = 0.5;

export interface PicturePointValue {
  point: string;
  value: number;
  evidence?: Evidence[];
  /** Presentation time of an earlier picture that it is of; left out: of this one. */
  ptsMs?: number;
}

/** @param boxes best score first, fractions of the picture */
export function countBoxes(boxes: readonly Box[], model: string, frame: number): PicturePointValue[] {
  const persons = boxes.filter((box) => box.class === 'person');
  const vehicles = suppressOverlaps(boxes.filter((box) => VEHICLES.has(box.class)), MAX_OVERLAP);
  const evidence = (seen: readonly Box[]): Evidence[] => [{ kind: 'boxes', model, frame, boxes: seen.map(rounded) }];
  return [
    { point: 'persons', value: persons.length, evidence: evidence(persons) },
    { point: 'vehicles', value: vehicles.length, evidence: evidence(vehicles) },
    { point: 'occupancy', value: round(coveredShare([...persons, ...vehicles]) * 100, 2) },
  ];
}

/**
 * What zones and lines say. States and what happened bring what they rest on: tracks by where they are believed to be, cut
 * at the edges of the picture. Measurements come with every picture, and `persons` has their boxes already.
 *
 * @param shots pictures that go with them, by point
 */
export function measurePointValues(
  readings: readonly MeasureValue[],
  model: string,
  frame: number,
  shots: ReadonlyMap<string, readonly Snapshot[]> | null = null,
): PicturePointValue[] {
  return readings.map(({ point, value, kind, objects, ptsMs }) => {
    const boxes = kind === 'measurement' ? [] : objects.map((one) => ('box' in one ? withinPicture(one) : rounded(one)));
    const evidence: Evidence[] = [
      ...(boxes.length > 0 ? [{ kind: 'boxes' as const, model, frame, boxes }] : []),
      ...(shots?.get(point) ?? []),
    ];
    return { point, value, ...(evidence.length > 0 && { evidence }), ...(ptsMs !== undefined && { ptsMs }) };
  });
}

/** What is in a picture: those that are followed, with their numbers and cut at its edges; where nobody is, what was found. */
export function shownBoxes({ tracks, boxes }: { tracks: readonly Track[]; boxes: readonly Box[] }): Box[] {
  return tracks.length > 0 ? tracks.map(withinPicture) : [...boxes];
}

function withinPicture({ id, class: label, score, box }: Track): Box {
  const [left, top, right, bottom] = [box.x, box.y, box.x + box.width, box.y + box.height].map((side) =>
    Math.min(1, Math.max(0, side)),
  ) as [number, number, number, number];
  return { ...rounded({ class: label, score, x: left, y: top, width: right - left, height: bottom - top }), track: id };
}

/** A tenth of a thousandth of a picture is less than a pixel; more digits would only travel. */
function rounded(box: Box): Box {
  return {
    class: box.class,
    score: round(box.score, 3),
    x: round(box.x, 4),
    y: round(box.y, 4),
    width: round(box.width, 4),
    height: round(box.height, 4),
  };
}

function round(value: number, digits: number): number {
  return Math.round(value * 10 ** digits) / 10 ** digits;
}
