/** `cityvitals doctor`: checks whether this machine is suitable for an edge, including disk wear. */
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { Command } from 'commander';
import { problemLine } from '../core/config/check.ts';
import { FaultError } from '../core/faults.ts';
import { parseBytes, parseDurationMs } from '../core/quantity.ts';
import type { EdgeSetup } from '../edge/config/setup.ts';
import { checkAtRest, checkRing, evidenceFolders } from './doctor/at-rest.ts';
import { checkCommandKey } from './doctor/command-key.ts';
import { checkIdentity } from './doctor/identity.ts';
import { lockHolderPid } from './doctor/disk.ts';
import { exitCodeOf, printCheckResult, type CheckResult } from './doctor/check-result.ts';
import { hostMachine, type HostMachine } from './doctor/machine.ts';
import { logLockPath, checkGatewayAccess, checkPrograms, checkSerialPorts } from './doctor/connectivity.ts';
import { checkClock, checkTemperatureAndPower, checkLimits, checkFreeSpace, nearestExistingFolder } from './doctor/host.ts';
import { measureWear } from './doctor/wear.ts';
import { loadEdge } from './load.ts';
import { openProgress } from './progress.ts';
import { EXIT, exitWithFault, type CommandTerminal } from './terminal.ts';
import './faults.ts';

interface Options {
  config?: string;
  for: string;
  endurance?: string;
  amplification: string;
  root: string;
}

const DEFAULT_MAX_BYTES = 1 << 30;

export function define(terminal: CommandTerminal): Command {
  const { text } = terminal;
  return new Command()
    .option(
      '-c, --config <file>',
      text({ en: 'configuration of the edge; default ./edge.yaml where there is one', zh: '边缘节点配置；默认 ./edge.yaml（如存在）' }),
    )
    .option('--for <duration>', text({ en: 'how long to measure disk writes', zh: '观察磁盘写入的时长' }), '60s')
    .option(
      '--endurance <size>',
      text({
        en: 'rated endurance of the disk (TBW), such as 80TB; default: estimated from type and capacity',
        zh: '磁盘的总写入寿命（厂家标称），如 80TB；默认按类型和容量估算',
      }),
    )
    .option('--amplification <number>', text({ en: 'write amplification of the disk', zh: '磁盘内部的写放大倍数' }), '4')
    .option('--root <dir>', text({ en: 'root of /sys, /proc, /dev and /run', zh: '/sys、/proc、/dev、/run 所在的根目录' }), '/')
    .addHelpText(
      'after',
      `\n${text({ en: 'Examples', zh: '示例' })}:\n  cityvitals doctor --config edge.yaml\n  cityvitals doctor --for 10m --endurance 30TB --json`,
    )
    .action((options: Options) =>
      run(terminal, options).then(
        (exit) => {
          process.exitCode = exit;
        },
        (error: unknown) => exitWithFault(terminal, error),
      ),
    );
}

async function run(terminal: CommandTerminal, options: Options): Promise<number> {
  const watchMs = parseDurationMs(options.for);
  const enduranceBytes = options.endurance === undefined ? null : parseBytes(options.endurance);
  const amplification = Number(options.amplification);
  if (watchMs === null || watchMs > 86_400_000) return usage(terminal, 'for', options.for);
  if (options.endurance !== undefined && !enduranceBytes) return usage(terminal, 'endurance', options.endurance);
  if (!(amplification >= 1 && amplification <= 1000)) return usage(terminal, 'amplification', options.amplification);
  const machine = hostMachine(resolve(options.root));
  const { setup, exit } = await loadConfigured(terminal, options.config);
  const dir = setup?.log.dir ?? process.cwd();
  const findings: CheckResult[] = [];
  const tell = (found: readonly CheckResult[]) => {
    for (const finding of found) printCheckResult(terminal, finding);
    findings.push(...found);
  };
  tell(checkFreeSpace(machine, dir, setup?.log.maxBytes ?? DEFAULT_MAX_BYTES, bytesIn(dir)));
  tell(await checkClock(machine));
  tell(checkLimits(machine));
  tell(await checkTemperatureAndPower(machine));
  if (setup) tell(await checkEdgeHost(machine, setup));
  tell(
    await measureWear(
      machine,
      { dir: nearestExistingFolder(dir), watchMs, enduranceBytes, amplification },
      watchProgress(terminal, options.for, watchMs),
    ),
  );
  const found = exitCodeOf(findings);
  return exit === EXIT.ok ? found : exit;
}

async function checkEdgeHost(machine: HostMachine, setup: EdgeSetup): Promise<CheckResult[]> {
  const lock = logLockPath(setup.log.dir);
  const isRunning = existsSync(lock) && lockHolderPid(machine, statSync(lock).ino) !== null;
  return [
    ...(await checkIdentity(setup)),
    ...(await checkCommandKey(setup)),
    ...(await checkGatewayAccess(setup, isRunning)),
    ...checkSerialPorts(machine, setup),
    ...(await checkPrograms(machine, setup)),
    ...(await checkAtRest(setup.atRest, evidenceFolders(setup))),
    ...(await checkRing(setup)),
  ];
}

/** The edge's checked configuration; null when none is there or it has problems, which are told. */
async function loadConfigured(terminal: CommandTerminal, config: string | undefined): Promise<{ setup: EdgeSetup | null; exit: number }> {
  const path = resolve(config ?? 'edge.yaml');
  if (config === undefined && !existsSync(path)) {
    terminal.remark(
      terminal.text({
        en: 'no ./edge.yaml: only the machine is checked (--config FILE to check gateway, ports and folder of an edge)',
        zh: '没有 ./edge.yaml：仅检查本机（用 --config 指定配置可检查网关、串口和事件日志目录）',
      }),
    );
    return { setup: null, exit: EXIT.ok };
  }
  let source: string;
  try {
    source = readFileSync(path, 'utf8');
  } catch (error) {
    return exitWithFault(
      terminal,
      new FaultError('CV_CONFIG_UNREADABLE', { path, detail: (error as NodeJS.ErrnoException).code ?? String(error) }),
      EXIT.usage,
    );
  }
  const { setup, problems } = await loadEdge({ path, text: source });
  for (const problem of problems) {
    const line = problemLine(problem, terminal.language);
    if (terminal.json) terminal.record({ check: 'config', ok: false, ...line });
    else terminal.print(`✗ config   ${line.file}:${line.line}:${line.column}: ${line.message} [${line.fault}]\n  → ${line.remedy}`);
  }
  if (!setup) return { setup: null, exit: EXIT.usage };
  const { edge, devices } = setup;
  printCheckResult(terminal, {
    check: 'config',
    text: { en: `edge ${edge}, ${devices.length} devices, no problems`, zh: `边缘节点 ${edge}，${devices.length} 台设备，没有问题` },
  });
  return { setup, exit: EXIT.ok };
}

/** Printed at once without a live terminal; then progress. */
function watchProgress(terminal: CommandTerminal, duration: string, ofMs: number): (share: number) => void {
  const task = { id: 'wear', en: `measuring disk writes for ${duration}`, zh: `正在观察磁盘写入，共 ${duration}`, unit: 'ms' } as const;
  if (!process.stderr.isTTY && !terminal.json) terminal.remark(terminal.text(task));
  const progress = openProgress(terminal, task);
  return (share) => {
    progress.update(share * ofMs, ofMs);
    if (share >= 1) progress.end();
  };
}

function bytesIn(dir: string): number {
  if (!existsSync(logLockPath(dir))) return 0;
  return readdirSync(dir).reduce((sum, name) => sum + (statSync(join(dir, name), { throwIfNoEntry: false })?.size ?? 0), 0);
}

function usage(terminal: CommandTerminal, key: string, given: string): never {
  return exitWithFault(terminal, new FaultError('CV_INPUT_INVALID', { key, given }), EXIT.usage);
}
