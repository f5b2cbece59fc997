/** Rows of numbers in which each class has a place. Pure. */

/** Index of the greatest of `count` values from `at` on, the first of equals. */
export function bestClass(data: Float32Array, at: number, count: number): number {
  let best = 0;
  for (let label = 1; label < count; label += 1) if ((data[at + label] as number) > (data[at + best] as number)) best = label;
  return best;
}
