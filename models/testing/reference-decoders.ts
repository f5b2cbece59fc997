/**
 * The decodes once more, written straight from the makers' descriptions with one index for each dimension, slow and
 * without any thought of memory: what the families give on real and on made-up tensors is compared with these.
 */
import type { Box } from '../../core/event.ts';
import type { Tensor } from '../../core/model.ts';

type Outputs = Readonly<Record<string, Tensor>>;
type Corners = [x1: number, y1: number, x2: number, y2: number];
export interface ReferenceDetection { corners: Corners; score: number; label: number }
export interface ReferenceCase { outputs: Outputs; width: number; height: number; labels: number }

const value = ({ dims, data }: Tensor, ...index: number[]) =>
  data[index.reduce((at, place, axis) => at * (dims[axis] as number) + place, 0)] as number;
const range = (count: number) => Array.from({ length: count }, (_, at) => at);
const argmax = (list: readonly number[]) => list.indexOf(Math.max(...list));
const centred = (x: number, y: number, w: number, h: number): Corners => [x - w / 2, y - h / 2, x + w / 2, y + h / 2];
const only = (outputs: Outputs) => Object.values(outputs)[0] as Tensor;
/** Every cell of grids of these strides, row by row. */
const cellsOf = ({ width, height }: ReferenceCase, strides: readonly number[]) => strides.flatMap((stride) =>
  range(Math.ceil(height / stride)).flatMap((row) => range(Math.ceil(width / stride)).map((column) => ({ stride, row, column }))));
const softmax = (list: readonly number[]) => {
  const powers = list.map((one) => Math.exp(one - Math.max(...list)));
  return powers.map((one) => one / powers.reduce((a, b) => a + b));
};

export const REFERENCE_DECODERS: Readonly<Record<string, (given: ReferenceCase) => ReferenceDetection[]>> = {
  centernet({ outputs, width, height, labels }) {
    const { heatmap, wh } = outputs as { heatmap: Tensor; wh: Tensor };
    const [rows, columns] = heatmap.dims.slice(2) as [number, number];
    const at = (label: number, row: number, column: number) =>
      row < 0 || column < 0 || row >= rows || column >= columns ? -Infinity : value(heatmap, 0, label, row, column);
    return range(labels).flatMap((label) =>
      range(rows).flatMap((row) =>
        range(columns).flatMap((column) => {
          const score = at(label, row, column);
          if (score < 0.05 || [-1, 0, 1].some((down) => [-1, 0, 1].some((right) => at(label, row + down, column + right) > score)))
            return [];
          const [left, up, right, down] = range(4).map((side) => value(wh, 0, side, row, column)) as Corners;
          return [
            {
              label,
              score,
              corners: [column * 4 - left, row * 4 - up, column * 4 + right, row * 4 + down].map(
                (pixel, axis) => pixel / (axis % 2 ? height : width),
              ) as Corners,
            },
          ];
        }),
      ),
    );
  },
  yolov5({ outputs, width, height, labels }) {
    const output = only(outputs);
    return range(output.dims[1] as number).map((row) => {
      const classes = range(labels).map((label) => value(output, 0, row, 5 + label));
      const [x, y, w, h] = range(4).map((at) => value(output, 0, row, at)) as Corners;
      return {
        label: argmax(classes),
        score: value(output, 0, row, 4) * Math.max(...classes),
        corners: centred(x / width, y / height, w / width, h / height),
      };
    });
  },
  yolov8({ outputs, width, height, labels }) {
    const output = only(outputs);
    const isTurned = output.dims[1] !== 4 + labels;
    const get = (channel: number, cell: number) => (isTurned ? value(output, 0, cell, channel) : value(output, 0, channel, cell));
    return range(output.dims[isTurned ? 1 : 2] as number).map((cell) => {
      const classes = range(labels).map((label) => get(4 + label, cell));
      return {
        label: argmax(classes),
        score: Math.max(...classes),
        corners: centred(get(0, cell) / width, get(1, cell) / height, get(2, cell) / width, get(3, cell) / height),
      };
    });
  },
  'yolo-rows'({ outputs, width, height }) {
    const output = only(outputs);
    const isBatched = output.dims.length === 2;
    return range(output.dims[isBatched ? 0 : 1] as number).map((row) => {
      const numbers = range(isBatched ? 7 : 6).map((at) => (isBatched ? value(output, row, at) : value(output, 0, row, at)));
      const [x1, y1, x2, y2, score, label] = (isBatched ? [...numbers.slice(1, 5), numbers[6], numbers[5]] : numbers) as [
        number,
        number,
        number,
        number,
        number,
        number,
      ];
      return { label, score, corners: [x1 / width, y1 / height, x2 / width, y2 / height] };
    });
  },
  yolox(given) {
    const output = only(given.outputs);
    return cellsOf(given, [8, 16, 32]).map(({ stride, row, column }, at) => {
      const classes = range(given.labels).map((label) => value(output, 0, at, 5 + label));
      const [x, y, w, h] = range(4).map((axis) => value(output, 0, at, axis)) as Corners;
      return {
        label: argmax(classes),
        score: value(output, 0, at, 4) * Math.max(...classes),
        corners: centred(
          ((x + column) * stride) / given.width,
          ((y + row) * stride) / given.height,
          (Math.exp(w) * stride) / given.width,
          (Math.exp(h) * stride) / given.height,
        ),
      };
    });
  },
  nanodet: (given) => distances(given, [8, 16, 32], (stride) => (stride - 1) / 2),
  picodet: (given) => distances(given, [8, 16, 32, 64], (stride) => stride / 2),
  'nanodet-plus': (given) => distances(given, [8, 16, 32, 64], () => 0),
  fastestdet({ outputs, labels }) {
    const output = only(outputs);
    const [rows, columns] = output.dims.slice(2) as [number, number];
    return range(rows).flatMap((row) =>
      range(columns).map((column) => {
        const get = (plane: number) => value(output, 0, plane, row, column);
        const classes = range(labels).map((label) => get(5 + label));
        const half = (plane: number) => 1 / (1 + Math.exp(-get(plane)));
        return {
          label: argmax(classes),
          score: get(0) ** 0.6 * Math.max(...classes) ** 0.4,
          corners: centred((column + Math.tanh(get(1))) / columns, (row + Math.tanh(get(2))) / rows, half(3), half(4)),
        };
      }),
    );
  },
  yunet: (given) =>
    [8, 16, 32].flatMap((stride) =>
      cellsOf(given, [stride]).map(({ row, column }, at) => {
        const get = (name: string, axis: number) => value(given.outputs[`${name}_${stride}`] as Tensor, 0, at, axis);
        const bounded = (score: number) => Math.min(1, Math.max(0, score));
        return {
          label: 0,
          score: Math.sqrt(bounded(get('cls', 0)) * bounded(get('obj', 0))),
          corners: centred(
            ((column + get('bbox', 0)) * stride) / given.width,
            ((row + get('bbox', 1)) * stride) / given.height,
            (Math.exp(get('bbox', 2)) * stride) / given.width,
            (Math.exp(get('bbox', 3)) * stride) / given.height,
          ),
        };
      }),
    ),
  ultraface: ({ outputs }) =>
    range(outputs.scores?.dims[1] as number).map((row) => ({
      label: 0,
      score: value(outputs.scores as Tensor, 0, row, 1),
      corners: range(4).map((at) => value(outputs.boxes as Tensor, 0, row, at)) as Corners,
    })),
  blazeface: ({ outputs, width, height }) =>
    ['fine', 'coarse'].flatMap((level) => {
      const [scores, boxes] = [outputs[`${level}_scores`] as Tensor, outputs[`${level}_boxes`] as Tensor];
      const [, places, rows, columns] = scores.dims as Corners;
      return range(rows).flatMap((row) =>
        range(columns).flatMap((column) =>
          range(places).map((place) => {
            const [x, y, w, h] = range(4).map((at) => value(boxes, 0, place * 16 + at, row, column)) as Corners;
            return {
              label: 0,
              score: 1 / (1 + Math.exp(-value(scores, 0, place, row, column))),
              corners: centred(
                (column * (width / columns) + width / columns / 2 + x) / width,
                (row * (height / rows) + height / rows / 2 + y) / height,
                w / width,
                h / height,
              ),
            };
          }),
        ),
      );
    }),
};

function distances(given: ReferenceCase, strides: readonly number[], centre: (stride: number) => number): ReferenceDetection[] {
  const tensors = Object.values(given.outputs);
  const lengths = strides.map((stride) => cellsOf(given, [stride]).length);
  return strides.flatMap((stride, level) =>
    cellsOf(given, [stride]).map(({ row, column }, at) => {
      const joined = tensors.length === 1 ? tensors[0] : undefined;
      const before = lengths.slice(0, level).reduce((a, b) => a + b, 0);
      const [scores, sides] = joined
        ? [joined, joined]
        : ([given.labels, undefined].map(
            (width) =>
              tensors.find(
                ({ dims }) => dims[1] === lengths[level] && (width === undefined ? dims[2] !== given.labels : dims[2] === width),
              ) as Tensor,
          ) as [Tensor, Tensor]);
      const classes = range(given.labels).map((label) => value(scores, 0, joined ? before + at : at, label));
      const bins = ((sides.dims[2] as number) - (joined ? given.labels : 0)) / 4;
      const [left, up, right, down] = range(4).map((side) => {
        const shares = softmax(
          range(bins).map((bin) => value(sides, 0, joined ? before + at : at, (joined ? given.labels : 0) + side * bins + bin)),
        );
        return shares.reduce((sum, share, bin) => sum + share * bin, 0) * stride;
      }) as Corners;
      const [x, y] = [column * stride + centre(stride), row * stride + centre(stride)];
      return {
        label: argmax(classes),
        score: Math.max(...classes),
        corners: [(x - left) / given.width, (y - up) / given.height, (x + right) / given.width, (y + down) / given.height],
      };
    }),
  );
}

/** Threshold, doubles of one class, edges of the picture: as the models are described, once more. */
export function selectReferenceDetections(
  found: readonly ReferenceDetection[],
  classes: readonly string[],
  scoreThreshold: number,
  maxOverlap: number,
): Box[] {
  const area = ([x1, y1, x2, y2]: Corners) => Math.max(0, x2 - x1) * Math.max(0, y2 - y1);
  const shared = (a: Corners, b: Corners) => area([Math.max(a[0], b[0]), Math.max(a[1], b[1]), Math.min(a[2], b[2]), Math.min(a[3], b[3])]);
  const kept: ReferenceDetection[] = [];
  for (const one of found
    .filter(({ score, corners }) => score >= scoreThreshold && area(corners) > 0)
    .toSorted((a, b) => b.score - a.score)) {
    const isDouble = kept.some(
      (better) =>
        better.label === one.label &&
        shared(better.corners, one.corners) / (area(better.corners) + area(one.corners) - shared(better.corners, one.corners)) > maxOverlap,
    );
    if (!isDouble) kept.push(one);
  }
  return kept.flatMap(({ label, score, corners }) => {
    const [x1, y1, x2, y2] = corners.map((edge) => Math.min(1, Math.max(0, edge))) as Corners;
    return area([x1, y1, x2, y2]) > 0 ? [{ class: classes[label] as string, score, x: x1, y: y1, width: x2 - x1, height: y2 - y1 }] : [];
  });
}
