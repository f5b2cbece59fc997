/** What is different between two lists of results, in words: for people who decide whether it is meant. Pure. */
import { MAX_TIME_MS } from '../core/event.ts';
import type { ResultLine } from './result-lines.ts';

export interface ResultDifference {
  en: string;
  zh: string;
}

/** Fields that older cases do not have: a case in which no line has one says nothing of it. */
const LATER = ['origin', 'position', 'window'] as const;

/** What was played as far as the case says anything of it. */
export function comparableLines(wanted: readonly ResultLine[], got: readonly ResultLine[]): readonly ResultLine[] {
  const unsaid = LATER.filter((field) => !wanted.some((line) => field in line));
  return unsaid.length === 0 ? got : got.map((line) => Object.fromEntries(Object.entries(line).filter(([key]) => !unsaid.some((field) => field === key))) as unknown as ResultLine);
}

/** One entry a line that is missing, new or other; none when the lists are the same. */
export function resultDifferences(wanted: readonly ResultLine[], got: readonly ResultLine[]): ResultDifference[] {
  const found: ResultDifference[] = [];
  const left = withoutSame(wanted, got);
  const rest = [...left.got];
  for (const line of left.wanted) {
    const at = nearestIndex(line, rest);
    const [other] = at < 0 ? [] : rest.splice(at, 1);
    found.push(other ? describeChange(line, other) : { en: `missing: ${describeLine(line)}`, zh: `缺少：${describeLine(line)}` });
  }
  for (const line of rest) found.push({ en: `new: ${describeLine(line)}`, zh: `新增：${describeLine(line)}` });
  if (found.length === 0) {
    const first = wanted.findIndex((line, at) => text(line) !== text(got[at]));
    if (first >= 0) found.push({ en: `same lines in another order, from line ${first + 1} on: ${describeLine(got[first] as ResultLine)}`, zh: `内容相同，但从第 ${first + 1} 行起顺序不同：${describeLine(got[first] as ResultLine)}` });
  }
  return found;
}

const text = (line: ResultLine | undefined): string => JSON.stringify(line && Object.entries(line).toSorted(([a], [b]) => (a < b ? -1 : 1)));

/** Lines that stand in both are nobody's concern, wherever they stand. */
function withoutSame(wanted: readonly ResultLine[], got: readonly ResultLine[]): { wanted: ResultLine[]; got: ResultLine[] } {
  const counts = new Map<string, number>();
  for (const line of got) counts.set(text(line), (counts.get(text(line)) ?? 0) + 1);
  const missing = wanted.filter((line) => {
    const count = counts.get(text(line)) ?? 0;
    counts.set(text(line), count - 1);
    return count <= 0;
  });
  const extra: ResultLine[] = [];
  for (let at = got.length - 1; at >= 0; at -= 1) {
    const line = got[at] as ResultLine;
    const count = counts.get(text(line)) ?? 0;
    if (count <= 0) continue;
    counts.set(text(line), count - 1);
    extra.unshift(line);
  }
  return { wanted: missing, got: extra };
}

const nameOf = (line: ResultLine): string => ('fault' in line ? line.fault : `${line.device}/${line.point}`);

/** Of the same point or fault: the one of the same time, else the first. */
function nearestIndex(line: ResultLine, among: readonly ResultLine[]): number {
  const same = (other: ResultLine) => nameOf(other) === nameOf(line);
  const exact = among.findIndex((other) => same(other) && other.at === line.at);
  return exact >= 0 ? exact : among.findIndex(same);
}

function describeChange(before: ResultLine, after: ResultLine): ResultDifference {
  const fields = [...new Set([...Object.keys(before), ...Object.keys(after)])] as (keyof typeof before)[];
  const other = fields.filter((field) => JSON.stringify(before[field]) !== JSON.stringify(after[field]));
  const list = other.map((field) => [field, valueOf(field, before[field]), valueOf(field, after[field])] as const);
  const where = `${nameOf(before)} ${time(before.at)}`;
  return {
    en: `${where}: ${list.map(([field, a, b]) => `${field} was ${a}, is ${b}`).join('; ')}`,
    zh: `${where}：${list.map(([field, a, b]) => `${field} 原为 ${a}，现为 ${b}`).join('；')}`,
  };
}

const time = (at: number): string => (Number.isFinite(at) && Math.abs(at) < MAX_TIME_MS ? new Date(at).toISOString() : String(at));

function valueOf(field: string, value: unknown): string {
  if (field === 'at' && typeof value === 'number') return time(value);
  return typeof value === 'string' ? value : JSON.stringify(value) ?? 'nothing';
}

function describeLine(line: ResultLine): string {
  if ('fault' in line) return `${line.fault} ${time(line.at)} (${line.message})`;
  const { value, unit, quality, flags, at } = line;
  return `${nameOf(line)} ${time(at)} ${JSON.stringify(value)}${unit ? ` ${unit}` : ''} ${[quality, ...flags].join(' ')}`;
}
