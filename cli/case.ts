/** `cityvitals case diff A B` and `case accept CASE`: compares cases; accepts the results of one. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline/promises';
import { Command } from 'commander';
import type { Case } from '../cases/case.ts';
import { resultDifferences, type ResultDifference } from '../cases/difference.ts';
import { formatJsonLines } from '../cases/write.ts';
import type { ResultLine } from '../cases/result-lines.ts';
import { loadCase, replaySamples, type LoadedCase } from '../test-rigs/replay/cases.ts';
import { printProblems } from './service.ts';
import { EXIT, exitWithFault, type CommandTerminal } from './terminal.ts';
import '../cases/faults.ts';

/** The rest is only counted. */
const MAX_SHOWN = 200;

export function define(terminal: CommandTerminal): Command {
  const { text } = terminal;
  const command = new Command();
  const sub = (name: string, words: { en: string; zh: string }) => command.command(name).description(text(words))
    .option('--json', text({ en: 'one JSON line a result', zh: '每条结果输出一行 JSON' })).option('--lang <language>');
  sub('diff', { en: 'compare the results of two cases', zh: '比较两个案例的结果' })
    .argument('<a>').argument('<b>')
    .action((a: string, b: string) => diff(terminal, a, b).catch((error: unknown) => exitWithFault(terminal, error, EXIT.usage)));
  sub('accept', {
    en: 'replay a case, show differences from expected.jsonl, and accept them',
    zh: '回放案例，列出与 expected.jsonl 的差异，并更新预期',
  })
    .argument('<case>')
    .option('--yes', text({ en: 'do not ask', zh: '不再询问' }))
    .action((path: string, options: { yes?: boolean }) =>
      accept(terminal, path, options.yes ?? false).catch((error: unknown) => exitWithFault(terminal, error, EXIT.usage)),
    );
  return command.addHelpText(
    'after',
    `\n${text({ en: 'Examples', zh: '示例' })}:\n  cityvitals case diff before/meter after/meter\n  cityvitals case accept drivers/modbus/recorded/pymodbus-rtu --yes`,
  );
}

async function diff(terminal: CommandTerminal, a: string, b: string): Promise<void> {
  const [one, other] = [await load(terminal, a), await load(terminal, b)];
  const found = [
    ...headDifferences(one.recorded, other.recorded),
    ...resultDifferences(one.recorded.expected ?? (await given(one)), other.recorded.expected ?? (await given(other))),
  ];
  show(terminal, found);
  process.exitCode = found.length > 0 ? EXIT.found : EXIT.ok;
}

async function accept(terminal: CommandTerminal, path: string, isDecided: boolean): Promise<void> {
  const loaded = await load(terminal, path);
  const lines = await given(loaded);
  const { expected } = loaded.recorded;
  const found = resultDifferences(expected ?? [], lines);
  show(terminal, found);
  if (expected && found.length === 0) return;
  if (!isDecided && !(await isConfirmed(terminal))) {
    terminal.fault({ code: 'CV_CASE_DIFFERS', params: { path, count: found.length } });
    process.exitCode = EXIT.found;
    return;
  }
  writeFileSync(join(loaded.recorded.folder, 'expected.jsonl'), formatJsonLines(lines));
  terminal.remark(terminal.text({ en: `expected.jsonl updated, ${lines.length} lines`, zh: `expected.jsonl 已更新，共 ${lines.length} 行` }));
}

/** Asks on a terminal. */
async function isConfirmed(terminal: CommandTerminal): Promise<boolean> {
  if (!process.stdin.isTTY || terminal.json) return false;
  const asking = createInterface({ input: process.stdin, output: process.stderr });
  const answer = await asking.question(terminal.text({ en: 'Accept these results? [y/N] ', zh: '确认以上结果？[y/N] ' }));
  asking.close();
  return /^y/i.test(answer.trim());
}

async function load(terminal: CommandTerminal, path: string): Promise<LoadedCase> {
  const { loaded, problems } = await loadCase(path);
  if (loaded) return loaded;
  printProblems(terminal, problems);
  process.exit(EXIT.usage);
}

async function given(loaded: LoadedCase): Promise<ResultLine[]> {
  const lines: ResultLine[] = [];
  await replaySamples(loaded, {}, (line) => lines.push(line));
  return lines;
}

/** Differences of what was recorded, often the cause of different results. */
function headDifferences(a: Case, b: Case): ResultDifference[] {
  const found: ResultDifference[] = [];
  const ids = [...new Set([...a.devices, ...b.devices].map(({ id }) => id))];
  for (const id of ids) {
    const [one, other] = [a.devices.find((device) => device.id === id), b.devices.find((device) => device.id === id)];
    if (!one || !other) {
      found.push({ en: `device ${id} is only in ${one ? a.name : b.name}`, zh: `设备 ${id} 只在 ${one ? a.name : b.name} 中` });
      continue;
    }
    for (const key of new Set([...Object.keys(one.settings), ...Object.keys(other.settings)])) {
      const [before, after] = [JSON.stringify(one.settings[key]) ?? '–', JSON.stringify(other.settings[key]) ?? '–'];
      if (before !== after)
        found.push({ en: `${id}: setting ${key} was ${before}, is ${after}`, zh: `${id}：设置 ${key} 原为 ${before}，现为 ${after}` });
    }
  }
  const [said, says] = [a.traffic.length + a.frames.length, b.traffic.length + b.frames.length];
  if (said !== says) found.push({ en: `${said} recorded lines, now ${says}`, zh: `录制 ${said} 行，现为 ${says} 行` });
  return found;
}

function show(terminal: CommandTerminal, found: readonly ResultDifference[]): void {
  for (const { en, zh } of found.slice(0, MAX_SHOWN)) {
    if (terminal.json) terminal.record({ difference: terminal.text({ en, zh }) });
    else terminal.print(terminal.text({ en, zh }));
  }
  if (found.length > MAX_SHOWN)
    terminal.remark(terminal.text({ en: `and ${found.length - MAX_SHOWN} more`, zh: `另有 ${found.length - MAX_SHOWN} 处` }));
  if (found.length === 0) terminal.remark(terminal.text({ en: 'no differences', zh: '没有差异' }));
}
