/** `cityvitals check`: lists all problems of a configuration, then reads each point of each device once. */
import { existsSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { Command } from 'commander';
import { parseDocument } from 'yaml';
import { tooDeepLine } from '../core/config/nesting.ts';
import { problemLine, type ConfigProblem, type ConfigSource } from '../core/config/check.ts';
import { FaultError } from '../core/faults.ts';
import type { AtRestSetup } from '../log/at-rest/setting.ts';
import { checkAtRest, evidenceFolders } from './doctor/at-rest.ts';
import { exitCodeOf, printCheckResult, type CheckResult } from './doctor/check-result.ts';
import { checkCommandKey } from './doctor/command-key.ts';
import { checkIdentity } from './doctor/identity.ts';
import { checkDevices } from './check/devices.ts';
import { printText } from './check/device-report.ts';
import { loadEdge, loadGateway } from './load.ts';
import { exposedSecrets, printExposedSecrets } from './exposed-secrets.ts';
import { edgeHttpWarning, gatewayHttpWarning } from './http-exposure.ts';
import { unauthenticatedLoggerWarning } from './unauthenticated-loggers.ts';
import { EXIT, exitWithFault, type CommandTerminal } from './terminal.ts';

interface Options {
  config?: string;
  offline?: true;
}

export function define(terminal: CommandTerminal): Command {
  const text = terminal.text;
  return new Command()
    .option(
      '-c, --config <file>',
      text({
        en: 'configuration of an edge or a gateway; default ./edge.yaml, else ./gateway.yaml',
        zh: '边缘节点或网关的配置；默认 ./edge.yaml，其次 ./gateway.yaml',
      }),
    )
    .option('--offline', text({ en: 'do not connect to devices', zh: '不连接设备' }))
    .addHelpText(
      'after',
      `\n${text({ en: 'Examples', zh: '示例' })}:\n  cityvitals check --config configs/pump-station/edge.yaml --offline\n  cityvitals check --config edge.yaml --json`,
    )
    .action(async (options: Options) => {
      process.exitCode = await check(terminal, options);
    });
}

async function check(terminal: CommandTerminal, options: Options): Promise<number> {
  const source = readSource(
    terminal,
    options.config ?? (existsSync('edge.yaml') || !existsSync('gateway.yaml') ? 'edge.yaml' : 'gateway.yaml'),
  );
  if (configKind(source.text) === 'gateway') {
    const { setup, problems } = await loadGateway(source);
    if (!setup) return reportProblems(terminal, source, problems);
    const warning = gatewayHttpWarning(setup);
    if (warning) printText(terminal, warning);
    printExposedSecrets(terminal, await exposedSecrets(source, 'gateway'), true);
    printText(terminal, { en: `${source.path}: gateway ${setup.gateway}, no problems`, zh: `${source.path}：网关 ${setup.gateway}，没有问题` });
    const found = await atRestResults(setup.atRest, setup.evidence ? [setup.evidence.dir] : []);
    for (const finding of found) printCheckResult(terminal, finding);
    return exitCodeOf(found);
  }
  const { setup, problems } = await loadEdge(source);
  if (!setup) return reportProblems(terminal, source, problems);
  for (const warning of [edgeHttpWarning(setup), unauthenticatedLoggerWarning(setup)]) if (warning) printText(terminal, warning);
  printExposedSecrets(terminal, await exposedSecrets(source, 'edge'), true);
  const points = setup.devices.reduce((sum, device) => sum + device.points.length, 0);
  printText(terminal, {
    en: `${source.path}: edge ${setup.edge}, ${setup.devices.length} devices, ${points} points, no problems`,
    zh: `${source.path}：边缘节点 ${setup.edge}，${setup.devices.length} 台设备，${points} 个测点，没有问题`,
  });
  const findings = [
    ...(await checkIdentity(setup)),
    ...(await checkCommandKey(setup)),
    ...(await atRestResults(setup.atRest, evidenceFolders(setup))),
  ];
  for (const finding of findings) printCheckResult(terminal, finding);
  const exit = await checkDevices(terminal, setup, options.offline === true);
  return exit === EXIT.ok ? exitCodeOf(findings) : exit;
}

/** Nothing where nothing is encrypted. */
async function atRestResults(atRest: AtRestSetup | null | undefined, folders: readonly string[]): Promise<CheckResult[]> {
  return (await checkAtRest(atRest, folders)).filter(({ fault }) => atRest || fault);
}

function readSource(terminal: CommandTerminal, path: string): ConfigSource {
  const whole = resolve(path);
  try {
    return { path: whole, text: readFileSync(whole, 'utf8') };
  } catch (error) {
    return exitWithFault(
      terminal,
      new FaultError('CV_CONFIG_UNREADABLE', { path: whole, detail: (error as NodeJS.ErrnoException).code ?? String(error) }),
      EXIT.usage,
    );
  }
}

/** An edge has `edge` and `devices`; a gateway has `gateway` as a name, which is a group on an edge. */
export function configKind(text: string): 'edge' | 'gateway' {
  // Reported as a problem of the file; too deep for the parser.
  if (tooDeepLine(text) !== null) return 'edge';
  const document = parseDocument(text, { logLevel: 'error' });
  const has = (key: string): boolean => document.has(key);
  if (has('edge') || has('devices')) return 'edge';
  return typeof document.get('gateway') === 'string' || ['broker', 'store', 'accepts', 'exercise', 'sinks', 'notifiers'].some(has)
    ? 'gateway'
    : 'edge';
}

function reportProblems(terminal: CommandTerminal, source: ConfigSource, problems: readonly ConfigProblem[]): number {
  for (const problem of problems) {
    const line = problemLine(problem, terminal.language);
    if (terminal.json) terminal.record(line);
    else terminal.print(`${line.file}:${line.line}:${line.column}: ${line.message} [${line.fault}]\n  → ${line.remedy}`);
  }
  const count = problems.length;
  printText(terminal, { en: `${source.path}: ${count} ${count === 1 ? 'problem' : 'problems'}`, zh: `${source.path}：${count} 个问题` });
  return EXIT.usage;
}
