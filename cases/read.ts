/** Reads and checks a case; every problem has its file and line. */
import { basename, join } from 'node:path';
import type { z } from 'zod';
import { checkDocument, type ConfigProblem } from '../core/config/check.ts';
import { FaultError, type Fault } from '../core/faults.ts';
import { parseDurationMs } from '../core/quantity.ts';
import type { ResultLine } from './result-lines.ts';
import { isTooDeep, parseJson } from '../core/wire/json.ts';
import type { Files } from '../core/world.ts';
import type { Case, CaseDevice } from './case.ts';
import { CASE_SCHEMA, CASE_VERSION, EXPECTED_LINE, FRAME_LINE, TRAFFIC_LINE, type CaseHead } from './format.ts';
import './faults.ts';

/** Problems reported per file. */
const MAX_PROBLEMS = 20;
/** A case is read into memory. */
const MAX_FILE_BYTES = 256 << 20;

export interface CaseCheck {
  /** null when there are problems. */
  recorded: Case | null;
  problems: ConfigProblem[];
}

/** Reads and checks the files of one case. A missing `expected.jsonl` is no problem: `expected` is null then. */
export async function checkCase(folder: string, files: Files): Promise<CaseCheck> {
  const problems: ConfigProblem[] = [];
  const headPath = join(folder, 'case.yaml');
  const text = await textOf(headPath, files, problems);
  if (text === null) return { recorded: null, problems };
  const version = /^version:\s*(\S+)/m.exec(text)?.[1];
  if (version !== undefined && version !== String(CASE_VERSION)) {
    return {
      recorded: null,
      problems: [problemAt(headPath, 1, { code: 'CV_CASE_VERSION', params: { path: headPath, version, known: CASE_VERSION } })],
    };
  }
  const head = checkDocument({ path: headPath, text }, CASE_SCHEMA, { isLiteral: true });
  problems.push(...head.problems);
  const level = head.value?.level ?? (/^level:\s*frames\b/m.test(text) ? 'frames' : 'bytes');
  const body = join(folder, level === 'bytes' ? 'traffic.jsonl' : 'frames.jsonl');
  const traffic = level === 'bytes' ? await linesOf(body, TRAFFIC_LINE, files, problems) : [];
  const frames = level === 'frames' ? await linesOf(body, FRAME_LINE, files, problems) : [];
  inOrderOfTime(body, level === 'bytes' ? traffic : frames, problems);
  const expectedPath = join(folder, 'expected.jsonl');
  const expected = (await files.exists(expectedPath)) ? await linesOf(expectedPath, EXPECTED_LINE, files, problems) : null;
  if (problems.length > 0 || !head.value) return { recorded: null, problems };
  const devices = devicesOf(head.value);
  unknownDevices(body, level === 'bytes' ? traffic : frames, devices, problems);
  if (problems.length > 0) return { recorded: null, problems };
  const { title, source, licence, secrets, asker, startsAt } = head.value;
  return {
    recorded: {
      name: basename(folder),
      folder,
      title,
      source,
      licence,
      level,
      secrets,
      asker,
      startsAt,
      devices,
      traffic,
      frames,
      expected: expected as ResultLine[] | null,
    },
    problems,
  };
}

/** Reads one case. @throws the fault of its first problem */
export async function readCase(folder: string, files: Files): Promise<Case> {
  const { recorded, problems: [first] } = await checkCase(folder, files);
  if (recorded) return recorded;
  const { code, params } = first?.fault ?? { code: 'CV_CASE_UNREADABLE', params: { path: folder, detail: '' } } as const;
  // A problem of case.yaml has its file only in its location.
  if (!first || code.startsWith('CV_CASE_')) throw new FaultError(code, params);
  throw new FaultError('CV_CASE_LINE', { place: `${first.file}:${first.line}`, detail: new FaultError(code, params).message });
}

function devicesOf({ driver, device, settings, points, timeout, devices }: CaseHead): Case['devices'] {
  const all = devices ?? [{ id: device, driver: String(driver), settings, points, timeout }];
  return all.map(({ timeout: written, ...one }): CaseDevice => ({
    ...one,
    timeoutMs: parseDurationMs(written) ?? 0,
  })) as unknown as Case['devices'];
}

async function textOf(path: string, files: Files, problems: ConfigProblem[]): Promise<string | null> {
  try {
    const bytes = await files.read(path);
    if (bytes.length <= MAX_FILE_BYTES) return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    problems.push(
      problemAt(path, 1, {
        code: 'CV_CASE_UNREADABLE',
        params: {
          path,
          detail: `${bytes.length} bytes, at most ${MAX_FILE_BYTES}`,
          detailZh: `${bytes.length} 字节，最多 ${MAX_FILE_BYTES}`,
        },
      }),
    );
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    problems.push(problemAt(path, 1, { code: 'CV_CASE_UNREADABLE', params: { path, detail: code ?? message } }));
  }
  return null;
}

async function linesOf<T>(path: string, schema: z.ZodType<T>, files: Files, problems: ConfigProblem[]): Promise<T[]> {
  const text = await textOf(path, files, problems);
  if (text === null) return [];
  const found: T[] = [];
  let wrong = 0;
  const lines = text.split('\n');
  for (const [index, line] of lines.entries()) {
    if (line.trim() === '') continue;
    const problem = parseLine(line, schema, (value) => found.push(value), index === lines.length - 1);
    if (!problem) continue;
    problems.push(problemAt(path, index + 1, { code: 'CV_CASE_LINE', params: { place: `${path}:${index + 1}`, ...problem } }));
    wrong += 1;
    if (wrong >= MAX_PROBLEMS) break;
  }
  return found;
}

type Detail = { detail: string; detailZh: string };

function parseLine<T>(line: string, schema: z.ZodType<T>, take: (value: T) => void, isLast: boolean): Detail | null {
  let value: unknown;
  try {
    value = parseJson(line);
  } catch (error) {
    if (isLast && !isTooDeep(line)) return { detail: 'the file ends within this line: truncated', detailZh: '文件在此行中间结束：已被截断' };
    return { detail: `invalid JSON: ${(error as Error).message}`, detailZh: `无效的 JSON：${(error as Error).message}` };
  }
  const parsed = schema.safeParse(value);
  if (parsed.success) {
    take(parsed.data);
    return null;
  }
  return lineProblem(value, parsed.error.issues);
}

/** Describes the problem of a line: field and reason. */
function lineProblem(value: unknown, issues: readonly z.core.$ZodIssue[]): Detail {
  const fields = value as { bytes?: unknown; dir?: unknown; event?: unknown } | null;
  if (fields && typeof fields === 'object' && fields.dir !== undefined && fields.event === undefined && fields.bytes === undefined) {
    return { detail: 'bytes missing', detailZh: '缺少 bytes' };
  }
  if (typeof fields?.bytes === 'string' && fields.bytes.length % 2 === 1)
    return {
      detail: `${fields.bytes.length} hexadecimal digits, expected an even number`,
      detailZh: `${fields.bytes.length} 个十六进制数字，应为偶数个`,
    };
  const [issue] = issues.flatMap((one) => (one.code === 'invalid_union' ? closest(one.errors) : [one]));
  const where = issue?.path.join('.') ?? '';
  const what = issue?.message ?? '';
  return { detail: where ? `${where}: ${what}` : what, detailZh: where ? `${where}：${what}` : what };
}

/** Of the possible line types, the closest one. */
function closest(errors: readonly (readonly z.core.$ZodIssue[])[]): readonly z.core.$ZodIssue[] {
  return errors.toSorted((a, b) => a.length - b.length)[0] ?? [];
}

function inOrderOfTime(path: string, lines: readonly { afterUs: number }[], problems: ConfigProblem[]): void {
  const wrong = lines.findIndex((line, index) => index > 0 && line.afterUs < (lines[index - 1] as { afterUs: number }).afterUs);
  if (wrong < 0) return;
  problems.push(
    problemAt(path, wrong + 1, {
      code: 'CV_CASE_LINE',
      params: { place: `${path}:${wrong + 1}`, detail: 'afterUs is less than in the line before', detailZh: 'afterUs 小于上一行' },
    }),
  );
}

function unknownDevices(
  path: string,
  lines: readonly { device?: string | undefined }[],
  devices: readonly CaseDevice[],
  problems: ConfigProblem[],
): void {
  const ids = new Set(devices.map(({ id }) => id));
  const wrong = lines.findIndex(({ device }) => device !== undefined && !ids.has(device));
  if (wrong < 0) return;
  const { device } = lines[wrong] as { device: string };
  problems.push(
    problemAt(path, wrong + 1, {
      code: 'CV_CASE_LINE',
      params: {
        place: `${path}:${wrong + 1}`,
        detail: `device "${device}" is not in case.yaml`,
        detailZh: `case.yaml 中没有设备“${device}”`,
      },
    }),
  );
}

function problemAt(file: string, line: number, fault: Fault): ConfigProblem {
  return { file, line, column: 1, path: '', fault };
}
