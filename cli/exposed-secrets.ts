/** Secrets that others may read, in a configuration itself or in files that are not private: warned about by `check` and at start. */
import { statSync } from 'node:fs';
import {
  ConfigDocument, problemLine, resolvePath, sortProblems, type ConfigPath, type ConfigProblem, type ConfigSource,
} from '../core/config/check.ts';
import { pathText } from '../core/config/problem.ts';
import type { Fault } from '../core/faults.ts';
import { secretPlaces } from './secret-places.ts';
import type { CommandTerminal } from './terminal.ts';
import './faults.ts';

/** `scheme://user:password@`: no secret by its setting, and one all the same. */
const PASSWORD_IN_URL = /^[a-z][a-z0-9+.-]*:\/\/[^\s/@:]*:[^\s/@]+@/i;

/** Mode of a file; null where there is none. */
type ModeOf = (path: string) => number | null;

/** @param modeOf for tests; a system without modes has nothing to say */
export async function exposedSecrets(
  source: ConfigSource,
  what: 'edge' | 'gateway',
  modeOf: ModeOf = modeOnDisk,
): Promise<ConfigProblem[]> {
  // No secret is read for this: each stays as it is written.
  const document = new ConfigDocument(source, { isNeeded: () => false });
  const isSecret = await secretPlaces(document, what);
  const found: ConfigProblem[] = [];
  const add = (path: ConfigPath, fault: Fault) => {
    found.push({ file: source.path, ...document.place(path, 'value'), path: pathText(path), fault });
  };
  let hasLiteral = false;
  for (const [path, value] of scalars(document.value, [])) {
    const text = typeof value === 'string' || typeof value === 'number' ? String(value) : '';
    const key = String(path.findLast((part) => typeof part === 'string') ?? '');
    if (text === '' || !(isSecret(path) || PASSWORD_IN_URL.test(text))) continue;
    const from = document.secretSource(path);
    if (from === null) {
      hasLiteral = true;
      add(path, { code: 'CV_SECRET_LITERAL', params: { key } });
    }
    for (const [, name = ''] of (from ?? '').matchAll(/\$\{file:([^}]+)\}/g)) {
      const file = resolvePath(source.path, name);
      const mode = modeOf(file) ?? 0;
      if (isOpen(mode)) add(path, { code: 'CV_SECRET_EXPOSED', params: { path: file, mode: octal(mode) } });
    }
  }
  const own = hasLiteral ? (modeOf(source.path) ?? 0) : 0;
  if (isOpen(own)) add([], { code: 'CV_SECRET_EXPOSED', params: { path: source.path, mode: octal(own) } });
  return sortProblems(found);
}

/** At a start they are remarks; `check` gives them as part of its result, marked so that they are not taken for mistakes. */
export function printExposedSecrets(terminal: CommandTerminal, warnings: readonly ConfigProblem[], isResult: boolean): void {
  for (const warning of warnings) {
    const line = problemLine(warning, terminal.language);
    if (isResult && terminal.json) terminal.record({ ...line, warning: true });
    else
      (isResult ? terminal.print : terminal.remark)(
        `${line.file}:${line.line}:${line.column}: ${terminal.text({ en: 'WARNING: ', zh: '警告：' })}${line.message} [${line.fault}]\n  → ${line.remedy}`,
      );
  }
}

const isOpen = (mode: number): boolean => (mode & 0o077) !== 0;
const octal = (mode: number): string => (mode & 0o777).toString(8);

function modeOnDisk(path: string): number | null {
  if (process.platform === 'win32') return null;
  return statSync(path, { throwIfNoEntry: false })?.mode ?? null;
}

function* scalars(value: unknown, path: ConfigPath): Generator<[ConfigPath, unknown]> {
  if (value === null || typeof value !== 'object') yield [path, value];
  else if (Array.isArray(value)) for (const [at, item] of value.entries()) yield* scalars(item, [...path, at]);
  else for (const [key, item] of Object.entries(value)) yield* scalars(item, [...path, key]);
}
