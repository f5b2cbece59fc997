/** What families share: finding the outputs they need by shape, and turning what they found into boxes. Pure. */
import type { Box } from '../../core/event.ts';
import { FaultError } from '../../core/faults.ts';
import type { ModelSpec, Tensor } from '../../core/model.ts';
import { suppressOverlapsByClass } from '../boxes.ts';

export type Outputs = Readonly<Record<string, Tensor>>;

/** Pixels of the model's input. */
export interface InputSize {
  width: number;
  height: number;
}

/** Pure. @throws FaultError CV_MODEL_OUTPUT when the outputs have not the family's shapes */
export interface FamilyDecode {
  (outputs: Outputs, scoreThreshold: number, spec: ModelSpec, size: InputSize): Box[];
}

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
export function candidateBoxes(
  candidates: readonly Candidate[],
  { classes, maxOverlap }: Pick<ModelSpec, 'classes' | 'maxOverlap'>,
  most = MAX_CANDIDATES,
): Box[] {
  const boxes = candidates
    .filter(
      ({ left, top, right, bottom }) => right > left && bottom > top && Number.isFinite(right - left) && Number.isFinite(bottom - top),
    )
    .toSorted((a, b) => b.score - a.score || a.label - b.label)
    .slice(0, most)
    .map(({ label, score, left, top, right, bottom }): Box => ({
      class: classes[label] ?? `class ${label}`,
      score,
      x: left,
      y: top,
      width: right - left,
      height: bottom - top,
    }));
  return suppressOverlapsByClass(boxes, maxOverlap).flatMap(clipped);
}

function clipped(box: Box): Box[] {
  const [x, y] = [Math.max(0, box.x), Math.max(0, box.y)];
  const [width, height] = [Math.min(1, box.x + box.width) - x, Math.min(1, box.y + box.height) - y];
  return width > 0 && height > 0 ? [{ ...box, x, y, width, height }] : [];
}

/**
 * float32, as many values as the shape says, all of them numbers: one that is none spreads through a graph, and then nothing it says counts.
 * @param checked outputs of which the decode itself refuses such values
 */
export function checkNumbers(outputs: Outputs, model: string, checked: readonly string[] = []): void {
  for (const [name, { dims, data }] of Object.entries(outputs)) {
    if (!(data instanceof Float32Array)) throw outputFault(model, `output ${name} is not float32`, `输出 ${name} 不是 float32`);
    const count = dims.reduce((product, dim) => product * dim, 1);
    if (count !== data.length)
      throw outputFault(
        model,
        `output ${name} of ${dims.join('×')} holds ${data.length} values`,
        `输出 ${name} 形状为 ${dims.join('×')}，却有 ${data.length} 个值`,
      );
    if (checked.includes(name)) continue;
    // 0 times a number is 0, all else NaN, which stays in the sum: cheaper than asking each.
    const nothing = 0;
    let trace = 0;
    for (let at = 0; at < data.length; at += 1) trace += (data[at] as number) * nothing;
    if (trace !== 0) throw invalidNumberFault(name, model);
  }
}

export function invalidNumberFault(name: string, model: string): FaultError {
  return outputFault(model, `output ${name} holds values that are no numbers`, `输出 ${name} 含有非数值`);
}

export function outputFault(model: string, problem: string, problemZh: string): FaultError {
  return new FaultError('CV_MODEL_OUTPUT', { model, problem, problemZh });
}

/** @param wanted shapes as `1×N×85`, the same in every language */
export function outputShapeFault(spec: Pick<ModelSpec, 'id' | 'family'>, wanted: string, outputs: Outputs): FaultError {
  const given = shapesOf(outputs);
  return outputFault(
    spec.id,
    `outputs of family ${spec.family} are ${wanted}, these are ${given}`,
    `${spec.family} 系列的输出应为 ${wanted}，实为 ${given}`,
  );
}

/** A box by its centre and size, as fractions. */
export function centredCandidate(label: number, score: number, x: number, y: number, width: number, height: number): Candidate {
  return { label, score, left: x - width / 2, top: y - height / 2, right: x + width / 2, bottom: y + height / 2 };
}

export function sigmoid(value: number): number {
  return 1 / (1 + Math.exp(-value));
}

/** `name 1×80×80×80, …`, for sentences. */
function shapesOf(outputs: Readonly<Record<string, { dims: readonly (number | string)[] }>>): string {
  return Object.entries(outputs).map(([name, { dims }]) => `${name} ${dims.join('×')}`).join(', ');
}
