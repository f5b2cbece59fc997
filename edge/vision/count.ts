/** What a camera's boxes say about its points. Pure. */
import type { Box, Evidence } from '../../core/event.ts';
import { coveredShare, distinct } from '../../models/boxes.ts';

/** Classes of a detector that count as a vehicle: what takes a lane of its own. Bicycles do not. */
const VEHICLES: ReadonlySet<string> = new Set(['car', 'truck', 'bus', 'motorcycle']);
/** One van may be called car and truck at once: boxes that share more than half of their joint area are one vehicle. */
const MAX_OVERLAP = 0.5;

export interface Counted {
  point: string;
  value: number;
  evidence?: Evidence[];
}

/** @param boxes best score first, fractions of the picture */
export function countBoxes(boxes: readonly Box[], model: string, frame: number): Counted[] {
  const persons = boxes.filter((box) => box.class === 'person');
  const vehicles = distinct(boxes.filter((box) => VEHICLES.has(box.class)), MAX_OVERLAP);
  const evidence = (seen: readonly Box[]): Evidence[] => [{ kind: 'boxes', model, frame, boxes: seen.map(rounded) }];
  return [
    { point: 'persons', value: persons.length, evidence: evidence(persons) },
    { point: 'vehicles', value: vehicles.length, evidence: evidence(vehicles) },
    { point: 'occupancy', value: round(coveredShare([...persons, ...vehicles]) * 100, 2) },
  ];
}

/** A tenth of a thousandth of a picture is less than a pixel; more digits would only travel. */
function rounded(box: Box): Box {
  return { class: box.class, score: round(box.score, 3), x: round(box.x, 4), y: round(box.y, 4), width: round(box.width, 4), height: round(box.height, 4) };
}

function round(value: number, digits: number): number {
  return Math.round(value * 10 ** digits) / 10 ** digits;
}
