/** `cityvitals decode DRIVER`: decodes bytes or frames of a device, without the device. */
import { readFileSync } from 'node:fs';
import { Command, Option } from 'commander';
import type { z } from 'zod';
import { checkPart, ConfigDocument, sortProblems, type ConfigProblem, type ConfigPath } from '../core/config/check.ts';
import { withPaths } from '../core/config/paths.ts';
import { metaOf } from '../core/config/schema-notes.ts';
import { unknownName } from '../core/config/issues.ts';
import type { Driver, FrameReader, Request } from '../core/driver.ts';
import { FaultError } from '../core/faults.ts';
import { faultLine, resultLines } from '../cases/result-lines.ts';
import { parseJson } from '../core/wire/json.ts';
import { driverById, driverIds } from '../drivers/index.ts';
import { parseHex, readFrames, INPUT_FORMATS, type InputFormat } from './decode-input.ts';
import { openProgress } from './progress.ts';
import { printExchange, printResultLine } from './print-result.ts';
import { printProblems } from './service.ts';
import { EXIT, exitWithFault, type CommandTerminal } from './terminal.ts';
import './faults.ts';

interface Options {
  settings?: string;
  hex?: string[];
  input: InputFormat;
}

const EXAMPLES = `
  cityvitals decode modbus --hex "0001 0000 0006 11 03 006B 0003" --hex "0001 0000 0009 11 03 06 AE41 5652 4340"
  cityvitals decode modbus --settings pump.yaml exchange.txt
  cityvitals decode frame --settings manhole.yaml --hex "A55A 0E 0A1B2C3D 02 260101080000 007B 01 4A"
  cityvitals decode hj212 packets.txt
  cat frames.jsonl | cityvitals decode opcua -`;

export function define(terminal: CommandTerminal): Command {
  const text = terminal.text;
  return new Command()
    .argument('<driver>', text({ en: `one of ${driverIds().join(', ')}`, zh: `${driverIds().join('、')} 之一` }))
    .argument(
      '[file]',
      text({
        en: 'lines of hex, text or bytes as the device sends them, or JSON lines of frames; - is standard input',
        zh: '十六进制行、设备发出的文本或字节，或 JSON 帧行；- 表示标准输入',
      }),
    )
    .option(
      '--settings <file>',
      text({
        en: 'YAML with `points` of the device and, if needed, its `settings`, as in the configuration',
        zh: '含设备 `points`（必要时含 `settings`）的 YAML，写法与配置相同',
      }),
    )
    .option('--hex <string...>', text({ en: 'a frame in hex; repeatable', zh: '一帧的十六进制，可重复给出' }))
    .addOption(
      new Option(
        '--input <form>',
        text({
          en: 'format of the file; auto: detected from the first line, lines of `# …` are comments',
          zh: '文件内容的形式；auto 按首行判断，`# …` 行为注释',
        }),
      )
        .choices([...INPUT_FORMATS])
        .default('auto'),
    )
    .addHelpText(
      'after',
      `\n${text({ en: 'Modbus: requests and responses alternate, one per line, with MBAP or CRC.', zh: 'Modbus 按请求、应答交替给出，每行一个报文，MBAP 或 CRC 均可。' })}\n\n${text({ en: 'Examples', zh: '示例' })}:${EXAMPLES}`,
    )
    .action((driver: string, file: string | undefined, options: Options) =>
      run(terminal, driver, file, options).catch((error: unknown) => exitWithFault(terminal, error, EXIT.usage)),
    );
}

async function run(terminal: CommandTerminal, id: string, file: string | undefined, options: Options): Promise<void> {
  const driver = await driverById(id);
  if (!driver) {
    const { code, params } = unknownName('CV_DRIVER_UNKNOWN', { driver: id }, driverIds(), { en: 'cityvitals', zh: 'cityvitals' });
    throw new FaultError(code, params);
  }
  if (!driver.frameReader) throw new FaultError('CV_DECODE_NOT_OFFERED', { driver: id });
  const { points, settings, unitOf } =
    options.settings === undefined ? { points: [], settings: undefined, unitOf: undefined } : deviceOf(terminal, driver, options.settings);
  const input = inputOf(driver.frameReader, file, options);
  const atMs = Date.now();
  let isFaulty = input.length === 0;
  // On a terminal the results show the progress.
  const progress = process.stdout.isTTY ? null : openProgress(terminal, { id: 'decode', en: 'decoding, frames', zh: '正在解析，帧' });
  let frames = 0;
  for (const read of driver.frameReader.read(input, points, settings)) {
    const context = {
      device: id,
      at: atMs,
      request: read.request,
      language: terminal.language,
      isForPeople: true,
      unitOf: unitOf ?? unitsOf(driver),
    };
    const around = read.fault ? {} : (driver.frameReader.around?.(read.frame, atMs) ?? {});
    const lines = read.fault
      ? [faultLine(read.fault, atMs, terminal.language)]
      : resultLines(driver.decode(read.frame, read.request), { ...context, exchange: around });
    for (const line of lines) printResultLine(terminal, line);
    printExchange(terminal, around);
    if (lines.length === 0) terminal.remark(terminal.text({ en: 'valid frame without any of the points', zh: '帧有效，但其中没有任何测点' }));
    isFaulty ||= lines.some((line) => 'fault' in line);
    frames += 1;
    progress?.update(frames, input.length > 1 ? input.length : null);
  }
  progress?.end();
  process.exitCode = isFaulty ? EXIT.found : EXIT.ok;
}

const unitsOf = (driver: Driver) => (point: string) => driver.points?.[point]?.unit ?? '';

interface DeviceDescription {
  points: { id: string }[];
  settings: unknown;
  unitOf(point: string): string;
}

/** The `points` and, where there are any, `settings` of a file, checked as the driver checks them; ends with exit 2 when it finds anything wrong. */
function deviceOf(terminal: CommandTerminal, driver: Driver, path: string): DeviceDescription {
  const document = new ConfigDocument(
    { path, text: readFrom(path).toString('utf8') },
    { env: process.env, readFile: (file) => readFileSync(file, 'utf8'), isNeeded: (path) => !isSecret(driver, path) },
  );
  const raw = document.value as { points?: unknown; settings?: unknown } | undefined;
  const listed = Array.isArray(raw?.points) ? (raw.points as Record<string, unknown>[]) : [];
  const problems: ConfigProblem[] = [...document.problems];
  const checked = raw?.settings === undefined ? null : checkPart(document, driver.settings, ['settings'], { en: 'the device', zh: '设备' });
  // No device is opened: given settings must be valid, missing ones are not needed.
  const wrong = checked?.problems.filter(({ fault }) => fault.code !== 'CV_SETTING_MISSING') ?? [];
  problems.push(...wrong);
  const value = checked?.value ?? (checked && wrong.length === 0 ? givenOf(driver, raw?.settings) : null);
  const settings = value ? withPaths(driver.settings, value, path) : undefined;
  const points = listed.map((item, index) => {
    const { point } = driver;
    if (!point || item === null || typeof item !== 'object') return { id: String(item?.id ?? index) };
    const own = Object.fromEntries(Object.entries(item).filter(([key]) => key in point.shape));
    const one = checkPart(document, point, ['points', index], { en: `point "${String(item.id)}"`, zh: `测点“${String(item.id)}”` }, own);
    problems.push(...one.problems);
    return Object.assign({}, one.value, { id: String(item.id ?? index) });
  });
  printProblems(terminal, sortProblems(problems));
  if (problems.length > 0) process.exit(EXIT.usage);
  const units = new Map(listed.map((item) => [String(item.id), item.unit === undefined ? undefined : String(item.unit)]));
  const knownUnit = (id: string) => {
    const point = points.find((one) => one.id === id);
    return point && driver.pointDefaults?.(point, settings)?.unit;
  };
  return { points, settings, unitOf: (point) => units.get(point) ?? knownUnit(point) ?? unitsOf(driver)(point) };
}

/** Secrets are not needed to decode. */
function isSecret(driver: Driver, [part, key]: ConfigPath): boolean {
  const field = part === 'settings' ? driver.settings.shape[String(key)] as z.ZodType | undefined : undefined;
  return field !== undefined && metaOf(field).secret === true;
}

/** The given settings, with defaults for the others. */
function givenOf(driver: Driver, raw: unknown): Record<string, unknown> {
  const given = (raw ?? {}) as Record<string, unknown>;
  return Object.fromEntries(Object.entries(driver.settings.shape).flatMap(([key, field]) => {
    const read = (field as z.ZodType).safeParse(given[key]);
    return read.success ? [[key, read.data]] : [];
  }));
}

/** What the driver's reader takes: bytes a frame, or one parsed JSON line a frame. */
function inputOf(reader: FrameReader<unknown, Request>, file: string | undefined, { hex, input }: Options): unknown[] {
  if (hex)
    return hex
      .flatMap((text) => text.split('\n'))
      .filter((line) => line.trim() !== '')
      .map((line, index) => parseHex(line, `--hex ${index + 1}`));
  const path = file ?? '-';
  const content = readFrom(path);
  const name = path === '-' ? 'stdin' : path;
  if (reader.level === 'frames')
    return content
      .toString('utf8')
      .split(/\r?\n/)
      .flatMap((line, index) => (line.trim() === '' ? [] : [jsonOf(line, `${name}:${index + 1}`)]));
  return readFrames(content, name, input);
}

function readFrom(path: string): Buffer {
  try {
    return readFileSync(path === '-' ? 0 : path);
  } catch (error) {
    throw new FaultError('CV_CONFIG_UNREADABLE', { path, detail: (error as Error).message }, { cause: error });
  }
}

function jsonOf(line: string, place: string): unknown {
  try {
    return parseJson(line);
  } catch (error) {
    throw new FaultError('CV_INPUT_UNREADABLE', { place, detail: (error as Error).message }, { cause: error });
  }
}
