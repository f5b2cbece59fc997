/** `cityvitals record`: records a running device or a capture as a case. */
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { Command, InvalidArgumentError } from 'commander';
import { parse } from 'yaml';
import type { Case, CaseDevice } from '../cases/case.ts';
import { readCase } from '../cases/read.ts';
import { caseFiles, formatJsonLines } from '../cases/write.ts';
import { FaultError } from '../core/faults.ts';
import { formatBytes, parseDurationMs } from '../core/quantity.ts';
import type { ResultLine } from '../cases/result-lines.ts';
import { realFiles } from '../core/world.ts';
import { caseOfCapture } from '../test-rigs/record/capture.ts';
import { driversOf, replaySamples } from '../test-rigs/replay/cases.ts';
import { openProgress } from './progress.ts';
import { EXIT, exitWithFault, type CommandTerminal } from './terminal.ts';
import '../cases/faults.ts';
import './faults.ts';

interface Options {
  config?: string;
  for: number;
  out: string;
  pcap?: string;
  driver?: string;
  port?: number;
  settings?: string;
  title?: string;
  licence?: string;
}

const TICK_MS = 250;
/** Usage errors; all others mean that nothing was recorded. */
const USAGE_FAULTS = new Set([
  'CV_CASE_EXISTS',
  'CV_INPUT_INVALID',
  'CV_DRIVER_UNKNOWN',
  'CV_CONFIG_UNREADABLE',
  'CV_RECORDING_NOT_OFFERED',
]);

export function define(terminal: CommandTerminal): Command {
  const { text } = terminal;
  return new Command()
    .argument('[device]', text({ en: 'a device of the configuration', zh: '配置中的设备' }))
    .option('-c, --config <file>', text({ en: 'the configuration of the edge', zh: '边缘节点的配置文件' }))
    .option('--for <duration>', text({ en: 'duration', zh: '录制时长' }), durationOf, 60_000)
    .requiredOption('--out <folder>', text({ en: 'folder for the case', zh: '案例保存到' }))
    .option('--pcap <file>', text({ en: 'a capture (pcap, pcapng) instead of a device', zh: '抓包文件（pcap、pcapng），代替设备' }))
    .option('--driver <driver>', text({ en: 'with --pcap: driver of the protocol', zh: '与 --pcap 同用：哪个驱动的协议' }))
    .option(
      '--port <number>',
      text({ en: 'with --pcap: port of the protocol, if not the standard one', zh: '与 --pcap 同用：非标准的协议端口' }),
      portOf,
    )
    .option(
      '--settings <file>',
      text({ en: 'with --pcap: YAML with settings and points of the device', zh: '与 --pcap 同用：含设备 settings 和 points 的 YAML' }),
    )
    .option('--title <words>', text({ en: 'title of the case', zh: '案例标题' }))
    .option('--licence <words>', text({ en: 'licence of the case', zh: '使用许可' }))
    .addHelpText(
      'after',
      `\n${text({ en: 'Examples', zh: '示例' })}:\n  cityvitals record pump-07-plc --config pump.yaml --out cases/pump --for 60s\n  cityvitals record --pcap plant.pcapng --driver modbus --out cases/plant`,
    )
    .action((device: string | undefined, options: Options) =>
      run(terminal, device, options).catch((error: unknown) =>
        exitWithFault(terminal, error, error instanceof FaultError && USAGE_FAULTS.has(error.fault.code) ? EXIT.usage : EXIT.found),
      ),
    );
}

async function run(terminal: CommandTerminal, device: string | undefined, options: Options): Promise<void> {
  if (existsSync(options.out)) throw new FaultError('CV_CASE_EXISTS', { path: options.out });
  if (options.pcap !== undefined) {
    if (options.driver === undefined) throw new FaultError('CV_INPUT_INVALID', { key: '--driver', given: '' });
    return fromCapture(terminal, options.pcap, options.driver, options);
  }
  if (device === undefined || options.config === undefined)
    throw new FaultError('CV_INPUT_INVALID', { key: device === undefined ? 'DEVICE' : '--config', given: '' });
  const { recordDevice } = await import('../test-rigs/record/device.ts');
  const stop = new AbortController();
  process.once('SIGINT', () => stop.abort());
  const progress = openProgress(terminal, { id: 'record', en: 'Recording', zh: '录制', unit: 'ms' });
  const startedMs = performance.now();
  let note = '';
  const tell = () => progress.update(Math.min(options.for, performance.now() - startedMs), options.for, note);
  const ticking = setInterval(tell, TICK_MS);
  const onTaken = (lines: number, bytes: number) => {
    note = terminal.text({ en: `${lines} lines, ${formatBytes(bytes)}`, zh: `${lines} 行，${formatBytes(bytes)}` });
  };
  const { recorded, stamped } = await recordDevice({
    device,
    config: options.config,
    forMs: options.for,
    title: options.title,
    licence: options.licence,
    signal: stop.signal,
    say: (words) => terminal.remark(terminal.text(words)),
    onTaken,
  }).finally(() => {
    clearInterval(ticking);
    progress.end();
  });
  await saveCase(terminal, recorded, options.out, stamped);
}

async function fromCapture(terminal: CommandTerminal, path: string, id: string, options: Options): Promise<void> {
  const drivers = await driversOf([id]);
  const driver = [...drivers.values()][0];
  if (!driver) return;
  const { port, title, licence } = options;
  const devices = options.settings === undefined ? undefined : [deviceByHand(id, options.settings)];
  const { recorded, remarks } = caseOfCapture(path, readBytes(path), {
    driver,
    ...(port === undefined ? {} : { port }),
    ...(devices ? { devices } : {}),
    ...(title === undefined ? {} : { title }),
    ...(licence === undefined ? {} : { licence }),
  });
  for (const remark of remarks) terminal.fault(remark);
  await saveCase(terminal, recorded, options.out, null);
}

/**
 * Writes the case and replays it once: the results become the expected ones.
 *
 * @param stamped samples of the running edge, compared with those of the replay
 */
async function saveCase(
  terminal: CommandTerminal,
  recorded: Omit<Case, 'name' | 'folder' | 'expected'>,
  out: string,
  stamped: readonly ResultLine[] | null,
): Promise<void> {
  // Written atomically.
  const beside = `${out}.${process.pid}.part`;
  mkdirSync(dirname(out) || '.', { recursive: true });
  mkdirSync(beside);
  try {
    for (const [name, text] of Object.entries(caseFiles({ ...recorded, expected: null }))) writeFileSync(join(beside, name), text);
    const written = await readCase(beside, realFiles);
    const lines: ResultLine[] = [];
    await replaySamples({ recorded: written, drivers: await driversOf(written.devices.map(({ driver }) => driver)) }, {}, (line) =>
      lines.push(line),
    );
    writeFileSync(join(beside, 'expected.jsonl'), formatJsonLines(lines));
    renameSync(beside, out);
    report(terminal, out, recorded, lines, stamped);
  } catch (error) {
    rmSync(beside, { recursive: true, force: true });
    throw error;
  }
}

function report(
  terminal: CommandTerminal,
  out: string,
  recorded: Pick<Case, 'devices' | 'traffic' | 'frames' | 'secrets'>,
  lines: readonly ResultLine[],
  stamped: readonly ResultLine[] | null,
): void {
  const samples = lines.filter((line) => !('fault' in line));
  const counts = {
    devices: recorded.devices.length,
    lines: recorded.traffic.length + recorded.frames.length,
    samples: samples.length,
    faults: lines.length - samples.length,
    secrets: recorded.secrets,
  };
  const other = stamped
    ? stamped.filter((line) => !samples.some((sample) => JSON.stringify(sample) === JSON.stringify(line))).length
    : null;
  if (terminal.json)
    return terminal.record({ case: out, ...counts, ...(stamped ? { stamped: stamped.length, stampedOtherwise: other } : {}) });
  const { text } = terminal;
  terminal.print(
    text({
      en: `${out}: ${counts.devices} device(s), ${counts.lines} recorded lines; replayed: ${counts.samples} samples, ${counts.faults} faults`,
      zh: `${out}：设备 ${counts.devices} 台，录制 ${counts.lines} 行；回放得到样本 ${counts.samples} 个、故障 ${counts.faults} 个`,
    }),
  );
  if (stamped)
    terminal.print(
      text({
        en: `the running edge had ${stamped.length} samples; ${other} of them differ in the replay`,
        zh: `运行中的边缘节点给出样本 ${stamped.length} 个，其中 ${other} 个与回放不同`,
      }),
    );
}

function deviceByHand(driver: string, path: string): CaseDevice {
  const raw = parse(readBytes(path).toString('utf8')) as {
    id?: string;
    settings?: Record<string, unknown>;
    points?: CaseDevice['points'];
    timeout?: string;
  } | null;
  return {
    id: raw?.id ?? driver,
    driver,
    settings: raw?.settings ?? {},
    points: raw?.points ?? [],
    timeoutMs: parseDurationMs(raw?.timeout ?? '2s') ?? 2000,
  };
}

function readBytes(path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (error) {
    throw new FaultError(
      'CV_CONFIG_UNREADABLE',
      { path, detail: (error as NodeJS.ErrnoException).code ?? (error as Error).message },
      { cause: error },
    );
  }
}

function durationOf(given: string): number {
  const ms = parseDurationMs(given);
  if (ms !== null && ms > 0 && Number.isFinite(ms)) return ms;
  throw new InvalidArgumentError('60s, 5m …');
}

function portOf(given: string): number {
  const port = Number(given);
  if (Number.isInteger(port) && port >= 1 && port <= 65_535) return port;
  throw new InvalidArgumentError('1 … 65535');
}
