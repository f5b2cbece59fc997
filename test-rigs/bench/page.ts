/** `docs/benchmarks.md`, made from what `--write` has kept in `docs/benchmarks.json`: each bench as it ran last. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ratioToBaseline, type BenchRun, type KeptBenchRun } from './baseline.ts';

const DOCS = join(import.meta.dirname, '..', '..', 'docs');
const JSON_FILE = join(DOCS, 'benchmarks.json');
/** Above this a machine was not ours alone. */
const QUIET_PERCENT = 10;

/** Those that are kept, by bench. */
export function keptRuns(): Record<string, KeptBenchRun> {
  return existsSync(JSON_FILE) ? (JSON.parse(readFileSync(JSON_FILE, 'utf8')) as Record<string, KeptBenchRun>) : {};
}

/** Keeps this part beside those of other benches, as the baseline too where it is to be one, and writes the page anew. */
export function writePage(name: string, part: BenchRun, isBaseline: boolean): void {
  const known = keptRuns();
  const baseline = isBaseline ? part : known[name]?.baseline;
  const all = { ...known, [name]: { ...part, ...(baseline && { baseline }) } };
  writeFileSync(JSON_FILE, `${JSON.stringify(all, null, 1)}\n`);
  writeFileSync(join(DOCS, 'benchmarks.md'), benchPage(all));
}

export function benchPage(parts: Record<string, KeptBenchRun>): string {
  return [
    '<!-- Made by `npm run bench -- all --write`; edits are lost. -->',
    '# Benchmarks 性能测试',
    '',
    'Each bench runs its contenders in one run on one machine; `npm run bench -- NAME --write` runs one again and puts it here. A ratio is our figure over theirs: for rates more is better, for times, bytes and processor time less. ÷ baseline stands beside the run that every later one is compared with: where both have a peer, it is our ratio to the peer now over that then, so that the machine does not count.',
    '',
    '每项测试在同一台机器、同一次运行中比较各方；`npm run bench -- NAME --write` 重新运行并更新此页。比值 = 本项目 ÷ 对方：速率越大越好，时间、字节和处理器占用越小越好。“÷ baseline”是与基线之比：两次都有同一对照方时，取“与对照方之比”的比值，与机器快慢无关。',
    '',
    ...Object.entries(parts)
      .toSorted(([one], [other]) => one.localeCompare(other))
      .flatMap(([name, part]) => sectionOf(name, part)),
  ].join('\n');
}

function sectionOf(name: string, { day, command, machine, othersBusyPercent, versions, notes, results, baseline }: KeptBenchRun): string[] {
  const others = [...new Set(results.flatMap(({ ratioTo }) => Object.keys(ratioTo)))];
  const programs = Object.entries(versions).map(([program, version]) => `${program} ${version}`).join(', ');
  return [
    `## ${name}`, '',
    `\`${command}\`, ${day}: ${machine}.${programs === '' ? '' : ` With ${programs}.`}`, '',
    ...(Math.max(...othersBusyPercent) > QUIET_PERCENT ? [sharedWord(othersBusyPercent), ''] : []),
    rowOf('result 结果', 'value 数值', ...(baseline ? ['÷ baseline'] : []), ...others.map((other) => `÷ ${other}`)),
    `|---|---:|${[...(baseline ? [''] : []), ...others].map(() => '---:|').join('')}`,
    ...results.map((result) => rowOf(
      result.name, `${result.value.toLocaleString('en')} ${result.unit}`,
      ...(baseline ? [ratioToBaseline(result, { machine }, baseline) ?? ''] : []), ...others.map((other) => result.ratioTo[other] ?? ''),
    )),
    '',
    ...(baseline ? [`Baseline 基线：${baseline.day}, ${baseline.machine}.`, ''] : []),
    ...notes.map((note) => `- ${note}`),
    '',
  ];
}

const rowOf = (...cells: readonly (string | number)[]): string => `| ${cells.join(' | ')} |`;

const sharedWord = ([before, after]: [number, number]): string =>
  `**The machine was shared**: other work had ${before} % of its processors just before and ${after} % just after. Absolute figures are too low and times too long, and what shares the processors differently is favoured or hurt; the ratios are only a hint. 测试期间机器被其他任务占用，数值偏低，比值仅供参考。`;
