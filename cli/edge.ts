/** `cityvitals edge --config FILE`: checks the file, runs the edge until it is told to stop, and stops it in order. */
import { readFileSync } from 'node:fs';
import { Command } from 'commander';
import { pino } from 'pino';
import { problemLine, type ConfigProblem } from '../core/config/check.ts';
import { FaultError } from '../core/faults.ts';
import { openObserver } from '../core/observe.ts';
import { formatBytes } from '../core/quantity.ts';
import { realWorld } from '../core/world.ts';
import type { EdgeSetup } from '../edge/config/setup.ts';
import { shown } from '../edge/forward/uplink.ts';
import { runEdge, type RunningEdge } from '../edge/main.ts';
import { loadEdge } from './load.ts';
import { EXIT, fail, type Terminal } from './terminal.ts';

/** Whoever stops a service waits no longer than this. */
const STOP_WITHIN_MS = 5_000;

export function define(terminal: Terminal): Command {
  const text = terminal.text;
  return new Command()
    .requiredOption('-c, --config <file>', text({ en: 'the configuration of this edge', zh: '边缘节点的配置文件' }))
    .addHelpText('after', `\n${text({ en: 'Examples', zh: '示例' })}:\n  cityvitals check --config pump-07.yaml\n  cityvitals edge --config pump-07.yaml`)
    .action((options: { config: string }) => run(terminal, options.config));
}

async function run(terminal: Terminal, path: string): Promise<void> {
  const { setup, problems } = await loadEdge({ path, text: textOf(terminal, path) });
  if (!setup) {
    printProblems(terminal, problems);
    process.exit(EXIT.usage);
  }
  const stop = whenStopped();
  const observer = openObserver({ component: 'edge', language: terminal.language, nowMs: () => Date.now(), log: pino.destination({ dest: 2, sync: true }) });
  const edge = await runEdge(setup, realWorld(observer.tell), { metrics: observer.metrics }).catch((error: unknown) => fail(terminal, error, isOfTheCall(error) ? EXIT.usage : EXIT.found));
  announce(terminal, setup, edge);
  await stop;
  terminal.remark(terminal.text({ en: 'stopping …', zh: '正在停止…' }));
  const late = setTimeout(() => process.exit(EXIT.found), STOP_WITHIN_MS);
  await edge.close();
  clearTimeout(late);
  process.exit(EXIT.ok);
}

function textOf(terminal: Terminal, path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    return fail(terminal, new FaultError('CV_CONFIG_UNREADABLE', { path, detail: (error as Error).message }, { cause: error }), EXIT.usage);
  }
}

function printProblems(terminal: Terminal, problems: readonly ConfigProblem[]): void {
  for (const problem of problems) {
    if (terminal.json) terminal.record(problemLine(problem, terminal.language));
    else terminal.fault(problem.fault, `${problem.file}:${problem.line}:${problem.column}`);
  }
}

/** The folder is taken, the port is taken, a driver is not there: nothing that trying again would help. */
function isOfTheCall(error: unknown): boolean {
  return error instanceof FaultError && ['CV_LOG_LOCKED', 'CV_LOG_UNUSABLE', 'CV_API_LISTEN', 'CV_DRIVER_UNKNOWN', 'CV_CONFIG_UNREADABLE'].includes(error.fault.code);
}

/** Resolves at the first SIGINT or SIGTERM; the second SIGINT ends the program at once. */
function whenStopped(): Promise<void> {
  return new Promise((resolve) => {
    let asked = false;
    const ask = (signal: NodeJS.Signals) => {
      if (asked && signal === 'SIGINT') process.exit(EXIT.interrupted);
      asked = true;
      resolve();
    };
    process.on('SIGINT', ask);
    process.on('SIGTERM', ask);
  });
}

function announce(terminal: Terminal, setup: EdgeSetup, edge: RunningEdge): void {
  const { text } = terminal;
  if (terminal.json) return terminal.record({ running: 'edge', edge: setup.edge, centre: setup.centre, http: edge.httpUrl, log: setup.log.dir, gateway: setup.gateway.urls.map(shown), pid: process.pid });
  terminal.print(text({ en: `edge ${setup.edge} (centre ${setup.centre}) is running with ${setup.devices.length} device(s)`, zh: `边缘节点 ${setup.edge}(中心 ${setup.centre})已运行,设备 ${setup.devices.length} 台` }));
  terminal.print(`  ${text({ en: 'local page', zh: '本地页面' })}: ${edge.httpUrl}/  (/healthz, /metrics)`);
  terminal.print(`  ${text({ en: 'log', zh: '日志目录' })}: ${setup.log.dir} (≤ ${formatBytes(setup.log.maxBytes)})`);
  terminal.print(`  ${text({ en: 'gateway', zh: '网关' })}: ${setup.gateway.urls.map(shown).join(', ')}`);
  terminal.print(text({ en: 'Ctrl-C stops it in order', zh: '按 Ctrl-C 有序停止' }));
}
