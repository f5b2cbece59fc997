/** Kinds of objects that are counted; a kind may have several class names in a model. */
const KINDS: Readonly<Record<string, { classes: readonly string[]; unit: string; point: string; zh: string; en: string }>> = {
  person: { classes: ['person'], unit: '{person}', point: 'persons', zh: '人数', en: 'people' },
  // What takes a lane of its own; bicycles do not.
  vehicle: { classes: ['car', 'truck', 'bus', 'motorcycle'], unit: '{vehicle}', point: 'vehicles', zh: '车辆数', en: 'vehicles' },
};

/** Names that stand for several classes, beside the classes of the model themselves. */
export const KIND_NAMES: readonly string[] = Object.keys(KINDS);

export function classesOf(kinds: readonly string[]): ReadonlySet<string> {
  return new Set(kinds.flatMap((kind) => KINDS[kind]?.classes ?? [kind]));
}

/** Name and unit of the count of a kind. */
export function countPointOf(kind: string): { unit: string; point: string; zh: string; en: string } {
  return KINDS[kind] ?? { unit: '{count}', point: kind.replaceAll(/[^A-Za-z0-9]+/g, '-'), zh: `${kind} 数量`, en: `number of ${kind}` };
}

/** The common unit of these counts. */
export function countUnitOf(kinds: readonly string[]): string {
  const units = new Set(kinds.map((kind) => countPointOf(kind).unit));
  return units.size === 1 ? [...units][0] as string : '{count}';
}
