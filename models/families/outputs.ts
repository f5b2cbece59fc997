/** What families share: finding the outputs they need by shape, and turning what they found into boxes. Pure. */
import type { Box } from '../../core/event.ts';
import { FaultError } from '../../core/faults.ts';
import type { ModelSpec, Tensor } from '../../core/model.ts';
import { distinctByClass } from '../boxes.ts';

export type Outputs = Readonly<Record<string, Tensor>>;

/** A box before doubles are left out: edges as fractions of the input, which they may leave. */
export interface Candidate {
  label: number;
  score: number;
  left: number;
  top: number;
  right: number;
  bottom: number;
}

/** A threshold of 0 would compare every cell with every other; what is worse than this many is noise. */
const MAX_CANDIDATES = 1000;

/**
 * @returns boxes clipped to the picture, best score first, doubles of one class left out; those without area, or with
 *   edges that are no numbers, are none
 */
export function boxesOf(candidates: readonly Candidate[], { classes, maxOverlap }: Pick<ModelSpec, 'classes' | 'maxOverlap'>, most = MAX_CANDIDATES): Box[] {
  const boxes = candidates
    .filter(({ left, top, right, bottom }) => right > left && bottom > top && Number.isFinite(right - left) && Number.isFinite(bottom - top))
    .toSorted((a, b) => b.score - a.score || a.label - b.label).slice(0, most)
    .map(({ label, score, left, top, right, bottom }): Box => ({ class: classes[label] ?? `class ${label}`, score, x: left, y: top, width: right - left, height: bottom - top }));
  return distinctByClass(boxes, maxOverlap).flatMap(clipped);
}

function clipped(box: Box): Box[] {
  const [x, y] = [Math.max(0, box.x), Math.max(0, box.y)];
  const [width, height] = [Math.min(1, box.x + box.width) - x, Math.min(1, box.y + box.height) - y];
  return width > 0 && height > 0 ? [{ ...box, x, y, width, height }] : [];
}

/** A weight or a picture that is no number spreads through the graph: then nothing it says counts. */
export function checkNumbers(outputs: Outputs, model: string): void {
  for (const [name, { data }] of Object.entries(outputs)) {
    // 0 times a number is 0, all else NaN, which stays in the sum: cheaper than asking each.
    const nothing = 0;
    let trace = 0;
    for (let at = 0; at < data.length; at += 1) trace += (data[at] as number) * nothing;
    if (trace !== 0) throw wrongOutput(model, `output ${name} holds values that are no numbers`, `输出 ${name} 含有非数值`);
  }
}

export function wrongOutput(model: string, problem: string, problemZh: string): FaultError {
  return new FaultError('CV_MODEL_OUTPUT', { model, problem, problemZh });
}

/** `name 1×80×80×80, …`, for sentences. */
export function shapesOf(outputs: Readonly<Record<string, { dims: readonly (number | string)[] }>>): string {
  return Object.entries(outputs).map(([name, { dims }]) => `${name} ${dims.join('×')}`).join(', ');
}
