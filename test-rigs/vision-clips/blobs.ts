/** A detector for rendered clips: each class has a colour, each connected patch of it is a thing. */
import type { PicturePlanes } from '../../core/driver.ts';
import type { Box } from '../../core/event.ts';

export type ActorClass = 'person' | 'car' | 'suitcase';

export const COLOURS: Readonly<Record<ActorClass, { y: number; u: number; v: number }>> = {
  person: { y: 170, u: 90, v: 235 },
  car: { y: 60, u: 235, v: 100 },
  suitcase: { y: 200, u: 30, v: 60 },
};
const CLASSES = Object.keys(COLOURS) as ActorClass[];
/** How far a pixel's colour may be off, in U and V together. */
const COLOUR_WITHIN = 60;
/** Fewer pixels of the chroma planes than this are an edge that the codec smeared. */
const LEAST_PIXELS = 6;

export function findBlobs({ width, height, yuv }: PicturePlanes): Box[] {
  const [columns, rows] = [width / 2, height / 2];
  const [u, v] = [yuv.subarray(width * height, width * height * 1.25), yuv.subarray(width * height * 1.25)];
  const labels = new Int8Array(columns * rows).fill(-1);
  for (let index = 0; index < labels.length; index += 1) {
    labels[index] = CLASSES.findIndex(
      (name) => Math.abs((u[index] as number) - COLOURS[name].u) + Math.abs((v[index] as number) - COLOURS[name].v) < COLOUR_WITHIN,
    );
  }
  const boxes: Box[] = [];
  for (let from = 0; from < labels.length; from += 1) {
    const label = labels[from] as number;
    if (label < 0) continue;
    const { left, right, top, bottom, pixels } = patch(labels, from, columns);
    if (pixels < LEAST_PIXELS) continue;
    boxes.push({
      class: CLASSES[label] as string,
      score: 0.9,
      x: left / columns,
      y: top / rows,
      width: (right - left + 1) / columns,
      height: (bottom - top + 1) / rows,
    });
  }
  return boxes;
}

/** Takes the patch away from the labels. */
function patch(
  labels: Int8Array,
  from: number,
  columns: number,
): { left: number; right: number; top: number; bottom: number; pixels: number } {
  const label = labels[from];
  const found = { left: Infinity, right: -Infinity, top: Infinity, bottom: -Infinity, pixels: 0 };
  const todo = [from];
  labels[from] = -1;
  for (let at = todo.pop(); at !== undefined; at = todo.pop()) {
    const [column, row] = [at % columns, Math.floor(at / columns)];
    found.left = Math.min(found.left, column);
    found.right = Math.max(found.right, column);
    found.top = Math.min(found.top, row);
    found.bottom = Math.max(found.bottom, row);
    found.pixels += 1;
    for (const beside of [column > 0 ? at - 1 : at, column < columns - 1 ? at + 1 : at, at - columns, at + columns]) {
      if (labels[beside] !== label) continue;
      labels[beside] = -1;
      todo.push(beside);
    }
  }
  return found;
}
