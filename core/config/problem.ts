/** A problem in a configuration file: where it is, and the fault that says what is wrong and what to do. */
import { dirname, isAbsolute, resolve } from 'node:path';
import { z } from 'zod';
import { explain, type Fault, type FaultCode, type Language } from '../faults.ts';

export type ConfigPath = readonly (string | number)[];

export interface ConfigProblem {
  file: string;
  /** From 1. */
  line: number;
  /** From 1. */
  column: number;
  /** `devices[0].points[1].unit`; '' for the file as a whole. */
  path: string;
  fault: Fault;
}

/** The line form of a problem: what `check --json` prints. */
export const PROBLEM_LINE = z.strictObject({
  file: z.string(),
  line: z.int().min(1),
  column: z.int().min(1),
  path: z.string(),
  fault: z.string(),
  message: z.string(),
  remedy: z.string(),
});
export type ProblemLine = z.infer<typeof PROBLEM_LINE> & { fault: FaultCode };

export function problemLine(problem: ConfigProblem, language: Language): ProblemLine {
  const { file, line, column, path, fault } = problem;
  return { file, line, column, path, fault: fault.code, ...explain(fault, language) };
}

export function pathText(path: ConfigPath): string {
  return path.map((part, index) => (typeof part === 'number' ? `[${part}]` : `${index > 0 ? '.' : ''}${part}`)).join('');
}

/** From the top of the file down, each mistake once. */
export function sortProblems(problems: readonly ConfigProblem[]): ConfigProblem[] {
  const seen = new Set<string>();
  return withoutEchoes(problems)
    .toSorted((a, b) => (a.file < b.file ? -1 : Number(a.file > b.file)) || a.line - b.line || a.column - b.column)
    .filter((problem) => {
      const key = JSON.stringify([problem.file, problem.line, problem.path, problem.fault]);
      return !seen.has(key) && seen.add(key);
    });
}

/** A misspelt key is one mistake, not two: what it should have been is not told as missing beside it. */
function withoutEchoes(problems: readonly ConfigProblem[]): ConfigProblem[] {
  const meant = problems.filter(({ fault }) => fault.code === 'CV_SETTING_UNKNOWN' && fault.params.nearest !== undefined)
    .map(({ path, fault }) => path.slice(0, path.length - String(fault.params.key).length) + String(fault.params.nearest));
  const isEcho = ({ path, fault }: ConfigProblem) =>
    fault.code === 'CV_SETTING_MISSING' && meant.some((name) => path === name || path.startsWith(`${name}.`));
  return problems.filter((problem) => !isEcho(problem));
}

/** Relative paths are relative to the configuration file that names them. */
export function resolvePath(configPath: string, path: string): string {
  return isAbsolute(path) ? path : resolve(dirname(configPath), path);
}
