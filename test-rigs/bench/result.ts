/** What a benchmark says: a figure, its unit, and how it stands to others (1 = the same). */
export interface BenchResult {
  name: string;
  value: number;
  unit: string;
  ratioTo: Record<string, number>;
}

/** A result, its figures rounded to three digits. */
export function result(name: string, value: number, unit: string, against: Record<string, number> = {}): BenchResult {
  const ratioTo = Object.fromEntries(Object.entries(against).map(([other, base]) => [other, threeDigits(value / base)]));
  return { name, value: threeDigits(value), unit, ratioTo };
}

function threeDigits(value: number): number {
  return Number(value.toPrecision(3));
}
