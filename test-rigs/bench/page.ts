/** `docs/benchmarks.md`, made from what `--write` has kept in `docs/benchmarks.json`: each bench as it ran last. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { BenchResult } from './result.ts';

export interface BenchSection {
  /** ISO day. */
  day: string;
  command: string;
  machine: string;
  /** Percent of the processors that others had just before and just after. */
  othersBusyPercent: [before: number, after: number];
  versions: Record<string, string>;
  notes: readonly string[];
  results: BenchResult[];
}

const DOCS = join(import.meta.dirname, '..', '..', 'docs');
const JSON_FILE = join(DOCS, 'benchmarks.json');
/** Above this a machine was not ours alone. */
const QUIET_PERCENT = 10;

/** Keeps these parts beside those of other benches, and writes the page anew. */
export function writePage(parts: Record<string, BenchSection>): void {
  const known = existsSync(JSON_FILE) ? (JSON.parse(readFileSync(JSON_FILE, 'utf8')) as Record<string, BenchSection>) : {};
  const all = { ...known, ...parts };
  writeFileSync(JSON_FILE, `${JSON.stringify(all, null, 1)}\n`);
  writeFileSync(join(DOCS, 'benchmarks.md'), benchPage(all));
}

export function benchPage(parts: Record<string, BenchSection>): string {
  return [
    '<!-- Made by `npm run bench -- all --write`; edits are lost. -->',
    '# Benchmarks 性能测试', '',
    'Each bench runs its contenders in one run on one machine; `npm run bench -- NAME --write` runs one again and puts it here. A ratio is our figure over theirs: for rates more is better, for times, bytes and processor time less.', '',
    '每项测试在同一台机器、同一次运行中比较各方；`npm run bench -- NAME --write` 重新运行并更新此页。比值 = 本项目 ÷ 对方：速率越大越好，时间、字节和处理器占用越小越好。', '',
    ...Object.entries(parts).toSorted(([one], [other]) => one.localeCompare(other)).flatMap(([name, part]) => sectionOf(name, part)),
  ].join('\n');
}

function sectionOf(name: string, { day, command, machine, othersBusyPercent, versions, notes, results }: BenchSection): string[] {
  const others = [...new Set(results.flatMap(({ ratioTo }) => Object.keys(ratioTo)))];
  const programs = Object.entries(versions).map(([program, version]) => `${program} ${version}`).join(', ');
  return [
    `## ${name}`, '',
    `\`${command}\`, ${day}: ${machine}.${programs === '' ? '' : ` With ${programs}.`}`, '',
    ...(Math.max(...othersBusyPercent) > QUIET_PERCENT ? [sharedWord(othersBusyPercent), ''] : []),
    `| result 结果 | value 数值 | ${others.map((other) => `÷ ${other}`).join(' | ')} |`,
    `|---|---:|${others.map(() => '---:|').join('')}`,
    ...results.map(({ name: label, value, unit, ratioTo }) => `| ${label} | ${value.toLocaleString('en')} ${unit} | ${others.map((other) => ratioTo[other] ?? '').join(' | ')} |`),
    '',
    ...notes.map((note) => `- ${note}`),
    '',
  ];
}

const sharedWord = ([before, after]: [number, number]): string =>
  `**The machine was shared**: other work had ${before} % of its processors just before and ${after} % just after. Absolute figures are too low and times too long, and what shares the processors differently is favoured or hurt; the ratios are only a hint. 测试期间机器被其他任务占用，数值偏低，比值仅供参考。`;
