/** `cityvitals check`: every problem of a configuration at once; then, device by device, what each point reads now. */
import { existsSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { Command } from 'commander';
import { parseDocument } from 'yaml';
import { problemLine, type ConfigProblem, type ConfigSource } from '../core/config/check.ts';
import { explain, FaultError, FAULTS, type Fault } from '../core/faults.ts';
import { faultLine } from '../core/result-lines.ts';
import { realWorld, type World } from '../core/world.ts';
import { driverById } from '../drivers/index.ts';
import type { EdgeSetup } from '../edge/config/setup.ts';
import type { OpenDevice } from '../edge/host/device.ts';
import { tryOut, type Reading, type TryOut } from '../edge/host/try-out.ts';
import { qualify } from '../edge/stations/qualify.ts';
import type { Draft } from '../core/event.ts';
import { loadEdge, loadGateway } from './load.ts';
import { EXIT, fail, type Terminal } from './terminal.ts';

interface Options {
  config?: string;
  offline?: true;
}

export function define(terminal: Terminal): Command {
  const text = terminal.text;
  return new Command()
    .option('-c, --config <file>', text({ en: 'configuration of an edge or a gateway; default ./edge.yaml, else ./gateway.yaml', zh: '边缘节点或网关的配置；默认 ./edge.yaml，其次 ./gateway.yaml' }))
    .option('--offline', text({ en: 'open no device', zh: '不连接设备' }))
    .addHelpText('after', `\n${text({ en: 'Examples', zh: '示例' })}:\n  cityvitals check --config configs/pump-station/edge.yaml --offline\n  cityvitals check --config edge.yaml --json`)
    .action(async (options: Options) => { process.exitCode = await check(terminal, options); });
}

async function check(terminal: Terminal, options: Options): Promise<number> {
  const source = readSource(terminal, options.config ?? (existsSync('edge.yaml') || !existsSync('gateway.yaml') ? 'edge.yaml' : 'gateway.yaml'));
  if (kindOf(source.text) === 'gateway') {
    const { setup, problems } = await loadGateway(source);
    if (!setup) return tellProblems(terminal, source, problems);
    say(terminal, { en: `${source.path}: gateway ${setup.gateway}, no problems`, zh: `${source.path}：网关 ${setup.gateway}，没有问题` });
    return EXIT.ok;
  }
  const { setup, problems } = await loadEdge(source);
  if (!setup) return tellProblems(terminal, source, problems);
  const points = setup.devices.reduce((sum, device) => sum + device.points.length, 0);
  say(terminal, { en: `${source.path}: edge ${setup.edge}, ${setup.devices.length} devices, ${points} points, no problems`, zh: `${source.path}：边缘节点 ${setup.edge}，${setup.devices.length} 台设备，${points} 个测点，没有问题` });
  return checkDevices(terminal, setup, options.offline === true);
}

function readSource(terminal: Terminal, path: string): ConfigSource {
  const whole = resolve(path);
  try {
    return { path: whole, text: readFileSync(whole, 'utf8') };
  } catch (error) {
    return fail(terminal, new FaultError('CV_CONFIG_UNREADABLE', { path: whole, detail: (error as NodeJS.ErrnoException).code ?? String(error) }), EXIT.usage);
  }
}

/** An edge names itself with `edge` and has devices; a gateway names itself with `gateway`, which an edge has as a group. */
export function kindOf(text: string): 'edge' | 'gateway' {
  const document = parseDocument(text, { logLevel: 'error' });
  const has = (key: string): boolean => document.has(key);
  if (has('edge') || has('devices')) return 'edge';
  return typeof document.get('gateway') === 'string' || ['broker', 'store', 'accepts', 'exercise', 'sinks', 'notifiers'].some(has) ? 'gateway' : 'edge';
}

function tellProblems(terminal: Terminal, source: ConfigSource, problems: readonly ConfigProblem[]): number {
  for (const problem of problems) {
    const line = problemLine(problem, terminal.language);
    if (terminal.json) terminal.record(line);
    else terminal.print(`${line.file}:${line.line}:${line.column}: ${line.message} [${line.fault}]\n  → ${line.remedy}`);
  }
  const count = problems.length;
  say(terminal, { en: `${source.path}: ${count} ${count === 1 ? 'problem' : 'problems'}`, zh: `${source.path}：${count} 个问题` });
  return EXIT.usage;
}

/** What is wrong on this machine first, for all of them; then the devices, those on one bus one after the other. */
async function checkDevices(terminal: Terminal, setup: EdgeSetup, isOffline: boolean): Promise<number> {
  const unsafe: Fault[] = [];
  const world = realWorld((event) => { if (event.kind === 'fault') unsafe.push(event.fault); });
  const opened = await Promise.all(setup.devices.map(async (device): Promise<OpenDevice> => {
    const driver = await driverById(device.driver);
    if (!driver) throw new FaultError('CV_DRIVER_UNKNOWN', { owner: device.id, driver: device.driver, hint: '' });
    return { setup: device, driver };
  }));
  let exit: number = EXIT.ok;
  const well: OpenDevice[] = [];
  for (const device of opened) {
    const faults = (await device.driver.examine?.(device.setup.settings, device.setup.points.map(({ own }) => own as { id: string }), world)) ?? [];
    for (const fault of faults) {
      tellFault(terminal, device.setup.id, fault);
      exit = worse(exit, FAULTS[fault.code].stage === 'check' ? EXIT.usage : EXIT.missing);
    }
    if (faults.length === 0) well.push(device);
  }
  if (isOffline) return exit;
  const ending = new AbortController();
  process.once('SIGINT', () => {
    ending.abort(new DOMException('interrupted', 'AbortError'));
    process.exitCode = EXIT.interrupted;
  });
  const results = buses(well).map(async (bus) => {
    const tried: TryOut[] = [];
    for (const device of bus) tried.push(await tryOut(device, world, ending.signal));
    return tried;
  });
  const done = new Map((await Promise.all(results)).flat().map((result) => [result.device, result]));
  for (const device of well) exit = worse(exit, tellDevice(terminal, device, done.get(device.setup.id) as TryOut, setup, world));
  for (const fault of unsafe) tellFault(terminal, setup.edge, fault);
  return ending.signal.aborted ? EXIT.interrupted : exit;
}

function buses(devices: readonly OpenDevice[]): OpenDevice[][] {
  return [...Map.groupBy(devices, ({ setup, driver }) => (driver.bus ? `${driver.id} ${driver.bus(setup.settings)}` : setup.id)).values()];
}

function tellDevice(terminal: Terminal, device: OpenDevice, result: TryOut, setup: EdgeSetup, world: World): number {
  const { id, driver } = device.setup;
  if (!terminal.json) terminal.print(`${id} (${driver})`);
  for (const finding of result.findings) say(terminal, { en: `  ${finding.en}`, zh: `  ${finding.zh}` });
  const values = qualified(device, result.readings, setup.centre, world);
  const isCamera = result.picture !== null;
  for (const reading of result.readings) {
    const draft = values.get(reading.point);
    if (terminal.json && draft) terminal.record({ device: id, point: reading.point, value: draft.value, unit: draft.unit, at: draft.occurredAt, quality: draft.quality, flags: draft.flags ?? [], tookMs: Math.round(reading.tookMs) });
    else if (!terminal.json && draft) terminal.print(row(reading, draft));
  }
  if (result.picture && !terminal.json) {
    const { width, height, tookMs } = result.picture;
    say(terminal, { en: `  a picture of ${width} × ${height} came after ${Math.round(tookMs)} ms; ${device.setup.points.length} points follow from its detector`, zh: `  ${Math.round(tookMs)} 毫秒后收到一幅 ${width} × ${height} 的图像；其检测模型给出 ${device.setup.points.length} 个测点` });
  }
  for (const fault of result.faults) tellFault(terminal, id, fault);
  const isWell = result.faults.length === 0 && (isCamera || result.readings.every(({ sample }) => sample !== null && sample.quality !== 'bad'));
  return isWell ? EXIT.ok : EXIT.found;
}

/** Readings as the line would send them: scaled, checked, in the point's unit. */
function qualified(device: OpenDevice, readings: readonly Reading[], centre: string, world: World): Map<string, Draft> {
  const values = new Map<string, Draft>();
  const station = qualify({ centre, devices: [device.setup] }, { polled: () => device.driver.traits.includes('polled') }, world);
  station.take?.(readings.flatMap(({ sample }) => (sample ? [sample] : [])), (drafts) => { for (const draft of drafts) values.set(draft.point, draft); });
  return values;
}

function row({ point, tookMs }: Reading, { value, unit, quality, flags = [] }: Draft): string {
  const shown = `${value === null ? '–' : String(value)} ${unit}`.trim();
  return `  ${point.padEnd(16)} ${shown.padEnd(20)} ${quality.padEnd(9)} ${`${Math.round(tookMs)} ms`.padStart(8)}  ${flags.join(' ')}`.trimEnd();
}

function tellFault(terminal: Terminal, device: string, fault: Fault): void {
  if (terminal.json) return terminal.record({ device, ...faultLine(fault, Date.now(), terminal.language) });
  const { message, remedy } = explain(fault, terminal.language);
  terminal.print(`  ✗ ${device}: ${message} [${fault.code}]${remedy ? `\n    → ${remedy}` : ''}`);
}

/** Words for people; with --json they go beside the result. */
function say(terminal: Terminal, words: { en: string; zh: string }): void {
  (terminal.json ? terminal.remark : terminal.print)(terminal.text(words));
}

/** Wrongly configured before a missing part before a device that does not answer. */
function worse(one: number, other: number): number {
  const order: number[] = [EXIT.ok, EXIT.found, EXIT.missing, EXIT.usage];
  return order.indexOf(one) >= order.indexOf(other) ? one : other;
}
