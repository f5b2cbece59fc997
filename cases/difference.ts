/** Differences between two lists of results, as text for people. Pure. */
import type { ResultLine } from './result-lines.ts';

export interface ResultDifference {
  en: string;
  zh: string;
}

/** Fields added later: not compared when no line of a case has them. */
const LATER_FIELDS = ['origin', 'position', 'window'] as const;

/** Replayed lines without fields that the case does not have. */
export function comparableLines(wanted: readonly ResultLine[], got: readonly ResultLine[]): readonly ResultLine[] {
  const unsaid = LATER_FIELDS.filter((field) => !wanted.some((line) => field in line));
  return unsaid.length === 0
    ? got
    : got.map(
        (line) =>
          Object.fromEntries(Object.entries(line).filter(([key]) => !unsaid.some((field) => field === key))) as unknown as ResultLine,
      );
}

/** One entry per missing, new or changed line; empty when the lists are equal. */
export function resultDifferences(wanted: readonly ResultLine[], got: readonly ResultLine[]): ResultDifference[] {
  const found: ResultDifference[] = [];
  const left = withoutSame(wanted, got);
  const rest = [...left.got];
  for (const line of left.wanted) {
    const index = nearestIndex(line, rest);
    const [other] = index < 0 ? [] : rest.splice(index, 1);
    found.push(other ? describeChange(line, other) : { en: `missing: ${describeLine(line)}`, zh: `缺少：${describeLine(line)}` });
  }
  for (const line of rest) found.push({ en: `new: ${describeLine(line)}`, zh: `新增：${describeLine(line)}` });
  if (found.length === 0) {
    const first = wanted.findIndex((line, index) => text(line) !== text(got[index]));
    if (first >= 0)
      found.push({
        en: `same lines in a different order from line ${first + 1}: ${describeLine(got[first] as ResultLine)}`,
        zh: `内容相同，但从第 ${first + 1} 行起顺序不同：${describeLine(got[first] as ResultLine)}`,
      });
  }
  return found;
}

/**
 * What of a line counts. Of a fault: its code, place and time, and the values in its message (whatever has a digit). The words
 * are those of the version that wrote them, and the remedy follows from the code.
 */
function comparableFields(line: ResultLine): Record<string, unknown> {
  if (!('fault' in line)) return { ...line };
  const { message, remedy: _remedy, ...rest } = line;
  return { ...rest, message: (message.match(/[\p{L}\p{N}._+-]*\p{N}[\p{L}\p{N}._+-]*/gu) ?? []).toSorted() };
}

const text = (line: ResultLine | undefined): string =>
  JSON.stringify(line && Object.entries(comparableFields(line)).toSorted(([a], [b]) => (a < b ? -1 : 1)));

/** Removes lines that are in both lists. */
function withoutSame(wanted: readonly ResultLine[], got: readonly ResultLine[]): { wanted: ResultLine[]; got: ResultLine[] } {
  const counts = new Map<string, number>();
  for (const line of got) counts.set(text(line), (counts.get(text(line)) ?? 0) + 1);
  const missing = wanted.filter((line) => {
    const count = counts.get(text(line)) ?? 0;
    counts.set(text(line), count - 1);
    return count <= 0;
  });
  const extra: ResultLine[] = [];
  for (let index = got.length - 1; index >= 0; index -= 1) {
    const line = got[index] as ResultLine;
    const count = counts.get(text(line)) ?? 0;
    if (count <= 0) continue;
    counts.set(text(line), count - 1);
    extra.unshift(line);
  }
  return { wanted: missing, got: extra };
}

const nameOf = (line: ResultLine): string => ('fault' in line ? line.fault : `${line.device}/${line.point}`);

/** The line of the same point or fault: at the same time, else the first. */
function nearestIndex(line: ResultLine, among: readonly ResultLine[]): number {
  const same = (other: ResultLine) => nameOf(other) === nameOf(line);
  const exact = among.findIndex((other) => same(other) && other.at === line.at);
  return exact >= 0 ? exact : among.findIndex(same);
}

function describeChange(before: ResultLine, after: ResultLine): ResultDifference {
  const fields = [...new Set([...Object.keys(before), ...Object.keys(after)])] as (keyof typeof before)[];
  const [a, b] = [comparableFields(before), comparableFields(after)];
  const other = fields.filter((field) => JSON.stringify(a[field]) !== JSON.stringify(b[field]));
  const list = other.map((field) => [field, valueOf(field, before[field]), valueOf(field, after[field])] as const);
  const where = `${nameOf(before)} ${time(before.at)}`;
  return {
    en: `${where}: ${list.map(([field, a, b]) => `${field} was ${a}, is ${b}`).join('; ')}`,
    zh: `${where}：${list.map(([field, a, b]) => `${field} 原为 ${a}，现为 ${b}`).join('；')}`,
  };
}

const time = (atMs: number): string => (Number.isFinite(atMs) && Math.abs(atMs) < 8.64e15 ? new Date(atMs).toISOString() : String(atMs));

function valueOf(field: string, value: unknown): string {
  if (field === 'at' && typeof value === 'number') return time(value);
  return typeof value === 'string' ? value : JSON.stringify(value) ?? 'nothing';
}

function describeLine(line: ResultLine): string {
  if ('fault' in line) return `${line.fault} ${time(line.at)} (${line.message})`;
  const { value, unit, quality, flags, at: atMs } = line;
  return `${nameOf(line)} ${time(atMs)} ${JSON.stringify(value)}${unit ? ` ${unit}` : ''} ${[quality, ...flags].join(' ')}`;
}
