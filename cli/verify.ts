/** `cityvitals verify`: verifies all data that an edge or a gateway has on disk. */
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { Command } from 'commander';
import { STREAMS } from '../core/event.ts';
import { explain, FaultError } from '../core/faults.ts';
import { verifyJournal } from '../log/journal.ts';
import { lockLogFolder } from '../log/log-folder.ts';
import { StorageError } from '../log/storage.ts';
import { verifyLog, type LogChains } from '../log/verify.ts';
import { formatBytes } from '../core/quantity.ts';
import { faultLine } from '../cases/result-lines.ts';
import { configKind } from './check.ts';
import { loadEdge, loadGateway } from './load.ts';
import { openProgress } from './progress.ts';
import { configText, printProblems } from './service.ts';
import { EXIT, exitWithFault, type CommandTerminal } from './terminal.ts';
import type { VerifyResult } from './verify/verify-result.ts';
import { verifyWarningState } from './verify/state.ts';
import { verifyStorePart } from './verify/store.ts';
import './faults.ts';
import '../log/faults.ts';

interface Options {
  config?: string;
}

export function define(terminal: CommandTerminal): Command {
  const { text } = terminal;
  return new Command()
    .option(
      '-c, --config <file>',
      text({
        en: 'configuration of an edge or a gateway; default ./edge.yaml, else ./gateway.yaml',
        zh: '边缘节点或网关的配置；默认 ./edge.yaml，其次 ./gateway.yaml',
      }),
    )
    .addHelpText(
      'after',
      `\n${text({ en: 'The service may be running: files of the log being written and the state of the rules are skipped, and a gateway verifies its store itself.\nExit: 0 ok · 1 problems found · 2 usage or configuration error · 3 no data, or no answer', zh: '可在其运行时执行：正在写入的日志文件不检查，时序库由网关自行回读，规则与预警不检查。\n退出码：0 完好 · 1 有问题 · 2 用法或配置错误 · 3 没有数据或无应答' })}\n\n${text({ en: 'Examples', zh: '示例' })}:\n  cityvitals verify --config edge.yaml\n  cityvitals verify --config gateway.yaml --json`,
    )
    .action((options: Options) =>
      run(terminal, options).then(
        (exit) => {
          process.exitCode = exit;
        },
        (error: unknown) =>
          exitWithFault(terminal, error, error instanceof FaultError && MISSING.has(error.fault.code) ? EXIT.missing : EXIT.found),
      ),
    );
}

const MISSING = new Set(['CV_VERIFY_NO_FOLDER', 'CV_VERIFY_STORE_HELD']);

async function run(terminal: CommandTerminal, options: Options): Promise<number> {
  const path = resolve(options.config ?? (existsSync('edge.yaml') || !existsSync('gateway.yaml') ? 'edge.yaml' : 'gateway.yaml'));
  const text = configText(terminal, path);
  let faults = 0;
  const tell = (part: VerifyResult) => {
    printResult(terminal, part);
    faults += part.faults.length;
  };
  if (configKind(text) === 'gateway') {
    const { setup, problems } = await loadGateway({ path, text });
    printProblems(terminal, problems);
    if (!setup) return EXIT.usage;
    tell(readLog(terminal, setup.log.dir, { chains: ['log'], origins: true }));
    await readCommands(setup.log.dir, tell);
    await readAudit(setup.log.dir, tell);
    tell(await verifyStorePart(terminal, setup));
    tell(await verifyWarningState(setup.store.dir));
  } else {
    const { setup, problems } = await loadEdge({ path, text });
    printProblems(terminal, problems);
    if (!setup) return EXIT.usage;
    tell(readLog(terminal, setup.log.dir, { chains: STREAMS, origins: false }));
    await readCommands(setup.log.dir, tell);
  }
  return faults > 0 ? EXIT.found : EXIT.ok;
}

function readLog(terminal: CommandTerminal, dir: string, form: LogChains): VerifyResult {
  if (!existsSync(dir)) throw new FaultError('CV_VERIFY_NO_FOLDER', { dir });
  const lock = existsSync(join(dir, 'lock.db')) ? lockUnlessHeld(dir) : { release() {} };
  const progress = openProgress(terminal, { id: 'log', en: 'verifying the log', zh: '正在校验事件日志', unit: 'bytes' });
  try {
    const steps = verifyLog(dir, form, lock === null);
    let step = steps.next();
    for (; !step.done; step = steps.next()) progress.update(step.value.doneBytes, step.value.ofBytes, step.value.file);
    const { faults, ...counts } = step.value;
    const { files, events, bytes, live, named } = counts;
    return {
      part: 'log', counts: { dir, ...counts }, faults,
      text: {
        en: `log ${dir}: ${files} files, ${events} events, ${formatBytes(bytes)}${named > 0 ? `; ${named} events missing, already covered by gap records` : ''}${lock === null ? `; in use: ${live.length} files being written were skipped, stop the service to check them` : ''}`,
        zh: `事件日志 ${dir}：${files} 个文件，${events} 个事件，${formatBytes(bytes)}${named > 0 ? `；缺失 ${named} 个事件，此前已由缺口记录说明` : ''}${lock === null ? `；正被进程使用：其正在写入的 ${live.length} 个文件未检查，停止后可一并检查` : ''}`,
      },
    };
  } finally {
    progress.end();
    lock?.release();
  }
}

/** null: a process uses the folder. */
function lockUnlessHeld(dir: string): { release(): void } | null {
  try {
    return lockLogFolder(dir);
  } catch (error) {
    if (error instanceof StorageError && error.failure.locked) return null;
    throw new FaultError('CV_LOG_UNUSABLE', { dir, detail: error instanceof Error ? error.message : String(error) }, { cause: error });
  }
}

/** The record of commands beside a log; who never had one has none. */
async function readCommands(logDir: string, tell: (part: VerifyResult) => void): Promise<void> {
  const dir = join(logDir, 'commands');
  if (!existsSync(dir)) return;
  const { lines, faults } = await verifyJournal(dir);
  tell({
    part: 'commands',
    counts: { dir, lines: lines.length },
    faults,
    text: { en: `audit journal ${dir}: ${lines.length} lines`, zh: `命令记录 ${dir}：${lines.length} 行` },
  });
}

/** Who never ran has none. */
async function readAudit(logDir: string, tell: (part: VerifyResult) => void): Promise<void> {
  if (!existsSync(join(logDir, 'audit'))) return;
  // On demand: an edge loads nothing of the gateway.
  const { verifyAuditPart } = await import('./verify/audit.ts');
  tell(await verifyAuditPart(logDir));
}

function printResult(terminal: CommandTerminal, { part, text, counts, faults }: VerifyResult): void {
  if (terminal.json) {
    for (const fault of faults) terminal.record({ part, ...faultLine(fault, Date.now(), terminal.language), params: fault.params });
    return terminal.record({ part, ok: faults.length === 0, faults: faults.length, ...counts });
  }
  terminal.print(`${faults.length === 0 ? '✓' : '✗'} ${terminal.text(text)}`);
  let toldRemedy = '';
  for (const fault of faults) {
    const { message, remedy } = explain(fault, terminal.language);
    terminal.print(`  ✗ ${message} [${fault.code}]${remedy && remedy !== toldRemedy ? `\n    → ${remedy}` : ''}`);
    toldRemedy = remedy;
  }
}

