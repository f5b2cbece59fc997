/** `cityvitals doctor`: whether this machine is fit for an edge, and how long its disk lasts at what is written to it. */
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { Command } from 'commander';
import { problemLine } from '../core/config/check.ts';
import { FaultError } from '../core/faults.ts';
import { parseBytes, parseDurationMs } from '../core/quantity.ts';
import type { EdgeSetup } from '../edge/config/setup.ts';
import { holderOf } from './doctor/disk.ts';
import { exitOf, tellFinding, type Finding } from './doctor/finding.ts';
import { realMachine, type Machine } from './doctor/machine.ts';
import { lockFile, lookAtGateway, lookAtPrograms, lookAtSerial } from './doctor/reach.ts';
import { lookAtClock, lookAtHeat, lookAtLimits, lookAtSpace, nearestFolder } from './doctor/surroundings.ts';
import { lookAtWear } from './doctor/wear.ts';
import { loadEdge } from './load.ts';
import { openProgress } from './progress.ts';
import { EXIT, fail, type Terminal } from './terminal.ts';
import './faults.ts';

interface Options {
  config?: string;
  for: string;
  endurance?: string;
  amplification: string;
  root: string;
}

const DEFAULT_MAX_BYTES = 1 << 30;

export function define(terminal: Terminal): Command {
  const { text } = terminal;
  return new Command()
    .option('-c, --config <file>', text({ en: 'configuration of the edge; default ./edge.yaml where there is one', zh: '边缘节点配置；默认 ./edge.yaml（如存在）' }))
    .option('--for <duration>', text({ en: 'how long the disk is watched', zh: '观察磁盘写入的时长' }), '60s')
    .option('--endurance <size>', text({ en: 'what may be written to the disk in its life, as its maker states it, such as 80TB; default: by kind and capacity', zh: '磁盘的总写入寿命（厂家标称），如 80TB；默认按类型和容量估算' }))
    .option('--amplification <number>', text({ en: 'how much more the disk writes inside than it is given', zh: '磁盘内部的写放大倍数' }), '4')
    .option('--root <dir>', text({ en: 'where /sys, /proc, /dev and /run are looked for', zh: '/sys、/proc、/dev、/run 所在的根目录' }), '/')
    .addHelpText('after', `\n${text({ en: 'Examples', zh: '示例' })}:\n  cityvitals doctor --config edge.yaml\n  cityvitals doctor --for 10m --endurance 30TB --json`)
    .action((options: Options) => run(terminal, options).then((exit) => { process.exitCode = exit; }, (error: unknown) => fail(terminal, error)));
}

async function run(terminal: Terminal, options: Options): Promise<number> {
  const watchMs = parseDurationMs(options.for);
  const enduranceBytes = options.endurance === undefined ? null : parseBytes(options.endurance);
  const amplification = Number(options.amplification);
  if (watchMs === null || watchMs > 86_400_000) return usage(terminal, 'for', options.for);
  if (options.endurance !== undefined && !enduranceBytes) return usage(terminal, 'endurance', options.endurance);
  if (!(amplification >= 1 && amplification <= 1000)) return usage(terminal, 'amplification', options.amplification);
  const machine = realMachine(resolve(options.root));
  const { setup, exit } = await configured(terminal, options.config);
  const dir = setup?.log.dir ?? process.cwd();
  const findings: Finding[] = [];
  const tell = (found: readonly Finding[]) => {
    for (const finding of found) tellFinding(terminal, finding);
    findings.push(...found);
  };
  tell(lookAtSpace(machine, dir, setup?.log.maxBytes ?? DEFAULT_MAX_BYTES, bytesIn(dir)));
  tell(await lookAtClock(machine));
  tell(lookAtLimits(machine));
  tell(await lookAtHeat(machine));
  if (setup) tell(await lookAround(machine, setup));
  tell(await lookAtWear(machine, { dir: nearestFolder(dir), watchMs, enduranceBytes, amplification }, watching(terminal, options.for, watchMs)));
  const found = exitOf(findings);
  return exit === EXIT.ok ? found : exit;
}

async function lookAround(machine: Machine, setup: EdgeSetup): Promise<Finding[]> {
  const lock = lockFile(setup.log.dir);
  const isRunning = existsSync(lock) && holderOf(machine, statSync(lock).ino) !== null;
  return [...(await lookAtGateway(setup, isRunning)), ...lookAtSerial(machine, setup), ...(await lookAtPrograms(machine, setup))];
}

/** The edge's checked configuration; null when none is there or it has problems, which are told. */
async function configured(terminal: Terminal, config: string | undefined): Promise<{ setup: EdgeSetup | null; exit: number }> {
  const path = resolve(config ?? 'edge.yaml');
  if (config === undefined && !existsSync(path)) {
    terminal.remark(terminal.text({ en: 'no ./edge.yaml: the machine alone is looked at (--config FILE for gateway, ports and folder of an edge)', zh: '没有 ./edge.yaml：仅检查本机（用 --config 指定配置可检查网关、串口和日志目录）' }));
    return { setup: null, exit: EXIT.ok };
  }
  let source: string;
  try {
    source = readFileSync(path, 'utf8');
  } catch (error) {
    return fail(terminal, new FaultError('CV_CONFIG_UNREADABLE', { path, detail: (error as NodeJS.ErrnoException).code ?? String(error) }), EXIT.usage);
  }
  const { setup, problems } = await loadEdge({ path, text: source });
  for (const problem of problems) {
    const line = problemLine(problem, terminal.language);
    if (terminal.json) terminal.record({ check: 'config', ok: false, ...line });
    else terminal.print(`✗ config   ${line.file}:${line.line}:${line.column}: ${line.message} [${line.fault}]\n  → ${line.remedy}`);
  }
  if (!setup) return { setup: null, exit: EXIT.usage };
  const { edge, devices } = setup;
  tellFinding(terminal, { check: 'config', words: { en: `edge ${edge}, ${devices.length} devices, no problems`, zh: `边缘节点 ${edge}，${devices.length} 台设备，没有问题` } });
  return { setup, exit: EXIT.ok };
}

/** Said at once where no line is written over; then how far it is. */
function watching(terminal: Terminal, duration: string, ofMs: number): (share: number) => void {
  const task = { id: 'wear', en: `watching what is written to the disk for ${duration}`, zh: `正在观察磁盘写入，共 ${duration}`, unit: 'ms' } as const;
  if (!process.stderr.isTTY && !terminal.json) terminal.remark(terminal.text(task));
  const progress = openProgress(terminal, task);
  return (share) => {
    progress.tell(share * ofMs, ofMs);
    if (share >= 1) progress.end();
  };
}

function bytesIn(dir: string): number {
  if (!existsSync(lockFile(dir))) return 0;
  return readdirSync(dir).reduce((sum, name) => sum + (statSync(join(dir, name), { throwIfNoEntry: false })?.size ?? 0), 0);
}

function usage(terminal: Terminal, key: string, given: string): never {
  return fail(terminal, new FaultError('CV_INPUT_INVALID', { key, given }), EXIT.usage);
}
