/** `cityvitals replay CASE…`: recorded devices through the real link and decoder, on a virtual clock. */
import { writeFileSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import { Command, InvalidArgumentError } from 'commander';
import { differences } from '../core/cases/difference.ts';
import { junit, tap, type CaseResult } from '../core/cases/report.ts';
import type { Draft } from '../core/event.ts';
import { FaultError } from '../core/faults.ts';
import type { ResultLine } from '../core/result-lines.ts';
import { foldersOf, loadCase, replaySamples, type LoadedCase } from '../test-rigs/replay/cases.ts';
import { replayEvents } from '../test-rigs/replay/events.ts';
import { paceAt, type Speed } from '../test-rigs/replay/pace.ts';
import { printLine } from './result-print.ts';
import { printProblems } from './service.ts';
import { EXIT, fail, type Terminal } from './terminal.ts';

interface Options {
  speed: Speed;
  to: 'samples' | 'events' | 'edge';
  tap?: boolean;
  junit?: string;
}

export function define(terminal: Terminal): Command {
  const { text } = terminal;
  return new Command()
    .argument('<case...>', text({ en: 'folders of cases, or of folders of cases', zh: '案例目录，或含多个案例的目录' }))
    .option('--speed <speed>', text({ en: '1 as recorded, 60 a minute a second, max', zh: '1 为原速，60 为一秒一分钟，max 为最快' }), speedOf, 'max')
    .option('--to <stage>', text({ en: 'samples (what drivers give), events (what an edge would keep), edge (a whole edge and a gateway)', zh: 'samples（驱动给出的样本）、events（边缘节点将保存的事件）、edge（完整的边缘节点与网关）' }), stageOf, 'samples')
    .option('--tap', text({ en: 'only whether each case gives what it must, as TAP', zh: '只输出各案例是否符合预期，TAP 格式' }))
    .option('--junit <file>', text({ en: 'the same as JUnit XML into a file', zh: '同上，以 JUnit XML 写入文件' }))
    .addHelpText('after', `\n${text({ en: 'Examples', zh: '示例' })}:\n  cityvitals replay drivers/modbus/recorded/pymodbus-rtu\n  cityvitals replay drivers/modbus/recorded --tap\n  cityvitals replay CASE --speed 60 --to events --json`)
    .action((paths: string[], options: Options) => run(terminal, paths, options).catch((error: unknown) => fail(terminal, error, EXIT.usage)));
}

async function run(terminal: Terminal, paths: readonly string[], options: Options): Promise<void> {
  const stop = new AbortController();
  process.once('SIGINT', () => stop.abort());
  const folders = (await Promise.all(paths.map(foldersOf))).flat();
  const isJudged = options.tap === true || options.junit !== undefined;
  const results: CaseResult[] = [];
  for (const folder of folders) {
    const { loaded, problems } = await loadCase(folder);
    if (!loaded) {
      printProblems(terminal, problems);
      process.exitCode = EXIT.usage;
      results.push({ suite: '-', name: folder, problems: problems.map(({ fault }) => new FaultError(fault.code, fault.params).message) });
      continue;
    }
    const result = await play(terminal, loaded, options, stop.signal, isJudged);
    if (stop.signal.aborted) process.exit(EXIT.interrupted);
    results.push(result);
    if (result.problems.length > 0) {
      process.exitCode ??= EXIT.found;
      if (!isJudged) terminal.remark(terminal.text({ en: `${folder}: ${result.problems.length} line(s) differ from expected.jsonl; cityvitals case accept shows them`, zh: `${folder}：与 expected.jsonl 有 ${result.problems.length} 行不同；cityvitals case accept 可查看` }));
    }
  }
  if (options.tap) process.stdout.write(tap(results));
  if (options.junit !== undefined) writeFileSync(options.junit, junit(results));
}

/** Plays one case to where it was asked for. What is printed depends on the case alone, never on speed or language of the machine. */
async function play(terminal: Terminal, loaded: LoadedCase, { speed, to }: Options, signal: AbortSignal, isQuiet: boolean): Promise<CaseResult> {
  const { recorded, drivers } = loaded;
  const pace = paceAt(speed, recorded.startsAt, signal);
  const how = { signal, ...(pace ? { pace } : {}) };
  const named = { suite: recorded.devices[0].driver, name: `${basename(dirname(recorded.folder)) === 'recorded' ? '' : `${basename(dirname(recorded.folder))}/`}${recorded.name}` };
  if (to === 'edge') {
    const { replayToEdge } = await import('../test-rigs/replay/edge.ts');
    const outcome = await replayToEdge(loaded, how, (event) => terminal.record(event));
    return { ...named, problems: outcome.problems };
  }
  if (to === 'events') {
    await replayEvents(recorded, { drivers, ...how }, (draft) => printEvent(terminal, draft, isQuiet));
    return { ...named, problems: [] };
  }
  const lines: ResultLine[] = [];
  await replaySamples(loaded, how, (line) => {
    lines.push(line);
    if (!isQuiet) printLine(terminal, line);
  });
  if (!recorded.expected) return { ...named, problems: [], skipped: 'no expected.jsonl' };
  return { ...named, problems: differences(recorded.expected, lines).map(({ en }) => en) };
}

function printEvent(terminal: Terminal, draft: Draft, isQuiet: boolean): void {
  if (isQuiet) return;
  if (terminal.json) return terminal.record(draft);
  const { occurredAt, device, point, value, unit, quality, flags = [] } = draft;
  terminal.print(`${new Date(occurredAt).toISOString()}  ${`${device}/${point}`.padEnd(28)} ${JSON.stringify(value)} ${unit}  ${[quality, ...flags].join(' ')}`);
}

function speedOf(given: string): Speed {
  if (given === 'max') return 'max';
  const speed = Number(given);
  if (Number.isFinite(speed) && speed > 0) return speed;
  throw new InvalidArgumentError('1, 60, max …');
}

function stageOf(given: string): Options['to'] {
  if (given === 'samples' || given === 'events' || given === 'edge') return given;
  throw new InvalidArgumentError('samples, events, edge');
}
