/** `cityvitals verify`: reads back all that an edge or a gateway keeps on disk, and says what is wrong, where, and what to do. */
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { Command } from 'commander';
import { STREAMS } from '../core/event.ts';
import { explain, FaultError } from '../core/faults.ts';
import { verifyJournal } from '../log/journal.ts';
import { lockFolder } from '../log/folder.ts';
import { StorageError } from '../log/storage.ts';
import { verifyLog, type LogForm } from '../log/verify.ts';
import { formatBytes } from '../core/quantity.ts';
import { faultLine } from '../cases/result-lines.ts';
import { kindOf } from './check.ts';
import { loadEdge, loadGateway } from './load.ts';
import { openProgress } from './progress.ts';
import { configText, printProblems } from './service.ts';
import { EXIT, fail, type Terminal } from './terminal.ts';
import type { Part } from './verify/part.ts';
import { verifyStateOf } from './verify/state.ts';
import { verifyStoreOf } from './verify/store.ts';
import './faults.ts';
import '../log/faults.ts';

interface Options {
  config?: string;
}

export function define(terminal: Terminal): Command {
  const { text } = terminal;
  return new Command()
    .option('-c, --config <file>', text({ en: 'configuration of an edge or a gateway; default ./edge.yaml, else ./gateway.yaml', zh: '边缘节点或网关的配置；默认 ./edge.yaml，其次 ./gateway.yaml' }))
    .addHelpText('after', `\n${text({ en: 'It may run meanwhile: then the files of the log that it writes to are left out, a gateway reads its store back itself, and what its rules remember is left out.\nExit: 0 sound · 1 something is wrong · 2 wrong call or configuration · 3 there is nothing, or nobody answers', zh: '可在其运行时执行：正在写入的日志文件不检查，时序库由网关自行回读，规则与预警不检查。\n退出码：0 完好 · 1 有问题 · 2 用法或配置错误 · 3 没有数据或无应答' })}\n\n${text({ en: 'Examples', zh: '示例' })}:\n  cityvitals verify --config edge.yaml\n  cityvitals verify --config gateway.yaml --json`)
    .action((options: Options) => run(terminal, options).then((exit) => { process.exitCode = exit; }, (error: unknown) => fail(terminal, error, error instanceof FaultError && MISSING.has(error.fault.code) ? EXIT.missing : EXIT.found)));
}

const MISSING = new Set(['CV_VERIFY_NO_FOLDER', 'CV_VERIFY_STORE_HELD']);

async function run(terminal: Terminal, options: Options): Promise<number> {
  const path = resolve(options.config ?? (existsSync('edge.yaml') || !existsSync('gateway.yaml') ? 'edge.yaml' : 'gateway.yaml'));
  const text = configText(terminal, path);
  let faults = 0;
  const tell = (part: Part) => {
    tellPart(terminal, part);
    faults += part.faults.length;
  };
  if (kindOf(text) === 'gateway') {
    const { setup, problems } = await loadGateway({ path, text });
    printProblems(terminal, problems);
    if (!setup) return EXIT.usage;
    tell(readLog(terminal, setup.log.dir, { chains: ['log'], origins: true }));
    await readCommands(setup.log.dir, tell);
    tell(await verifyStoreOf(terminal, setup));
    tell(await verifyStateOf(setup.store.dir));
  } else {
    const { setup, problems } = await loadEdge({ path, text });
    printProblems(terminal, problems);
    if (!setup) return EXIT.usage;
    tell(readLog(terminal, setup.log.dir, { chains: STREAMS, origins: false }));
    await readCommands(setup.log.dir, tell);
  }
  return faults > 0 ? EXIT.found : EXIT.ok;
}

function readLog(terminal: Terminal, dir: string, form: LogForm): Part {
  if (!existsSync(dir)) throw new FaultError('CV_VERIFY_NO_FOLDER', { dir });
  const lock = existsSync(join(dir, 'lock.db')) ? taken(dir) : { release() {} };
  const progress = openProgress(terminal, { id: 'log', en: 'reading the log back', zh: '正在回读日志', unit: 'bytes' });
  try {
    const steps = verifyLog(dir, form, lock === null);
    let step = steps.next();
    for (; !step.done; step = steps.next()) progress.tell(step.value.doneBytes, step.value.ofBytes, step.value.file);
    const { faults, ...counts } = step.value;
    const { files, events, bytes, live, named } = counts;
    return {
      part: 'log', counts: { dir, ...counts }, faults,
      words: {
        en: `log ${dir}: ${files} files, ${events} events, ${formatBytes(bytes)}${named > 0 ? `; ${named} events missing, named by gap records before` : ''}${lock === null ? `; a process uses it: ${live.length} files that it writes to were left out, stop it to have them checked too` : ''}`,
        zh: `日志 ${dir}：${files} 个文件，${events} 个事件，${formatBytes(bytes)}${named > 0 ? `；缺失 ${named} 个事件，此前已由缺口记录说明` : ''}${lock === null ? `；正被进程使用：其正在写入的 ${live.length} 个文件未检查，停止后可一并检查` : ''}`,
      },
    };
  } finally {
    progress.end();
    lock?.release();
  }
}

/** null: a process uses the folder. */
function taken(dir: string): { release(): void } | null {
  try {
    return lockFolder(dir);
  } catch (error) {
    if (error instanceof StorageError && error.failure.locked) return null;
    throw new FaultError('CV_LOG_UNUSABLE', { dir, detail: error instanceof Error ? error.message : String(error) }, { cause: error });
  }
}

/** The record of commands beside a log; who never had one has none. */
async function readCommands(logDir: string, tell: (part: Part) => void): Promise<void> {
  const dir = join(logDir, 'commands');
  if (!existsSync(dir)) return;
  const { lines, faults } = await verifyJournal(dir);
  tell({ part: 'commands', counts: { dir, lines: lines.length }, faults, words: { en: `record of commands ${dir}: ${lines.length} lines`, zh: `命令记录 ${dir}：${lines.length} 行` } });
}

function tellPart(terminal: Terminal, { part, words, counts, faults }: Part): void {
  if (terminal.json) {
    for (const fault of faults) terminal.record({ part, ...faultLine(fault, Date.now(), terminal.language), params: fault.params });
    return terminal.record({ part, ok: faults.length === 0, faults: faults.length, ...counts });
  }
  terminal.print(`${faults.length === 0 ? '✓' : '✗'} ${terminal.text(words)}`);
  let toldRemedy = '';
  for (const fault of faults) {
    const { message, remedy } = explain(fault, terminal.language);
    terminal.print(`  ✗ ${message} [${fault.code}]${remedy && remedy !== toldRemedy ? `\n    → ${remedy}` : ''}`);
    toldRemedy = remedy;
  }
}

