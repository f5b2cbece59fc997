/** `cityvitals decode DRIVER`: bytes or frames of a device, read as the edge would read them, without the device. */
import { readFileSync } from 'node:fs';
import { Command, Option } from 'commander';
import type { z } from 'zod';
import { checkPart, ConfigDocument, inOrder, type ConfigProblem, type Path } from '../core/config/check.ts';
import { withPaths } from '../core/config/paths.ts';
import { metaOf } from '../core/config/schema-notes.ts';
import { unknownName } from '../core/config/issues.ts';
import type { Driver, FrameReader, Request } from '../core/driver.ts';
import { FaultError } from '../core/faults.ts';
import { faultLine, resultLines } from '../cases/result-lines.ts';
import { parseJson } from '../core/wire/json.ts';
import { driverById, driverIds } from '../drivers/index.ts';
import { bytesOf, framesOfInput, INPUTS, type Input } from './decode-input.ts';
import { openProgress } from './progress.ts';
import { printAround, printLine } from './result-print.ts';
import { printProblems } from './service.ts';
import { EXIT, fail, type Terminal } from './terminal.ts';
import './faults.ts';

interface Options {
  settings?: string;
  hex?: string[];
  input: Input;
}

const EXAMPLES = `
  cityvitals decode modbus --hex "0001 0000 0006 11 03 006B 0003" --hex "0001 0000 0009 11 03 06 AE41 5652 4340"
  cityvitals decode modbus --settings pump.yaml exchange.txt
  cityvitals decode frame --settings manhole.yaml --hex "A55A 0E 0A1B2C3D 02 260101080000 007B 01 4A"
  cityvitals decode hj212 packets.txt
  cat frames.jsonl | cityvitals decode opcua -`;

export function define(terminal: Terminal): Command {
  const text = terminal.text;
  return new Command()
    .argument('<driver>', text({ en: `one of ${driverIds().join(', ')}`, zh: `${driverIds().join('、')} 之一` }))
    .argument('[file]', text({ en: 'lines of hex, text or bytes as the device sends them, or JSON lines of frames; - is standard input', zh: '十六进制行、设备发出的文本或字节，或 JSON 帧行；- 表示标准输入' }))
    .option('--settings <file>', text({ en: 'YAML with `points` of the device and, where it matters, its `settings`, as in its configuration', zh: '含设备 `points`（必要时含 `settings`）的 YAML，写法与配置相同' }))
    .option('--hex <string...>', text({ en: 'a frame in hex; may be given again', zh: '一帧的十六进制，可重复给出' }))
    .addOption(new Option('--input <form>', text({ en: 'what the file holds; auto: its first line says so, and lines of `# …` are comments', zh: '文件内容的形式；auto 按首行判断，`# …` 行为注释' })).choices([...INPUTS]).default('auto'))
    .addHelpText('after', `\n${text({ en: 'Modbus takes request and answer in turn, one a line, with MBAP or CRC.', zh: 'Modbus 按请求、应答交替给出，每行一个报文，MBAP 或 CRC 均可。' })}\n\n${text({ en: 'Examples', zh: '示例' })}:${EXAMPLES}`)
    .action((driver: string, file: string | undefined, options: Options) => run(terminal, driver, file, options).catch((error: unknown) => fail(terminal, error, EXIT.usage)));
}

async function run(terminal: Terminal, id: string, file: string | undefined, options: Options): Promise<void> {
  const driver = await driverById(id);
  if (!driver) {
    const { code, params } = unknownName('CV_DRIVER_UNKNOWN', { driver: id }, driverIds(), { en: 'cityvitals', zh: 'cityvitals' });
    throw new FaultError(code, params);
  }
  if (!driver.frameReader) throw new FaultError('CV_DECODE_NOT_OFFERED', { driver: id });
  const { points, settings, unitOf } = options.settings === undefined ? { points: [], settings: undefined, unitOf: undefined } : deviceOf(terminal, driver, options.settings);
  const input = inputOf(driver.frameReader, file, options);
  const at = Date.now();
  let isFaulty = input.length === 0;
  // A screen of results is progress enough; into a file or a pipe, stderr says how far it is.
  const progress = process.stdout.isTTY ? null : openProgress(terminal, { id: 'decode', en: 'decoding, frames', zh: '正在解析，帧' });
  let frames = 0;
  for (const read of driver.frameReader.read(input, points, settings)) {
    const context = { device: id, at, request: read.request, language: terminal.language, isForPeople: true, unitOf: unitOf ?? unitsOf(driver) };
    const around = read.fault ? {} : driver.frameReader.around?.(read.frame, at) ?? {};
    const lines = read.fault ? [faultLine(read.fault, at, terminal.language)] : resultLines(driver.decode(read.frame, read.request), { ...context, around });
    for (const line of lines) printLine(terminal, line);
    printAround(terminal, around);
    if (lines.length === 0) terminal.remark(terminal.text({ en: 'a good frame, in which none of the points lies', zh: '帧有效，但其中没有任何测点' }));
    isFaulty ||= lines.some((line) => 'fault' in line);
    frames += 1;
    progress?.tell(frames, input.length > 1 ? input.length : null);
  }
  progress?.end();
  process.exitCode = isFaulty ? EXIT.found : EXIT.ok;
}

const unitsOf = (driver: Driver) => (point: string) => driver.points?.[point]?.unit ?? '';

interface Described {
  points: { id: string }[];
  settings: unknown;
  unitOf(point: string): string;
}

/** The `points` and, where there are any, `settings` of a file, checked as the driver checks them; ends with exit 2 when it finds anything wrong. */
function deviceOf(terminal: Terminal, driver: Driver, path: string): Described {
  const document = new ConfigDocument({ path, text: readFrom(path).toString('utf8') }, { env: process.env, readFile: (file) => readFileSync(file, 'utf8'), isNeeded: (at) => !isSecret(driver, at) });
  const raw = document.value as { points?: unknown; settings?: unknown } | undefined;
  const listed = Array.isArray(raw?.points) ? (raw.points as Record<string, unknown>[]) : [];
  const problems: ConfigProblem[] = [...document.problems];
  const checked = raw?.settings === undefined ? null : checkPart(document, driver.settings, ['settings'], { en: 'the device', zh: '设备' });
  // No device is opened: what stands there must be right, what is left out is not needed.
  const wrong = checked?.problems.filter(({ fault }) => fault.code !== 'CV_SETTING_MISSING') ?? [];
  problems.push(...wrong);
  const value = checked?.value ?? (checked && wrong.length === 0 ? givenOf(driver, raw?.settings) : null);
  const settings = value ? withPaths(driver.settings, value, path) : undefined;
  const points = listed.map((item, at) => {
    const { point } = driver;
    if (!point || item === null || typeof item !== 'object') return { id: String(item?.id ?? at) };
    const own = Object.fromEntries(Object.entries(item).filter(([key]) => key in point.shape));
    const one = checkPart(document, point, ['points', at], { en: `point "${String(item.id)}"`, zh: `测点“${String(item.id)}”` }, own);
    problems.push(...one.problems);
    return Object.assign({}, one.value, { id: String(item.id ?? at) });
  });
  printProblems(terminal, inOrder(problems));
  if (problems.length > 0) process.exit(EXIT.usage);
  const units = new Map(listed.map((item) => [String(item.id), item.unit === undefined ? undefined : String(item.unit)]));
  const knownUnit = (id: string) => {
    const point = points.find((one) => one.id === id);
    return point && driver.known?.(point, settings)?.unit;
  };
  return { points, settings, unitOf: (point) => units.get(point) ?? knownUnit(point) ?? unitsOf(driver)(point) };
}

/** Bytes are read without any secret: one that is not there is not missed. */
function isSecret(driver: Driver, [part, key]: Path): boolean {
  const field = part === 'settings' ? driver.settings.shape[String(key)] as z.ZodType | undefined : undefined;
  return field !== undefined && metaOf(field).secret === true;
}

/** The settings that are there, and the defaults of the others. */
function givenOf(driver: Driver, raw: unknown): Record<string, unknown> {
  const given = (raw ?? {}) as Record<string, unknown>;
  return Object.fromEntries(Object.entries(driver.settings.shape).flatMap(([key, field]) => {
    const read = (field as z.ZodType).safeParse(given[key]);
    return read.success ? [[key, read.data]] : [];
  }));
}

/** What the driver's reader takes: bytes a frame, or one parsed JSON line a frame. */
function inputOf(reader: FrameReader<unknown, Request>, file: string | undefined, { hex, input }: Options): unknown[] {
  if (hex) return hex.flatMap((text) => text.split('\n')).filter((line) => line.trim() !== '').map((line, at) => bytesOf(line, `--hex ${at + 1}`));
  const path = file ?? '-';
  const content = readFrom(path);
  const name = path === '-' ? 'stdin' : path;
  if (reader.level === 'frames') return content.toString('utf8').split(/\r?\n/).flatMap((line, at) => (line.trim() === '' ? [] : [jsonOf(line, `${name}:${at + 1}`)]));
  return framesOfInput(content, name, input);
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
